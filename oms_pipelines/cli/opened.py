"""Open the store of the configuration, to read from it or to change it."""

from collections.abc import Collection, Generator
from contextlib import contextmanager
from datetime import UTC, datetime

import typer

from oms_pipelines import clock, config
from oms_pipelines.config import Oms
from oms_pipelines.errors import Unreachable
from oms_pipelines.store import Session, Store, open_store


def store_of(oms: Oms) -> Store:
    """Return the store of a configuration, migrated."""
    store = open_store(oms.store.url)
    store.migrate()
    return store


@contextmanager
def reading(oms: Oms | None = None) -> Generator[Session]:
    """Open a read-only session on the configured store."""
    with store_of(oms or config.load()).session(read_only=True) as session:
        yield session


def time_of(oms: Oms) -> datetime:
    """Return the hub's time, to look at things by; the machine's where its clock is down."""
    try:
        return clock.now(oms)
    except Unreachable:
        return datetime.now(UTC)


def one_of(value: str | None, known: Collection[str], option: str) -> None:
    """Refuse a word that is none of those known, as wrong usage."""
    if value is not None and value not in known:
        there = ", ".join(known) or "none"
        raise typer.BadParameter(f"{value} is none of {there}", param_hint=option)
