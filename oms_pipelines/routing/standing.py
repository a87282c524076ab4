"""What orders that stay with what they hold take first: their parts, and more of the same place."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from oms_pipelines.routing.together import whole_groups

if TYPE_CHECKING:
    from oms_pipelines.routing.candidates import Problem


@dataclass(frozen=True)
class Standing:
    """Parts that orders (rows of a batch) begin with, and their claims."""

    parts: np.ndarray  # by row: how many, 0 where an order does not stay
    row: np.ndarray  # of the part
    part: np.ndarray  # of the part, from 0 by row
    location: np.ndarray  # of the part
    at: np.ndarray  # of the claim: where its item stands among the batch's
    number: np.ndarray  # of the claim: its part
    where: np.ndarray  # of the claim: its location
    quantity: np.ndarray  # of the claim


def standing(
    problem: "Problem", batch: np.ndarray, items: np.ndarray, row: np.ndarray, left: np.ndarray,
    free: np.ndarray,
) -> Standing | None:  # fmt: skip
    """Return what orders of `batch` begin with that stay, and can have all that they hold.

    `items` are those of the batch, of `row`; `left` (items x L) is there for each, `free` (rows x
    L) tells who may ship.
    """
    held, stays = problem.held, problem.stays
    if held is None or stays is None or not stays[batch].any():
        return None
    own = held.of(batch, items)
    enough = left[own.thing, own.location[own.part]] >= own.amount
    good = free[own.order, own.location]
    np.logical_and.at(good, own.part, enough)
    rows = stays[batch] & (own.parts(batch.size) > 0)
    rows &= own.parts(batch.size) <= problem.parts[batch]
    np.logical_and.at(rows, own.order, good)
    if not rows.any():
        return None
    own = held.of(batch[rows], items[rows[row]])
    mine, place = np.flatnonzero(rows), np.flatnonzero(rows[row])
    count = np.where(rows, np.bincount(mine[own.order], minlength=batch.size), 0)
    number = np.arange(len(own.order)) - np.searchsorted(own.order, own.order)
    at, part = place[own.thing], own.part
    more = _more(problem, items, at, number[part], own.location[part], own.amount, left, row)
    return Standing(count, mine[own.order], number, own.location, *more)


def _more(
    problem: "Problem", items: np.ndarray, at: np.ndarray, number: np.ndarray,
    location: np.ndarray, amount: np.ndarray, left: np.ndarray, row: np.ndarray,
) -> tuple[np.ndarray, ...]:  # fmt: skip
    """Return the claims, with what their places can give more of what is still needed."""
    need = problem.need[items]
    np.subtract.at(need, at, amount)
    claims = []
    for part in range(int(number.max(initial=-1)) + 1):
        where = np.full(int(row.max(initial=0)) + 1, -1)
        mine = number == part
        where[row[at[mine]]] = location[mine]
        some = np.flatnonzero(where[row] >= 0)
        place = where[row[some]]
        own = np.zeros(len(items), dtype=np.int64)
        own[at[mine]] = amount[mine]
        cover = np.minimum(left[some, place] - own[some], need[some])
        cover = whole_groups(problem, items[some], cover[:, None])[:, 0]
        need[some] -= cover
        units = own[some] + cover
        got = np.flatnonzero(units)
        claims.append((some[got], np.full(got.size, part), place[got], units[got]))
    return tuple(np.concatenate(x) for x in zip(*claims, strict=True))
