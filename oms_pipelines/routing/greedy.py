"""Every order in its turn takes the best that is left: the plan of a queue, made in rounds.

The result is that of a plain loop over orders. A round looks at the first waiting orders
together: each wishes as if it were alone, and its wish stands when what it wants is still
there after all who come before, whatever those who are unsure may take. That suffices,
since less stock never makes another location better: a wish that can still be served
would be made again. The first in the queue is always sure, so every round moves on.
"""

from dataclasses import dataclass

import numpy as np

from oms_pipelines.routing.candidates import UNLIMITED, Problem
from oms_pipelines.routing.wishes import Wishes, wish

_PATIENCE = 64  # passes over one round before only its undisturbed head is taken


@dataclass(frozen=True)
class Taken:
    """Claims that were served, and how many parts each order (n) got."""

    part: np.ndarray
    item: np.ndarray
    location: np.ndarray
    quantity: np.ndarray
    parts: np.ndarray


def solve(problem: Problem, window: int = 2048) -> Taken:
    """Serve every order in its turn. `window` moves the time it takes, never the result."""
    stock, capacity = problem.stock.copy(), problem.capacity.copy()
    count, seen = len(problem.parts), 0
    waiting = np.empty(0, dtype=np.int64)
    parts = np.zeros(count, dtype=np.int64)
    claims = [np.empty((4, 0), dtype=np.int64)]
    while len(problem.location_ids) and (seen < count or waiting.size):
        upto = min(count, seen + max(0, window - waiting.size))
        batch = np.concatenate([waiting[:window], np.arange(seen, upto)])
        seen, later = upto, waiting[window:]
        wishes = wish(problem, stock, capacity, batch)
        sure = _sure(problem, stock, capacity, batch, wishes)
        parts[batch[sure]] = wishes.kept[sure]
        claims.append(_take(problem, stock, capacity, wishes, sure))
        waiting = np.concatenate([batch[~sure], later])
        share = sure.mean()
        window = min(window * 2, 1 << 14) if share > 0.8 else window
        window = max(window // 2, 64) if share < 0.4 else window
    return Taken(*np.concatenate(claims, axis=1), parts)


def _take(
    problem: Problem, stock: np.ndarray, capacity: np.ndarray, wishes: Wishes, sure: np.ndarray
) -> np.ndarray:  # fmt: skip
    """Take what sure orders keep from stock and capacity; return part, item, location, units."""
    mine = sure[wishes.row] & (wishes.part < wishes.kept[wishes.row])
    item, location = wishes.items[wishes.at[mine]], wishes.location[mine]
    np.subtract.at(stock, (problem.sku[item], location), wishes.quantity[mine])
    part, row = np.nonzero(wishes.visited >= 0)
    made = sure[row] & (part < wishes.kept[row])
    used = np.bincount(wishes.visited[part[made], row[made]], minlength=capacity.size)
    np.subtract(capacity, used, out=capacity, where=capacity < UNLIMITED)
    return np.stack([wishes.part[mine], item, location, wishes.quantity[mine]])


class _Queue:
    """Amounts that stand in queues, and what stands before each."""

    def __init__(self, queue: np.ndarray, row: np.ndarray):
        self.order = np.lexsort((row, queue))
        sorted_queue = queue[self.order]
        self.head = np.searchsorted(sorted_queue, sorted_queue)

    def before(self, amount: np.ndarray) -> np.ndarray:
        """Return the sum of the amounts before each, in its own queue."""
        mine = amount[self.order]
        run = np.cumsum(mine) - mine
        result = np.empty_like(run)
        result[self.order] = run - run[self.head]
        return result


def _sure(
    problem: Problem, stock: np.ndarray, capacity: np.ndarray, batch: np.ndarray, wishes: Wishes
) -> np.ndarray:  # fmt: skip
    """Tell which wishes stand whatever the others do.

    Starts from all, and drops those that might find too little after the sure ones before
    them took their wish, and the unsure ones everything they need, until none is dropped.
    """
    item = wishes.items[wishes.at]
    cells = _Queue(problem.sku[item] * len(capacity) + wishes.location, wishes.row)
    needs = _Queue(problem.sku[wishes.items], wishes.item_row)
    need = problem.need[wishes.items]
    spare = stock[problem.sku[item], wishes.location] - wishes.quantity
    kept = np.where(wishes.part < wishes.kept[wishes.row], wishes.quantity, 0)
    rooms = _Rooms(problem, capacity, batch, wishes)
    sure = np.ones(batch.size, dtype=bool)
    for _ in range(_PATIENCE):
        disturbed = needs.before(np.where(sure[wishes.item_row], 0, need))
        taken = cells.before(np.where(sure[wishes.row], kept, 0))
        lacking = wishes.row[taken + disturbed[wishes.at] > spare]
        still = sure.copy()
        still[lacking] = False
        still[rooms.lacking(sure)] = False
        if still.all() or (still == sure).all():
            return still
        sure = still
    return np.arange(batch.size) < np.argmin(sure)


class _Rooms:
    """Locations that ship a limited number of orders, and the parts that want them."""

    def __init__(self, problem: Problem, capacity: np.ndarray, batch: np.ndarray, wishes: Wishes):
        part, row = np.nonzero(wishes.visited >= 0)
        location = wishes.visited[part, row]
        tight = capacity < batch.size
        wanted = tight[location]
        self.row, self.location = row[wanted], location[wanted]
        self.made = part[wanted] < wishes.kept[self.row]
        self.queue = _Queue(self.location, self.row)
        self.left = capacity[self.location]
        self.slot = np.cumsum(tight) - 1
        self.open = problem.failed[batch][:, tight] == 0

    def lacking(self, sure: np.ndarray) -> np.ndarray:
        """Return the rows that might find a location full."""
        if not self.row.size:
            return self.row
        taken = self.queue.before(np.where(sure[self.row], self.made, False).astype(np.int64))
        might = np.cumsum(self.open & ~sure[:, None], axis=0)
        # the row's own uncertainty stands in the sum too, and is no rival
        others = might[self.row, self.slot[self.location]] - ~sure[self.row]
        return self.row[taken + others >= self.left]
