"""What each channel may show of SKUs, decided from the store: the one way to a level."""

from datetime import datetime

import polars as pl

from oms_pipelines.config import Oms
from oms_pipelines.stock.availability import atp_by_location, demand_of, desired_levels
from oms_pipelines.stock.lots import unexpired
from oms_pipelines.stock.sharing import read_sharing
from oms_pipelines.stock.supply import level_parts, open_supply, takes_preorders, unmet_demand
from oms_pipelines.stock.terms import read_terms
from oms_pipelines.store import Session


def at_hand(
    session: Session, oms: Oms, demand: pl.DataFrame, skus: pl.DataFrame, now: datetime
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return ATP (location_id, sku, quantity) of `skus` (sku), and what of it is sold already.

    `demand` (channel_id, sku, quantity) is what customers wait for; what is sold is that of
    these SKUs, and what is allocated beyond what lies there. Leaves `skus` as tmp_skus.
    """
    session.frame("tmp_skus", skus)
    terms = read_terms(session, oms, now, skus)
    stock = unexpired(session.query("stock/availability"), terms.expired)
    owed = demand_of(demand.join(skus, on="sku", how="semi"), stock)
    return atp_by_location(stock, oms, terms), owed


def decide(
    session: Session,
    oms: Oms,
    demand: pl.DataFrame,
    skus: pl.DataFrame,
    bills: pl.DataFrame,
    now: datetime,
) -> pl.DataFrame:
    """Return (channel_id, sku, on_hand, preorder): what channels may show, in SKU units.

    `skus` (sku) are all that share a component with one another (`bills.widen`).
    """
    atp, owed = at_hand(session, oms, demand, skus, now)
    levels = desired_levels(atp, owed, oms, read_sharing(session, oms, now, skus), bills)
    if not takes_preorders(oms):
        return levels.rename({"desired": "on_hand"}).with_columns(preorder=pl.lit(0, pl.Int64))
    unmet = unmet_demand(atp, owed, oms)
    return level_parts(levels, open_supply(session, skus), unmet, oms, now)
