"""Open the store of the configuration to read from it."""

from collections.abc import Generator
from contextlib import contextmanager

from oms_pipelines import config
from oms_pipelines.store import Session, open_store


@contextmanager
def reading() -> Generator[Session]:
    """Open a read-only session on the configured store."""
    store = open_store(config.load().store.url)
    store.migrate()
    with store.session(read_only=True) as session:
        yield session
