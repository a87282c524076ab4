"""Plans held against each other, order by order: what is left unfilled first, then what is paid."""

import numpy as np

from oms_pipelines.routing.columns import Columns, Maker, joined
from oms_pipelines.routing.greedy import Taken
from oms_pipelines.routing.rounding import in_turn


def columns_of(maker: Maker, taken: Taken) -> Columns:
    """Return claims by item as columns, one an order."""
    p, d = maker.problem, maker.demands
    unit = d.item_unit[taken.item]
    lead = taken.item == d.item_first[unit]
    by = np.lexsort((taken.location[lead], unit[lead]))
    item, unit = taken.item[lead][by], unit[lead][by]
    times = taken.quantity[lead][by] // p.step[item]
    orders = np.arange(len(p.parts))
    return maker.priced(orders, p.order[item], unit, taken.location[lead][by], times)


def better(one: Columns, other: Columns, group: np.ndarray) -> Columns:
    """Return of each group the better columns (one an order, in turn), `other` where equal."""
    count = len(group)
    owner = np.where(group < 0, np.arange(count) + count, group)
    names, owner = np.unique(owner, return_inverse=True)
    gains = []
    for field in ("weight", "cost"):
        gain = np.zeros(len(names), dtype=np.int64)
        np.add.at(gain, owner, getattr(other, field) - getattr(one, field))
        gains.append(gain)
    wins = ((gains[0] > 0) | ((gains[0] == 0) & (gains[1] > 0)))[owner]
    both = joined([one.chosen(np.flatnonzero(wins)), other.chosen(np.flatnonzero(~wins))])
    return in_turn(both, count)


def beats(one: Columns, rows: np.ndarray, other: Columns, by: np.ndarray) -> np.ndarray:
    """Tell which columns leave less than others, or as much and cost less."""
    less = one.weight[rows] - other.weight[by]
    return (less < 0) | ((less == 0) & (one.cost[rows] < other.cost[by]))
