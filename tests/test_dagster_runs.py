"""What runs do: sources fail alone, gates stop what they guard, whole days are read again."""

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from dagster_world import (
    DOWN,
    NOW,
    count,
    failed_checks,
    failures,
    materialized,
    run,
    sell,
    small_hub,
)

from assets.partitions import RANGE
from oms_pipelines.config import Oms
from oms_pipelines.definitions import definitions
from oms_pipelines.errors import Unreachable
from oms_pipelines.hub import Hub
from oms_pipelines.landing import Landing, Manifest
from resources import plainly

DOWNSTREAM = {
    *("orders", "stock_counts", "stock_ledger", "allocations", "levels"),
    *("dispatch_files", "published_levels", "tracking_and_messages", "erp_orders"),
}


@pytest.fixture
def oms(tmp_path: Path, migrated_file: Path, monkeypatch: pytest.MonkeyPatch) -> Oms:
    monkeypatch.setenv("OMS_NOW", NOW)
    return small_hub(tmp_path / "hub", migrated_file)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "hub"


def _batches(oms: Oms) -> list[Manifest]:
    return Landing(oms.landing.url).batches("sale", "orders")


def _shut(oms: Oms, gate: str, reason: str) -> None:
    hub = Hub.open(oms)
    row = {"gate": [gate], "verdict": ["shut"], "reason": [reason], "judged_at": [hub.now()]}
    with hub.store.session() as session:
        session.upsert("gates", pl.DataFrame(row))


def test_a_source_that_is_down_fails_its_check_and_stops_nothing(oms, root):
    sell(root)
    count(root, 10)
    done = run(oms)
    assert done.success
    assert set(failed_checks(done)) == {f"orders_raw/{DOWN}:reachable"}
    assert "Not a directory" in failed_checks(done)[f"orders_raw/{DOWN}:reachable"]
    assert f"orders_raw/{DOWN}" not in materialized(done)
    assert {"orders_raw/sale", "stock_raw/lyon", "extraction_report"} | DOWNSTREAM <= materialized(
        done
    )
    [file] = (root / "in").glob("*.csv")
    assert "VP1" in file.read_text("utf-8")


def test_a_tick_reads_on_from_the_cursor_and_lands_as_sync(oms, root):
    sell(root)
    run(oms)
    [batch] = _batches(oms)
    assert (batch.purpose, batch.window_end) == ("sync", datetime(2026, 7, 2, 12, tzinfo=UTC))


@pytest.mark.parametrize(
    ("partition", "tags", "days"),
    [
        ("2026-07-01", {}, (1, 2)),
        (None, dict(zip(RANGE, ("2026-06-29", "2026-07-01"), strict=True)), (-1, 2)),
        (None, dict(zip(RANGE, ("2026-07-01", "2026-07-02"), strict=True)), (1, 2.5)),
    ],
    ids=["a past day", "a range", "a range up to now"],
)
def test_past_days_and_ranges_are_read_whole_as_a_backfill(oms, root, partition, tags, days):
    sell(root)
    done = run(oms, partition=partition, tags=tags, assets=["orders_raw/sale"])
    assert done.success
    [batch] = _batches(oms)
    first = datetime(2026, 7, 1, tzinfo=UTC).timestamp()
    window = [(t.timestamp() - first) / 86400 + 1 for t in (batch.window_start, batch.window_end)]
    assert (batch.purpose, *window) == ("backfill", *days)
    assert Landing(oms.landing.url).cursor("sale", "orders") is None


def test_a_range_marks_each_of_its_days_in_one_run(oms, root):
    sell(root)
    with dg.DagsterInstance.ephemeral() as instance:
        tags = dict(zip(RANGE, ("2026-06-29", "2026-07-01"), strict=True))
        run(oms, instance=instance, partition=None, tags=tags, assets=["orders_raw/sale"])
        days = instance.get_materialized_partitions(dg.AssetKey(["orders_raw", "sale"]))
        assert days == {"2026-06-29", "2026-06-30", "2026-07-01"}
        assert instance.get_runs_count() == 1


@pytest.mark.parametrize(("assets", "early"), [(None, True), (["orders_raw/sale"], False)])
def test_pages_are_gated_early_where_the_run_merges_them(oms, root, assets, early):
    sell(root)
    hub = Hub.open(oms)
    made = definitions(oms, hub).resolve_job_def("tick")
    keys = assets and [dg.AssetKey.from_user_string(a) for a in assets]
    made.execute_in_process(
        tags=dict(zip(RANGE, ("2026-07-01", "2026-07-01"), strict=True)),
        asset_selection=keys,
        raise_on_error=False,
    )
    assert (hub.early is not None) is early
    assert len(_batches(oms)) == 1


def test_days_to_come_are_refused(oms, monkeypatch):
    made = definitions(oms, Hub.open(oms)).resolve_job_def("tick")
    monkeypatch.setenv("OMS_NOW", "2026-06-20T12:00:00Z")  # the clock was set back since
    done = made.execute_in_process(
        tags=dict(zip(RANGE, ("2026-07-01", "2026-07-02"), strict=True)),
        asset_selection=[dg.AssetKey(["orders_raw", "sale"])],
        raise_on_error=False,
    )
    assert failures(done) == {"extract": "2026-07-01 is still to come"}


def test_a_shut_gate_stops_what_it_guards_with_its_reason(oms, root):
    _shut(oms, "stock_counts", "quantity is zero or more: 1 rows break it")
    sell(root)
    count(root, 10)
    done = run(oms)
    told = failures(done)
    assert set(told) == {"published_levels"}
    assert "quality gate stock_counts is shut: quantity is zero or more" in told["published_levels"]
    assert "job quality" in told["published_levels"]
    assert list((root / "in").glob("*.csv")), "what the gate does not guard goes on"


def test_records_kept_back_are_a_warning_and_stop_nothing(oms, root):
    sell(root, quantity="-2")
    done = run(oms)
    [check] = [
        c for c in done.get_asset_check_evaluations() if c.check_name == "taken" and not c.passed
    ]
    assert (check.asset_key.to_user_string(), check.severity) == (
        "orders",
        dg.AssetCheckSeverity.WARN,
    )
    assert "1 records kept back" in str(check.metadata["note"].value)
    assert done.success


def test_a_destination_that_is_down_fails_its_check_and_is_tried_again(oms, root):
    sell(root)
    count(root, 10)
    (root / "in").rmdir()
    (root / "in").write_text("not a folder", "utf-8")
    done = run(oms)
    assert done.success
    assert "Not a directory" in failed_checks(done)["dispatch_files:delivered"]
    assert "tracking_and_messages" in materialized(done)
    (root / "in").unlink()
    (root / "in").mkdir()
    assert "dispatch_files:delivered" not in failed_checks(run(oms))
    assert len(list((root / "in").glob("*.csv"))) == 1


def test_an_unexpected_error_is_told_without_its_text():
    with pytest.raises(dg.Failure) as raised, plainly():
        raise ValueError("Inès Exemple, 1 rue du Test")
    failure = raised.value
    assert failure.__cause__ is None
    assert failure.__suppress_context__
    told = f"{failure.description} {failure.metadata['went through'].value}"
    assert told.startswith("ValueError at test_dagster_runs.py:")
    assert "Exemple" not in told


def test_an_error_of_the_hub_is_told_as_it_is():
    with pytest.raises(dg.Failure, match="shop_fr does not answer") as raised, plainly():
        raise Unreachable("shop_fr does not answer")
    assert not raised.value.allow_retries


def test_no_personal_data_stands_in_the_history(oms, root):
    sell(root)
    sell(root, "VP2", quantity="-2", name="Zoë Refusée", email="zoe@example.com")
    count(root, 10)
    done = run(oms, "nightly")
    events = "".join(dg.serialize_value(e) for e in done.all_events)
    assert "VP1" not in failed_checks(done)
    for word in ("Exemple", "Refusée", "zoe@", "ines@", "rue du Test"):
        assert word not in events


def test_metadata_tells_counts_lag_and_totals(oms, root):
    sell(root)
    count(root, 10)
    done = run(oms)
    raw = done.asset_materializations_for_node("extract")
    [sale] = [m for m in raw if m.asset_key.to_user_string() == "orders_raw/sale"]
    assert sale.metadata["records"].value == 1
    assert sale.metadata["lag (minutes)"].value == 26 * 60
    [orders] = [
        m
        for m in done.asset_materializations_for_node("consolidate")
        if m.asset_key.to_user_string() == "orders"
    ]
    told = {k: orders.metadata[k].value for k in ("received", "accepted", "quarantined", "changed")}
    assert told == {"received": 1, "accepted": 1, "quarantined": 0, "changed": 1}
