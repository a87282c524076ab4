"""What sharing rests on, out of the store: quotas, weights and buffers, and what they touch."""

from datetime import datetime

import polars as pl

from oms_pipelines.config import Oms
from oms_pipelines.stock import reach
from oms_pipelines.stock.delays import lags as measured_lags
from oms_pipelines.stock.quotas import quota_turns, read_quota_sales
from oms_pipelines.stock.rebalance import renew_weights
from oms_pipelines.stock.renewal import renew_buffers
from oms_pipelines.stock.shares import EVERY, KEYS, Sharing
from oms_pipelines.store import Session


def renew_sharing(session: Session, oms: Oms, now: datetime, *, anew: bool = False) -> pl.DataFrame:
    """Renew weights and buffers where they are due; return (sku) whose levels this may change.

    `anew` says that settings changed: all are due. The SKU `*` among the changed says all.
    Buffers cover the 99 % quantile of each channel's measured lag. Sales must have been measured
    before (`sales.measure_sales`).
    """
    pooled = [c for c in oms.channels if c.stock.mode == "pooled"]
    lags = measured_lags(session, pooled).select("channel_id", lag_seconds="lag_p99")
    changed = [
        renew_weights(session, oms, now, anew=anew),
        renew_buffers(session, oms, now, lags, anew=anew),
    ]
    return pl.concat(changed).unique().sort("sku")


def read_sharing(
    session: Session, oms: Oms, now: datetime, skus: pl.DataFrame | None = None
) -> Sharing:
    """Return what `desired_levels` shares by at a moment, for all SKUs or those of (sku)."""
    none = pl.DataFrame(schema={"sku": pl.String})
    session.frame("tmp_sharing_skus", none if skus is None else skus.select("sku").unique())
    every = skus is None
    found = Sharing(now, read_quota_sales(session, oms, now, skus))
    weights, kept = found.weights, found.buffers
    if oms.stock.rebalance is not None:
        weights = session.query("stock/weights", all=every)
    if any(c.stock.mode == "pooled" for c in oms.channels):
        kept = _kept(session, oms, every=every)
    return Sharing(now, found.quota_sales, weights, kept)


def _kept(session: Session, oms: Oms, *, every: bool) -> pl.DataFrame:
    """Return (channel_id, sku, buffer), with what is kept back for channels out of reach.

    They sell no more than they may still show, so no more is kept back for them; of one that
    is told no levels nobody knows what it shows.
    """
    rows = session.query("stock/buffers", all=every)
    both = pl.col("buffer") + pl.col("unheard")
    modes = {c.id: c.stock.mode for c in oms.channels}
    if any(modes.get(c) == "none" for c in reach.silent(session)["channel_id"]):
        return rows.select(*KEYS, both.alias("buffer"))
    pooled = [c for c, mode in modes.items() if mode == "pooled"]
    held = session.query("stock/unreached", all=every).filter(pl.col("channel_id").is_in(pooled))
    of_all = held.group_by("sku").agg(pl.col("held").sum().alias("most"))
    most = pl.col("most").fill_null(0) - pl.col("held").fill_null(0)
    bound = pl.when(pl.col("sku") == EVERY).then("unheard").otherwise(most)
    return (
        rows.join(of_all, on="sku", how="left", maintain_order="left")
        .join(held, on=KEYS, how="left", maintain_order="left")
        .select(*KEYS, pl.col("buffer") + pl.min_horizontal("unheard", bound))
    )


def touched_by_quotas(oms: Oms, since: datetime | None, now: datetime) -> pl.DataFrame:
    """Return (sku) of quotas that open or close after `since`, up to and at `now`; `*` is all."""
    turns = quota_turns(oms, since, now)
    return turns.select(pl.col("sku").fill_null(EVERY)).unique().sort("sku")
