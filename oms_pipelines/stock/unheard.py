"""What became known after levels were computed: an order merged, a movement posted."""

import polars as pl

from oms_pipelines.demand import open_lines
from oms_pipelines.stock.bills import read_bills, widen, with_kit_demand
from oms_pipelines.stock.shares import KEYS
from oms_pipelines.store import Session
from oms_pipelines.touched import EVERYTHING


def outdated(session: Session) -> pl.DataFrame:
    """Return (sku) whose levels do not follow what is known now, all that share a component.

    They are the SKUs that the next computation would look at for what it was told.
    """
    lines = with_kit_demand(open_lines(session))
    session.frame("tmp_demand", lines.group_by(KEYS).agg(pl.col("quantity").sum()))
    session.frame("tmp_demand_changes", session.query("stock/demand_changes"))
    touched = session.query("stock/skus_touched")
    if EVERYTHING in touched["sku"]:
        return session.query("stock/skus_of_all")
    return widen(touched, read_bills(session))
