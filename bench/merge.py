"""10,000 changed orders merged into 1,000,000, spread over all days, beside delete + insert."""

import tempfile
import time
from pathlib import Path

import duckdb
import polars as pl

from bench.history import make
from oms_pipelines.schema import columns_of
from oms_pipelines.store import open_store

CHANGED = 10_000
STORED = 1_000_000
ROUNDS = 5


def measure() -> list[dict]:
    """Return the ratio of the merge to the bare delete + insert, medians of alternating rounds."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "oms.duckdb"
        make(file, STORED)
        ours, bare = [], []
        for turn in range(ROUNDS):
            documents, lines = _changed(file, turn)
            bare.append(_bare(file, documents, lines))
            documents = documents.with_columns(pl.col("source_version") + 10 + turn)
            ours.append(_merge(file, documents, lines))
    one, two = sorted(ours)[ROUNDS // 2], sorted(bare)[ROUNDS // 2]
    return [
        {
            "name": "merge 10,000 changed orders into 1,000,000",
            "value": round(one / two, 2),
            "unit": "x bare delete + insert",
            "bar": "<= 5",
            "holds": one / two <= 5,
            "against": f"bare {two * 1000:.0f} ms, merge {one * 1000:.0f} ms, same run",
        }
    ]


def _changed(file: Path, turn: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    with duckdb.connect(str(file)) as con:
        step = STORED // CHANGED
        ids = f"SELECT 'shop/' || (i * {step} + {turn}) FROM range({CHANGED}) t(i)"
        names = ", ".join(columns_of("orders"))
        documents = pl.DataFrame(con.sql(f"SELECT {names} FROM orders WHERE order_id IN ({ids})"))
        names = ", ".join(columns_of("order_lines"))
        lines = pl.DataFrame(con.sql(f"SELECT {names} FROM order_lines WHERE order_id IN ({ids})"))
    return documents.with_columns(pl.lit(f"new{turn}").alias("record_hash")), lines


def _bare(file: Path, documents: pl.DataFrame, lines: pl.DataFrame) -> float:
    with duckdb.connect(str(file)) as con:
        started = time.perf_counter()
        con.register("new_orders", documents.to_arrow())
        con.register("new_lines", lines.to_arrow())
        con.execute("BEGIN")
        for table, new in (("orders", "new_orders"), ("order_lines", "new_lines")):
            con.execute(f"DELETE FROM {table} WHERE order_id IN (SELECT order_id FROM new_orders)")
            con.execute(f"INSERT INTO {table} BY NAME SELECT * FROM {new}")
        con.execute("COMMIT")
        return time.perf_counter() - started


def _merge(file: Path, documents: pl.DataFrame, lines: pl.DataFrame) -> float:
    store = open_store(f"duckdb:///{file}")
    with store.session() as session:
        started = time.perf_counter()
        done = session.merge_documents("orders", documents, {"order_lines": lines})
    assert done.changed == CHANGED, done
    return time.perf_counter() - started
