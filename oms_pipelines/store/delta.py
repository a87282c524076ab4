"""A delta store for tables of sums: what was added lately stands beside the large table.

DuckDB passes over all keys of a table to find some of them, and a checkpoint stores a column
anew in each row group that an update hits: sums of a tick lie in all of them. So they go into a
small table of the same columns (`schema.DELTAS`), which is merged into the large one when it
has grown to a share of it, and whenever the table is rewritten anyway. Statements sum over both.
"""

from collections.abc import Sequence

import polars as pl

from oms_pipelines.store import frames
from oms_pipelines.store.session import SqlSession, names_of

SMALL = 1_000_000  # rows of a table that is added to in place: a pass over it costs nothing
SHARE = 20  # a delta is merged at one row to so many of its table: few merges, short reads


class DeltaSession(SqlSession):
    """A session that keeps what is added to large tables of sums in their deltas."""

    def add(self, table: str, rows: pl.DataFrame) -> None:
        """Add to the numbers of stored rows, or to what is to be added to them."""
        delta = _delta_of(table)
        if delta is None or self._count(table) < SMALL:
            super().add(table, rows)
            return
        super().add(delta, rows)
        if self._count(delta) * SHARE > self._count(table):
            self._merge(table)

    def table(self, table: str) -> pl.DataFrame:
        """Return a whole table, with its delta, in key order."""
        rows, delta = super().table(table), _delta_of(table)
        if delta is None:
            return rows
        key = list(frames.schema().key_of(table))
        both = pl.concat([rows, super().table(delta)])
        return both.group_by(key).agg(pl.all().sum()).select(rows.columns).sort(key)

    def upsert(self, table: str, rows: pl.DataFrame) -> int:
        """Insert rows or replace those of the same key. Return how many rows differ now."""
        self._merge(table)
        return super().upsert(table, rows)

    def insert_new(self, table: str, rows: pl.DataFrame) -> int:
        """Insert rows whose key is not there yet. Return how many."""
        self._merge(table)
        return super().insert_new(table, rows)

    def cluster(self, table: str, by: Sequence[str]) -> None:
        """Rewrite a table, with its delta, in the order of some columns."""
        self._merge(table)
        super().cluster(table, by)

    def _merge(self, table: str) -> None:
        """Add the delta of a table to it, where it has one."""
        delta = _delta_of(table)
        if delta is None or not self._count(delta):
            return
        names = {**names_of(table), "delta": f'"{delta}"'}
        for step in ("delta_add", "delta_insert", "delta_clear"):
            self._do(f"{self.folder}/{step}", names)

    def _count(self, table: str) -> int:
        return self._query(table, f'SELECT count(*) AS rows FROM "{table}"', {})["rows"][0]


def _delta_of(table: str) -> str | None:
    return frames.schema().DELTAS.get(table)
