"""The one interface of both stores.

A store holds the canonical tables of `schema.py`. Work goes through short sessions:

    with store.session() as s:            # one transaction; rolls back on any error
        lines = s.query("plan/open_lines", as_of=now)      # sql/plan/open_lines.sql
        s.merge_documents("orders", frame, {"order_lines": lines})

Statements are portable SQL (the subset that DuckDB and PostgreSQL share), with `$name`
parameters. Frames are Polars with the columns of `schema.py`.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import polars as pl


@dataclass(frozen=True)
class Merged:
    """What a merge did, in documents: new + newer + same + stale = received."""

    new: int = 0
    newer: int = 0
    same: int = 0
    stale: int = 0

    @property
    def changed(self) -> int:
        return self.new + self.newer

    def __add__(self, other: "Merged") -> "Merged":
        return Merged(
            self.new + other.new,
            self.newer + other.newer,
            self.same + other.same,
            self.stale + other.stale,
        )


class Session(Protocol):
    """One transaction on the store."""

    def query(self, name: str, /, **params: Any) -> pl.DataFrame:
        """Run `sql/<name>.sql` and return its rows, typed as in `schema.py`."""
        ...

    def run(self, name: str, /, **params: Any) -> int:
        """Run `sql/<name>.sql` for its effect and return the rows it touched."""
        ...

    def table(self, table: str) -> pl.DataFrame:
        """Return a whole table, in key order. For small tables and tests."""
        ...

    def merge_documents(
        self, table: str, documents: pl.DataFrame, children: Mapping[str, pl.DataFrame]
    ) -> Merged:
        """Merge versioned documents, and replace the children of those that won.

        A document wins over the stored one when its (source_version, fetched_at,
        record_hash) is greater; within `documents` the greatest of a key counts. Children
        (tables whose `parent` is `table`) of a winner replace all stored children of its
        key; children of a loser are dropped. When only `fetched_at` and `batch_id` differ
        the stored row takes them and the document counts as `same`. Idempotent and
        commutative over batches.

        A child table that is not given stays as it is. Child rows may carry the
        `record_hash` of their document, and must when a key comes in several versions.
        Raises Malformed when the frames do not fit the schema.
        """
        ...

    def upsert(self, table: str, rows: pl.DataFrame) -> int:
        """Insert rows or replace those of the same key. Return how many rows differ now."""
        ...

    def insert_new(self, table: str, rows: pl.DataFrame) -> int:
        """Insert rows whose key is not there yet, leave the others. Return the inserted."""
        ...

    def add(self, table: str, rows: pl.DataFrame) -> None:
        """Add to the numbers of stored rows, and insert rows whose key is not there yet.

        For tables of sums: every column beside the key is a whole number, and not null. One of
        `schema.DELTAS` may keep what was added in its delta: statements sum over both.
        """
        ...

    def cluster(self, table: str, by: Sequence[str]) -> None:
        """Have the rows of a table lie in the order of some columns, where a store has an order.

        A join by these columns then reads fewer blocks, and text it has met before: the
        embedded store has no index. PostgreSQL has, and does nothing. Rewrites the table, so it
        is for the night; rows that come later lie behind until the next time.
        """
        ...

    def frame(self, name: str, rows: pl.DataFrame) -> None:
        """Make rows readable by later statements of this session as temp table `name`."""
        ...

    def pick(self, name: str, table: str, keys: pl.DataFrame) -> None:
        """Make the rows of a table that have these keys readable as temp table `name`.

        For a few rows of a large table, by columns that need not be its whole key: the
        embedded store reads the other columns only where those rows lie, while a join in a
        statement reads them all.
        """
        ...

    def commit(self) -> None:
        """Make durable what was done so far, and go on in a new transaction.

        For facts that must not wait for the session's end. Frames have to be given anew.
        """
        ...


class Store(Protocol):
    """Where the canonical tables live."""

    def migrate(self) -> None:
        """Create what is missing of `schema.py`. Safe to call at every start."""
        ...

    def session(self, *, read_only: bool = False) -> AbstractContextManager[Session]:
        """Open a transaction; commit at the end, roll back on an error."""
        ...
