"""Housekeeping deletes what was kept long enough, and nothing that is still needed."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
from dagster_world import run, sell, small_hub
from stock_world import World

from assets.history import purge
from oms_pipelines import config
from oms_pipelines.channels.base import Page
from oms_pipelines.config import Oms
from oms_pipelines.errors import Misconfigured
from oms_pipelines.hub import Hub
from oms_pipelines.landing import Landing
from oms_pipelines.stages.housekeeping import tidy_landing, tidy_plans, tidy_stock

LOCAL = Path(__file__).resolve().parents[1] / "deploy" / "dagster.local.yaml"
SALE = "orders_raw/sale"
CHECK = dg.AssetCheckKey(dg.AssetKey(["orders_raw", "sale"]), "reachable")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    shutil.copy(LOCAL, folder / "dagster.yaml")
    return folder


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch):
    """Return what sets the hub's clock."""
    return lambda moment: monkeypatch.setenv("OMS_NOW", f"2026-{moment}T12:00:00Z")


def _hub(tmp_path: Path, empty: Path, landing: str | None = None) -> Oms:
    return small_hub(tmp_path / "hub", empty, retention={"landing": landing} if landing else {})


def test_the_newest_run_of_each_partition_is_kept(tmp_path, migrated_file, home, at):
    at("07-02")
    oms = _hub(tmp_path, migrated_file)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        days = ("2026-06-29", "2026-06-29", "2026-06-30")
        runs = [run(oms, instance=instance, partition=d, assets=[SALE]).run_id for d in days]
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        done = purge(instance, tomorrow, [CHECK])
        assert (done.deleted, done.kept) == (1, 2)
        assert {r.run_id for r in instance.get_runs()} == set(runs[1:])
        made = instance.get_materialized_partitions(dg.AssetKey(["orders_raw", "sale"]))
        assert made == {"2026-06-29", "2026-06-30"}
        left = [f.name for f in (home / "history" / "runs").iterdir()]
        assert not [name for name in left if name.startswith(runs[0])]
        assert purge(instance, tomorrow, [CHECK]).deleted == 0


def test_the_run_of_the_newest_check_is_kept(tmp_path, migrated_file, home, at):
    at("07-02")
    oms = _hub(tmp_path, migrated_file)
    down, key = "orders_raw/down", dg.AssetKey(["orders_raw", "down"])
    with dg.DagsterInstance.from_config(str(home)) as instance:
        runs = [run(oms, instance=instance, assets=[down]).run_id for _ in range(2)]
        purge(
            instance,
            datetime.now(UTC) + timedelta(days=1),
            [dg.AssetCheckKey(key, "reachable")],
        )
        assert [r.run_id for r in instance.get_runs()] == runs[1:]


def test_young_runs_are_kept(tmp_path, migrated_file, home, at):
    at("07-02")
    oms = _hub(tmp_path, migrated_file)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        for _ in range(2):
            run(oms, instance=instance, assets=[SALE])
        assert purge(instance, datetime.now(UTC) - timedelta(days=1), []).deleted == 0
        assert instance.get_runs_count() == 2


def test_received_bytes_are_kept_for_ever_unless_told(tmp_path, migrated_file, at):
    at("06-05")
    oms = _hub(tmp_path, migrated_file)
    sell(tmp_path / "hub")
    run(oms)
    at("12-31")
    run(oms)
    done = tidy_landing(Hub.open(oms))
    assert (done.deleted, done.first_day) == ({}, None)
    assert len(Landing(oms.landing.url).batches("sale", "orders")) == 2


def test_batches_older_than_the_retention_go_once_the_store_has_them(tmp_path, migrated_file, at):
    oms = _hub(tmp_path, migrated_file, "5d")
    (tmp_path / "hub" / "blocked").unlink()
    at("06-05")
    sell(tmp_path / "hub", placed_at="2026-06-04T10:00:00")
    run(oms)
    at("07-02")
    run(oms)
    done = run(oms, "nightly", assets=["housekeeping"], partition=None)
    [told] = done.asset_materializations_for_node("housekeeping")
    assert told.metadata["landing kept longer for"].value == "nothing"
    assert told.metadata["batches deleted"].value == 4
    assert told.metadata["landing kept since"].value == "2026-06-27"
    assert told.metadata["landing kept longer for"].value == "nothing"
    [left] = Landing(oms.landing.url).batches("sale", "orders")
    assert left.day.isoformat() == "2026-07-02", "the cursor stays"
    with Hub.open(oms).store.session(read_only=True) as session:
        assert session.table("orders").height == 1


def test_a_record_in_quarantine_keeps_its_batch(tmp_path, migrated_file, at):
    oms = _hub(tmp_path, migrated_file, "5d")
    at("06-05")
    sell(tmp_path / "hub", quantity="-2")
    run(oms)
    at("07-02")
    run(oms)
    done = tidy_landing(Hub.open(oms))
    assert done.kept_for == "quarantined records of sale/orders"
    assert str(done.first_day) == "2026-06-05"
    assert ("sale", "orders") not in done.deleted


def test_a_batch_that_the_store_has_not_taken_is_kept(tmp_path, migrated_file, at):
    oms = _hub(tmp_path, migrated_file, "5d")
    page = Page("returns", b"{}", 1, name="a")
    old = datetime(2026, 6, 5, tzinfo=UTC)
    Landing(oms.landing.url).write("gone", "returns", [page], None, True, None, old)
    at("07-02")
    done = tidy_landing(Hub.open(oms))
    assert done.kept_for == "batches of gone/returns not taken yet"
    assert done.deleted == {}


def test_a_source_keeps_its_cursor_however_long_it_was_silent(tmp_path, migrated_file, at):
    oms = _hub(tmp_path, migrated_file, "5d")
    at("06-05")
    run(oms)
    at("07-02")
    done = tidy_landing(Hub.open(oms))
    assert (done.deleted, str(done.first_day)) == ({}, "2026-06-05")
    assert (done.kept_for or "").startswith("the cursor of ")


def test_what_killed_writers_left_is_swept(tmp_path, migrated_file, at):
    at("07-02")
    oms = _hub(tmp_path, migrated_file)
    landing = Landing(oms.landing.url)
    old = datetime(2026, 6, 5, tzinfo=UTC)
    batch = landing.write("sale", "orders", [Page("orders", b"x", 1)], None, True, None, old)
    (tmp_path / "hub" / "landing" / batch.folder / "manifest.json").unlink()
    assert tidy_landing(Hub.open(oms)).swept == 1


def test_inputs_of_plans_are_kept_as_long_as_declared(tmp_path, migrated_file, at):
    at("07-02")
    oms = small_hub(tmp_path / "hub", migrated_file, retention={"plans": "5d"})
    plans = Path(oms.output) / "plans"
    names = ("20260601T100000Z-aa", "20260626T110000Z-bb", "20260701T100000Z-cc")
    for name in (*names, "20260601T110000Z-dd.tmp", "notes"):
        (plans / name).mkdir(parents=True)
    done = run(oms, "nightly", assets=["housekeeping"], partition=None)
    [told] = done.asset_materializations_for_node("housekeeping")
    assert told.metadata["inputs of plans deleted"].value == 2
    assert sorted(x.name for x in plans.iterdir()) == [names[2], "notes"]


def test_alarms_and_drift_that_are_closed_are_kept_as_long_as_declared(tmp_path, store, at):
    at("07-02")
    world = World(store)
    long_ago, lately = datetime(2025, 5, 1, tzinfo=UTC), datetime(2025, 7, 1, tzinfo=UTC)
    cases = [
        ("gone", "loss", "closed", long_ago), ("first", "opening", "closed", long_ago),
        ("lately", "loss", "closed", lately), ("open", "loss", "drift", None),
    ]  # fmt: skip
    units = ("counted", "expected", "difference", "corrected", "explained", "drift")
    for sku, cause, state, closed in cases:
        world.put("stock_drift", {
            "location_id": "lyon", "sku": sku, "cause": cause, "state": state, "batch_id": "b",
            "counted_at": long_ago, "read_at": long_ago, "found_at": long_ago, "closed_at": closed,
            **dict.fromkeys(units, 0),
        })  # fmt: skip
        world.put("level_alarms", {
            "channel_id": "a", "channel_sku": sku, "sku": sku, "kind": "more",
            "opened_at": long_ago, "closed_at": closed, "found": 1,
        })  # fmt: skip
    hub: Any = SimpleNamespace(store=store, now=lambda: datetime(2026, 7, 2, tzinfo=UTC), oms=Oms())
    assert tidy_stock(hub) == (2, 1)
    assert tidy_stock(hub) == (0, 0)
    with store.session(read_only=True) as s:
        assert set(s.table("stock_drift")["sku"]) == {"first", "lately", "open"}
        assert set(s.table("level_alarms")["sku"]) == {"lately", "open"}
    with pytest.raises(Misconfigured, match=r"retention\.stock"):
        config.parse({"retention": {"stock": "30d"}}, {})


def test_inputs_of_plans_are_kept_for_thirty_days_unless_told(tmp_path, migrated_file, at):
    at("07-02")
    hub = Hub.open(_hub(tmp_path, migrated_file))
    for name in ("20260601T100000Z-aa", "20260603T100000Z-bb"):
        (hub.output / "plans" / name).mkdir(parents=True)
    assert tidy_plans(hub) == 1
    assert [x.name for x in (hub.output / "plans").iterdir()] == ["20260603T100000Z-bb"]
