"""Orders and refunds of a small WooCommerce shop, over real HTTP."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from woocommerce_shop import Shop, order, settings

from oms_pipelines.channels import open_channel, systems
from oms_pipelines.channels._woo_api import signature_base
from oms_pipelines.channels.base import Window
from oms_pipelines.channels.woocommerce import WooCommerce, records
from oms_pipelines.errors import Malformed, Misconfigured, Rejected, Unreachable

WINDOW = Window(datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC))


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


def ids(pages) -> list[list[int]]:
    return [[o["id"] for o in json.loads(p.body)] for p in pages if p.stream == "orders"]


def test_private_modules_are_no_systems():
    assert "woocommerce" in systems()
    assert not [s for s in systems() if s.startswith("_")]


def test_the_text_that_is_signed_is_the_one_of_the_oauth_specification():
    text = signature_base(
        "get", "http://shop.test/wp-json/wc/v3/orders", [("b", "x y"), ("a", "é&")]
    )
    assert text == (
        "GET&http%3A%2F%2Fshop.test%2Fwp-json%2Fwc%2Fv3%2Forders&a%3D%25C3%25A9%2526%26b%3Dx%2520y"
    )


def test_a_window_asks_for_changes_in_utc_both_bounds_in_whole_seconds(shop, connect):
    shop.orders = [
        order(1, "2026-03-01T23:59:59"),
        order(2, "2026-03-02T00:00:00"),
        order(3, "2026-03-02T23:59:59"),
        order(4, "2026-03-03T00:00:00"),
    ]
    pages = list(connect().orders(WINDOW))
    assert ids(pages) == [[2, 3]]
    assert (pages[0].records, pages[0].resume) == (2, None)
    assert pages[0].high_water == datetime(2026, 3, 2, 23, 59, 59, tzinfo=UTC)
    asked = shop.asked[0][2]
    assert asked["modified_after"] == "2026-03-01T23:59:59"
    assert asked["modified_before"] == "2026-03-03T00:00:00"
    assert (asked["dates_are_gmt"], asked["orderby"], asked["order"]) == ("true", "id", "asc")
    assert shop.unsigned == 0


def test_a_trashed_order_is_read_in_a_pass_of_its_own(shop, connect):
    shop.orders = [order(1), order(2, status="trash")]
    assert ids(connect().orders(WINDOW)) == [[1], [2]]
    assert ids(connect(options={"trash": False}).orders(WINDOW)) == [[1]]


def test_a_token_resumes_at_the_page_after_the_one_that_landed(shop, connect):
    shop.orders = [order(n) for n in range(1, 8)]
    adapter = connect(options={"per_page": 3})
    pages = adapter.orders(WINDOW)
    first = next(pages)
    assert ids([first]) == [[1, 2, 3]]
    rest = list(connect(options={"per_page": 3}).orders(WINDOW, first.resume))
    assert ids(rest) == [[4, 5, 6], [7]]
    assert rest[-1].resume is None


def test_an_order_that_leaves_the_window_while_paging_makes_no_other_be_missed(shop, connect):
    shop.orders = [order(n) for n in range(1, 9)]

    def change(shop: Shop) -> None:
        shop.orders[0]["date_modified_gmt"] = "2026-03-03T08:00:00"  # 4 moves to page 1

    shop.before_page[2] = change
    pages = list(connect(options={"per_page": 3, "trash": False}).orders(WINDOW))
    assert {n for page in ids(pages) for n in page} == set(range(1, 9))


def test_a_shrunken_count_is_noticed_after_a_resume_too(shop, connect):
    shop.orders = [order(n) for n in range(1, 9)]
    first = next(iter(connect(options={"per_page": 3}).orders(WINDOW)))
    shop.orders[1]["date_modified_gmt"] = "2026-03-03T08:00:00"
    rest = connect(options={"per_page": 3}).orders(WINDOW, first.resume)
    assert {n for page in ids(rest) for n in page} >= {4, 5, 6, 7, 8}


def test_a_shop_that_ignores_the_filter_is_found_out_and_read_by_creation_date(shop, connect):
    shop.ignores_modified_after = True
    shop.orders = [order(n, "2026-02-01T10:00:00") for n in range(1, 5)] + [order(5), order(6)]
    adapter = connect(options={"per_page": 2, "trash": False})
    pages = list(adapter.orders(WINDOW))
    assert ids(pages) == [[5, 6]]
    assert "modified_after" not in shop.asked[-1][2]
    assert shop.asked[-1][2]["after"] == "2025-12-01T23:59:59"
    assert "options.window" in adapter.notes[0]


def test_a_shop_that_compares_local_times_is_asked_in_local_times(shop, connect):
    list(connect(options={"window": "local", "trash": False}).orders(WINDOW))
    asked = shop.asked[0][2]
    assert asked["modified_after"] == "2026-03-01T23:59:59"  # 00:59:59 in Paris, less an hour
    assert asked["modified_before"] == "2026-03-03T01:00:00"
    assert "dates_are_gmt" not in asked


def test_open_orders_are_read_again_every_few_hours_when_asked_for(shop, connect):
    shop.orders = [order(1, "2026-02-20T10:00:00", date_created_gmt="2026-02-20T09:00:00")]
    options = {"reread_days": 14, "reread_every": 6}
    assert ids(connect(options=options).orders(WINDOW)) == [[1]]
    half_hour = Window(datetime(2026, 3, 2, 1, tzinfo=UTC), datetime(2026, 3, 2, 1, 30, tzinfo=UTC))
    assert ids(connect(options=options).orders(half_hour)) == []


def test_refunds_come_before_the_orders_that_name_them_with_order_and_currency(shop, connect):
    shop.orders = [order(7, refunds=[{"id": 71, "total": "-5.00"}])]
    shop.refunds = {7: [{"id": 71, "amount": "5.00", "line_items": []}]}
    refunds, orders = list(connect().orders(WINDOW))
    assert (refunds.stream, refunds.records, refunds.name) == ("refunds", 1, "orders/7/refunds")
    assert refunds.resume == "any.gmt.1.0"
    assert orders.stream == "orders"
    assert json.loads(refunds.body) == {
        "order": {"id": 7, "currency": "EUR", "status": "processing", "date_completed_gmt": None},
        "refunds": [{"id": 71, "amount": "5.00", "line_items": []}],
    }


def test_a_page_that_is_no_json_lands_unread_and_the_next_ones_follow(shop, connect):
    shop.orders = [order(n) for n in range(1, 10)]
    shop.broken_pages = {2: b'[{"id": 3, "sta'}
    pages = list(connect(options={"per_page": 2, "trash": False}).orders(WINDOW))
    assert [p.records for p in pages] == [2, None, 2, 2, 1]
    assert pages[1].body == b'[{"id": 3, "sta'


def test_a_page_served_in_place_of_another_is_made_up_for(shop, connect):
    shop.orders = [order(n) for n in range(1, 6)]
    shop.repeats = {2: 1}
    pages = connect(options={"per_page": 2, "trash": False}).orders(WINDOW)
    assert {n for page in ids(pages) for n in page} == {1, 2, 3, 4, 5}


def test_a_shop_that_keeps_orders_back_is_asked_again_later(shop, connect):
    shop.orders = [order(1), order(1), order(2)]  # it counts three, and serves two
    with pytest.raises(Unreachable, match="served 2 of 3 orders"):
        list(connect(options={"trash": False}).orders(WINDOW))


def test_wrong_credentials_are_rejected_without_telling_them(shop, connect):
    adapter = connect(credentials={"key": "env:WOO_KEY", "secret": "env:WOO_KEY"})
    with pytest.raises(Rejected) as told:
        adapter.ping()
    assert "ck_invented" not in str(told.value)
    assert told.value.status == 401


def test_ping_tells_how_many_orders_there_are(shop, connect):
    shop.orders = [order(1), order(2)]
    assert connect().ping() == "WooCommerce REST v3, 2 orders"


def test_a_wrong_option_is_told_with_its_path():
    with pytest.raises(Misconfigured) as told:
        open_channel(settings("", options={"per_page": 500, "colour": 1}))
    faults = "\n".join(told.value.faults)
    assert "channel shop_fr: options.per_page:" in faults
    assert "channel shop_fr: options.colour:" in faults
    assert "channel shop_fr: url:" in faults


def cut(stream: str, value: Any) -> list[Any]:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    yielded = records(stream, body, settings("https://shop.test"), {})
    return [json.loads(r) if isinstance(r, bytes) else r for r in yielded]


def test_records_come_in_order_bad_ones_too_and_each_is_its_own_page():
    orders = [order(1), None, {}, order(2)]
    assert cut("orders", orders) == orders
    assert cut("orders", order(1)) == [order(1)]
    for record in cut("refunds", {"order": {"id": 7}, "refunds": [{"id": 1}, None]}):
        assert record["order"] == {"id": 7}
        assert cut("refunds", record) == [record]
    assert cut("refunds", [{"id": 1, "amount": "2.00"}]) == [
        {"refund": {"id": 1, "amount": "2.00"}}
    ]


@pytest.mark.parametrize("body", [b"", b"[{", b"null", b'{"code": "rest_no_route"}', b"<html>"])
@pytest.mark.parametrize("stream", ["orders", "refunds"])
def test_a_page_that_is_no_list_is_malformed(stream, body):
    with pytest.raises(Malformed):
        cut(stream, body)
