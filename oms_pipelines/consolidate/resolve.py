"""The merchant's SKU of lines that are here already, when the map or the catalog changes."""

from datetime import datetime

import polars as pl

from oms_pipelines.store import Session


def resolve(session: Session, now: datetime) -> int:
    """Resolve anew what the map and the catalog now say otherwise; return how many lines.

    Their orders count as touched `now`: the ledger and the ERP's export follow a SKU as they
    follow a record.
    """
    lines = session.query("consolidate/lines_to_resolve")
    if lines.is_empty():
        return 0
    session.frame("tmp_resolved", lines)
    session.run("consolidate/resolve_skus")
    session.run("consolidate/resolve_returns")
    orders = lines.select("order_id").unique().sort("order_id")
    moment = pl.lit(now).cast(pl.Datetime("us", "UTC")).alias("resolved_at")
    session.upsert("resolutions", orders.with_columns(moment))
    return lines.height
