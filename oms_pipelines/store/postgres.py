"""The served store: PostgreSQL, the same promises as the embedded one.

A session is one repeatable-read transaction. Sessions that write hold one advisory lock of
the database, so writers come one after the other here too; readers never wait. Rows travel
by COPY, both ways.
"""

import io
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import polars as pl
import psycopg
from psycopg import conninfo, sql

from oms_pipelines.errors import Misconfigured, OmsError, Rejected, Unreachable
from oms_pipelines.statements import statement
from oms_pipelines.store import frames, migrations, parameters
from oms_pipelines.store.session import SqlSession

_WRITER = 0x6F6D73  # the advisory lock of the one writer
_SLICE = 50_000  # rows a COPY message: bounds memory
_ANALYZE = 1_000  # staged rows from which the planner's guess costs more than asking
# Type numbers of pg_type, which never change.
_KINDS = {
    **dict.fromkeys((20, 21, 23, 26), "bigint"),
    **dict.fromkeys((25, 1043, 1042, 19, 705), "text"),
    **dict.fromkeys((700, 701), "double precision"),
    1700: "numeric(18, 4)",
    16: "boolean",
    1184: "timestamptz",
    1082: "date",
}
# How each kind travels as text, and what Polars reads it as before the last cast.
_OUT = {
    "bigint": ("{}::bigint", pl.Int64()),
    "text": ("{}::text", pl.String()),
    "double precision": ("{}::double precision", pl.Float64()),
    "numeric(18, 4)": ("{}::numeric(18, 4)", frames.MONEY),
    "boolean": ("{}::int", pl.Int64()),
    "timestamptz": ("(extract(epoch FROM {}) * 1000000)::bigint", pl.Int64()),
    "date": ("{} - DATE '1970-01-01'", pl.Int64()),
}
_IN: dict[type, str] = {
    pl.Int64: "bigint",
    pl.String: 'text COLLATE "C"',
    pl.Float64: "double precision",
    pl.Decimal: "numeric(18, 4)",
    pl.Boolean: "boolean",
    pl.Datetime: "timestamptz",
    pl.Date: "date",
}
_LAST: dict[str, pl.DataType] = {
    "boolean": pl.Boolean(),
    "timestamptz": frames.TIME,
    "date": pl.Date(),
}


class PostgresSession(SqlSession):
    """One transaction on the served store."""

    folder = "postgres"
    keyed = True
    beginning = "BEGIN ISOLATION LEVEL REPEATABLE READ"
    clustering = ()  # an index finds the rows wherever they lie

    def __init__(self, con: psycopg.Connection, where: str, *, read_only: bool):
        super().__init__(where, read_only=read_only)
        self._open: psycopg.Connection | None = con

    @property
    def _con(self) -> psycopg.Connection:
        if self._open is None:
            raise OmsError("this session has ended; open another")
        return self._open

    def end(self) -> None:
        """Let go of the connection; whoever still holds the session can do nothing."""
        self._open = None

    def execute(self, text: str) -> None:
        """Run statements that return nothing, for migrations."""
        with told("migration"):
            self._con.execute(text.encode())

    def rows(self, text: str) -> list[tuple]:
        """Run a statement and return its rows, for migrations."""
        with told("migration"):
            return self._con.execute(text.encode()).fetchall()

    def _query(self, what: str, text: str, params: Mapping[str, Any]) -> pl.DataFrame:
        with told(what):
            bound = self._bound(text, params)
            kinds = self._describe(what, bound)
            # The last column keeps a row of nulls from being an empty line.
            out = [_OUT[kind][0].format(f'q."{c}"') for c, kind in kinds.items()]
            copy = f"COPY (SELECT {', '.join([*out, '1'])} FROM ({bound}\n) AS q) TO STDOUT CSV"
            body = io.BytesIO()
            with self._con.cursor().copy(copy.encode()) as stream:
                for block in stream:
                    body.write(block)
        return _parse(body, kinds)

    def _run(self, what: str, text: str, params: Mapping[str, Any]) -> int:
        with told(what):
            done = self._con.execute(self._bound(text, params).encode())
            return max(done.rowcount, 0)

    def _stage(self, name: str, rows: pl.DataFrame) -> None:
        with told(name):
            columns = ", ".join(f'"{c}" {_IN[type(d)]}' for c, d in rows.schema.items())
            self._con.execute(f'DROP TABLE IF EXISTS pg_temp."{name}"'.encode())
            self._con.execute(
                f'CREATE TEMPORARY TABLE "{name}" ({columns}) ON COMMIT DROP'.encode()
            )
            with self._con.cursor().copy(f'COPY "{name}" FROM STDIN CSV'.encode()) as stream:
                for part in rows.iter_slices(_SLICE):
                    stream.write(_csv(part))
            if rows.height >= _ANALYZE:
                self._con.execute(f'ANALYZE "{name}"'.encode())

    @contextmanager
    def _incoming(self, rows: pl.DataFrame) -> Generator[None]:
        self._stage("incoming", rows)
        yield

    def _insert_children(self, rows: pl.DataFrame, names: Mapping[str, str]) -> None:
        self._stage("incoming_children", rows)
        self._do("insert_children", names)

    def _judge(self, how: str, names: Mapping[str, str]) -> None:
        self._run("merge", "DROP TABLE IF EXISTS pg_temp.verdicts", {})
        self._do(f"postgres/{how}", names)

    def _bound(self, text: str, params: Mapping[str, Any]) -> str:
        """Return the statement with its parameters as literals: COPY takes no others."""
        if not params:
            return text
        parts = []
        for before, name in parameters.pieces(text):
            parts.append(before)
            if name:
                parts.append(sql.Literal(params[name]).as_string(self._con))
        return "".join(parts)

    def _describe(self, what: str, bound: str) -> dict[str, str]:
        """Ask the server for the columns of a query without running it."""
        pg = self._con.pgconn
        for result in (pg.prepare(b"", bound.encode()), pg.describe_prepared(b"")):
            if result.status != psycopg.pq.ExecStatus.COMMAND_OK:
                raise psycopg.errors.error_from_result(result, encoding="utf-8")
        kinds: dict[str, str] = {}
        for i in range(result.nfields):
            column, number = (result.fname(i) or b"").decode(), result.ftype(i)
            if column in kinds:
                raise OmsError(f"{what}: two columns of one name")
            if number not in _KINDS:
                raise OmsError(f"{what}: column {column} has type {number}; cast it")
            kinds[column] = _KINDS[number]
        return kinds


def _csv(rows: pl.DataFrame) -> bytes:
    """Return rows as CSV in which every text is quoted, so that a null is not an empty text."""
    return rows.write_csv(
        include_header=False,
        quote_style="non_numeric",
        datetime_format="%Y-%m-%dT%H:%M:%S%.6f+00:00",
    ).encode()


def _parse(body: io.BytesIO, kinds: Mapping[str, str]) -> pl.DataFrame:
    body.seek(0)
    schema = {column: _OUT[kind][1] for column, kind in kinds.items()}
    last = [pl.col(c).cast(_LAST[kind]) for c, kind in kinds.items() if kind in _LAST]
    if not body.getbuffer().nbytes:
        return pl.DataFrame(schema=schema).with_columns(last)
    rows = pl.read_csv(body, has_header=False, schema={**schema, "": pl.Int64()})
    return rows.drop("").with_columns(last)


class PostgresStore:
    """The store of a URL. `wait` is how long a session waits for the one writer, seconds."""

    def __init__(self, url: str, *, wait: float = 60.0):
        self._url = url
        self.wait = wait
        self._where = _where(url)

    def migrate(self) -> None:
        """Create what is missing of the schema. Safe at every start."""
        with self.session() as session:
            migrations.migrate(session)

    @contextmanager
    def session(self, *, read_only: bool = False) -> Generator[PostgresSession]:
        """Open one transaction; commit at the end, roll back on an error.

        Raises Unreachable when the server does not answer or another writer keeps the store
        past `wait`, Misconfigured when it refuses the user or the database.
        """
        with self._connected() as con:
            if not read_only:
                with told(self._where):
                    self._become_writer(con)
            session = PostgresSession(con, self._where, read_only=read_only)
            session.begin()
            try:
                yield session
                session.finish()
            except BaseException:
                with suppress(psycopg.Error):
                    con.execute("ROLLBACK")
                raise
            finally:
                session.end()

    @contextmanager
    def _connected(self) -> Generator[psycopg.Connection]:
        try:
            con = psycopg.connect(self._url, autocommit=True, connect_timeout=10)
        except psycopg.Error as e:
            raise _no_connection(self._where, e) from None
        try:
            with told(self._where):
                con.execute(statement("store/postgres/settings").encode())
            yield con
        finally:
            con.close()

    def _become_writer(self, con: psycopg.Connection) -> None:
        """Take the writer's lock before the transaction, which sees what was committed then."""
        con.execute(f"SET lock_timeout = {int(self.wait * 1000) or 1}".encode())
        try:
            con.execute(f"SELECT pg_advisory_lock({_WRITER})".encode())
        except psycopg.errors.LockNotAvailable:
            raise Unreachable(
                f"{self._where} is being written to and was not freed in {self.wait:g} s; a "
                "Dagster run or another oms command may hold it: wait for it to end"
            ) from None


def _where(url: str) -> str:
    """Return host and database of a URL: all of it that may be told."""
    try:
        parts = conninfo.conninfo_to_dict(url)
    except psycopg.Error:
        parts = None
    if parts is None:
        raise Misconfigured(["store.url: not a PostgreSQL URL"])
    host, name = parts.get("host") or "local socket", parts.get("dbname") or "default database"
    return f"store {name} at {host}"


def _no_connection(where: str, error: psycopg.Error) -> OmsError:
    text = str(error)
    if "authentication failed" in text or ("role" in text and "does not exist" in text):
        return Misconfigured([f"store.url: {where} refuses this user or password"])
    if "does not exist" in text and "database" in text:
        return Misconfigured([f"store.url: {where}: there is no such database"])
    return Unreachable(f"{where} does not answer; is PostgreSQL running, and store.url right?")


def _as_ours(what: str, error: psycopg.Error) -> OmsError:
    """Name an error by its code; its text may tell values, but for faults in names."""
    code, diag = error.sqlstate or "", error.diag
    column = ".".join(x for x in (diag.table_name, diag.column_name) if x)
    about = column or diag.constraint_name or ""
    if code.startswith("42") and code != "42804":
        about = diag.message_primary or about
    text = f"{what}: {type(error).__name__} {code} {about}".rstrip()
    if code[:2] in ("08", "40", "57") or code == "55P03" or not code:
        return Unreachable(f"{text}: the transaction was ended; run again")
    if code[:2] in ("53", "58", "XX"):
        return Rejected(f"{text}: the server lacks disk or memory; what was committed is safe")
    return OmsError(text)


@contextmanager
def told(what: str) -> Generator[None]:
    """Turn psycopg's errors into ours, without the values that theirs may tell."""
    try:
        yield
    except psycopg.Error as e:
        raise _as_ours(what, e) from None
