"""Tracking: pages read by cursor, parcels judged one by one, statuses from all events."""

import itertools
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import polars as pl
import pytest
from store_frames import START, at, frame

from oms_pipelines import config
from oms_pipelines.channels.base import Window
from oms_pipelines.errors import Malformed, Misconfigured, Rejected
from oms_pipelines.logistics.carriers import open_carrier, systems
from oms_pipelines.logistics.carriers.unified import parse_tracking
from oms_pipelines.schema import columns_of
from oms_pipelines.store import Store
from oms_pipelines.tracking import apply_events, apply_tracking

KNOWN = START + timedelta(days=2)


def scan(minutes: int, tag: str | None, subtag: str | None = None, **more: Any) -> dict:
    return {"checkpoint_time": at(minutes).isoformat(), "tag": tag, "subtag": subtag, **more}


def parcel(number: str, *scans: dict) -> dict:
    return {
        "tracking_number": number,
        "slug": "colis",
        "updated_at": "2026-01-01T10:00:00Z",
        "checkpoints": list(scans),
    }


def page(*parcels: object) -> bytes:
    return orjson.dumps({"trackings": list(parcels), "next_cursor": None})


def events(*scans: dict, number: str = "T1", carrier: str = "colis") -> pl.DataFrame:
    parsed = parse_tracking(page(parcel(number, *scans)), carrier, KNOWN, "b1")
    assert parsed.rejected.is_empty()
    return parsed.accepted


@pytest.mark.parametrize(
    ("tag", "subtag", "more", "status", "returning"),
    [
        ("InTransit", "InTransit_003", {}, "InTransit", False),
        ("Delivered", "Delivered_099", {}, "Delivered", False),
        (None, "AvailableForPickup_001", {}, "AvailableForPickup", False),
        ("Teleported", "Teleported_001", {}, "InTransit", False),
        (None, None, {}, "InTransit", False),
        ("Exception", "Exception_010", {}, "Exception", True),
        ("Delivered", "Delivered_001", {"return_to_sender": True}, "Delivered", True),
    ],
)
def test_a_scan_has_one_of_nine_statuses(tag, subtag, more: dict, status: str, returning: bool):
    row = events(scan(5, tag, subtag, raw_status="ET1", **more)).row(0, named=True)
    assert (row["status"], row["returning"], row["raw_code"]) == (status, returning, "ET1")
    assert (row["occurred_at"], row["known_at"]) == (at(5), KNOWN)


def test_events_have_the_columns_of_their_table_and_a_stable_key():
    once = events(scan(5, "InTransit"), scan(5, "InTransit"), scan(6, "Delivered"))
    assert once.columns == list(columns_of("tracking_events"))
    assert once.height == 2
    again = parse_tracking(page(parcel("T1", scan(5, "InTransit"))), "colis", at(1), "b9")
    assert again.accepted["event_id"][0] in once["event_id"].to_list()


def test_a_parcel_that_cannot_be_read_is_kept_back_alone():
    broken = [
        7,
        {"checkpoints": []},
        parcel("T2", {"checkpoint_time": "yesterday", "tag": "InTransit"}),
        parcel("T3", {"checkpoint_time": "2026-01-01T10:00:00", "tag": "InTransit"}),
        {**parcel("T4"), "checkpoints": "none"},
        parcel("T5", {"checkpoint_time": None, "tag": "InTransit"}),
        parcel("T6", scan(1, "InTransit", raw_status=5)),
    ]
    parsed = parse_tracking(page(parcel("T1", scan(1, "InTransit")), *broken), "c", KNOWN, "b")
    assert parsed.accepted["tracking_number"].to_list() == ["T1"]
    assert parsed.rejected["record"].to_list() == [1, 2, 3, 4, 5, 6, 7]
    assert parsed.rejected["record_key"].to_list() == [None, None, "T2", "T3", "T4", "T5", "T6"]
    assert parsed.received == 8


def test_a_parcel_without_scans_is_no_fault():
    parsed = parse_tracking(page(parcel("T1")), "colis", KNOWN, "b")
    assert (parsed.accepted.height, parsed.rejected.height, parsed.received) == (0, 0, 1)


def test_a_mended_parcel_comes_back_alone():
    body = orjson.dumps(parcel("T1", scan(1, "InTransit")))
    assert parse_tracking(body, "colis", KNOWN, "b").accepted.height == 1
    for wrong in (b"<html>", b"[]", b'{"error": "no"}'):
        with pytest.raises(Malformed):
            parse_tracking(wrong, "colis", KNOWN, "b")


def shipped(store: Store, *, carrier: str | None = "colis", known: datetime = START) -> None:
    row = {
        "shipment_id": "s1",
        "fo_id": "f1",
        "order_id": "shop/1",
        "location_id": "lyon",
        "carrier_id": carrier,
        "tracking_number": "T1",
        "status": "Pending",
        "shipped_at": START,
        "known_at": known,
    }
    with store.session() as s:
        s.upsert("shipments", frame("shipments", row))


def status(store: Store) -> tuple[str, datetime | None]:
    with store.session(read_only=True) as s:
        row = s.table("shipments").row(0, named=True)
    return row["status"], row["status_at"]


def track(store: Store, rows: pl.DataFrame, now: datetime = KNOWN) -> int:
    with store.session() as s:
        apply_events(s, rows)
        return apply_tracking(s, now)


BACK: dict[str, Any] = {"return_to_sender": True}


@pytest.mark.parametrize(
    ("scans", "expected"),
    [
        ([scan(5, "InTransit"), scan(9, "OutForDelivery")], ("OutForDelivery", at(9))),
        ([scan(9, "Delivered"), scan(20, "InTransit")], ("Delivered", at(9))),
        ([scan(9, "Delivered"), scan(12, "Delivered", raw_status="x")], ("Delivered", at(9))),
        ([scan(5, "AvailableForPickup")], ("AvailableForPickup", at(5))),
        (
            [scan(5, "Exception", "Exception_010"), scan(9, "Delivered", **BACK)],
            ("Exception", at(9)),
        ),
        ([scan(9, "Delivered", **BACK), scan(9, "InTransit")], ("Exception", at(9))),
        ([scan(-60, "InfoReceived")], ("InfoReceived", at(-60))),
        ([scan(-60 * 24 * 30, "Delivered")], ("Pending", None)),
        ([scan(60 * 24 * 9, "Delivered")], ("Pending", None)),
    ],
)
def test_a_shipment_stands_where_its_events_say_in_whatever_order_they_come(
    store: Store, scans: list[dict], expected: tuple
):
    shipped(store)
    for one in itertools.chain(reversed(scans), scans):
        track(store, events(one))
    assert status(store) == expected
    assert track(store, events(*scans)) == 0


def test_events_that_come_before_the_parcel_is_known_count(store: Store):
    track(store, events(scan(5, "Delivered")))
    shipped(store)
    assert track(store, events(scan(5, "Delivered"))) == 1
    assert status(store) == ("Delivered", at(5))


def test_a_number_of_another_carrier_is_another_parcel(store: Store):
    shipped(store)
    track(store, events(scan(5, "Delivered"), carrier="dhl"))
    assert status(store) == ("Pending", None)
    shipped(store, carrier=None)
    track(store, events(scan(5, "Delivered"), carrier="dhl"))
    assert status(store)[0] == "Delivered"


class _Api(BaseHTTPRequestHandler):
    asked: list[dict[str, list[str]]]
    pages: list[dict]

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        type(self).asked.append(query)
        if self.headers.get("as-api-key") != "k":
            self._answer(401, b'{"error": "key"}')
            return
        self._answer(200, orjson.dumps(self.pages[int(query.get("cursor", ["0"])[0])]))

    def _answer(self, code: int, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def api() -> Iterator[tuple[str, type[_Api]]]:
    handler = type("Api", (_Api,), {"asked": [], "pages": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", handler
    server.shutdown()
    server.server_close()


def carrier(url: str, key: str = "k") -> config.Carrier:
    secret = {"id": "colis", "url": url, "credentials": {"key": "env:KEY"}}
    return config.parse({"carriers": [secret]}, {"KEY": key}).carriers[0]


WINDOW = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))


def test_pages_are_read_by_cursor_as_they_came(api):
    url, handler = api
    handler.pages = [
        {"trackings": [parcel("T1"), 5], "next_cursor": "1"},
        {"trackings": [], "next_cursor": None},
    ]
    with_key = open_carrier(carrier(url))
    pages = list(with_key.tracking(WINDOW))
    assert [(p.stream, p.records, p.resume) for p in pages] == [
        ("tracking", 2, "1"),
        ("tracking", 0, None),
    ]
    assert pages[0].high_water == datetime(2026, 1, 1, 10, tzinfo=UTC)
    assert orjson.loads(pages[0].body)["next_cursor"] == "1"
    assert handler.asked[0]["updated_since"] == ["2026-01-01T00:00:00Z"]
    assert handler.asked[1]["cursor"] == ["1"]
    assert [p.records for p in with_key.tracking(WINDOW, "1")] == [0]
    assert with_key.ping() == "carrier colis answers"


def test_a_cursor_that_does_not_lead_on_ends_the_reading(api):
    url, handler = api
    handler.pages = [{"trackings": [], "next_cursor": "0"}]
    with pytest.raises(Malformed, match="next_cursor"):
        list(open_carrier(carrier(url)).tracking(WINDOW, "0"))
    handler.pages = [{"meta": {}}]
    with pytest.raises(Malformed, match="no list of trackings"):
        list(open_carrier(carrier(url)).tracking(WINDOW))


def test_a_wrong_key_is_told_without_the_key(api):
    url, _ = api
    with pytest.raises(Rejected) as refused:
        list(open_carrier(carrier(url, "wr0ng")).tracking(WINDOW))
    assert "wr0ng" not in str(refused.value)


def test_a_carrier_nobody_wrote_is_a_fault_of_configuration():
    assert systems() == ("unified",)
    unknown = config.parse({"carriers": [{"id": "c", "system": "pigeon"}]}, {}).carriers[0]
    with pytest.raises(Misconfigured, match="no system 'pigeon'; there are unified"):
        open_carrier(unknown)
    with pytest.raises(Misconfigured, match="url is missing"):
        open_carrier(config.parse({"carriers": [{"id": "c"}]}, {}).carriers[0])
