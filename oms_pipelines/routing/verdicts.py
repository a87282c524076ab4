"""Why each location was taken, could have been, or could not: from what was left in turn.

What stood at a location when an order's turn came is the stock at the start less all that
the orders before it took, whatever the rounds in which that was found.
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
from oms_pipelines.routing.wishes import whole_groups

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
    """What was found: n x L for candidates, m for items."""

    failed: np.ndarray  # n x L, the first test failed, 0 is none
    part: np.ndarray  # n x L, the part it ships, -1 is none
    lost_to: np.ndarray  # n x L, the order that took what it wanted, -1 is none
    started: np.ndarray  # n x L, had something at the start
    had: np.ndarray  # m, some location had another unit at the start
    left: np.ndarray  # m, some location still had one after its turn
    room: np.ndarray  # m, one of these also had capacity


def judge(problem: Problem, taken: Taken) -> Verdicts:
    """Return the verdicts over all candidates."""
    n, count = problem.failed.shape
    result = Verdicts(
        failed=problem.failed.copy(),
        part=np.full((n, count), -1, dtype=np.int16),
        lost_to=np.full((n, count), -1, dtype=np.int32),
        started=np.zeros((n, count), dtype=bool),
        had=np.zeros(len(problem.need), dtype=bool),
        left=np.zeros(len(problem.need), dtype=bool),
        room=np.zeros(len(problem.need), dtype=bool),
    )
    if not n or not count:
        return result
    result.part[problem.order[taken.item], taken.location] = taken.part
    rooms, room_lost = _rooms(problem, result.part)
    total = np.add.reduceat(problem.need, problem.first[:-1])
    for some, at_start, in_turn, own, taker in _history(problem, taken):
        _tests(problem, result, total, some, at_start, in_turn, rooms, room_lost)
        short = _lost(problem, at_start, in_turn, taker)
        open_ = result.failed[:, some] != CAPACITY_TAKEN
        result.lost_to[:, some] = np.where(open_, short, room_lost[:, some])
        _supply(problem, result, some, at_start - own, in_turn - own, rooms)
    standing = (result.failed > 0) & (result.failed < STOCK_TAKEN)
    result.lost_to[standing] = -1
    return result


def _rooms(problem: Problem, part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return capacity left in turn, and who took the last of it."""
    made = part >= 0
    before = np.cumsum(made, axis=0, dtype=np.int32) - made
    rooms = np.where(problem.capacity < UNLIMITED, problem.capacity - before, UNLIMITED)
    turns = np.arange(len(part), dtype=np.int32)[:, None]
    return rooms, _previous(np.where(made, turns, -1))


def _previous(marks: np.ndarray) -> np.ndarray:
    """Return the last mark above each row, -1 where there is none."""
    last = np.maximum.accumulate(marks, axis=0)
    return np.vstack([np.full((1, marks.shape[1]), -1, dtype=last.dtype), last[:-1]])


def _history(
    problem: Problem, taken: Taken
) -> Iterator[tuple[slice, np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Yield, some locations at a time, m x some: stock at start, in turn, own take, last taker."""
    by_sku = np.argsort(problem.sku, kind="stable")  # and so by turn
    place = np.empty_like(by_sku)
    place[by_sku] = np.arange(by_sku.size)
    sku = problem.sku[by_sku]
    head = np.searchsorted(sku, sku)
    for low in range(0, len(problem.location_ids), _WIDTH):
        some = slice(low, min(low + _WIDTH, len(problem.location_ids)))
        mine = (taken.location >= some.start) & (taken.location < some.stop)
        moved = np.zeros((by_sku.size, some.stop - low), dtype=np.int64)
        moved[place[taken.item[mine]], taken.location[mine] - low] = taken.quantity[mine]
        before = np.cumsum(moved, axis=0) - moved
        in_turn = problem.stock[sku, some] - (before - before[head])
        rows = np.arange(by_sku.size)[:, None]
        last = _previous(np.where(moved > 0, rows, -1))
        taker = np.where(last >= head[:, None], problem.order[by_sku[last]], -1)
        at_start = problem.stock[problem.sku, some]
        yield some, at_start, in_turn[place], moved[place], taker[place]


def _tests(
    problem: Problem, result: Verdicts, total: np.ndarray, some: slice, at_start: np.ndarray,
    in_turn: np.ndarray, rooms: np.ndarray, room_lost: np.ndarray,
) -> None:  # fmt: skip
    """Find the first test failed of those that others can change."""
    offered = _units(problem, at_start)
    _withhold(problem, some, at_start, in_turn)
    start, turn = _units(problem, at_start), _units(problem, in_turn)
    enough = np.where(problem.parts == 1, total, 1)[:, None]
    full = problem.capacity[None, some] == 0
    tests = [
        (REFUSED, (start < enough) & (offered >= enough)),
        (NO_STOCK, start == 0),
        (NO_SPLIT, start < enough),
        (CAPACITY, np.broadcast_to(full, start.shape)),
        (STOCK_TAKEN, turn < enough),
        (CAPACITY_TAKEN, rooms[:, some] <= 0),
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


def _lost(
    problem: Problem, at_start: np.ndarray, in_turn: np.ndarray, taker: np.ndarray
) -> np.ndarray:  # fmt: skip
    """Return n x some: the last order that took a unit which would have been wanted."""
    need = problem.need[:, None]
    short = np.minimum(in_turn, need) < np.minimum(at_start, need)
    return np.maximum.reduceat(np.where(short, taker, -1), problem.first[:-1], axis=0)


def _supply(
    problem: Problem, result: Verdicts, some: slice, others: np.ndarray, left: np.ndarray,
    rooms: np.ndarray,
) -> None:  # fmt: skip
    """Note for each item whether a location had more of it, has it still, and has room.

    `others` is what stood there at the start, `left` in turn, both less its own take.
    """
    admitted = (problem.failed[:, some] == 0)[problem.order]
    result.had[:] |= ((others > 0) & admitted).any(axis=1)
    still = (left > 0) & admitted
    result.left[:] |= still.any(axis=1)
    result.room[:] |= (still & (rooms[problem.order, some] > 0)).any(axis=1)
