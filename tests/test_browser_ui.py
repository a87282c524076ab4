"""Ops at the page: the graph, a range backfill, a gate that blocks, a return by its form.

Pictures are kept under OMS_SCREENSHOTS, to be looked at.
"""

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from browser_ui import LOCATION, Ui, browsing, chromium, free_port, served, waited

from oms_pipelines import config
from oms_pipelines.cli.demo import prepare
from oms_pipelines.cli.tick import run_job
from oms_pipelines.config import Oms
from oms_pipelines.hub import Hub
from oms_pipelines.landing import Landing
from oms_pipelines.quality.gates import shut_gates
from oms_pipelines.sandbox import running

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="no Chromium is installed"),
]
HOME = f"/locations/{LOCATION['repositoryName']}@{LOCATION['repositoryLocationName']}"
FIRST, LAST, TODAY = "2026-03-02", "2026-03-03", "2026-03-04"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ui")


@pytest.fixture(scope="module")
def oms(root: Path) -> Oms:
    """Return a demo's configuration, after two days of which some orders have been shipped."""
    kept = {n: os.environ.get(n) for n in ("DAGSTER_HOME", "OMS_CONFIG")}
    os.environ["DAGSTER_HOME"] = str(root / "dagster")
    try:
        with running(root / "sandbox", port=free_port(), smtp_port=free_port(), scale=0.2) as box:
            oms = config.load(prepare(root, box))
            for hours in (24, 24):
                box.advance(hours)
                run_job(oms, "tick", progress=False)
    finally:
        for name, value in kept.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
    return oms


@pytest.fixture(scope="module")
def ui(root: Path, oms: Oms) -> Iterator[Ui]:
    pictures = Path(os.environ.get("OMS_SCREENSHOTS") or root / "screenshots")
    with (
        served(root / "demo" / "oms.yaml", root) as url,
        browsing(url, root / "browser", pictures) as ui,
    ):
        yield ui


def test_ops_do_their_work_at_the_page(ui: Ui, oms: Oms):
    """One test, since serving the page costs more than what is done there."""
    _the_graph_shows_the_stages_and_every_source(ui)
    backfill = _a_range_backfill_of_one_channel_is_launched(ui)
    _a_return_is_announced_by_its_form(ui, oms)
    _a_failed_check_blocks_what_it_guards(ui, oms)
    _the_backfill_was_one_run_over_whole_days(ui, oms, backfill)


def _the_graph_shows_the_stages_and_every_source(ui: Ui) -> None:
    ui.show("/asset-groups", "consolidate", "graph")
    for stage in ("extract", "plan", "publish", "report"):
        assert ui.page.get_by_text(stage, exact=True).count(), stage
    ui.show(f"{HOME}/asset-groups/extract", "extraction_report", "graph_extract")
    ui.page.set_viewport_size({"width": 1500, "height": 2400})  # rows out of sight are not drawn
    ui.show(f"{HOME}/asset-groups/extract/list", "extraction_report", "list_extract")
    for source in ("shop_fr", "shop_com", "market", "private_sale", "till_paris"):
        assert ui.page.get_by_text(f"orders_raw / {source}").count(), source
    ui.page.set_viewport_size({"width": 1500, "height": 1000})
    ui.show(f"{HOME}/asset-groups/publish", "tracking_and_messages", "graph_publish")
    ui.show("/assets/orders_raw/shop_fr", "newest record", "asset_source")
    ui.show("/assets/extraction_report", "records by source", "asset_report")
    ui.show("/assets/allocations", "lines by location", "asset_allocations")


def _a_range_backfill_of_one_channel_is_launched(ui: Ui) -> str:
    ui.show("/assets/orders_raw/shop_fr", "Materialize", "backfill_before")
    ui.page.get_by_role("button", name="Materialize").first.click()
    days = ui.page.get_by_role("dialog").locator("input[type=text]").first
    days.fill(f"[{FIRST}...{LAST}]")
    days.press("Enter")
    ui.picture("Backfills all partitions in a single run", "backfill_form")
    ui.page.get_by_role("button", name="Launch backfill").click()
    [backfill] = waited(ui.backfills, "the backfill to be asked for")
    return backfill["id"]


def _the_backfill_was_one_run_over_whole_days(ui: Ui, oms: Oms, backfill: str) -> None:
    def completed() -> bool:
        return ui.backfills()[0]["status"] == "COMPLETED_SUCCESS"

    waited(completed, "the backfill to be told complete")
    [run] = ui.runs(tags=[{"key": "dagster/backfill", "value": backfill}])
    assert run["status"] == "SUCCESS"
    landed = Landing(oms.landing.url).batches("shop_fr", "orders")
    made = [b for b in landed if b.purpose == "backfill"]
    whole = tuple(datetime.fromisoformat(f"{day}T00:00Z") for day in (FIRST, TODAY))
    assert {(b.window_start, b.window_end) for b in made} == {whole}
    assert [b.complete for b in made] == [*(False for _ in made[1:]), True]
    assert sum(b.records for b in made)
    ui.show("/assets/orders_raw/shop_fr?view=partitions", LAST, "backfill_partitions")
    ui.show(f"/runs/b/{backfill}", "100% completed", "backfill_done")


def _a_failed_check_blocks_what_it_guards(ui: Ui, oms: Oms) -> None:
    store = Hub.open(oms).store
    with store.session() as session:
        good = session.table("stock_counts").head(1)
        session.upsert("stock_counts", good.with_columns(pl.lit(-5, pl.Int64).alias("quantity")))
    assert ui.ended(ui.launch("quality")) == "FAILURE"
    ui.show("/assets/stock_counts?view=checks", "stock_counts_suite", "check_failed")
    tick = ui.launch("tick", {"dagster/partition": TODAY})
    assert ui.ended(tick) == "FAILURE"
    ui.show(f"/runs/{tick}", "quality gate stock_counts is shut", "gate_shut")
    told = ui.page.get_by_text("quality gate stock_counts is shut").first.inner_text()
    assert "quantity is zero or more" in told
    with store.session() as session:
        session.upsert("stock_counts", good)
    assert ui.ended(ui.launch("quality")) == "SUCCESS"
    with store.session(read_only=True) as session:
        assert shut_gates(session) == {}


def _a_return_is_announced_by_its_form(ui: Ui, oms: Oms) -> None:
    store = Hub.open(oms).store
    with store.session(read_only=True) as session:
        shipped = session.table("shipment_lines").join(session.table("shipments"), on="shipment_id")
    order = shipped.sort("order_id")["order_id"][0]
    ui.show(f"{HOME}/jobs/announce_return/playground", "Launch Run", "returns_form_empty")
    ui.page.locator(".CodeMirror").first.click()
    ui.page.keyboard.press("Control+A")
    form = f"{{ops: {{announcement: {{config: {{order: {order}, reason: changed_mind}}}}}}}}"
    ui.page.keyboard.insert_text(form)
    ui.picture("Launch Run", "returns_form")
    ui.page.get_by_role("button", name="Launch Run").click()
    [run] = waited(lambda: ui.runs(pipelineName="announce_return"), "the run of the form")
    assert ui.ended(run["runId"]) == "SUCCESS"
    ui.show(f"/runs/{run['runId']}", "expected at lyon", "returns_announced")
    with store.session(read_only=True) as session:
        returns = session.table("returns").filter(pl.col("source") == "hub")
    assert returns["order_id"].to_list() == [order]
