"""The embedded store: one DuckDB file, one writer at a time.

A session opens the file late and closes it early. While another process has it open, the
session waits. No primary keys, foreign keys or secondary indexes: the merge is faster
without them, and DuckDB refuses most DDL on tables that have them; keys are kept unique by
the merge alone, which is the only way rows come in.
"""

import os
import random
import re
import shutil
import time
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from oms_pipelines.errors import Misconfigured, OmsError, Rejected, Unreachable
from oms_pipelines.store import frames, migrations
from oms_pipelines.store.delta import DeltaSession
from oms_pipelines.store.engine import Engine, claim, release
from oms_pipelines.store.gate import gate_of

_OWN_ROWS = 36028797018960000  # numbers of rows that the transaction itself wrote begin here
_HOLDER = re.compile(r"\(PID (\d+)\)")
_SAFE = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException)
_SCALARS = {
    "VARCHAR": "VARCHAR",
    '"NULL"': "VARCHAR",
    "BOOLEAN": "BOOLEAN",
    "DATE": "DATE",
    "FLOAT": "DOUBLE",
    "DOUBLE": "DOUBLE",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP WITH TIME ZONE",
}


class DuckdbSession(DeltaSession):
    """One transaction on the embedded store."""

    folder = "duckdb"
    keyed = False
    beginning = "BEGIN TRANSACTION"
    clustering = ("cluster", "cluster_clear", "cluster_fill", "cluster_end")

    def __init__(self, con: duckdb.DuckDBPyConnection, where: str, *, read_only: bool):
        super().__init__(where, read_only=read_only)
        self._open: duckdb.DuckDBPyConnection | None = con
        self._own_rows = False  # among those found last

    @property
    def _con(self) -> duckdb.DuckDBPyConnection:
        if self._open is None:
            raise OmsError("this session has ended; open another")
        return self._open

    def end(self) -> None:
        """Let go of the connection; whoever still holds the session can do nothing."""
        self._open = None

    def execute(self, text: str) -> None:
        """Run statements that return nothing, for migrations."""
        with told("migration"):
            self._con.execute(text).fetchall()

    def rows(self, text: str) -> list[tuple]:
        """Run a statement and return its rows, for migrations."""
        with told("migration"):
            return self._con.execute(text).fetchall()

    def _query(self, what: str, text: str, params: Mapping[str, Any]) -> pl.DataFrame:
        with told(what):
            found = self._con.sql(text, params=dict(params)) if params else self._con.sql(text)
            if len(set(found.columns)) < len(found.columns):
                raise OmsError(f"{what}: two columns of one name")
            return pl.DataFrame(frames.Stream(found.project(_projection(what, found))))

    def _run(self, what: str, text: str, params: Mapping[str, Any]) -> int:
        with told(what):
            done = self._con.execute(text, dict(params) or None)
            done.fetchall()
            return max(done.rowcount, 0)

    def _stage(self, name: str, rows: pl.DataFrame) -> None:
        with told(name), self._lent("arrow_stream", rows):
            self._con.execute(
                f'CREATE OR REPLACE TEMPORARY TABLE "{name}" AS FROM arrow_stream'
            ).fetchall()

    def _incoming(self, rows: pl.DataFrame) -> AbstractContextManager[None]:
        return self._lent("incoming", rows)  # read three times, and a copy costs as much as one

    def _insert_children(self, rows: pl.DataFrame, names: Mapping[str, str]) -> None:
        with told(names["child"]), self._lent("incoming_children", rows):  # read once: no copy
            self._do("insert_children", names)

    @contextmanager
    def _lent(self, name: str, rows: pl.DataFrame) -> Generator[None]:
        """Let statements read rows where they are."""
        self._con.register(name, frames.Stream(rows))
        try:
            yield
        finally:
            with suppress(duckdb.Error):  # a failed transaction takes none; it ends the session
                self._con.unregister(name)

    def _judge(self, how: str, names: Mapping[str, str]) -> None:
        self._do("duckdb/find", names)
        newest = self._query("found", "SELECT max(stored_row) AS row FROM found", {})["row"][0]
        self._own_rows = newest is not None and newest >= _OWN_ROWS
        self._do(f"duckdb/{how}", names)

    def _do(self, name: str, names: Mapping[str, str]) -> int:
        """Run a statement, rows of the table found by their number, or by key where they may not.

        DuckDB 2.0 corrupts its memory where rows that the transaction itself wrote are looked
        up by number.
        """
        rows = {
            f"row_is_{x}": names[f"t_is_{x}"] if self._own_rows else f"t.rowid = {x}.stored_row"
            for x in "fv"
            if f"t_is_{x}" in names
        }
        return super()._do(name, {**names, **rows})


def _projection(what: str, found: duckdb.DuckDBPyRelation) -> str:
    """Return the select list that casts each column to its canonical type."""
    casts = []
    for column, kind in zip(found.columns, map(str, found.types), strict=True):
        name = '"' + column.replace('"', '""') + '"'
        casts.append(f"CAST({name} AS {_canonical(what, column, kind)}) AS {name}")
    return ", ".join(casts)


def _canonical(what: str, column: str, kind: str) -> str:
    if kind.endswith("INT") or kind == "INTEGER" or kind == "UINTEGER":
        return "BIGINT"
    if kind.startswith("DECIMAL"):
        return "DECIMAL(18, 4)"
    if kind not in _SCALARS:
        raise OmsError(f"{what}: column {column} is {kind}; cast it to a canonical type")
    return _SCALARS[kind]


class DuckdbStore:
    """The store in one file. `wait` is how long a session waits for another to end, seconds."""

    def __init__(self, path: str | Path, *, wait: float = 60.0, memory: str = "1GB"):
        self.path = Path(path)
        self.wait = wait
        self._memory = memory

    def migrate(self) -> None:
        """Create the file and what is missing of the schema. Safe at every start."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.session() as session:
            migrations.migrate(session)

    @contextmanager
    def session(self, *, read_only: bool = False) -> Generator[DuckdbSession]:
        """Open the file for one transaction; commit at the end, roll back on an error.

        Raises Unreachable when others keep the file past `wait`, Misconfigured when there is
        none to read, Rejected when the disk is full or the file damaged.
        """
        deadline = time.monotonic() + self.wait
        with (
            gate_of(self.path).enter(shared=read_only, deadline=deadline),
            self._connected(deadline, read_only=read_only) as con,
        ):
            session = DuckdbSession(con, f"store {self.path}", read_only=read_only)
            session.begin()
            try:
                yield session
                session.finish()
            except BaseException:
                _roll_back(con)
                raise
            finally:
                session.end()

    def snapshot(self, path: str | Path) -> Path:
        """Copy the store as last committed to `path`, whole or not at all, and return it.

        Readers open the copy with `DuckdbStore(path).session(read_only=True)` while a writer
        works. A reader of the former copy keeps it.
        """
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{target.name}.{os.getpid()}.tmp")
        deadline = time.monotonic() + self.wait
        with gate_of(self.path).enter(shared=False, deadline=deadline):
            try:
                self._copy(part, deadline)
                part.replace(target)
            finally:
                part.unlink(missing_ok=True)
        return target

    def _copy(self, part: Path, deadline: float) -> None:
        with part.open("wb") as copy, self.path.open("rb") as source:
            # The descriptor of `source` is closed after the connection: closing it earlier
            # would take DuckDB's lock away (see gate.py).
            with self._connected(deadline, read_only=False) as con, told("snapshot"):
                con.execute("CHECKPOINT").fetchall()
                shutil.copyfileobj(source, copy, 1 << 22)
            os.fsync(copy.fileno())

    @contextmanager
    def _connected(
        self, deadline: float, *, read_only: bool
    ) -> Generator[duckdb.DuckDBPyConnection]:
        if read_only and not self.path.exists():
            raise Misconfigured([f"store.url: no store at {self.path} yet; run oms sync first"])
        engine = claim(self.path, self._memory, shared=read_only)
        spoiled = True
        try:
            con = self._open(engine, deadline, read_only=read_only)
            try:
                yield con
            finally:
                with suppress(duckdb.Error):
                    con.close()
            spoiled = False
        finally:
            release(engine, spoiled=spoiled)

    def _open(
        self, engine: Engine, deadline: float, *, read_only: bool
    ) -> duckdb.DuckDBPyConnection:
        pause = 0.01
        while True:
            try:
                return engine.open(read_only=read_only)
            except duckdb.Error as e:
                holder = _holder(e)
                if not holder:
                    raise Rejected(f"store {self.path}: {_scrubbed(e)}") from None
            if time.monotonic() + pause > deadline:
                raise Unreachable(
                    f"store {self.path} is in use by {holder} and was not freed in "
                    f"{self.wait:g} s; a Dagster run or another oms command may hold it: "
                    "wait for it to end, then try again"
                )
            time.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 1.5, 0.5)


def _holder(error: duckdb.Error) -> str | None:
    """Return who holds the file, when that is what the error says."""
    text = str(error)
    if "Could not set lock" in text:
        process = _HOLDER.search(text)
        return f"process {process[1]}" if process else "another process"
    return "this process" if "already attached" in text else None


def _roll_back(con: duckdb.DuckDBPyConnection) -> None:
    with suppress(duckdb.Error):  # closing the connection ends the transaction just as well
        con.execute("ROLLBACK").fetchall()


def _scrubbed(error: duckdb.Error) -> str:
    """Return what may be told: messages on names tell names, all others may tell values."""
    kind = type(error).__name__
    return f"{kind}: {str(error).splitlines()[0]}" if isinstance(error, _SAFE) else kind


def _as_ours(what: str, error: duckdb.Error) -> OmsError:
    text = f"{what}: {_scrubbed(error)}"
    if isinstance(error, (duckdb.FatalException, duckdb.IOException)):
        return Rejected(
            f"{text}: the disk is full or the file is damaged; make room and run again, "
            "what was committed is safe"
        )
    if isinstance(error, duckdb.OutOfMemoryException):
        return Rejected(f"{text}: too little memory; take a smaller window")
    return OmsError(text)


@contextmanager
def told(what: str) -> Generator[None]:
    """Turn DuckDB's errors into ours, without the values that theirs may tell.

    What fails while rows are read comes as an error of Polars, and tells as much.
    """
    try:
        yield
    except duckdb.Error as e:
        raise _as_ours(what, e) from None
    except pl.exceptions.PolarsError as e:
        raise OmsError(f"{what}: {type(e).__name__}") from None
