"""Why a SKU's level is what it is: the terms of what may be promised, by location."""

from datetime import datetime

import polars as pl

from oms_pipelines.config import Oms
from oms_pipelines.demand import open_lines
from oms_pipelines.stock.availability import atp_terms
from oms_pipelines.stock.bills import read_bills, widen, with_kit_demand
from oms_pipelines.stock.decide import decide
from oms_pipelines.stock.lots import unexpired
from oms_pipelines.stock.supply import open_supply
from oms_pipelines.stock.terms import read_terms
from oms_pipelines.store import Session

PAIR = ["location_id", "sku"]
_KIT = {
    "location_id": pl.String, "sku": pl.String, "in_one": pl.Int64, "atp": pl.Int64,
    "makes": pl.Int64,
}  # fmt: skip


def explain_locations(
    session: Session, oms: Oms, now: datetime, skus: pl.DataFrame
) -> pl.DataFrame:
    """Return the terms of ATP of `skus` (sku), a row a location and SKU that has any, in units.

    on_hand - allocated - expired - safety - store_reserve - threshold = atp, but never below
    zero, and zero where the location does not sell. `supply` is still to come, the first of it
    at `expected_at`, and is no part of atp. Grain and order: location_id, sku.
    """
    session.frame("tmp_skus", skus.select("sku").unique())
    stock, shelf = session.query("stock/availability"), session.query("stock/allocated_of")
    terms = read_terms(session, oms, now, skus)
    supply = (
        open_supply(session, skus)
        .group_by(PAIR)
        .agg(pl.col("quantity").sum().alias("supply"), pl.col("expected_at").min())
    )
    expired = terms.expired.rename({"quantity": "expired"})
    found = (
        atp_terms(unexpired(stock, terms.expired), oms, terms)
        .join(shelf, on=PAIR, how="left")
        .join(expired, on=PAIR, how="left")
        .with_columns(pl.col("allocated", "expired").fill_null(0))
        .with_columns((pl.col("quantity") + pl.col("expired")).alias("sellable"))
        .join(supply, on=PAIR, how="full", coalesce=True)
    )
    return found.select(
        *PAIR,
        (pl.col("sellable") + pl.col("allocated")).alias("on_hand"),
        *("allocated", "expired", "safety", "store_reserve", "threshold", "sells", "atp"),
        *("supply", "expected_at"),
    ).sort(PAIR)


def explain_kit(session: Session, oms: Oms, now: datetime, kit_sku: str) -> pl.DataFrame:
    """Return what a kit is made of, a row a location and component, the scarcest first.

    location_id, sku, in_one (units in one kit), atp, makes (kits that the units make; a location
    makes the least of them). Nothing where it is no kit, or no location ever had a component.
    """
    bill = read_bills(session).filter(pl.col("kit_sku") == kit_sku).drop("kit_sku")
    if bill.is_empty():
        return pl.DataFrame(schema=_KIT)
    terms = explain_locations(session, oms, now, bill.select("sku"))
    places = terms.filter("sells").select("location_id").unique()
    return (
        places.join(bill.rename({"quantity": "in_one"}), how="cross")
        .join(terms.select(*PAIR, "atp"), on=PAIR, how="left")
        .with_columns(pl.col("atp").fill_null(0))
        .with_columns((pl.col("atp") // pl.col("in_one")).alias("makes"))
        .select(list(_KIT))
        .sort("location_id", "makes", "sku")
    )


def explain_channels(session: Session, oms: Oms, now: datetime, skus: pl.DataFrame) -> pl.DataFrame:
    """Return (channel_id, sku, on_hand, preorder): both parts of each level of `skus`, in SKU
    units, as they would be computed now.
    """
    bills = read_bills(session)
    lines = with_kit_demand(open_lines(session))
    demand = lines.group_by("channel_id", "sku").agg(pl.col("quantity").sum())
    found = decide(session, oms, demand, widen(skus, bills), bills, now)
    return found.join(skus, on="sku", how="semi")
