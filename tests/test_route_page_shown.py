"""Where people meet the page of a plan: the command, the asset, a browser."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cli_world
import pytest
from browser_ui import FLAGS, chromium
from cli_world import Oms, command, configured
from dagster_world import NOW as CLOCK
from dagster_world import count, run, sell, small_hub
from plan_pages import small

from oms_pipelines.errors import Rejected
from oms_pipelines.routing import load_inputs, plan, store_plan
from oms_pipelines.routing.planned import find_plan
from oms_pipelines.stages.plan_page import draw_made
from oms_pipelines.store import Store


def test_the_command_takes_the_newest_plan_or_says_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    file = cli_world.traded(tmp_path)
    monkeypatch.setenv("OMS_CONFIG", str(file))
    oms: Oms = command(monkeypatch, capsys)
    told = oms("route", "page", "--json")
    assert told.code == 0, told.err
    page = Path(told.json["page"])
    assert page.parent == tmp_path / "var" / "pages" / "plans"
    shown = oms("route", "page", told.json["plan_id"])
    assert f"Page: {page}" in shown.out
    none = oms("route", "page", "19990101T000000Z-0")
    assert none.code == 1
    assert "no plan is called 19990101T000000Z-0; the newest are " in none.err
    assert told.json["plan_id"] in none.err
    assert "@" not in page.read_text("utf-8").replace("@media", "")  # nobody's address


def test_the_command_says_when_there_is_no_plan_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("OMS_CONFIG", str(configured(tmp_path)))
    oms: Oms = command(monkeypatch, capsys)
    told = oms("route", "page")
    assert (told.code, "`oms sync` makes plans" in told.out) == (0, True)
    assert oms("route", "page", "--json").json == {"plan_id": None, "page": None}
    assert "there are none" in oms("route", "page", "2026").err


def test_a_beginning_of_several_ids_names_them(duckdb_store: Store, tmp_path: Path):
    hub, made = small(duckdb_store, tmp_path)
    inputs = load_inputs(tmp_path / "plans" / made.plan_id)
    later = plan(replace(inputs, as_of=datetime(2026, 1, 7, 10, tzinfo=UTC)))
    with duckdb_store.session() as s:
        store_plan(s, later, hub.now())
        with pytest.raises(Rejected, match=f"several plans: {later.plan_id}, {made.plan_id};"):
            find_plan(s, "2026")
        assert find_plan(s, later.plan_id)["plan_id"] == later.plan_id
        assert find_plan(s, None)["plan_id"] == later.plan_id


def test_the_asset_tells_where_the_page_lies_and_shows_its_flows(
    tmp_path: Path, migrated_file: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OMS_NOW", CLOCK)
    oms = small_hub(tmp_path / "hub", migrated_file)
    sell(tmp_path / "hub")
    count(tmp_path / "hub", 10)
    done = run(oms)
    [made] = done.asset_materializations_for_node("allocations")
    assert Path(made.metadata["page"].path).is_file()
    shown = made.metadata["parcels from channels by locations to countries"].md_str
    assert shown.startswith("![flows](data:image/svg+xml;base64,")
    again = run(oms)
    [quiet] = again.asset_materializations_for_node("allocations")
    assert "page" not in quiet.metadata


@pytest.mark.browser
@pytest.mark.skipif(chromium() is None, reason="no Chromium is installed")
@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_shows_the_page_without_a_fault(duckdb_store: Store, tmp_path: Path, width: int):
    from playwright.sync_api import sync_playwright

    hub, made = small(duckdb_store, tmp_path)
    page = draw_made(hub, made).path
    faults: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=FLAGS)
        try:
            shown = browser.new_page(viewport={"width": width, "height": 900})
            shown.on("console", lambda x: faults.append(x.text))
            shown.on("pageerror", lambda x: faults.append(str(x)))
            shown.on("request", lambda x: x.url.startswith("file:") or faults.append(x.url))
            shown.goto(page.as_uri())
            boxes = [x.bounding_box() for x in shown.locator("svg").all()]
            across = shown.evaluate("document.documentElement.scrollWidth")
        finally:
            browser.close()
    assert faults == []
    assert len(boxes) == 2
    assert all(b["width"] > 300 and b["height"] > 100 for b in boxes)
    assert across == width  # nothing wider than the screen
