"""Candidate plans of orders as columns: what each takes from where, and what it costs."""

from dataclasses import dataclass, replace

import numpy as np

from oms_pipelines.routing.candidates import Problem
from oms_pipelines.routing.demands import Demands, Parcels, spread


@dataclass(frozen=True)
class Columns:
    """c candidate plans, and their claims by column: a unit's multiples from a location."""

    order: np.ndarray  # c
    cost: np.ndarray  # c, what it costs
    weight: np.ndarray  # c, what it leaves unfilled, and what is not from the nearest, weighs
    parts: np.ndarray  # c
    column: np.ndarray  # of the claim, ascending
    unit: np.ndarray  # of the claim
    location: np.ndarray  # of the claim
    times: np.ndarray  # of the claim, multiples

    def chosen(self, rows: np.ndarray) -> "Columns":
        """Return some columns (ascending)."""
        place = np.full(len(self.order), -1)
        place[rows] = np.arange(len(rows))
        mine = place[self.column] >= 0
        return Columns(
            self.order[rows], self.cost[rows], self.weight[rows], self.parts[rows],
            place[self.column[mine]], self.unit[mine], self.location[mine], self.times[mine],
        )  # fmt: skip


def joined(some: list[Columns]) -> Columns:
    """Return columns one after another."""
    at = np.cumsum([0] + [len(x.order) for x in some])
    own = ("order", "cost", "weight", "parts")
    return Columns(
        *(np.concatenate([getattr(x, f) for x in some]) for f in own),
        np.concatenate([x.column + n for x, n in zip(some, at[:-1], strict=True)]),
        *(np.concatenate([getattr(x, f) for x in some]) for f in ("unit", "location", "times")),
    )  # fmt: skip


def distinct(columns: Columns) -> Columns:
    """Return each plan of an order once: the first of those with the same claims."""
    mark = marks(columns)
    by = np.lexsort((mark, columns.order))
    new = np.ones(len(by), dtype=bool)
    new[1:] = (np.diff(columns.order[by]) != 0) | (mark[by][1:] != mark[by][:-1])
    return columns.chosen(np.sort(by[new]))


def marks(columns: Columns) -> np.ndarray:
    """Return a number for each column (c): the same for the same claims, else another."""
    mix = (columns.unit.astype(np.uint64) << np.uint64(24)) + columns.location.astype(np.uint64)
    mix = (mix << np.uint64(16)) + columns.times.astype(np.uint64)
    mix *= np.uint64(0x9E3779B97F4A7C15)
    mix = (mix ^ (mix >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    mark = np.zeros(len(columns.order), dtype=np.uint64)
    np.add.at(mark, columns.column, mix ^ (mix >> np.uint64(32)))
    return mark


class Maker:
    """Makes columns of orders and the locations they take."""

    def __init__(self, problem: Problem, demands: Demands, parcels: Parcels | None = None):
        self.problem, self.demands = problem, demands
        self.parcels = parcels or Parcels(problem)
        starts = demands.item_first
        grams = self.parcels.grams * problem.step
        self.grams = np.add.reduceat(grams, starts)
        self.total = np.add.reduceat(demands.need, demands.first[:-1])

    def of(self, orders: np.ndarray) -> tuple["Maker", np.ndarray]:
        """Return a maker for some orders (ascending) alone, and their units."""
        d, p = self.demands, self.problem
        sizes = d.first[orders + 1] - d.first[orders]
        unit = spread(d.first[orders], sizes)
        ends = np.append(d.item_first, len(p.sku))
        items = ends[unit + 1] - ends[unit]
        item = spread(ends[unit], items)
        number = np.arange(len(orders))
        demands = replace(
            d, first=np.append(0, np.cumsum(sizes)), order=np.repeat(number, sizes),
            need=d.need[unit], fits=d.fits[unit], weight=d.weight[unit], worth=d.worth[unit],
            item_first=np.cumsum(items) - items, item_unit=np.repeat(np.arange(len(unit)), items),
            whole=d.whole[orders], part=d.part[orders], remote=d.remote[orders],
            parts=d.parts[orders], given=d.given[orders],
            held=None if d.held is None else d.held.of(orders, unit),
        )  # fmt: skip
        problem = replace(
            p, order=np.repeat(number, np.add.reduceat(items, demands.first[:-1])),
            sku=p.sku[item], need=p.need[item], worth=p.worth[item], step=p.step[item],
            failed=p.failed[orders], local_cost=p.local_cost[orders], parts=p.parts[orders],
            least_worth=p.least_worth[orders], near_first=p.near_first[orders],
            first=np.append(0, np.cumsum(np.add.reduceat(items, demands.first[:-1]))),
            unit=demands.item_unit, together=p.together[item], rank=p.rank[orders],
            distance=p.distance[orders], refused=_renumbered(p.refused, item, len(p.sku)),
            held=None if p.held is None else p.held.of(orders, item),
            stays=None if p.stays is None else p.stays[orders],
        )  # fmt: skip
        return Maker(problem, demands, self.parcels.of(orders, item)), unit

    def make(self, orders: np.ndarray, places: np.ndarray, prices: np.ndarray,
             fits: np.ndarray) -> Columns:  # fmt: skip
        """Return a column for each row of orders and places (-1 is none).

        Each unit comes from where it gains most at `prices` (U x L), as far as `fits`, or from the
        nearest where that goes first; where the plan has its last part, all of it does. To come
        from where it is held gains as much as giving that up costs.
        """
        d = self.demands
        sizes = d.first[orders + 1] - d.first[orders]
        row = np.repeat(np.arange(len(orders)), sizes)
        unit = spread(d.first[orders], sizes)
        at = places[row]
        there = np.maximum(at, 0)
        gain = np.take_along_axis(d.worth[unit, None] - prices[unit], there, axis=1)
        last = ((places >= 0).sum(axis=1) >= d.parts[orders])[row, None]
        room = np.take_along_axis(fits[unit], there, axis=1) * ((at >= 0) & ((gain > 0) | last))
        far = np.take_along_axis(d.remote[orders][row], there, axis=1)
        best = np.argsort(far - gain - self._kept(unit, there), axis=1, kind="stable")
        room = np.take_along_axis(room, best, axis=1)
        before = np.cumsum(room, axis=1) - room
        taken = np.clip(d.need[unit][:, None] - before, 0, room)
        which, k = np.nonzero(taken)
        location = at[which, best[which, k]]
        return self.priced(orders, row[which], unit[which], location, taken[which, k])

    def priced(self, orders: np.ndarray, column: np.ndarray, unit: np.ndarray,
               location: np.ndarray, times: np.ndarray) -> Columns:  # fmt: skip
        """Return columns of claims, with what they cost: parcels, and parts that are given up."""
        d, count = self.demands, self.problem.failed.shape[1]
        key, part = np.unique(column * count + location, return_inverse=True)
        owner, where = key // count, key % count
        grams = np.zeros(len(key))
        np.add.at(grams, part, self.grams[unit] * times)
        price = self.parcels.cost(orders[owner], grams)
        price = price + self.problem.local_cost[orders[owner], where]
        cost = np.zeros(len(orders), dtype=np.int64)
        np.add.at(cost, owner, price)
        if d.held is not None:
            cost += d.held.price * d.held.lost(orders, column, unit, location, times)
        parts = np.bincount(owner, minlength=len(orders))
        got = np.zeros(len(orders), dtype=np.int64)
        np.add.at(got, column, d.weight[unit] * times)
        wanted = np.add.reduceat(d.need * d.weight, d.first[:-1])[orders]
        remote = np.full(len(orders), np.iinfo(np.int64).max)
        np.minimum.at(remote, owner, d.remote[orders[owner], where])
        return Columns(orders, cost, wanted - got + np.where(parts, remote, 0), parts,
                       column, unit, location, times)  # fmt: skip

    def _kept(self, unit: np.ndarray, there: np.ndarray) -> np.ndarray | float:
        """Return what a multiple of units gains where it is held: the price by the part's size."""
        held = self.demands.held
        if held is None:
            return 0.0
        count = self.problem.failed.shape[1]
        size = np.bincount(held.part, held.amount, minlength=len(held.order))
        key = held.thing * count + held.location[held.part]
        by = np.argsort(key)
        asked = unit[:, None] * count + there
        at = np.minimum(np.searchsorted(key[by], asked), len(by) - 1)
        gain = (held.price / size[held.part])[by][at] if by.size else 0.0
        return np.where(key[by][at] == asked, gain, 0.0) if by.size else 0.0

    def whole(self, columns: Columns) -> np.ndarray:
        """Tell which columns fill all that the order needs."""
        got = np.bincount(columns.column, columns.times, minlength=len(columns.order))
        return got == self.total[columns.order]

    def allowed(self, columns: Columns) -> np.ndarray:
        """Tell which columns the split policy allows.

        They are complete or leave a part for the rest, and each part is worth it.
        """
        d, p = self.demands, self.problem
        orders = columns.order
        good = self.whole(columns) | (columns.parts < d.parts[orders])
        if not p.least_worth[orders].any():
            return good
        worth = np.add.reduceat(p.worth * p.step, d.item_first)
        count = p.failed.shape[1]
        key, part = np.unique(columns.column * count + columns.location, return_inverse=True)
        value = np.zeros(len(key), dtype=np.int64)
        np.add.at(value, part, worth[columns.unit] * columns.times)
        owner = key // count
        all_ = np.add.reduceat(worth * d.need, d.first[:-1])[orders]
        rest = all_ - np.bincount(owner, value, minlength=len(orders)).astype(np.int64)
        least = p.least_worth[orders]
        alone = (columns.parts <= 1) & self.whole(columns)
        poor = np.zeros(len(orders), dtype=bool)
        poor[owner[value < least[owner]]] = True
        poor |= ~self.whole(columns) & (rest < least) & (columns.parts > 0)
        return good & (alone | ~poor)

    def left(self, columns: Columns, rate: np.ndarray) -> np.ndarray:
        """Return what each column (c) leaves unfilled, at a rate for a multiple of each unit."""
        d = self.demands
        wanted = np.add.reduceat(d.need * rate, d.first[:-1])
        got = np.zeros(len(columns.order), dtype=wanted.dtype)
        np.add.at(got, columns.column, rate[columns.unit] * columns.times)
        return wanted[columns.order] - got

    def remote(self, columns: Columns) -> np.ndarray:
        """Return what weighs, of each column, that its first part is not from the nearest."""
        return columns.weight - self.left(columns, self.demands.weight)

    def at_prices(self, columns: Columns, prices: np.ndarray, tolls: np.ndarray) -> np.ndarray:
        """Return what columns cost (c), with what they take at prices (U x L) and tolls (L).

        What they leave unfilled counts with its worth, as in `Pricer.best`.
        """
        cost = columns.cost + self.remote(columns) + self.left(columns, self.demands.worth) + 0.0
        np.add.at(cost, columns.column, prices[columns.unit, columns.location] * columns.times)
        count = prices.shape[1]
        key = np.unique(columns.column * count + columns.location)
        np.add.at(cost, key // count, tolls[key % count])
        return cost

    def usage(self, columns: Columns) -> np.ndarray:
        """Return units of stock (SKUs x L) that columns take together."""
        used = np.zeros_like(self.problem.stock)
        item, location, units, _ = self.items(columns)
        np.add.at(used, (self.problem.sku[item], location), units)
        return used

    def items(self, columns: Columns) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return the claims by item: item, location, units, column."""
        d, p = self.demands, self.problem
        ends = np.append(d.item_first, len(p.sku))
        sizes = (ends[1:] - ends[:-1])[columns.unit]
        claim = np.repeat(np.arange(len(columns.unit)), sizes)
        item = spread(d.item_first[columns.unit], sizes)
        return (item, columns.location[claim], columns.times[claim] * p.step[item],
                columns.column[claim])  # fmt: skip

    def visits(self, columns: Columns) -> np.ndarray:
        """Return how many parts leave each location (L)."""
        count = self.problem.failed.shape[1]
        key = np.unique(columns.column * count + columns.location)
        return np.bincount(key % count, minlength=count)

    def fits(self, stock: np.ndarray, capacity: np.ndarray) -> np.ndarray:
        """Return the multiples (U x L) that stock and capacity let each location give."""
        d, p = self.demands, self.problem
        units = np.maximum(stock, 0)[p.sku] // p.step[:, None]
        times = np.minimum.reduceat(units, d.item_first, axis=0)
        return np.minimum(times, d.fits) * (capacity > 0)

    def prices(self, stock_prices: np.ndarray) -> np.ndarray:
        """Return what a multiple of each unit costs at each location (U x L)."""
        p = self.problem
        each = p.step[:, None] * stock_prices[p.sku]
        return np.add.reduceat(each, self.demands.item_first, axis=0)


def _renumbered(refused: np.ndarray, item: np.ndarray, count: int) -> np.ndarray:
    """Return the pairs (item, location) of some items (ascending), numbered among these."""
    number = np.full(count, -1)
    number[item] = np.arange(len(item))
    mine = refused[number[refused[:, 0]] >= 0]
    return np.stack([number[mine[:, 0]], mine[:, 1]], axis=1)
