"""Pools shared out over channels. Pure functions over frames.

Escrow: a channel's share of the pool, in whole units by largest remainder; shares add up
to the pool, so the levels together never promise a unit twice. Pooled channels show what
escrow leaves, less their buffer.
"""

from collections.abc import Sequence

import polars as pl

from oms_pipelines.config import Channel

KEYS = ["channel_id", "sku"]


def share_out(pools: pl.DataFrame, channels: Sequence[Channel]) -> pl.DataFrame:
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


def limits(levels: pl.DataFrame, channels: Sequence[Channel]) -> pl.DataFrame:
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
