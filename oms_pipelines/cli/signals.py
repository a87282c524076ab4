"""SIGTERM as Ctrl+C, so that what a command started ends with it."""

import signal
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any


@contextmanager
def sigterm_interrupts() -> Generator[None]:
    """Raise KeyboardInterrupt at a SIGTERM while the block runs."""
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt
