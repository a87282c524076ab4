"""A month of five channels under faults: what escrow proves, and what a chosen risk comes to.

Policies are told apart by copies of the SKUs: each copy meets the same demand and supply, and
its level is made by one policy alone.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import NormalDist

import altair as alt
import numpy as np
import polars as pl
import pytest
from soak_world import CHANNELS, faulty, trace, world

from oms_pipelines.stock.sharer import Sharer
from oms_pipelines.stock.shares import EVERY, Sharing
from oms_pipelines.stock.simulate import Outcome, simulate
from oms_pipelines.stock.trace import Play, Trace

DAYS, SKUS, SEED = 30, 24, 11
FIXED = (0, 1, 2, 3, 4, 5)
RISKS = (0.9999, 0.8, 0.5, 0.2, 0.05, 0.01, 0.001)  # the first keeps nothing back
STATED = 0.001
# standard errors, one-sided at 5 %: of one comparison, and of each of six (Bonferroni)
ONE, EACH = NormalDist().inv_cdf(0.95), NormalDist().inv_cdf(1 - 0.05 / len(FIXED))
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


def frontier(past: Trace, days: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Replay fixed and computed buffers side by side.

    Returns (policy, lost, oversold, cycles, at_risk, hits, ..., computed, measured), a row a
    policy, and (policy, base, lost, oversold), a row a policy and SKU. Units.
    """
    risks = {f"risk {r}": world("pooled", risk=r) for r in RISKS}
    names = [*(f"fixed {n}" for n in FIXED), *risks]
    every = copied(past, names)
    history = dict(_parted(every.history))
    lags = {c: max(x.delays) for c, x in faulty(days, SEED).items()}
    sharers = {name: Sharer(oms, history[name], SKUS, lags) for name, oms in risks.items()}
    paired = play(days, copies=len(names))
    outcome = simulate(every, world("pooled"), paired, Policies(sharers, _fixed(past)))
    parts = pl.col("sku").str.split("#").list
    own = (parts.last().alias("policy"), parts.first().alias("base"))
    by_sku = outcome.by_sku.group_by(own).agg(
        (pl.col("wanted") - pl.col("sold")).sum().alias("lost"), pl.col("oversold").sum()
    )
    sales = by_sku.group_by("policy").agg(pl.col("lost", "oversold").sum())
    cycles = outcome.cycles.group_by(own[0]).agg(pl.exclude("sku").sum())
    order = pl.DataFrame({"policy": names})
    points = order.join(sales, on="policy", maintain_order="left").join(
        cycles, on="policy", maintain_order="left"
    ).with_columns(
        pl.col("policy").str.starts_with("risk").alias("computed"),
        (pl.col("hits") / pl.col("at_risk")).alias("measured"),
    )  # fmt: skip
    return points, by_sku


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


def margins(by_sku: pl.DataFrame) -> tuple[pl.DataFrame, float, float]:
    """Hold each fixed buffer against the line of computed ones at as many oversells.

    Returns (policy, margin, error): units that the fixed buffer loses beyond the line, and the
    standard error of that; then the sum of the margins, and its error. Between two computed
    points a merchant may mix, so the frontier is the line between them. `by_sku` is as
    `frontier` gives it. Each SKU meets the same demand and faults under every policy: its
    distances from the line are the sample, with those along it taken at the line's slope.
    """
    lost, over = (
        by_sku.pivot("policy", index="base", values=x).sort("base") for x in ("lost", "oversold")
    )
    line = sorted((x for x in lost.columns if x.startswith("risk")), key=lambda x: over[x].sum())
    rows, found = [], []
    for name in sorted(x for x in lost.columns if x.startswith("fixed")):
        at = over[name].sum()
        right = next((i for i, x in enumerate(line) if over[x].sum() >= at), len(line) - 1)
        one, two = line[max(right - 1, 0)], line[max(right, 1)]
        wide = over[two].sum() - over[one].sum()
        part = min(max((at - over[one].sum()) / wide, 0.0), 1.0) if wide else 1.0
        slope = (lost[two].sum() - lost[one].sum()) / wide if wide else 0.0
        beyond = lost[name] - (1 - part) * lost[one] - part * lost[two]
        along = over[name] - (1 - part) * over[one] - part * over[two]
        distance = (beyond - slope * along).to_numpy()
        found.append(distance)
        rows.append((name, distance.sum(), _error(distance)))
    total = np.sum(found, axis=0)
    frame = pl.DataFrame(rows, ["policy", "margin", "error"], orient="row")
    return frame, float(total.sum()), _error(total)


def _error(sample: np.ndarray) -> float:
    """Return the standard error of the sum of a sample."""
    return float(sample.std(ddof=1) * len(sample) ** 0.5) if len(sample) > 1 else 0.0


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
    """Of all lag cycles that begin with few units left, channels out of reach or not.

    A fixed buffer lies on the frontier or above it: no further below than six comparisons
    come to by chance at 5 %; and all together they lie above it beyond chance.
    """
    points, by_sku = frontier(trace(DAYS, SKUS, SEED), DAYS)
    drawn(points, VAR / "soak_frontier.png")
    beyond, total, error = margins(by_sku)
    with pl.Config(tbl_rows=20, tbl_cols=20, tbl_width_chars=160):
        print(points)
        print(beyond, f"together {total:.0f} +- {error:.0f}")
    stated = points.filter(pl.col("policy") == f"risk {STATED}").row(0, named=True)
    assert stated["at_risk"] > 2000
    assert stated["away"] > 100  # outages count
    assert stated["measured"] <= 2 * STATED
    by = {r["policy"]: r for r in points.iter_rows(named=True)}
    assert by["fixed 0"]["measured"] > 2 * STATED  # without a buffer it would not hold
    assert by["fixed 5"]["measured"] > 2 * STATED  # nor with five units of every SKU
    assert (beyond["margin"] >= -EACH * beyond["error"]).all()
    assert total > ONE * error


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
    points, _ = frontier(trace(1, 8, SEED), 1)
    by = {r["policy"]: r for r in points.iter_rows(named=True)}
    assert by["fixed 0"]["oversold"] > by["fixed 5"]["oversold"]
    assert by["risk 0.5"]["oversold"] > by["risk 0.001"]["oversold"]
    assert by["fixed 0"]["lost"] < by["fixed 5"]["lost"]
    assert by["risk 0.5"]["lost"] < by["risk 0.001"]["lost"]
    # copies of a SKU meet the same demand and faults: the same buffer comes to the same
    counts = ("lost", "oversold", "cycles", "at_risk", "hits")
    assert [by["fixed 0"][x] for x in counts] == [by["risk 0.9999"][x] for x in counts]


def test_a_point_is_held_against_the_line_between_computed_ones():
    def beyond(*fixed: tuple[int, int]) -> list[float]:
        points = [("risk 1", 20, 200), ("risk 2", 0, 400)]
        points += [(f"fixed {i}", *x) for i, x in enumerate(fixed)]
        rows = [(name, sku, over // 2, lost // 2) for name, over, lost in points for sku in "xy"]
        columns = ["policy", "base", "oversold", "lost"]
        found, total, error = margins(pl.DataFrame(rows, columns, orient="row"))
        assert (total, error) == (found["margin"].sum(), 0)  # SKUs that do not differ
        return found["margin"].to_list()

    assert beyond((10, 320), (10, 300), (10, 280)) == [20, 0, -20]
    assert beyond((0, 410), (20, 190)) == [10, -10]
