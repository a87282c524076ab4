"""Parcels on Shopify: announced once, by what can still be fulfilled."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from shopify_shop import JSON, Shop, connection
from werkzeug import Response

from oms_pipelines.channels.base import Parcel, ShippedLine
from oms_pipelines.errors import Unreachable


@pytest.fixture
def shop(httpserver: HTTPServer) -> Shop:
    return Shop().serve(httpserver)


def parcel(*lines: tuple[str, int], number: str | None = "T1") -> Parcel:
    return Parcel(
        key="p1",
        external_id="450",
        shipment_id="lyon/1",
        carrier="Colissimo",
        tracking_number=number,
        tracking_url=None,
        shipped_at=datetime(2026, 8, 1, tzinfo=UTC),
        lines=tuple(ShippedLine(*line) for line in lines),
        complete=True,
    )


def fulfillable(number: int, place: int, status: str = "OPEN", **left: int) -> dict[str, Any]:
    lines = [
        {
            "id": f"gid://shopify/FulfillmentOrderLineItem/{number}{line[1:]}",
            "remainingQuantity": units,
            "lineItem": {"id": f"gid://shopify/LineItem/{line[1:]}"},
        }
        for line, units in left.items()
    ]
    return {
        "id": f"gid://shopify/FulfillmentOrder/{number}",
        "status": status,
        "assignedLocation": {"location": {"id": f"gid://shopify/Location/{place}"}},
        "lineItems": connection(lines),
    }


def fulfilled(number: str, status: str = "SUCCESS", **units: int) -> dict[str, Any]:
    lines = [
        {"quantity": n, "lineItem": {"id": f"gid://shopify/LineItem/{line[1:]}"}}
        for line, n in units.items()
    ]
    return {
        "id": "gid://shopify/Fulfillment/1",
        "status": status,
        "trackingInfo": [{"number": number}],
        "fulfillmentLineItems": connection(lines),
    }


def state(*orders: dict[str, Any], done: tuple = (), canceled: str | None = None) -> dict[str, Any]:
    return {
        "order": {
            "id": "gid://shopify/Order/450",
            "cancelledAt": canceled,
            "fulfillments": list(done),
            "fulfillmentOrders": connection(list(orders)),
        }
    }


def created(*fields: str) -> dict[str, Any]:
    errors = [{"field": list(fields), "message": "about jane@example.com"}] if fields else []
    return {"fulfillmentCreate": {"fulfillment": None, "userErrors": errors}}


def announce(shop: Shop, some: Parcel, **more: Any) -> tuple[str, str]:
    (receipt,) = shop.connect(**more).push_tracking([some])
    return receipt.outcome, receipt.text


def test_a_parcel_ships_its_units_of_the_open_fulfillment_orders(shop):
    shop.on(
        "OrderFulfillment",
        state(fulfillable(1, 11, l1=3, l2=1), fulfillable(2, 11, "CLOSED", l1=9)),
    )
    shop.on("CreateFulfillment", created())
    assert announce(shop, parcel(("1", 2))) == ("accepted", "")
    assert shop.variables("OrderFulfillment") == [{"id": "gid://shopify/Order/450"}]
    (sent,) = shop.variables("CreateFulfillment")
    assert sent["fulfillment"] == {
        "lineItemsByFulfillmentOrder": [
            {
                "fulfillmentOrderId": "gid://shopify/FulfillmentOrder/1",
                "fulfillmentOrderLineItems": [
                    {"id": "gid://shopify/FulfillmentOrderLineItem/11", "quantity": 2}
                ],
            }
        ],
        "trackingInfo": {"company": "Colissimo", "number": "T1"},
        "notifyCustomer": False,
    }


def test_a_parcel_of_parts_makes_no_call_and_its_number_goes_with_the_one_that_completes_them(shop):
    shop.on("OrderFulfillment", state(fulfillable(1, 11, l1=1)), state(fulfillable(1, 11, l1=1)))
    shop.on("CreateFulfillment", created())
    text = "told with the parcel that makes a unit whole"
    assert announce(shop, parcel(("1", 0))) == ("accepted", text)
    assert shop.variables("CreateFulfillment") == []
    page = "https://track.example/"
    last = replace(
        parcel(("1", 1), number="T2"), tracking_url=f"{page}T2", parts=(("T1", f"{page}T1"),)
    )
    assert announce(shop, last) == ("accepted", "")
    assert shop.variables("CreateFulfillment")[0]["fulfillment"]["trackingInfo"] == {
        "company": "Colissimo",
        "numbers": ["T2", "T1"],
        "urls": [f"{page}T2", f"{page}T1"],
    }


@pytest.mark.parametrize(
    ("options", "told"),
    [({"tell_customer": False}, True), ({"tell_customer": False, "notify_customer": False}, False)],
)
def test_the_shop_tells_the_customer_where_the_hub_does_not(shop, options, told):
    shop.on("OrderFulfillment", state(fulfillable(1, 11, l1=1))).on("CreateFulfillment", created())
    announce(shop, parcel(("1", 1)), **options)
    assert shop.variables("CreateFulfillment")[0]["fulfillment"]["notifyCustomer"] is told


def test_a_parcel_of_two_locations_is_two_calls(shop):
    shop.on("OrderFulfillment", state(fulfillable(1, 11, l1=1), fulfillable(2, 12, l1=1)))
    shop.on("CreateFulfillment", created(), created())
    assert announce(shop, parcel(("1", 2))) == ("accepted", "")
    assert len(shop.variables("CreateFulfillment")) == 2


def test_a_parcel_the_shop_has_is_not_announced_twice(shop):
    shop.on("OrderFulfillment", state(fulfillable(1, 11, l1=1), done=(fulfilled("T1", l1=2),)))
    assert announce(shop, parcel(("1", 2))) == ("accepted", "the shop has it")
    assert shop.variables("CreateFulfillment") == []


def test_what_is_missing_of_a_parcel_half_announced_is_added(shop):
    done = (fulfilled("T1", l1=1), fulfilled("T1", "CANCELLED", l2=1))
    shop.on("OrderFulfillment", state(fulfillable(2, 12, l1=4, l2=1), done=done))
    shop.on("CreateFulfillment", created())
    assert announce(shop, parcel(("1", 2), ("2", 1)))[0] == "accepted"
    (sent,) = shop.variables("CreateFulfillment")
    (part,) = sent["fulfillment"]["lineItemsByFulfillmentOrder"]
    assert [x["quantity"] for x in part["fulfillmentOrderLineItems"]] == [1, 1]


def test_an_answer_that_is_lost_is_not_sent_again_blindly(shop):
    shop.on("OrderFulfillment", state(fulfillable(1, 11, l1=1)))
    shop.on("CreateFulfillment", Response("{}", 502, content_type=JSON))
    with pytest.raises(Unreachable, match="may have taken effect"):
        announce(shop, parcel(("1", 1)))
    assert len(shop.variables("CreateFulfillment")) == 1


@pytest.mark.parametrize(
    ("order", "outcome", "text"),
    [
        ({"order": None}, "rejected", "the shop has no such order"),
        (state(fulfillable(1, 11, "ON_HOLD", l1=1)), "retry", "the shop holds the order"),
        (state(canceled="2026-08-01T00:00:00Z"), "rejected", "the order is canceled in the shop"),
        (
            state(fulfillable(1, 11, l1=0)),
            "rejected",
            "the shop has nothing left to ship of these lines",
        ),
    ],
)
def test_a_parcel_that_cannot_be_announced_is_told_why(shop, order, outcome, text):
    shop.on("OrderFulfillment", order)
    assert announce(shop, parcel(("1", 1))) == (outcome, text)


def test_units_the_shop_has_no_room_for_are_counted(shop):
    shop.on("OrderFulfillment", state(fulfillable(1, 11, l1=1))).on("CreateFulfillment", created())
    assert announce(shop, parcel(("1", 3))) == ("accepted", "2 units had nothing left to ship")


def test_a_refused_parcel_is_told_by_the_field_alone(shop):
    shop.on("OrderFulfillment", state(fulfillable(1, 11, l1=1)))
    shop.on("CreateFulfillment", created("fulfillment", "trackingInfo", "url"))
    text = announce(shop, parcel(("1", 1)))[1]
    assert text == "fulfillmentCreate refused fulfillment/trackingInfo/url"


def test_lines_of_long_fulfillment_orders_are_all_looked_at(shop):
    first = fulfillable(1, 11, l1=1)
    first["lineItems"] = connection(first["lineItems"]["nodes"], "n1")
    more = fulfillable(1, 11, l2=1)["lineItems"]
    shop.on("OrderFulfillment", state(first)).on("CreateFulfillment", created())
    shop.on("MoreFulfillableLines", {"node": {"lineItems": more}})
    assert announce(shop, parcel(("1", 1), ("2", 1))) == ("accepted", "")


def test_shopify_wants_no_acceptance(shop):
    (receipt,) = shop.connect().accept([("450", ["1"])])
    assert (receipt.key, receipt.outcome) == ("450", "accepted")
