"""How long a channel takes to show a level, measured: from acceptance, and from decision.

The newest thousand measurements of a channel are kept, of each push or reading a hundred at
most, spread over their whole range, so that one busy tick does not speak for all. Until
enough were measured, what `stock.delay` of the channel declares holds.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import comb

import polars as pl

from oms_pipelines.config import Channel
from oms_pipelines.store import Session

RING = 1000  # measurements kept of a channel
AT_ONCE = 100  # of them out of one push or reading
FEW = 20  # fewer say nothing yet
SHARE, SURE = 0.99, 0.95  # the quantile, and how sure its bound is
SAMPLE = ("delay_seconds", "lag_seconds")


def declared(channel: Channel) -> timedelta:
    """Return the delay of a channel that nothing was measured of."""
    return channel.stock.delay


def longest(session: Session, channel: Channel) -> timedelta:
    """Return how long an accepted level may take to show before something is wrong.

    The measured bound of the 99 % quantile; while few were measured, no less than declared.
    """
    found = session.query("stock/delays").filter(pl.col("channel_id") == channel.id)
    if found.is_empty() or found["delay_p99"].item() is None:
        return declared(channel)
    measured = timedelta(seconds=found["delay_p99"].item())
    enough = found["delays"].item() >= FEW
    return measured if enough else max(measured, declared(channel))


def lags(session: Session, channels: Sequence[Channel]) -> pl.DataFrame:
    """Return how long after its decision a lowered level is seen on each channel.

    (channel_id, lag_p50, lag_p90, lag_p99: seconds, measured: how many lowered levels they
    rest on, cold: whether the declared delay stands in for them). The time until a sale on
    another channel is known and decided upon comes on top: about one tick.
    """
    cold = pl.DataFrame(
        {
            "channel_id": [c.id for c in channels],
            "declared": [declared(c).total_seconds() for c in channels],
        },
        schema={"channel_id": pl.String, "declared": pl.Float64},
    )
    names = ["lag_p50", "lag_p90", "lag_p99"]
    few = pl.col("lags").fill_null(0) < FEW
    return (
        cold.join(session.query("stock/delays"), on="channel_id", how="left")
        .with_columns(
            *(
                pl.when(few).then(pl.max_horizontal(n, "declared")).otherwise(n).alias(n)
                for n in names
            ),
            pl.col("lags").fill_null(0).alias("measured"),
            few.alias("cold"),
        )
        .select("channel_id", *names, "measured", "cold")
        .sort("channel_id")
    )


def measured_lags(session: Session, channels: Sequence[Channel]) -> dict[str, list[float]]:
    """Return seconds from decision to sight at even quantiles, of channels with enough of them."""
    found = {}
    for channel in channels:
        sample = session.query("stock/delay_samples", channel_id=channel.id)
        ordered = sample["lag_seconds"].drop_nulls().sort().to_list()
        size = len(ordered)
        if size >= FEW:
            found[channel.id] = [ordered[(2 * i + 1) * size // (2 * FEW)] for i in range(FEW)]
    return found


def measure(session: Session, channel_id: str, found: pl.DataFrame, now: datetime) -> None:
    """Store measurements (delay_seconds, lag_seconds) of a channel, and its quantiles anew."""
    if found.is_empty():
        return
    known = session.query("stock/delays").filter(pl.col("channel_id") == channel_id)
    before = 0 if known.is_empty() else known["delays"].item()
    fresh = spread(found).with_columns(
        pl.lit(channel_id).alias("channel_id"),
        ((pl.int_range(pl.len(), dtype=pl.Int64) + before) % RING).alias("place"),
        pl.lit(now).alias("measured_at"),
    )
    session.upsert("level_delay_samples", fresh)
    sample = session.query("stock/delay_samples", channel_id=channel_id)
    delays, lagging = sample["delay_seconds"], sample["lag_seconds"].drop_nulls()
    row = {
        "channel_id": channel_id,
        "delays": before + fresh.height,
        **_quantiles("delay", delays),
        "lags": lagging.len(),
        **_quantiles("lag", lagging),
        "updated_at": now,
    }
    session.upsert("level_delays", pl.DataFrame([row], schema_overrides=_NUMBERS))


_NUMBERS = {f"{w}_{p}": pl.Float64 for w in ("delay", "lag") for p in ("p50", "p90", "p99")}


def spread(found: pl.DataFrame) -> pl.DataFrame:
    """Return at most a hundred measurements, evenly out of all by length, the longest too."""
    ordered = found.select(pl.col(list(SAMPLE)).cast(pl.Float64)).sort(list(SAMPLE))
    size = ordered.height
    if size <= AT_ONCE:
        return ordered
    return ordered[[(i + 1) * size // AT_ONCE - 1 for i in range(AT_ONCE)]]


def _quantiles(name: str, values: pl.Series) -> dict[str, float | None]:
    ordered = values.sort()
    size = ordered.len()
    if not size:
        return {f"{name}_{p}": None for p in ("p50", "p90", "p99")}
    return {
        f"{name}_p50": ordered[(size - 1) // 2],
        f"{name}_p90": ordered[max(0, -(-size * 9 // 10) - 1)],
        f"{name}_p99": ordered[bound(size) - 1],
    }


def bound(size: int) -> int:
    """Return which value of a sorted sample is at least its 99 % quantile, 95 % sure, from 1.

    The greatest, where the sample is too small to be sure (under 299).
    Source: order statistics as confidence bounds of quantiles, S. S. Wilks, 1941.
    """
    fewer, place = 0.0, size  # chance that so few values lie past the quantile, or fewer
    for past in range(size):
        fewer += comb(size, past) * (1 - SHARE) ** past * SHARE ** (size - past)
        if fewer > 1 - SURE:
            break
        place = size - past
    return place
