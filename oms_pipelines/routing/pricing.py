"""The best plan of each order alone, where every unit of stock has a price.

A plan takes up to three locations. All sets of locations are looked at, in arrays; a set that
can beat the best found so far no more is not. What is returned is a lower bound of what any plan
of the order costs at these prices: a parcel counts with its least price, least worth of parts
does not count, and sets of four and more with the cheapest parcels there are.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from oms_pipelines.routing.demands import Demands

_CELLS = 1_500_000  # cells of an array looked at together: it stays in the cache
NONE = -1


@dataclass(frozen=True)
class Priced:
    """By order: what its best plan costs with all it leaves unfilled, and its locations (n x 3)."""

    value: np.ndarray
    places: np.ndarray


class Pricer:
    """Looks for best plans; holds what does not change from one price to the next."""

    def __init__(self, demands: Demands):
        self.demands = d = demands
        self.count = d.whole.shape[1]
        self.sets = {k: np.array(list(combinations(range(self.count), k))) for k in (2, 3)
                     if k <= self.count}  # fmt: skip
        self.units = np.diff(d.first)
        self.total = _by_order(d.need, d)

    def best(
        self, prices: np.ndarray, fits: np.ndarray | None = None,
        some: np.ndarray | None = None, tolls: np.ndarray | float = 0.0,
    ) -> Priced:  # fmt: skip
        """Return the best plan of each order, or of `some` (ascending), at prices.

        `prices` (U x L): what a multiple of each unit costs besides at each location; `fits`
        replaces what the locations could give at the start; `tolls` (L): what a part costs
        besides that leaves there.
        """
        d = replace(self.demands, whole=self.demands.whole + tolls, part=self.demands.part + tolls)
        fits = d.fits if fits is None else fits
        rows = np.arange(len(d.parts)) if some is None else some
        gain = np.where(fits > 0, d.worth[:, None] - prices, 0.0)
        view = self._view(d, fits, gain)
        none = self._none(d)[rows]
        value = none.copy()
        places = np.full((len(rows), 3), NONE)
        self._one(view, rows, none, value, places)
        cheap = np.sort(np.where(_offers(d, fits), d.part + 0.0, np.inf), axis=1)[rows]
        least = none - np.minimum(none, self._top(view)[rows])
        for k, sets in self.sets.items():
            can = (d.parts[rows] >= k) & (self.total[rows] >= k)
            low = cheap[:, :k].sum(axis=1) + least
            may = np.flatnonzero(can & (low < value - 0.5))
            self._several(view, rows, may, k, sets, none, value, places)
        many = (d.parts[rows] > 3) & (self.total[rows] > 3) & (self.count > 3)
        if many.any():
            more = np.minimum(cheap[:, 4:], 0).sum(axis=1)  # what is held there is not given up
            low = np.where(many, cheap[:, :4].sum(axis=1) + more + least, np.inf)
            value = np.minimum(value, low)
        return Priced(value, places)

    def several(
        self, prices: np.ndarray, fits: np.ndarray, some: np.ndarray, keep: int | None,
        beyond: float, tolls: np.ndarray | float = 0.0,
    ) -> tuple[np.ndarray, ...]:  # fmt: skip
        """Return the best value of each of `some` orders, and (order, places) of plans near it.

        At most `keep` by number of locations, none that costs more than the best by `beyond`.
        """
        d = replace(self.demands, whole=self.demands.whole + tolls, part=self.demands.part + tolls)
        best = self.best(prices, fits, some, tolls)
        gain = np.where(fits > 0, d.worth[:, None] - prices, 0.0)
        view = self._view(d, fits, gain)
        none = self._none(d)[some]
        limit = best.value + beyond
        orders, places = [some], [best.places]
        one = self._ones(view, some, none)
        row, column = _nearest(one, limit, keep)
        orders.append(some[row])
        places.append(np.stack([column, np.full_like(column, NONE), np.full_like(column, NONE)], 1))
        cheap = np.sort(np.where(_offers(d, fits), d.part + 0.0, np.inf), axis=1)[some]
        least = none - np.minimum(none, self._top(view)[some])
        for k, sets in self.sets.items():
            can = (d.parts[some] >= k) & (self.total[some] >= k)
            may = np.flatnonzero(can & (cheap[:, :k].sum(axis=1) + least < limit))
            for at, cost in self._blocks(view, some, may, k, sets, none):
                row, column = _nearest(cost, limit[at], keep)
                orders.append(some[at[row]])
                found = np.full((len(row), 3), NONE)
                found[:, :k] = sets[column]
                places.append(found)
        return best.value, np.concatenate(orders), np.concatenate(places)

    def _view(self, d: Demands, fits: np.ndarray, gain: np.ndarray) -> "_View":
        paid = np.abs(d.whole).max(initial=0) + d.given.max(initial=0)
        most = 4 * float(np.abs(gain).max(initial=0)) + 4 * float(paid) + 1
        whole = ((fits == 0) | (fits == d.need[:, None])).all(axis=1)
        return _View(d, fits, np.maximum(gain, 0), gain, most, (d.need == 1) | whole)

    def _none(self, d: Demands) -> np.ndarray:
        """Return what nothing costs each order: all it needs unfilled, all it holds given up."""
        return (_by_order(d.need * d.worth, d) + d.given).astype(np.float64)

    def _top(self, view: "_View") -> np.ndarray:
        """Return the most any plan of each order can gain."""
        d = view.demands
        return _by_order(view.gain.max(axis=1) * d.need, d)

    def _one(self, view: "_View", rows: np.ndarray, none: np.ndarray, value: np.ndarray,
             places: np.ndarray) -> None:  # fmt: skip
        cost = self._ones(view, rows, none)
        best = cost.argmin(axis=1)
        found = cost[np.arange(len(rows)), best]
        better = found < value
        value[better] = found[better]
        places[better, 0] = best[better]

    def _ones(self, view: "_View", rows: np.ndarray, none: np.ndarray) -> np.ndarray:
        """Return what single locations cost: with all, or with some where more parts may follow."""
        d = view.demands
        all_ = np.logical_and.reduceat(view.fits == d.need[:, None], d.first[:-1], axis=0)[rows]
        some = _by_order(view.gain * np.minimum(view.fits, d.need[:, None]), d)[rows]
        full = _by_order(view.signed * d.need[:, None], d)[rows]
        whole = np.where(all_, d.whole[rows] + none[:, None] - full, np.inf)
        less = (d.parts[rows] > 1)[:, None] & _offers(d, view.fits)[rows]
        part = np.where(less, d.part[rows] + none[:, None] - some, np.inf)
        return np.minimum(whole, part) + d.remote[rows]

    def _several(self, view: "_View", rows: np.ndarray, may: np.ndarray, k: int,
                 sets: np.ndarray, none: np.ndarray, value: np.ndarray,
                 places: np.ndarray) -> None:  # fmt: skip
        """Look at all sets of k locations for the orders `may` (positions in `rows`)."""
        for at, cost in self._blocks(view, rows, may, k, sets, none):
            best = cost.argmin(axis=1)
            found = cost[np.arange(len(at)), best]
            better = found < value[at] - 0.5
            value[at[better]] = found[better]
            places[at[better], :] = NONE
            places[at[better], :k] = sets[best[better]]

    def _blocks(self, view: "_View", rows: np.ndarray, may: np.ndarray, k: int, sets: np.ndarray,
                none: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:  # fmt: skip
        """Yield some of `may` at a time, and what they cost from each set."""
        d = view.demands
        ends = np.cumsum(self.units[rows[may]])
        step = max(_CELLS // len(sets), 1)
        low = 0
        while low < len(may):
            before = ends[low - 1] if low else 0
            high = max(int(np.searchsorted(ends, before + step, side="right")), low + 1)
            at = may[low:high]
            gain = view.of_sets(rows[at], sets, k)
            last = (d.parts[rows[at]] == k)[:, None]
            cost = d.part[rows[at]][:, sets].sum(axis=2) + none[at][:, None] - gain
            cost = np.where(last, cost + view.most * self.total[rows[at]][:, None], cost)
            near = d.remote[rows[at]]
            if near.any():
                cost = cost + near[:, sets].min(axis=2)
            yield at, cost
            low = high


def _nearest(
    cost: np.ndarray, limit: np.ndarray, keep: int | None
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Return (row, column) of the `keep` least of each row that are not beyond its limit."""
    near = cost <= limit[:, None]
    if keep is not None and cost.shape[1] > keep:
        # of ties the first: which of them a partition puts in front hangs on the processor
        last = np.partition(cost, keep - 1, axis=1)[:, keep - 1 : keep]
        less, tied = cost < last, cost == last
        room = keep - less.sum(axis=1, keepdims=True)
        near &= less | (tied & (np.cumsum(tied, axis=1, dtype=np.int32) <= room))
    row, column = np.nonzero(near)
    return row, column


def _by_order(amount: np.ndarray, d: Demands) -> np.ndarray:
    return np.add.reduceat(amount, d.first[:-1], axis=0)


def _offers(d: Demands, fits: np.ndarray) -> np.ndarray:
    """Tell which locations could give an order anything."""
    return np.logical_or.reduceat(fits > 0, d.first[:-1], axis=0)


@dataclass(frozen=True)
class _View:
    """What a multiple gains at each location, at some prices.

    Where a plan has its last part it must have all: each multiple gains `most` besides, which
    is taken off again for all that is needed, so that what is not complete is never best.
    """

    demands: Demands
    fits: np.ndarray
    gain: np.ndarray  # U x L, not below zero
    signed: np.ndarray  # U x L
    most: float
    simple: np.ndarray

    def of_sets(self, orders: np.ndarray, sets: np.ndarray, k: int) -> np.ndarray:
        """Return what each order gains from each set, with `most` where k is its last part."""
        d = self.demands
        sizes = d.first[orders + 1] - d.first[orders]
        starts = np.cumsum(sizes) - sizes
        unit = np.repeat(d.first[orders] - starts, sizes) + np.arange(sizes.sum())
        last = np.repeat(d.parts[orders] == k, sizes)[:, None]
        fits = self.fits[unit]
        each = np.where(last, np.where(fits > 0, self.signed[unit] + self.most, 0),
                        self.gain[unit])  # fmt: skip
        need = d.need[unit]
        found = np.zeros((len(unit), len(sets)))
        plain = self.simple[unit]
        rows = np.flatnonzero(plain)
        found[rows] = _largest(each[rows] * np.minimum(fits[rows], need[rows, None]), sets)
        rows = np.flatnonzero(~plain)
        if rows.size:
            found[rows] = _filled(each[rows], fits[rows], need[rows], sets)
        return np.add.reduceat(found, starts, axis=0)


def _largest(value: np.ndarray, sets: np.ndarray) -> np.ndarray:
    best = value[:, sets[:, 0]]
    for column in sets.T[1:]:
        np.maximum(best, value[:, column], out=best)
    return best


def _filled(each: np.ndarray, fits: np.ndarray, need: np.ndarray, sets: np.ndarray) -> np.ndarray:
    """Return what units gain from sets whose locations are taken in order of gain."""
    value = each[:, sets]  # units x sets x k
    best = np.argsort(-value, axis=2, kind="stable")
    value = np.take_along_axis(value, best, axis=2)
    room = np.take_along_axis(fits[:, sets], best, axis=2)
    before = np.cumsum(room, axis=2) - room
    taken = np.clip(need[:, None, None] - before, 0, room)
    return (value * taken).sum(axis=2)
