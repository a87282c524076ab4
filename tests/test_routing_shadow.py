"""A second set of rules beside the live one: compared, kept, and never carried out."""

from datetime import timedelta
from pathlib import Path

import pytest
from dagster_world import NOW as CLOCK
from dagster_world import count, run, sell, small_hub
from test_routing_store import NOW, fill, settings, sold, wants

from oms_pipelines.config import Oms, Routing
from oms_pipelines.faults import shadow_faults
from oms_pipelines.hub import Hub
from oms_pipelines.landing import Landing
from oms_pipelines.routing.model import rules_version
from oms_pipelines.stages import plan as stage
from oms_pipelines.stages.housekeeping import tidy_plans
from oms_pipelines.store import Store

SQL = Path(__file__).resolve().parents[1] / "sql"
FAR = "routing: {rules: [{id: far, from: \"location_id = 'far'\"}], costs: {per_km: 0.01}}"


def told(rules: Path) -> Oms:
    """Return settings by which the near location ships, and rules beside them."""
    near = {"rules": [{"id": "near", "from": "location_id = 'near'"}], "costs": {"per_km": 0.01}}
    return settings(routing={**near, "shadow": str(rules)})


def opened(store: Store, oms: Oms, root: Path, now=NOW) -> Hub:
    """Return a hub over a store, at a time."""
    hub = Hub(oms.model_copy(update={"output": str(root)}), store, Landing(f"file://{root}/l"))
    hub.__dict__["_now"] = now
    return hub


def test_a_shadow_is_kept_and_compared_and_nobody_is_given_any_of_it(store: Store, tmp_path: Path):
    fill(store, [wants("1"), wants("2")], [sold("1"), sold("2")],
         {("near", "a"): 4, ("far", "a"): 2})  # fmt: skip
    (tmp_path / "far.yaml").write_text(FAR)
    hub = opened(store, told(tmp_path / "far.yaml"), tmp_path)
    made = stage.allocate(hub)
    with store.session() as s:
        [row] = s.table("shadow_plans").to_dicts()
        lines = s.table("shadow_lines")
        given, moved = s.table("fulfillment_orders"), s.table("stock_movements")
        plans, reasons = s.table("plans"), s.table("decisions")
        [shown] = s.query("route/shadow_totals").to_dicts()
    assert (row["plan_id"], row["rules"], row["error"]) == (made.plan_id, "far", None)
    assert (row["live_allocated_lines"], row["allocated_lines"], row["moved_orders"]) == (2, 1, 2)
    assert row["km"] / row["parcels"] > row["live_km"] / row["live_parcels"]
    assert lines.select("order_id", "location_id", "live_quantity", "quantity").rows() == [
        ("shop/1", "far", 0, 2), ("shop/1", "near", 2, 0), ("shop/2", "near", 2, 0),
    ]  # fmt: skip
    assert (shown["plans"], shown["moved_orders"]) == (1, 2)
    # what is carried out is the live plan's alone
    assert given["location_id"].to_list() == ["near", "near"]
    for table in (given, plans, reasons):
        assert set(table["plan_id"]) == {made.plan_id}
    assert set(moved["from_account"]) == {"near/sellable"}
    assert row["plan_hash"] not in plans["plan_hash"].to_list()
    assert sorted(x.name for x in (tmp_path / "plans").iterdir()) == [made.plan_id]
    assert "far: 2 orders elsewhere, 1 lines given (live 2)" in hub.results["shadow"].told


def test_no_statement_that_gives_or_sends_reads_a_shadow():
    readers = {x.parent.name for x in SQL.rglob("*.sql") if "shadow_" in x.read_text()}
    assert readers == {"route", "housekeeping"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "far.yaml: no such file"),
        ("routing: {rules: [{id: far, when: 'color = 1'}]}", "far.yaml: routing.rules[0].when: "),
    ],
)
def test_a_shadow_that_fails_leaves_the_live_plan_as_it_is(
    duckdb_store: Store, tmp_path: Path, text: str | None, says: str
):
    fill(duckdb_store, [wants("1")], [sold("1")], {("near", "a"): 2})
    if text:
        (tmp_path / "far.yaml").write_text(text)
    oms = told(tmp_path / "far.yaml")
    made = stage.allocate(opened(duckdb_store, oms, tmp_path))
    with duckdb_store.session() as s:
        [row] = s.table("shadow_plans").to_dicts()
        assert s.table("fulfillment_orders").height == made.allocated_lines == 1
    assert says in row["error"]
    assert row["allocated_lines"] is None
    [fault] = shadow_faults(oms)
    assert fault.startswith("routing.shadow: ")


def test_which_rules_run_beside_moves_no_plan():
    assert rules_version(Routing(shadow="far.yaml")) == rules_version(Routing())


def test_shadows_are_kept_as_long_as_the_inputs_of_plans(duckdb_store: Store, tmp_path: Path):
    fill(duckdb_store, [wants("1")], [sold("1")], {("near", "a"): 2})
    (tmp_path / "far.yaml").write_text(FAR)
    oms = told(tmp_path / "far.yaml")
    stage.allocate(opened(duckdb_store, oms, tmp_path))
    for days, left in ((30, 1), (31, 0)):
        tidy_plans(opened(duckdb_store, oms, tmp_path, NOW + timedelta(days=days)))
        with duckdb_store.session() as s:
            assert s.table("shadow_plans").height == left
            assert s.table("shadow_lines").height == left


def test_the_plan_shows_its_shadow_in_dagster(tmp_path: Path, migrated_file: Path, monkeypatch):
    monkeypatch.setenv("OMS_NOW", CLOCK)
    rules = tmp_path / "none.yaml"
    rules.write_text("routing: {rules: [{id: none, from: 'false'}]}")
    oms = small_hub(tmp_path / "hub", migrated_file, routing={"shadow": str(rules)})
    sell(tmp_path / "hub")
    count(tmp_path / "hub", 10)
    done = run(oms)
    [event] = [
        e for e in done.get_asset_materialization_events()
        if e.asset_key and e.asset_key.to_user_string() == "allocations"
    ]  # fmt: skip
    said = event.step_materialization_data.materialization.metadata["shadow"].value
    assert said.startswith("none: 1 orders elsewhere, 0 lines given (live 1), 0 parcels (live 1)")
