"""Work in a process of its own, so that its memory is its own."""

import multiprocessing
import resource
from collections.abc import Callable
from typing import Any


def apart(work: Callable[..., Any], *given: Any) -> tuple[Any, float]:
    """Return what `work(*given)` returns, and the peak megabytes of its process and children."""
    context = multiprocessing.get_context("spawn")
    out = context.Queue()
    process = context.Process(target=_told, args=(work, given, out))
    process.start()
    found = out.get(timeout=1200)
    process.join()
    return found


def _told(work: Callable[..., Any], given: tuple, out: Any) -> None:
    found = work(*given)
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    out.put((found, max(own, children)))
