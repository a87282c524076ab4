"""WooCommerce payloads of other shops: times, refunds and pages that are met now and then."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest
from consolidate_world import NOW, normalized, page, woo_order

from oms_pipelines.config import Channel
from oms_pipelines.consolidate import BatchInfo, Normalized, normalize

NEVER = "0000-00-00T00:00:00"


def refunds(body: Any) -> Normalized:
    channel = Channel(id="shop", system="woocommerce", currency="EUR", time_zone="Europe/Paris")
    info = BatchInfo("b", "shop", NOW, channel)
    return normalize([orjson.dumps(body)], "woocommerce", "refunds", info)


def refund(**changes: Any) -> dict[str, Any]:
    line = {
        "id": 9,
        "quantity": 0,
        "total": "-5.00",
        "total_tax": "-1.00",
        "meta_data": [{"key": "_refunded_item_id", "value": "1"}],
    }
    told = {"id": 77, "date_created_gmt": "2026-02-03T08:00:00", "amount": "6.00"}
    return told | {"line_items": [line]} | changes


@pytest.mark.parametrize(
    ("local", "placed"),
    [
        ("2026-02-01T10:00:00", datetime(2026, 2, 1, 9, tzinfo=UTC)),  # of Paris
        ("2026-02-01T10:00:00+05:00", datetime(2026, 2, 1, 5, tzinfo=UTC)),
        ("2026-02-01T10:00:00Z", datetime(2026, 2, 1, 10, tzinfo=UTC)),
    ],
)
def test_a_local_time_that_bears_an_offset_keeps_it(local: str, placed: datetime):
    told = woo_order(1, date_created_gmt=None, date_created=local)
    assert normalized(page(told)).accepted["orders"]["placed_at"].item() == placed
    back = refund(parent_id=1, date_created_gmt=None, date_created=local)
    assert refunds([back]).accepted["refunds"]["refunded_at"].item() == placed


@pytest.mark.parametrize(
    ("gmt", "local", "status"),
    [
        (NEVER, NEVER, "unknown"),
        ("-0001-11-30T00:00:00", None, "unknown"),
        ("", "2026-02-01T10:00:00", "paid"),
        (None, None, "unknown"),
    ],
)
def test_never_is_no_time_of_payment(gmt: str | None, local: str | None, status: str):
    found = normalized(page(woo_order(1, date_paid_gmt=gmt, date_paid=local)))
    assert found.accepted["orders"]["payment_status"].item() == status


def test_an_order_refunded_that_was_never_completed_has_not_shipped():
    told = woo_order(1, status="refunded", date_completed_gmt=NEVER, refunds=[{"total": "-25.00"}])
    found = normalized(page(told))
    got = found.accepted["orders"].row(0, named=True)
    assert (got["order_status"], got["fulfillment_status"]) == ("canceled", "unfulfilled")
    assert found.accepted["order_lines"]["canceled_quantity"].to_list() == [1, 1]


@pytest.mark.parametrize(
    "told",
    [
        refund(parent_id=10),
        refund(_links={"up": [{"href": "https://shop.test/wp-json/wc/v3/orders/10/"}]}),
        refund(parent_id=0, _links={"up": [{"href": "https://shop.test/orders/10"}]}),
    ],
)
def test_a_refund_read_alone_names_its_order(told: dict[str, Any]):
    found = refunds([told])
    assert found.accepted["refunds"].select("order_id", "amount").rows() == [
        ("shop/10", Decimal(6))
    ]
    rows = found.accepted["refund_lines"].select("line_id", "quantity", "amount").rows()
    assert rows == [("1", 0, Decimal(6))]  # money only


@pytest.mark.parametrize(
    "body", [b"\xef\xbb\xbf" + page(woo_order(1)), b'{"orders":%s}' % page(woo_order(1))]
)
def test_a_byte_order_mark_or_an_envelope_costs_nothing(body: bytes):
    found = normalized(body)
    assert (found.received, found.accepted_records) == (1, 1)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "is empty"),
        (page(woo_order(1)).decode().encode("utf-16"), "UTF-16"),
        (page(woo_order(1), woo_order(2))[:-40], "is cut"),
    ],
)
def test_a_page_that_is_no_page_is_told_by_what_it_is(body: bytes, told: str):
    found = normalized(body)
    assert found.rejected["record"].to_list() == [-1]
    assert told in found.rejected["reason"].item()
    assert ";" in found.rejected["reason"].item()  # the cure


def test_amounts_that_are_no_numbers_keep_back_their_order_alone():
    body = page(woo_order(1), woo_order(2), woo_order(3)).replace(b'"25.00"', b"NaN", 1)
    found = normalized(body)
    assert sorted(found.accepted["orders"]["external_id"]) == ["2", "3"]
    assert found.rejected.select("record", "record_key").rows() == [(0, "1")]
    assert found.rejected["reason"].item().startswith("total_amount: not a number")
