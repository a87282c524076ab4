"""All plans of orders that cost, at some prices, little more than the best.

What is left out is known: no other plan of an order costs less than its `least` at these prices.
"""

from dataclasses import dataclass
from itertools import permutations, product

import numpy as np

from oms_pipelines.routing.ascent import Prices
from oms_pipelines.routing.columns import Columns, Maker, distinct, joined
from oms_pipelines.routing.demands import Demands, spread
from oms_pipelines.routing.pricing import Pricer

MOST = 400_000  # ways that are looked at together
SMALL = 4  # multiples whose every sharing is looked at
UNITS = 12  # of an order whose every plan is looked at
SETS = 8  # of places, by how many they are, of the other orders
HALVINGS = 8


@dataclass(frozen=True)
class Near:
    """Columns, by order; what the best plan costs at the prices, and what none left out goes
    below (n)."""

    columns: Columns
    value: np.ndarray
    least: np.ndarray


def near(maker: Maker, pricer: Pricer, prices: Prices, beyond: float) -> Near:
    """Return the plans within `beyond` (ten-thousandths) of the best of each order.

    Where that were too many, half as far is looked, down to nothing. Of orders with many units
    only the best plan of each of some sets of places is returned.
    """
    d = maker.demands
    unit_prices = maker.prices(prices.stock)
    every = np.arange(len(d.parts))
    few = np.diff(d.first) <= UNITS
    found = None
    for halving in range(HALVINGS + 1):
        beyond /= 2 ** min(halving, 1)
        value, order, places = pricer.several(unit_prices, d.fits, every, None, beyond,
                                              prices.capacity)  # fmt: skip
        order, places = order[few[order]], places[few[order]]
        if np.diff(d.first)[order].sum() > MOST:
            continue
        ways = _Ways(d, unit_prices, order, places)
        base = (d.part + prices.capacity)[order[:, None], places] * (places >= 0)
        far = np.where(places >= 0, d.remote[order[:, None], places], np.inf).min(axis=1)
        least = base.sum(axis=1) + np.where(np.isfinite(far), far, 0) + ways.best + d.given[order]
        found = ways.together(value[order] + beyond - least)
        if found is not None:
            break
    if found is None:
        few[:] = False
    many = np.flatnonzero(~few)
    parts = [_best_of_sets(maker, pricer, prices, many, beyond)]
    if found is not None:
        parts.append(maker.priced(order[found.pair], found.column, found.unit, found.location,
                                  found.times))  # fmt: skip
    columns = joined(parts)
    columns = distinct(columns.chosen(np.flatnonzero(maker.allowed(columns))))
    over = maker.at_prices(columns, unit_prices, prices.capacity) - value[columns.order]
    columns = columns.chosen(np.flatnonzero(over <= beyond))
    sure = few.copy()
    sure[d.order[(d.need > SMALL) & (np.minimum(d.fits, d.need[:, None]).sum(axis=1) > SMALL)]] = 0
    sure[(d.parts > 3) & (maker.total > 3)] = False
    return Near(columns, value, value + np.where(sure, beyond, 0))


def _best_of_sets(
    maker: Maker, pricer: Pricer, prices: Prices, some: np.ndarray, beyond: float
) -> Columns:  # fmt: skip
    """Return, of some orders, the best plan from each of a few sets of places."""
    at, fits = maker.prices(prices.stock), maker.demands.fits
    _, order, places = pricer.several(at, fits, some, SETS, beyond, prices.capacity)
    return maker.make(order, places, at, fits)


@dataclass(frozen=True)
class _Found:
    pair: np.ndarray  # of each way
    column: np.ndarray  # of each claim
    unit: np.ndarray
    location: np.ndarray
    times: np.ndarray


class _Ways:
    """How each unit of an order may be shared among the places of a set, and what each costs."""

    def __init__(self, d: Demands, prices: np.ndarray, order: np.ndarray, places: np.ndarray):
        sizes = d.first[order + 1] - d.first[order]
        self.pair = np.repeat(np.arange(len(order)), sizes)
        self.unit = spread(d.first[order], sizes)
        self.first = np.append(0, np.cumsum(sizes))
        self.places = places
        at = places[self.pair]
        fits = np.where(at >= 0, d.fits[self.unit[:, None], at], 0)
        each = prices[self.unit[:, None], at] - d.worth[self.unit, None]
        row, times = _sharings(d.need[self.unit], fits)
        cost = (times * each[row]).sum(axis=1) + (d.need * d.worth)[self.unit[row]]
        least = np.full(len(self.unit), np.inf)
        np.minimum.at(least, row, cost)
        by = np.lexsort((cost, row))
        self.row, self.times, self.regret = row[by], times[by], (cost - least[row])[by]
        self.start = np.searchsorted(self.row, np.arange(len(self.unit) + 1))
        self.best = np.add.reduceat(least, self.first[:-1]) if len(order) else least

    def together(self, slack: np.ndarray) -> _Found | None:
        """Return all ways whose regrets come to no more than the slack of the set."""
        state = np.flatnonzero(slack >= 0)
        room, taken = slack[state], np.empty((len(state), 0), dtype=np.int64)
        sizes = np.diff(self.first)
        for turn in range(int(sizes.max(initial=0))):
            has = np.less(turn, sizes[state])
            row = np.where(has, self.first[state] + turn, 0)
            ways = np.where(has, self.start[row + 1] - self.start[row], 1)
            if ways.sum() > MOST * 8:
                return None
            parent = np.repeat(np.arange(len(state)), ways)
            way = np.where(has[parent], spread(self.start[row], ways), -1)
            left = room[parent] - np.where(way >= 0, self.regret[way], 0)
            good = left >= -0.5
            parent, way, room = parent[good], way[good], left[good]
            state = state[parent]
            taken = np.concatenate([taken[parent], way[:, None]], axis=1)
            if len(state) > MOST:
                return None
        column, turn = np.nonzero(taken >= 0)
        way = taken[column, turn]
        claim, place = np.nonzero(self.times[way])
        row = self.row[way[claim]]
        return _Found(state, column[claim], self.unit[row], self.places[self.pair[row], place],
                      self.times[way[claim], place])  # fmt: skip


def _sharings(need: np.ndarray, fits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (row, times x 3): ways to take up to the need of each row within what fits.

    All of them where few multiples could come; else, in every order of the places, as much as
    each has.
    """
    room = np.minimum(fits, need[:, None])
    most = np.minimum(need, room.sum(axis=1))
    rows, times = [], []
    for size in np.unique(most[most <= SMALL]):
        of = np.flatnonzero(most == size)
        ways = np.array([w for w in product(range(size + 1), repeat=3) if sum(w) <= size])
        here, way = np.nonzero((ways[None] <= room[of][:, None]).all(axis=2))
        rows.append(of[here])
        times.append(ways[way])
    of = np.flatnonzero(most > SMALL)
    for places in permutations(range(3)):
        mine = room[of][:, places]
        taken = np.clip(need[of, None] - (np.cumsum(mine, axis=1) - mine), 0, mine)
        back = np.empty_like(taken)
        back[:, places] = taken
        rows.append(of)
        times.append(back)
    return np.concatenate(rows), np.concatenate(times)
