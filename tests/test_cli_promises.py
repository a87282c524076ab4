"""What people see of a promise: why a level is what it is, and when who waits is served."""

from pathlib import Path

import polars as pl
import pytest
from cli_world import NOW, Oms, command, traded
from consolidate_world import land

from oms_pipelines import config
from oms_pipelines.consolidate import consolidate, load_reference
from oms_pipelines.hub import Hub
from oms_pipelines.schema import columns_of
from oms_pipelines.store import open_store

SUPPLY = b"reference;sku;quantity;expected_at\npo1;CUP;20;2026-03-09\n"


@pytest.fixture
def oms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Oms:
    file = traded(tmp_path)
    hub = Hub.open(config.load(file, {}))
    load_reference(hub.store, hub.oms, NOW)
    land(hub.landing, SUPPLY, source="lyon", stream="supply")
    consolidate(hub.store, hub.landing, hub.oms, NOW)
    monkeypatch.setenv("OMS_CONFIG", str(file))
    return command(monkeypatch, capsys)


def test_a_sku_is_shown_with_why_its_number_is_what_it_is(oms: Oms):
    told = oms("stock", "show", "CUP")
    assert told.code == 0
    assert "Why this number" in told.out
    [lyon] = oms("stock", "show", "CUP", "--json").json["locations"]
    assert (lyon["on_hand"], lyon["allocated"], lyon["atp"], lyon["supply"]) == (3, 0, 3, 20)
    [part] = oms("stock", "show", "MUG", "--json").json["channels"]
    assert (part["channel_id"], part["preorder"]) == ("shop", 0)


def test_a_kit_is_shown_with_what_each_location_could_make(oms: Oms):
    store = open_store(config.load().store.url)
    with store.session() as session:
        session.upsert("bills", pl.DataFrame([
            {"bill_id": "b1", "kit_sku": "SET", "sku": sku, "quantity": n, "in_use": True,
             "price_share": 0.3, "changed_at": NOW}
            for sku, n in (("CUP", 2), ("MUG", 1), ("TEA", 1))
        ]).select(columns_of("bills")))  # fmt: skip
        session.upsert("sku_map", pl.DataFrame([
            {"channel_id": "shop", "channel_sku": "SET", "sku": "SET", "units_per": 1}
        ]))  # fmt: skip
    told = oms("stock", "show", "SET", "--json")
    assert told.code == 0, told.err
    made = {
        (x["location_id"], x["sku"]): (x["in_one"], x["atp"], x["makes"])
        for x in told.json["made_of"]
    }
    assert made["lyon", "CUP"] == (2, 3, 1)
    assert made["lyon", "TEA"] == (1, 0, 0)  # never counted there
    assert told.json["made_of"][0]["sku"] == "TEA", "the scarcest stands first"
    shown = oms("stock", "show", "SET").out
    assert "is a kit" in shown
    assert "No location has it" not in shown


def test_a_cause_that_is_none_and_a_table_that_is_not_named_are_refused(oms: Oms, tmp_path: Path):
    told = oms("stock", "drift", "--cause", "los")
    assert told.code == 2
    assert "loss" in told.err
    assert oms("stock", "drift", "--cause", "loss").code == 0
    (tmp_path / "a.yaml").write_text("shop: {share: 0.1}")
    period = ("--from", "2026-03-02", "--to", "2026-03-02")
    told = oms("stock", "whatif", "--shares", str(tmp_path / "a.yaml"), *period, "--map", "sku=a")
    assert told.code == 2
    assert "--sales" in told.err


def test_a_line_that_waits_is_shown_with_the_day_its_supply_is_expected(oms: Oms):
    [line] = oms("orders", "show", "4", "--json").json["lines"]
    assert line["expected_at"] == "2026-03-09T00:00:00+00:00"
    [line] = oms("orders", "show", "1", "--json").json["lines"]
    assert line["expected_at"] is None
    assert "2026-03-09" in oms("orders", "show", "4").out


def test_a_shadow_beside_an_unknown_plan_is_told(oms):
    told = oms("route", "shadow", "zzz")
    assert told.code == 1
    assert "no shadow ran beside a plan called zzz" in told.err
    assert oms("route", "shadow").out.count("No shadow ran yet") == 1


def test_a_beginning_that_several_versions_of_the_rules_share_is_told(oms):
    known = [x["rules_version"] for x in oms("route", "rules", "--json").json]
    assert known
    assert oms("route", "rules", known[0][:6]).code == 0
    assert oms("route", "rules", "zzz").code == 2
