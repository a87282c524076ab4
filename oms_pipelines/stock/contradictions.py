"""Facts of locations that contradict the ledger: accepted, and told as entries of their own.

A location shipped more than it was asked, or something else; did not find what the ledger has on
its shelf; counted less than is allocated; took back more than left. What is told stays until a
later count of the shelf settles it, so that its age is known.
"""

from datetime import datetime, timedelta

import polars as pl

from oms_pipelines.schema import columns_of
from oms_pipelines.store import Session

KEY = ["kind", "location_id", "sku", "subject"]
SHELF = "shelf"  # the subject of what is said of no order and no receipt
AGO = timedelta(days=60)  # a dock may date a receipt anew
TIME = pl.Datetime("us", "UTC")


def note(
    session: Session, movements: pl.DataFrame, corrections: pl.DataFrame, now: datetime
) -> int:
    """Tell what the movements and corrections just posted contradict; return the rows that differ.

    Settles what newer counts, in `tmp_counted`, have settled. Idempotent. What was looked at by
    the ledger stands in `tmp_orders`, `tmp_lines`, `tmp_parcels`, `tmp_contents`.
    """
    session.frame("tmp_shelves", pl.concat([_short(movements), _counted(corrections)]))
    found = [
        session.query("stock/contradicting_orders"),
        session.query("stock/contradicting_shelves"),
    ]
    came = movements.filter(pl.col("cause") == "return")
    if came.height:
        session.frame("tmp_came", came.select(pl.col("cause_id").alias("subject")).unique())
        oldest = came["valid_at"].min()
        assert isinstance(oldest, datetime)
        found.append(session.query("stock/contradicting_receipts", since=oldest - AGO))
    told = _told(session, pl.concat(found), now)
    return told + session.run("stock/settle_contradictions", now=now)


def _told(session: Session, found: pl.DataFrame, now: datetime) -> int:
    """Store what is new, of other units than before, or wrong again on a shelf."""
    session.frame("tmp_contradictions", found)
    known = session.query("stock/contradictions_known")
    rows = found.join(known, on=KEY, how="left").filter(
        pl.col("units").ne_missing(pl.col("units_before"))
        | ((pl.col("state") == "closed") & (pl.col("subject") == SHELF))
    )
    moment = pl.lit(now).cast(TIME)
    rows = rows.with_columns(
        pl.coalesce("found_at", moment).alias("found_at"),
        pl.lit("open").alias("state"),
        pl.lit(None, TIME).alias("closed_at"),
    )
    return session.upsert("stock_contradictions", rows.select(columns_of("stock_contradictions")))


def _short(movements: pl.DataFrame) -> pl.DataFrame:
    """Return shelves of which units were not found: location_id, sku, subject, short, counted."""
    missed = movements.filter(
        (pl.col("cause") == "short_pick") & pl.col("from_account").str.ends_with("/allocated")
    )
    return missed.select(
        pl.col("from_account").str.split("/").list.first().alias("location_id"),
        "sku",
        pl.col("cause_id").str.strip_suffix(pl.format("/{}", "sku")).alias("subject"),
        pl.col("quantity").alias("short"),
        pl.lit(False).alias("counted"),
    )


def _counted(corrections: pl.DataFrame) -> pl.DataFrame:
    """Return shelves that counts took units from."""
    fewer = corrections.filter(pl.col("from_account").str.ends_with("/sellable"))
    return fewer.select(
        pl.col("from_account").str.split("/").list.first().alias("location_id"),
        "sku",
        pl.lit(SHELF).alias("subject"),
        pl.lit(None, pl.Int64).alias("short"),
        pl.lit(True).alias("counted"),
    ).unique()
