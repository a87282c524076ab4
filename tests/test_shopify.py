"""Reading from Shopify: pages by cursor within the cost, nested pages whole, faults named."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from pytest_httpserver import HTTPServer
from shopify_shop import COST, JSON, Shop, connection, error, page
from werkzeug import Response

from oms_pipelines.channels import open_channel, shopify
from oms_pipelines.channels._shopify_graphql import document
from oms_pipelines.channels.base import Window
from oms_pipelines.config import Channel
from oms_pipelines.errors import Malformed, Misconfigured, Rejected, Unreachable

WINDOW = Window(
    datetime(2026, 8, 1, 10, 0, 0, 250_000, tzinfo=UTC),
    datetime(2026, 8, 1, 10, 5, 0, 250_000, tzinfo=UTC),
)

CHANNEL = Channel(id="shop", system="shopify")


@pytest.fixture
def shop(httpserver: HTTPServer) -> Shop:
    return Shop().serve(httpserver)


@pytest.fixture
def connect(shop: Shop):
    return shop.connect


def order(number: int, lines: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/Order/{number}",
        "updatedAt": f"2026-08-01T10:0{number}:00Z",
        "lineItems": lines or connection([]),
        "refunds": [],
        "fulfillments": [],
    }


def throttled(asked: float, held: float, rate: float = 50.0) -> dict[str, Any]:
    status = {"maximumAvailable": 2000.0, "currentlyAvailable": held, "restoreRate": rate}
    cost = {"requestedQueryCost": asked, "actualQueryCost": None, "throttleStatus": status}
    return error("THROTTLED", cost)


def test_a_window_is_read_page_by_page_with_a_cursor_to_resume_from(shop, connect):
    shop.on("Orders", page("orders", [order(1), order(2)], "c1"), page("orders", [order(3)]))
    pages = list(connect(page_size=2).orders(WINDOW))
    assert [(p.stream, p.records, p.resume) for p in pages] == [
        ("orders", 2, "c1"),
        ("orders", 1, None),
    ]
    assert pages[0].high_water == datetime(2026, 8, 1, 10, 2, tzinfo=UTC)
    assert orjson.loads(pages[1].body)["data"]["orders"]["nodes"] == [order(3)]
    first, second = shop.variables("Orders")
    assert first == {
        "query": "updated_at:>='2026-08-01T10:00:00Z' AND updated_at:<'2026-08-01T10:05:01Z'",
        "first": 2,
        "nested": 20,
        "after": None,
    }
    assert second["after"] == "c1"


@pytest.mark.parametrize(
    "nodes",
    [
        [],
        [order(1), order(2)],
        [order(2), order(1)],
        [order(1) | {"note": "edges", "sourceName": "{", "tags": ["edges", 'a "b" \\ é']}],
        [order(1), None, 7, "x", [order(2)]],
        [{"id": 1}, {"updatedAt": None}, order(1)],
        [{"customer": order(3), "updatedAt": "2026-08-01T10:02:00Z"}],
    ],
)
def test_a_page_is_handed_on_as_it_will_be_cut(shop, connect, nodes: list[Any]):
    shop.on("Orders", page("orders", nodes))
    (got,) = connect().orders(WINDOW)

    assert got.cut == shopify.records("orders", got.body, CHANNEL, {})
    told = [n["updatedAt"] for n in nodes if isinstance(n, dict) and n.get("updatedAt")]
    assert got.high_water == (datetime.fromisoformat(max(told)) if told else None)


def test_a_page_is_left_to_be_cut_where_a_connection_is_one_of_edges(shop, connect):
    shop.on("Orders", page("orders", [order(1, {"edges": [], "pageInfo": {}})]))
    (got,) = connect().orders(WINDOW)

    assert got.cut is None
    assert got.high_water == datetime(2026, 8, 1, 10, 1, tzinfo=UTC)


def test_a_page_that_was_made_whole_is_cut_anew(shop, connect):
    long = order(1, connection([{"id": "gid://shopify/LineItem/1"}], "l1"))
    shop.on("Orders", page("orders", [long]))
    shop.on("MoreLineItems", {"node": {"lineItems": connection([])}})
    (got,) = connect().orders(WINDOW)

    assert got.cut is None


def test_a_window_goes_on_where_it_was_left(shop, connect):
    shop.on("Orders", page("orders", [order(3)]))
    (last,) = connect().orders(WINDOW, resume="c1")
    assert shop.variables("Orders")[0]["after"] == "c1"
    assert last.resume is None


def test_lines_that_overflow_are_fetched_and_nothing_is_cut(shop, connect):
    ids = [{"id": f"gid://shopify/LineItem/{i}"} for i in range(5)]
    refund = {
        "id": "gid://shopify/Refund/9",
        "refundLineItems": connection([{"quantity": 1}], "r1"),
    }
    long = {**order(1, connection(ids[:2], "l1")), "refunds": [refund]}
    shop.on("Orders", page("orders", [long, order(2)], "c1"), page("orders", []))
    shop.on("MoreLineItems", {"node": {"lineItems": connection(ids[2:4], "l2")}})
    shop.on("MoreLineItems", {"node": {"lineItems": connection(ids[4:])}})
    shop.on("MoreRefundLineItems", {"node": {"refundLineItems": connection([{"quantity": 2}])}})
    first, _ = connect().orders(WINDOW)
    got = orjson.loads(first.body)["data"]["orders"]["nodes"][0]
    assert got["lineItems"] == connection(ids)
    assert got["refunds"][0]["refundLineItems"]["nodes"] == [{"quantity": 1}, {"quantity": 2}]
    assert [(v["id"], v["after"]) for v in shop.variables("MoreLineItems")] == [
        ("gid://shopify/Order/1", "l1"),
        ("gid://shopify/Order/1", "l2"),
    ]
    assert shop.variables("MoreRefundLineItems")[0]["id"] == "gid://shopify/Refund/9"


def test_returns_are_read_of_orders_that_have_some_and_counted_one_by_one(shop, connect):
    returns = connection([{"id": "gid://shopify/Return/1"}, {"id": "gid://shopify/Return/2"}])
    nodes = [
        {"id": "gid://shopify/Order/1", "updatedAt": "2026-08-01T10:01:00Z", "returns": returns},
        {
            "id": "gid://shopify/Order/2",
            "updatedAt": "2026-08-01T10:02:00Z",
            "returns": connection([]),
        },
    ]
    shop.on("Returns", page("orders", nodes))
    (got,) = connect().returns(WINDOW)
    assert (got.stream, got.records) == ("returns", 2)
    assert shop.variables("Returns")[0]["query"].endswith(" AND -return_status:no_return")
    settings = Channel(id="shop_fr", system="shopify")
    assert len(list(shopify.records("returns", got.body, settings, {}))) == 2


@pytest.mark.parametrize("status", [200, 429])
def test_a_throttled_query_waits_until_the_bucket_holds_its_cost(shop, connect, status):
    body = orjson.dumps(throttled(asked=752, held=652))
    shop.on("Orders", Response(body, status, content_type=JSON), page("orders", [order(1)]))
    (got,) = connect().orders(WINDOW)
    assert got.records == 1
    assert sum(shop.clock.slept) == pytest.approx((752 - 652) / 50)


def test_the_next_query_waits_when_the_bucket_does_not_hold_it(shop, connect):
    low = {**COST, "throttleStatus": {**COST["throttleStatus"], "currentlyAvailable": 25}}
    first = {"data": page("orders", [order(1)], "c1"), "extensions": {"cost": low}}
    shop.on("Orders", Response(orjson.dumps(first), content_type=JSON), page("orders", [order(2)]))
    assert len(list(connect().orders(WINDOW))) == 2
    assert sum(shop.clock.slept) == pytest.approx((100 - 25) / 50)


def test_a_429_that_is_no_graphql_waits_too(shop, connect):
    refusal = Response("<html>", 429, content_type="text/html", headers={"Retry-After": "7"})
    shop.on("Shop", refusal, {"shop": {"name": "Demo", "currencyCode": "EUR"}})
    assert connect().ping() == "Demo, EUR"
    assert sum(shop.clock.slept) == pytest.approx(7)


def test_a_query_dearer_than_the_bucket_is_made_smaller(shop, connect):
    shop.on("Orders", error("MAX_COST_EXCEEDED", cost=2500, maxCost=1000))
    shop.on("Orders", page("orders", [order(1)]))
    (got,) = connect(page_size=250).orders(WINDOW)
    assert got.records == 1
    assert [v["first"] for v in shop.variables("Orders")] == [250, 100]


def test_a_query_that_never_fits_is_an_error_a_person_must_see(shop, connect):
    shop.on("Orders", *[error("MAX_COST_EXCEEDED")] * 4)
    with pytest.raises(Rejected, match="shop_fr: Orders costs more than allowed"):
        list(connect(page_size=2, nested_size=3).orders(WINDOW))
    asked = [(v["first"], v["nested"]) for v in shop.variables("Orders")]
    assert asked == [(2, 3), (1, 3), (1, 1)]


@pytest.mark.parametrize(
    ("code", "kind"), [("ACCESS_DENIED", Rejected), ("INTERNAL_SERVER_ERROR", Unreachable)]
)
def test_an_error_is_told_by_its_code_alone(shop, connect, code, kind):
    shop.on("Orders", error(code))
    with pytest.raises(kind) as caught:
        list(connect().orders(WINDOW))
    assert code in str(caught.value)
    assert "jane" not in str(caught.value)


def test_a_wrong_token_is_a_fault_that_does_not_tell_the_token(shop, connect):
    with pytest.raises(Rejected, match="check its credentials") as caught:
        connect(token="shpat_wrong").ping()
    assert "shpat" not in str(caught.value)


def test_half_an_answer_is_never_landed(shop, connect):
    broken = {"data": page("orders", [None]), **error("INTERNAL_SERVER_ERROR")}
    shop.on("Orders", Response(orjson.dumps(broken), content_type=JSON), {"orders": None})
    channel = connect()
    with pytest.raises(Unreachable):
        list(channel.orders(WINDOW))
    with pytest.raises(Malformed, match=r"without orders\.nodes"):
        list(channel.orders(WINDOW))


def test_a_page_broken_where_nothing_is_read_is_never_landed(shop, connect):
    body = orjson.dumps({"data": page("orders", [order(1)])})
    broken = body.replace(b'"refunds":[]', b'"refunds":["\xff"]')
    shop.on("Orders", Response(broken, content_type=JSON))

    with pytest.raises(Malformed, match="Orders was not answered in JSON"):
        list(connect().orders(WINDOW))


def test_a_cursor_that_does_not_move_ends_in_an_error(shop, connect):
    shop.on("Orders", page("orders", [order(1)], "c1"), page("orders", [order(1)], "c1"))
    pages = connect().orders(WINDOW)
    next(pages)
    with pytest.raises(Unreachable, match="does not move on"):
        next(pages)


def test_every_fault_of_the_settings_is_told_at_once():
    settings = Channel(
        id="shop_fr",
        system="shopify",
        stock={"mode": "pooled", "risk": 0.01},
        options={"page_size": 500, "colour": "red"},
    )
    with pytest.raises(Misconfigured) as caught:
        open_channel(settings)
    text = str(caught.value)
    for part in ("options.page_size", "options.colour", "credentials.token", "location_id", "url"):
        assert part in text


def test_a_version_before_the_compare_of_today_is_refused():
    settings = Channel(id="shop_fr", system="shopify", options={"version": "2026-01"})
    with pytest.raises(Misconfigured, match="2026-04 is the oldest"):
        open_channel(settings)


def test_every_operation_is_whole_with_the_fragments_it_spreads():
    for name in ("Orders", "Returns", "OrderFulfillment", "MoreReturns", "MoreFulfillableOrders"):
        text = document(name)
        spread = {w.strip(".") for w in text.split() if w.startswith("...") and len(w) > 3}
        assert text.count("{") == text.count("}")
        assert all(f"fragment {s} on" in text for s in spread)


def test_a_window_of_whole_seconds_is_not_widened(shop, connect):
    shop.on("Orders", page("orders", []))
    start = datetime(2026, 8, 1, 12, tzinfo=UTC)
    list(connect().orders(Window(start, start + timedelta(hours=1))))
    assert shop.variables("Orders")[0]["query"] == (
        "updated_at:>='2026-08-01T12:00:00Z' AND updated_at:<'2026-08-01T13:00:00Z'"
    )
