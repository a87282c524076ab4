"""Buffers of pooled channels against the exact distributions, and what they cost and save."""

from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from stock_world import NOON, World, at, channel, network, place

from oms_pipelines.config import Oms
from oms_pipelines.stock.buffers import buffers, estimate, moved
from oms_pipelines.stock.counts import chances, quantile
from oms_pipelines.stock.frontier import by_risk, chosen, frontier, in_total
from oms_pipelines.stock.levels import compute_levels
from oms_pipelines.stock.renewal import renew_buffers
from oms_pipelines.stock.sales import measure_sales
from oms_pipelines.stock.shares import Sharing, share_out
from oms_pipelines.stock.sharing import read_sharing, renew_sharing
from oms_pipelines.store import Store


def pooled(channel_id: str, risk: float = 0.01, **stock: Any) -> dict:
    return channel(channel_id, mode="pooled", risk=risk, **stock)


def exact(mean: float, dispersion: float) -> Any:
    if dispersion == 1:
        return stats.poisson(mean)
    return stats.nbinom(mean / (dispersion - 1), 1 / dispersion)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.001, 60), st.just(1.0) | st.floats(1.05, 9)), min_size=1),
    st.sampled_from([0.3, 0.01, 0.001, 1e-6]),
)
def test_a_quantile_is_the_smallest_number_that_is_exceeded_as_rarely(rows: list, risk: float):
    mean, dispersion = (np.array(x) for x in zip(*rows, strict=True))
    for m, d, b in zip(mean, dispersion, quantile(mean, dispersion, risk), strict=True):
        assert exact(m, d).sf(b) <= risk * (1 + 1e-6)
        assert b == 0 or exact(m, d).sf(b - 1) > risk * (1 - 1e-6)


def test_large_means_are_as_exact_and_no_demand_needs_no_buffer():
    mean, dispersion = np.array([0.0, 900.0, 5000.0, 40_000.0]), np.array([1.0, 1.0, 3.0, 3.0])
    found = quantile(mean, dispersion, 0.001)
    assert found[0] == 0
    assert found[1:3].tolist() == [stats.poisson(900).isf(0.001), exact(5000, 3).isf(0.001)]
    assert abs(found[3] - exact(40_000, 3).isf(0.001)) <= 2
    assert quantile(mean[:0], dispersion[:0], 0.001).tolist() == []


def test_chances_are_those_of_the_distribution():
    found = chances(np.array([2.5, 2.5]), np.array([1.0, 2.0]), 12)
    assert found[0] == pytest.approx(exact(2.5, 1).pmf(np.arange(12)))
    assert found[1] == pytest.approx(exact(2.5, 2).pmf(np.arange(12)))


def moments(*rows: tuple[str, str, int, int]) -> pl.DataFrame:
    schema = {"channel_id": pl.String, "sku": pl.String, "units": pl.Int64, "squares": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_a_sku_is_estimated_by_its_own_sales_and_by_those_of_all():
    # of four SKUs one sold ten a day on each of ten days, one two units once, two nothing
    sold = moments(("b", "x", 100, 1000), ("b", "y", 2, 4)).drop("channel_id")
    rows = {s: r for s, *r in estimate(sold, 10, 4).iter_rows()}
    common = max((0 + (4 - 0.4) * 10 / 9) / 102, 1)
    mean = 102 / 4
    between = ((100 - mean) ** 2 + (2 - mean) ** 2 + 2 * mean**2) / 3 - common * mean
    trust = between / (between + common * mean)
    assert rows["x"][1] == pytest.approx((trust * 100 + (1 - trust) * mean) / 10)
    assert rows["*"] == [0, pytest.approx((1 - trust) * mean / 10), common]
    assert 0 < rows["*"][1] < rows["y"][1] < rows["x"][1]
    assert estimate(sold, 0, 4).is_empty()
    alone = estimate(sold.clear(), 10, 4).rows()
    assert alone == [("*", 0, 0.0, 1.0)]


def test_clumps_of_sales_need_a_larger_buffer_than_the_same_units_one_by_one():
    steady = estimate(moments(("b", "x", 280, 2800)).drop("channel_id"), 28, 1)
    clumped = estimate(moments(("b", "x", 280, 280 * 70)).drop("channel_id"), 28, 1)
    assert steady.filter(sku="x")["dispersion"][0] == pytest.approx(1.0)
    assert clumped.filter(sku="x")["dispersion"][0] > 50


TRIO = [pooled("a"), pooled("b", 0.2), channel("c", share=0.3), channel("d", mode="none")]


def test_the_buffer_is_the_quantile_of_what_others_sell_until_the_channel_shows_less():
    oms = network([{**c, "every": "1h"} for c in TRIO])
    sold = moments(("a", "x", 480, 480), ("b", "x", 960, 960), ("c", "x", 900, 900),
                   ("d", "x", 240, 240))  # fmt: skip
    found = {c: r for c, _, *r in buffers(sold, 10, 1, oms).filter(sku="x").iter_rows()}
    # an hour to the next tick, and one to be shown: of a day's 96 + 24 units, c's are its own
    assert found["a"] == [exact(120 / 12, 1).isf(0.01), 120.0, 1.0, 7200.0, 0.01]
    assert found["b"] == [exact(72 / 12, 1).isf(0.2), 72.0, 1.0, 7200.0, 0.2]
    lags = pl.DataFrame({"channel_id": ["a"], "lag_seconds": [3600.0 * 3]})
    slow = {c: b for c, _, b, *_ in buffers(sold, 10, 1, oms, lags).filter(sku="x").iter_rows()}
    assert slow == {"a": exact(120 / 6, 1).isf(0.01), "b": found["b"][0]}


def test_channels_that_sell_from_other_places_sell_none_of_its_units():
    apart = network(
        [pooled("a", locations=["lyon"]), pooled("b", locations=["nice"])],
        [place("lyon"), place("nice")],
    )
    found = buffers(moments(("b", "x", 960, 960)), 10, 1, apart)
    assert found.select("channel_id", "sku", "buffer").rows() == [
        ("a", "*", 0), ("b", "*", 0),
    ]  # fmt: skip


def test_a_cold_start_holds_for_what_too_little_was_measured_of():
    oms = network([pooled("a", cold_start=3), pooled("b")])
    sold = moments(("b", "x", 4, 4), ("b", "y", 5000, 5000 * 500))
    found = {s: b for _, s, b, *_ in buffers(sold, 10, 9, oms).filter(channel_id="a").iter_rows()}
    assert (found["*"], found["x"]) == (3, 3)
    assert found["y"] != 3


def levels(oms: Oms, pool: int, *rows: tuple[str, str, int]) -> list[int]:
    schema = {"channel_id": pl.String, "sku": pl.String, "buffer": pl.Int64}
    kept = pl.DataFrame(rows, schema=schema, orient="row")
    pools = pl.DataFrame({"sku": ["x"], "pool": [pool]})
    own = frozenset(c.id for c in oms.channels)
    return share_out([pools], [own], oms.channels, Sharing(buffers=kept))["desired"].to_list()


def test_a_measured_buffer_is_kept_back_and_the_setting_is_its_least():
    oms = network([pooled("a", cold_start=1), pooled("b", buffer=4)])
    assert levels(oms, 10) == [9, 6]
    assert levels(oms, 10, ("a", "*", 2), ("b", "*", 2)) == [8, 6]
    assert levels(oms, 10, ("a", "*", 2), ("a", "x", 5), ("b", "x", 11)) == [5, 0]


def test_a_day_of_many_sales_lowers_no_buffer_to_that_of_a_cold_start():
    oms = network([pooled("a", cold_start=0), pooled("b")])
    stored = buffers(moments(("b", "x", 8, 8)), 28, 1, oms).filter(channel_id="a", sku="x")
    stored = stored.with_columns(pl.lit(NOON).alias("computed_at"), buffer=pl.lit(7, pl.Int64))
    found = moved(stored, moments(("b", "x", 4, 4)).drop("squares"), oms)
    assert found["buffer"].to_list() == [7]


def test_demand_has_moved_where_a_day_was_unlikely():
    oms = network([pooled("a"), pooled("b")])
    stored = buffers(moments(("b", "x", 280, 2800), ("b", "y", 28, 28)), 28, 2, oms)
    stored = stored.with_columns(pl.lit(NOON).alias("computed_at"))
    quiet = moments(("b", "x", 15, 15)).drop("squares")
    assert moved(stored, quiet, oms).is_empty()
    busy = moments(("b", "x", 90, 90), ("b", "z", 5000, 5000), ("a", "x", 3, 3)).drop("squares")
    found = moved(stored, busy, oms).filter(channel_id="a")
    assert found.select("sku", "per_day").sort("sku").rows() == [("x", 90.0), ("z", 5000.0)]
    assert found.filter(sku="z")["buffer"][0] == exact(5000 * 600 / 86400, 1).isf(0.01)


# -- the frontier


def demand(*rows: tuple[str, int, float, float, float, float]) -> pl.DataFrame:
    columns = ["sku", "pool", "own_mean", "own_dispersion", "mean", "dispersion"]
    frame = pl.DataFrame(rows, columns, orient="row")
    return frame.select(pl.lit("a").alias("channel_id"), pl.all())


FOUR = demand(("v", 3, 2.0, 1.0, 1.5, 1.4), ("w", 8, 3.0, 2.0, 4.0, 1.0), ("x", 0, 1.0, 1.0, 1.0,
              1.0), ("y", 30, 1.0, 1.0, 0.0, 1.0))  # fmt: skip


def test_the_frontier_is_the_expectation_over_all_pairs_of_demands():
    points = {(s, b): p for _, s, b, *p in frontier(FOUR, 5).iter_rows()}
    for row in FOUR.iter_rows(named=True):
        own, theirs = (
            chances(np.array([row[m]]), np.array([row[d]]), 60)[0]
            for m, d in (("own_mean", "own_dispersion"), ("mean", "dispersion"))
        )
        x, y = np.arange(60)[:, None], np.arange(60)[None, :]
        both, pool = own[:, None] * theirs[None, :], row["pool"]
        for b in range(6):
            shown = max(pool - b, 0)
            over = np.maximum(np.minimum(x, shown) + np.minimum(y, pool) - pool, 0)
            lost = np.minimum(np.maximum(x - shown, 0), np.maximum(pool - shown - y, 0))
            expected = [(both * over).sum(), (both * lost).sum()]
            assert points[row["sku"], b] == pytest.approx(expected, abs=1e-7)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.floats(0, 9), st.floats(1, 4), st.floats(0, 9),
                  st.floats(1, 4)),
        min_size=1, max_size=5,
    )
)  # fmt: skip
def test_a_larger_buffer_never_oversells_more_and_never_loses_less(rows: list):
    found = frontier(demand(*((f"s{i}", *r) for i, r in enumerate(rows))), 12)
    steps = found.select(
        over=pl.col("expected_oversells").diff().over("sku"),
        lost=pl.col("expected_lost").diff().over("sku"),
    ).drop_nulls()
    assert steps.height == 12 * len(rows)
    assert (steps["over"] <= 1e-9).all()
    assert (steps["lost"] >= -1e-9).all()


def test_in_total_and_at_the_buffers_chosen_the_skus_are_summed():
    points = frontier(FOUR, 5)
    total = in_total(points)
    assert total["buffer"].to_list() == list(range(6))
    at_two = points.filter(buffer=2)
    assert total.row(2)[2:] == pytest.approx(at_two[:, 3:].sum().row(0))
    own = FOUR.select("channel_id", "sku").with_columns(buffer=pl.Series([2, 3, 0, 99]))
    assert chosen(points, own).select("sku", "buffer").rows() == [
        ("v", 2), ("w", 3), ("x", 0), ("y", 5),
    ]  # fmt: skip
    line = by_risk(FOUR, frontier(FOUR, 30), [0.2, 0.01, 0.0001])
    assert line["expected_oversells"].is_sorted(descending=True)
    assert line["expected_lost"].is_sorted()


# -- through the store


def test_buffers_are_renewed_daily_and_at_once_where_demand_moved(store: Store):
    world = World(store)
    oms = network([pooled("a"), pooled("b")])
    world.put("stock_balances", *({"account": "lyon/sellable", "sku": s, "quantity": 50}
                                  for s in "xyz"))  # fmt: skip
    for day in range(1, 11):
        world.order(f"b/{day}", {"x": 40}, NOON - timedelta(days=day))

    def tick(now: Any, skus: list[str] | None = None) -> tuple[list, dict]:
        with store.session() as s:
            measure_sales(s, now, oms.stock.window)
            changed = renew_sharing(s, oms, now)["sku"].to_list()
            some = None if skus is None else pl.DataFrame({"sku": skus})
            kept = read_sharing(s, oms, now, some).buffers
        return changed, {(c, k): b for c, k, b in kept.iter_rows()}

    changed, first = tick(NOON)
    assert changed == ["*", "x"]
    assert first["a", "x"] > first["a", "*"] == 0
    assert first["b", "*"] == 0  # a sold nothing
    assert tick(at(1)) == ([], first)
    world.order("b/today", {"x": 4000, "y": 4000}, at(2))
    changed, second = tick(at(2))
    assert changed == ["x", "y"]
    assert second["a", "y"] == second["a", "x"] > first["a", "x"]
    assert tick(at(3)) == ([], second)
    assert set(tick(at(3), ["y"])[1]) == {("a", "y"), ("a", "*"), ("b", "*")}
    changed, third = tick(at(24 * 60))  # nothing sold in the window: as any other SKU
    assert set(third.values()) == {0}
    assert changed == ["x", "y"]


def test_settings_that_changed_are_a_renewal_at_once(store: Store):
    """A channel that begins to sell the same units counts from the next levels on."""
    world, kept = World(store, "lyon", "nice"), []
    world.order("b/1", {"x": 900}, NOON - timedelta(days=1))
    world.count("lyon", "x", 5000, NOON)
    apart = {"locations": ["nice"]}
    places = [place("lyon"), place("nice")]
    for other in (pooled("b", **apart), pooled("b", **apart), pooled("b")):
        with store.session() as s:
            measure_sales(s, NOON, timedelta(days=14))
            oms = network([pooled("a", locations=["lyon"]), other], places)
            compute_levels(s, oms, at(len(kept) / 10))
            kept.append(s.table("stock_buffers").filter(channel_id="a", sku="x")["buffer"].sum())
    assert kept[0] == kept[1] == 0
    assert kept[2] > 0


def test_another_risk_is_a_renewal_at_once(store: Store):
    World(store).order("b/1", {"x": 900}, NOON - timedelta(days=1))
    kept = []
    for risk in (0.3, 0.0001):
        oms = network([pooled("a", risk), pooled("b")])
        with store.session() as s:
            measure_sales(s, NOON, oms.stock.window)
            renew_buffers(s, oms, NOON)
            rows = s.table("stock_buffers").filter(channel_id="a", sku="x")
        kept.append(rows["buffer"][0])
    assert kept[0] < kept[1]
