"""What a buffer costs and what it saves: expected lost sales against expected oversells.

Of one pooled channel, one SKU with P units in the pool, and the time in which sales of others
are not in its level yet. The channel shows s = P - b and sells X = min(own demand, s); the
others sell Y of the P units. Oversold is X + Y - P, where positive; lost is own demand beyond
s, as far as units were there that nobody else bought. With independent demands, own O and
others' D, both are sums over single units:

    oversold(b) = sum over u > b, u <= P, of P(D >= u) P(O >= P - u + 1)
    lost(b)     = sum over v < b, v < P, of P(D <= v) P(O >= P - v)

so the one falls and the other rises with the buffer. (A sum over thresholds for E[min, max]:
each counts the unit numbered u, or v, once.)
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oms_pipelines.stock.counts import chances, quantile
from oms_pipelines.stock.shares import EVERY, KEYS

NEVER = 1e-9  # demand beyond this is not counted
MOST = 400  # units of demand in a lag that are told apart
DAY = 86_400.0
AT_ONCE = 20_000  # SKUs whose tables are in memory together

Floats = NDArray[np.float64]


def demand_in_lag(pools: pl.DataFrame, own: pl.DataFrame, stored: pl.DataFrame) -> pl.DataFrame:
    """Return what `frontier` reads, with `buffer`, of the SKUs whose pool demand may exhaust.

    `pools` are (channel_id, sku, desired): what each channel would show without a buffer;
    `own` (channel_id, sku, per_day, dispersion) what pooled channels sell; `stored` the rows of
    `stock_buffers`. The SKU `*` stands for any without a row.
    """
    own = own.rename({"per_day": "own_mean", "dispersion": "own_dispersion"})
    kept = ["buffer", "per_day", "dispersion", "lag_seconds"]
    found = pools.join(stored.select("channel_id").unique(), on="channel_id", how="semi")
    for frame in (own, stored.select(*KEYS, *kept)):
        numbers = [c for c in frame.columns if c not in KEYS]
        other = frame.filter(pl.col("sku") == EVERY).select("channel_id", *numbers)
        found = found.join(frame, on=KEYS, how="left").join(
            other, on="channel_id", how="left", suffix="_any"
        )
        found = found.with_columns(pl.coalesce(n, f"{n}_any").alias(n) for n in numbers)
    days = pl.col("lag_seconds") / DAY
    lag = found.drop_nulls(["own_mean", "per_day"]).select(
        *KEYS,
        pl.col("desired").alias("pool"),
        pl.col("own_mean") * days,
        "own_dispersion",
        (pl.col("per_day") * days).alias("mean"),
        "dispersion",
        "buffer",
    )
    own_most, most = (
        pl.Series(quantile(lag[m].to_numpy(), lag[d].to_numpy(), NEVER))
        for m, d in (("own_mean", "own_dispersion"), ("mean", "dispersion"))
    )
    return lag.filter(pl.col("pool").is_between(1, own_most + most)).sort(KEYS)


def frontier(demand: pl.DataFrame, most: int) -> pl.DataFrame:
    """Return (channel_id, sku, buffer, expected_oversells, expected_lost) for buffers 0..most.

    `demand` is (channel_id, sku, pool, own_mean, own_dispersion, mean, dispersion): units in
    the pool, and sold in the lag by the channel itself and by the others. Units per lag.
    """
    parts = [_table(some, most) for some in demand.iter_slices(AT_ONCE)]
    nothing = _table(demand.clear(), most)
    return pl.concat([nothing, *parts]).sort(*KEYS, "buffer")


def in_total(points: pl.DataFrame) -> pl.DataFrame:
    """Return (channel_id, buffer, expected_oversells, expected_lost): one buffer for all SKUs."""
    sums = pl.col("expected_oversells", "expected_lost").sum()
    return points.group_by("channel_id", "buffer").agg(sums).sort("channel_id", "buffer")


def chosen(points: pl.DataFrame, buffers: pl.DataFrame) -> pl.DataFrame:
    """Return the points of the buffers (channel_id, sku, buffer) that hold."""
    last = points.select(pl.col("buffer").max().alias("last"))
    kept = buffers.join(last, how="cross").with_columns(pl.min_horizontal("buffer", "last"))
    return points.join(kept.select(*KEYS, "buffer"), on=[*KEYS, "buffer"], how="semi")


def by_risk(demand: pl.DataFrame, points: pl.DataFrame, risks: list[float]) -> pl.DataFrame:
    """Return (channel_id, risk, expected_oversells, expected_lost), each SKU at its own buffer."""
    mean, dispersion = (demand[c].to_numpy() for c in ("mean", "dispersion"))
    sums = pl.col("expected_oversells", "expected_lost").sum()
    found = [
        chosen(points, demand.select(KEYS).with_columns(buffer=quantile(mean, dispersion, risk)))
        .group_by("channel_id")
        .agg(sums)
        .select("channel_id", pl.lit(risk).alias("risk"), pl.exclude("channel_id"))
        for risk in risks
    ]
    return pl.concat(found).sort("channel_id", "risk", descending=[False, True])


def _table(demand: pl.DataFrame, most: int) -> pl.DataFrame:
    pool = demand["pool"].to_numpy()
    means = ("own_mean", "own_dispersion", "mean", "dispersion")
    own_mean, own_dispersion, mean, dispersion = (demand[c].to_numpy() for c in means)
    reach = max(most, int(quantile(mean, dispersion, NEVER).max(initial=0)), 1)
    size = min(reach, max(MOST, most)) + 1
    own_size = min(int(quantile(own_mean, own_dispersion, NEVER).max(initial=0)), MOST) + 2
    own = _at_least(chances(own_mean, own_dispersion, own_size))
    theirs = chances(mean, dispersion, size + 1)
    units = np.arange(size + 1)
    # the channel's own demand reaches the unit that the others leave as the last
    wanted = _own(own, pool[:, None] - units)
    lost = np.cumsum(theirs, axis=1) * wanted
    over = _at_least(theirs)[:, 1:] * wanted[:, :-1]
    more = over[:, ::-1].cumsum(axis=1)[:, ::-1]
    less = np.concatenate([np.zeros((len(pool), 1)), lost.cumsum(axis=1)], axis=1)
    rows = demand.select(KEYS).with_columns(
        pl.Series("buffer", np.tile(np.arange(most + 1), (len(pool), 1)), dtype=pl.List(pl.Int64)),
        pl.Series("expected_oversells", more[:, : most + 1], dtype=pl.List(pl.Float64)),
        pl.Series("expected_lost", less[:, : most + 1], dtype=pl.List(pl.Float64)),
    )
    return rows.explode("buffer", "expected_oversells", "expected_lost")


def _at_least(chance: Floats) -> Floats:
    """Return P(units >= k), from P(units = k)."""
    return np.maximum(1 - np.cumsum(chance, axis=1) + chance, 0)


def _own(own: Floats, at: NDArray[np.int64]) -> Floats:
    """Return P(own demand >= at), and 0 where nothing of the pool is left (at below 1)."""
    found = np.take_along_axis(own, np.clip(at, 0, own.shape[1] - 1), axis=1)
    return np.where((at >= 1) & (at < own.shape[1]), found, 0)
