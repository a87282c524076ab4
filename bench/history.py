"""A store with a past: closed orders, shipped and delivered, made in SQL."""

from pathlib import Path

import duckdb

from oms_pipelines.store import open_store

SKUS = 5_000


def make(file: Path, orders: int) -> None:
    """Fill a new embedded store with `orders` closed orders of two lines, 274 a day.

    However long the history, the trade of a day is the same.
    """
    open_store(f"duckdb:///{file}").migrate()
    con = duckdb.connect(str(file))
    con.execute("SET TimeZone = 'UTC'")
    con.execute("SET enable_progress_bar = false")
    for statement in (Path(__file__).parent / "history.sql").read_text("utf-8").split(";\n"):
        if statement.strip():
            con.execute(statement.replace("$orders", str(orders)).replace("$skus", str(SKUS)))
    con.close()
