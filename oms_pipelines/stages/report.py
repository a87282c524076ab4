"""The report stage: marts in Parquet and pages in HTML, out of the store."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from oms_pipelines.hub import Hub
from oms_pipelines.report.marts import write_mart, write_parquet
from oms_pipelines.report.returns import DIMENSIONS, RULES, by_dimension, rates, told
from oms_pipelines.returns.carriers import listed


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
