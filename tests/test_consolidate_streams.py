"""Streams that are no channel's: what locations and carriers tell, through consolidation."""

import json
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from consolidate_world import NOW, land, oms

from oms_pipelines.config import Oms
from oms_pipelines.consolidate import STREAMS, consolidate
from oms_pipelines.consolidate.streams import sources
from oms_pipelines.landing import Landing
from oms_pipelines.quality import quarantine
from oms_pipelines.store import Store

CONFIRMATION = (
    "fo_id;line_id;sku;shipped_quantity;refused_quantity;reason;parcel;carrier_id;"
    "tracking_number;shipped_at\r\n"
)


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(f"file://{tmp_path}/landing")


@pytest.fixture
def settings(tmp_path: Path) -> Oms:
    return oms(tmp_path, carriers=[{"id": "ups", "url": "http://127.0.0.1:9"}])


def table(store: Store, name: str) -> pl.DataFrame:
    with store.session(read_only=True) as session:
        return session.table(name)


def tracking(*numbers: str) -> bytes:
    checkpoint = {"checkpoint_time": "2026-03-01T09:00:00+01:00", "tag": "InTransit"}
    parcels = [
        {
            "tracking_number": number,
            "slug": "ups",
            "tag": "InTransit",
            "updated_at": "2026-03-01T10:00:00Z",
            "checkpoints": [checkpoint],
        }
        for number in numbers
    ]
    return json.dumps({"trackings": parcels, "next_cursor": None}).encode()


def test_every_source_of_a_configuration_has_streams_that_are_known(settings: Oms):
    found = sources(settings)
    assert {stream for _, stream in found} == set(STREAMS)
    assert ("shop", "refunds") in found
    assert ("lyon", "receipts") in found
    assert ("ups", "tracking") in found


def test_carriers_events_are_kept_once(store: Store, landing: Landing, settings: Oms):
    for minutes in (0, 5):
        later = NOW + timedelta(minutes=minutes)
        land(landing, tracking("1Z", "2Z"), source="ups", stream="tracking", now=later)
    [result] = consolidate(store, landing, settings, NOW)
    assert (result.received, result.accepted, result.changed) == (4, 4, 2)
    assert table(store, "tracking_events")["tracking_number"].sort().to_list() == ["1Z", "2Z"]


def test_a_confirmation_of_an_unknown_fulfillment_order_is_kept_back(
    store: Store, landing: Landing, settings: Oms
):
    row = "fo-9;1;A;1;0;;P1;ups;1Z;2026-03-01T09:00:00Z\r\n"
    body = (CONFIRMATION + row).encode()
    land(landing, body, source="lyon", stream="confirmations")
    [result] = consolidate(store, landing, settings, NOW)
    assert (result.received, result.accepted, result.quarantined) == (1, 0, 1)
    [kept] = quarantine.list_records(store).to_dicts()
    assert (kept["record_key"], kept["stream"]) == ("fo-9", "confirmations")
    shown = quarantine.show(store, landing, kept["quarantine_id"], settings)
    assert shown.text == CONFIRMATION + row


def test_goods_received_are_merged_once(duckdb_store: Store, landing: Landing, settings: Oms):
    header = "receipt_id;line_no;rma;order_number;line_id;sku;quantity;condition;remark;received_at"
    row = "R1;1;;;;MUG;2;as_new;;2026-03-01T09:00:00Z"
    body = f"{header}\r\n{row}\r\n".encode()
    for minutes in (0, 5):
        later = NOW + timedelta(minutes=minutes)
        land(landing, body, source="lyon", stream="receipts", now=later)
    [result] = consolidate(duckdb_store, landing, settings, NOW)
    assert (result.accepted, result.changed) == (2, 1)
    [receipt] = table(duckdb_store, "return_receipts").to_dicts()
    assert (receipt["receipt_id"], receipt["disposition"]) == ("lyon/R1", "restock")


@pytest.mark.parametrize("stream", ["stock", "confirmations", "acknowledgements", "receipts"])
def test_a_file_that_cannot_be_read_is_kept_back_whole(
    duckdb_store: Store, landing: Landing, settings: Oms, stream: str
):
    land(landing, b"<html>", source="lyon", stream=stream)
    [result] = consolidate(duckdb_store, landing, settings, NOW)
    assert (result.received, result.quarantined, result.error) == (1, 1, None)
    [kept] = quarantine.list_records(duckdb_store).to_dicts()
    assert kept["record"] == -1
    shown = quarantine.show(duckdb_store, landing, kept["quarantine_id"], settings)
    assert shown.body == b"<html>"
