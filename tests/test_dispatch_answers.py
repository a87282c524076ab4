"""What locations answer: confirmations and acknowledgements, twice and in any order."""

import random
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from dispatch_network import (
    NOW,
    file_states,
    network,
    part,
    pick,
    planned,
    ready,
    sold,
    states,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_frames import frame, order

from oms_pipelines.dispatch import (
    Applied,
    apply_acknowledgements,
    apply_confirmations,
    plan_files,
    write_files,
)
from oms_pipelines.logistics.kinds import DEFAULTS
from oms_pipelines.logistics.parse import parse_acknowledgements, parse_confirmations
from oms_pipelines.store import Store
from oms_pipelines.store.duckdb import DuckdbStore

FIRST = "lyon_dispatch_20260101_000001.csv"
LATER = NOW + timedelta(hours=5)


def dispatched(store: Store, root: Path, *keys: str, quantity: int = 5) -> None:
    ready(store, *keys, quantity=quantity)
    send(store, root)


def send(store: Store, root: Path) -> None:
    oms = network(root)
    with store.session() as s:
        plan_files(s, oms, NOW)
    assert not write_files(store, oms, NOW).failed


CONFIRMED = (
    "fo_id;line_id;sku;shipped_quantity;refused_quantity;reason;parcel;carrier_id;"
    "tracking_number;shipped_at"
)


def confirmed(*rows: str) -> pl.DataFrame:
    """Return rows `key shipped refused parcel` as a location's file gives them."""
    lines = [CONFIRMED]
    for row in rows:
        key, shipped, refused, parcel = row.split()
        why = "not found" if refused != "0" else ""
        lines.append(
            f"shop/{key}#p1#0;1;A;{shipped};{refused};{why};{parcel};colis;T{parcel};"
            "2026-01-01T11:00:00Z"
        )
    body = ("\r\n".join(lines) + "\r\n").encode()
    parsed = parse_confirmations(body, DEFAULTS["confirmation"], "lyon")
    assert parsed.rejected.is_empty()
    return parsed.accepted


def confirm(store: Store, *rows: str, batch: str = "c1") -> Applied:
    with store.session() as s:
        return apply_confirmations(s, confirmed(*rows), batch, LATER)


def lines_of(store: Store) -> list[tuple]:
    with store.session(read_only=True) as s:
        rows = s.table("fulfillment_lines")
    return rows.select("shipped_quantity", "refused_quantity", "refusal_reason").rows()


def contradictions(store: Store) -> list[str]:
    with store.session(read_only=True) as s:
        rows = s.table("quarantine")
    return rows.filter(pl.col("stream") == "contradictions")["reason"].to_list()


@pytest.mark.parametrize(
    ("told", "line", "state"),
    [
        (["1 5 0 P1"], (5, 0, None), "shipped"),
        (["1 2 0 P1"], (2, 0, None), "accepted"),
        (["1 2 0 P1", "1 3 0 P2"], (5, 0, None), "shipped"),
        (["1 3 2 P1"], (3, 2, "not found"), "partially_shipped"),
        (["1 0 5 -"], (0, 5, "not found"), "refused"),
        (["1 0 2 -"], (0, 2, "not found"), "accepted"),
    ],
)
def test_a_confirmation_tells_lines_and_states(
    store: Store, tmp_path: Path, told: list[str], line: tuple, state: str
):
    dispatched(store, tmp_path, "1")
    done = confirm(store, *told)
    assert (done.accepted, done.rejected.height, done.contradictions) == (len(told), 0, 0)
    assert lines_of(store) == [line]
    assert states(store) == {"1/0": state}


def test_a_parcel_is_kept_with_its_contents(store: Store, tmp_path: Path):
    dispatched(store, tmp_path, "1")
    confirm(store, "1 5 0 P1")
    with store.session(read_only=True) as s:
        parcel = s.table("shipments").row(0, named=True)
        content = s.table("shipment_lines").row(0, named=True)
    assert parcel["shipment_id"] == content["shipment_id"] == "lyon/P1/shop/1#p1#0"
    assert (parcel["tracking_number"], parcel["status"], parcel["known_at"]) == (
        "TP1",
        "Pending",
        LATER,
    )
    assert content["quantity"] == 5


def test_a_file_that_comes_twice_changes_nothing(store: Store, tmp_path: Path):
    dispatched(store, tmp_path, "1")
    confirm(store, "1 2 0 P1", "1 1 2 P2")
    with store.session(read_only=True) as s:
        tables = ("fulfillment_lines", "fulfillment_orders", "shipments", "shipment_lines")
        before = [s.table(t) for t in tables]
    again = confirm(store, "1 2 0 P1", "1 1 2 P2", batch="c2")
    assert again.changed == 0
    with store.session(read_only=True) as s:
        assert [s.table(t).drop("batch_id", strict=False).rows() for t in tables] == [
            b.drop("batch_id", strict=False).rows() for b in before
        ]


def test_an_unknown_fulfillment_order_is_kept_back(store: Store, tmp_path: Path):
    dispatched(store, tmp_path, "1")
    done = confirm(store, "1 5 0 P1", "9 5 0 P1")
    assert done.accepted == 1
    assert done.rejected.select("record", "record_key").rows() == [(1, "shop/9#p1#0")]
    assert states(store) == {"1/0": "shipped"}


def test_more_than_asked_is_a_fact_and_a_contradiction(store: Store, tmp_path: Path):
    dispatched(store, tmp_path, "1")
    assert confirm(store, "1 7 0 P1").contradictions == 1
    assert lines_of(store) == [(7, 0, None)]
    assert states(store) == {"1/0": "shipped"}
    assert contradictions(store) == ["more units left than were asked for"]


def test_shipping_after_a_cancellation_is_a_fact_and_a_contradiction(store: Store, tmp_path: Path):
    dispatched(store, tmp_path, "1")
    with store.session() as s:
        canceled = order("1", 9) | {"order_status": "canceled"}
        s.merge_documents("orders", frame("orders", canceled), {})
    send(store, tmp_path)
    assert states(store) == {"1/0": "cancel_requested"}
    confirm(store, "1 5 0 P1")
    assert states(store) == {"1/0": "shipped"}
    assert contradictions(store) == ["shipped although its cancellation was asked for"]


def test_refusing_all_of_a_canceled_order_cancels_it(store: Store, tmp_path: Path):
    dispatched(store, tmp_path, "1")
    with store.session() as s:
        canceled = order("1", 9) | {"order_status": "canceled"}
        s.merge_documents("orders", frame("orders", canceled), {})
    send(store, tmp_path)
    confirm(store, "1 0 5 -")
    assert states(store) == {"1/0": "canceled"}


def test_a_confirmation_before_the_delivery_was_written_down_is_not_undone(
    store: Store, tmp_path: Path
):
    ready(store, "1", quantity=5)
    oms = network(tmp_path)
    with store.session() as s:
        plan_files(s, oms, NOW)
    confirm(store, "1 5 0 P1")
    write_files(store, oms, LATER)
    assert states(store) == {"1/0": "shipped"}


POSSIBLE = [
    "1 2 0 P1", "1 1 0 P2", "1 2 0 P2", "1 0 1 -", "1 0 3 -", "2 5 0 P1", "2 0 5 -", "2 1 0 P3",
    "1 3 0 P4",
]  # fmt: skip


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(told=st.lists(st.sampled_from(POSSIBLE), min_size=1, max_size=6), data=st.data())
def test_confirmations_in_any_order_and_twice_end_in_one_store(
    migrated_file: Path,
    tmp_path_factory: pytest.TempPathFactory,
    told: list[str],
    data: st.DataObject,
):
    ends = []
    shuffled = data.draw(st.permutations(told + told[:2]))
    for files in ([told], [[row] for row in shuffled]):
        root = tmp_path_factory.mktemp("order")
        store = DuckdbStore(root / "store.duckdb")
        store.path.write_bytes(migrated_file.read_bytes())
        dispatched(store, root, "1", "2")
        for n, rows in enumerate(files):
            confirm(store, *rows, batch=f"c{n}")
        with store.session(read_only=True) as s:
            contents = s.table("shipment_lines").rows()
        ends.append((lines_of(store), states(store), contents))
    assert ends[0] == ends[1]


ANSWERS = "file_name;status;line_no;reason"


def answered(*rows: str) -> pl.DataFrame:
    body = "\r\n".join([ANSWERS, *rows, ""]).encode()
    parsed = parse_acknowledgements(body, DEFAULTS["acknowledgement"], "lyon")
    assert parsed.rejected.is_empty()
    return parsed.accepted


def answer(store: Store, root: Path, *rows: str, batch: str = "a1") -> Applied:
    with store.session() as s:
        return apply_acknowledgements(s, answered(*rows), batch, LATER, network(root))


def test_an_answer_moves_the_file_and_its_orders(store: Store, tmp_path: Path):
    dispatched(store, tmp_path, "1")
    answer(store, tmp_path, f"{FIRST};received;;")
    assert (file_states(store), states(store)) == ({FIRST: "acknowledged"}, {"1/0": "dispatched"})
    answer(store, tmp_path, f"{FIRST};accepted;;")
    assert (file_states(store), states(store)) == ({FIRST: "accepted"}, {"1/0": "accepted"})


def test_a_line_refused_by_number_frees_its_units_and_no_other(store: Store, tmp_path: Path):
    dispatched(store, tmp_path, "1", "2")
    answer(store, tmp_path, f"{FIRST};rejected;2;article is blocked", f"{FIRST};accepted;;")
    assert file_states(store) == {FIRST: "accepted"}
    assert states(store) == {"1/0": "accepted", "2/0": "refused"}
    assert lines_of(store) == [(0, 0, None), (0, 5, "article is blocked")]
    with store.session(read_only=True) as s:
        assert s.table("files")["error"].to_list() == ["line 2: article is blocked"]


def test_a_file_rejected_whole_waits_for_a_person(store: Store, tmp_path: Path):
    dispatched(store, tmp_path, "1")
    answer(store, tmp_path, f"{FIRST};rejected;;bad header")
    assert (file_states(store), states(store)) == ({FIRST: "rejected"}, {"1/0": "dispatched"})


def test_answers_in_any_order_and_twice_end_in_one_state(store: Store, tmp_path: Path):
    dispatched(store, tmp_path, "1", "2")
    rows = [
        f"{FIRST};received;;",
        f"{FIRST};rejected;1;no such article",
        f"{FIRST};accepted;;",
    ]
    random.Random(3).shuffle(rows)
    for n, row in enumerate([*rows, *rows]):
        answer(store, tmp_path, row, batch=f"a{n}")
    assert file_states(store) == {FIRST: "accepted"}
    assert states(store) == {"1/0": "refused", "2/0": "accepted"}


def test_accepted_is_final_and_a_later_rejection_is_noted(store: Store, tmp_path: Path):
    dispatched(store, tmp_path, "1")
    answer(store, tmp_path, f"{FIRST};accepted;;")
    assert answer(store, tmp_path, f"{FIRST};rejected;;late", batch="a2").contradictions == 1
    assert file_states(store) == {FIRST: "accepted"}


def test_an_answer_to_another_locations_file_is_kept_back(store: Store, tmp_path: Path):
    sold(store, "1")
    planned(store, [part("1", "paris")], [pick("1")])
    send(store, tmp_path)
    done = answer(store, tmp_path, "paris_dispatch_20260101_000001.csv;accepted;;")
    assert (done.accepted, done.rejected.height) == (0, 1)
    assert states(store) == {"1/0": "dispatched"}


@pytest.mark.parametrize("turned", [False, True])
def test_a_cancellation_is_done_when_accepted_and_not_when_its_line_is_refused(
    store: Store, tmp_path: Path, turned: bool
):
    dispatched(store, tmp_path, "1", "2")
    with store.session() as s:
        rows = [order(k, 9) | {"order_status": "canceled"} for k in ("1", "2")]
        s.merge_documents("orders", frame("orders", *rows), {})
    send(store, tmp_path)
    name = "lyon_dispatch_20260101_000002.csv"
    told = [f"{name};rejected;2;it has left", f"{name};accepted;;"]
    for n, row in enumerate(reversed(told) if turned else told):
        answer(store, tmp_path, row, batch=f"a{n}")
    assert states(store) == {"1/0": "canceled", "2/0": "accepted"}
    send(store, tmp_path)
    assert len(file_states(store)) == 2, "a refused cancellation is not asked for again"


def test_an_answer_proves_a_delivery_that_was_not_written_down(store: Store, tmp_path: Path):
    ready(store, "1")
    oms = network(tmp_path)
    with store.session() as s:
        plan_files(s, oms, NOW)
    answer(store, tmp_path, f"{FIRST};accepted;;")
    assert (file_states(store), states(store)) == ({FIRST: "accepted"}, {"1/0": "accepted"})
