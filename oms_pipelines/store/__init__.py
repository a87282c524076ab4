"""The consolidated store: `open_store(url)` gives the embedded or the served one."""

from oms_pipelines.errors import Misconfigured
from oms_pipelines.store.base import Merged, Session, Store

__all__ = ["Merged", "Session", "Store", "open_store"]


def open_store(url: str) -> Store:
    """Open the store of a URL: `duckdb:///path` or `postgresql+psycopg://...`.

    Raises Misconfigured for any other URL.
    """
    if url.startswith("duckdb:///"):
        from oms_pipelines.store.duckdb import DuckdbStore

        return DuckdbStore(url.removeprefix("duckdb:///"))
    if url.startswith(("postgresql+psycopg://", "postgresql://")):
        from oms_pipelines.store.postgres import PostgresStore

        return PostgresStore(url.replace("postgresql+psycopg://", "postgresql://", 1))
    raise Misconfigured(["store.url: write duckdb:///PATH or postgresql+psycopg://..."])
