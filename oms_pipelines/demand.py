"""What is sold and not given to a location yet."""

from datetime import UTC, datetime, timedelta

import polars as pl

from oms_pipelines.store import Session

# Channels keep clocks of their own, and the gate lets them be a day ahead.
AHEAD = timedelta(days=2)
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


def open_lines(session: Session) -> pl.DataFrame:
    """Return (order_id, line_id, sku, channel_id, may_ship, quantity): SKU units still owed.

    Of open and held orders; `may_ship` is false while an order is held. Reads what is open,
    whatever the history.
    """
    orders = session.query("demand/open_orders")
    session.frame("tmp_open_orders", orders)
    placed = orders["placed_at"].min()
    begun = placed if isinstance(placed, datetime) else NEVER
    parts = session.query("demand/parts", begun=begun - AHEAD)
    session.frame("tmp_open_parts", parts)
    session.pick("tmp_open_order_lines", "order_lines", orders.select("order_id"))
    session.pick("tmp_open_part_lines", "fulfillment_lines", parts.select("fo_id"))
    return session.query("demand/open_lines")
