"""Landed batches merged into the store: once, whole, in any order, each source alone."""

import shutil
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from consolidate_world import NOW, land, oms, page, woo_line, woo_order

from oms_pipelines.consolidate import consolidate, load_reference
from oms_pipelines.landing import Landing
from oms_pipelines.store import Store
from oms_pipelines.store.duckdb import DuckdbStore

STOCK = "sku;quantity;counted_at\r\n"


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(f"file://{tmp_path}/landing")


def table(store: Store, name: str) -> pl.DataFrame:
    with store.session(read_only=True) as session:
        return session.table(name)


def stock(*rows: tuple[str, int]) -> bytes:
    return (STOCK + "".join(f"{s};{q};2026-03-01T08:00:00Z\r\n" for s, q in rows)).encode()


def test_what_landed_is_merged_and_counted(store: Store, landing: Landing, tmp_path: Path):
    settings = oms(tmp_path)
    land(landing, page(woo_order(1), woo_order(2)), page(woo_order(3, currency="?")))
    [result] = consolidate(store, landing, settings, NOW)
    assert (result.source, result.stream, result.error) == ("shop", "orders", None)
    assert (result.received, result.accepted, result.quarantined, result.changed) == (3, 2, 1, 2)
    assert table(store, "orders")["external_id"].to_list() == ["1", "2"]
    [batch] = table(store, "batches").to_dicts()
    assert (batch["received"], batch["accepted"], batch["quarantined"]) == (3, 2, 1)
    [kept] = table(store, "quarantine").to_dicts()
    assert (kept["page"], kept["record"], kept["record_key"]) == (1, 0, "3")
    assert kept["state"] == "waiting"


def test_a_second_run_finds_nothing(duckdb_store: Store, landing: Landing, tmp_path: Path):
    land(landing, page(woo_order(1)))
    consolidate(duckdb_store, landing, oms(tmp_path), NOW)
    assert consolidate(duckdb_store, landing, oms(tmp_path), NOW) == []


def test_a_batch_taken_again_changes_nothing(store: Store, landing: Landing, tmp_path: Path):
    manifest = land(landing, page(woo_order(1), woo_order(2, currency="?")))
    consolidate(store, landing, oms(tmp_path), NOW)
    before = [table(store, t) for t in ("orders", "order_lines", "quarantine")]
    [again] = consolidate(store, landing, oms(tmp_path), NOW, batches=[manifest])
    assert (again.received, again.changed) == (2, 0)
    after = [table(store, t) for t in ("orders", "order_lines", "quarantine")]
    assert all(a.equals(b) for a, b in zip(after, before, strict=True))


def test_batches_of_long_ago_are_not_looked_at(
    duckdb_store: Store, landing: Landing, tmp_path: Path
):
    asked = []

    class Watched(Landing):
        def batches(self, source, stream, since=None, known=()):
            asked.append((since, len(list(known))))
            return super().batches(source, stream, since, known)

    watched = Watched(f"file://{tmp_path}/landing")
    for day in range(5):
        land(landing, page(woo_order(day)), now=NOW + timedelta(days=day))
        consolidate(duckdb_store, watched, oms(tmp_path), NOW + timedelta(days=day))
    assert asked[-1] == ((NOW + timedelta(days=2)).date(), 2)


def test_the_newest_version_stands_whatever_order_the_batches_come_in(
    migrated_file: Path, landing: Landing, tmp_path: Path
):
    bodies = [
        page(woo_order(1), woo_order(2, date_modified_gmt="2026-02-03T00:00:00", total="9.00")),
        page(woo_order(1, date_modified_gmt="2026-02-04T00:00:00", line_items=[woo_line(9)])),
        page(woo_order(2), woo_order(1, currency="?", date_modified_gmt="2026-02-05T00:00:00")),
    ]
    manifests = [
        land(landing, body, now=NOW + timedelta(minutes=i)) for i, body in enumerate(bodies)
    ]
    ends = []
    for number, order in enumerate(([0, 1, 2], [2, 1, 0, 1], [1, 2, 0])):
        copy = tmp_path / f"{number}.duckdb"
        shutil.copyfile(migrated_file, copy)
        store = DuckdbStore(copy)
        for which in order:
            consolidate(store, landing, oms(tmp_path), NOW, batches=[manifests[which]])
        tables = [table(store, t) for t in ("orders", "order_lines", "quarantine")]
        ends.append(tables)
    for tables in ends[1:]:
        assert all(a.equals(b) for a, b in zip(tables, ends[0], strict=True))
    assert ends[0][1].filter(pl.col("order_id") == "shop/1")["line_id"].to_list() == ["9"]


def test_a_damaged_batch_fails_by_name_and_others_go_on(
    duckdb_store: Store, landing: Landing, tmp_path: Path
):
    broken = land(landing, page(woo_order(1)))
    body = tmp_path / "landing" / broken.folder / "pages.gz"
    body.write_bytes(body.read_bytes()[:-9])
    land(landing, page(woo_order(2)), now=NOW + timedelta(minutes=1))
    land(landing, stock(("MUG-1", 4)), source="lyon", stream="stock")
    orders, counts = consolidate(duckdb_store, landing, oms(tmp_path), NOW)
    assert "damaged since it landed" in orders.error
    assert (orders.accepted, orders.batches) == (1, 1)
    assert (counts.error, counts.accepted) == (None, 1)
    assert table(duckdb_store, "orders")["external_id"].to_list() == ["2"]
    [told] = table(duckdb_store, "quarantine").to_dicts()
    assert (told["page"], told["record"], told["batch_id"]) == (-1, -1, broken.batch_id)


def test_a_page_that_cannot_be_read_is_one_record_and_its_batch_goes_on(
    duckdb_store: Store, landing: Landing, tmp_path: Path
):
    land(landing, b"<html>busy</html>", page(woo_order(1)))
    [result] = consolidate(duckdb_store, landing, oms(tmp_path), NOW)
    assert (result.received, result.accepted, result.quarantined) == (2, 1, 1)


def test_lines_take_the_merchant_s_sku_or_wait_for_it(
    store: Store, landing: Landing, tmp_path: Path
):
    (tmp_path / "skus.csv").write_text(
        "sku,title,weight_g,value,currency\nMUG-2,Mug,300,5.00,EUR\n"
    )
    settings = oms(tmp_path, catalog={"skus": f"{tmp_path}/skus.csv"})
    load_reference(store, settings, NOW)
    land(landing, page(woo_order(1)))
    consolidate(store, landing, settings, NOW)
    assert table(store, "order_lines")["sku"].to_list() == [None, "MUG-2"]
    land(landing, stock(("MUG-1", 3)), source="lyon", stream="stock")
    consolidate(store, landing, settings, NOW)  # no SKU of the catalog: its count waits too
    assert table(store, "order_lines")["sku"].to_list() == [None, "MUG-2"]
    with (tmp_path / "skus.csv").open("a") as catalog:
        catalog.write("MUG-1,Mug,300,5.00,EUR\n")
    load_reference(store, settings, NOW)
    assert table(store, "order_lines")["sku"].to_list() == ["MUG-1", "MUG-2"]
    (tmp_path / "map.csv").write_text(
        "channel_id,channel_sku,sku,units_per\nshop,MUG-1,MUG-BOX,6\n"
    )
    load_reference(
        store,
        oms(
            tmp_path,
            catalog={"skus": f"{tmp_path}/skus.csv", "sku_map": f"{tmp_path}/map.csv"},
        ),
        NOW,
    )
    lines = table(store, "order_lines").select("sku", "units_per").rows()
    assert lines == [("MUG-BOX", 6), ("MUG-2", 1)]


def test_a_stock_file_that_cannot_be_read_is_refused_whole_until_a_good_one_comes(
    duckdb_store: Store, landing: Landing, tmp_path: Path
):
    land(landing, stock(("A", 4), ("B", 1)), source="lyon", stream="stock")
    later = NOW + timedelta(minutes=5)
    land(landing, b"sku;qty\r\nA;1\r\n", source="lyon", stream="stock", now=later)
    [result] = consolidate(duckdb_store, landing, oms(tmp_path), NOW)
    assert (result.received, result.accepted, result.quarantined) == (3, 2, 1)
    assert table(duckdb_store, "stock_counts")["quantity"].to_list() == [4, 1]
    [waiting] = table(duckdb_store, "quarantine")["state"]
    assert waiting == "waiting"
    later = NOW + timedelta(minutes=10)
    land(landing, stock(("A", 3), ("B", 1)), source="lyon", stream="stock", now=later)
    consolidate(duckdb_store, landing, oms(tmp_path), NOW)
    assert table(duckdb_store, "quarantine")["state"].to_list() == ["superseded"]


def test_only_the_streams_asked_for_are_taken(
    duckdb_store: Store, landing: Landing, tmp_path: Path
):
    land(landing, page(woo_order(1)))
    land(landing, stock(("A", 4)), source="lyon", stream="stock")
    done = consolidate(duckdb_store, landing, oms(tmp_path), NOW, only={("lyon", "stock")})
    assert [r.source for r in done] == ["lyon"]


def test_batches_without_pages_are_taken_without_a_trace_but_their_own(
    duckdb_store: Store, landing: Landing, tmp_path: Path
):
    land(landing)
    [result] = consolidate(duckdb_store, landing, oms(tmp_path), NOW)
    assert (result.batches, result.received) == (1, 0)
    assert table(duckdb_store, "batches").height == 1


def test_a_count_of_a_sku_the_catalog_lacks_waits_and_counts_nothing(
    store: Store, landing: Landing, tmp_path: Path
):
    catalog = {"skus": f"{tmp_path}/skus.csv"}
    (tmp_path / "skus.csv").write_text("sku,title,weight_g,value,currency\r\nA,Mug,,,\r\n")
    settings = oms(tmp_path, catalog=catalog)
    load_reference(store, settings, NOW)
    land(landing, stock(("A", 4), ("Z", 9)), source="lyon", stream="stock")
    consolidate(store, landing, settings, NOW)
    assert table(store, "stock_counts").select("sku", "quantity").rows() == [("A", 4)]
    assert table(store, "skus")["sku"].to_list() == ["A"]
    [(reason, state)] = table(store, "quarantine").select("reason", "state").rows()
    assert (reason.startswith("line 3: sku is unknown"), state) == (True, "waiting")
