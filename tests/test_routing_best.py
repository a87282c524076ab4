"""What is planned is the best there is within all constraints: beside all plans, one by one."""

from itertools import product

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from routing_batches import least_of
from routing_cases import AS_OF, cases

from oms_pipelines.config import Carrier, Price, Routing, Rule, Split
from oms_pipelines.routing import inputs_of, tables
from oms_pipelines.routing.best import best
from oms_pipelines.routing.candidates import Problem, build
from oms_pipelines.routing.columns import Maker
from oms_pipelines.routing.compare import columns_of
from oms_pipelines.routing.demands import demands_of
from oms_pipelines.routing.verdicts import judge

Shares = dict[tuple[int, int], int]  # units by (item, location)


def plans(problem: Problem, maker: Maker, order: int) -> list[tuple[Shares, float]]:
    """Return every allowed plan of an order, and what it costs with all it leaves unfilled."""
    items = range(problem.first[order], problem.first[order + 1])
    places = range(problem.stock.shape[1])
    refused = set(map(tuple, problem.refused.tolist()))
    cells = [
        (i, place) for i in items for place in places
        if problem.failed[order, place] == 0 and problem.capacity[place] > 0
        and (i, place) not in refused
    ]  # fmt: skip
    most = [int(min(problem.stock[problem.sku[i], place], problem.need[i])) for i, place in cells]
    found = []
    for amounts in product(*(range(n + 1) for n in most)):
        units = {cell: n for cell, n in zip(cells, amounts, strict=True) if n}
        if may(problem, items, units):
            found.append((units, paid(problem, maker, order, items, units)))
    return found


def got(units: Shares, key: int, at: int) -> dict[int, int]:
    sums: dict[int, int] = {}
    for cell, n in units.items():
        sums[cell[at]] = sums.get(cell[at], 0) + n * key
    return sums


def may(problem: Problem, items: range, units: Shares) -> bool:
    """Tell whether group, kit, split and least worth allow a plan."""
    order = problem.order[items[0]]
    have, parts = got(units, 1, 0), {place for _, place in units}
    if any(have.get(i, 0) > problem.need[i] for i in items):
        return False
    for i, j in product(items, items):
        if problem.unit[i] == problem.unit[j] and any(
            units.get((i, x), 0) * problem.step[j] != units.get((j, x), 0) * problem.step[i]
            for x in parts
        ):
            return False
    if any(units.get((i, x), 0) % problem.step[i] for i in items for x in parts):
        return False
    whole = all(have.get(i, 0) == problem.need[i] for i in items)
    if (whole and len(parts) == 1) or not parts:
        return True
    worth = {x: sum(n * problem.worth[i] for (i, y), n in units.items() if x == y) for x in parts}
    rest = sum((problem.need[i] - have.get(i, 0)) * problem.worth[i] for i in items)
    least = problem.least_worth[order]
    return bool(
        len(parts) <= problem.parts[order] - (not whole)
        and min(worth.values()) >= least
        and (whole or rest >= least)
    )


def paid(problem: Problem, maker: Maker, order: int, items: range, units: Shares) -> float:
    """Return what a plan costs, what it leaves, and what is not from the nearest."""
    parts = sorted({place for _, place in units})
    cost = float(sum(problem.local_cost[order, x] for x in parts))
    if problem.orders["delivery_mode"][order] != "collect":
        grams = [300.0 * sum(n for (_, y), n in units.items() if x == y) for x in parts]
        rows = problem.orders.select("service", "country")[[order] * len(parts)]
        offers = problem.tariff.offer(rows, np.array(grams)) if parts else []
        cost += sum(round(problem.tariff.offers[o].amount * 10_000) for o in offers)
    have = got(units, 1, 0)
    weight = maker.demands.weight[maker.demands.item_unit]
    size = np.bincount(problem.unit, problem.step)[problem.unit]
    # a unit of a group weighs its share of the multiple
    for i in items:
        cost += (problem.need[i] - have.get(i, 0)) * weight[i] / size[i]
    return cost + (float(maker.demands.remote[order, parts].min()) if parts else 0)


def least(problem: Problem, maker: Maker) -> float:
    """Return the least cost of all joint plans, tried one by one."""
    return least_of(problem, [plans(problem, maker, i) for i in range(len(problem.parts))])


@settings(max_examples=150, deadline=None)
@given(cases())
def test_the_plan_is_the_least_of_all_that_are_allowed(inputs):
    problem = build(inputs)
    maker = Maker(problem, demands_of(problem))
    made = best(problem, inputs.rules)
    found = columns_of(maker, made.taken)
    assert (maker.usage(found) <= problem.stock).all()
    assert (maker.visits(found) <= problem.capacity).all()
    assert maker.allowed(found).all()
    total = float((found.cost + found.weight).sum())
    assert total == pytest.approx(least(problem, maker), abs=0.5)
    assert (made.bound or 0) <= found.cost.sum() + 1
    alone = tables.bound(problem, judge(problem, made.taken), made.taken)
    assert alone <= found.cost.sum()


@pytest.mark.parametrize("seed", range(3))
def test_where_all_cost_the_same_the_ranks_of_the_rule_are_followed(seed):
    """Nobody could move a part to a location that its rule ranks higher, at the same cost."""
    rng = np.random.default_rng(seed)
    lines = [
        {"order_id": f"o{i:02d}", "line_id": str(k), "sku": f"s{k}", "quantity": 1, "country": "FR",
         "channel_id": "c", "latitude": 45.0, "longitude": float(rng.integers(0, 9)),
         "placed_at": AS_OF}
        for i in range(40) for k in rng.choice(8, 2, replace=False)
    ]  # fmt: skip
    stock = pl.DataFrame(
        [(f"l{p}", f"s{k}", int(rng.integers(0, 6))) for p in range(5) for k in range(8)],
        ["location_id", "sku", "available"], orient="row",
    )  # fmt: skip
    places = pl.DataFrame(
        [(f"l{p}", 45.0, float(p * 2), True) for p in range(5)],
        ["location_id", "latitude", "longitude", "ships"], orient="row",
    )  # fmt: skip
    rules = Routing(rules=[Rule(id="any", split=Split(parts=2))])
    problem = build(inputs_of(pl.DataFrame(lines), stock, places, rules, AS_OF))
    taken = best(problem, rules).taken
    left = problem.stock.copy()
    np.subtract.at(left, (problem.sku[taken.item], taken.location), taken.quantity)
    for order in range(len(problem.parts)):
        mine = problem.order[taken.item] == order
        for place in set(taken.location[mine].tolist()):
            items = taken.item[mine & (taken.location == place)]
            others = np.flatnonzero((left[problem.sku[items]] > 0).all(axis=0))
            free = np.setdiff1d(others, taken.location[mine])
            assert (problem.rank[order, free] > problem.rank[order, place]).all()


def by_weight(wanted: dict[str, int], held: dict[tuple[str, str], int]) -> Problem:
    """Return one order of units of 300 g, that may go in two parcels: 2 up to 500 g, else 5."""
    lines = [
        {"order_id": "o", "line_id": sku, "sku": sku, "quantity": units, "country": "FR",
         "channel_id": "c", "latitude": 45.0, "longitude": 0.0, "placed_at": AS_OF,
         "service": "standard", "weight_g": 300}
        for sku, units in wanted.items()
    ]  # fmt: skip
    stock = pl.DataFrame(
        [(place, sku, units) for (place, sku), units in held.items()],
        ["location_id", "sku", "available"], orient="row",
    )  # fmt: skip
    places = pl.DataFrame({"location_id": ["a", "b"], "country": "FR", "latitude": 45.0,
                           "longitude": 0.0, "ships": True})  # fmt: skip
    prices = [Price(up_to_g=500, amount=2), Price(amount=5)]
    rules = Routing(rules=[Rule(id="any", split=Split(parts=2))])
    return build(inputs_of(pl.DataFrame(lines), stock, places, rules, AS_OF,
                           carriers=[Carrier(id="c", prices=prices)]))  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "held", "cost"),
    [
        # one light parcel and a heavy one: units of z stay together, though a has one
        ({"x": 2, "z": 2}, {("a", "x"): 1, ("a", "z"): 1, ("b", "x"): 1, ("b", "z"): 2}, 7),
        # two light parcels, though each place has all
        ({"x": 1, "z": 1}, {(p, sku): 1 for p in "ab" for sku in "xz"}, 4),
    ],
)
def test_units_are_shared_so_that_parcels_are_light(wanted, held, cost):
    p = by_weight(wanted, held)
    made = best(p, Routing(rules=[Rule(id="any", split=Split(parts=2))]))
    found = columns_of(Maker(p, demands_of(p)), made.taken)
    assert int(found.cost.sum()) == made.bound == cost * 10_000
    assert tables.bound(p, judge(p, made.taken), made.taken) <= cost * 10_000
