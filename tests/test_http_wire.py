"""Bodies over real sockets that a plain client would take for whole."""

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from oms_pipelines.errors import Malformed, Misconfigured, Unreachable
from oms_pipelines.http import Fetcher

Conversation = Callable[[socket.socket], None]
JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


class RawServer:
    """Answers the n-th connection with the n-th conversation, the last one for ever."""

    def __init__(self) -> None:
        self._conversations: list[Conversation] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests: list[bytes] = []
        self.reads_requests = True
        self.stopped = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def will(self, *conversations: Conversation) -> None:
        self._conversations = list(conversations)

    def _serve(self) -> None:
        while not self.stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                try:
                    self.requests.append(_read_request(connection) if self.reads_requests else b"")
                    number = min(len(self.requests), len(self._conversations))
                    self._conversations[number - 1](connection)
                except OSError:
                    continue

    def stop(self) -> None:
        self.stopped.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)


def _read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            while len(body) < int(line.partition(b":")[2]):
                body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@pytest.fixture
def server() -> Iterator[RawServer]:
    raw = RawServer()
    yield raw
    raw.stop()


def says(data: bytes) -> Conversation:
    return lambda connection: connection.sendall(data)


def whole(body: bytes, *headers: bytes, close: bool = True) -> Conversation:
    lines = b"".join(h + b"\r\n" for h in headers) + b"Connection: close\r\n" * close
    return says(JSON + lines + b"Content-Length: %d\r\n\r\n" % len(body) + body)


def zipped(body: bytes) -> Conversation:
    return whole(body, b"Content-Encoding: gzip")


def fetcher(**settings: Any) -> Fetcher:
    quick: dict[str, Any] = {"retries": 0, "sleep": lambda seconds: None, "deadline": 20}
    return Fetcher("shop_fr", **{**quick, **settings})


def test_a_whole_gzip_body_is_decompressed(server):
    server.will(zipped(gzip.compress(b'{"orders": [1, 2]}')))

    answer = fetcher().request("GET", server.url)

    assert answer.json() == {"orders": [1, 2]}
    assert answer.body == b'{"orders": [1, 2]}'


def test_a_gzip_body_of_several_members_is_joined(server):
    server.will(zipped(gzip.compress(b"[1,") + gzip.compress(b"2]")))

    assert fetcher().request("GET", server.url).json() == [1, 2]


@pytest.mark.parametrize("kept", [0, 1, 9, 20, -9, -1])
def test_a_cut_gzip_body_is_malformed_however_short(server, kept):
    packed = gzip.compress(b'{"orders": [' + b"1," * 400 + b"1]}")
    server.will(zipped(packed[:kept]))

    with pytest.raises(Malformed, match="gzip"):
        fetcher().request("GET", server.url)


@pytest.mark.parametrize("position", [0, 3, 15, -5])
def test_a_corrupt_gzip_body_is_malformed_and_never_an_empty_200(server, position):
    packed = bytearray(gzip.compress(bytes(range(256)) * 8))
    packed[position] ^= 0xFF
    server.will(zipped(bytes(packed)))

    with pytest.raises(Malformed):
        fetcher().request("GET", server.url, expect="any")


def test_a_damaged_answer_is_asked_for_again(server):
    packed = gzip.compress(b"[1]")
    server.will(zipped(packed[:-4]), zipped(packed))

    assert fetcher(retries=1).request("GET", server.url).json() == [1]


def test_a_bomb_stops_at_the_byte_cap_and_is_not_asked_for_again(server):
    server.will(zipped(gzip.compress(b" " * 30_000_000, 9)))

    with pytest.raises(Malformed, match=r"more than 1,000,000 bytes"):
        fetcher(retries=3, max_bytes=1_000_000).request("GET", server.url)

    assert len(server.requests) == 1


def test_a_body_as_long_as_the_cap_passes_and_one_byte_more_does_not(server):
    server.will(zipped(gzip.compress(b"[" + b" " * 998 + b"]")), whole(b"[" + b" " * 999 + b"]"))
    client = fetcher(max_bytes=1000)

    assert client.request("GET", server.url).json() == []
    with pytest.raises(Malformed, match="more than"):
        client.request("GET", server.url)


def test_a_body_shorter_than_announced_is_not_taken(server):
    server.will(says(JSON + b"Content-Length: 100\r\n\r\n[1, 2]"))

    with pytest.raises(Unreachable, match="before the whole answer"):
        fetcher().request("GET", server.url)


def test_a_chunked_body_without_its_last_chunk_is_not_taken(server):
    server.will(says(JSON + b"Transfer-Encoding: chunked\r\n\r\n6\r\n[1, 2]\r\n"))

    with pytest.raises(Unreachable, match="before the whole answer"):
        fetcher().request("GET", server.url)


def test_an_unknown_compression_is_malformed(server):
    server.will(whole(b"[1]", b"Content-Encoding: br"))

    with pytest.raises(Malformed, match="compression"):
        fetcher().request("GET", server.url)


@pytest.mark.parametrize(
    "start", [JSON + b"Content-Length: 99999\r\n\r\n[", b"HTTP/1.1 200 OK\r\nX: "]
)
def test_a_trickle_in_body_or_headers_ends_with_the_deadline(server, start):
    def trickle(connection: socket.socket) -> None:
        connection.sendall(start)
        while not server.stopped.wait(0.02):
            connection.sendall(b"1")

    server.will(trickle)

    with pytest.raises(Unreachable, match="did not answer in time"):
        fetcher(timeout=5, deadline=0.3).request("GET", server.url)


def test_silence_ends_with_the_timeout(server):
    server.will(lambda connection: server.stopped.wait(5) and None)

    with pytest.raises(Unreachable, match="did not answer in time"):
        fetcher(timeout=0.1).request("GET", server.url)
    server.stopped.set()


def test_a_read_broken_off_is_repeated(server):
    server.will(says(b""), says(b"HTTP/1.1 200"), whole(b"[1]"))

    assert fetcher(retries=2).request("GET", server.url).json() == [1]


def test_a_write_broken_off_is_not_repeated_for_it_may_have_taken_effect(server):
    server.will(says(b""), whole(b"[1]"))

    with pytest.raises(Unreachable, match="may have taken effect"):
        fetcher(retries=3).request("POST", server.url, json={"quantity": 3})

    assert len(server.requests) == 1


def test_a_write_with_a_key_is_repeated_with_the_same_body(server):
    server.will(says(b""), whole(b"[1]"))

    fetcher(retries=3).request("POST", server.url, json={"quantity": 3}, idempotent=True)

    assert [r.rpartition(b"\r\n\r\n")[2] for r in server.requests] == [b'{"quantity":3}'] * 2


def test_a_damaged_answer_to_a_write_is_not_asked_for_again(server):
    server.will(zipped(b"not gzip"), whole(b"[1]"))

    with pytest.raises(Malformed):
        fetcher(retries=3).request("POST", server.url, json={})

    assert len(server.requests) == 1


def test_a_write_to_nobody_is_repeated_for_it_never_left():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    slept: list[float] = []

    with pytest.raises(Unreachable, match="cannot be reached"):
        fetcher(retries=2, sleep=slept.append).request("POST", url, json={})

    assert len(slept) == 2


def test_a_connection_is_kept_between_requests(server):
    def twice(connection: socket.socket) -> None:
        whole(b"[1]", close=False)(connection)
        server.requests.append(_read_request(connection))
        whole(b"[2]")(connection)

    server.will(twice)
    with fetcher() as client:
        assert [client.request("GET", server.url).json() for _ in range(2)] == [[1], [2]]


@pytest.mark.parametrize("date_header", [True, False])
def test_retry_after_as_a_date_is_measured_by_the_clock_of_the_source(server, date_header):
    ours = datetime(2026, 3, 1, 12, tzinfo=UTC)
    theirs = ours + timedelta(hours=3) if date_header else ours
    until = format_datetime(theirs + timedelta(seconds=9), usegmt=True)
    date = f"Date: {format_datetime(theirs, usegmt=True)}\r\n" if date_header else ""
    head = f"HTTP/1.1 429 Slow\r\n{date}Retry-After: {until}\r\nContent-Length: 0\r\n"
    server.will(says(head.encode() + b"Connection: close\r\n\r\n"), whole(b"[1]"))
    slept: list[float] = []

    fetcher(retries=1, sleep=slept.append, clock=lambda: 0.0, wall=ours.timestamp).request(
        "GET", server.url
    )

    assert slept == [9.0]


@pytest.mark.parametrize("url", ["ftp://shop.example/", "shop.example", "http:///orders"])
def test_what_is_not_a_web_address_is_misconfigured(url):
    with pytest.raises(Misconfigured, match="shop_fr: its url"):
        fetcher().request("GET", url)
