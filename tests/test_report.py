"""Marts and pages: each returned unit counted once, pages that open without a network."""

import re
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from stock_world import NOON, World, at

from oms_pipelines.config import Oms
from oms_pipelines.report.marts import write_mart
from oms_pipelines.report.returns import DIMENSIONS, by_dimension, rates, told
from oms_pipelines.stages import report
from oms_pipelines.stock import ledger
from oms_pipelines.stock.drift import open_in_words
from oms_pipelines.store import Store
from oms_pipelines.store.frames import cut

DAY = date(2026, 3, 2)


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def announce(world: World, name: str, lines: dict[str, int], when=NOON, **more: Any) -> None:
    reasons = more.pop("reasons", {})
    head = {
        "return_id": f"hub/{name}", "source": "hub", "order_id": "shop/1", "initiator": "customer",
        "status": "announced", "reason_code": "size", "location_id": "lyon", "carrier_id": "colis",
        "announced_at": when, **world.batch(when), **more,
    }  # fmt: skip
    world.put("returns", head)
    rows = [
        {
            "return_id": f"hub/{name}", "line_id": sku, "sku": sku, "quantity": quantity,
            "reason_code": reasons.get(sku),
        }
        for sku, quantity in lines.items()
    ]  # fmt: skip
    world.put("return_lines", *rows)


def come(
    world: World, line_no: int, sku: str, quantity: int, disposition: str, when=NOON, **more: Any
) -> None:
    world.receipt(sku, quantity, disposition, when, line_no=line_no, **more)


def reporting(store: Store, root: Path) -> Any:
    """Return what a report needs of a hub, without carriers in its settings."""
    return SimpleNamespace(store=store, output=root, now=lambda: NOON, oms=Oms())


def daily(world: World) -> pl.DataFrame:
    with world.store.session() as s:
        return s.query("report/returns_daily")


def test_a_return_counts_by_reason_sku_channel_location_carrier_and_initiator(world: World):
    world.order("shop/1", {"sock": 3, "glove": 1})
    announce(world, "r1", {"sock": 3, "glove": 1}, reasons={"glove": "broken"})
    come(world, 1, "sock", 2, "restock", at(30), return_id="hub/r1", line_id="sock")
    come(world, 2, "sock", 1, "scrap", at(30), return_id="hub/r1", line_id="sock")
    come(world, 3, "glove", 1, "repair", at(30), return_id="hub/r1", line_id="glove")
    found = daily(world)
    where = {"day": DAY, "channel": "shop", "location": "lyon", "expected_at": "lyon",
             "carrier": "colis"}  # fmt: skip
    assert found.to_dicts() == [
        where | {
            "initiator": "customer", "reason": "broken", "sku": "glove", "announced": 1,
            "received": 1, "restocked": 0, "repaired": 1, "damaged": 0, "scrapped": 0, "waiting": 0,
            "not_ordered": 0,
        },
        where | {
            "initiator": "customer", "reason": "size", "sku": "sock", "announced": 3,
            "received": 3, "restocked": 2, "repaired": 0, "damaged": 0, "scrapped": 1, "waiting": 0,
            "not_ordered": 0,
        },
    ]  # fmt: skip
    for dimension in DIMENSIONS:
        assert by_dimension(found, dimension)["units"].sum() == 4


def test_another_sku_in_the_parcel_counts_as_it_came_and_the_announced_unit_once(world: World):
    world.order("shop/1", {"sock": 2})
    announce(world, "r1", {"sock": 2})
    come(world, 1, "sock", 1, "restock", return_id="hub/r1", line_id="sock")
    come(world, 2, "hat", 1, "scrap", return_id="hub/r1", line_id="sock")
    found = daily(world)
    assert found.select("sku", "announced", "received", "reason").rows() == [
        ("hat", 0, 1, "size"),
        ("sock", 2, 1, "size"),
    ]
    assert told(found)["units"].sum() == 2


def test_a_receipt_without_a_line_takes_the_reason_of_its_sku_or_of_its_return(world: World):
    world.order("shop/1", {"sock": 2, "glove": 1})
    announce(world, "r1", {"sock": 2, "glove": 1}, reasons={"sock": "broken"})
    come(world, 1, "sock", 2, "scrap", return_id="hub/r1")
    come(world, 2, "hat", 1, "restock", return_id="hub/r1")
    received = daily(world).filter(pl.col("received") > 0)
    assert received.select("sku", "reason").rows() == [("sock", "broken"), ("hat", "size")]


def test_a_parcel_nobody_announced_counts_once_on_the_day_it_came(world: World):
    world.order("shop/1", {"sock": 2})
    come(world, 1, "sock", 2, "quarantine", at(40), order_id="shop/1")
    come(world, 2, "hat", 1, "restock", at(40))
    come(world, 3, "hat", 1, "restock", at(40), return_id="hub/gone")
    found = daily(world)
    assert found.select("day", "channel", "reason", "sku", "received", "waiting").rows() == [
        (DAY + timedelta(days=2), "shop", "unannounced", "sock", 2, 2),
        (DAY + timedelta(days=2), "unknown", "unannounced", "hat", 2, 0),
    ]
    assert told(found)["units"].sum() == 4


def test_a_return_called_off_counts_only_if_it_came_all_the_same(world: World):
    world.order("shop/1", {"sock": 2})
    announce(world, "r1", {"sock": 2}, status="canceled")
    assert daily(world).is_empty()
    come(world, 1, "sock", 2, "restock", return_id="hub/r1", line_id="sock")
    assert daily(world).select("announced", "received").rows() == [(0, 2)]


def test_what_came_elsewhere_counts_where_it_came_and_where_it_was_told(world: World):
    world.order("shop/1", {"sock": 2})
    announce(world, "r1", {"sock": 2}, location_id="paris")
    come(world, 1, "sock", 2, "restock", return_id="hub/r1", line_id="sock")
    found = daily(world)
    columns = ("location", "expected_at", "announced", "received")
    assert found.select(columns).rows() == [("lyon", "paris", 0, 2), ("paris", "paris", 2, 0)]
    both = by_dimension(found, "expected_at").select("expected_at", "announced", "received")
    assert both.rows() == [("paris", 2, 2)]
    apart = by_dimension(found, "location").select("location", "announced", "received")
    assert apart.rows() == [("paris", 2, 0), ("lyon", 0, 2)]


def test_packs_count_as_the_units_in_them(world: World):
    world.order("shop/1", {"sock": 2}, line={"units_per": 6})
    announce(world, "r1", {"sock": 1})
    assert daily(world)["announced"].to_list() == [6]


def test_shares_are_of_what_was_shipped_or_handed_over(world: World):
    world.order("shop/1", {"sock": 10})
    world.parcel("1", "sock", 10, at(1))
    world.order(
        "till/1", {"sock": 4}, delivery_mode="none", order_status="closed",
        line={"canceled_quantity": 2},
    )  # fmt: skip
    announce(world, "r1", {"sock": 2})
    come(world, 1, "sock", 1, "restock", order_id="till/1")
    with world.store.session() as s:
        shipped = s.query("report/shipped_daily")
    assert rates(daily(world), shipped).rows() == [("shop", 10, 2, 20.0), ("till", 2, 1, 50.0)]


def test_orders_and_stock_marts_add_up(world: World):
    world.order(
        "shop/1", {"sock": 1}, total_amount=Decimal("10.50"), refunded_amount=Decimal("2.5")
    )
    world.order("shop/2", {"sock": 1}, total_amount=Decimal("4.50"))
    world.order("shop/3", {"sock": 1}, at(24), order_status="canceled")
    world.count("lyon", "sock", 10, at(-5))
    world.give("f1", "sock", 3)
    come(world, 1, "sock", 2, "repair")
    with world.store.session() as s:
        ledger.post(s, at(30))
        orders = s.query("report/orders_daily")
        stock = s.query("report/stock_now")
    assert orders.select("day", "status", "orders").rows() == [
        (DAY, "open", 2),
        (DAY + timedelta(days=1), "canceled", 1),
    ]
    assert [str(x) for x in orders.select("total", "refunded").row(0)] == ["15.0000", "2.5000"]
    assert stock.rows() == [("lyon", "sock", 7, 3, 2)]


def test_a_mart_writes_the_days_that_changed_and_drops_those_that_vanished(tmp_path: Path):
    days = [DAY, DAY + timedelta(days=1)]
    frame = pl.DataFrame({"day": days, "units": [1, 2]})
    assert write_mart(tmp_path, frame) == 2
    assert write_mart(tmp_path, frame) == 0
    assert write_mart(tmp_path, frame.with_columns(units=pl.Series([1, 3]))) == 1
    assert write_mart(tmp_path, frame.head(1)) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["day=2026-03-02.parquet"]
    assert pl.read_parquet(tmp_path / "day=2026-03-02.parquet").rows() == [(DAY, 1)]


def test_the_returns_page_opens_offline_and_shows_every_dimension(duckdb_store, tmp_path: Path):
    world = World(duckdb_store)
    world.order("shop/1", {"<script>alert(1)</script>": 2})
    announce(world, "r1", {"<script>alert(1)</script>": 2})
    come(world, 1, "hat", 1, "restock", return_id="hub/r1")
    hub = reporting(duckdb_store, tmp_path)
    done = report.returns_page(hub)
    text = done.path.read_text("utf-8")
    assert done.totals == {"announced": 2, "received": 1}
    assert text.count("<svg") == 1 + len(DIMENSIONS)
    assert "<script" not in text
    assert not re.findall(r'(?:src|href)="(?!#)[^"]*"|url\(http|@import|<link', text)
    for dimension in DIMENSIONS:
        assert f"By {dimension.replace('_', ' ')}" in text
    assert "received units where they came" in text
    assert ">unknown: colis<" in text, "a carrier that is none of oms.yaml is listed as such"
    assert report.returns_mart(hub).totals == {"announced": 2, "received": 1, "restocked": 1}
    assert report.orders_mart(hub).totals == {"orders": 1}


def test_a_page_without_returns_says_so(duckdb_store, tmp_path: Path):
    hub = reporting(duckdb_store, tmp_path)
    done = report.returns_page(hub)
    assert "Nothing has been returned yet." in done.path.read_text("utf-8")
    assert report.returns_mart(hub).rows == 0


def test_the_drift_page_opens_offline_and_tells_cause_age_and_proof(world: World, tmp_path: Path):
    world.count("lyon", "sock", 10, at(-80))
    world.count("lyon", "sock", 7, at(-8))
    with world.store.session() as s:
        ledger.post(s, at(-7))
    done = report.drift_page(reporting(world.store, tmp_path))
    assert done.totals == {
        "counts": 1, "open": 1, "missing": 3, "found": 0, "contradictions": 0,
    }  # fmt: skip
    text = done.path.read_text()
    assert "<svg" in text
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert all(word in text for word in ("loss", "sock", "lyon", "-3"))
    [mart] = list((tmp_path / "marts" / "drift_daily").glob("day=*.parquet"))
    assert pl.read_parquet(mart, hive_partitioning=False)["cause"].to_list() == ["loss"]


def counted_otherwise(world: World) -> None:
    """Let one glove be found and three socks be missing."""
    world.count("lyon", "sock", 10, at(-80))
    world.count("lyon", "glove", 10, at(-80))
    world.count("lyon", "glove", 11, at(-9))
    world.count("lyon", "sock", 7, at(-8))


def test_totals_of_drift_add_up_the_list_and_keep_contradictions_apart(world: World, tmp_path):
    counted_otherwise(world)
    with world.store.session() as s:
        ledger.post(s, at(-7))
    world.put("stock_contradictions", {
        "kind": "short_pick_in_stock", "location_id": "lyon", "sku": "sock", "subject": "f/1",
        "units": 2, "state": "open", "found_at": at(-9),
    })  # fmt: skip
    with world.store.session() as s:
        asked = {"now": NOON, "location": "", "cause": "", "closed": False, "limit": 9}
        listed = s.query("show/drift", **asked)
        totals = s.query("stock/drift_totals")
        few = s.query("show/drift", **{**asked, "limit": 1})
    assert open_in_words(totals) == (
        "Open: 2 counts, 3 units missing and 1 found. Contradictions open: 1, of 2 units."
    )
    units = listed["units"].drop_nulls()
    assert units.sum() == totals["found"].sum() - totals["missing"].sum()
    assert listed["contradicts"].sum() == totals["contradicts"].sum() == 2
    fact = listed.filter(pl.col("cause") == "short_pick_in_stock")
    assert fact.select("units", "counted_at").row(0) == (None, None)
    assert (cut(few)[0].height, cut(few)[1]) == (1, 2)
    page = report.drift_page(reporting(world.store, tmp_path)).path.read_text()
    assert "2 counts, 3 units missing and 1 found. Contradictions open: 1, of 2" in page
    assert "short_pick_in_stock" in page
    assert "be missing in the next count too" in page
    assert '<div class="table"><table>' in page
    assert ".table{overflow-x:auto}" in page


def test_drift_is_listed_newest_first_by_location_and_cause(world: World):
    counted_otherwise(world)
    with world.store.session() as s:
        ledger.post(s, at(-7))
        asked = {"now": NOON, "location": "", "cause": "", "closed": False, "limit": 9}
        every = s.query("show/drift", **asked)
        found = s.query("show/drift", **{**asked, "cause": "found", "location": "lyon"})
        none = s.query("show/drift", **{**asked, "location": "lille"})
    columns = ["sku", "cause", "units", "age_hours", "state"]
    assert every.select(columns).rows() == [
        ("sock", "loss", -3, 7, "drift"), ("glove", "found", 1, 7, "drift"),
    ]  # fmt: skip
    assert (found["sku"].to_list(), none.height) == (["glove"], 0)
