"""The page "Escrow and buffers": who gets which units, and what buffers cost and save."""

from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from oms_pipelines.config import Channel, Oms
from oms_pipelines.demand import open_lines
from oms_pipelines.hub import Hub
from oms_pipelines.stages.report import Reported
from oms_pipelines.stock.availability import desired_levels
from oms_pipelines.stock.bills import read_bills, with_kit_demand
from oms_pipelines.stock.buffers import estimate
from oms_pipelines.stock.counts import quantile
from oms_pipelines.stock.decide import at_hand
from oms_pipelines.stock.frontier import by_risk, chosen, demand_in_lag, frontier, in_total
from oms_pipelines.stock.quotas import sold_under_quotas
from oms_pipelines.stock.rebalance import effective_claims
from oms_pipelines.stock.sales import measured_days, window_of
from oms_pipelines.stock.shares import EVERY, KEYS, Sharing, declared_claims
from oms_pipelines.stock.sharing import read_sharing
from oms_pipelines.store import Session

RISKS = [0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4, 1e-5]
TOP = 20  # rows of a table of SKUs, and buffers of that of all
LARGEST = 200  # buffer that the frontier goes to


@dataclass(frozen=True)
class Facts:
    """What the page is made of: levels, what sharing rests on, and demand in a lag."""

    levels: pl.DataFrame
    sharing: Sharing
    stored: pl.DataFrame  # buffers
    quota_sales: pl.DataFrame  # channel_id, quota, sold
    lag: pl.DataFrame  # what `frontier` reads, of SKUs that may run out


def sharing_page(hub: Hub) -> Reported:
    """Write the page: shares, quotas, weights, buffers, and the frontier of the buffers."""
    from oms_pipelines.report.charts import bars, curves, picture
    from oms_pipelines.report.page import rest, section, sheet, write_page

    now = hub.now()
    facts = _facts(hub, now)
    found = shares(hub.oms, facts.levels)
    points = frontier(facts.lag, _most(facts.lag))
    held = chosen(points, facts.lag)
    own = in_total(held.with_columns(buffer=0))  # whatever the buffer of each SKU is
    drawn = picture(curves(by_risk(facts.lag, points, RISKS), own)) if points.height else ""
    plot = picture(bars(found, "units_shown", "channel", "Units shown")) if found.height else ""
    moved = effective_claims(facts.sharing.weights, hub.oms.channels)
    most, dearest = _most_moved(moved), _dearest(held, facts.lag)
    sections = [
        section("Shares", plot, sheet(found, "No channel is told levels.")),
        section("Quotas", sheet(quotas(hub.oms, facts.quota_sales, now), "No quota is declared.")),
        section("Weights by demand", sheet(_by_channel(moved), "Shares are as declared."),
                sheet(most.head(TOP), "No SKU differs from what is declared."),
                rest(most.height - TOP, "see the table stock_weights")),
        section("Buffers", sheet(kept(facts.stored), "No buffer was measured yet.")),
        section("Lost sales against oversells", _EXPLAINED, drawn,
                sheet(_rounded(in_total(points).filter(pl.col("buffer") <= TOP)), _NONE),
                sheet(dearest, _NONE) if dearest.height else "",
                rest(held.height - TOP, "see the table stock_buffers")),
    ]  # fmt: skip
    file = hub.output / "pages" / "escrow_and_buffers.html"
    write_page(file, "Escrow and buffers", now, sections)
    totals = {
        "units shown": int(facts.levels["desired"].sum()),
        "expected oversells in a lag": round(float(held["expected_oversells"].sum()), 3),
        "expected lost in a lag": round(float(held["expected_lost"].sum()), 3),
    }
    return Reported(file, facts.levels.height, totals, drawn or None)


def _facts(hub: Hub, now: datetime) -> Facts:
    with hub.store.session(read_only=True) as session:
        sharing = read_sharing(session, hub.oms, now)
        bills = read_bills(session)
        lines = with_kit_demand(open_lines(session))
        skus = session.query("stock/skus_of_all")
        known = at_hand(session, hub.oms, lines, skus, now)
        stored = _pooled_of(hub.oms, session.table("stock_buffers"))
        own = _own(session, hub.oms, now)
        sold = sold_under_quotas(session, hub.oms, now)
    bare = replace(sharing, buffers=sharing.buffers.clear())
    pools = desired_levels(*known, _unbuffered(hub.oms), bare, bills)
    levels = desired_levels(*known, hub.oms, sharing, bills)
    lag = demand_in_lag(pools, own, _at_least(hub.oms, stored))
    return Facts(levels, sharing, stored, sold, lag)


def _pooled_of(oms: Oms, stored: pl.DataFrame) -> pl.DataFrame:
    """Return the buffers of channels that are pooled now."""
    return stored.filter(
        pl.col("channel_id").is_in([c.id for c in oms.channels if c.stock.mode == "pooled"])
    )


def _at_least(oms: Oms, stored: pl.DataFrame) -> pl.DataFrame:
    """Return the buffers that hold: measured, and never less than the channel is set to keep."""
    declared = {c.id: c.stock.buffer for c in oms.channels}
    least = pl.col("channel_id").replace_strict(declared, default=0, return_dtype=pl.Int64)
    return stored.with_columns(pl.max_horizontal("buffer", least).alias("buffer"))


def _most(lag: pl.DataFrame) -> int:
    """Return the largest buffer the frontier goes to: those that hold, and of the least risk."""
    least = quantile(lag["mean"].to_numpy(), lag["dispersion"].to_numpy(), min(RISKS))
    return min(max(least.max(initial=0), lag["buffer"].to_numpy().max(initial=0)), LARGEST)


_NONE = "No pooled channel has a SKU that may run out in a lag."
_EXPLAINED = (
    "<p>Expected units, in the time in which sales of others are not in a level yet. Each SKU has "
    "the buffer of the risk; the large points are the buffers that hold. The table gives all "
    "SKUs one buffer.</p>"
)


def _unbuffered(oms: Oms) -> Oms:
    """Return the settings with which a pooled channel shows all of its pool."""

    def bare(channel: Channel) -> Channel:
        if channel.stock.mode != "pooled":
            return channel
        none = {"buffer": 0, "cap": None, "stop_below": 0, "cold_start": None}
        return channel.model_copy(update={"stock": channel.stock.model_copy(update=none)})

    return oms.model_copy(update={"channels": [bare(c) for c in oms.channels]})


def _own(session: Session, oms: Oms, now: datetime) -> pl.DataFrame:
    """Return (channel_id, sku, per_day, dispersion): what pooled channels sell themselves."""
    first, today = window_of(now, oms.stock.window)
    days = measured_days(session, now, oms.stock.window)
    sold = session.query("stock/sales_moments", first=first, until=today, all=True)
    skus = session.query("stock/skus_stocked")["skus"][0]
    found = [
        estimate(sold.filter(pl.col("channel_id") == c.id), days, skus).select(
            pl.lit(c.id).alias("channel_id"), "sku", "per_day", "dispersion"
        )
        for c in oms.channels
        if c.stock.mode == "pooled"
    ]
    columns = {"channel_id": pl.String, "sku": pl.String}
    numbers = {"per_day": pl.Float64, "dispersion": pl.Float64}
    return pl.concat([pl.DataFrame(schema=columns | numbers), *found])


def shares(oms: Oms, levels: pl.DataFrame) -> pl.DataFrame:
    """Return one row a channel: what it may claim, its bounds, and what it shows now."""
    claims = declared_claims(oms.channels)
    rows = [
        (c.id, c.stock.mode, round(100 * claim, 2) if claim else None, c.stock.minimum,
         c.stock.cap, c.stock.stop_below, c.stock.buffer)
        for c, claim in zip(oms.channels, claims, strict=True)
        if c.stock.mode != "none"
    ]  # fmt: skip
    numbers = ("minimum", "cap", "stop_below", "buffer")
    schema = {"channel": pl.String, "mode": pl.String, "percent": pl.Float64}
    declared = pl.DataFrame(rows, schema | dict.fromkeys(numbers, pl.Int64), orient="row")
    now = levels.group_by("channel_id").agg(
        pl.col("desired").sum().alias("units_shown"),
        (pl.col("desired") > 0).sum().cast(pl.Int64).alias("skus_shown"),
    )
    return declared.join(
        now, left_on="channel", right_on="channel_id", how="left", maintain_order="left"
    )


def quotas(oms: Oms, sold: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Return one row a quota, by its opening: when, of what, and what was sold of it."""
    rows = [
        (c.id, q.id, q.opens(c.time_zone), q.closes(c.time_zone), f"{q.from_} {c.time_zone}",
         f"{q.to} {c.time_zone}", len(q.skus) if q.skus else None, q.units,
         None if q.share is None else 100 * q.share)
        for c in oms.channels
        if c.stock.mode == "escrow"
        for q in c.stock.quotas
    ]  # fmt: skip
    columns = ["channel", "quota", "opens", "closes", "from", "to", "skus", "units", "percent"]
    if not rows:
        return pl.DataFrame(schema=columns)
    state = (
        pl.when(pl.col("closes") <= now)
        .then(pl.lit("closed"))
        .when(pl.col("opens") <= now)
        .then(pl.lit("open"))
        .otherwise(pl.lit("to come"))
    )
    return (
        pl.DataFrame(rows, columns, orient="row", infer_schema_length=None)
        .join(sold, left_on=["channel", "quota"], right_on=["channel_id", "quota"], how="left")
        .sort("opens", "channel", "quota")
        .select("channel", "quota", state.alias("state"), *columns[4:], "sold")
    )


def _by_channel(moved: pl.DataFrame) -> pl.DataFrame:
    return moved.group_by("channel_id").agg(
        pl.len().alias("skus"),
        pl.col("declared").first().round(2).alias("declared_percent"),
        *(
            pl.col("effective").quantile(at).round(2).alias(name)
            for name, at in (("lowest_tenth", 0.1), ("median", 0.5), ("highest_tenth", 0.9))
        ),
    ).sort("channel_id")  # fmt: skip


def _most_moved(moved: pl.DataFrame) -> pl.DataFrame:
    by = (pl.col("effective") - pl.col("declared")).abs()
    some = moved.filter(by > 0.005).sort(by.round(6), *KEYS, descending=[True, False, False])
    return some.with_columns(pl.col("declared", "effective").round(2))


def kept(stored: pl.DataFrame) -> pl.DataFrame:
    """Return one row a pooled channel: its risk, its lag, and its buffers."""
    own = pl.col("sku") != EVERY
    return (
        stored.group_by("channel_id")
        .agg(
            pl.col("risk").max(),
            pl.col("lag_seconds").max().round(0),
            pl.col("buffer").filter(~own).first().alias("of_any_other_sku"),
            own.sum().alias("skus_of_their_own"),
            pl.col("buffer").filter(own).mean().round(2).alias("mean"),
            pl.col("buffer").filter(own).max().alias("largest"),
            pl.col("computed_at").max().dt.strftime("%Y-%m-%d %H:%M").alias("renewed"),
        )
        .sort("channel_id")
    )


def _rounded(points: pl.DataFrame) -> pl.DataFrame:
    return points.with_columns(pl.col("expected_oversells", "expected_lost").round(4))


def _dearest(held: pl.DataFrame, lag: pl.DataFrame) -> pl.DataFrame:
    """Return the SKUs whose buffers leave most at stake, with what was chosen for them."""
    both = pl.col("expected_oversells") + pl.col("expected_lost")
    some = held.sort(both, *KEYS, descending=[True, False, False]).head(TOP)
    return _rounded(some.join(lag.select(*KEYS, "pool"), on=KEYS, maintain_order="left"))
