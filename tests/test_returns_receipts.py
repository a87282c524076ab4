"""Receipts told twice, and receipts of what was not ordered: taken as facts, told plainly."""

from datetime import timedelta
from pathlib import Path

import pytest
from returns_world import NOW, RECEIVED, drop, opened, shipped, sold, table, take_in

from oms_pipelines.errors import Rejected
from oms_pipelines.hub import Hub
from oms_pipelines.quality import quarantine
from oms_pipelines.returns.dock import Receipt, receive
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
