"""The report stage: marts in Parquet and pages in HTML, out of the store."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from oms_pipelines.hub import Hub
from oms_pipelines.report.marts import write_mart, write_parquet
from oms_pipelines.report.returns import DIMENSIONS, RULES, by_dimension, rates, told
from oms_pipelines.returns.carriers import listed
from oms_pipelines.stock.drift import open_in_words
from oms_pipelines.stock.loop import NOT_OBSERVED, STATES, by_channel, not_observed
from oms_pipelines.store.frames import cut

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
    from oms_pipelines.report.charts import bars, picture, stacked
    from oms_pipelines.report.page import rest, section, sheet, write_page

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
        more = rest(found.height - 20, "see the mart returns_daily")
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


_STATES = (
    "<p>due: to be sent; unsettled: sent, and no receipt yet; refused: by the channel; unobserved: "
    "accepted, and not read back yet; differs: read back, and not what was accepted; observed: the "
    "channel shows it. Ages are in minutes, delays (from acceptance to sight) in seconds.</p>"
)


def levels_page(hub: Hub) -> Reported:
    """Write the page of levels: where they stand by channel, and those not observed as desired."""
    from oms_pipelines.report.charts import bars, picture
    from oms_pipelines.report.page import rest, section, sheet, write_page

    now = hub.now()
    with hub.store.session(read_only=True) as session:
        channels = by_channel(session, now, hub.oms)
        found, more = cut(not_observed(session, now, LONGEST, oms=hub.oms))
        alarms, older = cut(session.query("stock/alarms_newest", limit=LONGEST))
    states = channels.unpivot(STATES[1:], index="channel_id", variable_name="state")
    states = states.filter(pl.col("value") > 0).select(
        pl.format("{} {}", "channel_id", "state").alias("where"), pl.col("value").alias("levels")
    )
    drawn = picture(bars(states, "levels", "where", "Not as desired")) if states.height else ""
    none = "Every channel shows what it should."
    file = hub.output / "pages" / "levels.html"
    command = f"oms stock levels --limit {found.height + more}"
    sections = [
        section("By channel", _STATES, sheet(channels, "No channel is told levels.")),
        section(NOT_OBSERVED, drawn, sheet(found, none), rest(more, command)),
        section("Alarms, newest first", sheet(alarms, "No level was found to differ."),
                rest(older, "see the table level_alarms")),
    ]  # fmt: skip
    write_page(file, "Levels", now, sections)
    totals = {n: int(channels[n].sum()) for n in ("observed", "unobserved", "alarms")}
    return Reported(file, found.height, totals, drawn)


_DRIFT = (
    "<p>Missing: units that counts have fewer than the ledger expected; found: more. In the list "
    "units are counted less expected, so missing ones are negative, and the list adds up to these "
    "tables. In flight: of the missing, what orders that left untold may explain. Contradictions "
    "are facts that the ledger cannot be true with, of no count; their units are added up apart, "
    "since one unit may be picked short and be missing in the next count too.</p>"
)


def drift_page(hub: Hub) -> Reported:
    """Write the drift page and its mart: what counts and the ledger do not agree on, and why."""
    from oms_pipelines.report.charts import bars, picture, stacked
    from oms_pipelines.report.page import rest, section, sheet, write_page

    now = hub.now()
    with hub.store.session(read_only=True) as session:
        daily = session.query("report/drift_daily")
        every = {"location": "", "cause": "", "limit": DRIFT_ROWS, "now": now}
        listed, more = cut(session.query("show/drift", closed=False, **every))
        totals = session.query("stock/drift_totals")
    write_mart(hub.output / "marts" / "drift_daily", daily)
    none = "No count differs from the ledger."
    drawn = ""
    if daily.height:
        drawn = picture(stacked(daily, "day", "counts", "cause", "Counts that differed, by day"))
    parts = []
    for word in ("cause", "location"):
        table = _added_up(totals, word)
        bar = table.select(word, (pl.col("missing") + pl.col("found")).alias("units"))
        bar = bar.filter(pl.col("units") > 0)
        title = f"Open units, missing or found, by {word}"
        plot = picture(bars(bar, "units", word, title)) if bar.height else ""
        parts.append(section(f"Open by {word}", plot, sheet(table, none)))
    sections = [
        section("By day and cause", drawn or f'<p class="none">{none}</p>'),
        section("Open now", f"<p>{open_in_words(totals)}</p>", _DRIFT),
        *parts,
        section("Open, newest first", sheet(listed, none),
                rest(more, f"oms stock drift --limit {listed.height + more}")),
    ]  # fmt: skip
    file = hub.output / "pages" / "drift.html"
    write_page(file, "Drift", now, sections)
    told = {n: int(totals[n].sum()) for n in ("open", "missing", "found", "contradictions")}
    return Reported(file, daily.height, {"counts": int(daily["counts"].sum()), **told}, drawn)


def _added_up(totals: pl.DataFrame, word: str) -> pl.DataFrame:
    """Return totals by one word, the most units first."""
    numbers = [c for c in totals.columns if totals.schema[c].is_integer()]
    most = pl.col("missing") + pl.col("found") + pl.col("contradicts")
    return (
        totals.group_by(word)
        .agg(pl.col(numbers).sum())
        .sort(most, word, descending=[True, False])
        .select(word, *numbers)
    )
