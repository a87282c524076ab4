"""A till takes back what another channel sold: one order, one count, the store that took it."""

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from returns_world import NOW, SOLD, drop, opened, shipped, sold, table, take_in
from store_frames import frame, line, order

from oms_pipelines.errors import Rejected
from oms_pipelines.hub import Hub
from oms_pipelines.report.returns import by_dimension
from oms_pipelines.returns.announce import Announcement, announce
from oms_pipelines.returns.dock import find
from oms_pipelines.stock import ledger
from oms_pipelines.store import Store


def till_row(number: str, quantity: int, kind: str = "return", minute: int = 0, **more: str) -> str:
    """Return a row of a till's file."""
    row = dict.fromkeys(SOLD.split(";"), "") | {
        "order_number": number, "placed_at": f"2026-01-03T09:{minute:02}:00Z", "sku": "A",
        "quantity": str(quantity), "unit_price": "5,00", "kind": kind, "status": "TAILLE", **more,
    }  # fmt: skip
    return ";".join(row.values())


def at_the_till(hub: Hub, root: Path, *rows: str, hour: int = 0) -> None:
    """Let the till of Paris tell some rows of SKU A, and take them in."""
    with hub.store.session() as s:
        s.insert_new("skus", frame("skus", {"sku": "A"}))
    hub.__dict__["_now"] = NOW + timedelta(hours=hour)
    drop(root, "till", f"day{hour}.csv", SOLD, *rows)
    take_in(hub, "orders")
    with hub.store.session() as s:
        ledger.post(s, hub.now())


def placed(store: Store, channel: str, key: str) -> None:
    """Store an order of some channel with the number Nkey, one line of three A."""
    order_id = {"order_id": f"{channel}/{key}"}
    head = order(key) | order_id | {"channel_id": channel, "number": f"N{key}"}
    with store.session() as s:
        rows = frame("order_lines", line(key, 1, 3) | order_id | {"sku": "A"})
        s.merge_documents("orders", frame("orders", head), {"order_lines": rows})


def returns(store: Store) -> list[tuple]:
    return table(store, "returns").select("order_id", "other_channel", "order_fault").rows()


def receipts(store: Store) -> list[tuple]:
    columns = ("location_id", "order_id", "line_id", "quantity")
    return table(store, "return_receipts").select(columns).rows()


@pytest.mark.parametrize("named", ["N1", "1", "shop/1"], ids=["number", "external id", "whole id"])
def test_a_till_return_that_names_a_web_order_is_linked_to_it(
    store: Store, tmp_path: Path, named: str
):
    sold(store, "1", 3, 1)
    shipped(store, "1", 1, 2)
    hub = opened(store, tmp_path)
    at_the_till(hub, tmp_path, till_row(named, 1, line_id="7"))
    assert returns(store) == [("shop/1", True, None)]
    assert receipts(store) == [("paris", "shop/1", "1", 1)]
    with store.session(read_only=True) as s:
        daily = s.query("report/returns_daily")
        [found] = find(s, "N1").to_dicts()
    assert daily.select("channel", "location", "reason", "announced", "received").rows() == [
        ("shop", "paris", "too_small", 1, 1)
    ]
    assert by_dimension(daily, "channel").select("channel", "units").rows() == [("shop", 1)]
    assert (found["order_id"], found["location_id"]) == ("shop/1", "paris")


def test_returned_never_exceeds_delivered_over_tills_and_parcels(store: Store, tmp_path: Path):
    sold(store, "1", 3)
    shipped(store, "1", 1, 2)
    hub = opened(store, tmp_path)
    at_the_till(hub, tmp_path, till_row("N1", 1))
    announce(hub, Announcement("N1", "too_small", ("1=1",)))
    with pytest.raises(Rejected, match="lines: 1: 0 units may come back"):
        announce(hub, Announcement("N1", "too_small", ("1=1",)))
    at_the_till(hub, tmp_path, till_row("N1", 1, minute=1), till_row("N1", 5, minute=2), hour=1)
    assert receipts(store) == [
        ("paris", "shop/1", "1", 1),
        ("paris", "shop/1", "1", 1),
        ("paris", "shop/1", None, 5),
    ], "the goods lie there; no more than was delivered counts against the line"


def test_a_line_number_of_the_till_is_no_line_of_the_order(store: Store, tmp_path: Path):
    sold(store, "1", 2, sku="B", units_per=6)
    with store.session() as s:
        more = frame("order_lines", line("1", 2, 2) | {"sku": "A"})
        s.upsert("order_lines", more)
    shipped(store, "1", 2, 2)
    hub = opened(store, tmp_path)
    at_the_till(hub, tmp_path, till_row("N1", 1, line_id="1"))
    assert receipts(store) == [("paris", "shop/1", "2", 1)]
    with store.session(read_only=True) as s:
        daily = s.query("report/returns_daily")
    assert daily.select("sku", "announced", "received").rows() == [("A", 1, 1)]


def test_a_number_that_several_orders_bear_is_kept_with_its_reason(store: Store, tmp_path: Path):
    placed(store, "shop", "1")
    placed(store, "market", "1")
    hub = opened(store, tmp_path)
    at_the_till(hub, tmp_path, till_row("N1", 1))
    [(order_id, _, fault)] = returns(store)
    assert order_id is None
    assert fault == (
        "order_number N1 names 2 orders: market/1, shop/1; let the till write the whole id"
    )
    assert receipts(store) == [("paris", None, None, 1)]
    balances = table(store, "stock_balances").filter(pl.col("account") == "paris/sellable")
    assert balances["quantity"].to_list() == [1], "the goods lie in the store all the same"
    with store.session(read_only=True) as s:
        found = find(s, "N1").filter(pl.col("return_id").is_not_null())
    assert found["order_fault"].to_list() == [fault]


def test_a_till_return_that_came_before_its_order_is_linked_when_it_comes(
    store: Store, tmp_path: Path
):
    hub = opened(store, tmp_path)
    at_the_till(hub, tmp_path, till_row("S5", 1))
    assert returns(store) == [("till/S5", None, "order_number S5 names no order yet")]
    at_the_till(hub, tmp_path, till_row("S5", 2, "sale", line_id="1"), hour=1)
    assert returns(store) == [("till/S5", None, None)]
    assert receipts(store) == [("paris", "till/S5", "1", 1)]


def test_the_tills_own_sale_goes_before_another_channels_order_of_the_number(
    store: Store, tmp_path: Path
):
    placed(store, "shop", "1")
    hub = opened(store, tmp_path)
    at_the_till(hub, tmp_path, till_row("N1", 1))
    assert returns(store) == [("shop/1", True, None)]
    at_the_till(hub, tmp_path, till_row("N1", 2, "sale", line_id="1"), hour=1)
    assert returns(store) == [("till/N1", None, None)]
    assert receipts(store) == [("paris", "till/N1", "1", 1)]
