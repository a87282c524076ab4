"""The page of a plan: its numbers are the plan's, it opens offline, and shows nobody's door."""

import re
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from plan_pages import ODD, planned_of, small
from routing_cases import cases
from test_routing_shadow import opened
from test_routing_store import NOW

from oms_pipelines.routing import Inputs, erase_saved, plan, save_inputs, store_plan
from oms_pipelines.routing.flows import ARCS, flows
from oms_pipelines.routing.planned import by_location, reasons, splits, why_not
from oms_pipelines.stages.housekeeping import tidy_plans
from oms_pipelines.stages.plan_page import draw_made, write_plan_page
from oms_pipelines.store import Store
from oms_pipelines.store.duckdb import DuckdbStore


def totals(told: pl.DataFrame) -> dict[str, Any]:
    return told.row(-1, named=True)


def test_the_numbers_of_a_page_are_those_of_the_plan(store: Store, tmp_path: Path):
    hub, made = small(store, tmp_path)
    planned = planned_of(store, tmp_path)
    given_ = made.allocations
    by = by_location(planned)
    for place in ("near", "far"):
        mine = given_.filter(location_id=place)
        [row] = by.filter(location=place).to_dicts()
        assert row["parcels"] == mine["order_id"].n_unique()
        assert row["units"] == mine["quantity"].sum()
    assert totals(by)["units"] == given_["quantity"].sum()
    assert totals(by)["cost"] == pytest.approx(made.cost, abs=0.01)
    near = by.filter(location="near").row(0, named=True)
    assert near["capacity_used_%"] == 25.0 * near["parcels"]
    assert reasons(planned.waits)["units"].sum() == made.unfilled["quantity"].sum()
    assert planned.orders == 3
    wide = why_not(planned.verdicts)
    assert wide["chosen"].sum() == len(planned.parts)
    page = draw_made(hub, made)
    text = page.path.read_text("utf-8")
    assert page.path == tmp_path / "pages" / "plans" / f"{made.plan_id}.html"
    assert text.count("<svg") == 2
    assert f'<td class="n">{made.allocations["quantity"].sum()}</td>' in text
    assert f"oms replay --from {NOW:%Y-%m-%d} --to {NOW:%Y-%m-%d} --check" in text


def test_a_page_is_escaped_whole_and_fetches_nothing(duckdb_store: Store, tmp_path: Path):
    hub, made = small(duckdb_store, tmp_path)
    text = draw_made(hub, made).path.read_text("utf-8")
    assert ODD not in text
    assert "&lt;b&gt;&amp;x" in text
    assert not re.findall(r"(?:src|href)=|url\(|@import|<link|<script", text)
    assert "://" not in text.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "69001" not in text  # the whole postal code of a customer
    for svg in re.findall(r"<svg.*?</svg>", text):
        assert re.search(r"<title id=.*?<desc id=", svg)
    assert '<th class="n" scope="col">' in text


def test_unknown_positions_are_told_and_not_drawn(duckdb_store: Store, tmp_path: Path):
    hub, made = small(duckdb_store, tmp_path)
    planned = planned_of(duckdb_store, tmp_path)
    found = flows(planned.parts, planned.places, planned.land)
    lost = planned.parts.filter(pl.col("latitude").is_null())
    assert lost["order_id"].to_list() == ["shop/3"]
    assert found.nowhere == 1
    assert found.arcs["latitude"].min() > 40
    text = draw_made(hub, made).path.read_text("utf-8")
    assert "1 parcel to a destination whose position is unknown" in text
    nobody = planned.places.with_columns(latitude=pl.lit(None, pl.Float64))
    nowhere = flows(planned.parts, nobody, planned.land)
    assert (nowhere.arcs.height, nowhere.unplaced) == (0, len(planned.parts) - 1)
    page = write_plan_page(replace(planned, places=nobody), tmp_path).path.read_text("utf-8")
    assert "No parcel has a way to draw." in page
    assert "Locations without a known position: far, near." in page


def test_without_inputs_the_page_tells_what_the_store_knows(store: Store, tmp_path: Path):
    _, made = small(store, tmp_path)
    whole = by_location(planned_of(store, tmp_path))
    shutil.rmtree(tmp_path / "plans")
    planned = planned_of(store, tmp_path, made.plan_id[:12])
    kept = ["location", "parcels", "whole_orders", "units", "mean_km"]
    assert by_location(planned).select(kept).equals(whole.select(kept))
    assert by_location(planned)["cost"].null_count() == len(whole)
    text = write_plan_page(planned, tmp_path).path.read_text("utf-8")
    assert "no longer kept" in text
    assert text.count("<svg") == 1
    assert f"Unfilled lines: {made.unfilled_lines}" in text


def test_who_was_erased_is_not_on_the_map_and_the_page_says_so(duckdb_store: Store, tmp_path: Path):
    _, made = small(duckdb_store, tmp_path)
    erase_saved(tmp_path / "plans", ["shop/1"])
    planned = planned_of(duckdb_store, tmp_path)
    assert planned.erased
    theirs = planned.parts.filter(pl.col("order_id").is_in(["shop/1", "shop/3"]))
    assert flows(planned.parts, planned.places, planned.land).nowhere == len(theirs) > 1
    text = write_plan_page(planned, tmp_path).path.read_text("utf-8")
    assert "Somebody was erased" in text
    assert '<th scope="row">replayable</th><td class="fact">no</td>' in text
    assert f"{made.cost:,.2f}".rstrip("0").rstrip(".") in text


def test_inputs_that_cannot_be_read_are_told(duckdb_store: Store, tmp_path: Path):
    _, made = small(duckdb_store, tmp_path)
    (tmp_path / "plans" / made.plan_id / "stock.parquet").write_bytes(b"cut")
    text = write_plan_page(planned_of(duckdb_store, tmp_path), tmp_path).path.read_text("utf-8")
    assert "not whole" in text


def test_a_page_that_fails_leaves_the_plan_as_it_is(
    duckdb_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    hub, made = small(duckdb_store, tmp_path)
    heard: list[str] = []
    hub.said = heard.append
    monkeypatch.setattr("oms_pipelines.stages.plan_page.write_plan_page", lambda *_: 1 / 0)
    assert draw_made(hub, made) is None
    assert "was not drawn (ZeroDivisionError)" in heard[0]
    assert draw_made(hub, replace(made, allocated_lines=0)) is None
    assert draw_made(hub, replace(made, lines=5_001)) is None
    assert len(heard) == 1


def test_pages_are_kept_as_long_as_the_inputs_of_plans(duckdb_store: Store, tmp_path: Path):
    hub, made = small(duckdb_store, tmp_path)
    page = draw_made(hub, made).path
    (page.parent / "march-review.html").write_text("not a plan's")
    for days, there in ((30, True), (31, False)):
        tidy_plans(opened(duckdb_store, hub.oms, tmp_path, NOW + timedelta(days=days)))
        assert page.exists() == there
    assert (page.parent / "march-review.html").exists()


@pytest.fixture(scope="module")
def shelf(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Path]:
    """Return a store that many plans are put into, and a folder for their inputs."""
    root = tmp_path_factory.mktemp("shelf")
    shutil.copyfile(migrated_file, root / "s.duckdb")
    return DuckdbStore(root / "s.duckdb", wait=5), root


@settings(max_examples=30, deadline=None)
@given(inputs=cases())
def test_what_is_told_adds_up_to_the_plan(shelf: tuple[Store, Path], inputs: Inputs):
    store, root = shelf
    made = plan(inputs)
    if not made.allocated_lines:
        return
    with store.session() as s:
        store_plan(s, made, inputs.as_of)
    save_inputs(root / "plans" / made.plan_id, inputs)
    planned = planned_of(store, root, made.plan_id)
    parts = made.allocations.select("order_id", "part").unique()
    by = by_location(planned)
    sums = by.head(-1).select(pl.col("parcels", "whole_orders", "units", "cost").sum())
    for name, value in sums.row(0, named=True).items():
        assert totals(by)[name] == pytest.approx(value, abs=0.02), name
    assert totals(by)["parcels"] == len(parts)
    assert totals(by)["units"] == made.allocations["quantity"].sum()
    assert planned.parts["cost"].sum() == pytest.approx(made.cost)
    split = splits(planned.parts)
    assert (split["orders"] * split["parcels_an_order"]).sum() == len(parts)
    assert split.filter(parcels_an_order=1)["orders"].sum() == totals(by)["whole_orders"]
    # reasons are found again from what was given, without planning
    assert planned.waits.equals(made.unfilled.select(planned.waits.columns))
    found = flows(planned.parts, planned.places, planned.land)
    beside = found.collected + found.nowhere + found.unplaced + found.beyond + found.small
    assert found.arcs["parcels"].sum() + beside == len(parts)
    assert planned.verdicts["orders"].sum() == planned.orders * inputs.locations.height


def test_a_large_plan_makes_a_small_page(duckdb_store: Store, tmp_path: Path):
    _, made = small(duckdb_store, tmp_path)
    rng, n = np.random.default_rng(2), 100_000
    places = pl.DataFrame(
        {"location_id": [f"l{i:02d}" for i in range(40)], "capacity": 9_000, "capacity_left": 9_000,
         "latitude": rng.uniform(43, 51, 40), "longitude": rng.uniform(-2, 9, 40)}
    )  # fmt: skip
    parts = pl.DataFrame(
        {"order_id": [f"shop/{i}" for i in range(n)], "channel_id": "shop", "country": "FR",
         "location_id": places["location_id"].gather(rng.integers(0, 40, n)),
         "collected": False, "units": 1, "km": 1.0, "cost": 1.0,
         "latitude": rng.normal(47, 2, n), "longitude": rng.normal(3, 2, n), "area": "FR 46"}
    )  # fmt: skip
    planned = planned_of(duckdb_store, tmp_path, made.plan_id)
    waits = parts.select("order_id", line_id="order_id", sku="order_id", quantity=1, reason="area")
    large = replace(planned, parts=parts, places=places, waits=waits)
    found = flows(parts, places, planned.land)
    assert found.arcs.height == ARCS
    assert found.arcs["parcels"].sum() + found.small + found.beyond == n
    page = write_plan_page(large, tmp_path).path
    assert page.stat().st_size < 1_000_000
    assert f"{found.small:,} parcels by smaller flows" in page.read_text("utf-8")


def test_a_cell_shows_no_customer(duckdb_store: Store, tmp_path: Path):
    """One parcel alone: where it is drawn hangs on the postal areas known there alone."""
    small(duckdb_store, tmp_path)
    planned = planned_of(duckdb_store, tmp_path)
    one = planned.parts.filter(order_id="shop/1").head(1)
    drawn = [
        flows(one.with_columns(latitude=pl.lit(y)), planned.places, land)
        .arcs.select("latitude", "longitude")
        .row(0)
        for y in (45.76, 45.91)
        for land in (planned.land, planned.land.clear())
    ]
    assert drawn[:2] == drawn[2:]


def test_an_island_far_away_is_told_and_shrinks_no_map(duckdb_store: Store, tmp_path: Path):
    small(duckdb_store, tmp_path)
    planned = planned_of(duckdb_store, tmp_path)
    one = planned.parts.filter(order_id="shop/1").head(1)
    far = one.with_columns(latitude=pl.lit(-21.1), longitude=pl.lit(55.5))
    found = flows(pl.concat([*[one] * 30, far]), planned.places, planned.land)
    assert (found.beyond, found.arcs["parcels"].to_list()) == (1, [30])
