"""Rows of a location's file, judged: what every kind of file has in common."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import polars as pl

from oms_pipelines.logistics.csvfile import Cast, cast, read
from oms_pipelines.logistics.profiles import Profile

REJECTED = {
    "page": pl.Int32,
    "record": pl.Int32,
    "record_key": pl.String,
    "reason": pl.String,
}


@dataclass(frozen=True)
class Parsed:
    """Rows let through and rows kept back (page, record, record_key, reason) of one file.

    accepted + rejected = received, but for the zeros a stock snapshot tells by leaving out.
    """

    accepted: pl.DataFrame
    rejected: pl.DataFrame
    received: int


def no_rejects() -> pl.DataFrame:
    """Return an empty frame of rows kept back."""
    return pl.DataFrame(schema=REJECTED)


def parse_rows(
    body: bytes, profile: Profile, location_id: str, name: str, page: int, tests: list[pl.Expr]
) -> Parsed:
    """Read, cast and judge a file. `tests` give a reason, or null, from the typed row.

    Accepted rows carry page, record, location_id and the fields. Raises Malformed.
    """
    rows = read(body, profile, name)
    found = judged(cast(rows, profile), profile, tests)
    place = pl.lit(page, pl.Int32).alias("page")
    record = pl.col("record").cast(pl.Int32)
    names = [n for n in profile.names if n != "location_id"]
    return Parsed(
        found.accepted.select(place, record, pl.lit(location_id).alias("location_id"), *names),
        found.rejected.select(place, record, "record_key", "reason"),
        rows.height,
    )


def judged(found: Cast, profile: Profile, tests: list[pl.Expr]) -> Cast:
    """Keep back the typed rows that fail a test of their kind, too."""
    reason = pl.coalesce(*tests, pl.lit(None, pl.String)).alias("reason_")
    rows = found.accepted.with_columns(reason)
    key = next(f.name for f in profile.fields if f.type == "key" and f.required)
    refused = rows.filter(pl.col("reason_").is_not_null()).select(
        "record",
        "line",
        pl.col(key).alias("record_key"),
        pl.format("line {}: {}", "line", "reason_").alias("reason"),
    )
    return Cast(
        rows.filter(pl.col("reason_").is_null()).drop("reason_"),
        pl.concat([found.rejected.select(refused.columns), refused]).sort("record"),
    )


def when(failed: pl.Expr, reason: str) -> pl.Expr:
    """Return a test: the reason where it failed, else null."""
    return pl.when(failed).then(pl.lit(reason))


def unknown_sku(known: Collection[str] | None) -> list[pl.Expr]:
    """Return the test of a SKU against those the merchant has; none when they are not told."""
    if known is None:
        return []
    stranger = ~pl.col("sku").is_in(pl.Series(list(known), dtype=pl.String).implode())
    return [when(stranger, "sku is unknown; add it to the catalog, then release the row")]


def future(field: str, fetched_at: datetime) -> pl.Expr:
    """Return the test of a time that cannot have come yet, an hour of clock error granted."""
    late = pl.col(field) > fetched_at + pl.duration(hours=1)
    return when(late, f"{field} lies in the future; check the sender's clock and time zone")


class _Stream:
    """Rows as Arrow, and as nothing else: neither side then looks closer, or keeps hold."""

    def __init__(self, rows: Any):
        self._rows = rows

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._rows.__arrow_c_stream__(requested_schema)


def hashed(rows: pl.DataFrame, *columns: str) -> pl.Series:
    """Return the md5 of the given columns of each row, in the order of the rows."""
    text = pl.concat_str([pl.col(c).cast(pl.String).fill_null("") for c in columns], separator="\0")
    with duckdb.connect() as con:
        con.register("texts", _Stream(rows.select(text.alias("text")).with_row_index("place")))
        found = con.sql("SELECT md5(text) AS record_hash FROM texts ORDER BY place")
        return pl.DataFrame(_Stream(found)).to_series()
