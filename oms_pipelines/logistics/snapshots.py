"""Stock files: a snapshot is taken whole, or refused whole and the last good one stands."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from oms_pipelines.config import Location
from oms_pipelines.errors import Malformed
from oms_pipelines.logistics.profiles import Profile
from oms_pipelines.logistics.verdicts import Parsed, future, hashed, parse_rows, unknown_sku, when
from oms_pipelines.schema import columns_of
from oms_pipelines.store import Session
from oms_pipelines.touched import touch

_COUNT = ["location_id", "sku", "counted_at"]
NAMED = 3  # rows kept back, of a file that is refused for them
_IS_LOT = pl.col("lot").is_not_null() | pl.col("expires_on").is_not_null()
_LOT = pl.coalesce("lot", pl.col("expires_on").cast(pl.String)).alias("lot")


@dataclass(frozen=True)
class Counted(Parsed):
    """A snapshot: `lots` has the columns of stock_lots and the record_hash of their count."""

    lots: pl.DataFrame


def last_snapshot(session: Session, location_id: str, before: datetime) -> pl.DataFrame:
    """Return sku, quantity, counted_at, batch_id of the last good snapshot read before a time."""
    return session.query("logistics/last_snapshot", location_id=location_id, before=before)


def forget_lots(session: Session, location_id: str) -> None:
    """Forget the lots of counts of a location that a newer count of their SKU replaced."""
    own = {"location_id": location_id}
    oldest = session.query("logistics/oldest_lot", **own)["counted_at"][0]
    if oldest is None:
        return
    replaced = session.query("logistics/lots_replaced", **own, oldest=oldest)
    if replaced.height:
        touch(session, replaced["sku"])  # what had expired may be sold again: the count says so
        session.frame("tmp_lots_replaced", replaced)
        session.run("logistics/forget_lots", **own)


def count_ages(session: Session, now: datetime) -> pl.DataFrame:
    """Return how old each location's last good count is: age_seconds, counted_at, skus."""
    ages = session.query("logistics/count_ages")
    age = (pl.lit(now) - pl.col("counted_at")).dt.total_seconds()
    return ages.with_columns(age.cast(pl.Int64).alias("age_seconds"))


def parse_stock(
    body: bytes,
    profile: Profile,
    location: Location,
    fetched_at: datetime,
    batch_id: str,
    *,
    known: Collection[str] | None = None,
    last: pl.DataFrame | None = None,
    name: str = "file",
    page: int = 0,
    alone: bool = False,
) -> Counted:
    """Read a snapshot; accepted rows have the columns of stock_counts, lots those of stock_lots.

    A count is the sum of its lots; where a lot is kept back, so are the others of its SKU, and
    the last good count of it stands. So is a lot that comes `alone`, as a mended record does.
    `last` (sku, quantity) is the last good snapshot, `known` the merchant's SKUs, None for
    any. A row of a stranger SKU, of another location, or with a count that cannot be is kept
    back alone. Raises Malformed, refusing the file whole, when it cannot be read or lost more
    than the location's `max_shrink`.
    """
    settings = location.stock
    if settings is None:
        raise Malformed(f"{name}: location {location.id} declares no stock file")
    when_read = pl.lit(fetched_at).cast(pl.Datetime("us", "UTC"))
    counted = pl.col("counted_at").fill_null(when_read)
    elsewhere = pl.col("location_id") != location.id
    tests = [
        when(elsewhere, f"location_id is not {location.id}; send each its own file"),
        *(
            [when(_IS_LOT, "a lot comes with the others of its SKU; send the file anew")]
            if alone
            else []
        ),
        *stock_tests(fetched_at),
        *unknown_sku(known),
    ]
    parsed = parse_rows(body, profile, location.id, name, page, tests)
    parsed = Parsed(*whole_skus(parsed.accepted, parsed.rejected), parsed.received)
    lots = parsed.accepted.with_columns(counted.alias("counted_at"), _LOT)
    rows = lots.group_by("location_id", "sku", "counted_at", maintain_order=True).agg(
        pl.col("quantity").sum()
    )
    lots = lots.drop_nulls("lot").select(columns_of("stock_lots"))
    if last is not None:
        _check_shrink(rows, last, location, name, parsed.rejected)
        if settings.absent == "zero":
            rows = pl.concat([rows, _absent(rows, parsed.rejected, last)])
    rows = rows.with_columns(
        pl.lit(settings.means).alias("means"),
        pl.col("counted_at").dt.timestamp("us").alias("source_version"),
        when_read.alias("fetched_at"),
        pl.lit(batch_id).alias("batch_id"),
    )
    rows = _hashed(rows, lots)
    lots = lots.join(rows.select(*_COUNT, "record_hash"), on=_COUNT)
    counts = rows.select(columns_of("stock_counts"))
    return Counted(counts, parsed.rejected, parsed.received, lots)


def whole_skus(accepted: pl.DataFrame, rejected: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Keep back the lots of a SKU that another row of is kept back: their sum is no count."""
    broken = rejected["record_key"].drop_nulls().unique()
    torn = pl.col("sku").is_in(broken.implode()) & _IS_LOT
    told = pl.lit("another lot of its SKU is kept back; send the file anew")
    if "line" in accepted.columns:
        told = pl.format("line {}: {}", "line", told)
    lost = accepted.filter(torn).with_columns(
        pl.col("sku").alias("record_key"), told.alias("reason")
    )
    both = pl.concat([rejected, lost.select(rejected.columns)]).sort("record")
    return accepted.filter(~torn), both


def _hashed(rows: pl.DataFrame, lots: pl.DataFrame) -> pl.DataFrame:
    """Add the hash of each count; its lots are a part of it, where it has any."""
    columns = ["sku", "counted_at", "quantity", "means"]
    if lots.is_empty():
        return rows.with_columns(hashed(rows, *columns))
    told = pl.format("{} {} {}", "lot", pl.col("expires_on").cast(pl.String).fill_null(""),
                     "quantity")  # fmt: skip
    text = lots.sort("lot").group_by(_COUNT).agg(told.str.join("\n").alias("lots"))
    both = rows.join(text, on=_COUNT, how="left", maintain_order="left")
    return rows.with_columns(hashed(both, *columns, "lots"))


def stock_tests(fetched_at: datetime) -> list[pl.Expr]:
    """Return the tests of a count, whatever the location."""
    counted = pl.col("counted_at").fill_null(pl.lit(fetched_at).cast(pl.Datetime("us", "UTC")))
    twice = pl.struct("sku", counted, _LOT).is_duplicated()
    return [
        when(twice & _IS_LOT, "lot stands twice with one counted_at; add the rows up"),
        when(twice, "sku stands twice with one counted_at; add the rows up, or name the lots"),
        future("counted_at", fetched_at),
    ]


def _check_shrink(
    rows: pl.DataFrame, last: pl.DataFrame, location: Location, name: str, rejected: pl.DataFrame
) -> None:
    settings = location.stock
    assert settings is not None
    if settings.absent == "zero":  # such a location leaves out what it has none of
        rows, last = rows.filter(pl.col("quantity") > 0), last.filter(pl.col("quantity") > 0)
    now, before = rows["sku"].n_unique(), last["sku"].n_unique()
    if before and (before - now) / before > settings.max_shrink:
        raise Malformed(
            f"{name}: {now} SKUs, but the last good count of {location.id} had {before}; more "
            f"than {settings.max_shrink:.0%} are gone{_kept_back(rejected)}. The last good count "
            f"stands. If it is true, raise locations.{location.id}.stock.max_shrink and read the "
            "file again"
        )


def _kept_back(rejected: pl.DataFrame) -> str:
    """Return how many rows were kept back, and why the first ones were, in words."""
    if rejected.is_empty():
        return ""
    first = "; ".join(rejected["reason"].head(NAMED))
    more = f"; {rejected.height - NAMED} more" if rejected.height > NAMED else ""
    return f", since {rejected.height} rows were kept back ({first}{more})"


def _absent(rows: pl.DataFrame, rejected: pl.DataFrame, last: pl.DataFrame) -> pl.DataFrame:
    """Return zeros, dated as the snapshot, for SKUs it leaves out; rejected ones stay as known."""
    there = pl.concat([rows["sku"], rejected["record_key"].drop_nulls()])
    gone = last.filter((pl.col("quantity") > 0) & ~pl.col("sku").is_in(there.implode()))
    return gone.select(
        pl.lit(rows["location_id"].first(), pl.String).alias("location_id"),
        "sku",
        pl.lit(rows["counted_at"].max()).cast(pl.Datetime("us", "UTC")).alias("counted_at"),
        pl.lit(0, pl.Int64).alias("quantity"),
    ).filter(pl.col("counted_at").is_not_null())
