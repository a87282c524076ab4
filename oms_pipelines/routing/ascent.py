"""Prices of stock and capacity that bound every plan from below.

The joint plan with stock and capacity priced instead of limited falls apart into orders. What
their best plans cost at any prices, less what all stock is worth, is at most the cost of every
plan (Lagrangian relaxation). Prices are raised where more is wanted than there is, by deflected
subgradients with Polyak's step.

Source: Geoffrion 1974 (relaxation), Held, Wolfe, Crowder 1974 (steps), Camerini, Fratta,
Maffioli 1975 (deflection).
"""

from dataclasses import dataclass

import numpy as np

from oms_pipelines.routing.candidates import UNLIMITED
from oms_pipelines.routing.columns import Columns, Maker
from oms_pipelines.routing.pricing import Pricer

DEFLECTION, SHRINK, PATIENCE = 0.6, 0.6, 5
AHEAD = 0.05


@dataclass
class Prices:
    """Prices of stock (SKUs x L) and of a part's leaving (L), and the bound at them."""

    stock: np.ndarray
    capacity: np.ndarray
    bound: float


def ascend(maker: Maker, pricer: Pricer, rounds: int,
           start: Prices | None = None) -> tuple[Prices, list[Columns]]:  # fmt: skip
    """Raise prices for some rounds; return the best, and each round's columns."""
    p = maker.problem
    limited = p.capacity < UNLIMITED
    stock = _first_prices(maker) if start is None else start.stock.copy()
    capacity = np.zeros(len(p.capacity)) if start is None else start.capacity.copy()
    best = Prices(stock, capacity, -np.inf)
    wanted = np.unique(p.sku)
    at = stock[wanted].copy()
    have = p.stock[wanted].astype(np.float64)
    room = np.where(limited, p.capacity, 0).astype(np.float64)
    step, bad = 1.0, 0
    direction, drift = np.zeros_like(at), np.zeros_like(capacity)
    seen: list[Columns] = []
    for turn in range(rounds):
        stock = stock.copy()
        stock[wanted] = at
        unit_prices = maker.prices(stock)
        found = pricer.best(unit_prices, tolls=capacity)
        bound = float(found.value.sum() - (at * have).sum() - (capacity * room).sum())
        columns = maker.make(np.arange(len(p.parts)), found.places, unit_prices,
                             maker.demands.fits)  # fmt: skip
        seen.append(columns)
        if bound > best.bound + 1e-7 * abs(best.bound if turn else bound):
            best, bad = Prices(stock, capacity.copy(), bound), 0
        else:
            bad += 1
        if bad >= PATIENCE:
            step, bad = step * SHRINK, 0
            at, capacity = best.stock[wanted].copy(), best.capacity.copy()
            direction[:], drift[:] = 0, 0
            continue
        over = maker.usage(columns)[wanted] - have
        over[(at <= 0) & (over < 0)] = 0
        full = np.where(limited, maker.visits(columns) - room, 0)
        full[(capacity <= 0) & (full < 0)] = 0
        weight = DEFLECTION if turn else 0.0
        direction = weight * direction + (1 - weight) * over
        drift = weight * drift + (1 - weight) * full
        norm = (over * over).sum() + (full * full).sum()
        if not norm:
            break
        along = (direction * over).sum() + (drift * full).sum()
        # what is aimed at: a little more than the best, in proportion to what all parcels cost
        lacks = best.bound - bound + AHEAD * float(columns.cost.sum())
        size = step * lacks / max(along, 0.3 * norm)
        at = np.maximum(at + size * direction, 0)
        capacity = np.maximum(capacity + size * drift, 0) * limited
    return best, seen


def _first_prices(maker: Maker) -> np.ndarray:
    """Return the prices to begin with: nothing; where a SKU is short, what the first order weighs
    that gets none."""
    p, d = maker.problem, maker.demands
    prices = np.zeros(p.stock.shape)
    alone = np.flatnonzero(~p.together)
    wants = np.bincount(p.sku, p.need, minlength=len(prices))
    short = wants > p.stock.sum(axis=1)
    if short.any():
        items = alone[short[p.sku[alone]]]
        weight = d.worth[d.item_unit[items]] / p.step[items]
        by = items[np.lexsort((-weight, p.sku[items]))]
        heavy = d.worth[d.item_unit[by]] / p.step[by]
        before = np.cumsum(p.need[by])
        head = np.searchsorted(p.sku[by], p.sku[by])
        before = before - np.concatenate([[0], before])[head]
        lost = before > p.stock.sum(axis=1)[p.sku[by]]
        np.maximum.at(prices, p.sku[by[lost]], heavy[lost][:, None])
    return prices


def least_cost(maker: Maker, pricer: Pricer, prices: Prices, plan: Columns) -> float:
    """Return what any plan costs at least that leaves each order as much unfilled as this one.

    `plan` has a column an order, in turn.
    """
    found = pricer.best(maker.prices(prices.stock), tolls=prices.capacity)
    left = maker.left(plan, maker.demands.worth) + maker.remote(plan)
    each = np.where(left > 0, np.maximum(found.value - left, 0), found.value)
    return least_at(maker, each, prices.stock, prices.capacity)


def least_at(
    maker: Maker, value: np.ndarray, stock: np.ndarray, capacity: np.ndarray
) -> float:  # fmt: skip
    """Return the bound from what each order costs at prices of stock and capacity."""
    p = maker.problem
    room = np.where(p.capacity < UNLIMITED, p.capacity, 0)
    return float(value.sum() - (stock * p.stock).sum() - (capacity * room).sum())
