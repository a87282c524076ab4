"""From prices to a plan: every order in its turn takes its best plan at the prices that is left."""

import numpy as np

from oms_pipelines.routing.ascent import Prices
from oms_pipelines.routing.candidates import UNLIMITED
from oms_pipelines.routing.columns import Columns, Maker, joined
from oms_pipelines.routing.pricing import Pricer
from oms_pipelines.routing.wishes import wish


def construct(maker: Maker, pricer: Pricer, prices: Prices) -> Columns:
    """Return one column an order, together within stock and capacity.

    In rounds: all who wait choose at once, and a choice stands where it fits after the choices
    of all who come before, refused or not; the first always does.
    """
    p, d = maker.problem, maker.demands
    stock, capacity = p.stock.copy(), p.capacity.copy()
    unit_prices = maker.prices(prices.stock)
    waiting = np.arange(len(p.parts))
    done: list[Columns] = []
    while waiting.size:
        fits = maker.fits(stock, capacity)
        found = pricer.best(unit_prices, fits, waiting, prices.capacity)
        columns = maker.make(waiting, found.places, unit_prices, fits)
        columns = _as_allowed(maker, columns, stock, capacity)
        sure = fitting(maker, columns, stock, capacity)
        taken = columns.chosen(sure)
        stock -= maker.usage(taken)
        capacity = np.where(p.capacity < UNLIMITED, capacity - maker.visits(taken), capacity)
        done.append(taken)
        waiting = np.delete(waiting, sure)
    return in_turn(joined(done), len(d.parts)) if done else _nothing(maker)


def in_turn(columns: Columns, count: int) -> Columns:
    """Return columns sorted by order; each order has one."""
    turn = np.argsort(columns.order, kind="stable")
    place = np.empty(count, dtype=np.int64)
    place[turn] = np.arange(count)
    owner = place[columns.column]
    by = np.lexsort((columns.location, columns.unit, owner))
    return Columns(
        columns.order[turn], columns.cost[turn], columns.weight[turn], columns.parts[turn],
        owner[by], columns.unit[by], columns.location[by], columns.times[by],
    )  # fmt: skip


def _nothing(maker: Maker) -> Columns:
    none = np.empty(0, dtype=np.int64)
    return maker.priced(np.arange(0), none, none, none, none)


def fitting(
    maker: Maker, columns: Columns, stock: np.ndarray, capacity: np.ndarray
) -> np.ndarray:  # fmt: skip
    """Return the columns that fit after all that come before."""
    p, count = maker.problem, stock.shape[1]
    item, location, units, column = maker.items(columns)
    fails = np.zeros(len(columns.order), dtype=bool)
    cell = p.sku[item] * count + location
    run = _running(cell, units, column)
    fails[column[run > stock.ravel()[cell]]] = True
    key = np.unique(columns.column * count + columns.location)
    owner, where = key // count, key % count
    run = _running(where, np.ones(len(key), dtype=np.int64), owner)
    fails[owner[run > capacity[where]]] = True
    return np.flatnonzero(~fails)


def _running(queue: np.ndarray, amount: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """Return the sum of the amounts up to each, its own with it, in its own queue."""
    order = np.lexsort((turn, queue))
    sorted_queue = queue[order]
    total = np.cumsum(amount[order])
    head = np.searchsorted(sorted_queue, sorted_queue)
    result = np.empty_like(total)
    result[order] = total - np.concatenate([[0], total])[head]
    return result


def _as_allowed(
    maker: Maker, columns: Columns, stock: np.ndarray, capacity: np.ndarray
) -> Columns:  # fmt: skip
    """Replace what the split policy does not allow, and what more parts than three would fill, by
    what the order wishes for alone."""
    d = maker.demands
    poor = ~maker.allowed(columns)
    poor |= ~maker.whole(columns) & (d.parts[columns.order] > 3)
    if not poor.any():
        return columns
    rows = np.flatnonzero(poor)
    own = wished(maker, columns.order[rows], stock, capacity)
    mine = columns.chosen(rows)
    worse = maker.allowed(mine) & (mine.weight <= own.weight)
    kept = np.sort(np.concatenate([np.flatnonzero(~poor), rows[worse]]))
    both = joined([columns.chosen(kept), own.chosen(np.flatnonzero(~worse))])
    place = np.argsort(np.argsort(both.order, kind="stable"), kind="stable")
    turn = np.argsort(both.order, kind="stable")
    owner = place[both.column]
    by = np.argsort(owner, kind="stable")
    return Columns(both.order[turn], both.cost[turn], both.weight[turn], both.parts[turn],
                   owner[by], both.unit[by], both.location[by], both.times[by])  # fmt: skip


def wished(
    maker: Maker, orders: np.ndarray, stock: np.ndarray, capacity: np.ndarray
) -> Columns:  # fmt: skip
    """Return what orders wish for alone, as columns."""
    p, d = maker.problem, maker.demands
    wishes = wish(p, stock, capacity, orders)
    mine = wishes.part < wishes.kept[wishes.row]
    item = wishes.items[wishes.at[mine]]
    unit = d.item_unit[item]
    lead = item == d.item_first[unit]
    times = wishes.quantity[mine][lead] // p.step[item[lead]]
    by = np.lexsort((unit[lead], wishes.row[mine][lead]))
    return maker.priced(orders, wishes.row[mine][lead][by], unit[lead][by],
                        wishes.location[mine][lead][by], times[by])  # fmt: skip
