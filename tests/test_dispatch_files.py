"""Dispatch files: planned once, written whole, told by their manifest."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from dispatch_network import (
    FIRST,
    NOW,
    announced,
    delivered,
    file_states,
    manifest_of,
    network,
    part,
    pick,
    planned,
    ready,
    run,
    sold,
    states,
)
from store_frames import at, frame, order

from oms_pipelines.dispatch import (
    mark_overdue,
    plan_files,
    resend,
    show_file,
    write_files,
)
from oms_pipelines.errors import Malformed, Rejected
from oms_pipelines.store import Store

SECOND = "lyon_dispatch_20260101_000002.csv"


def test_what_a_unit_is_worth_holds_the_tax_whether_or_not_the_prices_of_the_channel_do(
    store: Store, tmp_path: Path
):
    ready(store, "1", "2")
    with store.session() as session:
        orders, lines = session.table("orders"), session.table("order_lines")
        net = pl.col("order_id") == orders["order_id"][1]
        session.upsert("orders", orders.with_columns(prices_include_tax=~net))
        session.upsert("order_lines", lines.with_columns(tax_amount=pl.lit(Decimal("3.96"))))
    run(store, network(tmp_path))
    rows = delivered(tmp_path)[FIRST]
    assert rows["unit_value"].to_list() == ["9,90", "11,88"]  # 2 units bear 3.96 of tax


def test_a_file_and_its_manifest_say_all_that_waits_at_a_location(store: Store, tmp_path: Path):
    oms = network(tmp_path)
    ready(store, "1", "2")
    made = run(store, oms)
    assert made.files == (FIRST,)
    rows = delivered(tmp_path)[FIRST]
    assert rows["line_no"].to_list() == ["1", "2"]
    assert rows["action"].unique().to_list() == ["ship"]
    assert rows["unit_value"].to_list() == ["9,90", "9,90"]
    assert rows["name"].to_list() == ["Zoë Łukasz"] * 2
    told = manifest_of(tmp_path, FIRST)
    assert told | {"sha256": "", "bytes": 0} == {
        "file": FIRST,
        "destination": "lyon",
        "flow": "dispatch",
        "sequence": 1,
        "schema": 1,
        "profile": "dispatch",
        "rows": 2,
        "orders": 2,
        "quantity": 4,
        "value": {"EUR": "39.60"},
        "sha256": "",
        "bytes": 0,
        "previous": None,
        "actions": {"ship": {"rows": 2, "quantity": 4}},
        "replaced": 0,
        "planned_at": "2026-01-01T08:00:00Z",
    }
    assert states(store) == {"1/0": "dispatched", "2/0": "dispatched"}
    assert file_states(store) == {FIRST: "delivered"}
    with store.session(read_only=True) as s:
        row = s.table("files").row(0, named=True)
    assert (row["row_count"], row["order_count"], row["total_quantity"]) == (2, 2, 4)
    assert row["value_by_currency"] == '{"EUR":"39.60"}'


def test_running_again_writes_nothing_and_touches_nothing(store: Store, tmp_path: Path):
    oms = network(tmp_path)
    ready(store, "1")
    run(store, oms)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.csv*")}
    again = run(store, oms, NOW + timedelta(minutes=5))
    assert again.files == ()
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.csv*")} == before


def test_each_file_names_the_one_before_it(store: Store, tmp_path: Path):
    oms = network(tmp_path)
    ready(store, "1")
    run(store, oms)
    ready(store, "2")
    run(store, oms)
    first, second = manifest_of(tmp_path, FIRST), manifest_of(tmp_path, SECOND)
    assert second["previous"] == {"sequence": 1, "file": FIRST, "sha256": first["sha256"]}


def test_two_files_left_planned_go_out_in_sequence_and_chained(store: Store, tmp_path: Path):
    oms = network(tmp_path)
    for key in ("1", "2"):
        ready(store, key)
        with store.session() as s:
            plan_files(s, oms, NOW)
    done = write_files(store, oms, NOW)
    assert done.delivered == [FIRST, SECOND]
    first, second = manifest_of(tmp_path, FIRST), manifest_of(tmp_path, SECOND)
    assert second["previous"]["sha256"] == first["sha256"]


def test_a_location_that_fails_keeps_its_files_and_stops_no_other(store: Store, tmp_path: Path):
    oms = network(tmp_path)
    ready(store, "1")
    ready(store, "2", location="paris")
    (tmp_path / "lyon").write_text("a file where the folder should be")
    with store.session() as s:
        plan_files(s, oms, NOW)
    done = write_files(store, oms, NOW)
    assert done.delivered == ["paris_dispatch_20260101_000001.csv"]
    assert list(done.failed) == ["lyon/dispatch"]
    (tmp_path / "lyon").unlink()
    assert write_files(store, oms, NOW).delivered == [FIRST]
    assert list(delivered(tmp_path)) == [FIRST]


def test_another_file_under_the_same_name_is_never_overwritten(store: Store, tmp_path: Path):
    oms = network(tmp_path)
    ready(store, "1")
    (tmp_path / "lyon" / "in").mkdir(parents=True)
    (tmp_path / "lyon" / "in" / FIRST).write_bytes(b"somebody's")
    with store.session() as s:
        plan_files(s, oms, NOW)
    failed = write_files(store, oms, NOW).failed
    assert "another file of this name" in failed["lyon/dispatch"]
    assert (tmp_path / "lyon" / "in" / FIRST).read_bytes() == b"somebody's"


def test_a_resent_file_is_the_same_to_the_byte_even_when_the_contact_changed(
    store: Store, tmp_path: Path
):
    oms = network(tmp_path)
    ready(store, "1")
    run(store, oms)
    there = tmp_path / "lyon" / "in"
    sent = {p.name: p.read_bytes() for p in there.iterdir()}
    for path in there.iterdir():
        path.unlink()
    sold(store, "1", name="Somebody Else")
    resend(store, oms, FIRST)
    assert {p.name: p.read_bytes() for p in there.iterdir()} == sent


def test_a_changed_copy_is_not_resent(store: Store, tmp_path: Path):
    oms = network(tmp_path)
    ready(store, "1")
    run(store, oms)
    (tmp_path / "var" / "files" / "lyon" / FIRST).write_bytes(b"tampered")
    with pytest.raises(Malformed, match="was changed"):
        resend(store, oms, FIRST)
    with pytest.raises(Rejected, match="no such file"):
        resend(store, oms, "nothing.csv")


def test_what_the_encoding_cannot_write_is_withheld_and_told(store: Store, tmp_path: Path):
    latin = {"kind": "dispatch", "encoding": "cp1252"}
    oms = network(tmp_path, dispatch={"to": str(tmp_path / "lyon/in"), "profile": "latin"})
    oms = oms.model_copy(update={"profiles": {"latin": latin}})
    ready(store, "1")
    sold(store, "2", name="Zoe")
    planned(store, [part("2")], [pick("2")])
    made = run(store, oms)
    assert made.withheld.rows() == [("lyon", "shop/1#p1#0", "name does not fit encoding cp1252")]
    assert states(store) == {"1/0": "planned", "2/0": "dispatched"}


def test_a_late_answer_is_overdue(store: Store, tmp_path: Path):
    oms = network(tmp_path)
    ready(store, "1")
    run(store, oms)
    with store.session() as s:
        assert mark_overdue(s, oms, NOW + timedelta(hours=1)) == 0
        assert mark_overdue(s, oms, NOW + timedelta(hours=3)) == 1
    assert file_states(store) == {FIRST: "overdue"}
    resend(store, oms, FIRST, NOW + timedelta(hours=3))
    assert file_states(store) == {FIRST: "delivered"}


def test_a_file_is_listed_and_shown_without_personal_data(store: Store, tmp_path: Path):
    oms = network(tmp_path)
    ready(store, "1")
    run(store, oms)
    with store.session(read_only=True) as s:
        assert s.query("dispatch/list_files", destination=None)["name"].to_list() == [FIRST]
        assert s.query("dispatch/list_files", destination="paris").is_empty()
        shown = show_file(s, FIRST)
    assert shown["lines"][0] | {"fo_id": ""} == {
        "line_no": 1,
        "action": "ship",
        "fo_id": "",
        "order_id": "shop/1",
        "line_id": "1",
        "sku": "A",
        "quantity": 2,
        "shipped_quantity": 0,
        "refused_quantity": 0,
        "refusal_reason": None,
        "state": "dispatched",
    }
    assert "Zoë" not in str(shown)


def test_a_return_is_told_to_its_location_once(store: Store, tmp_path: Path):
    oms = network(tmp_path)
    sold(store, "1")
    announced(store, "r1")
    announced(store, "closed", status="closed")
    announced(store, "old", announced_at=at(-60 * 24 * 90))
    assert run(store, oms).returns == 1
    name = "lyon_return_notice_20260101_000001.csv"
    rows = delivered(tmp_path, folder="notices")[name]
    assert rows.select("rma", "sku", "quantity", "reason_code").rows() == [
        ("RMAr1", "A", "1", "too_small")
    ]
    announced(store, "r1", source_version=2, status="in_transit")
    assert run(store, oms).files == ()
    with store.session(read_only=True) as s:
        intent = s.table("outbox").row(0, named=True)
        assert show_file(s, name)["lines"][0]["rma"] == "RMAr1"
    assert (intent["key"], intent["state"]) == ("return_notice/shop/r1", "accepted")


def test_value_of_a_pack_is_told_by_the_unit(store: Store, tmp_path: Path):
    oms = network(tmp_path)
    sold(store, "1")
    with store.session() as s:
        lines = s.table("order_lines").with_columns(pl.lit(3, pl.Int64).alias("units_per"))
        s.merge_documents("orders", frame("orders", order("1", 2)), {"order_lines": lines})
    planned(store, [part("1")], [pick("1", quantity=6)])
    run(store, oms)
    assert delivered(tmp_path)[FIRST]["unit_value"].to_list() == ["3,30"]


@pytest.mark.parametrize("more", [{}, {"defaults": {"unit_value": "0,0007", "currency": "EUR"}}])
def test_value_and_quantity_are_what_a_reader_adds_up(store: Store, tmp_path: Path, more: dict):
    dispatch = {"to": str(tmp_path / "lyon" / "in"), "profile": "theirs"}
    oms = network(tmp_path, dispatch=dispatch).model_copy(
        update={"profiles": {"theirs": {"kind": "dispatch", **more}}}
    )
    ready(store, "1", "2", "3")
    prices = [Decimal("3.3333"), Decimal("0.0049"), None]
    with store.session() as s:
        lines = s.table("order_lines").sort("order_id")
        priced = lines.with_columns(
            pl.Series("unit_price", prices[: lines.height], pl.Decimal(18, 4))
        )
        s.upsert("order_lines", priced)
    run(store, oms)
    rows = delivered(tmp_path)[FIRST]
    read = [(v or "0").replace(",", ".") for v in rows["unit_value"]]
    added = sum(Decimal(v) * int(q) for v, q in zip(read, rows["quantity"], strict=True))
    told = manifest_of(tmp_path, FIRST)
    assert Decimal(told["value"]["EUR"]) == added
    assert told["quantity"] == sum(int(q) for q in rows["quantity"])
