"""What long work says, on a line of a terminal that goes when it ends."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager


@contextmanager
def spoken(wanted: bool | None = None) -> Generator[Callable[[str], None]]:
    """Give what takes a line of progress; without a terminal (or `wanted`) it says nothing."""
    if not (sys.stderr.isatty() if wanted is None else wanted):
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    parts = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*parts, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting ...")
        yield lambda text: bar.update(task, description=text[:100])
