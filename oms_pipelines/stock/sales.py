"""Measured demand: units sold a day, by channel, SKU, and the location that hands them over.

An order adds its units, less what was canceled or refunded before it shipped, to the UTC day
it was placed. They belong to the location that sold them (a store), has them to ship, or has
shipped them; to nobody while no location was given. Of each order of the window is kept what it
added, so that one which comes late, again, changed or canceled corrects the very days it
touches. A tick reads the orders that changed since the last one, never the history; the first
one, and one whose window begins earlier than the last, reads the orders of the whole window.

A rate is units over whole days: the UTC days of the window that are over. So rates stand still
from tick to tick, and move at midnight UTC and when an order of those days changes.
"""

from datetime import UTC, datetime, timedelta

import polars as pl

from oms_pipelines.store import Session

OVERLAP = timedelta(days=1)  # as in the ledger: a run may merge what it read a day ago
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
KEPT = timedelta(days=7)  # before the window, so that it is known whose days left it
ORDER = ["order_id", "sku", "location_id"]
DAILY = ["day", "channel_id", "sku", "location_id"]
RUN = "sales"
NOBODY = ""  # the location of what no location has yet


def measure_sales(session: Session, now: datetime, window: timedelta) -> pl.DataFrame:
    """Bring `daily_sales` up to the orders of the store. Idempotent.

    Returns (sku) whose rates changed: those with other units on a day of the window that is
    over; all that sold, where rates are over more days than before the same day. Keeps the days
    of the window and a week before, and forgets what is older.
    """
    first, today = window_of(now, window)
    before = session.table("sales_runs")
    reached = before.height and before["first_day"][0] <= first
    last = session.query("stock/sales_known")["known_at"][0]
    since = (last - OVERLAP) if last and reached else BEGINNING
    orders = session.query("stock/sales_orders", since=since, first=first)
    deltas = _measure(session, orders, now) if orders.height else _no_deltas()
    session.run("stock/sales_forget_orders", first=first - KEPT)
    session.run("stock/sales_forget_days", first=first - KEPT)
    moved = deltas.filter(pl.col("day") < today).select("sku")
    days = measured_days(session, now, window)
    # over midnight rates move by the clock: moved_skus
    if before.height and before["today"][0] == today and before["days"][0] != days:
        moved = pl.concat([moved, session.query("stock/sales_skus", first=first, until=today)])
    run = {"run": RUN, "first_day": first, "today": today, "days": days}
    session.upsert("sales_runs", pl.DataFrame([run]))
    return moved.unique().sort("sku")


def demand_rates(
    session: Session, now: datetime, window: timedelta, skus: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Return (channel_id, sku, per_day): SKU units a channel sold a day, sorted by both.

    Over the whole UTC days of the window before `now`, or those since the hub's first sale.
    `skus` (sku) narrows it. What did not sell has no row; nor has anything before the first
    whole day.
    """
    return _rates(session, now, window, skus, "channel_id")


def location_rates(
    session: Session, now: datetime, window: timedelta, skus: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Return (location_id, sku, per_day): SKU units a location was given or sold a day."""
    rates = _rates(session, now, window, skus, "location_id")
    return rates.filter(pl.col("location_id") != NOBODY)


def moved_skus(
    session: Session, after: datetime, until: datetime, window: timedelta
) -> pl.DataFrame:
    """Return (sku), sorted: those whose rates move with the clock alone between two values.

    None within one UTC day. Holds for clock values up to a week apart; look at all SKUs
    after a longer pause.
    """
    first, day = window_of(after, window)
    today = window_of(until, window)[1]
    session.frame("tmp_sale_skus", pl.DataFrame(schema={"sku": pl.String}))
    sold = session.query("stock/sales_between", first=first, until=today, all=True)
    moved = sold if day < today else sold.clear()
    return moved.select("sku").unique().sort("sku")


def measured_days(session: Session, now: datetime, window: timedelta) -> int:
    """Return how many whole days rates are measured over: the window's, or fewer at first."""
    first, today = window_of(now, window)
    begun, older = session.query("stock/sales_begun", first=first).row(0)
    if older:
        return (today - first) // DAY
    return max((today - max(begun, first)) // DAY, 0) if begun else 0


def window_of(now: datetime, window: timedelta) -> tuple[datetime, datetime]:
    """Return the first day of the window and the day of `now`, each from 00:00 UTC."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - max(-(-window // DAY), 1) * DAY, today


def _rates(
    session: Session, now: datetime, window: timedelta, skus: pl.DataFrame | None, by: str
) -> pl.DataFrame:
    first, today = window_of(now, window)
    days = measured_days(session, now, window)
    none = pl.DataFrame(schema={"sku": pl.String})
    session.frame("tmp_sale_skus", none if skus is None else skus.select("sku").unique())
    sold = session.query("stock/sales_between", first=first, until=today, all=skus is None)
    return (
        sold.group_by(by, "sku")
        .agg(pl.col("units").sum())
        .select(by, "sku", (pl.col("units") / max(days, 1)).alias("per_day"))
        .sort(by, "sku")
    )


def _measure(session: Session, orders: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Store what these orders add now; return by how much each day differs."""
    wanted = _contributions(session, orders)
    session.pick("tmp_sale_measured", "order_sales", orders.select("order_id"))
    known = session.query("stock/sales_measured")
    changed = wanted.join(known, on=wanted.columns, how="anti")
    gone = known.filter(pl.col("units") > 0).join(wanted, on=ORDER, how="anti")
    rows = pl.concat([changed, gone.with_columns(pl.lit(0, pl.Int64).alias("units"))])
    if rows.is_empty():
        return _no_deltas()
    before = known.join(rows, on=ORDER, how="semi").with_columns(-pl.col("units"))
    deltas = (
        pl.concat([rows, before])
        .group_by(DAILY)
        .agg(pl.col("units").sum())
        .filter(pl.col("units") != 0)
    )
    session.upsert("order_sales", rows.with_columns(pl.lit(now).alias("known_at")))
    session.frame("tmp_sale_deltas", deltas)
    session.upsert("daily_sales", session.query("stock/sales_added"))
    return deltas


def _contributions(session: Session, orders: pl.DataFrame) -> pl.DataFrame:
    """Return (order_id, sku, location_id, channel_id, day, units > 0) of orders."""
    session.frame("tmp_sale_orders", orders)
    keys = orders.select("order_id")
    session.pick("tmp_sale_lines", "order_lines", keys)
    session.pick("tmp_sale_refunds", "refund_lines", keys)
    session.pick("tmp_sale_parts", "fulfillment_orders", keys)
    session.pick("tmp_sale_part_lines", "fulfillment_lines", session.query("stock/sales_parts"))
    units = placed_units(session.query("stock/sales_sold"), session.query("stock/sales_given"))
    day = pl.col("placed_at").dt.truncate("1d").alias("day")
    return units.join(orders.select("order_id", "channel_id", day), on="order_id").select(
        *ORDER, "channel_id", "day", "units"
    )


def placed_units(sold: pl.DataFrame, given: pl.DataFrame) -> pl.DataFrame:
    """Return (order_id, sku, location_id, units > 0): whose the units of each order are.

    Both frames have these columns. No more than was sold is anybody's; what nobody was given
    is NOBODY's. A SKU that was given and is no line of its order, such as a component of a
    kit, counts as it was given.
    """
    total = sold.group_by("order_id", "sku").agg(pl.col("units").sum().alias("total"))
    handed = pl.concat([sold.filter(pl.col("location_id") != NOBODY), given.select(sold.columns)])
    handed = handed.group_by(ORDER).agg(pl.col("units").sum()).sort(ORDER)
    before = pl.col("units").cum_sum().over("order_id", "sku") - pl.col("units")
    most = pl.col("total").fill_null(pl.col("units") + before)
    theirs = handed.join(total, on=["order_id", "sku"], how="left", maintain_order="left").select(
        *ORDER, (most - before).clip(0, pl.col("units")).alias("units")
    )
    taken = theirs.group_by("order_id", "sku").agg(pl.col("units").sum().alias("taken"))
    rest = total.join(taken, on=["order_id", "sku"], how="left").select(
        "order_id",
        "sku",
        pl.lit(NOBODY).alias("location_id"),
        (pl.col("total") - pl.col("taken").fill_null(0)).alias("units"),
    )
    return pl.concat([theirs, rest]).filter(pl.col("units") > 0)


def _no_deltas() -> pl.DataFrame:
    return pl.DataFrame(schema={"day": pl.Datetime("us", "UTC"), "sku": pl.String})
