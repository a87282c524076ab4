"""How the hub decides levels in a replay: it measures what it sells, and shares by it.

Quotas, weights and buffers come of the functions that make them in earnest, out of the sales
that the hub knows by then. Weights and buffers are renewed with the day, and what is kept back
for channels out of reach as their silence grows.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

import polars as pl

from oms_pipelines.config import Oms
from oms_pipelines.stock.buffers import buffers
from oms_pipelines.stock.quotas import SALES, open_quotas, quota_turns
from oms_pipelines.stock.rebalance import factors
from oms_pipelines.stock.sales import window_of
from oms_pipelines.stock.shares import KEYS, Sharing
from oms_pipelines.stock.silences import RATES, covered, rates_by_channel, unheard
from oms_pipelines.stock.trace import DAILY

MOMENTS = {"channel_id": pl.String, "sku": pl.String, "units": pl.Int64, "squares": pl.Int64}


class Decide(Protocol):
    """What decides levels in a replay; `learns` tells whether it wants to hear of sales."""

    learns: bool

    def learn(self, sold: pl.DataFrame) -> None:
        """Take sales (at, channel_id, sku, units) that the hub has heard of."""
        ...

    def renew(self, now: datetime, silent: Mapping[str, timedelta]) -> bool:
        """Renew what sharing rests on; tell whether the level of any SKU may change.

        `silent` are the channels out of reach, and since when nothing was heard of them.
        """
        ...

    def sharing_at(self, now: datetime) -> Sharing:
        """Return what levels are shared by."""
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
        self._kept = buffers(pl.DataFrame(schema=MOMENTS), 0, skus, oms)
        self._rates = pl.DataFrame(schema=RATES)
        self.sharing = Sharing()
        self._now: datetime | None = None
        self._tick = min((c.every for c in oms.channels), default=timedelta(0))
        self._silent: dict[str, timedelta] = {}
        self._longest = timedelta(0)
        self._covers: dict[str, timedelta] = {}
        self._pooled = any(c.stock.mode == "pooled" for c in oms.channels)
        self._quotas = any(c.stock.quotas for c in oms.channels)
        self._measures = self._pooled or oms.stock.rebalance is not None
        self.learns = self._measures or self._quotas
        self._orders: list[pl.DataFrame] = []

    def learn(self, sold: pl.DataFrame) -> None:
        """Count sales on the day they were made."""
        if self._measures:
            day = pl.col("at").dt.truncate("1d").alias("day")
            self._daily.append(sold.select(day, *list(DAILY)[1:]))
        if self._quotas:
            self._orders.append(sold)

    def renew(self, now: datetime, silent: Mapping[str, timedelta]) -> bool:
        """Renew weights and buffers with the day, and buffers as channels fall silent."""
        turned = self._quotas and not quota_turns(self._oms, self._now, now).is_empty()
        new_day = self._now is None or self._now.date() != now.date()
        if self._measures and new_day:
            self._measure(now)
        fell = self._pooled and self._listen(silent)
        if fell or (self._pooled and new_day):
            kept = unheard(self._kept, self._rates, self._oms, self._covers)
            self.sharing = replace(self.sharing, buffers=kept.select(*KEYS, "buffer", "unheard"))
        self._now = now
        return turned or fell or (self._measures and new_day)

    def _listen(self, silent: Mapping[str, timedelta]) -> bool:
        """Take which channels are out of reach; tell whether another time is to be covered."""
        over = [x for c, x in self._silent.items() if c not in silent]
        self._longest = max([self._longest, *over])
        self._silent = dict(silent)
        covers = {c: covered(x, self._tick, self._longest) for c, x in silent.items()}
        same, self._covers = covers == self._covers, covers
        return not same

    def sharing_at(self, now: datetime) -> Sharing:
        """Return what levels are shared by."""
        return replace(self.sharing, now=now, quota_sales=self._quota_sales(now))

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
        self._kept = buffers(moments, days, self._skus, self._oms, self._lags)
        self._rates = rates_by_channel(moments, days, self._skus)
        weights = self.sharing.weights
        rebalance = self._oms.stock.rebalance
        if rebalance is not None and days:
            rates = moments.select(*KEYS, (pl.col("units") / days).alias("per_day"))
            weights = factors(rates, days, self._oms.channels, rebalance.strength)
            weights = weights.select(*KEYS, "factor")
        self.sharing = Sharing(weights=weights)

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
