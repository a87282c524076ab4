"""Both instance files are tried: a run is executed, and found again by who opens it anew."""

import shutil
import socket
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import dagster as dg
import psycopg
import pytest
from dagster_world import NOW, TODAY, run, sell, small_hub

from oms_pipelines.config import Oms

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"


class _Forward(socketserver.BaseRequestHandler):
    """Passes a connection on loopback to a socket file: the address Dagster is given is TCP."""

    def handle(self) -> None:
        with socket.socket(socket.AF_UNIX) as other:
            other.connect(self.server.target)  # type: ignore[attr-defined]
            back = threading.Thread(target=_copy, args=(other, self.request), daemon=True)
            back.start()
            _copy(self.request, other)
            back.join(5)


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


@pytest.fixture
def postgres_variables(postgres_server: str) -> Iterator[dict[str, str]]:
    """Yield the variables of a database of this test's own, by TCP on loopback."""
    with psycopg.connect(postgres_server, autocommit=True) as con:
        con.execute("DROP DATABASE IF EXISTS dagster_history WITH (FORCE)")
        con.execute("CREATE DATABASE dagster_history")
    folder = parse_qs(urlsplit(postgres_server).query)["host"][0]
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Forward) as server:
        server.daemon_threads = True
        server.target = f"{folder}/.s.PGSQL.5432"  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield {
            "OMS_PG_HOST": "127.0.0.1",
            "OMS_PG_PORT": str(server.server_address[1]),
            "OMS_PG_USER": urlsplit(postgres_server).username or "postgres",
            "OMS_PG_PASSWORD": "unused",
            "OMS_PG_DB": "dagster_history",
        }
        server.shutdown()


@pytest.fixture
def oms(tmp_path: Path, migrated_file: Path, monkeypatch: pytest.MonkeyPatch) -> Oms:
    monkeypatch.setenv("OMS_NOW", NOW)
    return small_hub(tmp_path / "hub", migrated_file)


def _home(folder: Path, file: str) -> Path:
    folder.mkdir()
    shutil.copy(DEPLOY / file, folder / "dagster.yaml")
    return folder


def _runs_and_is_found_again(home: Path, oms: Oms) -> dg.DagsterInstance:
    sell(Path(oms.output))
    with dg.DagsterInstance.from_config(str(home)) as instance:
        done = run(oms, instance=instance, assets=["orders_raw/sale"])
        assert done.success
    again = dg.DagsterInstance.from_config(str(home))
    [found] = again.get_runs()
    assert (found.run_id, found.status) == (done.run_id, dg.DagsterRunStatus.SUCCESS)
    record = again.get_latest_materialization_event(dg.AssetKey(["orders_raw", "sale"]))
    assert record is not None
    assert record.dagster_event is not None
    assert record.dagster_event.partition == TODAY
    return again


def _is_set_as_declared(instance: dg.DagsterInstance) -> None:
    assert not instance.telemetry_enabled
    assert not instance.nux_enabled
    assert instance.run_monitoring_enabled
    pools = instance.get_concurrency_config().pool_config
    assert (pools.default_pool_limit, str(pools.pool_granularity)) == (1, "PoolGranularity.RUN")
    [lane] = instance.get_concurrency_config().run_queue_config.tag_concurrency_limits
    assert lane == {"key": "oms/lane", "value": "tick", "limit": 1}


def test_the_local_instance_keeps_its_history_in_its_folder(tmp_path, oms):
    home = _home(tmp_path / "home", "dagster.local.yaml")
    with _runs_and_is_found_again(home, oms) as instance:
        _is_set_as_declared(instance)
    assert (home / "history" / "runs.db").is_file()


def test_the_deployments_instance_keeps_its_history_in_postgres(
    tmp_path, oms, postgres_variables, monkeypatch
):
    for name, value in postgres_variables.items():
        monkeypatch.setenv(name, value)
    home = _home(tmp_path / "home", "dagster.postgres.yaml")
    with _runs_and_is_found_again(home, oms) as instance:
        _is_set_as_declared(instance)
        assert type(instance.event_log_storage).__name__ == "PostgresEventLogStorage"
    assert not (home / "history").exists()


def test_the_deployments_instance_names_the_variable_that_is_missing(tmp_path, monkeypatch):
    monkeypatch.delenv("OMS_PG_HOST", raising=False)
    home = _home(tmp_path / "home", "dagster.postgres.yaml")
    with pytest.raises(Exception, match="OMS_PG_HOST"):
        dg.DagsterInstance.from_config(str(home))
