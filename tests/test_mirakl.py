"""Reading from Mirakl: offsets watched by the total, returns by token, faults named."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from mirakl_operator import Operator, reply
from pytest_httpserver import HTTPServer

from oms_pipelines.channels import open_channel
from oms_pipelines.channels.base import Window
from oms_pipelines.config import Channel
from oms_pipelines.errors import Malformed, Misconfigured, Rejected, Unreachable

WINDOW = Window(
    datetime(2026, 8, 1, 10, tzinfo=UTC), datetime(2026, 8, 1, 10, 5, 0, 250_000, tzinfo=UTC)
)


@pytest.fixture
def operator(httpserver: HTTPServer) -> Operator:
    return Operator().serve(httpserver)


def order(number: int, state: str = "SHIPPING") -> dict[str, Any]:
    return {
        "order_id": f"O{number}",
        "order_state": state,
        "last_updated_date": f"2026-08-01T10:0{number}:00Z",
        "order_lines": [{"order_line_id": f"O{number}-1"}],
    }


def ids(pages) -> list[str]:
    return [o["order_id"] for p in pages for o in orjson.loads(p.body)["orders"]]


def test_a_window_is_read_page_by_page_with_a_place_to_resume_from(operator):
    operator.orders = [order(i) for i in range(1, 6)]
    pages = list(operator.connect(page_size=2, shop_id=12).orders(WINDOW))
    assert [(p.records, p.resume) for p in pages] == [(2, "2:5"), (2, "4:5"), (1, None)]
    assert pages[0].high_water == datetime(2026, 8, 1, 10, 2, tzinfo=UTC)
    method, path, params = operator.asked[1]
    assert (method, path) == ("GET", "/orders")
    assert params == {
        "start_update_date": "2026-08-01T10:00:00.000Z",
        "end_update_date": "2026-08-01T10:05:00.249Z",
        "max": "2",
        "offset": "2",
        "shop_id": "12",
    }


def test_an_order_that_leaves_the_window_while_it_is_read_costs_no_other(operator):
    operator.orders = [order(i) for i in range(1, 6)]
    operator.before_offset[2] = lambda o: o.orders.pop(0)  # updated: it goes to the next window
    got = ids(operator.connect(page_size=2).orders(WINDOW))
    assert set(got) == {"O1", "O2", "O3", "O4", "O5"}


def test_a_window_goes_on_where_it_was_left_however_it_has_shrunk(operator):
    operator.orders = [order(i) for i in range(1, 6)]
    channel = operator.connect(page_size=2)
    first = next(channel.orders(WINDOW))
    del operator.orders[0]
    rest = list(channel.orders(WINDOW, resume=first.resume))
    assert set(ids([first, *rest])) == {"O1", "O2", "O3", "O4", "O5"}


@pytest.mark.parametrize("kept", [4, 2])
def test_a_page_that_repeats_the_one_before_costs_no_order(operator, kept):
    operator.orders = [order(i) for i in range(1, 7)]
    both = {"orders": operator.orders[0:4][:kept], "total_count": 6}
    channel = operator.connect(page_size=2)
    pages = channel.orders(WINDOW)
    first = next(pages)
    operator.instead["GET /orders"] = [reply(both)]
    if kept == 2:  # nothing new in it
        with pytest.raises(Unreachable, match="fewer rows"):
            next(pages)
    else:
        assert ids([first, *pages]) == ["O1", "O2", "O1", "O2", "O3", "O4", "O5", "O6"]


def test_a_total_that_is_never_reached_is_an_error_and_not_an_end(operator):
    operator.orders = [order(1)]
    short = {"orders": [], "total_count": 3}
    operator.instead["GET /orders"] = [
        reply({"orders": [order(1)], "total_count": 3}),
        reply(short),
    ]
    with pytest.raises(Unreachable, match="fewer rows than total_count"):
        list(operator.connect(page_size=1).orders(WINDOW))


@pytest.mark.parametrize("answer", [{"orders": [], "total": 0}, {"message": "hello"}, []])
def test_an_answer_of_another_shape_is_named(operator, answer):
    operator.instead["GET /orders"] = [reply(answer)]
    with pytest.raises(Malformed, match="market: "):
        list(operator.connect().orders(WINDOW))


def test_too_many_calls_wait_as_long_as_the_operator_asks(operator):
    operator.orders = [order(1)]
    busy = reply({"status": 429, "message": "slow down"}, 429, **{"Retry-After": "40"})
    operator.instead["GET /orders"] = [busy]
    (got,) = operator.connect().orders(WINDOW)
    assert got.records == 1
    assert sum(operator.slept) == pytest.approx(40)


def test_each_operation_keeps_its_own_pace(operator):
    operator.orders = [order(i) for i in range(1, 4)]
    channel = operator.connect(page_size=1, calls_per_minute={"OR11": 6})
    assert len(list(channel.orders(WINDOW))) == 3
    assert operator.slept == [10, 10]
    channel.ping()
    assert operator.slept == [10, 10]


def test_returns_are_read_by_page_token(operator):
    operator.returns = [
        {"id": str(i), "last_updated": f"2026-08-01T10:0{i}:00Z", "return_lines": []}
        for i in range(5)
    ]
    pages = list(operator.connect(page_size=2).returns(WINDOW))
    assert [(p.stream, p.records, p.resume) for p in pages] == [
        ("returns", 2, "2"),
        ("returns", 2, "4"),
        ("returns", 1, None),
    ]
    assert operator.asked[0][2]["return_last_updated_from"] == "2026-08-01T10:00:00.000Z"
    assert operator.asked[1][2]["page_token"] == "2"
    (rest,) = operator.connect(page_size=2).returns(WINDOW, resume="4")
    assert rest.records == 1


def test_an_operator_without_returns_is_not_asked_for_them(operator):
    channel = operator.connect(returns=False)
    assert list(channel.returns(WINDOW)) == []
    assert channel.capabilities.streams == ("orders",)
    assert operator.asked == []


def test_a_wrong_key_is_a_fault_that_does_not_tell_the_key(operator):
    with pytest.raises(Rejected, match="check its credentials") as caught:
        operator.connect(key="key-wrong").ping()
    assert "key-wrong" not in str(caught.value)


def test_the_shop_is_asked_for_its_name(operator):
    assert operator.connect().ping() == "shop 12, Demo"


def test_every_fault_of_the_settings_is_told_at_once():
    options = {"page_size": 0, "colour": "red"}
    with pytest.raises(Misconfigured) as caught:
        open_channel(Channel(id="market", system="mirakl", options=options))
    text = str(caught.value)
    for part in ("options.page_size", "options.colour", "credentials.key", "market: url"):
        assert part in text


def test_capabilities_follow_what_the_operator_has_switched_on(operator):
    plain, several = operator.connect(), operator.connect(multi_shipment=True)
    assert plain.capabilities.needs_acceptance
    assert not plain.capabilities.several_parcels
    assert several.capabilities.several_parcels_per_line
