"""Sharper prices by column generation.

The linear program over the plans found so far gives prices; at a mix of these and the best so
far, orders are priced again, which gives a bound of every plan and new plans for the program.
Source: Dantzig, Wolfe 1960; the mix: Wentges 1997.
"""

import numpy as np

from oms_pipelines.routing.ascent import Prices, least_at
from oms_pipelines.routing.columns import Columns, Maker, distinct, joined
from oms_pipelines.routing.master import Master, Relaxed
from oms_pipelines.routing.pricing import Pricer

MIX = 0.5  # of the best prices
KEEP, BEYOND = 8, 20_000.0


def generate(maker: Maker, pricer: Pricer, prices: Prices, seed: Columns,
             rounds: int, enough: float) -> tuple[Prices, Columns, Relaxed]:  # fmt: skip
    """Return the best prices, the plans found (with `seed`) and the last linear program.

    Ends after some rounds, or when program and bound are within `enough`, as a share.
    """
    p, d = maker.problem, maker.demands
    every = np.arange(len(p.parts))
    pool = joined([seed, nothing(maker)])
    best, at = prices, prices
    turn = 0
    while True:
        unit_prices = maker.prices(at.stock)
        value, orders, places = pricer.several(
            unit_prices, d.fits, every, KEEP, BEYOND, at.capacity
        )
        bound = least_at(maker, value, at.stock, at.capacity)
        if bound > best.bound:
            best = Prices(at.stock, at.capacity, bound)
        new = maker.make(orders, places, unit_prices, d.fits)
        new = new.chosen(np.flatnonzero(maker.allowed(new)))
        pool = distinct(joined([pool, new]))
        each = pool.cost + maker.remote(pool) + maker.left(pool, d.worth)
        relaxed = Master(maker, pool, p.stock, p.capacity).relax(each)
        turn += 1
        if turn >= rounds or relaxed.value - best.bound <= enough * abs(relaxed.value):
            return best, pool, relaxed
        at = Prices(MIX * best.stock + (1 - MIX) * relaxed.stock,
                    MIX * best.capacity + (1 - MIX) * relaxed.capacity, -np.inf)  # fmt: skip


def nothing(maker: Maker) -> Columns:
    """Return the plan of every order that takes nothing."""
    none = np.empty(0, dtype=np.int64)
    return maker.priced(np.arange(len(maker.problem.parts)), none, none, none, none)
