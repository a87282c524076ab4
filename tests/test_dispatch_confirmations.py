"""Confirmations: what locations shipped and refused, twice and in any order."""

import random
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from dispatch_network import NOW, canceled, dispatched, lines_of, network, ready, send, states

from oms_pipelines.dispatch import Applied, apply_confirmations, plan_files, write_files
from oms_pipelines.logistics.kinds import DEFAULTS
from oms_pipelines.logistics.parse import parse_confirmations
from oms_pipelines.store import Store
from oms_pipelines.store.duckdb import DuckdbStore

LATER = NOW + timedelta(hours=5)


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
    confirm(store, "1 7 0 P1", batch="c2")
    assert contradictions(store) == ["more units left than were asked for"], "noted once"


def test_shipping_after_a_cancellation_is_a_fact_and_a_contradiction(store: Store, tmp_path: Path):
    dispatched(store, tmp_path, "1")
    canceled(store, "1")
    send(store, tmp_path)
    assert states(store) == {"1/0": "cancel_requested"}
    confirm(store, "1 5 0 P1")
    assert states(store) == {"1/0": "shipped"}
    assert contradictions(store) == ["shipped although its cancellation was asked for"]


def test_refusing_all_of_a_canceled_order_cancels_it(store: Store, tmp_path: Path):
    dispatched(store, tmp_path, "1")
    canceled(store, "1")
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


@pytest.mark.parametrize("seed", range(8))
def test_confirmations_in_any_order_and_twice_end_in_one_store(
    migrated_file: Path, tmp_path: Path, seed: int
):
    chance = random.Random(seed)
    told = chance.sample(POSSIBLE, k=chance.randint(1, 6))
    shuffled = [[row] for row in told + told[:2]]
    chance.shuffle(shuffled)
    ends = []
    for n, files in enumerate(([told], shuffled)):
        root = tmp_path / str(n)
        root.mkdir()
        store = DuckdbStore(root / "store.duckdb")
        store.path.write_bytes(migrated_file.read_bytes())
        dispatched(store, root, "1", "2")
        for batch, rows in enumerate(files):
            confirm(store, *rows, batch=f"c{batch}")
        with store.session(read_only=True) as s:
            contents = s.table("shipment_lines").rows()
        ends.append((lines_of(store), states(store), contents))
    assert ends[0] == ends[1]
