"""Supply files: what a location is to receive, line by line."""

from datetime import datetime

import polars as pl

from oms_pipelines.logistics.csvfile import read
from oms_pipelines.logistics.profiles import Profile
from oms_pipelines.logistics.verdicts import Parsed, hashed, parse_rows, when
from oms_pipelines.schema import columns_of
from oms_pipelines.store import Session
from oms_pipelines.touched import touch


def parse_supply(
    body: bytes,
    profile: Profile,
    location_id: str,
    fetched_at: datetime,
    batch_id: str,
    name: str = "file",
    page: int = 0,
) -> Parsed:
    """Read what is to arrive; accepted rows have the columns of supply. Raises Malformed.

    The file read last is right for a line. A line that cannot be is kept back alone.
    """
    elsewhere = pl.col("location_id") != location_id
    tests = [
        when(elsewhere, f"location_id is not {location_id}; send each its own file"),
        *supply_tests(),
    ]
    parsed = parse_rows(body, profile, location_id, name, page, tests)
    when_read = pl.lit(fetched_at).cast(pl.Datetime("us", "UTC"))
    rows = parsed.accepted.with_columns(
        pl.col("received_quantity").fill_null(0),
        pl.lit(None, pl.Datetime("us", "UTC")).alias("arrived_at"),
        when_read.dt.timestamp("us").alias("source_version"),
        when_read.alias("fetched_at"),
        pl.lit(batch_id).alias("batch_id"),
    )
    told = ("reference", "sku", "quantity", "received_quantity", "expected_at")
    rows = rows.with_columns(hashed(rows, *told))
    raw = read(body, profile, name).select(pl.col("record").cast(pl.Int32), "sku")
    line = pl.format("{}/{}", "record_key", "sku").alias("record_key")
    rejected = parsed.rejected.join(raw, on="record").with_columns(line).drop("sku")
    return Parsed(rows.select(columns_of("supply")), rejected, parsed.received)


def supply_tests() -> list[pl.Expr]:
    """Return the tests of a line of supply, whatever the location."""
    twice = pl.struct("reference", "sku").is_duplicated()
    return [when(twice, "sku stands twice in the reference; add the rows up")]


def settle_counted(session: Session, counts: pl.DataFrame) -> int:
    """Mark the supply that counts (location_id, sku, counted_at) contain; return the lines.

    Goods expected before a count of their SKU are in it, or have not come: the count tells
    which, and nobody waits for them any more until a file gives them another date.
    """
    session.frame("tmp_supply_counts", counts.select("location_id", "sku", "counted_at"))
    contained = session.query("logistics/supply_contained")
    if contained.is_empty():
        return 0
    touch(session, contained["sku"])  # a count may be read long after its time
    session.frame("tmp_supply_contained", contained)
    return session.run("logistics/settle_supply")


def settle_told(session: Session, supply: pl.DataFrame, now: datetime) -> int:
    """Mark the lines of a supply file that a count known already contains."""
    due = supply.filter(pl.col("expected_at") < now)
    if due.is_empty():
        return 0
    session.frame("tmp_supply_due", due.select("location_id", "sku").unique())
    oldest = due["expected_at"].min()
    return settle_counted(session, session.query("logistics/supply_counted", since=oldest))
