"""The queue's plan of orders that hold parts: whoever would not gain the price stays.

In the queue an order that stays begins with what it holds, while all of that is there. It plans
anew where, alone with all the stock, it then got more, or as much for less by more than the price;
and where that did not come true in its turn, it stays after all. What comes of this is held
against the plan in which all stay, group by group, so that nobody loses for another's saving.
"""

from dataclasses import replace

import numpy as np

from oms_pipelines.routing.candidates import Problem
from oms_pipelines.routing.columns import Columns, Maker
from oms_pipelines.routing.compare import beats, better, columns_of
from oms_pipelines.routing.greedy import Taken, solve
from oms_pipelines.routing.joint import groups, taken_of
from oms_pipelines.routing.rounding import wished

PASSES = 8  # times that the queue is planned again for those that did not gain


def settled(problem: Problem, maker: Maker) -> tuple[Problem, Taken]:
    """Return the queue's plan, and the problem that tells who stays with what it holds.

    `maker` is of the same problem, with what its rules rank by as its costs.
    """
    held = problem.held
    if held is None:
        return problem, solve(problem)
    has = held.parts(len(problem.parts)) > 0
    every = replace(problem, stays=has)
    quiet = solve(every)
    some = np.flatnonzero(has)
    own = _alone(maker, replace(maker.problem, stays=has), some)
    movers = some[beats(_alone(maker, maker.problem, some), _rows(some), own, _rows(some))]
    for _ in range(PASSES):
        if not movers.size:
            return every, quiet
        there = replace(problem, stays=has & ~np.isin(np.arange(len(has)), movers))
        taken = solve(there)
        columns = columns_of(maker, taken)
        won = beats(columns, movers, own, np.searchsorted(some, movers))
        if won.all():
            return there, _better(maker, columns, quiet)
        movers = movers[won]
    return every, quiet


def _rows(some: np.ndarray) -> np.ndarray:
    return np.arange(len(some))


def _alone(maker: Maker, problem: Problem, some: np.ndarray) -> Columns:
    """Return what some orders wish for alone, with all the stock."""
    one = Maker(problem, maker.demands, maker.parcels)
    return wished(one, some, problem.stock, problem.capacity)


def _better(maker: Maker, columns: Columns, quiet: Taken) -> Taken:
    """Return of each group of rivals the better plan, the one in which all stay where equal."""
    found = better(columns, columns_of(maker, quiet), groups(maker))
    return taken_of(maker, found)
