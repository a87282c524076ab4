"""The joint plan is the best there is: beside all plans of small batches, tried one by one."""

from dataclasses import replace
from datetime import timedelta
from itertools import product

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from routing_batches import AS_OF, batches, least_of, scarce

from oms_pipelines.config import Costs, Routing, Rule, Split
from oms_pipelines.routing import inputs_of, joint
from oms_pipelines.routing.ascent import Prices
from oms_pipelines.routing.candidates import Problem, build
from oms_pipelines.routing.columns import Maker
from oms_pipelines.routing.demands import demands_of
from oms_pipelines.routing.joint import Work, optimize
from oms_pipelines.routing.pricing import Pricer, _nearest
from oms_pipelines.routing.rounding import construct


def plans(problem: Problem, maker: Maker, order: int) -> list[tuple[dict, float]]:
    """Return every allowed plan of an order: units by (item, location), and what it costs."""
    found = []
    items = range(problem.first[order], problem.first[order + 1])
    places = range(problem.stock.shape[1])
    cells = [(i, place) for i in items for place in places]
    most = [
        int(min(problem.stock[problem.sku[i], place], problem.need[i]))
        if problem.failed[order, place] == 0 and problem.capacity[place] > 0
        else 0
        for i, place in cells
    ]
    for amounts in product(*(range(n + 1) for n in most)):
        units = {cell: n for cell, n in zip(cells, amounts, strict=True) if n}
        got = {i: sum(n for (j, _), n in units.items() if j == i) for i in items}
        if any(got[i] > problem.need[i] for i in items):
            continue
        parts = {place for _, place in units}
        whole = all(got[i] == problem.need[i] for i in items)
        if len(parts) > problem.parts[order] or (not whole and len(parts) == problem.parts[order]):
            continue
        price = sum(problem.parcel_cost[order] + problem.local_cost[order, x] for x in parts)
        left = sum((problem.need[i] - got[i]) * maker.demands.weight[i] for i in items)
        found.append((units, float(price + left)))
    return found


def least(problem: Problem, maker: Maker, left: np.ndarray | None = None) -> float:
    """Return the least cost of all joint plans, tried one by one.

    With `left` (n) only plans count, by their money, that leave each order so much unfilled.
    """
    choices = [plans(problem, maker, i) for i in range(len(problem.parts))]
    if left is not None:
        choices = [
            [
                (units, cost - left[i])
                for units, cost in some
                if weighs(problem, maker, i, units) == left[i]
            ]
            for i, some in enumerate(choices)
        ]  # fmt: skip
    return least_of(problem, choices)


def weighs(problem: Problem, maker: Maker, order: int, units: dict) -> float:
    """Return what weighs what a plan of an order leaves unfilled."""
    items = range(problem.first[order], problem.first[order + 1])
    got = {i: sum(n for (j, _), n in units.items() if j == i) for i in items}
    return float(sum((problem.need[i] - got[i]) * maker.demands.weight[i] for i in items))


@settings(max_examples=200, deadline=None)
@given(batches())
def test_the_joint_plan_is_the_least_of_all(inputs):
    problem = build(inputs)
    maker = Maker(problem, demands_of(problem))
    found = optimize(problem)
    assert (maker.usage(found.columns) <= problem.stock).all()
    assert (maker.visits(found.columns) <= problem.capacity).all()
    assert maker.allowed(found.columns).all()
    total = float((found.columns.cost + found.columns.weight).sum())
    assert total == pytest.approx(least(problem, maker), abs=0.5)
    assert found.bound <= found.columns.cost.sum() + 1


@settings(max_examples=25, deadline=None)
@given(batches())
def test_the_plan_of_many_is_within_limits_and_its_bound_below_every_plan(inputs):
    problem = build(inputs)
    maker = Maker(problem, demands_of(problem))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(joint, "FEW", 0)  # no group is so small that all its plans are tried
        found = optimize(problem, Work(gap=0.0, nodes=100))
    columns = found.columns
    assert found.exact == 0
    assert (maker.usage(columns) <= problem.stock).all()
    assert (maker.visits(columns) <= problem.capacity).all()
    assert maker.allowed(columns).all()
    same = least(problem, maker, columns.weight.astype(float))
    assert found.bound <= same + 0.5 <= columns.cost.sum() + 1
    assert columns.cost.sum() == pytest.approx(same, abs=0.5)


def test_some_hundred_orders_are_planned_within_half_a_percent_of_the_proof():
    problem = build(scarce(orders=200, supply=1.3))
    maker = Maker(problem, demands_of(problem))
    found = optimize(problem)
    assert (maker.usage(found.columns) <= problem.stock).all()
    assert maker.whole(found.columns).all()
    cost = int(found.columns.cost.sum())
    assert cost - found.bound <= 0.005 * cost


def test_many_orders_are_settled_in_parts_and_come_near_the_whole():
    problem = build(scarce(orders=300, supply=1.3))
    maker = Maker(problem, demands_of(problem))
    found = optimize(problem, Work(together=80, proved=0))
    assert (maker.usage(found.columns) <= problem.stock).all()
    assert maker.whole(found.columns).all()
    cost = int(found.columns.cost.sum())
    assert cost - found.bound <= 0.04 * cost


def test_the_order_of_rows_moves_nothing():
    inputs = scarce(orders=60, supply=1.05)
    mixed = replace(inputs, lines=inputs.lines[::-1], stock=inputs.stock[::-1])
    mixed = inputs_of(mixed.lines, mixed.stock, inputs.locations, inputs.rules, inputs.as_of)
    first, second = (optimize(build(x)) for x in (inputs, mixed))
    assert first.bound == second.bound
    for name in ("order", "cost", "column", "unit", "location", "times"):
        np.testing.assert_array_equal(getattr(first.columns, name), getattr(second.columns, name))


def sold(rows: list[tuple], held: dict[tuple[str, str], int], parts: int = 2) -> Problem:
    """Return orders of (key, sku, units, priority, longitude), the first the oldest, and stock.

    Place a lies at 0 degrees, and each other a degree east of the one before.
    """
    lines = pl.DataFrame(
        [
            {"order_id": key, "line_id": "1", "sku": sku, "quantity": units, "channel_id": "c",
             "priority": priority, "placed_at": AS_OF - timedelta(minutes=len(rows) - at),
             "country": "FR", "latitude": 45.0, "longitude": float(where)}
            for at, (key, sku, units, priority, where) in enumerate(rows)
        ]
    )  # fmt: skip
    stock = pl.DataFrame(
        [(place, sku, units) for (place, sku), units in held.items()],
        ["location_id", "sku", "available"], orient="row",
    )  # fmt: skip
    names = sorted({place for place, _ in held})
    places = pl.DataFrame(
        {"location_id": names, "country": "FR", "latitude": 45.0, "ships": True,
         "longitude": [float(x) for x in range(len(names))]}
    )  # fmt: skip
    rule = Rule(id="any", split=Split(parts=parts), **{"from": "ships"})
    rules = Routing(rules=[rule], costs=Costs(per_km=0.01))
    return build(inputs_of(lines, stock, places, rules, AS_OF))


def test_a_higher_priority_is_not_outweighed_by_many_units_of_a_lower():
    p = sold([("lo", "x", 5, 0, 0), ("hi", "x", 1, 1, 0)], {("a", "x"): 5}, parts=1)
    served = joint.taken_of(Maker(p, demands_of(p)), optimize(p).columns)
    assert p.orders["order_id"].gather(p.order[served.item]).to_list() == ["hi"]


def test_where_nothing_is_left_to_settle_the_plan_stands():
    """The linear program has whole orders alone, and they are the plan."""
    where = np.random.default_rng(0).uniform(0, 7, 400).round(2)
    rows = [(f"o{at:03d}", "x", 1, 0, x) for at, x in enumerate(where)]
    p = sold(rows, {(place, "x"): 60 for place in "abcdefgh"}, parts=1)
    assert int(optimize(p).columns.parts.sum()) == 400


def test_what_is_left_of_a_unit_may_come_from_two_places():
    """At the start each place had all that one order needs; others took of both."""
    p = sold([("1", "x", 3, 0, 1), ("2", "x", 3, 0, 0), ("3", "x", 5, 0, 0)],
             {("a", "x"): 6, ("b", "x"): 5})  # fmt: skip
    maker = Maker(p, demands_of(p))
    free = Prices(np.zeros(p.stock.shape), np.zeros(2), 0.0)
    made = construct(maker, Pricer(maker.demands), free)
    assert maker.left(made, np.ones(3, dtype=np.int64)).sum() == 0


def test_of_ties_the_first_are_near_whatever_the_processor():
    cost = np.array([[3.0, 1.0, 2.0, 2.0, 2.0, 1.0, np.inf]])
    row, column = _nearest(cost, np.array([9.0]), 4)
    assert row.tolist() == [0, 0, 0, 0]
    assert column.tolist() == [1, 2, 3, 5]
    assert _nearest(cost, np.array([1.0]), 4)[1].tolist() == [1, 5]
    assert _nearest(cost, np.array([2.0]), None)[1].tolist() == [1, 2, 3, 4, 5]
