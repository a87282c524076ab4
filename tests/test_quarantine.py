"""Records kept back: looked at, mended, released, and outlived by better ones."""

from datetime import timedelta
from pathlib import Path

import orjson
import polars as pl
import pytest
from consolidate_world import NOW, land, oms, page, woo_order

from oms_pipelines.consolidate import consolidate
from oms_pipelines.errors import Rejected
from oms_pipelines.landing import Landing
from oms_pipelines.quality import quarantine
from oms_pipelines.store import Store


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(f"file://{tmp_path}/landing")


@pytest.fixture
def kept(store: Store, landing: Landing, tmp_path: Path) -> str:
    """Keep back order 2 of a page of three; return its id."""
    land(landing, page(woo_order(1), woo_order(2, currency="?"), woo_order(3)))
    consolidate(store, landing, oms(tmp_path), NOW)
    [found] = quarantine.list_records(store)["quarantine_id"]
    return found


def external_ids(store: Store) -> list[str]:
    with store.session(read_only=True) as session:
        return session.table("orders")["external_id"].to_list()


def states(store: Store) -> list[str]:
    return quarantine.list_records(store, state=None)["state"].to_list()


def test_a_record_is_shown_as_it_was_received(
    store: Store, landing: Landing, kept: str, tmp_path: Path
):
    found = quarantine.show(store, landing, kept, oms(tmp_path))
    assert found.reason == "currency: not a currency code of ISO 4217; mend the code"
    assert orjson.loads(found.text) == woo_order(2, currency="?")


def test_a_mended_record_is_released_into_the_store(
    store: Store, landing: Landing, kept: str, tmp_path: Path
):
    mended = orjson.dumps(woo_order(2))
    result = quarantine.release(
        store, landing, oms(tmp_path), kept, mended, NOW + timedelta(hours=1)
    )
    assert result.accepted == 1
    assert external_ids(store) == ["1", "2", "3"]
    [row] = quarantine.list_records(store, state="released").to_dicts()
    assert row["released_by"]
    assert quarantine.list_records(store).is_empty()


def test_a_record_that_is_still_wrong_goes_on_waiting(
    store: Store, landing: Landing, kept: str, tmp_path: Path
):
    mended = orjson.dumps(woo_order(2, total="?"))
    with pytest.raises(Rejected, match="kept back again: total_amount: not a number"):
        quarantine.release(store, landing, oms(tmp_path), kept, mended, NOW)
    assert quarantine.list_records(store)["quarantine_id"].to_list() == [kept]
    with pytest.raises(Rejected, match="currency: not a currency code"):
        quarantine.release(store, landing, oms(tmp_path), kept, None, NOW)
    assert external_ids(store) == ["1", "3"]


def test_a_released_record_cannot_be_released_again(
    store: Store, landing: Landing, kept: str, tmp_path: Path
):
    mended = orjson.dumps(woo_order(2))
    quarantine.release(store, landing, oms(tmp_path), kept, mended, NOW)
    with pytest.raises(Rejected, match="is released"):
        quarantine.release(store, landing, oms(tmp_path), kept, mended, NOW)


def test_a_release_that_was_killed_is_finished_by_the_next_consolidation(
    store: Store, landing: Landing, kept: str, tmp_path: Path
):
    pages = [quarantine.Page("orders", orjson.dumps(woo_order(2)), 1)]
    landing.write("shop", "orders", pages, None, True, None, NOW, mended_of=kept)
    consolidate(store, landing, oms(tmp_path), NOW)
    assert external_ids(store) == ["1", "2", "3"]
    assert states(store) == ["released"]


def test_a_record_that_comes_again_good_is_superseded(
    store: Store, landing: Landing, kept: str, tmp_path: Path
):
    land(landing, page(woo_order(2)), now=NOW + timedelta(minutes=5))
    consolidate(store, landing, oms(tmp_path), NOW)
    assert states(store) == ["superseded"]


def test_a_record_kept_back_again_waits_once(
    store: Store, landing: Landing, kept: str, tmp_path: Path
):
    land(landing, page(woo_order(2, currency="!")), now=NOW + timedelta(minutes=5))
    consolidate(store, landing, oms(tmp_path), NOW)
    assert sorted(states(store)) == ["superseded", "waiting"]
    assert quarantine.list_records(store)["quarantine_id"].to_list() != [kept]


def test_an_unknown_id_is_told(store: Store, landing: Landing, tmp_path: Path):
    with pytest.raises(Rejected, match="no such record"):
        quarantine.show(store, landing, "0" * 16)


def test_a_note_that_is_no_record_is_shown_and_cannot_be_released(
    store: Store, landing: Landing, kept: str, tmp_path: Path
):
    with store.session() as session:
        note = session.table("quarantine").with_columns(
            pl.lit("note").alias("quarantine_id"), pl.lit("contradictions").alias("stream")
        )
        session.insert_new("quarantine", note)
    assert quarantine.show(store, landing, "note", oms(tmp_path)).body == b""
    with pytest.raises(Rejected, match="shop/contradictions is no stream"):
        quarantine.release(store, landing, oms(tmp_path), "note", None, NOW)


def test_a_row_of_a_stock_file_is_shown_under_its_header_and_can_be_mended(
    duckdb_store: Store, landing: Landing, tmp_path: Path
):
    body = b"sku;quantity;counted_at\r\nA;4;2026-03-01T08:00:00Z\r\nB;-1;2026-03-01T08:00:00Z\r\n"
    land(landing, body, source="lyon", stream="stock")
    consolidate(duckdb_store, landing, oms(tmp_path), NOW)
    [kept] = quarantine.list_records(duckdb_store, source="lyon")["quarantine_id"]
    shown = quarantine.show(duckdb_store, landing, kept, oms(tmp_path)).text
    assert shown == "sku;quantity;counted_at\r\nB;-1;2026-03-01T08:00:00Z\r\n"
    mended = shown.replace("-1", "1").encode()
    quarantine.release(
        duckdb_store, landing, oms(tmp_path), kept, mended, NOW + timedelta(minutes=1)
    )
    with duckdb_store.session(read_only=True) as session:
        assert session.table("stock_counts")["quantity"].to_list() == [4, 1]
