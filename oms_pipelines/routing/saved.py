"""Inputs of plans as they lie on the disk: which there are, how old, and of whom they tell."""

import io
import os
import re
import shutil
from collections.abc import Collection
from datetime import UTC, date, datetime
from pathlib import Path

import orjson
import polars as pl

_NAME = re.compile(r"(\d{8}T\d{6}Z)-\w+")
_WHERE = ("postal_code", "latitude", "longitude")  # of the customer; the country stays


def saved_inputs(root: Path) -> list[Path]:
    """Return the folders of saved inputs, oldest first. Each is whole."""
    return sorted(x for x in root.glob("*-*") if _NAME.fullmatch(x.name) and x.is_dir())


def is_plan(file: Path) -> bool:
    """Tell whether a file or folder is named by a plan."""
    return _NAME.fullmatch(file.stem) is not None


def saved_between(root: Path, first: date, last: date) -> list[Path]:
    """Return the folders of inputs of plans made on some days (UTC), both included."""
    return [x for x in saved_inputs(root) if first <= planned_at(x).date() <= last]


def delete_saved(root: Path, before: datetime) -> int:
    """Delete inputs of plans made before a time, and parts that killed writers left of such.

    Returns how many plans.
    """
    old = [x for x in saved_inputs(root) if planned_at(x) < before]
    for folder in old:
        folder.rename(f"{folder}.tmp")  # out of sight first: what is seen is whole
    for part in root.glob("*-*.tmp"):
        if _NAME.fullmatch(part.stem) and planned_at(part) < before:
            shutil.rmtree(part)
    return len(old)


def planned_at(folder: Path) -> datetime:
    """Return the second in which the plan of saved inputs was made."""
    stamp = folder.name.partition("-")[0]
    return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def erase_saved(root: Path, order_ids: Collection[str]) -> tuple[int, list[str]]:
    """Take from saved inputs where the customers of orders live.

    Returns how many plans were changed, and the folders that cannot be read. The inputs say
    that they were changed: planned again, they need not make the same plan.
    """
    changed, left = 0, []
    for folder in saved_inputs(root):
        try:
            changed += _erased(folder, order_ids)
        except (OSError, ValueError, pl.exceptions.PolarsError):
            left.append(f"plans/{folder.name}")
    return changed, left


def _erased(folder: Path, order_ids: Collection[str]) -> bool:
    lines = pl.read_parquet(folder / "lines.parquet")
    mine = pl.col("order_id").is_in(list(order_ids))
    if lines.filter(mine, pl.any_horizontal(pl.col(_WHERE).is_not_null())).is_empty():
        return False
    settings = orjson.loads((folder / "settings.json").read_bytes()) | {"erased": True}
    _replace(folder / "settings.json", orjson.dumps(settings))
    blank = [pl.when(~mine).then(pl.col(c)).alias(c) for c in _WHERE]
    body = io.BytesIO()
    lines.with_columns(blank).write_parquet(body)
    _replace(folder / "lines.parquet", body.getvalue())
    return True


def was_erased(folder: Path) -> bool:
    """Tell whether somebody was erased from saved inputs."""
    return bool(orjson.loads((folder / "settings.json").read_bytes()).get("erased"))


def _replace(file: Path, body: bytes) -> None:
    temporary = file.with_name(f".{file.name}.tmp")
    temporary.write_bytes(body)
    os.replace(temporary, file)
