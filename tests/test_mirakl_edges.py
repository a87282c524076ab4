"""Mirakl payloads of other operators: fields that are empty, and states told without dates."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest

from oms_pipelines.config import Channel
from oms_pipelines.consolidate import BatchInfo, Normalized, normalize

NOW = datetime(2026, 12, 1, tzinfo=UTC)
GONE = "2026-07-02T00:00:00Z"


def normalized(*orders: dict[str, Any]) -> Normalized:
    body = orjson.dumps({"orders": orders, "total_count": len(orders)})
    info = BatchInfo("b", "market", NOW, Channel(id="market", system="mirakl"))
    return normalize([body.replace(b'"NAN"', b"NaN")], "mirakl", "orders", info)


def line(state: str = "SHIPPED", **changes: Any) -> dict[str, Any]:
    """Return a line of 2 units at 10.00."""
    return {
        "order_line_id": "1",
        "offer_sku": "S",
        "quantity": 2,
        "price": 20.0,
        "price_unit": 10.0,
        "order_line_state": state,
    } | changes


def order(state: str = "SHIPPED", *lines: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "order_id": "O-A",
        "order_state": state,
        "created_date": "2026-07-01T08:00:00Z",
        "customer_debited_date": "2026-07-01T08:01:00Z",
        "currency_iso_code": "EUR",
        "total_price": 25.0,
        "order_lines": list(lines) or [line()],
    } | changes


def refund(amount: Any, **changes: Any) -> dict[str, Any]:
    return {"id": "r", "quantity": 2, "amount": amount, "created_date": GONE} | changes


def test_empty_parts_of_an_address_leave_no_comma_and_hide_no_other():
    address = {
        "company": "ACME",
        "company_2": "",
        "street_1": "1 rue A",
        "street_2": " ",
        "additional_info": "door 3",
        "phone": "",
        "phone_secondary": "+33100000000",
        "country_iso_code": "",
        "country": "FRA",
    }
    told = order(customer={"firstname": "Ada", "shipping_address": address})
    got = normalized(told).accepted["order_contacts"].row(0, named=True)
    assert (got["company"], got["address2"]) == ("ACME", "door 3")
    assert (got["phone"], got["country"]) == ("+33100000000", "FR")


UNITS = {  # of 2 units: [canceled, shipped]
    "incident on a shipped order": (order("SHIPPED", line("INCIDENT_OPEN")), [0, 2]),
    "incident before shipping": (order("SHIPPING", line("INCIDENT_OPEN")), [0, 0]),
    "refunded after receipt": (order("CLOSED", line("REFUNDED", received_date=GONE)), [0, 2]),
    "refunded before shipping": (order("SHIPPING", line("REFUNDED")), [2, 0]),
    "refused": (order("SHIPPING", line("REFUSED"), line("SHIPPING", order_line_id="2")), [2, 0]),
}


@pytest.mark.parametrize("case", UNITS)
def test_units_follow_the_state_of_their_line_also_without_a_shipping_date(case: str):
    told, want = UNITS[case]
    rows = normalized(told).accepted["order_lines"]
    assert list(rows.select("canceled_quantity", "shipped_quantity").row(0)) == want


PAID = {  # 25.00 in all: [payment status, paid now]
    "a part": ([refund(10)], ["partially_refunded", "15"]),
    "all": ([refund(25, state="REFUNDED")], ["refunded", "0"]),
    "all, and not yet paid out": ([refund(25, refund_state="WAITING_REFUND")], ["paid", "0"]),
}


@pytest.mark.parametrize("case", PAID)
def test_what_was_given_back_stands_in_the_payment_status(case: str):
    refunds, want = PAID[case]
    got = normalized(order("SHIPPED", line(refunds=refunds))).accepted["orders"].row(0, named=True)
    assert [got["payment_status"], got["total_amount"]] == [want[0], Decimal(want[1])]


@pytest.mark.parametrize(
    "told",
    [
        {"refunds": [refund("ten")]},
        {"refunds": [refund(1, shipping_amount="x")]},
        {"cancelations": [{"id": "c", "quantity": "two", "amount": 1}]},
    ],
)
def test_an_amount_that_is_no_number_is_never_taken_for_zero(told: dict[str, Any]):
    found = normalized(order("SHIPPED", line(**told)), order(order_id="O-B"))
    assert found.accepted["orders"]["external_id"].to_list() == ["O-B"]
    assert "is no number; write it" in found.rejected["reason"].item()


def test_one_broken_order_costs_the_others_of_its_page_nothing():
    found = normalized(order(total_price="NAN"), order(order_id="O-B"))
    assert found.accepted["orders"]["external_id"].to_list() == ["O-B"]
    assert found.rejected["record"].to_list() == [0]


def test_a_return_travels_once_its_parcel_has_a_number():
    def told(number: str, tracking: Any) -> dict[str, Any]:
        return {
            "id": number,
            "state": "IN_PROGRESS",
            "date_created": GONE,
            "tracking": tracking,
            "return_lines": [{"order_line_id": "1", "quantity": 1}],
        }

    body = orjson.dumps(
        {"data": [told("1", {"tracking_number": " "}), told("2", {"tracking_number": "T"})]}
    )
    info = BatchInfo("b", "market", NOW, Channel(id="market", system="mirakl"))
    found = normalize([body], "mirakl", "returns", info)
    rows = found.accepted["returns"].select("return_id", "status").sort("return_id").rows()
    assert rows == [("market/1", "announced"), ("market/2", "in_transit")]
