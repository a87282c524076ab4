"""The report stage: marts in Parquet and pages in HTML, out of the store."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from oms_pipelines.hub import Hub
from oms_pipelines.report.marts import write_mart, write_parquet
from oms_pipelines.report.returns import DIMENSIONS, RULES, by_dimension, rates, told
from oms_pipelines.returns.carriers import listed
from oms_pipelines.stock.loop import STATES, by_channel, not_observed

LONGEST = 500  # rows of a table on a page

DRIFT_ROWS = 200  # on the page; the mart and `oms stock drift` have all of them


@dataclass(frozen=True)
class Reported:
    """A page or mart: where it lies, and its totals."""

    path: Path
    rows: int
    totals: Mapping[str, float]
    picture: str | None = None


def returns_mart(hub: Hub) -> Reported:
    """Write the return statistics, a Parquet file a day."""
    with hub.store.session(read_only=True) as session:
        daily = session.query("report/returns_daily")
    folder = hub.output / "marts" / "returns_daily"
    write_mart(folder, daily)
    sums = {n: int(daily[n].sum()) for n in ("announced", "received", "restocked")}
    return Reported(folder, daily.height, sums)


def orders_mart(hub: Hub) -> Reported:
    """Write orders by day, a Parquet file a day, and the stock as it is now."""
    with hub.store.session(read_only=True) as session:
        daily = session.query("report/orders_daily")
        stock = session.query("report/stock_now")
    folder = hub.output / "marts" / "orders_daily"
    write_mart(folder, daily)
    write_parquet(hub.output / "marts" / "stock_now.parquet", stock)
    return Reported(folder, daily.height, {"orders": int(daily["orders"].sum())})


def returns_page(hub: Hub) -> Reported:
    """Write the returns page: by reason, SKU, channel, location, carrier, initiator, by day."""
    from oms_pipelines.report.page import bars, picture, section, sheet, stacked, write_page

    with hub.store.session(read_only=True) as session:
        daily = listed(session.query("report/returns_daily"), hub.oms.carriers)
        shipped = session.query("report/shipped_daily")
    file = hub.output / "pages" / "returns.html"
    none = "Nothing has been returned yet."
    reasons = by_dimension(daily, "reason")
    drawn = (
        picture(stacked(told(daily), "day", "units", "reason", "Units by day"))
        if daily.height
        else ""
    )
    sections = [
        section("By day and reason", drawn or f'<p class="none">{none}</p>'),
        section("Share of what was shipped", sheet(rates(daily, shipped), none)),
    ]
    for dimension in DIMENSIONS:
        found = by_dimension(daily, dimension)
        top = found.head(20)
        plot = picture(bars(top, "units", dimension, f"Units by {dimension}")) if top.height else ""
        more = f"<p>{found.height - 20} more in the mart.</p>" if found.height > 20 else ""
        rule = f"<p>{RULES[dimension]}</p>" if dimension in RULES else ""
        title = f"By {dimension.replace('_', ' ')}"
        sections.append(section(title, rule, plot, sheet(top, none), more))
    write_page(file, "Returns", hub.now(), sections)
    return Reported(
        file,
        reasons.height,
        {"announced": int(daily["announced"].sum()), "received": int(daily["received"].sum())},
        drawn,
    )


def levels_page(hub: Hub) -> Reported:
    """Write the page of levels: where they stand by channel, and those not observed yet."""
    from oms_pipelines.report.page import bars, picture, section, sheet, write_page

    now = hub.now()
    with hub.store.session(read_only=True) as session:
        channels = by_channel(session, now, hub.oms)
        found = not_observed(session, now, LONGEST, oms=hub.oms)
        alarms = session.query("stock/alarms_newest", limit=LONGEST)
    states = channels.unpivot(STATES[1:], index="channel_id", variable_name="state")
    states = states.filter(pl.col("value") > 0).select(
        pl.format("{} {}", "channel_id", "state").alias("where"), pl.col("value").alias("levels")
    )
    drawn = picture(bars(states, "levels", "where", "Not observed")) if states.height else ""
    none = "Every channel shows what it was told."
    file = hub.output / "pages" / "levels.html"
    explained = "<p>Ages are in minutes, delays (from acceptance to sight) in seconds.</p>"
    sections = [
        section("By channel", explained, sheet(channels, "No channel is told levels.")),
        section("Not observed yet", drawn, sheet(found, none)),
        section("Alarms, newest first", sheet(alarms, "No level was found to differ.")),
    ]
    write_page(file, "Levels", now, sections)
    totals = {n: int(channels[n].sum()) for n in ("observed", "unobserved", "alarms")}
    return Reported(file, found.height, totals, drawn)


def drift_page(hub: Hub) -> Reported:
    """Write the drift page and its mart: what counts and the ledger do not agree on, and why."""
    from oms_pipelines.report.page import bars, picture, section, sheet, stacked, write_page

    now = hub.now()
    with hub.store.session(read_only=True) as session:
        found = session.query("report/drift_daily")
        every = {"location": "", "cause": "", "limit": DRIFT_ROWS, "now": now}
        listed = session.query("show/drift", closed=False, **every)
    write_mart(hub.output / "marts" / "drift_daily", found)
    none = "No count differs from the ledger."
    drawn = ""
    if found.height:
        drawn = picture(stacked(found, "day", "counts", "cause", "Counts that differed, by day"))
    still = found.filter(found["open"] > 0)
    by_cause = still.group_by("cause").agg(pl.col("open", "open_units").sum()).sort("open_units")
    by_place = still.group_by("location").agg(pl.col("open", "open_units").sum()).sort("open_units")
    plots = [
        picture(bars(frame, "open_units", word, f"Open units by {word}")) if frame.height else ""
        for frame, word in ((by_cause, "cause"), (by_place, "location"))
    ]
    sections = [
        section("By day and cause", drawn or f'<p class="none">{none}</p>'),
        section("Open by cause", plots[0], sheet(by_cause.reverse(), none)),
        section("Open by location", plots[1], sheet(by_place.reverse(), none)),
        section(f"Open, newest first ({DRIFT_ROWS} at most)", sheet(listed, none)),
    ]
    file = hub.output / "pages" / "drift.html"
    write_page(file, "Drift", now, sections)
    totals = {n: int(found[n].sum()) for n in ("counts", "open", "open_units")}
    return Reported(file, found.height, totals, drawn)
