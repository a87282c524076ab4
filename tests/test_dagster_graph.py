"""What the code location declares: assets, checks, jobs, schedules, the sensor."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster_world import NOW, TODAY, sell, settings, small_hub

from assets.jobs import jobs, schedules
from assets.partitions import days, today
from assets.sensors import sensors
from oms_pipelines import config
from oms_pipelines.config import Oms
from oms_pipelines.definitions import OWNERS, definitions
from oms_pipelines.quality.suites import GATES

ROOT = Path(__file__).resolve().parents[1]
GRAPH = Path(__file__).with_name("expected") / "asset_graph.txt"


@pytest.fixture
def oms(tmp_path: Path, migrated_file: Path, monkeypatch: pytest.MonkeyPatch) -> Oms:
    monkeypatch.setenv("OMS_NOW", NOW)
    return small_hub(tmp_path / "hub", migrated_file)


def _sandbox() -> Oms:
    """Return the configuration of the sandbox network, as its example has it."""
    data = yaml.safe_load((ROOT / "examples" / "sandbox.yaml").read_text("utf-8"))
    names = ("WOO_KEY", "WOO_SECRET", "SHOPIFY_TOKEN", "MIRAKL_KEY", "COLIS_KEY")
    return config.parse(data, dict.fromkeys(names, "x"))


def _drawn(oms: Oms) -> list[str]:
    """Return the graph, a line an asset: key, group, kinds, partitions, checks, what it reads."""
    graph = definitions(oms).resolve_asset_graph()
    lines = []
    for key in sorted(graph.get_all_asset_keys(), key=lambda k: k.to_user_string()):
        node = graph.get(key)
        kinds = " ".join(sorted(node.kinds))
        checks = " ".join(sorted(c.name for c in node.check_keys))
        parents = " ".join(sorted(p.to_user_string() for p in node.parent_keys))
        days = "daily" if node.partitions_def else ""
        lines.append(
            f"{key.to_user_string()} | {node.group_name} | {kinds} | {days} | {checks} | {parents}"
        )
    return lines


def test_the_asset_graph_is_the_one_reviewed():
    """To accept a change: OMS_SNAPSHOT=1 pytest tests/test_dagster_graph.py, and review it."""
    drawn = "\n".join(_drawn(_sandbox())) + "\n"
    if os.environ.get("OMS_SNAPSHOT"):
        GRAPH.write_text(drawn, "utf-8")
    assert drawn == GRAPH.read_text("utf-8")


def test_every_source_and_stream_of_the_configuration_is_an_asset():
    keys = {
        k.to_user_string()
        for k in definitions(_sandbox()).resolve_asset_graph().get_all_asset_keys()
    }
    assert {
        "orders_raw/shop_fr",
        "returns_raw/market",
        "stock_raw/lyon",
        "tracking_raw/colis",
    } <= keys
    assert {k for k in keys if k.startswith("confirmations_raw/")} == {
        f"confirmations_raw/{place}" for place in ("lyon", "lille", "paris")
    }


def test_every_asset_says_its_stage_owner_kinds_and_meaning():
    for spec in definitions(_sandbox()).resolve_all_asset_specs():
        assert spec.group_name in OWNERS, spec.key
        assert spec.owners == [OWNERS[spec.group_name]], spec.key
        assert spec.tags["oms/stage"] == spec.group_name
        assert spec.kinds, spec.key
        assert spec.description, spec.key


def test_every_gate_is_a_blocking_check_of_its_asset():
    graph = definitions(_sandbox()).resolve_asset_graph()
    for gate, asset in GATES.items():
        key = dg.AssetCheckKey(dg.AssetKey(asset), f"{gate}_suite")
        assert graph.get(key).blocking


def test_whatever_opens_the_store_stands_in_its_pool(oms):
    made = definitions(oms)
    for job in ("nightly", "announce_return"):
        for node in made.resolve_job_def(job).all_node_defs:
            wanted = {None} if node.name == "extract" else {"store"}
            assert {op.pool for op in (node,)} == wanted, node.name


def test_the_code_location_loads_and_runs_in_process(oms):
    made = definitions(oms)
    dg.Definitions.validate_loadable(made)
    names = {job.name for job in made.resolve_all_job_defs() if not job.name.startswith("__")}
    assert names == {"tick", "nightly", "quality", "announce_return"}
    assert made.resolve_job_def("tick").executor_def is dg.in_process_executor


def test_the_tick_leaves_quality_suites_to_the_nightly_lane(oms):
    graph = definitions(oms).resolve_asset_graph()
    selections = {job.name: job.selection for job in jobs(oms) if hasattr(job, "selection")}
    checks = {n: {k.name for k in s.resolve_checks(graph)} for n, s in selections.items()}
    assets = {n: {k.to_user_string() for k in s.resolve(graph)} for n, s in selections.items()}
    suites = {f"{gate}_suite" for gate in GATES}
    assert checks["tick"] == {"reachable", "taken", "delivered"}
    assert checks["nightly"] == checks["tick"] | suites
    assert (checks["quality"], assets["quality"]) == (suites, set())
    pages = {"returns_page", "sharing_page", "levels_page", "drift_page"}
    reports = {"returns_statistics", "orders_statistics", "housekeeping"} | pages
    assert assets["nightly"] - assets["tick"] == reports


def test_schedules_stand_by_lane_and_start_switched_off(oms):
    repository = definitions(oms).get_repository_def()
    crons = {"tick": "*/5 * * * *", "nightly": "15 2 * * *"}
    assert {s.job_name: s.cron_schedule for s in schedules(oms, days(oms))} == crons
    for job in crons:
        schedule = repository.get_schedule_def(f"{job}_schedule")
        assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED
        with dg.DagsterInstance.ephemeral() as instance:
            context = dg.build_schedule_context(instance=instance, repository_def=repository)
            [request] = schedule.evaluate_tick(context).run_requests or []
        assert request.partition_key == TODAY
        assert request.tags["oms/lane"] == "tick"
        assert ("oms/full_levels" in request.tags) == (job == "nightly")


def test_the_days_end_today_by_the_hubs_own_clock(oms, monkeypatch):
    machine = datetime.now(UTC)
    assert days(oms).get_last_partition_key() == TODAY, "behind the machine's"
    ahead = machine + timedelta(days=9)
    monkeypatch.setenv("OMS_NOW", ahead.isoformat())
    assert days(oms).get_last_partition_key() == ahead.date().isoformat()
    monkeypatch.setenv("OMS_NOW", "2020-01-01T00:00:00Z")
    assert days(oms).get_partition_keys() == ["2026-06-01"], "never none"
    monkeypatch.delenv("OMS_NOW")
    down = oms.model_copy(update={"clock": "http://127.0.0.1:1/clock"})
    assert days(down).get_last_partition_key() == machine.date().isoformat()


def test_a_tick_past_the_days_known_counts_for_the_last_of_them(oms):
    assert today(days(oms), datetime(2026, 7, 9, tzinfo=UTC)) == TODAY
    assert today(days(oms), datetime(2026, 6, 9, tzinfo=UTC)) == "2026-06-09"


def test_new_files_start_one_tick(oms, tmp_path):
    [sensor] = sensors(oms, days(oms))
    assert sensor.default_status is dg.DefaultSensorStatus.STOPPED

    def evaluated(cursor: str | None) -> dg.SensorResult | dg.SkipReason:
        with dg.DagsterInstance.ephemeral() as instance:
            return sensor(dg.build_sensor_context(instance=instance, cursor=cursor))

    assert isinstance(evaluated(None), dg.SkipReason)
    sell(tmp_path / "hub")
    first = evaluated(None)
    assert isinstance(first, dg.SensorResult)
    [request] = first.run_requests or []
    assert request.partition_key == TODAY
    assert isinstance(evaluated(first.cursor), dg.SkipReason), "the same files start nothing again"
    sell(tmp_path / "hub", "VP2")
    assert isinstance(evaluated(first.cursor), dg.SensorResult)


def test_the_returns_form_offers_the_reasons_of_the_configuration(oms):
    job = definitions(oms).resolve_job_def("announce_return")

    def checked(**form: object) -> bool:
        try:
            dg.validate_run_config(job, {"ops": {"announcement": {"config": form}}})
        except dg.DagsterInvalidConfigError:
            return False
        return True

    assert checked(order="sale/VP1", reason="too_small")
    assert checked(order="sale/VP1", reason="too_small", expected_at="lyon", lines=["1=2"])
    assert not checked(order="sale/VP1", reason="no such reason")
    assert not checked(order="sale/VP1", reason="too_small", expected_at="nowhere")
    assert not checked(reason="too_small")


def test_the_workspace_validates(tmp_path):
    file = tmp_path / "oms.yaml"
    file.write_text(yaml.safe_dump(settings(tmp_path)), "utf-8")
    home = tmp_path / "home"
    home.mkdir()
    command = [sys.executable, "-m", "dagster", "definitions", "validate", "-w", "workspace.yaml"]
    env = {**os.environ, "OMS_CONFIG": str(file), "DAGSTER_HOME": str(home)}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_a_wrong_configuration_starts_nothing_and_names_its_faults(tmp_path, monkeypatch):
    wrong = settings(tmp_path) | {"backfill_from": "someday"}
    wrong["channels"][0]["stock"]["share"] = 2
    file = tmp_path / "oms.yaml"
    file.write_text(yaml.safe_dump(wrong), "utf-8")
    monkeypatch.setenv("OMS_CONFIG", str(file))
    from oms_pipelines.definitions import defs

    with pytest.raises(config.Misconfigured) as raised:
        defs()
    assert [fault.split(":")[0] for fault in raised.value.faults] == [
        "channels[0].stock.share",
        "backfill_from",
    ]
