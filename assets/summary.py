"""Metadata of a run as people read it: counts, tables, links; never personal data."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dagster as dg


def table(rows: Sequence[Mapping[str, Any]]) -> dg.MarkdownMetadataValue:
    """Return rows as a Markdown table; a line that says so when there are none."""
    if not rows:
        return dg.MetadataValue.md("nothing")
    names = list(rows[0])
    lines = [" | ".join(names), " | ".join("---" for _ in names)]
    lines += [" | ".join(_cell(row.get(n)) for n in names) for row in rows]
    return dg.MetadataValue.md("\n".join(f"| {line} |" for line in lines))


def _cell(value: Any) -> str:
    return "" if value is None else str(value).replace("|", "\\|").replace("\n", " ")


def totals(rows: Iterable[Mapping[str, Any]], *names: str) -> dict[str, int]:
    """Return the sums of some columns."""
    kept = list(rows)
    return {name: sum(int(row.get(name) or 0) for row in kept) for name in names}
