"""Why each location was taken, could have been, or could not: by what all others left there.

What others left is the stock at the start less all that they took, with what the order took
itself: the same whether orders were planned one after another or together.
"""

from dataclasses import dataclass

import numpy as np

from oms_pipelines.routing.candidates import (
    BY_RULE,
    CLOSED,
    NO_COLLECT,
    NO_DISTANCE,
    NO_RULE,
    NO_SHIP,
    NOT_CHOSEN,
    TOO_FAR,
    TOO_LATE,
    UNLIMITED,
    Problem,
)
from oms_pipelines.routing.greedy import Taken
from oms_pipelines.routing.rows import side_by_side
from oms_pipelines.routing.together import whole_groups

REFUSED, NO_STOCK, NO_SPLIT, CAPACITY, STOCK_TAKEN, CAPACITY_TAKEN = range(10, 16)
TESTS = {
    NO_RULE: "no rule matches",
    NOT_CHOSEN: "not the chosen pickup location",
    NO_COLLECT: "does not collect",
    NO_SHIP: "does not ship",
    BY_RULE: "rule",
    NO_DISTANCE: "distance unknown",
    TOO_FAR: "too far",
    CLOSED: "border closed",
    TOO_LATE: "too late for the promise",
    REFUSED: "refused before",
    NO_STOCK: "no stock",
    NO_SPLIT: "split not allowed",
    CAPACITY: "capacity",
    STOCK_TAKEN: "stock taken",
    CAPACITY_TAKEN: "capacity taken",
}


@dataclass(frozen=True)
class Verdicts:
    """What was found: n x L for candidates; for items (m) of orders that lack something, whether
    some admitted location ..."""

    failed: np.ndarray  # n x L, the first test failed, 0 is none
    part: np.ndarray  # n x L, the part it ships, -1 is none
    started: np.ndarray  # n x L, had something at the start
    held: np.ndarray  # m, ... had another unit at the start
    offered: np.ndarray  # m, ... that had one had not refused it
    whole: np.ndarray  # m, ... also had all that must come with it
    left: np.ndarray  # m, ... still has, when others took what they did
    room: np.ndarray  # m, ... and can ship another part, or ships one of the order


def judge(problem: Problem, taken: Taken) -> Verdicts:
    """Return the verdicts over all candidates."""
    n, count = problem.failed.shape
    part = np.full((n, count), -1, dtype=np.int16)
    notes = [np.zeros(len(problem.need), dtype=bool) for _ in range(5)]
    if not n or not count:
        return Verdicts(problem.failed.copy(), part, np.zeros((n, count), dtype=bool), *notes)
    part[problem.order[taken.item], taken.location] = taken.part
    made = part >= 0
    rooms = np.where(problem.capacity < UNLIMITED, problem.capacity - made.sum(axis=0), UNLIMITED)
    free = (rooms > 0) | made
    shelves = _Shelves(problem, taken)
    failed, started = _tests(problem, shelves, free)
    _supply(problem, shelves, free, notes)
    return Verdicts(failed, part, started, *notes)


class _Shelves:
    """What stood at each location, what each item took there, and what is left."""

    def __init__(self, problem: Problem, taken: Taken):
        after = problem.stock.copy()
        np.subtract.at(after, (problem.sku[taken.item], taken.location), taken.quantity)
        # location by location, and narrow: each is passed over by itself
        kind = np.int32 if problem.need.sum() < np.iinfo(np.int32).max else np.int64
        most = np.iinfo(kind).max
        self.before, self.after = (
            np.minimum(x, most).T.astype(kind, order="C") for x in (problem.stock, after)
        )
        self.need = problem.need.astype(kind)
        by = np.argsort(taken.location, kind="stable")
        self.item, self.units = taken.item[by], taken.quantity[by].astype(kind)
        ends = np.arange(problem.stock.shape[1] + 1)
        self.own = np.searchsorted(taken.location[by], ends)
        refused = problem.refused[np.argsort(problem.refused[:, 1], kind="stable")]
        self.refused, self.refusals = refused[:, 0], np.searchsorted(refused[:, 1], ends)

    def taken_at(self, location: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the items that took something there, and how many units."""
        mine = slice(self.own[location], self.own[location + 1])
        return self.item[mine], self.units[mine]

    def refused_at(self, location: int) -> np.ndarray:
        """Return the items that were refused there."""
        return self.refused[self.refusals[location] : self.refusals[location + 1]]


def _tests(
    problem: Problem, shelves: _Shelves, free: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Return the first test failed (n x L), and who had something at the start (n x L).

    After the standing tests come those that stock, capacity and others can change.
    """
    count = problem.stock.shape[1]
    failed = problem.failed.T.copy(order="C")
    started = np.empty(failed.shape, dtype=bool)
    open_ = np.ascontiguousarray(free.T)
    total = np.add.reduceat(shelves.need, problem.first[:-1])
    enough = np.where(problem.parts == 1, total, 1)

    def look(location: int) -> None:
        start, offered, end = _units_at(problem, shelves, location)
        short = start < enough
        code = np.where(open_[location], np.int8(0), np.int8(CAPACITY_TAKEN))
        code[end < enough] = STOCK_TAKEN
        if problem.capacity[location] == 0:
            code[:] = CAPACITY
        code[short] = NO_SPLIT
        code[start == 0] = NO_STOCK
        code[short & (offered >= enough)] = REFUSED
        np.copyto(failed[location], code, where=failed[location] == 0)
        np.greater(start, 0, out=started[location])

    side_by_side(look, range(count))
    return np.ascontiguousarray(failed.T), np.ascontiguousarray(started.T)


def _units_at(
    problem: Problem, shelves: _Shelves, location: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Return the units of each order (n) that could come from there.

    At the start; at the start had nothing been refused; and when others took theirs.
    """
    start = np.minimum(shelves.before[location][problem.sku], shelves.need)
    end = shelves.after[location][problem.sku]
    item, units = shelves.taken_at(location)
    end[item] += units
    np.minimum(end, shelves.need, out=end)
    refused = shelves.refused_at(location)
    if not refused.size:
        offered = start = _units(problem, start)
        return start, offered, _units(problem, end)
    offered = _units(problem, start)
    start[refused] = end[refused] = 0
    return _units(problem, start), offered, _units(problem, end)


def _units(problem: Problem, cover: np.ndarray) -> np.ndarray:
    """Return the units of each order (n) in whole groups, of what covers each item (m)."""
    whole = whole_groups(problem, slice(None), cover[:, None])
    return np.add.reduceat(whole[:, 0], problem.first[:-1])


def _supply(
    problem: Problem, shelves: _Shelves, free: np.ndarray, notes: list[np.ndarray]
) -> None:  # fmt: skip
    """Note for each item of orders that lack something what locations had, have, and can ship."""
    got = np.zeros(len(problem.need), dtype=np.int64)
    np.add.at(got, shelves.item, shelves.units)
    lacks = np.logical_or.reduceat(got < problem.need, problem.first[:-1])
    items = np.flatnonzero(lacks[problem.order])
    if not items.size:
        return
    place = np.full(len(problem.need), -1)
    place[items] = np.arange(items.size)
    order, sku, need = problem.order[items], problem.sku[items], problem.need[items]
    for location in range(problem.stock.shape[1]):
        item, units = shelves.taken_at(location)
        own, refused = place[item], place[shelves.refused_at(location)]
        raw = problem.stock[sku, location]
        raw[own[own >= 0]] -= units[own >= 0]
        offered = raw.copy()
        offered[refused[refused >= 0]] = 0
        left = np.where(offered > 0, shelves.after[location][sku], 0)
        whole, still = (
            whole_groups(problem, items, np.minimum(x, need)[:, None])[:, 0] > 0
            for x in (np.maximum(offered, 0), left)
        )
        admitted = problem.failed[order, location] == 0
        found = [raw > 0, offered > 0, whole, still, still & free[order, location]]
        for note, has in zip(notes, found, strict=True):
            note[items] |= has & admitted
