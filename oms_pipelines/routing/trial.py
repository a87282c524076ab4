"""Plan the orders that compete with one again, without another of them: does it do better?"""

from dataclasses import dataclass

import numpy as np

from oms_pipelines.config import Routing
from oms_pipelines.routing.best import aimed
from oms_pipelines.routing.blocks import choose
from oms_pipelines.routing.candidates import Problem
from oms_pipelines.routing.columns import Columns, Maker
from oms_pipelines.routing.compare import beats, better, columns_of
from oms_pipelines.routing.demands import demands_of
from oms_pipelines.routing.enumerate import every_plan
from oms_pipelines.routing.greedy import solve
from oms_pipelines.routing.joint import Work, each_best, groups, small
from oms_pipelines.routing.rounding import wished

EFFORT = 2.0  # the solver's deterministic time


def undisturbed(maker: Maker, orders: np.ndarray, joint: bool) -> Columns:
    """Return the plan that each of some orders (ascending) has when nobody disturbs it."""
    few, _ = maker.of(orders)
    own = wished(few, np.arange(len(orders)), few.problem.stock, few.problem.capacity)
    if not joint:
        return own
    return better(each_best(few, Work())[0], own, np.full(len(orders), -1))


@dataclass(frozen=True)
class Trial:
    """A batch, and how it is planned; `maker` makes columns of its aims."""

    problem: Problem
    rules: Routing
    maker: Maker
    joint: bool

    def certain(self, orders: np.ndarray) -> np.ndarray:
        """Tell of which orders this can be told for certain: those in groups of few plans."""
        if not self.joint:
            return np.ones(len(orders), dtype=bool)
        return small(self.maker, groups(self.maker))[orders] >= 0

    def losers(self, orders: np.ndarray, has: Columns) -> np.ndarray:
        """Return those of some orders (ascending) that would do better undisturbed."""
        if not orders.size:
            return orders
        alone = undisturbed(self.maker, orders, self.joint)
        return orders[beats(alone, np.arange(len(orders)), has, orders)]

    def better(self, order: int, winner: int, has: Columns) -> bool:
        """Tell whether an order does better than it `has` when all is planned without another.

        In every plan that is as good as the best, so that it does not hang on which one is found.
        """
        rest = self.problem.of(np.delete(np.arange(len(self.problem.parts)), winner))
        aim = aimed(rest, self.rules)
        maker, number = Maker(aim, demands_of(aim)), order - (order > winner)
        group = groups(maker)
        rivals = np.flatnonzero((group == group[number]) & (group >= 0))
        members = np.union1d(rivals, number)
        few, _ = maker.of(members)
        at = np.searchsorted(members, [number])
        now = self._as_now(few, at, order, has)
        if members.size == 1:
            return bool(beats(undisturbed(few, at, self.joint), at, now, _FIRST)[0])
        queue = columns_of(few, solve(rest.of(members)))
        if self.joint:
            least = _least(few)
            if least is None:
                return False
            if least < (queue.weight + queue.cost).sum():
                worse = _least(few, at, now)
                return worse is not None and worse > least
        return bool(beats(queue, at, now, _FIRST)[0])

    def _as_now(self, few: Maker, at: np.ndarray, order: int, has: Columns) -> Columns:
        """Return what an order has as a column of a few, of which it is the one `at`."""
        column = has.chosen(np.array([order]))
        moved = few.demands.first[at] - self.maker.demands.first[order]
        return few.priced(at, column.column, column.unit + moved, column.location, column.times)


_FIRST = np.array([0])


def _least(few: Maker, at: np.ndarray | None = None, now: Columns | None = None) -> int | None:
    """Return the least that any plan costs with all it leaves, None where it was not found.

    Of the plans in which the order `at` does no better than `now`, where these are given.
    """
    found = every_plan(few, np.arange(len(few.demands.parts)))
    if at is not None and now is not None:
        every = np.arange(len(found.order))
        good = (found.order == at) & beats(found, every, now, np.zeros_like(every))
        found = found.chosen(np.flatnonzero(~good))
    p, empty = few.problem, np.flatnonzero(found.parts == 0)
    solved = choose(few, found, empty, p.stock, p.capacity, EFFORT)
    each = found.cost + found.weight
    return int(each[solved.rows].sum()) if solved.optimal else None
