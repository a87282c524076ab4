"""Lots and their expiry: what has expired is on the shelf, and is not sellable.

Lots leave first expired, first out (FEFO): what left a location since its count came from the
lot that expired next and had not yet. So of the lots sorted by expiry, Q(i) units in the first
i and S(i) units gone by the time the i-th expired, the first k that have expired still hold
max(Q(i) - S(i), i <= k) units, if that is more than none.

A lot is sellable until 00:00 of `expires_on` in the location's zone, less `expiry_margin`.
"""

from datetime import UTC, datetime, timedelta

import polars as pl

from oms_pipelines.config import Location, Oms
from oms_pipelines.store import Session

PAIR = ["location_id", "sku"]
TIME = pl.Datetime("us", "UTC")
EXPIRED = {"location_id": pl.String, "sku": pl.String, "quantity": pl.Int64}
_ZONES = timedelta(days=2)  # a calendar day lies within so much of the same day in UTC


def zone_of(location: Location) -> str:
    """Return the zone of a location's calendar: its own, that of its cut-off, or UTC."""
    return location.time_zone or (location.cut_off or "23:59 UTC").split(" ", 1)[1]


def read_expired(
    session: Session, oms: Oms, now: datetime, skus: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Return (location_id, sku, quantity > 0): units on the shelf that have expired by `now`.

    Of the newest count of each SKU, less what left since by FEFO, and no more than lies there.
    `skus` (sku) narrows it. Reads the lots that may have expired, and movements since the
    oldest count of one.
    """
    lots = _read(session, oms, now, skus).filter(pl.col("sellable_until") <= now)
    if lots.is_empty():
        return pl.DataFrame(schema=EXPIRED)
    # what a count of `available` tells is not what was on its way out: nothing is known to be gone
    whole = [x.id for x in oms.locations if x.stock is None or x.stock.means == "on_hand"]
    counted = lots.filter(pl.col("location_id").is_in(whole))
    session.frame("tmp_lots", counted.select(*PAIR, "counted_at", "sellable_until").unique())
    oldest = lots["counted_at"].min()
    gone = session.query("stock/lots_gone", since=oldest)
    session.frame("tmp_lot_pairs", lots.select(PAIR).unique())
    return expired_units(lots, gone, session.query("stock/lots_shelf"))


def expired_units(lots: pl.DataFrame, gone: pl.DataFrame, shelf: pl.DataFrame) -> pl.DataFrame:
    """Return (location_id, sku, quantity > 0): what is left of lots that have expired.

    `lots` is (location_id, sku, sellable_until, quantity), all expired; `gone` the units that
    left between the count and each sellable_until; `shelf` (location_id, sku, quantity) what
    lies there now: no more can have expired.
    """
    key = [*PAIR, "sellable_until"]
    left = pl.col("quantity").cum_sum().over(PAIR) - pl.col("units").fill_null(0)
    return (
        lots.group_by(key)
        .agg(pl.col("quantity").sum())
        .join(gone, on=key, how="left")
        .sort(key)
        .with_columns(left.alias("quantity"))
        .group_by(PAIR)
        .agg(pl.col("quantity").max())
        .join(shelf.rename({"quantity": "there"}), on=PAIR, how="left")
        .select(
            *PAIR, pl.min_horizontal("quantity", pl.col("there").fill_null(0)).alias("quantity")
        )
        .filter(pl.col("quantity") > 0)
        .sort(PAIR)
    )


def unexpired(stock: pl.DataFrame, expired: pl.DataFrame) -> pl.DataFrame:
    """Return stock (location_id, sku, quantity, ...) less the units that have expired.

    Below zero where units are allocated that no unexpired ones are left for.
    """
    if expired.is_empty():
        return stock
    off = expired.select(*PAIR, pl.col("quantity").alias("off"))
    return (
        stock.join(off, on=PAIR, how="left", maintain_order="left")
        .with_columns((pl.col("quantity") - pl.col("off").fill_null(0)).alias("quantity"))
        .drop("off")
    )


def expiring_skus(session: Session, oms: Oms, after: datetime, until: datetime) -> pl.DataFrame:
    """Return (sku), sorted: those with a lot that expires after one clock value and by another.

    Their levels change with the clock alone, so a tick looks at them too.
    """
    when = pl.col("sellable_until")
    lots = _read(session, oms, until, None).filter(when > after, when <= until)
    return lots.select("sku").unique().sort("sku")


def _read(session: Session, oms: Oms, now: datetime, skus: pl.DataFrame | None) -> pl.DataFrame:
    """Return the lots that may have expired by `now`, each with `sellable_until`."""
    margins = [x.expiry_margin for x in oms.locations]
    latest = (now + max(margins, default=timedelta(0)) + _ZONES).astimezone(UTC).date()
    none = pl.DataFrame(schema={"sku": pl.String})
    session.frame("tmp_lot_skus", none if skus is None else skus.select("sku").unique())
    lots = session.query("stock/lots", latest=latest, all=skus is None)
    parts = [
        part.with_columns(_sellable_until(oms.location(name)).alias("sellable_until"))
        for (name,), part in lots.group_by("location_id")
        if name in {x.id for x in oms.locations}
    ]
    none = lots.clear().with_columns(pl.lit(None, TIME).alias("sellable_until"))
    return pl.concat([none, *parts])


def _sellable_until(location: Location) -> pl.Expr:
    day = pl.col("expires_on").cast(pl.Datetime("us"))
    zone = {"time_zone": zone_of(location), "ambiguous": "earliest", "non_existent": "null"}
    # where clocks skip midnight the day begins an hour later
    begins = pl.coalesce(
        day.dt.replace_time_zone(**zone), (day + pl.duration(hours=1)).dt.replace_time_zone(**zone)
    )
    return (begins.dt.convert_time_zone("UTC") - pl.lit(location.expiry_margin)).cast(TIME)
