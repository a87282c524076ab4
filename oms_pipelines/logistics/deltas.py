"""Stock files that tell movements: each row is taken or kept back alone, and counts once."""

from collections.abc import Collection
from datetime import datetime

import polars as pl

from oms_pipelines.logistics.profiles import Profile
from oms_pipelines.logistics.verdicts import Parsed, future, hashed, parse_rows, unknown_sku, when
from oms_pipelines.schema import columns_of


def parse_deltas(
    body: bytes,
    profile: Profile,
    location_id: str,
    fetched_at: datetime,
    batch_id: str,
    *,
    known: Collection[str] | None = None,
    name: str = "file",
    page: int = 0,
) -> Parsed:
    """Read what a location gained or lost; accepted rows have the columns of stock_adjustments.

    `known` are the merchant's SKUs, None for any. Raises Malformed when it cannot be read.
    """
    read_at = pl.lit(fetched_at).cast(pl.Datetime("us", "UTC"))
    moved = pl.col("moved_at").fill_null(read_at)
    elsewhere = pl.col("location_id") != location_id
    tests = [
        when(elsewhere, f"location_id is not {location_id}; send each its own file"),
        *delta_tests(fetched_at),
        *unknown_sku(known),
    ]
    parsed = parse_rows(body, profile, location_id, name, page, tests)
    rows = parsed.accepted.with_columns(
        # a file that dates nothing is the same file when it is read again
        pl.col("moved_at").dt.timestamp("us").fill_null(0).alias("source_version"),
        moved.alias("moved_at"),
        read_at.alias("fetched_at"),
        pl.lit(batch_id).alias("batch_id"),
        hashed(parsed.accepted, "reference", "sku", "quantity", "moved_at", "reason"),
    )
    return Parsed(rows.select(columns_of("stock_adjustments")), parsed.rejected, parsed.received)


def delta_tests(fetched_at: datetime) -> list[pl.Expr]:
    """Return the tests of a movement, whatever the location."""
    twice = pl.struct("reference", "sku").is_duplicated()
    return [
        when(pl.col("quantity") == 0, "quantity is 0; write what was gained or lost"),
        when(twice, "sku stands twice under one reference; add the rows up, or number them"),
        future("moved_at", fetched_at),
    ]
