"""What a back-test reads of the store, its intervals, its rules' files, and its page."""

import shutil
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from stock_world import World, at, network

from oms_pipelines import config
from oms_pipelines.errors import Malformed, Misconfigured
from oms_pipelines.routing import saved_inputs
from oms_pipelines.routing.backtest import backtest
from oms_pipelines.routing.history import read_history
from oms_pipelines.routing.intervals import summary
from oms_pipelines.routing.rule_sets import read_rules
from oms_pipelines.sandbox import SECRETS
from oms_pipelines.stages.backtest import try_rules, write_backtest_page
from oms_pipelines.stock import ledger
from oms_pipelines.store import Store, open_store

NEAR = "routing: {rules: [{id: near, rank: distance, split: {parts: 3}}], costs: {per_km: 0.1}}"


def test_what_was_given_came_back_and_moved_is_read_from_the_store(store: Store, tmp_path: Path):
    world = World(store, "lyon")
    world.count("lyon", "sock", 10, at(-2))
    with store.session() as s:
        ledger.post(s, at(-1))
    gave = {"order_id": "shop/1", "plan_id": "p", "ship_by": at(5)}
    world.give("1", "sock", 3, at(1), state="partially_shipped", shipped=1, refused=2,
               closed_at=at(2), **gave)  # fmt: skip
    world.parcel("1", "sock", 1, at(2))
    world.give("2", "sock", 4, at(1), state="canceled", closed_at=at(2), **gave)
    world.receipt("sock", 5, "restock", at(2))
    with store.session() as s:
        ledger.post(s, at(3))
    ticks = [tmp_path / f"{x:%Y%m%dT%H%M%SZ}-x" for x in (at(0), at(4))]
    with store.session(read_only=True) as s:
        found = read_history(s, ticks)
    assert found.given.select("plan_id", "location_id", "ship_by", "quantity").rows() == [
        ("p", "lyon", at(5), 3), ("p", "lyon", at(5), 4),
    ]  # fmt: skip
    assert found.back.rows() == [(at(3), "shop/1", "sock", "sock", "lyon", 6)]
    # four released, five restocked; the count is of before, and allocations are decisions
    assert found.moves.rows() == [(at(3), "lyon", "sock", 9)]


def test_the_live_rules_make_the_plans_of_a_real_store_again(traded: Path, tmp_path: Path):
    shutil.copytree(traded / "plans", tmp_path / "plans")
    shutil.copy(traded / "oms.duckdb", tmp_path / "oms.duckdb")
    oms = config.load(traded / "oms.yaml", SECRETS)
    (tmp_path / "near.yaml").write_text(NEAR)
    ticks = saved_inputs(tmp_path / "plans")
    with open_store(f"duckdb:///{tmp_path}/oms.duckdb").session(read_only=True) as session:
        history = read_history(session, ticks)
    assert history.hashes.keys() == {x.name for x in ticks}
    tested = try_rules(history, [read_rules(tmp_path / "near.yaml", oms)])
    assert len(ticks) > 2
    assert set(tested.outcome.plans["again"]) == {"same"}
    km = tested.measures.filter(pl.col("measure") == "km per parcel")
    live, near = km["value"]
    assert near < live
    assert km["more"][1] == pytest.approx(near - live)
    page = tmp_path / "pages" / "backtest.html"
    write_backtest_page(tested, page, "Costs are the live ones.")
    told = page.read_text()
    assert told.count("<svg") >= 6
    assert "near" in told
    assert "http://" not in told.replace("http://www.w3.org", "")


def days(**parcels: list[int]) -> pl.DataFrame:
    """Return days of ten orders each, as a back-test tells them."""
    zero = dict.fromkeys(("km", "with_km", "kept", "new", "new_waiting", "waiting"), 0)
    return pl.DataFrame([
        {"settings": name, "day": date(2026, 3, 1 + i), "orders": 10, "parcels": n,
         "cost": 50.0 + n, "promised": 10, "late": 10 * (name == "b"), **zero}
        for name, found in parcels.items() for i, n in enumerate(found)
    ])  # fmt: skip


def test_intervals_are_of_days_drawn_alike_for_both():
    found = summary(days(live=[10, 14, 18, 12], b=[12, 16, 20, 14]))
    by = {(r["measure"], r["settings"]): r for r in found.iter_rows(named=True)}
    live, b = (by["parcels per order", x] for x in ("live", "b"))
    assert (live["value"], b["value"]) == (1.35, 1.55)
    assert live["low"] < 1.35 < live["high"]
    # two parcels more on each day: that is sure, however the days differ
    assert [b["more"], b["more_low"], b["more_high"]] == pytest.approx([0.2, 0.2, 0.2])
    assert by["km per parcel", "b"]["value"] is None
    # what waits past its promise at the end broke it: ten units of the last day
    assert by["promise kept, %", "b"]["value"] == 0.0
    assert found.equals(summary(days(live=[10, 14, 18, 12], b=[12, 16, 20, 14])))
    assert summary(days(live=[10]))["low"].null_count() == 7


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("rules: []", "r.yaml: routing: is missing"),
        ("routing: {}\nstock: {}", "r.yaml: stock: write `routing` alone"),
        ("routing: {rulez: []}", "r.yaml: routing.rulez: there is no such setting"),
        ("routing: {costs: {parcel: -1}}", "r.yaml: routing.costs.parcel: "),
        ("routing: {rules: [{id: a, when: 'color = 1'}]}", "r.yaml: routing.rules[0].when: no col"),
        ("routing: {rules: [{id: a}, {id: a}]}", "r.yaml: routing.rules[1].id: is the same"),
        ("routing: {postal_codes: no.csv}", "r.yaml: routing.postal_codes: no.csv cannot be read"),
        ("routing: {shadow: s.yaml}", "r.yaml: routing.shadow: belongs in oms.yaml"),
    ],
)
def test_rules_that_cannot_be_used_are_refused_with_file_and_path(tmp_path, text: str, says: str):
    file = tmp_path / "r.yaml"
    file.write_text(text)
    with pytest.raises(Misconfigured) as refused:
        read_rules(file, network([]))
    assert says in str(refused.value)


def test_the_name_of_the_live_rules_is_taken(tmp_path):
    (tmp_path / "live.yaml").write_text(NEAR)
    with pytest.raises(Misconfigured, match="give it another"):
        read_rules(tmp_path / "live.yaml", network([]))


def test_inputs_of_a_plan_that_was_never_stored_are_left_out(tmp_path, duckdb_store: Store):
    """A run that was killed leaves them; a store that knows no plan at all is another one."""
    names = [f"{at(hour):%Y%m%dT%H%M%SZ}-{hour:08d}" for hour in (0, 1)]
    folders = [tmp_path / name for name in names]
    with duckdb_store.session() as s:
        assert read_history(s, folders).ticks == folders
        row = dict.fromkeys(s.table("plans").columns)
        row |= {"plan_id": names[1], "plan_hash": "h", "planned_at": at(1), "lines": 1}
        row |= {"inputs_hash": "i", "rules_version": "r", "allocated_lines": 1}
        row |= {"unfilled_lines": 0}
        s.insert_new("plans", pl.DataFrame([row], dict(s.table("plans").schema)))
        history = read_history(s, folders)
    assert [x.name for x in history.ticks] == names[1:]
    assert list(history.strays) == names[:1]


def test_a_past_without_inputs_is_refused(tmp_path, duckdb_store: Store):
    folder = tmp_path / "20260302T120000Z-00000000"
    folder.mkdir()
    with duckdb_store.session(read_only=True) as s:
        history = read_history(s, [folder])
    with pytest.raises(Malformed, match="no inputs"):
        backtest(history, [])
