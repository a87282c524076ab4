"""Available to promise, and what each channel may show of it. Pure functions over frames.

ATP of a location = on hand - allocated - safety stock - threshold, never below zero; of a
pool = the sum over its locations - what customers bought and no location was given yet.

Escrow: a channel's share of the pool, in whole units by largest remainder; shares add up
to the pool, so the levels together never promise a unit twice. Pooled channels show what
escrow leaves, less their buffer.
"""

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from oms_pipelines.config import Channel, Oms
from oms_pipelines.schema import columns_of

LEVEL = list(columns_of("levels"))
KEYS = ["channel_id", "sku"]


def atp_by_location(stock: pl.DataFrame, oms: Oms) -> pl.DataFrame:
    """Return (location_id, sku, quantity): sellable less safety stock and threshold, >= 0."""
    kept = pl.DataFrame(
        {
            "location_id": [x.id for x in oms.locations],
            "kept": [x.safety_stock + x.threshold for x in oms.locations],
        },
        schema={"location_id": pl.String, "kept": pl.Int64},
    )
    return stock.join(kept, on="location_id").select(
        "location_id", "sku", (pl.col("quantity") - pl.col("kept")).clip(0).alias("quantity")
    )


def desired_levels(atp: pl.DataFrame, demand: pl.DataFrame, oms: Oms) -> pl.DataFrame:
    """Return (channel_id, sku, desired) in SKU units, for every channel that is told levels.

    `atp` is (location_id, sku, quantity), `demand` (sku, quantity) not yet allocated. Demand
    is taken off the pools in location order, so that no pool promises what is already sold.
    """
    channels = [c for c in oms.channels if c.stock.mode != "none"]
    left = _less_demand(atp, demand)
    groups: dict[frozenset[str], list[str]] = {}
    for location in oms.locations:
        allowed = frozenset(c.id for c in channels if _sells_from(c, location.id))
        if allowed:
            groups.setdefault(allowed, []).append(location.id)
    parts = [
        _share_out(
            left.filter(pl.col("location_id").is_in(places))
            .group_by("sku")
            .agg(pl.col("quantity").sum().alias("pool")),
            [c for c in channels if c.id in allowed],
        )
        for allowed, places in groups.items()
    ]
    nothing = pl.DataFrame(schema={"channel_id": pl.String, "sku": pl.String, "desired": pl.Int64})
    total = pl.concat([nothing, *parts]).group_by(KEYS).agg(pl.col("desired").sum())
    return _limits(total, channels).sort(KEYS)


def _sells_from(channel: Channel, location_id: str) -> bool:
    return channel.stock.locations is None or location_id in channel.stock.locations


def _less_demand(atp: pl.DataFrame, demand: pl.DataFrame) -> pl.DataFrame:
    """Take demand off the locations of each SKU, the fullest location first."""
    before = pl.col("quantity").cum_sum().over("sku") - pl.col("quantity")
    return (
        atp.sort("sku", "quantity", "location_id", descending=[False, True, False])
        .join(demand.rename({"quantity": "wanted"}), on="sku", how="left")
        .with_columns(
            (pl.col("wanted").fill_null(0) - before).clip(0, pl.col("quantity")).alias("taken")
        )
        .select("location_id", "sku", (pl.col("quantity") - pl.col("taken")).alias("quantity"))
    )


def _share_out(pools: pl.DataFrame, channels: Sequence[Channel]) -> pl.DataFrame:
    """Split pools over channels: escrow by largest remainder, the rest shown by the pooled."""
    escrow = [c for c in channels if c.stock.mode == "escrow"]
    shares = pl.DataFrame(
        {
            "channel_id": [c.id for c in escrow],
            "share": [c.stock.share or 0.0 for c in escrow],
            "turn": list(range(len(escrow))),
        },
        schema={"channel_id": pl.String, "share": pl.Float64, "turn": pl.Int64},
    )
    together = sum(c.stock.share or 0.0 for c in escrow)
    # 1e-9: shares such as 0.1 + 0.2 must not lose a unit to binary fractions
    exact = pl.col("pool") * pl.col("share") + 1e-9
    spread = (
        pools.join(shares, how="cross")
        .with_columns(exact.floor().cast(pl.Int64).alias("whole"), (exact % 1.0).alias("rest"))
        .with_columns(
            (
                (pl.col("pool") * together + 1e-9).floor().cast(pl.Int64)
                - pl.col("whole").sum().over("sku")
            ).alias("over"),
            (pl.struct(-pl.col("rest").round(6), "turn").rank("ordinal").over("sku")).alias(
                "place"
            ),
        )
        .with_columns(
            (pl.col("whole") + (pl.col("place") <= pl.col("over")).cast(pl.Int64)).alias("desired")
        )
    )
    given = spread.group_by("sku").agg(pl.col("desired").sum().alias("given"))
    rest = pools.join(given, on="sku", how="left").select(
        "sku", (pl.col("pool") - pl.col("given").fill_null(0)).alias("desired")
    )
    pooled = [
        rest.select(pl.lit(c.id).alias("channel_id"), "sku", "desired")
        for c in channels
        if c.stock.mode == "pooled"
    ]
    return pl.concat([spread.select("channel_id", "sku", "desired"), *pooled])


def _limits(levels: pl.DataFrame, channels: Sequence[Channel]) -> pl.DataFrame:
    """Apply each channel's buffer, cap and stop-below."""
    own = pl.DataFrame(
        {
            "channel_id": [c.id for c in channels],
            "buffer": [c.stock.buffer for c in channels],
            "cap": [c.stock.cap for c in channels],
            "stop": [c.stock.stop_below for c in channels],
        },
        schema={
            "channel_id": pl.String,
            "buffer": pl.Int64,
            "cap": pl.Int64,
            "stop": pl.Int64,
        },
    )
    capped = pl.min_horizontal((pl.col("desired") - pl.col("buffer")).clip(0), "cap")
    return (
        levels.join(own, on="channel_id")
        .with_columns(capped.alias("desired"))
        .select(
            *KEYS,
            pl.when(pl.col("desired") < pl.col("stop"))
            .then(0)
            .otherwise("desired")
            .alias("desired"),
        )
    )


def changed_levels(stored: pl.DataFrame, desired: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Return the rows of `levels` whose desired level changes; a vanished SKU falls to zero."""
    both = (
        stored.rename({"desired": "was"})
        .join(desired, on=KEYS, how="full", coalesce=True)
        .with_columns(pl.col("desired").fill_null(0))
    )
    return (
        both.filter(pl.col("was").is_null() | (pl.col("was") != pl.col("desired")))
        .with_columns(
            pl.lit(now).alias("desired_at"),
            (pl.col("version").fill_null(0) + 1).alias("version"),
        )
        .select(LEVEL)
    )


def held() -> pl.Expr:
    """Return the largest level the channel may be showing: sent or accepted, whichever is more."""
    return pl.max_horizontal(pl.col("sent"), pl.col("accepted")).fill_null(0)


def grants(levels: pl.DataFrame, channels: Sequence[Channel]) -> pl.DataFrame:
    """Return (channel_id, sku, level) each escrow channel may be sent now (ack before raise).

    `levels` are all stored levels of the escrow channels. A lower level may always be sent.
    A raise takes only the units that no other channel may still be showing: the sum over
    channels of the largest level not acknowledged as lowered stays within the pool, which
    is the sum of the desired levels. Earlier channels of oms.yaml are served first.
    """
    order = pl.DataFrame(
        {"channel_id": [c.id for c in channels], "turn": range(len(channels))},
        schema={"channel_id": pl.String, "turn": pl.Int64},
    )
    raised = (pl.col("desired") - pl.col("held")).clip(0)
    before = pl.col("raise").cum_sum().over("sku", order_by="turn") - pl.col("raise")
    return (
        levels.join(order, on="channel_id")
        .with_columns(held().alias("held"))
        .with_columns(raised.alias("raise"))
        .with_columns(
            (pl.col("desired").sum() - pl.col("held").sum()).over("sku").clip(0).alias("room")
        )
        .with_columns((pl.col("room") - before).clip(0, pl.col("raise")).alias("granted"))
        .select(
            *KEYS,
            pl.when(pl.col("raise") > 0)
            .then(pl.col("held") + pl.col("granted"))
            .otherwise("desired")
            .alias("level"),
        )
    )
