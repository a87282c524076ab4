"""Great Expectations over the store: verdicts that open and shut gates, and pages to read.

The one module that imports Great Expectations, and late: the import takes seconds and 270 MB.
Two things of version 1.24 are mended here. On DuckDB it fetches results after their connection
has closed, so one connection is kept for a whole judgment. And its results and logs can tell
values of rows, so only counts are asked for, and its log is silent meanwhile.
"""

import logging
import os
import time
import warnings
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from oms_pipelines.config import Oms
from oms_pipelines.errors import Unreachable
from oms_pipelines.quality import docs
from oms_pipelines.quality.suites import GATES, suite
from oms_pipelines.store import Store
from oms_pipelines.store.duckdb import DuckdbStore
from oms_pipelines.store.gate import gate_of

_COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0}
_READ_ONLY = "-c default_transaction_read_only=on -c timezone=UTC"


@dataclass(frozen=True)
class GateVerdict:
    """What a suite found: verdict is open or shut; `reason` tells each failed test."""

    gate: str
    verdict: str
    reason: str | None
    passed: int
    total: int


def judge(store: Store, oms: Oms, now: datetime) -> list[GateVerdict]:
    """Judge every table of GATES, store the verdicts, and write the pages."""
    return _judge(store, oms, tuple(GATES), now)


def judge_table(store: Store, oms: Oms, table: str, now: datetime) -> GateVerdict:
    """Judge one table, store its verdict as the gate of its name, and write its page."""
    return _judge(store, oms, (table,), now)[0]


def _judge(store: Store, oms: Oms, tables: Sequence[str], now: datetime) -> list[GateVerdict]:
    folder = Path(oms.output) / "data_docs"
    verdicts = []
    with _reachable(store, oms) as options, _quiet(), _all_closed(), _context() as context:
        source = _source(context, options, getattr(store, "wait", 60.0))
        for table in tables:
            result = _run(context, source, table)
            failed = [_told(r) for r in result.results if not r.success]
            verdicts.append(_verdict(table, failed, len(result.results)))
            docs.write_page(folder, table, failed, result)
    with store.session() as session:
        session.upsert("gates", _rows(verdicts, now))
        docs.write_index(folder, session.table("gates"), now)
    return verdicts


def _run(context: Any, source: Any, table: str) -> Any:
    from great_expectations import ExpectationSuite, ValidationDefinition, expectations

    asset = source.add_table_asset(table, table_name=table)
    wanted = ExpectationSuite(table)
    for test in suite(table):
        made = getattr(expectations, test.kind)(description=test.tells, **test.settings)
        wanted.add_expectation(made)
    data = asset.add_batch_definition_whole_table("all")
    context.suites.add(wanted)
    return ValidationDefinition(name=table, data=data, suite=wanted).run(result_format=_COUNTS_ONLY)


def _verdict(table: str, failed: Sequence[str], total: int) -> GateVerdict:
    verdict = "shut" if failed else "open"
    return GateVerdict(table, verdict, "; ".join(failed) or None, total - len(failed), total)


def _told(result: Any) -> str:
    """Return what a failed test says, with how many rows break it where that is known."""
    told = result.expectation_config.description
    count = result.result.get("unexpected_count", result.result.get("observed_value"))
    if not result.result:
        return f"{told}: it could not be tested"
    return f"{told}: {count} rows break it" if count else told


def _rows(verdicts: Sequence[GateVerdict], now: datetime) -> pl.DataFrame:
    rows = [(v.gate, v.verdict, v.reason, now) for v in verdicts]
    columns = {
        "gate": pl.String,
        "verdict": pl.String,
        "reason": pl.String,
        "judged_at": pl.Datetime("us", "UTC"),
    }
    return pl.DataFrame(rows, schema=columns, orient="row")


@contextmanager
def _context() -> Generator[Any]:
    """Give a context that keeps nothing, tells nobody, and shows no bars."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    with _one_connection():
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        yield context


@contextmanager
def _one_connection() -> Generator[None]:
    """Let Great Expectations keep one DuckDB connection until its results are fetched."""
    from great_expectations.execution_engine.sqlalchemy_execution_engine import (
        SqlAlchemyExecutionEngine,
    )

    shipped = SqlAlchemyExecutionEngine.get_connection

    @contextmanager
    def kept(self: Any) -> Generator[Any]:
        if self.dialect_name != "duckdb":
            with shipped(self) as connection:
                yield connection
            return
        if self._connection is None:
            # a test that fails to run must not abort the transaction of the others
            auto = self.engine.execution_options(isolation_level="AUTOCOMMIT")
            self._connection = auto.connect()
        yield self._connection

    SqlAlchemyExecutionEngine.get_connection = kept  # type: ignore[method-assign]
    try:
        yield
    finally:
        SqlAlchemyExecutionEngine.get_connection = shipped  # type: ignore[method-assign]


@contextmanager
def _reachable(store: Store, oms: Oms) -> Generator[dict[str, Any]]:
    """Give the settings of a read-only engine on the store, and keep writers out meanwhile."""
    if not isinstance(store, DuckdbStore):
        url = oms.store.url.replace("postgresql://", "postgresql+psycopg://", 1)
        yield {"connection_string": url, "kwargs": {"connect_args": {"options": _READ_ONLY}}}
        return
    deadline = time.monotonic() + store.wait
    with gate_of(store.path).enter(shared=False, deadline=deadline):
        # connections are closed below; the pool must not reset them once they are collected
        read_only = {"connect_args": {"read_only": True}, "pool_reset_on_return": None}
        yield {"connection_string": f"duckdb:///{store.path}", "kwargs": read_only}


@contextmanager
def _all_closed() -> Generator[None]:
    """Close every connection opened meanwhile: Great Expectations leaves some open."""
    from sqlalchemy import event
    from sqlalchemy.pool import Pool

    opened: list[Any] = []

    def note(connection: Any, _: Any) -> None:
        opened.append(connection)

    event.listen(Pool, "connect", note)
    try:
        yield
    finally:
        event.remove(Pool, "connect", note)
        for connection in opened:
            connection.close()


def _source(context: Any, options: dict[str, Any], wait: float) -> Any:
    """Return the store as a data source; wait while another process has it open.

    The connection this makes stays open, so that no process writes until all is judged.
    """
    deadline = time.monotonic() + wait
    while True:
        try:
            with warnings.catch_warnings(action="ignore"):  # it would rather have psycopg 2
                return context.data_sources.add_or_update_sql(
                    "store", create_temp_table=False, **options
                )
        except Exception as e:
            if time.monotonic() > deadline:
                kind = type(e).__name__
                raise Unreachable(f"the store cannot be opened to judge it ({kind})") from None
        time.sleep(0.2)


@contextmanager
def _quiet() -> Generator[None]:
    """Silence the log of Great Expectations: it tells statements, and values in errors."""
    log = logging.getLogger("great_expectations")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(level)
