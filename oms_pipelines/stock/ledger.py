"""The stock ledger: every change of stock is a movement from one account to another.

Accounts are `location/sellable`, `/allocated`, `/repair`, `/quarantine`, and the world's:
`world/in_transit`, `/customer`, `/sold`, `/short`, `/scrap`, `/count`. Legs sum to zero by
construction; `stock_balances` is kept with each movement and equals the recompute.

Movements are the difference between what the facts ask for and what is posted, so posting
twice posts nothing, and a fact that changes (a late confirmation, a corrected count) is
answered by a movement that takes back.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from oms_pipelines.schema import columns_of
from oms_pipelines.store import Session

OVERLAP = timedelta(days=1)
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
MOVEMENT = list(columns_of("stock_movements"))
SHELF = ("sellable", "allocated")


@dataclass(frozen=True)
class Posted:
    """Movements posted: from facts, and to follow counts."""

    movements: int
    corrections: int


def post(session: Session, now: datetime) -> Posted:
    """Post what facts and counts ask for beyond what the ledger has. Idempotent."""
    last = session.query("stock/last_known")["known_at"][0]
    since = (last - OVERLAP) if last else BEGINNING
    movements = _movements(session.query("stock/affected_movements", since=since), now)
    _write(session, movements)
    touched = pl.concat(
        [session.query("stock/counted_since", since=since), _shelves(movements)]
    ).unique()
    corrections = _corrections(session, touched, now)
    _write(session, corrections)
    return Posted(movements.height, corrections.height)


def _movements(due: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Turn signed differences into movements; a negative one goes the other way."""
    back = pl.col("quantity") < 0
    return due.select(
        pl.format("{}/{}/{}/{}", "cause", "cause_id", "sku", "movements").alias("movement_id"),
        "sku",
        pl.when(back).then("to_account").otherwise("from_account").alias("from_account"),
        pl.when(back).then("from_account").otherwise("to_account").alias("to_account"),
        pl.col("quantity").abs(),
        "cause",
        "cause_id",
        pl.coalesce("valid_at", pl.lit(now)).alias("valid_at"),
        pl.lit(now).alias("known_at"),
    )


def _shelves(movements: pl.DataFrame) -> pl.DataFrame:
    """Return the (location, sku) whose shelves the movements touch."""
    accounts = pl.concat(
        [
            movements.select(pl.col("from_account").alias("account"), "sku"),
            movements.select(pl.col("to_account").alias("account"), "sku"),
        ]
    )
    parts = accounts.with_columns(
        pl.col("account").str.split_exact("/", 1).struct.rename_fields(["location_id", "bucket"])
    ).unnest("account")
    return parts.filter(pl.col("bucket").is_in(SHELF)).select("location_id", "sku")


def _corrections(session: Session, touched: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Return the movements that bring the ledger to the newest counts."""
    session.frame("tmp_touched", touched)
    due = session.query("stock/count_corrections").with_columns(
        pl.format("{}/{}/{}", "location_id", "sku", pl.col("counted_at").dt.epoch("us")).alias(
            "cause_id"
        )
    )
    session.frame("tmp_causes", due.select("cause_id"))
    earlier = session.query("stock/movements_after")
    found = due.join(earlier, on="cause_id", how="left").with_columns(
        pl.col("movements").fill_null(0),
        pl.lit("count").alias("cause"),
        pl.lit("world/count").alias("from_account"),
        pl.format("{}/sellable", "location_id").alias("to_account"),
        pl.col("difference").alias("quantity"),
        pl.col("counted_at").alias("valid_at"),
    )
    return _movements(found, now)


def _write(session: Session, movements: pl.DataFrame) -> None:
    if movements.is_empty():
        return
    session.insert_new("stock_movements", movements.select(MOVEMENT))
    legs = pl.concat(
        [
            movements.select(pl.col("to_account").alias("account"), "sku", "quantity"),
            movements.select(pl.col("from_account").alias("account"), "sku", -pl.col("quantity")),
        ]
    )
    session.frame("tmp_deltas", legs.group_by("account", "sku").agg(pl.col("quantity").sum()))
    session.upsert("stock_balances", session.query("stock/balances_of"))
