"""Stock files that tell movements: each counts once, and what waits is not replaced by another."""

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from consolidate_world import land
from store_frames import START

from oms_pipelines.config import Oms, parse
from oms_pipelines.consolidate import consolidate
from oms_pipelines.landing import Landing
from oms_pipelines.logistics import profiles
from oms_pipelines.logistics.deltas import parse_deltas
from oms_pipelines.logistics.kinds import DEFAULTS
from oms_pipelines.stock import ledger
from oms_pipelines.store import Store

NOW = START + timedelta(hours=8)
HEAD = "reference;sku;quantity;moved_at;reason"


def file(*rows: str) -> bytes:
    return "\r\n".join([HEAD, *rows, ""]).encode()


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("r1;A;0;;", "quantity is 0"),
        ("r1;Z;1;;", "sku is unknown"),
        (";A;1;;", "reference is empty"),
        ("r1;A;1;2026-01-02T05:00:00Z;", "lies in the future"),
    ],
)
def test_a_movement_that_cannot_be_is_kept_back_alone(row: str, told: str):
    done = parse_deltas(
        file(row, "r9;B;-2;;damaged"), DEFAULTS["stock_delta"], "lyon", NOW, "b", known={"A", "B"}
    )
    assert done.accepted.select("reference", "sku", "quantity").rows() == [("r9", "B", -2)]
    assert told in done.rejected["reason"][0]
    assert "line 2" in done.rejected["reason"][0]


def settings(catalog: Path) -> Oms:
    stock = {"profile": "stock_delta", "from": "in", "means": "delta"}
    place = {"id": "lyon", "address": {"country": "FR"}, "stock": stock}
    return parse({"locations": [place], "catalog": {"skus": str(catalog)}}, {})


def test_deltas_move_the_ledger_once_and_a_waiting_row_is_not_replaced(store: Store, tmp_path):
    oms = settings(tmp_path / "skus.csv")
    landing = Landing(f"file://{tmp_path}/landing")
    with store.session() as s:
        s.upsert("skus", pl.DataFrame({"sku": ["A", "B"]}).with_columns(
            title=pl.lit(None, pl.String), weight_g=pl.lit(None, pl.Int64),
            value=pl.lit(None, pl.Decimal(18, 4)), currency=pl.lit(None, pl.String),
            **{"class": pl.lit(None, pl.String)},
        ))  # fmt: skip
    first = file("r1;A;5;2026-01-01T05:00:00Z;", "r2;B;-3;2026-01-01T05:00:00Z;", "r3;Z;1;;")
    for minute, body in enumerate((first, first, file("r4;A;1;2026-01-01T06:00:00Z;"))):
        land(landing, body, source="lyon", stream="stock", now=NOW + timedelta(minutes=minute))
        consolidate(store, landing, oms, NOW + timedelta(minutes=minute))
        with store.session() as s:
            ledger.post(s, NOW + timedelta(minutes=minute))
    with store.session(read_only=True) as s:
        moves = s.table("stock_movements").sort("cause_id")
        waiting = s.table("quarantine")
    assert moves.select("cause", "cause_id", "to_account", "quantity").rows() == [
        ("adjustment", "lyon/r1", "lyon/sellable", 5),
        ("adjustment", "lyon/r2", "world/adjustment", 3),
        ("adjustment", "lyon/r4", "lyon/sellable", 1),
    ]
    assert set(waiting["state"]) <= {"waiting", "superseded"}
    assert "waiting" in set(waiting["state"]), "no later file tells what r3 moved"


def test_a_location_of_deltas_needs_a_profile_of_deltas():
    stock = {"profile": "stock", "from": "in", "means": "delta"}
    place = {"id": "lyon", "address": {"country": "FR"}, "stock": stock}
    [fault] = profiles.faults(parse({"locations": [place]}, {}))
    assert "stock_delta" in fault
