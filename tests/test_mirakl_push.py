"""Writing to Mirakl: acceptances, parcels and stock imports, each answered by its item."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from mirakl_operator import Operator, refused, reply
from pytest_httpserver import HTTPServer

from oms_pipelines.channels.base import Level, Parcel, ShippedLine
from oms_pipelines.errors import Rejected


@pytest.fixture
def operator(httpserver: HTTPServer) -> Operator:
    return Operator().serve(httpserver)


def order(state: str, order_id: str = "O1-A") -> dict[str, Any]:
    lines = [{"order_line_id": f"{order_id}-{i}"} for i in (1, 2)]
    return {"order_id": order_id, "order_state": state, "order_lines": lines}


def accept(operator: Operator, *lines: str) -> tuple[str, str]:
    (receipt,) = operator.connect().accept([("O1-A", lines or ("O1-A-1", "O1-A-2"))])
    assert receipt.key == "O1-A"
    return receipt.outcome, receipt.text


def parcel(complete: bool = True, number: str | None = "T1") -> Parcel:
    return Parcel(
        key="p1",
        external_id="O1-A",
        shipment_id="lyon/1",
        carrier="colis",
        tracking_number=number,
        tracking_url="https://track.example/T1",
        shipped_at=datetime(2026, 8, 1, tzinfo=UTC),
        lines=(ShippedLine("O1-A-1", 2),),
        complete=complete,
    )


def announce(operator: Operator, some: Parcel, **options: Any) -> tuple[str, str]:
    (receipt,) = operator.connect(**options).push_tracking([some])
    return receipt.outcome, receipt.text


def test_all_lines_of_an_order_are_accepted_in_one_call(operator):
    operator.orders = [order("WAITING_ACCEPTANCE")]
    assert accept(operator) == ("accepted", "")
    assert operator.writes() == ["PUT /orders/O1-A/accept"]
    assert operator.bodies == [
        {"order_lines": [{"id": "O1-A-1", "accepted": True}, {"id": "O1-A-2", "accepted": True}]}
    ]


def test_an_order_accepted_already_counts_as_accepted(operator):
    operator.orders = [order("SHIPPING")]
    assert accept(operator) == ("accepted", "already accepted")


def test_a_line_left_out_is_added_since_all_are_decided_at_once(operator):
    operator.orders = [order("WAITING_ACCEPTANCE")]
    assert accept(operator, "O1-A-1") == ("accepted", "")
    assert len(operator.bodies[-1]["order_lines"]) == 2


@pytest.mark.parametrize(
    ("state", "outcome", "text"),
    [
        ("CANCELED", "rejected", "the order is CANCELED"),
        ("REFUSED", "rejected", "the order is REFUSED"),
        ("STAGING", "retry", "ORDER_INVALID_STATE"),
        (None, "rejected", "the operator has no such order"),
    ],
)
def test_an_order_that_cannot_be_accepted_is_told_why(operator, state, outcome, text):
    operator.orders = [order(state)] if state else []
    assert accept(operator) == (outcome, text)


def test_a_whole_order_gets_its_number_and_is_shipped(operator):
    operator.orders = [order("SHIPPING")]
    assert announce(operator, parcel(), carriers={"colis": "LAPOSTE"}) == ("accepted", "")
    assert operator.writes() == ["PUT /orders/O1-A/tracking", "PUT /orders/O1-A/ship"]
    assert operator.bodies == [{"carrier_code": "LAPOSTE", "tracking_number": "T1"}, None]


def test_a_carrier_the_operator_has_no_code_for_goes_by_name(operator):
    operator.orders = [order("SHIPPING")]
    announce(operator, parcel())
    assert operator.bodies[0] == {
        "carrier_name": "colis",
        "carrier_url": "https://track.example/T1",
        "tracking_number": "T1",
    }


def test_an_order_shipped_already_counts_as_shipped(operator):
    operator.orders = [order("RECEIVED")]
    assert announce(operator, parcel()) == ("accepted", "the order is RECEIVED")


@pytest.mark.parametrize(
    ("state", "outcome"), [("WAITING_DEBIT_PAYMENT", "retry"), ("CANCELED", "rejected")]
)
def test_a_parcel_of_an_order_in_another_state_is_told_so(operator, state, outcome):
    operator.orders = [order(state)]
    assert announce(operator, parcel()) == (outcome, f"the order is {state}")


def test_a_refusal_tells_its_code_and_no_text(operator):
    operator.orders = [order("SHIPPING")]
    operator.instead["PUT /orders/O1-A/tracking"] = [refused("VALIDATION_ERROR")]
    assert announce(operator, parcel()) == ("rejected", "VALIDATION_ERROR")


def test_a_key_without_rights_stops_the_push(operator):
    operator.orders = [order("SHIPPING")]
    operator.instead["PUT /orders/O1-A/tracking"] = [refused("FORBIDDEN", 403)]
    with pytest.raises(Rejected, match="check the rights"):
        announce(operator, parcel())


def test_without_shipments_only_the_last_parcel_is_told(operator):
    operator.orders = [order("SHIPPING")]
    text = "told with the order's last parcel"
    assert announce(operator, parcel(complete=False)) == ("accepted", text)
    assert operator.asked == []


def test_a_shipment_has_no_line_of_zero_and_a_parcel_of_parts_alone_is_none(operator):
    operator.orders = [order("SHIPPING")]
    parts = ShippedLine("O1-A-2", 0)
    some = replace(parcel(complete=False), lines=(ShippedLine("O1-A-1", 1), parts))
    assert announce(operator, some, multi_shipment=True) == ("accepted", "")
    assert [x["order_line_id"] for x in operator.bodies[0]["shipment_lines"]] == ["O1-A-1"]
    asked = len(operator.asked)
    text = "not told: no sold unit is whole with it"
    assert announce(operator, replace(some, lines=(parts,)), multi_shipment=True) == (
        "accepted",
        text,
    )
    assert len(operator.asked) == asked


def test_with_shipments_each_parcel_is_one(operator):
    operator.orders = [order("SHIPPING")]
    outcome = announce(operator, parcel(complete=False), multi_shipment=True)
    assert outcome == ("accepted", "")
    assert operator.bodies == [
        {
            "order_id": "O1-A",
            "shipped": True,
            "shipment_lines": [
                {"order_line_id": "O1-A-1", "quantity": 2, "package_reference": "lyon/1"}
            ],
            "tracking": {
                "carrier_name": "colis",
                "tracking_url": "https://track.example/T1",
                "tracking_number": "T1",
            },
        }
    ]


@pytest.mark.parametrize("number", ["T1", None])
def test_a_shipment_the_operator_has_is_not_made_twice(operator, number):
    operator.orders = [order("SHIPPING")]
    other = {
        "order_id": "O1-A",
        "status": "SHIPPED",
        "shipment_lines": [],
        "tracking": {"tracking_number": "T0"},
    }
    operator.shipments = [other]
    assert announce(operator, parcel(number=number), multi_shipment=True)[0] == "accepted"
    again = announce(operator, parcel(number=number), multi_shipment=True)
    assert again == ("accepted", "the operator has it")
    assert operator.writes() == ["POST /shipments"]


def test_a_shipment_that_is_refused_is_told_by_the_orders_state(operator):
    operator.orders = [order("WAITING_DEBIT_PAYMENT")]
    got = announce(operator, parcel(), multi_shipment=True)
    assert got == ("retry", "the order is WAITING_DEBIT_PAYMENT")


def level(sku: str, quantity: int) -> Level:
    return Level(sku, sku, quantity, 1)


def push(operator: Operator, *levels: Level, **options: Any) -> dict[str, tuple[str, str]]:
    found = operator.connect(**options).push_stock(levels)
    return {r.key.partition("#")[0]: (r.outcome, r.text) for r in found}


def test_levels_go_as_one_file_and_are_answered_when_it_is_judged(operator):
    operator.import_states = ["WAITING", "RUNNING", "COMPLETE"]
    got = push(operator, level("A", 3), level('B;"x', 0), warehouse_code="W1", poll_seconds=15)
    assert got == {"A": ("accepted", ""), 'B;"x': ("accepted", "")}
    assert operator.bodies == [
        [
            ["offer-sku", "quantity", "warehouse-code", "update-delete"],
            ["A", "3", "W1", ""],
            ['B;"x', "0", "W1", ""],
        ]
    ]
    assert sum(operator.slept) == pytest.approx(30)


@pytest.mark.parametrize("named", [True, False])
def test_a_complete_import_may_still_have_lines_in_error(operator, named):
    operator.unknown_skus, operator.report_names_skus = {"B"}, named
    got = push(operator, level("A", 3), level("B", 4), level("C", 5))
    assert got == {
        "A": ("accepted", ""),
        "B": ("rejected", "unknown offer"),
        "C": ("accepted", ""),
    }


def test_an_import_that_fails_or_takes_too_long_is_told_so(operator):
    operator.import_states = ["FAILED"]
    assert push(operator, level("A", 3)) == {"A": ("rejected", "the import failed")}
    operator.import_states = ["RUNNING"] * 3
    got = push(operator, level("A", 3), poll_limit=3)
    assert got == {"A": ("retry", "the import is not done yet")}


def test_errors_that_no_report_names_accept_nothing(operator):
    answer = {"status": "COMPLETE", "lines_in_error": 1, "has_error_report": False}
    operator.instead["GET /offers/stock/imports/i1/status"] = [reply(answer)]
    got = push(operator, level("A", 3))
    assert got == {"A": ("retry", "lines in error that no report names")}


def test_stock_is_read_back_one_by_one_or_whole(operator):
    operator.offers = {f"S{i}": i for i in range(7)}
    channel = operator.connect(read_each=2, page_size=3)
    assert channel.read_stock(["S1", "NONE"]) == {"S1": 1}
    assert [p.get("sku") for _, _, p in operator.asked] == ["NONE", "S1"]
    operator.asked.clear()
    assert channel.read_stock(["S1", "S5", "S6"]) == {"S1": 1, "S5": 5, "S6": 6}
    assert [p["offset"] for _, _, p in operator.asked] == ["0", "3", "6"]


def test_of_two_levels_of_one_sku_the_last_is_sent(operator):
    first, last = Level("OLD", "A", 3, 1), Level("NEW", "A", 5, 2)
    found = operator.connect().push_stock([first, last])
    assert {r.key: (r.outcome, r.text) for r in found} == {
        "A#1": ("rejected", "a later level has the same SKU"),
        "A#2": ("accepted", ""),
    }
    assert [row[:2] for row in operator.bodies[0][1:]] == [["A", "5"]]
