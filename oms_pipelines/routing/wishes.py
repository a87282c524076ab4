"""What orders would take if each were alone with the stock that is left.

A part comes from the location that covers the most value, then the most units, then from
the one the rule likes best: so a location that has all is taken before any split. Orders that
stay with what they hold begin with that (`standing`), while all of it is there.
"""

from dataclasses import dataclass, replace

import numpy as np

from oms_pipelines.routing.candidates import Problem
from oms_pipelines.routing.standing import Standing, standing
from oms_pipelines.routing.together import whole_groups


@dataclass(frozen=True)
class Wishes:
    """Wishes of some orders (rows). A claim beyond `kept` parts was only looked at."""

    row: np.ndarray  # of the claim
    part: np.ndarray  # of the claim
    at: np.ndarray  # of the claim: where its item stands in `items`
    location: np.ndarray  # of the claim
    quantity: np.ndarray  # of the claim
    items: np.ndarray  # of all rows, ascending
    item_row: np.ndarray  # of the items
    visited: np.ndarray  # parts x rows: location, -1 is none
    kept: np.ndarray  # parts that are made, by row


def wish(
    problem: Problem, stock: np.ndarray, capacity: np.ndarray, batch: np.ndarray
) -> Wishes:  # fmt: skip
    """Let each order of `batch` (ascending) choose."""
    wishes, stand = _wish(problem, stock, capacity, batch)
    if stand is not None:
        # what its rule allows no more is not stood by
        poor = batch[wishes.kept < stand.parts]
        if poor.size and problem.stays is not None:
            stays = problem.stays.copy()
            stays[poor] = False
            wishes, _ = _wish(replace(problem, stays=stays), stock, capacity, batch)
    return wishes


def _wish(
    problem: Problem, stock: np.ndarray, capacity: np.ndarray, batch: np.ndarray
) -> tuple[Wishes, Standing | None]:  # fmt: skip
    items, row = _items(problem, batch)
    left, need = _available(problem, stock, items), problem.need[items]
    worth = problem.worth[items]
    free = (problem.failed[batch] == 0) & (capacity > 0)
    most = int(problem.parts[batch].max())
    visited = np.full((most, batch.size), -1, dtype=np.int64)
    value = np.zeros((most, batch.size), dtype=np.int64)
    stand = standing(problem, batch, items, row, left, free)
    claims, begins, open_ = _begun(problem, batch, stand, row, need, visited, value)
    if stand is not None:
        free[stand.row, stand.location] = False
    for part in range(most):
        rows = np.flatnonzero(open_ & (begins <= part))
        if not rows.size:
            continue
        full = len(rows) == batch.size
        at = np.arange(items.size) if full else np.flatnonzero(np.isin(row, rows))
        starts = np.searchsorted(row[at], rows)
        cover = np.minimum(left[at], need[at, None])
        cover = whole_groups(problem, items[at], cover)
        best = _choice(problem, batch[rows], cover, worth[at], starts, free[rows], part)
        local = np.repeat(best, np.diff(starts, append=at.size))
        quantity = np.where(local >= 0, cover[np.arange(at.size), local], 0)
        visited[part, rows] = best
        value[part, rows] = np.add.reduceat(quantity * worth[at], starts)
        some = np.flatnonzero(quantity)
        claims.append((row[at[some]], np.full(some.size, part), at[some], local[some],
                       quantity[some]))  # fmt: skip
        need[at] -= quantity
        free[rows[best >= 0], best[best >= 0]] = False
        goes_on = (best >= 0) & (np.add.reduceat(need[at], starts) > 0)
        open_[rows] = goes_on & (problem.parts[batch[rows]] > part + 1)
    ends = np.searchsorted(row, np.arange(batch.size))
    rest = np.add.reduceat(need, ends), np.add.reduceat(need * worth, ends)
    kept = _kept(problem, batch, visited, value, *rest)
    claim = (np.concatenate(c) for c in zip(*claims, strict=True))
    return Wishes(*claim, items, row, visited, kept), stand


def _begun(
    problem: Problem, batch: np.ndarray, stand: Standing | None, row: np.ndarray, need: np.ndarray,
    visited: np.ndarray, value: np.ndarray,
) -> tuple[list, np.ndarray, np.ndarray]:  # fmt: skip
    """Begin with what stands: return its claims, by row how many parts, and who goes on.

    What is needed, visited and got is noted.
    """
    if stand is None:
        return [], np.zeros(batch.size, dtype=np.int64), np.ones(batch.size, dtype=bool)
    visited[stand.part, stand.row] = stand.location
    first = np.searchsorted(row, np.arange(batch.size))
    worth = problem.worth[_items(problem, batch)[0]]
    np.subtract.at(need, stand.at, stand.quantity)
    np.add.at(value, (stand.number, row[stand.at]), stand.quantity * worth[stand.at])
    more = (np.add.reduceat(need, first) > 0) & (problem.parts[batch] > stand.parts)
    claim = row[stand.at], stand.number, stand.at, stand.where, stand.quantity
    return [claim], stand.parts, (stand.parts == 0) | more


def _items(problem: Problem, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the items of some orders, and the row of each."""
    sizes = problem.first[batch + 1] - problem.first[batch]
    row = np.repeat(np.arange(batch.size), sizes)
    starts = np.cumsum(sizes) - sizes
    return np.arange(row.size) + (problem.first[batch] - starts)[row], row


def _available(problem: Problem, stock: np.ndarray, items: np.ndarray) -> np.ndarray:
    """Return items x locations of what is left for each, nothing where it was refused."""
    left = stock[problem.sku[items]]
    if problem.refused.size:
        place = np.minimum(np.searchsorted(items, problem.refused[:, 0]), items.size - 1)
        here = items[place] == problem.refused[:, 0]
        left[place[here], problem.refused[here, 1]] = 0
    return left


def _choice(
    problem: Problem, orders: np.ndarray, cover: np.ndarray, worth: np.ndarray,
    starts: np.ndarray, free: np.ndarray, part: int,
) -> np.ndarray:  # fmt: skip
    """Return where each order's next part comes from; -1 is nowhere."""
    units = np.where(free, np.add.reduceat(cover, starts, axis=0), 0)
    price = np.where(units > 0, np.add.reduceat(cover * worth[:, None], starts, axis=0), -1)
    top = np.where(price == price.max(axis=1, keepdims=True), units, 0)
    most = top.max(axis=1, keepdims=True)
    rank = np.where(top == most, problem.rank[orders], np.iinfo(np.int16).max)
    best = np.where(most[:, 0] > 0, rank.argmin(axis=1), -1)
    near = np.flatnonzero(problem.near_first[orders]) if part == 0 else np.empty(0, np.int64)
    if near.size:
        # The unknown comes after everything known, and before what has nothing.
        far = np.nan_to_num(problem.distance[orders[near]], nan=1e9)
        far = np.where(units[near] > 0, far, np.inf)
        best[near] = np.where(np.isfinite(far.min(axis=1)), far.argmin(axis=1), -1)
    return best


def _kept(
    problem: Problem, batch: np.ndarray, visited: np.ndarray, value: np.ndarray,
    rest: np.ndarray, rest_value: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Return how many parts each order makes: all, or those that leave a part worth it."""
    made = visited >= 0
    count = made.sum(axis=0)
    least = problem.least_worth[batch]
    worth_it = np.logical_and.accumulate(value >= least, axis=0) & made
    every = np.take_along_axis(worth_it, np.maximum(count - 1, 0)[None, :], axis=0)[0]
    whole = (rest == 0) & ((count == 1) | every)
    left = value.sum(axis=0) + rest_value - np.cumsum(value, axis=0)
    number = np.arange(1, len(visited) + 1)[:, None]
    stops = worth_it & (left >= least) & (number < problem.parts[batch])
    return np.where(whole, count, (stops * number).max(axis=0))
