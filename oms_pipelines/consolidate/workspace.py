"""An in-memory DuckDB in which records of one stream get their shape and pass the gate."""

import threading
from collections.abc import Mapping
from functools import cache
from typing import Any

import duckdb
import orjson
import polars as pl

from oms_pipelines.consolidate.currencies import CODES
from oms_pipelines.consolidate.records import REJECTED, BatchInfo
from oms_pipelines.errors import Misconfigured
from oms_pipelines.schema import METADATA, columns_of
from oms_pipelines.statements import statement, statements_in
from oms_pipelines.store.frames import Stream, dtypes

TABLES = (
    "orders",
    "order_contacts",
    "order_lines",
    "refunds",
    "refund_lines",
    "returns",
    "return_lines",
)
DOCUMENTS = tuple(t for t in TABLES if METADATA.tables[t].info["parent"] is None)
_ALSO = {"orders": ("refusal",), "refunds": ("refusal",), "returns": ("refusal",)}
_VERSIONED = {"refunds": ("updated_at",), "returns": ("updated_at",)}
# Planning a chunk's statements takes a fifth of its time. These find nothing to mend in them, and
# take a seventh of that.
_NEEDLESS = (
    "statistics_propagation",
    "join_order",
    "build_side_probe_side",
    "common_subplan",
    "duplicate_groups",
    "column_lifetime",
    "reorder_filter",
    "filter_pushdown",
    "filter_pullup",
    "outer_join_simplification",
    "partial_aggregate_pushdown",
    "aggregate_reuse",
    "join_filter_pushdown",
    "in_clause",
)
_SAFE: dict[str, str | bool | int | float | list[str]] = {
    "disabled_optimizers": ",".join(_NEEDLESS),
    "threads": 1,
    "preserve_insertion_order": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "enable_external_access": False,
    "python_enable_replacements": False,
}
_lock = threading.Lock()


@cache
def _database() -> duckdb.DuckDBPyConnection:
    """Return the database of this process, with what every workspace needs, and no rows."""
    db = duckdb.connect(config=_SAFE)
    codes = ", ".join(f"'{code}'" for code in CODES.split())
    statements = [f"CREATE TYPE currency_code AS ENUM ({codes})"]
    statements += [statement(f"gate/macros/{name}") for name in _ORDERED_MACROS]
    for table in TABLES:
        extra = (*_ALSO.get(table, ()), *_VERSIONED.get(table, ()))
        columns = ", ".join(f"{c} VARCHAR" for c in (*columns_of(table), *extra))
        statements.append(f"CREATE TABLE blank_{table} (page INTEGER, record INTEGER, {columns})")
    for text in statements:
        db.execute(text).fetchall()
    return db


@cache
def _parsed(text: str) -> duckdb.Statement:
    return _database().extract_statements(text)[0]


class Workspace:
    """Shapes and gates chunks of one batch, on a connection of its own; close it after."""

    def __init__(self, system: str, stream: str, info: BatchInfo):
        folder = f"normalize/{system}/{stream}"
        names = set(statements_in(folder))
        self.tables = tuple(t for t in TABLES if t in names)
        if "shape" not in names or not self.tables:
            raise Misconfigured([f"sql/{folder}: needs shape.sql and one file a table"])
        self._folder = folder
        with _lock:
            self._db = _database().cursor()
        self._run("SET TimeZone = 'UTC'")
        self._take("batch_info", _info(system, stream, info))
        reasons = {"reason_raw": list(info.reasons), "reason_code": list(info.reasons.values())}
        self._take("reason_map", pl.DataFrame(reasons, schema=dict.fromkeys(reasons, pl.String)))

    def close(self) -> None:
        """Give back its memory."""
        self._db.close()

    def gate(self, records: pl.DataFrame) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
        """Return the accepted rows by table, and the rejected records with their reasons.

        `records` has page, record and body. Accepted rows have page and record beside the
        columns of their table, in its types. Raises duckdb.Error when a statement fails.
        """
        self._db.register("arrived", Stream(records))
        self._run("CREATE OR REPLACE TEMP VIEW records AS SELECT page, record, body FROM arrived")
        self._make("hashes", statement("gate/hashes"))
        self._make("shaped", statement(f"{self._folder}/shape"))
        self._db.unregister("arrived")
        gated = self._gated()
        rejected = self._rejected(gated)
        clean = rejected.is_empty()
        tables = {table: self._accepted(table, table in gated, clean) for table in self.tables}
        return tables, rejected

    def _gated(self) -> list[str]:
        """Gate the candidates of each table; return the tables that were gated.

        The first document and its children come with nearly each record: they are made and
        gated in one statement, as planning two takes longer than running them. Of the others,
        such as the refunds beside orders, most chunks have none: those that have candidates
        are gated, and the documents that theirs belong to.
        """
        parents = {t: METADATA.tables[t].info["parent"] for t in self.tables}
        first = self.tables[0]
        seldom = [t for t in self.tables if first not in (t, parents[t])]
        filled = {t for t in seldom if self._make(f"candidate_{t}", self._candidates(t))}
        wanted = filled | {parents[t] for t in filled}
        gated = [t for t in self.tables if t not in seldom or t in wanted]
        for table in gated:
            query = statement(f"gate/{table}")
            if table not in seldom:
                made = f"candidate_{table} AS MATERIALIZED ({self._candidates(table)})"
                query = f"WITH {made} SELECT * FROM ({query})"
            self._make(f"gated_{table}", query)
        return gated

    def _candidates(self, table: str) -> str:
        return f"FROM blank_{table} UNION ALL BY NAME ({statement(f'{self._folder}/{table}')})"

    def _rejected(self, gated: list[str]) -> pl.DataFrame:
        places = [(place, table) for place, table in enumerate(self.tables) if table in gated]
        faults = [
            f"SELECT page, record, {place} AS place, fault FROM gated_{table} "
            "WHERE fault IS NOT NULL"
            for place, table in places
        ]
        documents = [
            f"SELECT page, record, {place} AS place, record_key FROM gated_{table}"
            for place, table in places
            if table in DOCUMENTS
        ]
        self._run(f"CREATE OR REPLACE TEMP VIEW faults AS {' UNION ALL '.join(faults)}")
        self._run(f"CREATE OR REPLACE TEMP VIEW documents AS {' UNION ALL '.join(documents)}")
        self._make("rejected", statement("gate/verdicts"))
        return self._read("FROM rejected").cast(REJECTED)

    def _accepted(self, table: str, gated: bool, clean: bool) -> pl.DataFrame:
        columns = pl.Schema({"page": pl.Int32(), "record": pl.Int32(), **dtypes(table)})
        if not gated:
            return pl.DataFrame(schema=columns)
        rest = "" if clean else "ANTI JOIN rejected USING (page, record)"
        return self._read(f"SELECT {', '.join(columns)} FROM gated_{table} {rest}").cast(columns)

    def _run(self, text: str) -> list[tuple]:
        return self._db.execute(_parsed(text)).fetchall()

    def _make(self, name: str, query: str) -> int:
        """Make a temporary table of a query; return its rows."""
        return self._run(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")[0][0]

    def _read(self, query: str) -> pl.DataFrame:
        return pl.DataFrame(Stream(self._db.sql(query)))

    def _take(self, name: str, frame: pl.DataFrame) -> None:
        self._db.register("taken", Stream(frame))
        self._make(name, "FROM taken")
        self._db.unregister("taken")


# A macro may use only those before it.
_ORDERED_MACROS = (
    "amount",
    "amount_fault",
    "positive_amount_fault",
    "moment",
    "moment_fault",
    "missing",
    "whole",
    "units_fault",
    "word_fault",
    "currency_fault",
    "flag_fault",
)


def _info(system: str, stream: str, info: BatchInfo) -> pl.DataFrame:
    channel = info.channel
    fields: Mapping[str, Any] = {
        "channel_id": info.source,
        "batch_id": info.batch_id,
        "stream": stream,
        "system": system,
        "fetched_at": info.fetched_at,
        "currency": channel.currency,
        "country": channel.country,
        "language": channel.language,
        "time_zone": channel.time_zone,
        "options": orjson.dumps(channel.options, default=str).decode(),
    }
    times = {"fetched_at": pl.Datetime("us", "UTC")}
    return pl.DataFrame([fields], schema={k: times.get(k, pl.String) for k in fields})
