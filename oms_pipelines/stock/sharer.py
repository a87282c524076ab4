"""How the hub decides levels in a replay: it measures what it sells, and shares by it.

Quotas, weights and buffers come of the functions that make them in earnest, out of the sales
that the hub knows by then. Weights and buffers are renewed with the day.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

import polars as pl

from oms_pipelines.config import Oms
from oms_pipelines.stock.availability import atp_by_location, desired_levels
from oms_pipelines.stock.buffers import buffers
from oms_pipelines.stock.quotas import SALES, open_quotas, quota_turns
from oms_pipelines.stock.rebalance import factors
from oms_pipelines.stock.sales import window_of
from oms_pipelines.stock.shares import KEYS, Sharing
from oms_pipelines.stock.trace import DAILY


class Decide(Protocol):
    """What decides levels in a replay; `learns` tells whether it wants to hear of sales."""

    learns: bool

    def learn(self, sold: pl.DataFrame, at: datetime) -> None:
        """Take sales (channel_id, sku, units) of a moment that the hub has heard of."""
        ...

    def renew(self, now: datetime) -> bool:
        """Renew what sharing rests on; tell whether the level of any SKU may change."""
        ...

    def levels(self, stock: pl.DataFrame, demand: pl.DataFrame, now: datetime) -> pl.DataFrame:
        """Return (channel_id, sku, desired) out of (location_id, sku, quantity) sellable.

        `demand` (channel_id, sku, quantity) is sold and not taken off the stock yet.
        """
        ...


class Sharer:
    """Decides by the settings of `oms`, as `compute_levels` does.

    `sharing` has the weights and buffers that hold now.
    """

    def __init__(self, oms: Oms, history: pl.DataFrame, skus: int, lags: Mapping[str, float]):
        self._oms, self._skus = oms, skus
        self._lags = pl.DataFrame(
            {"channel_id": list(lags), "lag_seconds": list(lags.values())},
            schema={"channel_id": pl.String, "lag_seconds": pl.Float64},
        )
        self._daily = [history.select(pl.col(c).cast(t) for c, t in DAILY.items())]
        self.sharing = Sharing()
        self._now: datetime | None = None
        pooled = any(c.stock.mode == "pooled" for c in oms.channels)
        self._quotas = any(c.stock.quotas for c in oms.channels)
        self._measures = pooled or oms.stock.rebalance is not None
        self.learns = self._measures or self._quotas
        self._orders: list[pl.DataFrame] = []

    def learn(self, sold: pl.DataFrame, at: datetime) -> None:
        """Count sales on the day they were made."""
        day = at.replace(hour=0, minute=0, second=0, microsecond=0)
        if self._measures:
            self._daily.append(sold.select(pl.lit(day).alias("day"), *list(DAILY)[1:]).cast(DAILY))
        if self._quotas:
            self._orders.append(sold.with_columns(pl.lit(at).alias("at")))

    def renew(self, now: datetime) -> bool:
        """Renew weights and buffers with the day; tell whether they, or quotas, changed."""
        turned = self._quotas and not quota_turns(self._oms, self._now, now).is_empty()
        new_day = self._now is None or self._now.date() != now.date()
        if self._measures and new_day:
            self._measure(now)
        self._now = now
        return turned or (self._measures and new_day)

    def levels(self, stock: pl.DataFrame, demand: pl.DataFrame, now: datetime) -> pl.DataFrame:
        """Return the levels that the hub would want."""
        sharing = Sharing(now, self._quota_sales(now), self.sharing.weights, self.sharing.buffers)
        return desired_levels(atp_by_location(stock, self._oms), demand, self._oms, sharing)

    def _measure(self, now: datetime) -> None:
        first, today = window_of(now, self._oms.stock.window)
        daily = (
            pl.concat(self._daily)
            .filter(pl.col("day") >= first)
            .group_by("day", *KEYS)
            .agg(pl.col("units").sum())
        )
        self._daily = [daily]
        over = daily.filter(pl.col("day") < today)
        begun = over["day"].min()
        days = (today - begun) // timedelta(days=1) if isinstance(begun, datetime) else 0
        moments = over.group_by(KEYS).agg(
            pl.col("units").sum(), (pl.col("units") ** 2).sum().cast(pl.Int64).alias("squares")
        )
        kept = buffers(moments, days, self._skus, self._oms, self._lags)
        weights = self.sharing.weights
        rebalance = self._oms.stock.rebalance
        if rebalance is not None and days:
            rates = moments.select(*KEYS, (pl.col("units") / days).alias("per_day"))
            weights = factors(rates, days, self._oms.channels, rebalance.strength)
            weights = weights.select(*KEYS, "factor")
        self.sharing = Sharing(weights=weights, buffers=kept.select(*KEYS, "buffer"))

    def _quota_sales(self, now: datetime) -> pl.DataFrame:
        """Return what was sold under the quotas that are open."""
        parts = [pl.DataFrame(schema=SALES)]
        if not self._orders:
            return parts[0]
        orders = pl.concat(self._orders)
        for channel, quota in open_quotas(self._oms.channels, now):
            since = quota.opens(channel.time_zone)
            own = orders.filter((pl.col("channel_id") == channel.id) & (pl.col("at") >= since))
            sold = own.group_by(KEYS).agg(pl.col("units").sum().alias("sold"))
            parts.append(sold.with_columns(pl.lit(quota.id).alias("quota")).select(list(SALES)))
        return pl.concat([p.cast(pl.Schema(SALES)) for p in parts])
