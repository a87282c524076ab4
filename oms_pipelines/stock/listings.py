"""What each listing of a channel shows: a single, a pack of six, a kit. Pure functions.

A level is in sold units of its listing, as the channel shows it. A listing takes units of one
SKU or, a kit, of several (`bills.resources`); that is how listings are held against each
other. The listings of a SKU are its rows in `sku_map`; where it has none, its own name, unless
the map gives that to another.
"""

from collections.abc import Sequence

import polars as pl

from oms_pipelines.config import Channel
from oms_pipelines.stock.bills import NO_BILLS, resources
from oms_pipelines.stock.shares import KEYS

LISTING = ["channel_id", "channel_sku"]
_COLUMNS = [*LISTING, "sku", "units_per", "desired"]


def listing_levels(
    levels: pl.DataFrame,
    names: pl.DataFrame,
    channels: Sequence[Channel],
    bills: pl.DataFrame = NO_BILLS,
) -> pl.DataFrame:
    """Return (channel_id, channel_sku, sku, units_per, desired) out of levels by SKU.

    `levels` are (channel_id, sku, desired) in SKU units, kits among them, `names` the rows of
    `sku_map`, `bills` (kit_sku, sku, quantity). Pooled: each listing shows all that can be made
    of the level, in whole sold units. Escrow: together they use no more than the level of any
    SKU. Each of the n listings that use a SKU gets an n-th of it, in whole sold units; a kit
    the least that its components allow. What is left then goes to the base listing (of one
    SKU, the smallest, by name where several are), and where a SKU has none, to kits by name:
    few units stand as singles and none waits for a pack or a kit.
    """
    listed = _listed(levels, names).sort(LISTING).with_row_index("listing")
    pools = levels.rename({"sku": "uses", "desired": "units_left"}).with_row_index("pool")
    takes = (
        resources(listed, bills)
        .join(pools, on=["channel_id", "uses"], how="left")
        .with_columns(pl.col("units_left").fill_null(0))  # a component that never was there
    )
    escrow = pl.col("channel_id").is_in([c.id for c in channels if c.stock.mode == "escrow"])
    most = takes.filter(~escrow).group_by("listing").agg(_least(pl.col("units_left")))
    shared = _shared(takes.filter(escrow))
    return (
        listed.join(pl.concat([most, shared]), on="listing", how="left")
        .with_columns(pl.col("level").alias("desired"))
        .select(_COLUMNS)
        .sort(LISTING)
    )


def _listed(levels: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    """Return the listings of SKUs that have a level: channel_id, channel_sku, sku, units_per."""
    own = (
        levels.join(names, on=KEYS, how="anti")
        .with_columns(pl.col("sku").alias("channel_sku"), pl.lit(1, pl.Int64).alias("units_per"))
        .join(names, on=LISTING, how="anti")
    )
    columns = [*LISTING, "sku", "units_per"]
    return pl.concat([levels.join(names, on=KEYS).select(columns), own.select(columns)])


def _least(units: pl.Expr) -> pl.Expr:
    """Return the sold units of a listing that some units of every SKU it uses make."""
    return (units // pl.col("units")).min().alias("level")


def _shared(takes: pl.DataFrame) -> pl.DataFrame:
    """Return (listing, level) of listings that share pools; `takes`: a row a listing and SKU.

    As many passes as the longest chain of kits that share components no single is sold of.
    """
    # one SKU before several, the small before the large, then by name, which `listing` follows
    turn = pl.struct(pl.len().over("listing") > 1, "units_per", "listing").rank("dense")
    part = pl.col("units_left") // pl.len().over("pool").cast(pl.Int64)
    takes = takes.with_columns(turn.alias("turn"), part.alias("part"))
    given = takes.group_by("listing").agg(_least(pl.col("part")))
    total = [given]
    while not given.is_empty():
        spent = (pl.col("level").fill_null(0) * pl.col("units")).sum().over("pool")
        takes = (
            takes.join(given, on="listing", how="left")
            .with_columns(pl.col("units_left") - spent)
            .drop("level")
            .filter(_least(pl.col("units_left")).over("listing") > 0)
        )
        # who comes first in all its pools takes all it can: no two of these share one
        ahead = pl.col("turn") == pl.col("turn").min().over("pool")
        takes = takes.with_columns(ahead.alias("ahead"))
        first = takes.filter(pl.col("ahead").all().over("listing"))
        given = first.group_by("listing").agg(_least(pl.col("units_left")))
        total.append(given)
    return pl.concat(total).group_by("listing").agg(pl.col("level").sum())


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


def grants(
    levels: pl.DataFrame, channels: Sequence[Channel], bills: pl.DataFrame = NO_BILLS
) -> pl.DataFrame:
    """Return (channel_id, channel_sku, level) each listing may be sent now (ack before raise).

    `levels` are all stored levels of the SKUs in question: channel_id, channel_sku, sku,
    units_per, desired, held; `bills` (kit_sku, sku, quantity). A channel that is none of
    `channels` wants nothing, and what it may still show is held as any other's. A lower level
    may always be sent. A raise takes only the units, of every SKU it uses, that no other listing
    may still be showing: the sum over listings of what they may show stays within the pool of
    each SKU, which is the sum of what the desired levels use of it. Listings of pooled channels
    show the same units: together they count as one, with the most that any of them may show.
    Earlier channels of oms.yaml go first, and there smaller listings.
    """
    known = _known(levels, channels, bills)
    most = known.join(_most(known), on=["uses", "unit"])
    affordable = (pl.min_horizontal("want", "most") // pl.col("units")).min()
    return most.group_by(LISTING).agg(affordable.alias("level")).sort(LISTING)


def crowded(
    levels: pl.DataFrame, channels: Sequence[Channel], bills: pl.DataFrame = NO_BILLS
) -> pl.DataFrame:
    """Return (channel_id, channel_sku) of listings whose desired level others may still show.

    Takes what `grants` takes. Of some SKU that such a listing uses, its desired level and what
    all others may show are more than the pool: showing less, it may not be told that level.
    """
    known = _known(levels, channels, bills)
    unit = ["uses", "unit"]
    first, second = pl.col("kept").max(), pl.col("kept").top_k(2).min()
    of_unit = known.group_by(unit).agg(
        pl.col("want").max().alias("unit_want"),
        first.alias("most"),
        pl.when(pl.len() > 1).then(second).otherwise(0).alias("next"),
    )
    of_unit = of_unit.with_columns(
        (pl.col("unit_want").sum() - pl.col("most").sum()).over("uses").alias("room")
    )
    others = pl.when(pl.col("kept") < pl.col("most")).then("most").otherwise("next")
    would = pl.max_horizontal(others, "want") - pl.col("most")
    return (
        known.join(of_unit, on=unit)
        .filter(would > pl.col("room"))
        .select(LISTING)
        .unique()
        .sort(LISTING)
    )


def _known(
    levels: pl.DataFrame, channels: Sequence[Channel], bills: pl.DataFrame
) -> pl.DataFrame:  # fmt: skip
    """Return a row a listing and SKU it uses: want, kept, its turn, and the unit it counts in."""
    order = pl.DataFrame(
        {
            "channel_id": [c.id for c in channels],
            "pooled": [c.stock.mode == "pooled" for c in channels],
            "turn": list(range(len(channels))),
        },
        schema={"channel_id": pl.String, "pooled": pl.Boolean, "turn": pl.Int64},
    )
    return (
        resources(levels, bills)
        .join(order, on="channel_id", how="left")
        .with_columns(
            pl.when(pl.col("turn").is_null()).then(0).otherwise("desired").alias("desired"),
            pl.col("pooled").fill_null(False),
            pl.col("turn").fill_null(len(channels)),
        )
        .sort("uses", "turn", "units_per", "channel_sku")
        .with_columns(
            (pl.col("desired") * pl.col("units")).alias("want"),
            (pl.col("held").fill_null(0) * pl.col("units")).alias("kept"),
            pl.int_range(pl.len(), dtype=pl.Int64).alias("turn"),
        )
        .with_columns(pl.when("pooled").then(-1).otherwise("turn").alias("unit"))
    )


def _most(known: pl.DataFrame) -> pl.DataFrame:
    """Return (uses, unit, most): units of each SKU that may be shown once raises are granted."""
    raised = (pl.col("want") - pl.col("kept")).clip(0)
    room = (pl.col("want").sum() - pl.col("kept").sum()).over("uses").clip(0)
    before = pl.col("raise").cum_sum().over("uses", order_by="turn") - pl.col("raise")
    return (
        known.group_by("uses", "unit")
        .agg(pl.col("want").max(), pl.col("kept").max(), pl.col("turn").min())
        .with_columns(raised.alias("raise"), room.alias("room"))
        .select(
            "uses",
            "unit",
            (pl.col("kept") + (pl.col("room") - before).clip(0, pl.col("raise"))).alias("most"),
        )
    )
