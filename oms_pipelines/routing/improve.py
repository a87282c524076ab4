"""Better plans out of a good one: again and again some orders that compete are planned anew.

A neighborhood is an order that pays more than it would at the prices, and those that share
SKUs with it; all others keep what they have (large neighborhood search, Shaw 1998).
"""

from collections import deque

import numpy as np

from oms_pipelines.routing.ascent import Prices
from oms_pipelines.routing.blocks import choose
from oms_pipelines.routing.candidates import UNLIMITED
from oms_pipelines.routing.columns import Columns, Maker, distinct, joined
from oms_pipelines.routing.pricing import Pricer
from oms_pipelines.routing.rounding import in_turn


class Shared:
    """Who wants the same SKUs: rows of orders by SKU, and of SKUs by order."""

    def __init__(self, maker: Maker):
        p = maker.problem
        self.sku, self.first = p.sku, p.first
        self.by = np.argsort(p.sku, kind="stable")
        self.starts = np.searchsorted(p.sku[self.by], np.arange(len(p.stock) + 1))
        self.order = p.order[self.by]

    def around(self, order: int, size: int, free: np.ndarray) -> np.ndarray:
        """Return up to `size` orders near one (ascending), of those that are free.

        SKUs that few want go first, and none brings more than a tenth.
        """
        found, queue = {order}, deque([order])
        while queue and len(found) < size:
            one = queue.popleft()
            mine = self.sku[self.first[one] : self.first[one + 1]]
            wanted = self.starts[mine + 1] - self.starts[mine]
            for sku in mine[np.argsort(wanted, kind="stable")]:
                others = self.order[self.starts[sku] : self.starts[sku + 1]]
                for other in others[: max(size // 10, 10)].tolist():
                    if other not in found and free[other] and len(found) < size:
                        found.add(other)
                        queue.append(other)
        return np.array(sorted(found))


def improve(
    maker: Maker, pricer: Pricer, prices: Prices, plan: Columns, *, size: int, rounds: int,
    effort: float, keep: int = 6, beyond: float = 30_000.0,
) -> Columns:  # fmt: skip
    """Return the plan, improved in `rounds` neighborhoods of `size` orders."""
    p = maker.problem
    unit_prices = maker.prices(prices.stock)
    best = pricer.best(unit_prices, tolls=prices.capacity).value
    shared = Shared(maker)
    free = np.ones(len(p.parts), dtype=bool)
    used, visits = maker.usage(plan), maker.visits(plan)
    for _ in range(rounds):
        regret = _regret(maker, prices, unit_prices, plan, best)
        regret[~free] = -1
        if regret.max() <= 0.5:
            break
        some = shared.around(int(regret.argmax()), size, free)
        new = _anew(maker, prices, plan, some, used, visits, keep, beyond, effort)
        plan, used, visits = new
        free[some] = False
        if free.sum() < size / 2:
            free[:] = True
    return plan


def _regret(maker: Maker, prices: Prices, unit_prices: np.ndarray, plan: Columns,
            best: np.ndarray) -> np.ndarray:  # fmt: skip
    """Return what each order's column costs at the prices beyond its best."""
    paid = (plan.cost + plan.weight).astype(np.float64)
    np.add.at(paid, plan.column, unit_prices[plan.unit, plan.location] * plan.times)
    count = unit_prices.shape[1]
    key = np.unique(plan.column * count + plan.location)
    np.add.at(paid, key // count, prices.capacity[key % count])
    return paid - best


def _anew(maker: Maker, prices: Prices, plan: Columns, some: np.ndarray, used: np.ndarray,
          visits: np.ndarray, keep: int, beyond: float, effort: float,
          ) -> tuple[Columns, np.ndarray, np.ndarray]:  # fmt: skip
    """Plan some orders anew; return the plan, what it takes, and the parts that leave."""
    p = maker.problem
    few, unit = maker.of(some)
    number = np.full(len(maker.demands.need), -1)
    number[unit] = np.arange(len(unit))
    mine = plan.chosen(some)
    own = Columns(np.arange(len(some)), mine.cost, mine.weight, mine.parts, mine.column,
                  number[mine.unit], mine.location, mine.times)  # fmt: skip
    stock = p.stock - used + few.usage(own)
    limited = p.capacity < UNLIMITED
    capacity = np.where(limited, p.capacity - visits + few.visits(own), p.capacity)
    fits = few.fits(stock, capacity)
    pricer = Pricer(few.demands)
    at = few.prices(prices.stock)
    _, orders, places = pricer.several(
        at, fits, np.arange(len(some)), keep, beyond, prices.capacity
    )
    found = few.make(orders, places, at, fits)
    found = distinct(joined([own, found.chosen(np.flatnonzero(few.allowed(found)))]))
    solved = choose(few, found, np.arange(len(some)), stock, capacity, effort)
    taken = in_turn(found.chosen(solved.rows), len(some))
    used = used - few.usage(own) + few.usage(taken)
    visits = visits - few.visits(own) + few.visits(taken)
    back = Columns(some, taken.cost, taken.weight, taken.parts, taken.column,
                   unit[taken.unit], taken.location, taken.times)  # fmt: skip
    rest = np.ones(len(plan.order), dtype=bool)
    rest[some] = False
    both = joined([plan.chosen(np.flatnonzero(rest)), back])
    return in_turn(both, len(plan.order)), used, visits
