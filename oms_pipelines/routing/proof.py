"""What no plan goes below, sharper than prices alone tell.

Orders take whole plans among those near their best, all of which are known, or escape. What
escapes costs at the prices at least what the least plan left out does, and what it takes is
its own choice, in any shares: so every plan has its like here, which costs no more.
"""

import numpy as np

from oms_pipelines.routing.ascent import Prices
from oms_pipelines.routing.candidates import UNLIMITED
from oms_pipelines.routing.columns import Columns, Maker, marks
from oms_pipelines.routing.costs import UNIT
from oms_pipelines.routing.master import claims
from oms_pipelines.routing.near import Near
from oms_pipelines.routing.program import Program, solve


def prove(maker: Maker, prices: Prices, close: Near, plan: Columns, gap: float,
          nodes: int) -> float:  # fmt: skip
    """Return what any plan costs at least that leaves each order as much unfilled as this one."""
    p, d = maker.problem, maker.demands
    left = maker.left(plan, d.worth) + maker.remote(plan)
    same = maker.whole(close.columns) & (maker.remote(close.columns) == 0)
    known = close.columns.chosen(np.flatnonzero(same & (left[close.columns.order] <= 0)))
    escape = np.where(left > 0, close.value - left, close.least)
    n, c = len(d.parts), len(known.order)
    # columns: the known, escapes, what escapes take of priced stock, and of priced room
    at = maker.prices(prices.stock)
    unit, place = np.nonzero((at > 0) & (d.fits > 0))
    toll = np.flatnonzero((prices.capacity > 0) & (p.capacity < UNLIMITED))
    goer, room = (x.ravel() for x in np.meshgrid(np.arange(n), toll, indexing="ij"))
    drawn, gone = c + n + np.arange(len(unit)), c + n + len(unit) + np.arange(len(goer))
    queue, column, amount, limit = claims(maker, known, p.stock, p.capacity)
    item, where, units, draw = maker.items(_as_columns(known, unit, place))
    queue = np.concatenate([queue, p.sku[item] * p.stock.shape[1] + where, p.stock.size + room])
    column = np.concatenate([column, drawn[draw], gone])
    amount = np.concatenate([amount, units, np.ones(len(gone))])
    most = np.concatenate([np.ones(c + n), np.minimum(d.fits, d.need[:, None])[unit, place],
                           np.ones(len(goer))])  # fmt: skip
    scarce = np.bincount(queue, amount * most[column], minlength=len(limit)) > limit
    used = np.flatnonzero(scarce)
    tight = scarce[queue]
    draws, goes = np.unique(unit), np.unique(goer)
    # rows: one plan an order, stock and room, what escapes take at most by unit, and by parts
    first = n + len(used)
    row = np.concatenate([
        known.order, np.arange(n), n + np.searchsorted(used, queue[tight]),
        first + np.searchsorted(draws, unit), first + np.arange(len(draws)),
        first + len(draws) + goer, first + len(draws) + goes,
    ])  # fmt: skip
    column = np.concatenate([
        np.arange(c + n), column[tight], drawn, c + d.order[draws], gone, c + goes,
    ])  # fmt: skip
    value = np.concatenate([
        np.ones(c + n), amount[tight], np.ones(len(drawn)), -d.need[draws],
        np.ones(len(gone)), -d.parts[goes],
    ])  # fmt: skip
    open_ = len(used) + len(draws) + len(goes)
    program = Program(
        cost=np.concatenate([known.cost, escape, -at[unit, place], -prices.capacity[room]]) / UNIT,
        most=most.astype(np.float64), whole=np.arange(len(most)) < c + n,
        low=np.concatenate([np.ones(n), np.full(open_, -np.inf)]),
        high=np.concatenate([np.ones(n), limit[used], np.zeros(len(draws) + len(goes))]),
        row=row, column=column, value=value,
        start=_taken(maker, plan, known, (unit, place), (goer, room)),
    )  # fmt: skip
    return solve(program, gap / UNIT, nodes).bound * UNIT


def _taken(
    maker: Maker, plan: Columns, known: Columns, drawn: tuple[np.ndarray, np.ndarray],
    gone: tuple[np.ndarray, np.ndarray],
) -> np.ndarray:  # fmt: skip
    """Return the plan as a solution: a known column an order, or an escape and what it takes."""
    n, count = len(plan.order), len(maker.problem.capacity)
    at = np.flatnonzero(marks(known) == marks(plan)[known.order])
    escapes = np.ones(n, dtype=bool)
    escapes[known.order[at]] = False
    whole = np.concatenate([np.zeros(len(known.order)), escapes])
    whole[at] = 1
    times = np.zeros((len(maker.demands.need), count))
    visits = np.zeros((n, count), dtype=bool)
    mine = escapes[plan.order[plan.column]]
    times[plan.unit[mine], plan.location[mine]] = plan.times[mine]
    visits[plan.order[plan.column[mine]], plan.location[mine]] = True
    return np.concatenate([whole, times[drawn], visits[gone]])


def _as_columns(known: Columns, unit: np.ndarray, place: np.ndarray) -> Columns:
    """Return a column for each draw of one multiple."""
    none = np.zeros(len(unit), dtype=np.int64)
    return Columns(none, none, none, none, np.arange(len(unit)), unit, place, none + 1)
