"""Which columns to take together: each order takes one, stock and capacity are shared."""

from dataclasses import dataclass, replace

import numpy as np

from oms_pipelines.routing.columns import Columns, Maker
from oms_pipelines.routing.costs import UNIT
from oms_pipelines.routing.program import Program, solve


@dataclass(frozen=True)
class Relaxed:
    """The linear program: its value, prices of stock (SKUs x L) and of parts (L), shares (c)."""

    value: float
    stock: np.ndarray
    capacity: np.ndarray
    share: np.ndarray


class Master:
    """Columns of n orders, at least one each, beside stock (SKUs x L) and capacity (L)."""

    def __init__(self, maker: Maker, columns: Columns, stock: np.ndarray, capacity: np.ndarray):
        self.stock, self.orders = stock, columns.order
        queue, column, amount, limit = claims(maker, columns, stock, capacity)
        scarce = (np.bincount(queue, amount, minlength=len(limit)) > limit)[queue]
        self.count = len(maker.demands.parts)
        self.limited = np.unique(queue[scarce])
        self.limit = limit[self.limited]
        place = self.count + np.searchsorted(self.limited, queue[scarce])
        self.row = np.concatenate([columns.order, place])
        self.column = np.concatenate([np.arange(len(columns.order)), column[scarce]])
        self.value = np.concatenate([np.ones(len(columns.order)), amount[scarce]])

    def relax(self, each: np.ndarray) -> Relaxed:
        """Solve with shares of columns allowed; `each` (c) is what a column costs."""
        found = solve(self._program(each, whole=False))
        price = np.zeros(self.stock.size + self.stock.shape[1])
        price[self.limited] = np.maximum(found.price[self.count :], 0) * UNIT
        stock = price[: self.stock.size].reshape(self.stock.shape)
        return Relaxed(found.value * UNIT, stock, price[self.stock.size :], found.x)

    def choose(self, each: np.ndarray, gap: float, nodes: int) -> np.ndarray:
        """Return the rows taken, within `gap` (ten-thousandths) of the best or after `nodes`.

        Takes columns whose first, one an order in turn, are a plan. Empty when none were found.
        """
        first = (np.arange(len(each)) < self.count).astype(np.float64)
        program = replace(self._program(each, whole=True), start=first)
        found = solve(program, gap / UNIT, nodes)
        return np.flatnonzero(found.x > 0.5)

    def _program(self, each: np.ndarray, whole: bool) -> Program:
        one = np.ones(self.count)
        return Program(
            cost=each / UNIT, most=np.ones(len(each)), whole=np.full(len(each), whole),
            low=np.concatenate([one, np.full(len(self.limit), -np.inf)]),
            high=np.concatenate([one, self.limit]),
            row=self.row, column=self.column, value=self.value,
        )  # fmt: skip


def claims(
    maker: Maker, columns: Columns, stock: np.ndarray, capacity: np.ndarray
) -> tuple[np.ndarray, ...]:  # fmt: skip
    """Return (queue, column, amount) of what columns take, and the limit of each queue.

    Queues are cells of stock (SKUs x L), then locations.
    """
    count = stock.shape[1]
    item, location, units, column = maker.items(columns)
    key = np.unique(columns.column * count + columns.location)
    queue = np.concatenate([maker.problem.sku[item] * count + location, stock.size + key % count])
    column = np.concatenate([column, key // count])
    amount = np.concatenate([units, np.ones(len(key), dtype=np.int64)])
    return queue, column, amount, np.concatenate([stock.ravel(), capacity])
