"""Shopify answers that others asked for: every form of page gives the same records."""

from typing import Any

import orjson
import pytest
from shopify_answers import COUNTED, GID, line, normalized, order, rest_order

from oms_pipelines.channels._shopify_graphql import overflows


def edges(*nodes: Any) -> dict[str, Any]:
    return {"edges": [{"cursor": "c", "node": node} for node in nodes]}


def lines_text(*rows: Any) -> bytes:
    return b"\n".join(orjson.dumps(row) for row in rows) + b"\n"


def child(row: dict[str, Any], parent: int) -> dict[str, Any]:
    return row | {"__parentId": f"{GID}Order/{parent}"}


BULK = lines_text(
    order(1, lineItems=None),
    child(line(1), 1),
    order(2, lineItems=None),
    child(line(2), 2),
    child({"id": f"{GID}Metafield/9", "key": "k"}, 2),
)
FORMS = {
    "nodes": {"data": {"orders": {"nodes": [order(1), order(2, lineItems={"nodes": [line(2)]})]}}},
    "edges": {
        "data": {
            "orders": edges(order(1, lineItems=edges(line(1))), order(2, lineItems=edges(line(2))))
        }
    },
    "nodes by id": {"data": {"nodes": [order(1), order(2, lineItems=edges(line(2)))]}},
    "bulk file": BULK,
    "byte order mark": b"\xef\xbb\xbf" + BULK,
}


@pytest.mark.parametrize("form", FORMS)
def test_pages_of_every_form_give_the_same_orders_and_lines(form: str):
    found = normalized(FORMS[form])
    assert found.rejected.is_empty()
    assert sorted(found.accepted["orders"]["external_id"]) == ["1", "2"]
    rows = found.accepted["order_lines"].select("order_id", "line_id", *COUNTED).rows()
    assert sorted(rows) == [("shop/1", "1", 3, 0, 0), ("shop/2", "2", 3, 0, 0)]


@pytest.mark.parametrize("answer", ["order", "node"])
def test_an_answer_of_one_order_is_that_order(answer: str):
    found = normalized({"data": {answer: order(7)}, "extensions": {"cost": {}}})
    assert found.accepted["orders"]["external_id"].to_list() == ["7"]
    unknown = normalized({"data": {answer: None}})
    assert "data.orders.nodes is missing" in unknown.rejected["reason"].item()


def test_a_bulk_file_that_is_cut_is_kept_back_whole():
    orphan = lines_text(order(1), child(line(1), 3))
    for body, told in [(BULK[:-20], "is cut"), (orphan, "has no parent")]:
        found = normalized(body)
        assert found.rejected["record"].to_list() == [-1]
        assert told in found.rejected["reason"].item()


def test_one_order_that_is_no_json_costs_the_others_of_its_page_nothing():
    page = orjson.dumps({"orders": [rest_order(id=1), rest_order(id=2), rest_order(id=3)]})
    broken = page.replace(b'"id":2', b'"note":"\\ud800","id":2').replace(b'"id":3', b'"id":NaN')
    found = normalized(broken)
    assert found.accepted["orders"]["external_id"].to_list() == ["1"]
    assert found.rejected["record"].to_list() == [1, 2]


def test_an_order_nested_past_reading_is_kept_back_alone():
    deep = b"[" * 400 + b"]" * 400
    found = normalized(orjson.dumps([order(1, note="@"), order(2)]).replace(b'"@"', deep))
    assert found.accepted["orders"]["external_id"].to_list() == ["2"]
    assert "nested too deeply" in found.rejected["reason"].item()


RETURN = {
    "id": f"{GID}Return/7",
    "status": "OPEN",
    "createdAt": "2026-07-05T00:00:00Z",
    "returnLineItems": {
        "nodes": [
            {
                "quantity": 2,
                "returnReason": "WRONG_ITEM",
                "fulfillmentLineItem": {"lineItem": {"id": f"{GID}LineItem/1"}},
            }
        ]
    },
}
PARENT = {"id": f"{GID}Order/1", "updatedAt": "2026-07-06T00:00:00Z"}


@pytest.mark.parametrize(
    "page",
    [
        {"data": {"orders": edges(PARENT | {"returns": edges(RETURN)})}},
        {"data": {"order": PARENT | {"returns": {"nodes": [RETURN]}}}},
        {"data": {"return": RETURN | {"order": PARENT}}},
    ],
)
def test_a_return_is_found_in_every_answer_that_holds_it(page: dict[str, Any]):
    found = normalized(page, "returns")
    assert found.accepted["returns"].select("return_id", "order_id", "status").rows() == [
        ("shop/7", "shop/1", "announced")
    ]
    assert found.accepted["return_lines"].select("line_id", "quantity").rows() == [("1", 2)]


@pytest.mark.parametrize(
    ("ends", "outer", "goes_on"),
    [
        ((b"false", b"false"), False, False),
        ((b"true", b"false"), True, False),
        ((b"true", b"true"), True, True),
        ((b"false", b"true"), False, True),
        ((b" true", b" false"), True, False),
        ((b" true", b"\n true"), True, True),
    ],
)
def test_a_page_tells_whether_a_connection_in_it_goes_on(ends, outer, goes_on):
    page, lines = (b'{"hasNextPage":%s}' % end for end in ends)

    assert overflows(b'{"pageInfo":%s,"lines":{"pageInfo":%s}}' % (page, lines), outer) is goes_on
