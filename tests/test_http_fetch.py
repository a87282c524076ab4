"""Content, retries and pace, against a real server on loopback."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from oms_pipelines.errors import Malformed, Unreachable
from oms_pipelines.http import Fetcher, Unreadable

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Time:
    """A clock that moves only when someone sleeps."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.seconds

    def wall(self) -> float:
        return NOW.timestamp() + self.seconds - 1000.0

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 6))
        self.seconds += seconds


@pytest.fixture
def time() -> Time:
    return Time()


def fetcher(time: Time, **settings: Any) -> Fetcher:
    chosen: dict[str, Any] = {"jitter": lambda: 1.0, **settings}
    return Fetcher("shop_fr", sleep=time.sleep, clock=time.clock, wall=time.wall, **chosen)


def in_turn(httpserver: HTTPServer, *answers: Response) -> None:
    for answer in answers:
        httpserver.expect_ordered_request("/orders").respond_with_response(answer)


def answer(status: int = 200, body: bytes = b"[1]", **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(body, status, {"Content-Type": "application/json", **named})


def test_headers_are_found_in_any_case(httpserver, time):
    in_turn(httpserver, answer(X_WP_TotalPages="7"))

    headers = fetcher(time).request("GET", httpserver.url_for("/orders")).headers

    assert headers["x-wp-totalpages"] == headers["X-WP-TotalPages"] == "7"
    assert "X-Wp-Totalpages" in headers


def test_parameters_join_the_query_of_the_address(httpserver, time):
    httpserver.expect_request("/orders").respond_with_json([])
    params = {"after": None, "status": ["open", "held"], "all": True, "name": "é & ü+"}

    fetcher(time).request("GET", httpserver.url_for("/orders?page=2"), params=params)

    asked = httpserver.log[0][0].args
    assert list(asked.items(multi=True)) == [
        ("page", "2"),
        ("status", "open"),
        ("status", "held"),
        ("all", "true"),
        ("name", "é & ü+"),
    ]


def test_json_forms_and_files_are_sent(httpserver, time):
    seen: list[Request] = []

    def see(request: Request) -> Response:
        request.get_data(cache=True, parse_form_data=False)
        seen.append(request)
        return answer()

    httpserver.expect_request("/in").respond_with_handler(see)
    client, url = fetcher(time), httpserver.url_for("/in")

    client.request("POST", url, json={"a": [1]})
    client.request("POST", url, form={"grant": "code"})
    client.request("POST", url, files={"file": ("stock.csv", b"sku;quantity", "text/csv")})

    assert seen[0].get_json() == {"a": [1]}
    assert seen[1].content_type == "application/x-www-form-urlencoded"
    assert seen[1].get_data() == b"grant=code"
    assert b'filename="stock.csv"' in seen[2].get_data()
    assert b"sku;quantity" in seen[2].get_data()


def test_an_html_page_where_json_was_expected_is_malformed(httpserver, time):
    page = Response("<html>Maintenance</html>", 200, {"Content-Type": "text/html"})
    in_turn(httpserver, page)

    with pytest.raises(Malformed, match="answered text/html where json was expected"):
        fetcher(time).request("GET", httpserver.url_for("/orders"))


def test_another_media_type_can_be_asked_for(httpserver, time):
    csv = Response("a;b", 200, {"Content-Type": "text/csv; charset=utf-8"})
    in_turn(httpserver, csv, csv)
    client, url = fetcher(time), httpserver.url_for("/orders")

    assert client.request("GET", url, expect="text/csv").body == b"a;b"
    assert client.request("GET", url, expect="any").body == b"a;b"


@pytest.mark.parametrize(
    "body", [b"", b"[NaN]", b"[Infinity]", b"{'a': 1}", b"[1,]", b'"\xff"', b"[" * 100_000, b"[1"]
)
def test_a_body_that_is_not_json_is_unreadable_and_can_be_kept(httpserver, time, body):
    in_turn(httpserver, answer(body=body, X_Total="1"))

    with pytest.raises(Unreadable) as error:
        fetcher(time).request("GET", httpserver.url_for("/orders"))

    assert error.value.response.body == body
    assert error.value.response.headers["X-Total"] == "1"
    assert time.slept == []


def test_no_content_is_no_json_and_no_error(httpserver, time):
    in_turn(httpserver, Response(status=204))

    assert fetcher(time).request("GET", httpserver.url_for("/orders")).json() is None


def test_server_errors_are_asked_again_ever_more_slowly(httpserver, time):
    in_turn(httpserver, answer(500), answer(502), answer(504), answer())

    got = fetcher(time, backoff=0.5).request("GET", httpserver.url_for("/orders"))

    assert got.json() == [1]
    assert time.slept == [0.5, 1.0, 2.0]


def test_jitter_shortens_the_wait_by_half_at_most(httpserver, time):
    in_turn(httpserver, answer(500), answer(500), answer())

    fetcher(time, jitter=lambda: 0.0).request("GET", httpserver.url_for("/orders"))

    assert time.slept == [0.25, 0.5]


def test_retries_end_and_the_status_is_told(httpserver, time):
    in_turn(httpserver, *[answer(500)] * 3)

    with pytest.raises(Unreachable, match="shop_fr: GET /orders answered 500"):
        fetcher(time, retries=2).request("GET", httpserver.url_for("/orders"))


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_in_seconds_is_honored_even_for_a_write(httpserver, time, status):
    in_turn(httpserver, answer(status, Retry_After="7"), answer())

    fetcher(time).request("POST", httpserver.url_for("/orders"), json={})

    assert time.slept == [7.0]


@pytest.mark.parametrize("nonsense", ["soon", "-5", "nan", "0", "Thu, 99 Foo 2026 00:00:00 GMT"])
def test_a_retry_after_without_sense_falls_back_on_backoff(httpserver, time, nonsense):
    in_turn(httpserver, answer(429, Retry_After=nonsense), answer())

    fetcher(time).request("GET", httpserver.url_for("/orders"))

    assert time.slept == [0.5]


def test_a_wait_past_the_deadline_is_not_slept_but_told(httpserver, time):
    in_turn(httpserver, answer(429, Retry_After="3600"))
    client = fetcher(time, deadline=60)

    with pytest.raises(Unreachable) as error:
        client.request("GET", httpserver.url_for("/orders"))
    with pytest.raises(Unreachable, match="must wait 3600 s"):
        client.request("GET", httpserver.url_for("/orders"))

    assert error.value.retry_after == 3600
    assert time.slept == []
    assert len(httpserver.log) == 1


def test_a_write_that_met_a_server_error_is_not_repeated(httpserver, time):
    in_turn(httpserver, answer(503), answer())

    with pytest.raises(Unreachable, match="may have taken effect"):
        fetcher(time).request("POST", httpserver.url_for("/orders"), json={})

    assert len(httpserver.log) == 1


def test_throttling_told_in_the_body_is_waited_for(httpserver, time):
    in_turn(httpserver, answer(body=b'{"throttled": 4}'), answer(body=b'{"data": 1}'))

    got = fetcher(time).request(
        "POST",
        httpserver.url_for("/orders"),
        json={},
        on_response=lambda response: response.json().get("throttled"),
    )

    assert got.json() == {"data": 1}
    assert time.slept == [4.0]


def test_requests_keep_to_the_declared_rate(httpserver, time):
    httpserver.expect_request("/orders").respond_with_json([])
    client = fetcher(time, requests_per_second=4)

    for _ in range(4):
        client.request("GET", httpserver.url_for("/orders"))

    assert time.slept == [0.25, 0.25, 0.25]


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"X_Shopify_Shop_Api_Call_Limit": "40/40"}, 2.0),
        ({"X_Shopify_Shop_Api_Call_Limit": "30/40"}, 0.0),
        ({"X_Shopify_Shop_Api_Call_Limit": "a/b"}, 0.0),
        ({"RateLimit_Remaining": "0", "RateLimit_Reset": "5"}, 5.0),
        ({"RateLimit_Remaining": "3", "RateLimit_Reset": "5"}, 0.0),
        ({"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": str(NOW.timestamp() + 8)}, 8.0),
        ({"X_Amzn_RateLimit_Limit": "0.5"}, 0.0),
    ],
)
def test_headers_of_the_source_slow_the_next_request(httpserver, time, headers, wait):
    in_turn(httpserver, answer(**headers), answer())
    client = fetcher(time)

    for _ in range(2):
        client.request("GET", httpserver.url_for("/orders"))

    assert sum(time.slept) == wait


def test_a_rate_told_by_the_source_spaces_what_follows(httpserver, time):
    in_turn(httpserver, answer(X_Amzn_RateLimit_Limit="0.5"), *[answer()] * 3)
    client = fetcher(time)

    for _ in range(4):
        client.request("GET", httpserver.url_for("/orders"))

    assert time.slept == [2.0, 2.0]  # the second request was free to start


def test_an_adapter_can_ask_for_a_pause(httpserver, time):
    in_turn(httpserver, answer())
    client = fetcher(time)

    client.pause(3)
    client.request("GET", httpserver.url_for("/orders"))

    assert time.slept == [3.0]
