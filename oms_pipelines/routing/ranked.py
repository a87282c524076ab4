"""Of plans that cost the same, the one that follows the ranks of the rules."""

from dataclasses import replace

import numpy as np

from oms_pipelines.routing.candidates import UNLIMITED
from oms_pipelines.routing.columns import Columns, Maker
from oms_pipelines.routing.rounding import fitting, in_turn

ROUNDS = 50


def by_rank(maker: Maker, columns: Columns) -> Columns:
    """Move parts to locations that their rule ranks higher, where that costs the same.

    `columns` has one an order, in turn. In rounds: a part of each order moves to the best that is
    free, as far as that is left after the orders before it. What an order gets does not change.
    """
    p = maker.problem
    order = np.sort(p.local_cost, axis=1)
    if not len(columns.order) or not (order[:, 1:] == order[:, :-1]).any():
        return columns
    for _ in range(ROUNDS):
        left = p.stock - maker.usage(columns)
        room = np.where(p.capacity < UNLIMITED, p.capacity - maker.visits(columns), p.capacity)
        part, to = _moves(maker, columns, left, room)
        claim = np.flatnonzero(to[part] >= 0)
        if not claim.size:
            break
        moved = maker.priced(columns.order, columns.column[claim], columns.unit[claim],
                             to[part[claim]], columns.times[claim])  # fmt: skip
        fits = np.zeros(len(columns.order), dtype=bool)
        fits[fitting(maker, moved, left, room)] = True
        claim = claim[fits[columns.column[claim]]]
        location = columns.location.copy()
        location[claim] = to[part[claim]]
        columns = in_turn(replace(columns, location=location), len(columns.order))
    return columns


def _moves(
    maker: Maker, columns: Columns, left: np.ndarray, room: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Return the part of each claim, and where each part had better come from (-1 stays)."""
    p, count = maker.problem, left.shape[1]
    key, part = np.unique(columns.column * count + columns.location, return_inverse=True)
    owner, where = key // count, key % count
    fits = maker.fits(left, room)
    able = np.ones((len(key), count), dtype=bool)
    np.logical_and.at(able, part, fits[columns.unit] >= columns.times[:, None])
    used = np.zeros((len(columns.order), count), dtype=bool)
    used[owner, where] = True
    able &= ~used[owner] & ~p.near_first[owner][:, None]
    able &= p.local_cost[owner] == p.local_cost[owner, where][:, None]
    if p.held is not None:  # to move what is held costs its price
        able &= ~p.held.there(len(columns.order), count)[owner, where][:, None]
    rank = np.where(able, p.rank[owner], np.iinfo(np.int16).max)
    to = np.where(rank.min(axis=1, initial=np.iinfo(np.int16).max) < p.rank[owner, where],
                  rank.argmin(axis=1), -1)  # fmt: skip
    mine = np.flatnonzero(to >= 0)
    one = mine[np.unique(owner[mine], return_index=True)[1]]
    only = np.full(len(key), -1)
    only[one] = to[one]
    return part, only
