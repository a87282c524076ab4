"""Supply files: what a location is to receive, line by line."""

from datetime import datetime

import polars as pl

from oms_pipelines.logistics.profiles import Profile
from oms_pipelines.logistics.verdicts import Parsed, hashed, parse_rows, when
from oms_pipelines.schema import columns_of


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
    read = pl.lit(fetched_at).cast(pl.Datetime("us", "UTC"))
    rows = parsed.accepted.with_columns(
        pl.col("received_quantity").fill_null(0),
        read.dt.timestamp("us").alias("source_version"),
        read.alias("fetched_at"),
        pl.lit(batch_id).alias("batch_id"),
    )
    told = ("reference", "sku", "quantity", "received_quantity", "expected_at")
    rows = rows.with_columns(hashed(rows, *told))
    return Parsed(rows.select(columns_of("supply")), parsed.rejected, parsed.received)


def supply_tests() -> list[pl.Expr]:
    """Return the tests of a line of supply, whatever the location."""
    twice = pl.struct("reference", "sku").is_duplicated()
    return [when(twice, "sku stands twice in the reference; add the rows up")]
