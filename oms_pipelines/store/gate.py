"""Who may use a store file within this process: many readers, or one writer.

DuckDB locks its file against other processes only, and POSIX forgets that lock when any
descriptor of the file is closed; so the threads of one process must agree among themselves.
"""

import threading
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from oms_pipelines.errors import OmsError, Unreachable


class Gate:
    """Readers share, a writer is alone. A thread that waits for itself is told so."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._readers: Counter[int] = Counter()
        self._writer: int | None = None

    @contextmanager
    def enter(self, *, shared: bool, deadline: float) -> Generator[None]:
        """Hold the gate. Raises Unreachable past the deadline (monotonic seconds)."""
        me = threading.get_ident()
        with self._changed:
            if self._writer == me or (not shared and self._readers[me]):
                raise OmsError("a session of this thread is open already; end it first")
            while self._writer is not None or (not shared and self._readers.total()):
                if not self._changed.wait(max(0.0, deadline - time.monotonic())):
                    raise Unreachable(
                        "the store is in use by another session of this process; try again"
                    )
            self._take(me, shared=shared)
        try:
            yield
        finally:
            with self._changed:
                self._give(me, shared=shared)
                self._changed.notify_all()

    def _take(self, me: int, *, shared: bool) -> None:
        if shared:
            self._readers[me] += 1
        else:
            self._writer = me

    def _give(self, me: int, *, shared: bool) -> None:
        if not shared:
            self._writer = None
        elif self._readers[me] > 1:
            self._readers[me] -= 1
        else:
            del self._readers[me]


_gates: dict[Path, Gate] = {}
_gates_lock = threading.Lock()


def gate_of(path: Path) -> Gate:
    """Return the one gate of a file in this process."""
    with _gates_lock:
        return _gates.setdefault(path.resolve(), Gate())
