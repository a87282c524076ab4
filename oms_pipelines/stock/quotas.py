"""Dated quotas: units set aside for a channel while its private sale is open.

A quota is open from its first moment until before its last, by the calendar of the channel's
zone. What it has of a SKU is its units less what the channel sold under it, so that a sale is
not refilled; once closed, what is unsold is in the pool again.
"""

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from oms_pipelines.config import Channel, Oms
from oms_pipelines.settings_stock import Quota
from oms_pipelines.store import Session

SALES = {"channel_id": pl.String, "quota": pl.String, "sku": pl.String, "sold": pl.Int64}
_CLAIMS = {
    "channel_id": pl.String,
    "quota": pl.String,
    "sku": pl.String,
    "units": pl.Int64,
    "share": pl.Float64,
}
_TURNS = {
    "at": pl.Datetime("us", "UTC"),
    "channel_id": pl.String,
    "quota": pl.String,
    "opens": pl.Boolean,
    "sku": pl.String,
}


def open_quotas(channels: Sequence[Channel], now: datetime) -> list[tuple[Channel, Quota]]:
    """Return the quotas that are open at a moment, in the order of oms.yaml."""
    return [
        (channel, quota)
        for channel in channels
        if channel.stock.mode == "escrow"
        for quota in channel.stock.quotas
        if quota.opens(channel.time_zone) <= now < quota.closes(channel.time_zone)
    ]


def quota_claims(
    channels: Sequence[Channel], now: datetime | None, sold: pl.DataFrame, skus: pl.DataFrame
) -> pl.DataFrame:
    """Return (channel_id, quota, sku, units, share): what open quotas claim of these SKUs.

    `sold` is (channel_id, quota, sku, sold); `units` are what is left of a quota of units,
    `share` is of the pool; one of them is null. A channel has one row a SKU at most.
    """
    parts = [pl.DataFrame(schema=_CLAIMS)]
    for channel, quota in open_quotas(channels, now) if now else []:
        named = skus if quota.skus is None else skus.filter(pl.col("sku").is_in(quota.skus))
        own = named.select(
            pl.lit(channel.id).alias("channel_id"),
            pl.lit(quota.id).alias("quota"),
            "sku",
            pl.lit(quota.units, pl.Int64).alias("units"),
            pl.lit(quota.share, pl.Float64).alias("share"),
        )
        parts.append(own)
    claims = pl.concat(parts)
    left = (pl.col("units") - pl.col("sold").fill_null(0)).clip(0)
    return claims.join(sold, on=["channel_id", "quota", "sku"], how="left").select(
        "channel_id", "quota", "sku", left.alias("units"), "share"
    )


def quota_turns(oms: Oms, since: datetime | None, now: datetime) -> pl.DataFrame:
    """Return the quotas that open or close after `since`, up to and at `now`.

    (at, channel_id, quota, opens, sku), by time; a null SKU is all. Without `since`, all that
    opened so far.
    """
    rows = []
    for channel in oms.channels:
        for quota in channel.stock.quotas if channel.stock.mode == "escrow" else []:
            moments = (quota.opens(channel.time_zone), quota.closes(channel.time_zone))
            for at, opens in zip(moments, (True, False), strict=True):
                if (since is None or at > since) and at <= now:
                    rows += [(at, channel.id, quota.id, opens, s) for s in quota.skus or [None]]
    return pl.DataFrame(rows, schema=_TURNS, orient="row").sort("at", maintain_order=True)


def read_quota_sales(
    session: Session, oms: Oms, now: datetime, skus: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Return (channel_id, quota, sku, sold): SKU units sold under the quotas that are open.

    `skus` (sku) narrows it. Reads the orders since these opened, canceled units left out.
    """
    running = [(c, q) for c, q in open_quotas(oms.channels, now) if q.units is not None]
    return _sold(session, running, skus)


def sold_under_quotas(session: Session, oms: Oms, now: datetime) -> pl.DataFrame:
    """Return (channel_id, quota, sold): units sold under all quotas that have opened so far.

    Of the SKUs the quota names, where it names some; those of quotas that closed too.
    """
    opened = [
        (c, q)
        for c in oms.channels
        if c.stock.mode == "escrow"
        for q in c.stock.quotas
        if q.opens(c.time_zone) <= now
    ]
    named = pl.DataFrame(
        [(c.id, q.id, s) for c, q in opened for s in q.skus or [None]],
        {"channel_id": pl.String, "quota": pl.String, "named": pl.String},
        orient="row",
    )
    sold = _sold(session, opened, None).join(named, on=["channel_id", "quota"])
    own = sold.filter(pl.col("named").is_null() | (pl.col("named") == pl.col("sku")))
    units = own.group_by("channel_id", "quota").agg(pl.col("sold").sum())
    every = named.select("channel_id", "quota").unique()
    return every.join(units, on=["channel_id", "quota"], how="left").with_columns(
        pl.col("sold").fill_null(0)
    )


def _sold(
    session: Session, which: Sequence[tuple[Channel, Quota]], skus: pl.DataFrame | None
) -> pl.DataFrame:
    """Return (channel_id, quota, sku, sold) of these quotas."""
    if not which:
        return pl.DataFrame(schema=SALES)
    quotas = [(c.id, q.id, q.opens(c.time_zone), q.closes(c.time_zone)) for c, q in which]
    columns = ["channel_id", "quota", "opens", "closes"]
    session.frame("tmp_quotas", pl.DataFrame(quotas, schema=columns, orient="row"))
    none = pl.DataFrame(schema={"sku": pl.String})
    session.frame("tmp_quota_skus", none if skus is None else skus.select("sku").unique())
    return session.query("stock/quota_sales", all=skus is None)
