"""Erasure of what was written of returns, and of where customers live in inputs of plans."""

import gzip
from dataclasses import replace
from pathlib import Path

import orjson
import polars as pl
import pytest
from returns_world import (
    ANNOUNCED,
    NOW,
    RECEIVED,
    announcement,
    drop,
    opened,
    shipped,
    sold,
    table,
    take_in,
)
from test_routing_replay import many

from oms_pipelines.consolidate import consolidate
from oms_pipelines.dispatch import plan_files, write_files
from oms_pipelines.erasure import erase
from oms_pipelines.erasure.redact import REASONS, Person, redact_json
from oms_pipelines.hub import Hub
from oms_pipelines.returns.announce import Announcement, announce
from oms_pipelines.routing import erase_saved, load_inputs, plan, save_inputs, was_erased
from oms_pipelines.store import Store

WRITTEN = "I moved to 4 rue Haute"
OTHER = "for Max, too large"


def bytes_under(folder: Path) -> bytes:
    files = (p for p in sorted(folder.rglob("*")) if p.is_file())
    return b"".join(gzip.decompress(f.read_bytes()) if f.suffix == ".gz" else f.read_bytes()
                    for f in files)  # fmt: skip


@pytest.fixture
def hub(store: Store, tmp_path: Path) -> Hub:
    """Return a hub where orders 1 and 2 came back, by command, file and dock, with remarks."""
    for key in ("1", "2"):
        sold(store, key, 4)
        shipped(store, key, 1, 4)
    hub = opened(store, tmp_path)
    announce(hub, Announcement("shop/1", "too_small", ("1=1",), text=WRITTEN))
    drop(
        tmp_path, "drop", "a.csv", ANNOUNCED,
        announcement("P1", "N1", text=WRITTEN), announcement("P2", "N2", text=OTHER),
    )  # fmt: skip
    drop(
        tmp_path, "lyon/receipts", "r.csv", RECEIVED,
        f"R1;1;P1;;;A;1;as_new;{WRITTEN};2026-01-03T11:00:00Z",
        f"R2;1;;N2;;A;1;as_new;{OTHER};2026-01-03T12:00:00Z",
    )  # fmt: skip
    take_in(hub, "announcements", "receipts")
    with store.session() as session:
        plan_files(session, hub.oms, NOW)
    write_files(store, hub.oms, NOW)
    return hub


def test_what_was_written_of_an_orders_returns_is_erased_everywhere(hub: Hub, tmp_path: Path):
    kept = (tmp_path / "landing", tmp_path / "var" / "files")
    assert all(WRITTEN.encode() in bytes_under(folder) for folder in kept)
    done = erase(hub.store, hub.landing, hub.oms, "shop/1")
    assert done.left == ()
    assert (done.records, done.batches, done.files) == (3, 3, 1)
    for folder in kept:
        found = bytes_under(folder)
        assert WRITTEN.encode() not in found
        assert OTHER.encode() in found
    for name in ("returns", "return_lines", "return_receipts"):
        texts = set(table(hub.store, name)["reason_text"].drop_nulls())
        assert texts == {OTHER}, name
    assert done.reasons == 5
    again = erase(hub.store, hub.landing, hub.oms, "shop/1")
    assert (again.reasons, again.records, again.files) == (0, 0, 0)


def test_a_replay_after_an_erasure_brings_no_text_back_and_keeps_no_row_back(hub: Hub):
    erase(hub.store, hub.landing, hub.oms, "shop/1")
    before = {n: table(hub.store, n).height for n in ("returns", "return_receipts", "quarantine")}
    batches = [m for s in (("hub", "announcements"), ("lyon", "receipts"))
               for m in hub.landing.batches(*s)]  # fmt: skip
    done = consolidate(hub.store, hub.landing, hub.oms, NOW, batches=batches)
    assert [r.quarantined for r in done] == [0] * len(batches)
    for name, rows in before.items():
        assert table(hub.store, name).height == rows
    assert WRITTEN not in str(table(hub.store, "returns").to_dicts())
    assert WRITTEN not in str(table(hub.store, "return_receipts").to_dicts())


def test_free_text_of_channels_returns_and_refunds_goes_and_their_codes_stay():
    page = [{"order_id": "1", "description": WRITTEN, "reason_code": "R1", "return_lines": [
        {"returnReasonNote": WRITTEN, "customerNote": WRITTEN, "quantity": 1},
    ]}]  # fmt: skip
    person = Person(frozenset({"1"}), None, frozenset(), also=REASONS)
    body, count = redact_json(orjson.dumps(page), person)
    assert count == 1
    assert orjson.loads(body) == [{
        "order_id": "1", "description": None, "reason_code": "R1", "return_lines": [
            {"returnReasonNote": None, "customerNote": None, "quantity": 1},
        ],
    }]  # fmt: skip
    order = [{"id": 1, "description": "Mug", "refunds": [{"id": 9, "reason": WRITTEN}]}]
    plain = Person(frozenset({"1"}), None, frozenset())
    body, _ = redact_json(orjson.dumps(order), plain)
    assert orjson.loads(body) == [
        {"id": 1, "description": "Mug", "refunds": [{"id": 9, "reason": None}]}
    ]


def test_inputs_of_plans_forget_where_a_customer_lives_and_say_so(tmp_path: Path):
    made = many()
    lines = made.lines.with_columns(pl.lit("69007").alias("postal_code"))
    inputs = replace(made, lines=lines)
    gone = lines["order_id"][0]
    folder = save_inputs(tmp_path / plan(inputs).plan_id, inputs)
    assert not was_erased(folder)
    assert erase_saved(tmp_path, {gone}) == (1, [])
    found = load_inputs(folder).lines
    mine, others = pl.col("order_id") == gone, pl.col("order_id") != gone
    where = found.filter(mine).select("postal_code", "latitude", "longitude")
    assert where.null_count().row(0) == (where.height,) * 3
    assert found.filter(mine)["country"].equals(inputs.lines.filter(mine)["country"])
    assert found.filter(others).equals(inputs.lines.filter(others))
    assert was_erased(folder)
    assert erase_saved(tmp_path, {gone}) == (0, [])
    (folder / "lines.parquet").write_bytes(b"no parquet")
    assert erase_saved(tmp_path, {gone}) == (0, [f"plans/{folder.name}"])
