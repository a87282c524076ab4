"""How the sandbox's partners write files: never half, never under the final name too early."""

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any


def put(path: Path, body: bytes) -> None:
    """Write a file under a temporary name, flush it to the disk, and give it its name."""
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("wb") as f:
        f.write(body)
        f.flush()
        os.fsync(f.fileno())
    temporary.replace(path)


def table(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Return rows as `;` CSV with CRLF, as the built-in formats have it."""
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="", delimiter=";", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()
