"""Orders planned anew together, from their plans near the best."""

import numpy as np

from oms_pipelines.routing.candidates import UNLIMITED
from oms_pipelines.routing.columns import Columns, Maker, distinct, joined
from oms_pipelines.routing.master import Master
from oms_pipelines.routing.rounding import in_turn

HEAVIEST = 16.0  # what a multiple left unfilled weighs at most, in its worth


def best_of(plans: list[Columns]) -> Columns:
    """Return the first of the plans that leave the least unfilled, then cost the least."""
    return min(plans, key=lambda plan: float((plan.cost + plan.weight).sum()))


def replan(maker: Maker, pool: Columns, plan: Columns, some: np.ndarray, gap: float,
           nodes: int) -> Columns:  # fmt: skip
    """Plan some orders (ascending) anew within what the others leave; never for the worse.

    What is left unfilled is weighed so that programs in floats can tell it from money; orders
    whose turn alone differs weigh about the same here.
    """
    p, count = maker.problem, len(plan.order)
    few, unit = maker.of(some)
    mine = plan.chosen(some)
    stock = p.stock - maker.usage(plan) + maker.usage(mine)
    limited = p.capacity < UNLIMITED
    capacity = np.where(limited, p.capacity - maker.visits(plan) + maker.visits(mine), p.capacity)
    may = np.zeros(count, dtype=bool)
    may[some] = True
    found = joined([mine, pool.chosen(np.flatnonzero(may[pool.order]))])
    found = of_few(distinct(found), some, unit, len(maker.demands.need))
    master = Master(few, found, stock, capacity)
    rows = master.choose(weighed(few, found), gap, nodes)
    if not rows.size:
        return plan
    new = in_turn(found.chosen(rows), len(some))
    rest = plan.chosen(np.flatnonzero(~may))
    return best_of([plan, in_turn(joined([rest, of_all(new, some, unit)]), count)])


def weighed(maker: Maker, columns: Columns) -> np.ndarray:
    """Return what columns cost (c) with what they leave unfilled, by priority and age."""
    d = maker.demands
    ratio = d.weight / d.worth
    rate = d.worth * np.minimum(ratio / ratio.min(initial=np.inf), HEAVIEST)
    return columns.cost + maker.remote(columns) + maker.left(columns, rate)


def of_few(columns: Columns, some: np.ndarray, unit: np.ndarray, units: int) -> Columns:
    """Return columns of some orders, numbered among these alone."""
    number = np.full(units, -1)
    number[unit] = np.arange(len(unit))
    return Columns(np.searchsorted(some, columns.order), columns.cost, columns.weight,
                   columns.parts, columns.column, number[columns.unit], columns.location,
                   columns.times)  # fmt: skip


def of_all(columns: Columns, some: np.ndarray, unit: np.ndarray) -> Columns:
    """Return columns of some orders, numbered among all."""
    return Columns(some[columns.order], columns.cost, columns.weight, columns.parts,
                   columns.column, unit[columns.unit], columns.location, columns.times)  # fmt: skip
