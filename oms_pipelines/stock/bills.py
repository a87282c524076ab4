"""Kits in stock: what can be made of components, and which SKUs hang together. Pure functions.

A kit has no stock of its own. Its bill (`bills`: kit_sku, sku, quantity) says what one kit
takes of each component that is no kit. It ships whole from one location, so how many can be
made is found location by location, and goes through demand and shares as a SKU's units do.
"""

import polars as pl

from oms_pipelines.store import Session

NO_BILLS = pl.DataFrame(schema={"kit_sku": pl.String, "sku": pl.String, "quantity": pl.Int64})


def read_bills(session: Session) -> pl.DataFrame:
    """Return the bills in use: kit_sku, sku, quantity."""
    return session.query("stock/bills")


def widen(skus: pl.DataFrame, bills: pl.DataFrame) -> pl.DataFrame:
    """Return (sku): those given, and all whose listings may share units with theirs.

    A component that moves moves its kits, they what is left to the listings of their other
    components, and those again their kits: all SKUs joined by bills, however far. Kits joined
    by a component in all of them (a gift box) are one: each touches all.
    """
    found = skus.select("sku").unique()
    joined = pl.concat(
        [
            bills.select("kit_sku", "sku"),
            bills.select("kit_sku", pl.col("kit_sku").alias("sku")),
        ]
    ).unique()
    while True:
        kits = joined.join(found, on="sku", how="semi").select("kit_sku").unique()
        more = joined.join(kits, on="kit_sku", how="semi").select("sku")
        wider = pl.concat([found, more]).unique()
        if wider.height == found.height:
            return found.sort("sku")
        found = wider


def tied(skus: pl.DataFrame, bills: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Part (sku) into kits and their components, and SKUs that are neither."""
    ours = pl.concat([bills.select("sku"), bills.select(pl.col("kit_sku").alias("sku"))]).unique()
    kits = skus.join(ours, on="sku", how="semi", maintain_order="left")
    return kits, skus.join(ours, on="sku", how="anti", maintain_order="left")


def makeable(stock: pl.DataFrame, bills: pl.DataFrame) -> pl.DataFrame:
    """Return (location_id, sku, quantity): kits that each location can make whole.

    `stock` is (location_id, sku, quantity) of components. A location that lacks one of them
    makes none; one that never had any has no row.
    """
    kits = bills.group_by("kit_sku").agg(pl.len().alias("components"))
    whole = pl.col("there") == pl.col("components")
    return (
        stock.join(bills.rename({"quantity": "each"}), on="sku")
        .group_by("location_id", "kit_sku")
        .agg((pl.col("quantity") // pl.col("each")).min(), pl.len().alias("there"))
        .join(kits, on="kit_sku")
        .select(
            "location_id",
            pl.col("kit_sku").alias("sku"),
            pl.when(whole).then("quantity").otherwise(0).alias("quantity"),
        )
        .sort("location_id", "sku")
    )


def with_kits(stock: pl.DataFrame, bills: pl.DataFrame) -> pl.DataFrame:
    """Return stock with the kits that can be made of it as SKUs of their own.

    What is counted under a kit's own SKU is left out: kits are derived.
    """
    if bills.is_empty():
        return stock
    own = stock.join(bills, left_on="sku", right_on="kit_sku", how="anti")
    return pl.concat([own, makeable(own, bills).select(own.columns)])


def kits_left(stock: pl.DataFrame, bills: pl.DataFrame) -> pl.DataFrame:
    """Return stock with kits cut to what its components still make.

    `stock` is that of `with_kits` after demand was taken off kits and components alike, maybe
    at different places: the less of both is left.
    """
    if bills.is_empty():
        return stock
    kits = stock.join(bills, left_on="sku", right_on="kit_sku", how="semi")
    own = stock.join(kits, on=["location_id", "sku"], how="anti")
    still = makeable(own, bills).rename({"quantity": "still"})
    left = kits.join(still, on=["location_id", "sku"], how="left").with_columns(
        pl.min_horizontal("quantity", pl.col("still").fill_null(0)).alias("quantity")
    )
    return pl.concat([own, left.select(own.columns)])


def with_kit_demand(lines: pl.DataFrame) -> pl.DataFrame:
    """Return (channel_id, sku, quantity) of open lines, and of the kits that none was begun of.

    `lines` are those of `demand.open_lines`, where kits stand as components: they count as
    kits besides, since fewer can then be made at one place.
    """
    each = lines.filter(pl.col("kits") > 0).unique(["order_id", "line_id"])
    kits = each.select(
        "channel_id", pl.col("kit_sku").alias("sku"), pl.col("kits").alias("quantity")
    )
    return pl.concat([lines.select("channel_id", "sku", "quantity"), kits])


def resources(listings: pl.DataFrame, bills: pl.DataFrame) -> pl.DataFrame:
    """Return a row for each SKU that a listing takes units of: `uses`, and `units` a sold unit.

    `listings` have sku, units_per and what else names them. A single or a pack takes its SKU;
    a kit takes its components, and itself: as many as can be made at one place.
    """
    own = listings.with_columns(pl.col("sku").alias("uses"), pl.col("units_per").alias("units"))
    if bills.is_empty():
        return own
    parts = listings.join(
        bills.select(pl.col("kit_sku").alias("sku"), pl.col("sku").alias("uses"), "quantity"),
        on="sku",
    ).with_columns((pl.col("units_per") * pl.col("quantity")).alias("units"))
    return pl.concat([own, parts.select(own.columns)])
