"""A month of five channels under faults: what escrow proves, and what a chosen risk comes to.

Policies are told apart by copies of the SKUs: each copy meets the same demand and supply, and
its level is made by one policy alone.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path

import altair as alt
import polars as pl
import pytest
from soak_world import CHANNELS, faulty, trace, world

from oms_pipelines.stock.sharer import Sharer
from oms_pipelines.stock.shares import EVERY, Sharing
from oms_pipelines.stock.simulate import Outcome, simulate
from oms_pipelines.stock.trace import Play, Trace

DAYS, SKUS, SEED = 30, 24, 11
FIXED = (0, 1, 2, 3, 4, 5)
RISKS = (0.99, 0.8, 0.5, 0.2, 0.05, 0.01, 0.001)
NOISE = 0.005  # of lost sales: each copy draws faults of its own
STATED = 0.001
VAR = Path(__file__).resolve().parents[1] / "var"


def play(days: int, **more: object) -> Play:
    links = faulty(days, SEED)
    return Play(**{"tick": timedelta(minutes=15), "links": links, "seed": SEED, **more})


class Policies:
    """Decides each copy of the SKUs by its own buffers; the policy stands behind # in the SKU."""

    learns = True

    def __init__(self, sharers: dict[str, Sharer], fixed: pl.DataFrame):
        self.sharers, self.fixed = sharers, fixed.with_columns(unheard=pl.lit(0, pl.Int64))
        self.heard: list[pl.DataFrame] = []
        self.day: date | None = None

    def learn(self, sold: pl.DataFrame) -> None:
        self.heard.append(sold)

    def renew(self, now: datetime, silent: Mapping[str, timedelta]) -> bool:
        if self.day != now.date() and self.heard:  # nobody measures before the day is over
            for name, own in _parted(pl.concat(self.heard)):
                if name in self.sharers:
                    self.sharers[name].learn(own)
            self.heard = []
        self.day = now.date()
        return any([s.renew(now, silent) for s in self.sharers.values()])  # noqa: C419 - all renew

    def sharing_at(self, _: datetime) -> Sharing:
        computed = [s.sharing.buffers.filter(pl.col("sku") != EVERY) for s in self.sharers.values()]
        return Sharing(buffers=pl.concat([self.fixed, *computed]))


def _parted(rows: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    parts = rows.with_columns(pl.col("sku").str.split("#").list.last().alias("policy"))
    return [(str(name), own.drop("policy")) for (name,), own in parts.group_by("policy")]


def copied(past: Trace, names: list[str]) -> Trace:
    """Return a trace with each SKU once for every policy."""

    def of(frame: pl.DataFrame) -> pl.DataFrame:
        return pl.concat(
            frame.with_columns(pl.format("{}#{}", "sku", pl.lit(n)).alias("sku")) for n in names
        )

    frames = {x: of(getattr(past, x)) for x in ("opening", "supply", "demand", "history")}
    return Trace(since=past.since, until=past.until, **frames)


def frontier(past: Trace, days: int) -> pl.DataFrame:
    """Return (policy, computed, lost, oversold, measured, ...) of fixed and computed buffers."""
    risks = {f"risk {r}": world("pooled", risk=r) for r in RISKS}
    names = [*(f"fixed {n}" for n in FIXED), *risks]
    every = copied(past, names)
    history = dict(_parted(every.history))
    lags = {c: max(x.delays) for c, x in faulty(days, SEED).items()}
    sharers = {name: Sharer(oms, history[name], SKUS, lags) for name, oms in risks.items()}
    outcome = simulate(every, world("pooled"), play(days), Policies(sharers, _fixed(past)))
    policy = pl.col("sku").str.split("#").list.last().alias("policy")
    sales = outcome.by_sku.group_by(policy).agg(
        (pl.col("wanted") - pl.col("sold")).sum().alias("lost"), pl.col("oversold").sum()
    )
    cycles = outcome.cycles.group_by(policy).agg(pl.exclude("sku").sum())
    order = pl.DataFrame({"policy": names})
    return order.join(sales, on="policy", maintain_order="left").join(
        cycles, on="policy", maintain_order="left"
    ).with_columns(
        pl.col("policy").str.starts_with("risk").alias("computed"),
        (pl.col("hits") / pl.col("at_risk")).alias("measured"),
    )  # fmt: skip


def _fixed(past: Trace) -> pl.DataFrame:
    """Return (channel_id, sku, buffer) of the copies whose buffer is one for every SKU."""
    skus = past.demand.select("sku").unique()
    return pl.concat(
        skus.select(
            pl.lit(c).alias("channel_id"),
            pl.format("{}#fixed {}", "sku", pl.lit(n)).alias("sku"),
            pl.lit(n, pl.Int64).alias("buffer"),
        )
        for n in FIXED
        for c in CHANNELS
    )


def dominated(points: pl.DataFrame) -> bool:
    """Tell whether computed buffers lose no more sales than each fixed one, at its oversells.

    Between two computed points a merchant may mix: the frontier is the line between them.
    """
    computed = points.filter("computed").sort("oversold").select("oversold", "lost").rows()
    fixed = points.filter(~pl.col("computed")).select("oversold", "lost").rows()
    return all(lost * (1 + NOISE) >= _on_line(computed, oversold) for oversold, lost in fixed)


def _on_line(line: list[tuple[int, int]], oversold: int) -> float:
    """Return the lost sales of the line at so many oversells; beyond its ends, of the end."""
    below = [p for p in line if p[0] <= oversold] or line[:1]
    above = [p for p in line if p[0] >= oversold] or line[-1:]
    (x0, y0), (x1, y1) = below[-1], above[0]
    return y0 if x0 == x1 else y0 + (y1 - y0) * (oversold - x0) / (x1 - x0)


def told(name: str, outcome: Outcome) -> str:
    counts = ("wanted", "sold", "lost_hidden", "lost_out", "oversold", "stranded")
    return f"{name}: " + ", ".join(f"{x} {outcome.total(x)}" for x in counts)


@pytest.mark.soak
def test_a_month_of_escrow_under_every_fault_oversells_nothing():
    past = trace(DAYS, SKUS, SEED)
    escrow = simulate(past, world("escrow"), play(DAYS))
    hasty = simulate(past, world("escrow"), play(DAYS, raise_after_ack=False))
    blind = play(DAYS, links=faulty(DAYS, SEED, compares=False))
    overwriting = simulate(past, world("escrow"), blind)
    print(told("escrow", escrow))
    print(told("escrow, raised before lower levels are acknowledged", hasty))
    print(told("escrow, on channels that overwrite what they sold in between", overwriting))
    assert escrow.total("oversold") == 0
    assert escrow.total("sold") > 100_000
    assert hasty.total("oversold") > 0


@pytest.mark.soak
def test_pooled_channels_oversell_no_more_than_twice_the_stated_risk_and_beat_fixed_buffers():
    points = frontier(trace(DAYS, SKUS, SEED), DAYS)
    drawn(points, VAR / "soak_frontier.png")
    with pl.Config(tbl_rows=20, tbl_cols=20):
        print(points)
    stated = points.filter(pl.col("policy") == f"risk {STATED}").row(0, named=True)
    assert stated["at_risk"] > 2000
    assert stated["measured"] <= 2 * STATED
    by = {r["policy"]: r for r in points.iter_rows(named=True)}
    assert by["fixed 0"]["measured"] > 2 * STATED  # without a buffer it would not hold
    assert dominated(points)
    # at no more oversells than five units kept back of every SKU, fewer sales are lost
    line = points.filter("computed").sort("oversold").select("oversold", "lost").rows()
    assert _on_line(line, by["fixed 5"]["oversold"]) < by["fixed 5"]["lost"]


def drawn(points: pl.DataFrame, path: Path) -> None:
    """Draw lost sales against oversells, fixed and computed buffers each as a line."""
    kind = pl.when("computed").then(pl.lit("computed")).otherwise(pl.lit("fixed"))
    base = alt.Chart(points.with_columns(kind.alias("buffers"))).encode(
        x=alt.X("oversold:Q", title="units oversold"),
        y=alt.Y("lost:Q", title="units not sold", scale=alt.Scale(zero=False)),
        color="buffers:N",
    )
    labels = base.mark_text(align="left", dx=6).encode(text="policy:N")
    chart = base.mark_line(point=True, order=False) + labels
    path.parent.mkdir(exist_ok=True)
    chart.properties(width=640, height=420).save(path)


def test_a_day_shows_the_order_of_policies_that_the_month_measures():
    points = frontier(trace(1, 8, SEED), 1)
    by = {r["policy"]: r for r in points.iter_rows(named=True)}
    assert by["fixed 0"]["oversold"] > by["fixed 5"]["oversold"]
    assert by["risk 0.5"]["oversold"] > by["risk 0.001"]["oversold"]
    assert by["fixed 0"]["lost"] < by["fixed 5"]["lost"]
    assert by["risk 0.5"]["lost"] < by["risk 0.001"]["lost"]


def test_a_point_under_the_line_is_not_dominated():
    def points(*fixed: tuple[int, int]) -> pl.DataFrame:
        rows = [(True, 10, 100), (True, 0, 200), *((False, *x) for x in fixed)]
        return pl.DataFrame(rows, ["computed", "oversold", "lost"], orient="row")

    assert dominated(points((5, 160), (12, 120), (0, 210)))
    assert not dominated(points((5, 140)))
    assert not dominated(points((0, 190)))
