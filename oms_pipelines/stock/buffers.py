"""What a pooled channel keeps back: units that others may sell before it shows less.

The buffer of a channel and SKU is the smallest b with P(demand > b) <= risk, of the demand of
the other channels that sell from its places, pooled ones and those that are told no level, in
the time in which a sale of theirs is not in its level yet: from the sale to the next decision
(a tick) and from that to the level being observed (its lag). Escrow channels sell units of
their own. Demand is negative binomial by the measured mean and dispersion (`counts`). Channels
out of reach are covered besides (`silences`).

Within a lag that is the newsvendor's critical fractile: where an oversell costs k lost sales,
the risk 1 / (1 + k) costs least. (The next unit kept back saves P(demand > b) oversells and
costs P(demand <= b) sales, each where own demand reaches it; see `frontier`.)

What is measured of one SKU is weighed with what is measured of all: the mean by Bühlmann's
credibility (Experience rating and credibility, 1967), the dispersion as if SMOOTHING units had
been sold with that of all. So a SKU without a sale has the rate that SKUs like it turned out
to have; `cold_start` is the buffer of one that sold fewer than ENOUGH units, where it is set.
"""

from datetime import timedelta

import numpy as np
import polars as pl

from oms_pipelines.config import Channel, Oms
from oms_pipelines.stock.availability import sells_from
from oms_pipelines.stock.counts import quantile
from oms_pipelines.stock.shares import EVERY, KEYS

SMOOTHING = 20.0  # units
ENOUGH = 5  # units sold in the window
MOVED = 0.001  # demand has moved where so many units in a day were less likely than this
DAY = 86_400.0
MEASURED = {"sku": pl.String, "units": pl.Int64, "per_day": pl.Float64, "dispersion": pl.Float64}


def estimate(moments: pl.DataFrame, days: int, skus: int) -> pl.DataFrame:
    """Return (sku, units, per_day, dispersion) of each SKU that sold, and of any other (`*`).

    `moments` are (sku, units, squares): the sum over so many days of what was sold, and of the
    squares of each day's; `skus` is how many there are, those that sold nothing included.
    """
    if days < 1:
        return pl.DataFrame(schema=MEASURED)
    none = pl.DataFrame({"sku": [EVERY], "units": [0], "squares": [0]})
    rows = pl.concat([moments.select(none.columns), none]).sort("sku")
    units = rows["units"].to_numpy().astype(np.float64)
    spread = np.maximum(rows["squares"].to_numpy() - units**2 / days, 0) * days / max(days - 1, 1)
    total = units.sum()
    common = max(spread.sum() / total, 1.0) if total and days > 1 else 1.0
    own = np.where(units > 0, spread, 0) if days > 1 else units
    dispersion = np.maximum((own + SMOOTHING * common) / (units + SMOOTHING), 1.0)
    count = max(skus, moments.height, 1)
    mean = total / count
    between = ((units[units > 0] - mean) ** 2).sum() + (count - (units > 0).sum()) * mean**2
    excess = max(between / max(count - 1, 1) - common * mean, 0.0)
    trust = excess / (excess + common * mean) if mean else 0.0
    return rows.select(
        "sku",
        "units",
        pl.Series("per_day", (trust * units + (1 - trust) * mean) / days),
        pl.Series("dispersion", dispersion),
    )


def others(channel: Channel, oms: Oms) -> list[str]:
    """Return the other channels that may sell what a pooled channel shows."""
    mine = {x.id for x in oms.locations if sells_from(channel, x)}
    return [
        c.id
        for c in oms.channels
        if c.id != channel.id
        and c.stock.mode != "escrow"
        and any(x.id in mine and sells_from(c, x) for x in oms.locations)
    ]


def exposures(oms: Oms, lags: pl.DataFrame | None = None) -> dict[str, float]:
    """Return for each pooled channel the seconds in which a sale is not in its level yet.

    `lags` are (channel_id, lag_seconds) from decision to observed level, as measured; where
    there is none, the channel's `every` stands for it. The tick comes to it.
    """
    measured = dict(lags.iter_rows()) if lags is not None else {}
    tick = min((c.every for c in oms.channels), default=timedelta(0)).total_seconds()
    return {
        c.id: tick + measured.get(c.id, c.every.total_seconds())
        for c in oms.channels
        if c.stock.mode == "pooled"
    }


def buffers(
    moments: pl.DataFrame, days: int, skus: int, oms: Oms, lags: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Return (channel_id, sku, buffer, per_day, dispersion, lag_seconds, risk), sorted by key.

    `moments` are (channel_id, sku, units, squares) of so many days. Each SKU that others sold
    has a row, and `*` is for any other; none where no whole day was measured.
    """
    wait = exposures(oms, lags)
    parts = []
    for channel in (c for c in oms.channels if c.id in wait):
        theirs = moments.filter(pl.col("channel_id").is_in(others(channel, oms)))
        together = theirs.group_by("sku").agg(pl.col("units", "squares").sum())
        found = estimate(together, days, skus)
        parts.append(_of_channel(channel, found, wait[channel.id]))
    return pl.concat(parts).sort(KEYS) if parts else pl.DataFrame(schema=_of_nobody())


def _of_channel(channel: Channel, found: pl.DataFrame, seconds: float) -> pl.DataFrame:
    stock = channel.stock
    risk = stock.risk or 0.0
    mean = found["per_day"].to_numpy() * seconds / DAY
    units = pl.Series("buffer", quantile(mean, found["dispersion"].to_numpy(), risk))
    cold = pl.lit(stock.cold_start, pl.Int64)
    fixed = pl.lit(stock.cold_start is not None) & (pl.col("units") < ENOUGH)
    return found.with_columns(units).select(
        pl.lit(channel.id).alias("channel_id"),
        "sku",
        pl.when(fixed).then(cold).otherwise("buffer").alias("buffer"),
        "per_day",
        "dispersion",
        pl.lit(seconds, pl.Float64).alias("lag_seconds"),
        pl.lit(risk, pl.Float64).alias("risk"),
    )


def _of_nobody() -> dict:
    numbers = ("per_day", "dispersion", "lag_seconds", "risk")
    return {"channel_id": pl.String, "sku": pl.String, "buffer": pl.Int64} | dict.fromkeys(
        numbers, pl.Float64
    )


def moved(stored: pl.DataFrame, today: pl.DataFrame, oms: Oms) -> pl.DataFrame:
    """Return the stored buffers of SKUs that others sold more of today than was likely.

    `today` is (channel_id, sku, units) so far; `per_day` becomes that of today.
    """
    parts = [stored.clear()]
    for channel in (c for c in oms.channels if c.stock.mode == "pooled"):
        theirs = today.filter(pl.col("channel_id").is_in(others(channel, oms)))
        sold = theirs.group_by("sku").agg(pl.col("units").sum())
        own = stored.filter(pl.col("channel_id") == channel.id)
        any_other = own.filter(pl.col("sku") == EVERY).drop("sku")
        known = own.join(sold, on="sku")
        new = sold.join(own, on="sku", how="anti").join(any_other, how="cross")
        both = pl.concat([known, new.select(known.columns)])
        likely = quantile(both["per_day"].to_numpy(), both["dispersion"].to_numpy(), MOVED)
        more = both.filter(pl.col("units") > pl.Series(likely))
        rate = more.with_columns(pl.col("units").cast(pl.Float64).alias("per_day"))
        for (seconds,), rows in rate.group_by("lag_seconds"):
            renewed = _of_channel(channel, rows, float(seconds))
            # units of one day say nothing of how well the SKU is measured: it is no cold start
            raised = pl.max_horizontal("buffer", pl.lit(rows["buffer"]))
            parts.append(renewed.with_columns(buffer=raised, computed_at=rows["computed_at"]))
    return pl.concat([p.select(stored.columns) for p in parts])
