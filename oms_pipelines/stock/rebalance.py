"""Escrow follows demand: the declared claims, moved towards what each channel sells of a SKU.

The demand share of a channel is its share of the units sold over `stock.window`, smoothed as
if SMOOTHING more had been sold as declared (the mean of a Dirichlet posterior), so that a SKU
that sold little stays as declared. Factors are stored and renewed every `stock.rebalance.every`
only: in between, levels move with the stock alone. Only desired levels change here; a raise
waits as ever until the units it takes are let go (`listings.grants`).
"""

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from oms_pipelines.config import Channel, Oms
from oms_pipelines.stock.sales import demand_rates, measured_days
from oms_pipelines.stock.shares import EVERY, KEYS, declared_claims
from oms_pipelines.store import Session

SMOOTHING = 10.0  # units

FACTORS = {
    "channel_id": pl.String,
    "sku": pl.String,
    "factor": pl.Float64,
    "per_day": pl.Float64,
}


def factors(
    rates: pl.DataFrame, days: int, channels: Sequence[Channel], strength: float
) -> pl.DataFrame:
    """Return (channel_id, sku, factor, per_day): by what a declared claim is multiplied.

    `rates` are (channel_id, sku, per_day) over so many days. Of each SKU that sold, every
    channel with a claim has a row; the claims so moved add up to what was declared.
    """
    claims = declared_claims(channels)
    total = sum(claims)
    rows = [(c.id, claim / total) for c, claim in zip(channels, claims, strict=True) if claim > 0]
    own = pl.DataFrame(rows, {"channel_id": pl.String, "part": pl.Float64}, orient="row")
    sold = rates.join(own.select("channel_id"), on="channel_id", how="semi")
    units = pl.col("per_day") * days
    share = (units + SMOOTHING * pl.col("part")) / (units.sum().over("sku") + SMOOTHING)
    return (
        sold.select("sku")
        .unique()
        .join(own, how="cross")
        .join(sold, on=KEYS, how="left")
        .with_columns(pl.col("per_day").fill_null(0.0))
        .sort(KEYS)
        .select(
            *KEYS,
            (1 - strength + strength * share / pl.col("part")).round(9).alias("factor"),
            "per_day",
        )
    )


def effective_claims(weights: pl.DataFrame, channels: Sequence[Channel]) -> pl.DataFrame:
    """Return (channel_id, sku, declared, effective) claims in percent of a pool all sell from.

    `weights` are (channel_id, sku, factor), as stored.
    """
    claims = dict(zip([c.id for c in channels], declared_claims(channels), strict=True))
    own = pl.DataFrame(
        {"channel_id": list(claims), "declared": [100 * x for x in claims.values()]},
        schema={"channel_id": pl.String, "declared": pl.Float64},
    )
    moved = pl.col("declared") * pl.col("factor")
    total = 100 * sum(claims.values())
    return (
        weights.join(own.filter(pl.col("declared") > 0), on="channel_id")
        .with_columns((moved * total / moved.sum().over("sku")).alias("effective"))
        .select(*KEYS, "declared", "effective")
        .sort(KEYS)
    )


def renew_weights(session: Session, oms: Oms, now: datetime, *, anew: bool = False) -> pl.DataFrame:
    """Renew the stored factors where they are due, or all `anew`; return (sku) that changed.

    A SKU that sells no more is as declared again.
    """
    none = pl.DataFrame(schema={"sku": pl.String})
    rebalance = oms.stock.rebalance
    if rebalance is None:
        return none
    last = session.query("stock/weights_renewed")["computed_at"][0]
    if last is not None and not anew and now < last + rebalance.every:
        return none
    rates = demand_rates(session, now, oms.stock.window)
    days = measured_days(session, now, oms.stock.window)
    wanted = factors(rates, days, oms.channels, rebalance.strength)
    session.frame("tmp_sharing_skus", none)
    stored = session.query("stock/weights", all=True)
    gone = stored.join(wanted, on=KEYS, how="anti").select(
        *KEYS, pl.lit(1.0).alias("factor"), pl.lit(0.0).alias("per_day")
    )
    rows = pl.concat([wanted, gone])
    if rows.is_empty():  # nothing ever sold: else this would be measured anew by each tick
        rows = pl.DataFrame([(EVERY, EVERY, 1.0, 0.0)], FACTORS, orient="row")
    session.upsert("stock_weights", rows.with_columns(pl.lit(now).alias("computed_at")))
    known = rows.join(stored.rename({"factor": "was"}), on=KEYS, how="left")
    moved = known.filter(pl.col("factor") != pl.col("was").fill_null(1.0))
    return moved.select("sku").unique().sort("sku")
