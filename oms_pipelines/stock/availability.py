"""Available to promise, and what each channel may show of it. Pure functions over frames.

ATP of a location = on hand - allocated - expired - safety stock - store reserve - threshold,
never below zero, and nothing where the location does not sell; of a pool = the sum over its
locations - what customers bought and no location was given yet, held orders included.
"""

import polars as pl

from oms_pipelines.config import Channel, Location, Oms
from oms_pipelines.stock.bills import NO_BILLS, kits_left, with_kits
from oms_pipelines.stock.shares import KEYS, Sharing, share_out
from oms_pipelines.stock.terms import NO_TERMS, PAIR, Terms, with_kept_back


def atp_by_location(stock: pl.DataFrame, oms: Oms, terms: Terms = NO_TERMS) -> pl.DataFrame:
    """Return (location_id, sku, quantity): what may be promised of sellable stock, >= 0.

    `stock` (location_id, sku, quantity) is on hand less what is allocated and what expired
    (`lots.unexpired`); `terms` as `read_terms` gives them, of these SKUs at least.
    """
    return atp_terms(stock, oms, terms).select(*PAIR, pl.col("atp").alias("quantity"))


def atp_terms(stock: pl.DataFrame, oms: Oms, terms: Terms = NO_TERMS) -> pl.DataFrame:
    """Return what `atp_by_location` takes off: (location_id, sku, quantity, safety,
    store_reserve, threshold, sells, atp), a row for each of the stock of locations.
    """
    own = pl.DataFrame(
        [(x.id, x.threshold, x.sells) for x in oms.locations],
        schema={"location_id": pl.String, "threshold": pl.Int64, "sells": pl.Boolean},
        orient="row",
    )
    left = pl.col("quantity") - pl.col("safety") - pl.col("store_reserve") - pl.col("threshold")
    return (
        stock.select(*PAIR, "quantity")
        .pipe(with_kept_back, oms, terms)
        .join(own, on="location_id", maintain_order="left")
        .with_columns(pl.when("sells").then(left.clip(0)).otherwise(0).alias("atp"))
    )


def demand_of(lines: pl.DataFrame, stock: pl.DataFrame) -> pl.DataFrame:
    """Return (channel_id, sku, quantity) that is sold and that no stock is set aside for yet.

    `lines` are the open lines; `stock` (location_id, sku, quantity) sellable. Where a count
    left less than is allocated, the missing units are owed by whoever has the SKU.
    """
    short = stock.filter(pl.col("quantity") < 0).select(
        pl.lit(None, pl.String).alias("channel_id"), "sku", -pl.col("quantity")
    )
    owed = pl.concat([lines.select("channel_id", "sku", "quantity"), short])
    return owed.group_by(KEYS).agg(pl.col("quantity").sum()).sort(KEYS, nulls_last=True)


def desired_levels(
    atp: pl.DataFrame,
    demand: pl.DataFrame,
    oms: Oms,
    sharing: Sharing | None = None,
    bills: pl.DataFrame = NO_BILLS,
) -> pl.DataFrame:
    """Return (channel_id, sku, desired) in SKU units, for every channel that is told levels.

    `atp` is (location_id, sku, quantity), `demand` (channel_id, sku, quantity) not yet
    allocated, `bills` (kit_sku, sku, quantity): kits that can be made are SKUs too. Demand is
    taken off the places its channel sells from, so that no pool promises what is already sold.
    Places that the same channels sell from are one pool.
    """
    channels = [c for c in oms.channels if c.stock.mode != "none"]
    return share_out(*pools_of(atp, demand, oms, bills), channels, sharing or Sharing())


def pools_of(
    atp: pl.DataFrame, demand: pl.DataFrame, oms: Oms, bills: pl.DataFrame = NO_BILLS
) -> tuple[list[pl.DataFrame], list[frozenset[str]]]:
    """Return pools (sku, pool) and the channels that sell from each, as `share_out` takes them."""
    channels = [c for c in oms.channels if c.stock.mode != "none"]
    left = kits_left(less_demand(with_kits(atp, bills), demand, oms), bills)
    groups: dict[frozenset[str], list[str]] = {}
    for location in oms.locations:
        allowed = frozenset(c.id for c in channels if sells_from(c, location))
        if allowed:
            groups.setdefault(allowed, []).append(location.id)
    # a channel takes what it needs where the fewest others could have it
    sellers = sorted(groups, key=lambda allowed: (len(allowed), sorted(allowed)))
    pools = [
        left.filter(pl.col("location_id").is_in(groups[allowed]))
        .group_by("sku")
        .agg(pl.col("quantity").sum().alias("pool"))
        for allowed in sellers
    ]
    return pools, sellers


def sells_from(channel: Channel, location: Location) -> bool:
    """Tell whether a channel may promise a place's stock: where it names none, all that ship."""
    if not location.sells:
        return False
    if channel.stock.locations is None:
        return location.ships or location.collects
    return location.id in channel.stock.locations


def less_demand(atp: pl.DataFrame, demand: pl.DataFrame, oms: Oms) -> pl.DataFrame:
    """Take demand off the stock; that of the channels with the fewest places goes first."""
    places: dict[frozenset[str], list[str | None]] = {}
    for channel in oms.channels:
        may = frozenset(x.id for x in oms.locations if sells_from(channel, x))
        places.setdefault(may, []).append(channel.id)
    everywhere = frozenset(x.id for x in oms.locations)
    known = [c.id for c in oms.channels]
    places.setdefault(everywhere, []).append(None)
    whose = demand.with_columns(
        pl.when(pl.col("channel_id").is_in(known)).then("channel_id").alias("channel_id")
    )
    left = atp
    for may in sorted(places, key=lambda p: (len(p), sorted(p))):
        wanted = (
            whose.filter(pl.col("channel_id").is_in(places[may], nulls_equal=True))
            .group_by("sku")
            .agg(pl.col("quantity").sum().alias("wanted"))
        )
        left = _taken(left, wanted, sorted(may), oms)
    return left


def _taken(stock: pl.DataFrame, wanted: pl.DataFrame, places: list[str], oms: Oms) -> pl.DataFrame:
    """Take (sku, wanted) from places: where the fewest channels sell first, then the fullest.

    `places` are sorted.
    """
    if wanted.is_empty():
        return stock
    told = [c for c in oms.channels if c.stock.mode != "none"]
    turns = pl.DataFrame(
        {
            "location_id": places,
            "sellers": [sum(sells_from(c, oms.location(p)) for c in told) for p in places],
        },
        schema={"location_id": pl.String, "sellers": pl.Int64},
    ).with_row_index("place")
    before = pl.col("quantity").cum_sum().over("item") - pl.col("quantity")
    taken = (
        stock.join(wanted.with_row_index("item"), on="sku")
        .join(turns, on="location_id")
        # by numbers: of text, sorting takes longer than all else here
        .sort("item", "sellers", "quantity", "place", descending=[False, False, True, False])
        .select(
            "location_id",
            "sku",
            (pl.col("wanted") - before).clip(0, pl.col("quantity")).alias("taken"),
        )
        .filter(pl.col("taken") > 0)
    )
    return stock.join(taken, on=["location_id", "sku"], how="left").select(
        "location_id", "sku", pl.col("quantity") - pl.col("taken").fill_null(0)
    )
