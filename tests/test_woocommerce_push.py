"""Levels and parcels told to a small WooCommerce shop, over real HTTP."""

from datetime import UTC, datetime
from typing import Any

import pytest
from woocommerce_shop import Shop, order, settings

from oms_pipelines.channels import open_channel
from oms_pipelines.channels.base import Level, Parcel, ShippedLine
from oms_pipelines.channels.woocommerce import WooCommerce


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def connect(shop: Shop, httpserver):
    url = shop.serve(httpserver)

    def connected(**more: Any) -> WooCommerce:
        adapter = open_channel(settings(url, **more))
        assert isinstance(adapter, WooCommerce)
        return adapter

    return connected


def parcel(**more: Any) -> Parcel:
    given: dict[str, Any] = {
        "key": "tracking/lyon/P1",
        "external_id": "7",
        "shipment_id": "lyon/P1/x",
        "carrier": "colis",
        "tracking_number": "XY123",
        "tracking_url": "https://example.com/t/XY123",
        "shipped_at": datetime(2026, 3, 2, 23, 30, tzinfo=UTC),
        "lines": (ShippedLine("1", 1),),
        "complete": True,
    }
    return Parcel(**{**given, **more})


def level(sku: str, quantity: int, version: int = 1) -> Level:
    return Level(sku, sku, quantity, version)


def product(number: int, sku: str, **more: Any) -> dict[str, Any]:
    return {"id": number, "sku": sku, "type": "simple", "manage_stock": True, **more}


def test_levels_go_to_products_to_variations_and_to_parents(shop, connect):
    shop.products = [
        product(1, "MUG"),
        product(2, "TEE", type="variable"),
        product(21, "TEE-S", type="variation", parent_id=2),
        product(3, "BAG", type="variable"),
        product(31, "BAG-RED", type="variation", parent_id=3, manage_stock="parent"),
    ]
    adapter = connect()
    receipts = list(adapter.push_stock([level("MUG", 7), level("TEE-S", 0), level("BAG-RED", 4)]))
    assert {(r.key, r.outcome) for r in receipts} == {
        ("MUG#1", "accepted"),
        ("TEE-S#1", "accepted"),
        ("BAG-RED#1", "accepted"),
    }
    assert shop.products[0]["stock_quantity"] == 7
    assert shop.products[2]["stock_quantity"] == 0
    assert shop.products[3]["stock_quantity"] == 4
    assert adapter.read_stock(["MUG", "TEE-S", "BAG-RED", "NONE"]) == {
        "MUG": 7,
        "TEE-S": 0,
        "BAG-RED": 4,
    }


def test_a_level_the_shop_refuses_is_refused_alone(shop, connect):
    shop.products = [product(1, "MUG"), product(2, "CUP", refuses=True)]
    receipts = list(connect().push_stock([level("MUG", 1), level("CUP", 1), level("GONE", 1)]))
    told = {r.key: (r.outcome, r.text) for r in receipts}
    assert told["MUG#1"] == ("accepted", "")
    assert told["CUP#1"] == (
        "rejected",
        "refused by the shop: woocommerce_rest_product_invalid_id",
    )
    assert told["GONE#1"] == ("rejected", "the shop has no product of this SKU")


def test_skus_are_compared_binary_whatever_the_shop_finds(shop, connect):
    shop.products = [product(1, "mug"), product(2, "MUG")]
    list(connect().push_stock([level("MUG", 5)]))
    assert "stock_quantity" not in shop.products[0]
    assert shop.products[1]["stock_quantity"] == 5


def test_several_skus_on_one_parent_stock_are_refused_rather_than_oversold(shop, connect):
    shop.products = [
        product(3, "BAG", type="variable"),
        product(31, "BAG-RED", type="variation", parent_id=3, manage_stock="parent"),
        product(32, "BAG-TAN", type="variation", parent_id=3, manage_stock="parent"),
    ]
    receipts = list(connect().push_stock([level("BAG-RED", 9), level("BAG-TAN", 1)]))
    assert [r.outcome for r in receipts] == ["rejected", "rejected"]


def test_levels_go_out_by_hundreds_and_skus_are_looked_up_once(shop, connect):
    shop.products = [product(n, f"S{n}") for n in range(1, 251)]
    adapter = connect()
    levels = [level(f"S{n}", n) for n in range(1, 251)]
    assert all(r.outcome == "accepted" for r in adapter.push_stock(levels))
    batches = [a for a in shop.asked if a[0] == "POST"]
    assert len(batches) == 3
    searches = len(shop.asked) - len(batches)
    list(adapter.push_stock(levels))
    assert len(shop.asked) == searches + 2 * len(batches)


def test_text_and_fractional_levels_are_read_as_whole_units(shop, connect):
    shop.products = [
        product(1, "A", stock_quantity="16.5"),
        product(2, "B", stock_quantity=3.0),
        product(3, "C", stock_quantity=None),
        product(4, "D", manage_stock=False, stock_quantity=5),
    ]
    assert connect().read_stock(["A", "B", "C", "D"]) == {"A": 16, "B": 3}


def test_a_parcel_goes_by_the_extension_once_and_completes_the_order(shop, connect):
    shop.orders, shop.trackings = [order(7)], {}
    adapter = connect(options={"carriers": {"colis": "Colis Post"}})
    for _ in range(2):
        (receipt,) = adapter.push_tracking([parcel()])
        assert (receipt.key, receipt.outcome) == ("tracking/lyon/P1", "accepted")
    assert shop.trackings[7] == [
        {
            "tracking_number": "XY123",
            "tracking_provider": "Colis Post",
            "date_shipped": "2026-03-03",  # half past midnight in Paris
        }
    ]
    assert shop.orders[0]["status"] == "completed"


def test_the_number_of_a_parcel_of_parts_stands_at_the_order_which_stays_open(shop, connect):
    shop.orders, shop.trackings = [order(7)], {}
    (receipt,) = connect().push_tracking([parcel(lines=(ShippedLine("1", 0),), complete=False)])
    assert receipt.outcome == "accepted"
    assert [t["tracking_number"] for t in shop.trackings[7]] == ["XY123"]
    assert shop.orders[0]["status"] != "completed"


def test_without_the_extension_a_parcel_stands_in_meta_data_and_one_note(shop, connect):
    shop.orders = [order(7), order(8)]
    adapter = connect()
    parcels = [parcel(complete=False), parcel(external_id="8", shipment_id="lyon/P2/x")]
    for _ in range(2):
        assert [r.outcome for r in adapter.push_tracking(parcels)] == ["accepted", "accepted"]
    assert [m["key"] for m in shop.orders[0]["meta_data"]] == ["_oms_parcel_lyon/P1/x"]
    assert shop.orders[0]["meta_data"][0]["value"]["number"] == "XY123"
    assert [o["status"] for o in shop.orders] == ["processing", "completed"]
    assert len(shop.notes[7]) == 1
    assert shop.notes[7][0]["customer_note"] is False  # the hub tells the customer
    asked = [route for _, route, _ in shop.asked if "shipment-trackings" in route]
    assert asked == ["orders/7/shipment-trackings"]  # found absent once


def test_a_note_cut_off_by_a_crash_is_written_by_the_next_try(shop, connect):
    shop.orders = [order(7, meta_data=[{"key": "_oms_parcel_lyon/P1/x", "value": {}}])]
    list(connect().push_tracking([parcel()]))
    assert len(shop.orders[0]["meta_data"]) == 1
    assert len(shop.notes[7]) == 1


def test_an_order_canceled_in_the_shop_is_not_completed(shop, connect):
    shop.orders = [order(7, status="cancelled")]
    (receipt,) = connect().push_tracking([parcel()])
    assert receipt.outcome == "accepted"
    assert receipt.text == "the order is cancelled in the shop and stays so"
    assert shop.orders[0]["status"] == "cancelled"


def test_a_parcel_of_an_unknown_order_is_rejected_and_the_next_goes_on(shop, connect):
    shop.orders = [order(7)]
    receipts = list(connect().push_tracking([parcel(external_id="999", key="a"), parcel(key="b")]))
    assert [(r.key, r.outcome) for r in receipts] == [("a", "rejected"), ("b", "accepted")]
