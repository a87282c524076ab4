"""What each listing of a SKU on a channel shows: a single, a pack of six. Pure functions.

A level is in sold units of its listing, as the channel shows it; times `units_per` it is in
SKU units, which is how listings are held against each other. The listings of a SKU are its
rows in `sku_map`; where it has none, its own name, unless the map gives that to another.
"""

from collections.abc import Sequence

import polars as pl

from oms_pipelines.config import Channel
from oms_pipelines.stock.shares import KEYS

LISTING = ["channel_id", "channel_sku"]


def listing_levels(
    levels: pl.DataFrame, names: pl.DataFrame, channels: Sequence[Channel]
) -> pl.DataFrame:
    """Return (channel_id, channel_sku, sku, units_per, desired) out of levels by SKU.

    `levels` are (channel_id, sku, desired) in SKU units, `names` the rows of `sku_map`.
    Pooled: each listing shows all of the level, in whole sold units. Escrow: together they
    show no more than the level. Each of n listings gets an n-th of it, in whole sold units,
    and the base listing (the smallest, by name where several are) all that is left then, so
    that few units stand as singles and none waits for a pack.
    """
    escrow = [c.id for c in channels if c.stock.mode == "escrow"]
    size = pl.col("units_per")
    base = pl.col("place") == 0
    part = pl.col("desired") // pl.col("listings") // size
    packed = pl.when(base).then(0).otherwise(part * size).sum().over(KEYS)
    own = (
        levels.join(names, on=KEYS, how="anti")
        .with_columns(pl.col("sku").alias("channel_sku"), pl.lit(1, pl.Int64).alias("units_per"))
        .join(names, on=LISTING, how="anti")
    )
    columns = [*LISTING, "sku", "units_per", "desired"]
    return (
        pl.concat([levels.join(names, on=KEYS).select(columns), own.select(columns)])
        .sort(*KEYS, "units_per", "channel_sku")
        .with_columns(
            pl.len().over(KEYS).cast(pl.Int64).alias("listings"),
            pl.int_range(pl.len()).over(KEYS).alias("place"),
        )
        .with_columns(
            pl.when(~pl.col("channel_id").is_in(escrow))
            .then(pl.col("desired") // size)
            .when(base)
            .then((pl.col("desired") - packed) // size)
            .otherwise(part)
            .alias("desired")
        )
        .select(columns)
        .sort(LISTING)
    )


def changed_levels(stored: pl.DataFrame, desired: pl.DataFrame) -> pl.DataFrame:
    """Return the levels of listings that change; a listing that vanished falls to zero.

    Both are (channel_id, channel_sku, sku, units_per, desired).
    """
    facts = ("sku", "units_per", "desired")
    was = stored.select(*LISTING, *(pl.col(c).alias(f"{c}_was") for c in facts))
    both = desired.join(was, on=LISTING, how="full", coalesce=True).with_columns(
        pl.col("sku").fill_null(pl.col("sku_was")),
        pl.col("units_per").fill_null(pl.col("units_per_was")),
        pl.col("desired").fill_null(0),
    )
    same = pl.all_horizontal(pl.col(c).eq_missing(pl.col(f"{c}_was")) for c in facts)
    return both.filter(~same).select(*LISTING, *facts).sort(LISTING)


def grants(levels: pl.DataFrame, channels: Sequence[Channel]) -> pl.DataFrame:
    """Return (channel_id, channel_sku, level) each listing may be sent now (ack before raise).

    `levels` are all stored levels of the SKUs in question: channel_id, channel_sku, sku,
    units_per, desired, held. A lower level may always be sent. A raise takes only the units
    that no other listing may still be showing: the sum over listings of what they may show
    stays within the pool, which is the sum of the desired levels. Listings of pooled channels
    show the same units: together they count as one, with the most that any of them may show.
    Earlier channels of oms.yaml go first, and there smaller listings.
    """
    order = pl.DataFrame(
        {
            "channel_id": [c.id for c in channels],
            "pooled": [c.stock.mode == "pooled" for c in channels],
            "turn": list(range(len(channels))),
        },
        schema={"channel_id": pl.String, "pooled": pl.Boolean, "turn": pl.Int64},
    )
    known = (
        levels.join(order, on="channel_id")
        .sort("sku", "turn", "units_per", "channel_sku")
        .with_columns(
            (pl.col("desired") * pl.col("units_per")).alias("want"),
            (pl.col("held").fill_null(0) * pl.col("units_per")).alias("kept"),
            pl.int_range(pl.len(), dtype=pl.Int64).alias("turn"),
        )
        .with_columns(pl.when("pooled").then(-1).otherwise("turn").alias("unit"))
    )
    raised = (pl.col("want") - pl.col("kept")).clip(0)
    room = (pl.col("want").sum() - pl.col("kept").sum()).over("sku").clip(0)
    before = pl.col("raise").cum_sum().over("sku", order_by="turn") - pl.col("raise")
    units = (
        known.group_by("sku", "unit")
        .agg(pl.col("want").max(), pl.col("kept").max(), pl.col("turn").min())
        .with_columns(raised.alias("raise"), room.alias("room"))
        .select(
            "sku",
            "unit",
            (pl.col("kept") + (pl.col("room") - before).clip(0, pl.col("raise"))).alias("most"),
        )
    )
    return known.join(units, on=["sku", "unit"]).select(
        *LISTING, (pl.min_horizontal("want", "most") // pl.col("units_per")).alias("level")
    )
