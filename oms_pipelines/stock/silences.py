"""What pooled channels keep back besides while another one is out of reach.

A channel that cannot be told a level goes on selling what it last showed, and nobody hears of
it. Until it is heard again its sales are in no level: the time that a buffer covers is longer
for them, by the silence so far and by what is still to come. A silence is taken to last twice
as long as it has, and no less than the longest one known: of a length nobody knows, half has
passed in the median (Gott, Implications of the Copernican principle, 1993).

So the others keep back b + u, the smallest with P(demand > b + u) <= risk, where the demand of
a channel out of reach runs over the longer time. Nobody sells what is not shown: u is no more
than those channels may still show.
"""

from collections.abc import Mapping
from datetime import timedelta

import numpy as np
import polars as pl

from oms_pipelines.config import Oms
from oms_pipelines.stock.buffers import DAY, estimate, others
from oms_pipelines.stock.counts import quantile
from oms_pipelines.stock.shares import EVERY, KEYS

RATES = {"channel_id": pl.String, "sku": pl.String, "per_day": pl.Float64}
TO_COME = 2  # a silence lasts so many times what it has


def covered(silent: timedelta, tick: timedelta, longest: timedelta) -> timedelta:
    """Return what a silence is covered for: it doubles, so that few levels move meanwhile."""
    cover = tick
    while cover < TO_COME * silent:
        cover *= 2
    return max(cover, longest)


def rates_by_channel(moments: pl.DataFrame, days: int, skus: int) -> pl.DataFrame:
    """Return (channel_id, sku, per_day) out of moments as `buffers` takes them, `*` for any."""
    parts = [
        estimate(own, days, skus).select(pl.lit(str(c)).alias("channel_id"), "sku", "per_day")
        for (c,), own in moments.group_by("channel_id")
    ]
    return pl.concat([pl.DataFrame(schema=RATES), *parts]).sort(KEYS)


def unheard(
    kept: pl.DataFrame, rates: pl.DataFrame, oms: Oms, covers: Mapping[str, timedelta]
) -> pl.DataFrame:
    """Return `kept` with `unheard`: units kept back besides for the channels of `covers`.

    `kept` is as `buffers` returns it; `rates` are (channel_id, sku, per_day) of each channel's
    own sales, the SKU `*` for any other; `covers` tells for how long its sales are not known.
    """
    more = _sold_unheard(kept, rates, oms, covers)
    mean, days = kept["per_day"].to_numpy(), kept["lag_seconds"].to_numpy() / DAY
    dispersion = kept["dispersion"].to_numpy()
    parts = [kept.clear().with_columns(pl.lit(0, pl.Int64).alias("unheard"))]
    for (risk,), rows in kept.with_row_index("row").group_by("risk"):
        at = rows["row"].to_numpy()
        usual, longer = (
            quantile(mean[at] * days[at] + x, dispersion[at], float(risk)) for x in (0.0, more[at])
        )
        parts.append(rows.drop("row").with_columns(pl.Series("unheard", longer - usual)))
    return pl.concat(parts).sort(KEYS)


def _sold_unheard(
    kept: pl.DataFrame, rates: pl.DataFrame, oms: Oms, covers: Mapping[str, timedelta]
) -> np.ndarray:
    """Return for each row of `kept` the units that channels out of reach sell meanwhile."""
    more = np.zeros(kept.height)
    by_id = {c.id: others(c, oms) for c in oms.channels if c.stock.mode == "pooled"}
    for silent, cover in covers.items():
        own = rates.filter(pl.col("channel_id") == silent)
        other = own.filter(pl.col("sku") == EVERY)["per_day"]
        found = kept.select(KEYS).join(
            own.select("sku", "per_day"), on="sku", how="left", maintain_order="left"
        )
        per_day = found["per_day"].fill_null(other[0] if other.len() else 0.0).to_numpy()
        shares = kept["channel_id"].is_in([c for c, x in by_id.items() if silent in x]).to_numpy()
        more += np.where(shares, per_day * (cover.total_seconds() / DAY), 0.0)
    return more
