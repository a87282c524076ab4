"""Work on rows of large arrays a slab at a time: what is between fits a cache, and two go at once.

numpy works outside of the GIL. Each slab writes what is its own, so threads move no result.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Part = TypeVar("Part")
THREADS = 2
ROWS = 4096


def side_by_side(work: Callable[[Part], None], parts: Iterable[Part]) -> None:
    """Do some work on each part, two at a time. Raises what the first to fail raised."""
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(work, parts):
            pass


def by_rows(work: Callable[[slice], None], count: int) -> None:
    """Do some work on each slab of `count` rows."""
    slabs = [slice(low, min(low + ROWS, count)) for low in range(0, count, ROWS)]
    if len(slabs) == 1:
        work(slabs[0])
    elif slabs:
        side_by_side(work, slabs)
