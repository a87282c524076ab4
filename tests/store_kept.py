"""Stores that keep one connection open and are emptied in place: cheap worlds, by the thousand.

Statements and transactions are those of the real stores; only opening and closing is saved.
"""

import threading
from collections.abc import Generator, Iterable
from contextlib import ExitStack, contextmanager
from pathlib import Path

import duckdb
import psycopg

from oms_pipelines.store.duckdb import DuckdbSession, DuckdbStore
from oms_pipelines.store.postgres import PostgresSession, PostgresStore


class KeptDuckdb(DuckdbStore):
    """The embedded store on one connection and one thread; readers take turns with writers."""

    def __init__(self, path: Path):
        super().__init__(path, wait=5)
        self.open = ExitStack()
        self._kept: duckdb.DuckDBPyConnection | None = None

    @contextmanager
    def _connected(
        self, deadline: float, *, read_only: bool
    ) -> Generator[duckdb.DuckDBPyConnection]:
        if self._kept is None:
            opened = super()._connected(deadline, read_only=False)
            self._kept = self.open.enter_context(opened)
            self._kept.execute("SET threads = 1").fetchall()
        yield self._kept

    @contextmanager
    def session(self, *, read_only: bool = False) -> Generator[DuckdbSession]:
        with super().session(read_only=False) as session:
            yield session


class KeptPostgres(PostgresStore):
    """The served store on one connection."""

    def __init__(self, url: str):
        super().__init__(url, wait=5)
        self.open = ExitStack()
        self._turn = threading.Lock()
        self._kept: psycopg.Connection | None = None

    @contextmanager
    def _connected(self) -> Generator[psycopg.Connection]:
        if self._kept is None:
            self._kept = self.open.enter_context(super()._connected())
            self._kept.execute("SET synchronous_commit = off")
        yield self._kept

    @contextmanager
    def session(self, *, read_only: bool = False) -> Generator[PostgresSession]:
        with self._turn, super().session(read_only=read_only) as session:
            yield session


Kept = KeptDuckdb | KeptPostgres


def empty(store: Kept, tables: Iterable[str]) -> None:
    """Take every row out of tables."""
    with store.session() as session:
        for table in tables:
            session.execute(f'DELETE FROM "{table}"')
