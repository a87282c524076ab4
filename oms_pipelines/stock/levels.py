"""The desired level of every listing, computed from the store."""

from datetime import datetime

import polars as pl

from oms_pipelines.config import Oms
from oms_pipelines.demand import open_lines
from oms_pipelines.stock.availability import atp_by_location, demand_of, desired_levels
from oms_pipelines.stock.listings import changed_levels, listing_levels
from oms_pipelines.stock.sharing import read_sharing, renew_sharing
from oms_pipelines.store import Session


def compute_levels(session: Session, oms: Oms, now: datetime) -> pl.DataFrame:
    """Store the desired level of every listing; return the rows that changed."""
    stock = session.query("stock/availability")
    demand = demand_of(open_lines(session), stock)
    renew_sharing(session, oms, now)
    sharing = read_sharing(session, oms, now)
    levels = desired_levels(atp_by_location(stock, oms), demand, oms, sharing)
    desired = listing_levels(levels, session.query("stock/listings"), oms.channels)
    changed = changed_levels(session.query("stock/levels_desired"), desired)
    if not changed.is_empty():
        session.frame("tmp_levels", changed)
        rows = session.query("stock/levels_changing")
        session.upsert("levels", rows.with_columns(pl.lit(now).alias("desired_at")))
    return changed
