"""Levels on Shopify: set with a compare, batch by batch, and read back."""

from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from shopify_shop import Shop, connection

from oms_pipelines.channels._shopify_graphql import document
from oms_pipelines.channels.base import Level
from oms_pipelines.errors import Rejected

PLACE = "gid://shopify/Location/11"


@pytest.fixture
def shop(httpserver: HTTPServer) -> Shop:
    return Shop().serve(httpserver)


def level(sku: str, quantity: int, expected: int | None = None) -> Level:
    return Level(sku, sku, quantity, 1, expected)


def item(sku: str, number: int, available: int | None = 5, tracked: bool = True) -> dict[str, Any]:
    stocked = {"quantities": [{"name": "available", "quantity": available}]}
    return {
        "id": f"gid://shopify/InventoryItem/{number}",
        "sku": sku,
        "tracked": tracked,
        "inventoryLevel": None if available is None else stocked,
    }


def items(*some: dict[str, Any]) -> dict[str, Any]:
    return {"inventoryItems": connection(list(some))}


def set_stock(*errors: tuple[str, int | None]) -> dict[str, Any]:
    told = [
        {
            "code": code,
            "field": ["input"] if i is None else ["input", "quantities", str(i), "quantity"],
            "message": "about jane@example.com",
        }
        for code, i in errors
    ]
    group = None if told else {"id": "gid://shopify/InventoryAdjustmentGroup/1"}
    return {"inventorySetQuantities": {"inventoryAdjustmentGroup": group, "userErrors": told}}


def receipts(found) -> dict[str, tuple[str, str]]:
    return {r.key.partition("#")[0]: (r.outcome, r.text) for r in found}


def test_levels_are_set_by_item_and_location_with_what_the_shop_should_have(shop):
    shop.on("InventoryBySku", items(item("A", 1), item("B", 2), item("a", 9))).on(
        "SetStock", set_stock()
    )
    found = shop.connect(location_id="11").push_stock([level("A", 7, 5), level("B", 0)])
    assert receipts(found) == {"A": ("accepted", ""), "B": ("accepted", "")}
    (asked,) = shop.variables("InventoryBySku")
    assert (asked["query"], asked["location"]) == ('sku:"A" OR sku:"B"', PLACE)
    (sent,) = shop.variables("SetStock")
    assert sent["input"]["name"] == "available"
    assert sent["input"]["quantities"] == [
        {
            "inventoryItemId": "gid://shopify/InventoryItem/1",
            "locationId": PLACE,
            "quantity": 7,
            "changeFromQuantity": 5,
        },
        {
            "inventoryItemId": "gid://shopify/InventoryItem/2",
            "locationId": PLACE,
            "quantity": 0,
            "changeFromQuantity": None,
        },
    ]
    assert sent["key"]
    assert "@idempotent(key: $key)" in document("SetStock")


def test_a_level_that_changed_meanwhile_is_tried_again_unless_it_is_right_already(shop):
    shop.on("InventoryBySku", items(item("A", 1), item("B", 2), item("C", 3)))
    shop.on(
        "SetStock", set_stock(("CHANGE_FROM_QUANTITY_STALE", 0), ("CHANGE_FROM_QUANTITY_STALE", 1))
    )
    shop.on("SetStock", set_stock())
    shop.on("InventoryBySku", items(item("A", 1, available=4), item("B", 2, available=8)))
    levels = [level("A", 7, 5), level("B", 8, 5), level("C", 9, 5)]
    found = shop.connect(location_id=PLACE).push_stock(levels)
    assert receipts(found) == {
        "A": ("retry", "changed meanwhile"),
        "B": ("accepted", "already so"),  # the answer to an earlier send was lost
        "C": ("accepted", ""),
    }
    again = shop.variables("SetStock")[1]["input"]["quantities"]
    assert [q["quantity"] for q in again] == [9]


def test_one_refused_quantity_does_not_hold_back_the_others(shop):
    shop.on("InventoryBySku", items(item("A", 1), item("B", 2)))
    shop.on("SetStock", set_stock(("INVALID_QUANTITY_TOO_HIGH", 0)), set_stock())
    found = shop.connect(location_id="11").push_stock([level("A", 10**9), level("B", 2)])
    assert receipts(found) == {
        "A": ("rejected", "INVALID_QUANTITY_TOO_HIGH"),
        "B": ("accepted", ""),
    }
    first, second = shop.variables("SetStock")
    assert first["key"] != second["key"]


def test_an_error_of_the_whole_call_is_every_levels_error(shop):
    shop.on("InventoryBySku", items(item("A", 1), item("B", 2)))
    shop.on("SetStock", set_stock(("INVALID_LOCATION", None)))
    found = shop.connect(location_id="11").push_stock([level("A", 1), level("B", 2)])
    assert {r.outcome for r in found} == {"rejected"}


def test_a_level_nobody_can_set_is_told_why(shop):
    shop.on(
        "InventoryBySku",
        items(
            item("TWICE", 1),
            item("TWICE", 2),
            item("FREE", 3, tracked=False),
            item("AWAY", 4, None),
        ),
    )
    levels = [level(sku, 1) for sku in ("TWICE", "FREE", "AWAY", "NONE")]
    assert receipts(shop.connect(location_id="11").push_stock(levels)) == {
        "TWICE": ("rejected", "2 items of the shop have this SKU; make it unique"),
        "FREE": ("rejected", "the shop does not track this item"),
        "AWAY": ("rejected", "the item is not stocked at the location of location_id"),
        "NONE": ("rejected", "the shop has no item of this SKU"),
    }
    assert shop.variables("SetStock") == []


def test_levels_go_in_batches_the_shop_takes(shop):
    skus = [f"S{i:03d}" for i in range(260)]
    known = {sku: item(sku, i) for i, sku in enumerate(skus)}

    def look_up(variables: dict[str, Any]) -> dict[str, Any]:
        asked = [word.strip('"') for word in variables["query"].replace("sku:", "").split(" OR ")]
        return items(*(known[sku] for sku in asked))

    shop.on("InventoryBySku", *[look_up] * 6).on("SetStock", set_stock(), set_stock())
    found = list(shop.connect(location_id="11").push_stock([level(s, 1) for s in skus]))
    assert [r.outcome for r in found] == ["accepted"] * 260
    sizes = [len(v["input"]["quantities"]) for v in shop.variables("SetStock")]
    assert sizes == [250, 10]


def test_stock_is_read_back_and_items_of_one_sku_are_summed(shop):
    shop.on(
        "InventoryBySku",
        items(item("A", 1, 3), item("A", 2, 4), item("B", 3, -1), item("C", 4, None), item("c", 5)),
    )
    got = shop.connect(location_id="11").read_stock(["A", "B", "C", "D"])
    assert got == {"A": 7, "B": -1}


def test_without_a_location_there_is_no_stock(shop):
    channel = shop.connect()
    assert channel.capabilities.reads_stock is False
    with pytest.raises(Rejected, match="location_id"):
        channel.read_stock(["A"])
