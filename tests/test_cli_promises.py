"""What people see of a promise: why a level is what it is, and when who waits is served."""

from pathlib import Path

import pytest
from cli_world import NOW, Oms, command, traded
from consolidate_world import land

from oms_pipelines import config
from oms_pipelines.consolidate import consolidate, load_reference
from oms_pipelines.hub import Hub

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


def test_a_line_that_waits_is_shown_with_the_day_its_supply_is_expected(oms: Oms):
    [line] = oms("orders", "show", "4", "--json").json["lines"]
    assert line["expected_at"] == "2026-03-09T00:00:00+00:00"
    [line] = oms("orders", "show", "1", "--json").json["lines"]
    assert line["expected_at"] is None
    assert "2026-03-09" in oms("orders", "show", "4").out
