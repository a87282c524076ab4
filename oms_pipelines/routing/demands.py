"""What contested orders want, as arrays for the joint plan: units, weights, costs.

A unit is what comes from one place in the same multiple: an item, or a group of items by step.
Money and weights are whole ten-thousandths.
"""

from copy import copy
from dataclasses import dataclass

import numpy as np

from oms_pipelines.routing.candidates import Problem, collects
from oms_pipelines.routing.costs import cents
from oms_pipelines.routing.held import Held
from oms_pipelines.routing.together import whole_groups

LARGEST = 1e13  # a weight: sums of floats stay exact to a whole


@dataclass(frozen=True)
class Demands:
    """n orders in turn, U units by order, L locations."""

    first: np.ndarray  # n + 1: units of order i are first[i]:first[i + 1]
    order: np.ndarray  # U
    need: np.ndarray  # U, multiples
    fits: np.ndarray  # U x L, multiples that the location could give at the start
    weight: np.ndarray  # U, what a multiple left unfilled weighs
    worth: np.ndarray  # U, what prices may go to for a multiple: more than it ever costs
    item_first: np.ndarray  # U: the first item of each unit
    item_unit: np.ndarray  # m
    whole: np.ndarray  # n x L: the order in one parcel, incl. what depends on the location
    part: np.ndarray  # n x L: the least a parcel of it can cost, less the price of a part there
    remote: np.ndarray  # n x L: what a first part costs that is not the nearest; 0 by default
    parts: np.ndarray  # n
    given: np.ndarray  # n: the price of all parts that are held, of which `whole` is less too
    held: Held | None  # by units and multiples


def demands_of(problem: Problem) -> Demands:
    """Return the demands of all orders of a problem."""
    starts = np.flatnonzero(np.diff(problem.unit, prepend=-1))
    order = problem.order[starts]
    open_ = (problem.failed == 0) & (problem.capacity > 0)
    units = problem.stock[problem.sku]
    units[problem.refused[:, 0], problem.refused[:, 1]] = 0
    units = np.minimum(units, problem.need[:, None]) * open_[problem.order]
    fits = whole_groups(problem, slice(None), units)[starts] // problem.step[starts][:, None]
    count = np.arange(len(problem.parts) + 1)
    least = _cheapest(problem)
    whole = problem.local_cost + problem.parcel_cost[:, None]
    held, given, kept = problem.held, np.zeros(len(problem.parts), dtype=np.int64), 0
    if held is not None:
        kept = held.price * held.there(*whole.shape)
        given = held.price * held.parts(len(given))
    spread = int(whole.max(initial=0) + given.max(initial=0)) * 3 + 1
    size = np.add.reduceat(problem.step, starts)
    worth = np.where(problem.near_first, problem.failed.shape[1] + 2, 2) * spread
    item_unit = np.repeat(np.arange(len(starts)), _sizes(starts, problem))
    return Demands(
        first=np.searchsorted(order, count), order=order,
        need=problem.need[starts] // problem.step[starts], fits=fits,
        weight=_weights(problem, spread)[order] * size, worth=worth[order] * size,
        item_first=starts, item_unit=item_unit,
        whole=whole - kept, part=problem.local_cost + least[:, None] - kept,
        remote=_remote(problem, fits, order, spread), parts=problem.parts, given=given,
        held=None if held is None else held.as_units(item_unit, starts, problem.step),
    )  # fmt: skip


def spread(first: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return the numbers of ranges, one range after another."""
    starts = np.cumsum(sizes) - sizes
    return np.repeat(first - starts, sizes) + np.arange(sizes.sum())


def _sizes(starts: np.ndarray, problem: Problem) -> np.ndarray:
    return np.diff(starts, append=len(problem.unit))


def _cheapest(problem: Problem) -> np.ndarray:
    """Return the least price any parcel of each order has; collected orders have none."""
    least = np.zeros(len(problem.parts), dtype=np.int64)
    sent = np.flatnonzero(~problem.orders.select(collects()).to_series().to_numpy())
    if sent.size:
        offer = problem.tariff.offer(
            problem.orders[sent].select("service", "country"), np.full(sent.size, np.nan)
        )
        least[sent] = problem.tariff.cheapest(offer)
    return least


def _weights(problem: Problem, spread: int) -> np.ndarray:
    """Return what a unit left unfilled weighs, by order: more than any cost, more by turn.

    A unit of an earlier order outweighs one of a later by more than any cost; two units of later
    ones outweigh it. Of the next higher priority it outweighs thirty, or, with many priorities,
    as many as numbers have room for.
    """
    n, count = problem.failed.shape
    turns = np.arange(n)
    weight = (count + 2 + 2 * n - turns).astype(np.float64) * spread
    ranks = np.unique(problem.orders["priority"].to_numpy(), return_inverse=True)[1]
    top = max(int(ranks.max(initial=0)), 1)
    factor = min(64.0, (LARGEST / max(weight.max(initial=1), 1)) ** (1 / top))
    return np.rint(weight * max(factor, 1.0) ** ranks).astype(np.int64)


def _remote(
    problem: Problem, fits: np.ndarray, order: np.ndarray, spread: int
) -> np.ndarray:  # fmt: skip
    """Return what it weighs that the first part of an order is not from the nearest location."""
    cost = np.zeros(problem.distance.shape, dtype=np.int64)
    near = np.flatnonzero(problem.near_first)
    if near.size:
        has = np.zeros(problem.distance.shape, dtype=bool)
        np.logical_or.at(has, order, fits > 0)
        far = np.where(has[near], np.nan_to_num(problem.distance[near], nan=1e9), np.inf)
        rank = np.argsort(np.argsort(far, axis=1, kind="stable"), axis=1, kind="stable")
        cost[near] = rank * spread
    return cost


class Parcels:
    """What a parcel of an order costs, by what is in it."""

    def __init__(self, problem: Problem):
        sent = ~problem.orders.select(collects()).to_series().to_numpy()
        self.sent = sent
        pairs = problem.orders.select("service", "country").join(
            problem.tariff.pairs, on=["service", "country"], how="left", nulls_equal=True,
            maintain_order="left",
        )  # fmt: skip
        self.pair = pairs["pair"].fill_null(0).to_numpy()
        amounts = cents(np.array([o.amount for o in problem.tariff.offers] or [0.0]))
        table = problem.tariff.offer_of
        self.breaks = problem.tariff.breaks
        none = np.zeros((1, len(self.breaks) + 1), dtype=np.int64)
        self.price = amounts[table] if table.size else none
        self.grams = _grams(problem)

    def of(self, orders: np.ndarray, items: np.ndarray) -> "Parcels":
        """Return the same for some orders and their items alone."""
        few = copy(self)
        few.sent, few.pair, few.grams = self.sent[orders], self.pair[orders], self.grams[items]
        return few

    def cost(self, order: np.ndarray, grams: np.ndarray) -> np.ndarray:
        """Return the price of parcels of some orders; nan grams are unknown."""
        known = np.round(np.where(np.isnan(grams), np.inf, grams), 3)
        klass = np.minimum(np.searchsorted(self.breaks, known, side="left"), len(self.breaks))
        return self.price[self.pair[order], klass] * self.sent[order]


def _grams(problem: Problem) -> np.ndarray:
    """Return the mean grams of a unit of each item; nan is unknown."""
    item = problem.lines["item"].to_numpy().astype(np.int64)
    grams = problem.lines["weight_g"].cast(float).fill_null(np.nan).to_numpy()
    quantity = problem.lines["quantity"].to_numpy()
    total = np.zeros(len(problem.need))
    np.add.at(total, item, grams * quantity)
    return total / problem.need
