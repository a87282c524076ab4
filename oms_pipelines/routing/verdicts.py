"""Why each location was taken, could have been, or could not: by what all others left there.

What others left is the stock at the start less all that they took, with what the order took
itself: the same whether orders were planned one after another or together.
"""

from collections.abc import Iterator
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
_WIDTH = 10  # locations looked at together, to bound memory


@dataclass(frozen=True)
class Verdicts:
    """What was found: n x L for candidates; for items, m, whether some admitted location ..."""

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
    result = Verdicts(
        problem.failed.copy(),
        np.full((n, count), -1, dtype=np.int16),
        np.zeros((n, count), dtype=bool),
        *(np.zeros(len(problem.need), dtype=bool) for _ in range(5)),
    )
    if not n or not count:
        return result
    result.part[problem.order[taken.item], taken.location] = taken.part
    made = result.part >= 0
    rooms = np.where(problem.capacity < UNLIMITED, problem.capacity - made.sum(axis=0), UNLIMITED)
    free = (rooms > 0) | made
    total = np.add.reduceat(problem.need, problem.first[:-1])
    for some, at_start, own, left in _shelves(problem, taken):
        raw = at_start - own
        _tests(problem, result, total, some, at_start, left + own, free)
        _supply(problem, result, some, raw, at_start - own, left, free)
    return result


def _shelves(
    problem: Problem, taken: Taken
) -> Iterator[tuple[slice, np.ndarray, np.ndarray, np.ndarray]]:
    """Yield, some locations at a time, m x some: stock at start, own take, what is left."""
    after = problem.stock.copy()
    np.subtract.at(after, (problem.sku[taken.item], taken.location), taken.quantity)
    for low in range(0, len(problem.location_ids), _WIDTH):
        some = slice(low, min(low + _WIDTH, len(problem.location_ids)))
        mine = (taken.location >= some.start) & (taken.location < some.stop)
        own = np.zeros((len(problem.sku), some.stop - low), dtype=np.int64)
        own[taken.item[mine], taken.location[mine] - low] = taken.quantity[mine]
        yield some, problem.stock[problem.sku, some], own, after[problem.sku, some]


def _tests(
    problem: Problem, result: Verdicts, total: np.ndarray, some: slice, at_start: np.ndarray,
    at_end: np.ndarray, free: np.ndarray,
) -> None:  # fmt: skip
    """Find the first test failed of those that stock, capacity and others can change."""
    offered = _units(problem, at_start)
    _withhold(problem, some, at_start, at_end)
    start, end = _units(problem, at_start), _units(problem, at_end)
    enough = np.where(problem.parts == 1, total, 1)[:, None]
    full = problem.capacity[None, some] == 0
    tests = [
        (REFUSED, (start < enough) & (offered >= enough)),
        (NO_STOCK, start == 0),
        (NO_SPLIT, start < enough),
        (CAPACITY, np.broadcast_to(full, start.shape)),
        (STOCK_TAKEN, end < enough),
        (CAPACITY_TAKEN, ~free[:, some]),
    ]
    failed = result.failed[:, some]
    for code, fails in tests:
        failed[(failed == 0) & fails] = code
    result.started[:, some] = start > 0


def _units(problem: Problem, stock: np.ndarray) -> np.ndarray:
    """Return n x some: units of each order that could come from each location."""
    cover = np.minimum(stock, problem.need[:, None])
    cover = whole_groups(problem, slice(None), cover)
    return np.add.reduceat(cover, problem.first[:-1], axis=0)


def _withhold(problem: Problem, some: slice, *stocks: np.ndarray) -> None:
    """Nothing is offered where it was refused."""
    item, location = problem.refused.T
    mine = (location >= some.start) & (location < some.stop)
    for stock in stocks:
        stock[item[mine], location[mine] - some.start] = 0


def _supply(
    problem: Problem, result: Verdicts, some: slice, raw: np.ndarray, offered: np.ndarray,
    left: np.ndarray, free: np.ndarray,
) -> None:  # fmt: skip
    """Note for each item whether a location had more of it, has it still, and has room.

    `raw` is what stood there at the start, `offered` what was not refused of it, both less the
    order's own take; `left` is what is there when all have taken theirs.
    """
    admitted = (problem.failed[:, some] == 0)[problem.order]
    left = np.where(offered > 0, left, 0)
    whole, still = (
        whole_groups(problem, slice(None), np.minimum(x, problem.need[:, None])) > 0
        for x in (np.maximum(offered, 0), left)
    )
    found = [raw > 0, offered > 0, whole, still, still & free[problem.order, some]]
    noted = [result.held, result.offered, result.whole, result.left, result.room]
    for note, has in zip(noted, found, strict=True):
        note[:] |= (has & admitted).any(axis=1)
