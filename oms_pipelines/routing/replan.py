"""Orders planned anew together, from their plans near the best: never for the worse."""

import numpy as np

from oms_pipelines.routing.candidates import UNLIMITED
from oms_pipelines.routing.columns import Columns, Maker, distinct, joined, marks
from oms_pipelines.routing.improve import Shared
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


def settle(maker: Maker, pool: Columns, plan: Columns, size: int, passes: int, gap: float,
           nodes: int) -> Columns:  # fmt: skip
    """Return the plan, planned anew from the pool; some orders at a time when they are many.

    First those who have not what the linear program gives them whole, then they again with a
    part of the others, in passes (relaxation induced neighborhoods: Danna, Rothberg, Le Pape
    2005).
    """
    every = np.arange(len(plan.order))
    if len(every) <= size:
        return replan(maker, pool, plan, every, gap, nodes)
    p = maker.problem
    share = Master(maker, pool, p.stock, p.capacity).relax(weighed(maker, pool)).share
    given = pool.chosen(np.flatnonzero(share > 0.999))
    mark, has = np.zeros(len(every), dtype=np.uint64), np.zeros(len(every), dtype=bool)
    mark[given.order], has[given.order] = marks(given), True
    parts = -(-len(every) // size)
    mixed = every * 7_919 % 10_007  # neighbors in turn are of one hour: mix them
    for turn in range(passes):
        differs = ~has | (mark != marks(plan))
        some = every[differs | (mixed % (parts + 1) == turn)] if turn else every[differs]
        if not some.size:
            continue
        for few in np.array_split(some, -(-len(some) // (2 * size))):
            plan = replan(maker, pool, plan, few, gap * len(few) / len(every), nodes)
    return plan


def fill(maker: Maker, pool: Columns, plan: Columns, size: int, rounds: int, gap: float,
         nodes: int) -> Columns:  # fmt: skip
    """Return the plan, with `size` orders planned anew around each order left unfilled, by turn."""
    shared, every = Shared(maker), np.ones(len(plan.order), dtype=bool)
    tried: set[int] = set()
    for _ in range(rounds):
        short = np.flatnonzero(maker.left(plan, maker.demands.weight) > 0).tolist()
        wanted = next((order for order in short if order not in tried), None)
        if wanted is None:
            break
        tried.add(wanted)
        some = shared.around(wanted, size, every)
        plan = replan(maker, pool, plan, some, gap * len(some) / len(every), nodes)
    return plan


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
