"""A run of the command line: the same assets in process, and failures told in one line each."""

import os
import signal
import socket
import subprocess
import sys
from datetime import date
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from dagster_world import NOW, count, sell, small_hub

from oms_pipelines.cli import tick
from oms_pipelines.cli.instance import dagster_home
from oms_pipelines.cli.signals import sigterm_interrupts
from oms_pipelines.cli.summary import show, summary
from oms_pipelines.cli.tick import opened_instance, run_job
from oms_pipelines.config import Oms
from oms_pipelines.errors import Misconfigured
from oms_pipelines.hub import Hub
from oms_pipelines.landing import Landing

DAYS = (date(2026, 6, 30), date(2026, 7, 1))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "hub"


@pytest.fixture
def oms(root: Path, migrated_file: Path, monkeypatch: pytest.MonkeyPatch) -> Oms:
    monkeypatch.setenv("OMS_NOW", NOW)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setenv("DAGSTER_HOME", str(root / "dagster"))
    return small_hub(root, migrated_file)


def test_a_failed_source_is_told_once_and_without_a_traceback(oms, root, capfd):
    sell(root)
    count(root, 10)
    done = run_job(oms, "tick", progress=False)
    [line] = done.failed
    assert line.startswith("orders_raw/down: check reachable failed: ")
    assert "Not a directory" in line
    assert done.results["dispatch"].written.delivered
    assert done.seconds["extract"] > 0
    said = capfd.readouterr()
    assert "Traceback" not in said.out + said.err
    assert "dagster" not in said.err


def test_a_signal_amid_a_step_ends_the_command_and_not_the_step_alone(oms, monkeypatch):
    def stopped(_: Hub) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        raise AssertionError("the signal came late")

    monkeypatch.setattr("oms_pipelines.stages.plan.post_ledger", stopped)
    with sigterm_interrupts(), pytest.raises(KeyboardInterrupt):
        run_job(oms, "tick", progress=False)


def test_a_summary_tells_what_was_kept_back_and_which_levels_have_no_receipt(oms, root, capfd):
    sell(root, quantity="-2")
    told = summary(run_job(oms, "tick", progress=False))
    assert sum(r["quarantined"] for r in told["sources"]) == 1
    assert all("unsettled" in r for r in told["channels"])
    show(told)
    assert "Kept back: 1; `oms quarantine list` says what and why." in capfd.readouterr().out


def test_a_shut_gate_is_told_by_the_asset_it_stops(oms):
    hub = Hub.open(oms)
    gate = {"gate": ["levels"], "verdict": ["shut"], "reason": ["bad"], "judged_at": [hub.now()]}
    with hub.store.session() as session:
        session.upsert("gates", pl.DataFrame(gate))
    told = [x for x in run_job(oms, "tick", progress=False).failed if "reachable" not in x]
    assert told == [
        "published_levels: quality gate levels is shut: bad. "
        "Nothing is published until a check passes again (job quality)"
    ]


def test_a_replay_reads_the_days_of_one_source_and_judges_after(oms, root):
    sell(root)
    done = run_job(oms, "tick", window=DAYS, only="sale", publish=False, progress=False)
    assert done.failed == []
    assert {r.source.id for r in done.results["extract"]} == {"sale"}
    batches = Landing(oms.landing.url).batches("sale", "orders")
    assert [(b.purpose, b.window_end and b.window_end.date()) for b in batches] == [
        ("backfill", date(2026, 7, 2))
    ]
    assert "plan" in done.results
    assert "dispatch" not in done.results
    with done.hub.store.session(read_only=True) as session:
        assert "orders" in session.table("gates")["gate"].to_list()


def test_an_instance_file_that_cannot_be_used_is_named(oms, root):
    home = dagster_home(oms)
    (home / "dagster.yaml").write_text("run_queue: {no_such_setting: 1}\n", "utf-8")
    with (
        pytest.raises(Misconfigured, match=r"dagster\.yaml: .*; mend it, or delete it"),
        opened_instance(oms),
    ):
        pass


def test_a_run_whose_process_was_killed_is_ended_by_the_next(oms):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    with opened_instance(oms) as instance:
        for process in (f"{socket.gethostname()}:{gone.pid}", f"another-host:{gone.pid}"):
            instance.add_run(
                dg.DagsterRun(
                    job_name="tick",
                    run_id=dg._core.utils.make_new_run_id(),
                    status=dg.DagsterRunStatus.STARTED,
                    tags={tick.PROCESS: process},
                )
            )
    with opened_instance(oms) as instance:
        found = {r.tags[tick.PROCESS].split(":")[0]: r.status for r in instance.get_runs()}
    assert found == {
        socket.gethostname(): dg.DagsterRunStatus.FAILURE,
        "another-host": dg.DagsterRunStatus.STARTED,
    }
