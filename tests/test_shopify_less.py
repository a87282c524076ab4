"""Shopify orders that tell less than the hub asks for: old REST, and other people's queries."""

from decimal import Decimal
from typing import Any

import pytest
from shopify_answers import (
    COUNTED,
    GID,
    line,
    money,
    normalized,
    order,
    refund,
    rest_line,
    rest_order,
)


def fulfilled(units: int, status: str | None = "SUCCESS") -> dict[str, Any]:
    items = [{"quantity": units, "lineItem": {"id": f"{GID}LineItem/1"}}]
    return {"status": status, "fulfillmentLineItems": {"nodes": items}}


def graph(status: str, of_line: dict[str, Any], **of_order: Any) -> dict[str, Any]:
    return order(
        displayFulfillmentStatus=status, lineItems={"nodes": [line(**of_line)]}, **of_order
    )


def rest(of_line: dict[str, Any], **of_order: Any) -> dict[str, Any]:
    return rest_order(line_items=[rest_line(**of_line)], **of_order)


BARE = {"currentQuantity": None, "unfulfilledQuantity": None}
PARCEL = {"status": "SUCCESS", "trackingInfo": [{"number": "T"}]}  # its lines were not asked for
GONE = "2026-07-02T00:00:00Z"
UNITS = {  # 3 ordered: [canceled, shipped]
    "parcels without their lines": (
        graph("FULFILLED", {"unfulfilledQuantity": 0}, fulfillments=[PARCEL]),
        [0, 3],
    ),
    "parcels without lines, 1 to ship": (
        graph("PARTIALLY_FULFILLED", {"unfulfilledQuantity": 1}, fulfillments=[PARCEL]),
        [0, 2],
    ),
    "a word only": (graph("FULFILLED", BARE), [0, 3]),
    "a word only, nothing shipped": (graph("UNFULFILLED", BARE), [0, 0]),
    "2 taken out before shipping": (
        graph("UNFULFILLED", {"currentQuantity": 1, "unfulfilledQuantity": 1}),
        [2, 0],
    ),
    "all shipped, 1 returned": (
        graph("FULFILLED", {"currentQuantity": 2, "unfulfilledQuantity": 0}),
        [0, 3],
    ),
    "a parcel of unknown state": (
        graph("PARTIALLY_FULFILLED", {"unfulfilledQuantity": 1}, fulfillments=[fulfilled(2, None)]),
        [0, 2],
    ),
    "a parcel that failed": (
        graph("UNFULFILLED", {}, fulfillments=[fulfilled(2, "FAILURE")]),
        [0, 0],
    ),
    "canceled, units as they were": (graph("UNFULFILLED", {}, cancelledAt=GONE), [3, 0]),
    "canceled, 1 had shipped": (
        graph(
            "PARTIALLY_FULFILLED",
            {"unfulfilledQuantity": 0},
            cancelledAt=GONE,
            fulfillments=[fulfilled(1)],
        ),
        [2, 1],
    ),
    "old REST, shipped": (
        rest({"fulfillment_status": "fulfilled", "fulfillable_quantity": 0}),
        [0, 3],
    ),
    "old REST, word only": (rest({"fulfillment_status": "fulfilled"}), [0, 3]),
    "old REST, 1 to ship": (
        rest({"fulfillment_status": "partial", "fulfillable_quantity": 1}),
        [0, 2],
    ),
    "old REST, part, not told which": (rest({"fulfillment_status": "partial"}), [0, 0]),
    "old REST, canceled": (rest({"fulfillable_quantity": 0}, cancelled_at=GONE), [3, 0]),
}


@pytest.mark.parametrize("case", UNITS)
def test_units_are_right_when_the_answer_tells_less(case: str):
    page, want = UNITS[case]
    found = normalized(page)
    [got] = found.accepted["order_lines"].select(COUNTED).rows()
    assert list(got) == [3, *want]


SENT = {"kind": "refund", "status": "success", "amount": "10.00", "currency": "EUR"}
FAILED = SENT | {"status": "failure"}
REFUNDS = {  # 35.00 at purchase: refunds, [of the order, of the refund, paid now]
    "paid back in shop money": ([refund(transactions=[SENT, FAILED])], ["10", "10", "25"]),
    "no currency beside it": (
        [refund(transactions=[SENT | {"currency": None}])],
        ["10", "10", "25"],
    ),
    "goods only": ([refund(transactions=[])], ["0", "0", "35"]),
    "in the customer's currency": (
        [refund(transactions=[SENT | {"currency": "USD"}])],
        [None, None, None],
    ),
    "transactions not asked for": ([refund()], [None, None, None]),
}


@pytest.mark.parametrize("case", REFUNDS)
def test_what_was_refunded_is_unknown_rather_than_wrong(case: str):
    refunds, want = REFUNDS[case]
    found = normalized(rest_order(refunds=refunds))
    got = found.accepted["orders"].row(0, named=True)
    amounts = [got["refunded_amount"], found.accepted["refunds"]["amount"][0], got["total_amount"]]
    assert amounts == [None if x is None else Decimal(x) for x in want]
    assert got["original_total_amount"] == 35


def test_graphql_without_current_totals_counts_what_its_refunds_gave_back():
    back = {"id": f"{GID}Refund/5", "createdAt": GONE, "totalRefundedSet": money("4.50")}
    got = normalized(order(refunds=[back])).accepted["orders"].row(0, named=True)
    assert (got["refunded_amount"], got["total_amount"]) == (Decimal("4.5"), Decimal("30.5"))


PRICES = {  # [unit price, line amount] of 3 units at 10.00
    "discounts in all": (line(totalDiscountSet=money("3.00")), ["9", "27"]),
    "a discounted price only": (
        line(originalUnitPriceSet=None, discountedUnitPriceSet=money("9.00")),
        ["9", "27"],
    ),
    "allocations": (
        line(
            totalDiscountSet=money("3.00"),
            discountAllocations=[{"allocatedAmountSet": money("1.50")}],
        ),
        ["9.5", "28.5"],
    ),
}


@pytest.mark.parametrize("case", PRICES)
def test_the_price_of_a_line_is_read_from_what_is_told(case: str):
    told, want = PRICES[case]
    found = normalized(order(lineItems={"nodes": [told]}))
    assert found.accepted["order_lines"].select("unit_price", "line_amount").row(0) == tuple(
        map(Decimal, want)
    )


def test_an_old_rest_order_tells_discounts_shipping_and_receiver_its_own_way():
    told = rest({"total_discount": "3.00"}, email="", customer={"email": "ada@example.org"})
    told |= {
        "shipping_lines": [{"title": "Post", "price": "4.00"}, {"title": "Lift", "price": "1.00"}],
        "shipping_address": {
            "first_name": "Ada",
            "last_name": "L",
            "address1": "1 rue A",
            "phone": "",
        },
        "phone": "+33100000000",
    }
    found = normalized(told)
    got = found.accepted["order_lines"].row(0, named=True)
    assert (got["unit_price"], got["line_amount"]) == (9, 27)
    assert found.accepted["orders"]["shipping_amount"].item() == 5
    who = found.accepted["order_contacts"].row(0, named=True)
    assert (who["name"], who["email"], who["phone"]) == ("Ada L", "ada@example.org", "+33100000000")


def test_the_currency_beside_the_total_is_the_orders_where_no_other_is_told():
    found = normalized(order(currencyCode=None))
    assert found.accepted["orders"]["currency"].item() == "EUR"
    assert found.accepted["order_lines"]["currency"].item() == "EUR"
