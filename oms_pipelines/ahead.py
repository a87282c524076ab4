"""Make the next items while this one is used: two cores, and few items in memory."""

from collections import deque
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TypeVar

T = TypeVar("T")


def ahead(items: Generator[T], depth: int) -> Generator[T]:
    """Yield items in order; a thread makes up to `depth` more while one is used.

    An error comes in its turn. Close it to stop early; an item in the making is dropped.
    """

    def made() -> tuple[T] | None:
        for item in items:
            return (item,)
        return None

    with closing(items), ThreadPoolExecutor(1, thread_name_prefix="ahead") as pool:
        following = deque(pool.submit(made) for _ in range(depth))
        while item := following.popleft().result():
            following.append(pool.submit(made))
            yield item[0]
