"""Receipts told twice, and receipts of what was not ordered: taken as facts, told plainly."""

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from returns_world import NOW, RECEIVED, drop, opened, shipped, sold, table, take_in
from store_frames import frame

from oms_pipelines.errors import Rejected
from oms_pipelines.hub import Hub
from oms_pipelines.quality import quarantine
from oms_pipelines.report.returns import by_dimension
from oms_pipelines.returns.dock import Receipt, find, receive
from oms_pipelines.returns.links import link
from oms_pipelines.stock import ledger
from oms_pipelines.store import Store


@pytest.fixture
def hub(store: Store, tmp_path: Path) -> Hub:
    """Return a hub that shipped three units of line 1 of order 1."""
    sold(store, "1", 3)
    shipped(store, "1", 1, 3)
    return opened(store, tmp_path)


def row(receipt: str, quantity: int, when: str = "11:00", sku: str = "A", remark: str = "") -> str:
    return f"{receipt};1;;N1;;{sku};{quantity};as_new;{remark};2026-01-03T{when}:00Z"


def units(store: Store) -> list[int]:
    return table(store, "return_receipts")["quantity"].to_list()


def test_a_receipt_told_again_by_command_changes_nothing_and_says_so(hub: Hub):
    first = receive(hub, Receipt("lyon", "R1", "N1", ("A=1=as_new",), "wet"))
    moved = table(hub.store, "stock_movements").height
    again = receive(hub, Receipt("lyon", "R1", "N1", ("A=1=as_new",), "wet"))
    hub.__dict__["_now"] = NOW + timedelta(hours=1)
    later = receive(hub, Receipt("lyon", "R1", "N1", ("A=1=as_new",), "wet"))
    assert [(x.units, x.repeated) for x in (first, again, later)] == [
        (1, False), (1, True), (1, True),
    ]  # fmt: skip
    [kept] = table(hub.store, "return_receipts").to_dicts()
    assert kept["received_at"] == NOW
    assert table(hub.store, "stock_movements").height == moved
    assert table(hub.store, "batches").height == 1, "nothing was landed the second time"


@pytest.mark.parametrize(
    "other",
    [("A=2=as_new",), ("A=1=broken",), ("A=1=as_new", "A=1=as_new")],
    ids=["quantity", "condition", "one line more"],
)
def test_another_receipt_of_the_same_number_and_moment_is_refused_by_command(hub: Hub, other):
    receive(hub, Receipt("lyon", "R1", "N1", ("A=1=as_new",)))
    with pytest.raises(Rejected, match="receipt: R1 was received at lyon at this very moment"):
        receive(hub, Receipt("lyon", "R1", "N1", other))
    assert units(hub.store) == [1]
    receive(hub, Receipt("paris", "R1", "N1", other))  # another place numbers its own


def test_a_receipt_by_command_needs_no_column_of_the_locations_own_files(
    duckdb_store: Store, tmp_path: Path
):
    own = {"kind": "receipt", "header": {"receipt_id": "Bon", "sku": "Article", "quantity": "Nb"}}
    hub = opened(duckdb_store, tmp_path, profiles={"bons": own}, receipt="bons")
    sold(hub.store, "1", 1)
    shipped(hub.store, "1", 1, 1)
    assert receive(hub, Receipt("lyon", "R1", "N1", ("A=1=as_new",), "wet")).units == 1
    [kept] = table(hub.store, "return_receipts").to_dicts()
    assert (kept["told_order"], kept["condition"]) == ("shop/1", "as_new")


def test_a_later_receipt_of_the_same_number_corrects_the_first(hub: Hub):
    receive(hub, Receipt("lyon", "R1", "N1", ("A=1=as_new",)))
    hub.__dict__["_now"] = NOW + timedelta(seconds=1)
    assert not receive(hub, Receipt("lyon", "R1", "N1", ("A=2=as_new",))).repeated
    assert units(hub.store) == [2]


def test_a_receipt_told_again_by_file_counts_as_unchanged(hub: Hub, tmp_path: Path):
    drop(tmp_path, "lyon/receipts", "a.csv", RECEIVED, row("R1", 1, remark="wet"))
    take_in(hub, "receipts")
    hub.__dict__["_now"] = NOW + timedelta(hours=1)
    drop(tmp_path, "lyon/receipts", "b.csv", RECEIVED, row("R1", 1, remark="wet"))
    [told] = take_in(hub, "receipts")
    assert (told.received, told.accepted, told.quarantined, told.changed) == (1, 1, 0, 0)


def test_another_receipt_of_the_same_number_and_moment_is_kept_back_by_file(
    hub: Hub, tmp_path: Path
):
    drop(tmp_path, "lyon/receipts", "a.csv", RECEIVED, row("R1", 1))
    take_in(hub, "receipts")
    hub.__dict__["_now"] = NOW + timedelta(hours=1)
    drop(
        tmp_path, "lyon/receipts", "b.csv", RECEIVED, row("R1", 2, remark="Zoe"), row("R2", 1)
    )  # fmt: skip
    [told] = take_in(hub, "receipts")
    assert (told.received, told.accepted, told.quarantined, told.changed) == (2, 1, 1, 1)
    assert units(hub.store) == [1, 1]
    [kept] = quarantine.list_records(hub.store).to_dicts()
    assert kept["record_key"] == "R1"
    assert (
        "R1 line 1 was received at this very moment with another quantity, remark;"
        in (kept["reason"])
    )
    assert "Zoe" not in kept["reason"]
    mended = f"{RECEIVED}\r\n{row('R1', 2, when='11:30')}\r\n".encode()
    quarantine.release(
        hub.store, hub.landing, hub.oms, kept["quarantine_id"], mended, NOW + timedelta(hours=2)
    )
    assert units(hub.store) == [2, 1]


def test_two_files_of_one_batch_that_contradict_each_other_let_the_first_in(
    hub: Hub, tmp_path: Path
):
    for name, quantity in (("a.csv", 2), ("b.csv", 1)):
        drop(tmp_path, "lyon/receipts", name, RECEIVED, row("R1", quantity))
    [told] = take_in(hub, "receipts")
    assert (told.accepted, told.quarantined) == (1, 1)
    assert units(hub.store) == [2]


def accounts(store: Store) -> dict[tuple[str, str], int]:
    """Return the goods that lie in a location or were scrapped, by account and SKU."""
    rows = table(store, "stock_balances").iter_rows()
    return {
        (a, sku): n for a, sku, n in rows if n and a not in ("world/customer", "world/in_transit")
    }


def flags(store: Store) -> list[tuple]:
    return table(store, "return_receipts").select("sku", "not_ordered", "disposition").rows()


def test_goods_that_were_not_in_the_order_are_taken_flagged_and_set_aside(hub: Hub):
    done = receive(hub, Receipt("lyon", "R1", "N1", ("A=1=as_new", "B=2=as_new", "B=1=broken")))
    assert done.units == 4
    assert done.not_ordered == ("B=2=quarantine", "B=1=quarantine")
    assert flags(hub.store) == [
        ("A", None, "restock"), ("B", True, "quarantine"), ("B", True, "quarantine"),
    ]  # fmt: skip
    assert accounts(hub.store) == {("lyon/sellable", "A"): 1, ("lyon/quarantine", "B"): 3}
    with hub.store.session(read_only=True) as session:
        [found] = find(session, "N1").to_dicts()
        daily = session.query("report/returns_daily")
    assert found["not_ordered"] == 3
    assert by_dimension(daily, "sku").select("sku", "received", "not_ordered").rows() == [
        ("B", 3, 3), ("A", 1, 0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("way", "where"),
    [("restock", "lyon/sellable"), ("scrap", "world/scrap"), (None, "lyon/quarantine")],
)
def test_the_merchant_says_where_goods_go_that_were_not_ordered(
    duckdb_store: Store, tmp_path: Path, way: str | None, where: str
):
    sold(duckdb_store, "1", 1)
    ways = {"as_new": "restock", "broken": "scrap"} | ({"not_ordered": way} if way else {})
    hub = opened(duckdb_store, tmp_path, dispositions=ways)
    receive(hub, Receipt("lyon", "R1", "N1", ("B=1=as_new",)))
    assert accounts(duckdb_store) == {(where, "B"): 1}
    receive(hub, Receipt("lyon", "R2", "N1", ("C=1=broken",)))
    broken = "world/scrap" if way == "restock" else where
    assert accounts(duckdb_store)[broken, "C"] == 1


def test_goods_of_an_order_that_comes_later_are_set_aside_when_it_comes(
    store: Store, tmp_path: Path
):
    hub = opened(store, tmp_path)
    drop(tmp_path, "lyon/receipts", "a.csv", RECEIVED, row("R1", 1), row("R2", 1, sku="B"))
    take_in(hub, "receipts")
    with store.session() as s:
        ledger.post(s, NOW)
    assert flags(store) == [("A", None, "restock"), ("B", None, "restock")]
    later = NOW + timedelta(days=9)
    sold(store, "1", 1)  # its rows are of batch b1
    batch = {"batch_id": "b1", "source": "shop", "stream": "orders", "received": 1, "accepted": 1,
             "quarantined": 0, "changed": 1, "merged_at": later}  # fmt: skip
    with store.session() as s:
        s.upsert("batches", frame("batches", batch))
        link(s, hub.oms.returns.dispositions, pl.Series(["shop/1", "N1"]))
        ledger.post(s, later)
    assert flags(store) == [("A", None, "restock"), ("B", True, "quarantine")]
    assert accounts(store) == {("lyon/sellable", "A"): 1, ("lyon/quarantine", "B"): 1}


def test_an_order_with_a_line_of_unknown_sku_flags_nothing(duckdb_store: Store, tmp_path: Path):
    sold(duckdb_store, "1", 1)
    with duckdb_store.session() as s:
        s.upsert("order_lines", s.table("order_lines").with_columns(sku=pl.lit(None, pl.String)))
    hub = opened(duckdb_store, tmp_path)
    assert receive(hub, Receipt("lyon", "R1", "N1", ("B=1=as_new",))).not_ordered == ()
    assert flags(duckdb_store) == [("B", None, "restock")]


def test_a_mistyped_sku_is_refused_at_the_dock_and_books_nothing(hub: Hub):
    with pytest.raises(Rejected, match="line 2: no SKU is called NOPE; correct it"):
        receive(hub, Receipt("lyon", "R1", "N1", ("A=1=as_new", "NOPE=1=as_new")))
    assert units(hub.store) == []


def test_more_than_was_delivered_is_taken_and_told(hub: Hub):
    assert receive(hub, Receipt("lyon", "R1", "N1", ("A=3=as_new",))).beyond == ()
    assert receive(hub, Receipt("lyon", "R2", "N1", ("A=2=as_new",))).beyond == ("A=2",)
