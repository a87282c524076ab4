"""The joint plan is the best there is: beside all plans of small batches, tried one by one."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from routing_batches import batches

from oms_pipelines.routing.candidates import Problem, build
from oms_pipelines.routing.columns import Maker
from oms_pipelines.routing.demands import demands_of
from oms_pipelines.routing.joint import optimize


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


def least(problem: Problem, maker: Maker) -> float:
    """Return the least cost of all joint plans, tried one by one."""
    best = np.inf
    for chosen in product(*(plans(problem, maker, i) for i in range(len(problem.parts)))):
        cost = sum(c for _, c in chosen)
        if cost >= best:
            continue
        stock, room = problem.stock.copy(), problem.capacity.copy()
        for units, _ in chosen:
            for (i, place), n in units.items():
                stock[problem.sku[i], place] -= n
            for place in {x for _, x in units}:
                room[place] -= 1
        if (stock >= 0).all() and (room >= 0).all():
            best = cost
    return best


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
