"""Marts for the data team: Parquet by day, which any engine reads."""

import os
from pathlib import Path

import polars as pl


def write_mart(folder: Path, frame: pl.DataFrame) -> int:
    """Write a frame with a `day` column as one file a day; return the files that changed.

    A day is replaced whole: `<folder>/day=2026-03-02.parquet`. Days that vanished are removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    changed = 0
    kept = set()
    for (day,), rows in frame.group_by("day", maintain_order=True):
        file = folder / f"day={day}.parquet"
        kept.add(file.name)
        if file.exists() and pl.read_parquet(file, hive_partitioning=False).equals(rows):
            continue
        write_parquet(file, rows)
        changed += 1
    for file in folder.glob("day=*.parquet"):
        if file.name not in kept:
            file.unlink()
            changed += 1
    return changed


def write_parquet(file: Path, frame: pl.DataFrame) -> None:
    """Write a frame so that a reader sees the old file or the new one, never a part."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.tmp")
    frame.write_parquet(temporary, compression="zstd")
    os.replace(temporary, file)
