"""An in-memory DuckDB in which records of one stream get their shape and pass the gate."""

from collections.abc import Mapping
from typing import Any

import duckdb
import orjson
import polars as pl

from oms_pipelines.consolidate.currencies import CODES
from oms_pipelines.consolidate.records import REJECTED, BatchInfo
from oms_pipelines.errors import Misconfigured
from oms_pipelines.schema import METADATA, columns_of
from oms_pipelines.statements import statement, statements_in
from oms_pipelines.store.frames import dtypes

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
_SAFE: dict[str, str | bool | int | float | list[str]] = {
    "threads": 2,
    "preserve_insertion_order": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "enable_external_access": False,
    "python_enable_replacements": False,
}


class _Arrow:
    """A frame as DuckDB reads it fastest: batch by batch, over the Arrow interface."""

    def __init__(self, frame: pl.DataFrame):
        self._frame = frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._frame.__arrow_c_stream__(requested_schema)


class Workspace:
    """Shapes and gates chunks of one stream. Use one for a whole batch; close it after."""

    def __init__(self, system: str, stream: str, info: BatchInfo):
        folder = f"normalize/{system}/{stream}"
        names = set(statements_in(folder))
        self.tables = tuple(t for t in TABLES if t in names)
        if "shape" not in names or not self.tables:
            raise Misconfigured([f"sql/{folder}: needs shape.sql and one file a table"])
        self._folder = folder
        self._db = duckdb.connect(config=_SAFE)
        self._run("SET TimeZone = 'UTC'")
        self._prepare(system, stream, info)

    def close(self) -> None:
        """Give back its memory."""
        self._db.close()

    def gate(self, records: pl.DataFrame) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
        """Return the accepted rows by table, and the rejected records with their reasons.

        `records` has page, record and body. Accepted rows have page and record beside the
        columns of their table, in its types. Raises duckdb.Error when a statement fails.
        """
        run = self._run
        self._db.register("arrived", _Arrow(records))
        run("CREATE OR REPLACE TEMP VIEW records AS SELECT page, record, body FROM arrived")
        run(f"CREATE OR REPLACE TEMP TABLE hashes AS {statement('gate/hashes')}")
        run(f"CREATE OR REPLACE TEMP TABLE shaped AS {statement(f'{self._folder}/shape')}")
        run("DELETE FROM faults")
        run("DELETE FROM documents")
        for place, table in enumerate(self.tables):
            run(
                f"CREATE OR REPLACE TEMP TABLE candidate_{table} AS FROM blank_{table} "
                f"UNION ALL BY NAME ({statement(f'{self._folder}/{table}')})"
            )
            run(f"CREATE OR REPLACE TEMP TABLE gated_{table} AS {statement(f'gate/{table}')}")
            run(
                f"INSERT INTO faults SELECT page, record, {place}, fault FROM gated_{table} "
                "WHERE fault IS NOT NULL"
            )
            if table in DOCUMENTS:
                keys = f"SELECT page, record, {place}, record_key FROM gated_{table}"
                run(f"INSERT INTO documents {keys}")
        run(f"CREATE OR REPLACE TEMP TABLE rejected AS {statement('gate/verdicts')}")
        rejected = pl.DataFrame(self._db.sql("FROM rejected")).cast(REJECTED)
        accepted = {table: self._accepted(table, rejected.is_empty()) for table in self.tables}
        self._db.unregister("arrived")
        return accepted, rejected

    def _run(self, text: str) -> None:
        self._db.execute(text).fetchall()

    def _accepted(self, table: str, everything: bool) -> pl.DataFrame:
        key = ", record_key" if table in DOCUMENTS else ""
        columns = ", ".join(columns_of(table))
        rest = "" if everything else "ANTI JOIN rejected USING (page, record)"
        found = pl.DataFrame(
            self._db.sql(f"SELECT page, record{key}, {columns} FROM gated_{table} {rest}")
        )
        return found.cast(dict(dtypes(table)))

    def _prepare(self, system: str, stream: str, info: BatchInfo) -> None:
        codes = ", ".join(f"'{code}'" for code in CODES.split())
        self._run(f"CREATE TYPE currency_code AS ENUM ({codes})")
        for name in _ORDERED_MACROS:
            self._run(statement(f"gate/macros/{name}"))
        for table in self.tables:
            extra = (*_ALSO.get(table, ()), *_VERSIONED.get(table, ()))
            columns = ", ".join(f"{c} VARCHAR" for c in (*columns_of(table), *extra))
            self._run(f"CREATE TEMP TABLE blank_{table} (page INTEGER, record INTEGER, {columns})")
        self._run(
            "CREATE TEMP TABLE faults (page INTEGER, record INTEGER, place INTEGER, fault VARCHAR)"
        )
        self._run(
            "CREATE TEMP TABLE documents "
            "(page INTEGER, record INTEGER, place INTEGER, record_key VARCHAR)"
        )
        self._take("batch_info", _info(system, stream, info))
        reasons = {"reason_raw": list(info.reasons), "reason_code": list(info.reasons.values())}
        self._take("reason_map", pl.DataFrame(reasons, schema=dict.fromkeys(reasons, pl.String)))

    def _take(self, name: str, frame: pl.DataFrame) -> None:
        self._db.register("taken", _Arrow(frame))
        self._run(f"CREATE TEMP TABLE {name} AS FROM taken")
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
