"""Counts against movements: explained first, called drift then, with cause, proof and age."""

from datetime import datetime
from typing import Any

import polars as pl
import pytest
from stock_world import NOON, World, at, balances

from oms_pipelines.stock import drift, ledger
from oms_pipelines.store import Store


@pytest.fixture
def world(store: Store) -> World:
    world = World(store)
    world.count("lyon", "sock", 100, at(-100))
    post(world, at(-99))
    return world


def post(world: World, when: datetime) -> dict[datetime, dict[str, Any]]:
    """Post twice, the second time for nothing; return drift by when it was counted."""
    with world.store.session() as s:
        ledger.post(s, when)
        found = s.table("stock_drift")
        ledger.post(s, when)
        assert s.table("stock_drift").equals(found)
    rows = found.filter((pl.col("sku") == "sock") & (pl.col("cause") != "opening"))
    return {row["counted_at"]: row for row in rows.to_dicts()}


def told(row: dict[str, Any]) -> tuple:
    return tuple(row[c] for c in ("difference", "explained", "drift", "cause", "state"))


def sent(world: World, fo_id: str, units: int, when: datetime, **more: Any) -> None:
    world.give(fo_id, "sock", units, when, **{"state": "dispatched", "dispatched_at": when, **more})


def shipped(
    world: World, fo_id: str, units: int, sent_at: datetime, left: datetime, known: datetime
):
    world.parcel(fo_id, "sock", units, left, known=known, shipment_id=f"lyon/{fo_id}")
    sent(world, fo_id, units, sent_at, shipped=units, state="shipped", closed_at=known)


def test_a_first_count_and_a_count_that_agrees_are_no_drift(world: World):
    world.count("lyon", "sock", 100, at(-50))
    assert post(world, at(-49)) == {}
    with world.store.session() as s:
        assert s.table("stock_drift")["cause"].to_list() == ["opening"]


def test_what_left_untold_is_in_flight_then_lost_then_closed_by_its_late_confirmation(world: World):
    sent(world, "f1", 5, at(-60))
    world.count("lyon", "sock", 95, at(-50))
    found = post(world, at(-49))[at(-50)]
    assert told(found) == (-5, -5, 0, "in_flight", "in_flight")
    assert (found["evidence"], found["events_at"], found["expected"]) == ("f1", at(-60), 100)
    found = post(world, at(-60) + drift.CONFIRMED_WITHIN)[at(-50)]
    assert told(found) == (-5, 0, -5, "lost_confirmation", "drift")
    shipped(world, "f1", 5, at(-60), at(-55), NOON)
    found = post(world, NOON)[at(-50)]
    assert told(found) == (-5, 0, 0, "lost_confirmation", "closed")
    assert (found["found_at"], found["closed_at"]) == (at(-49), NOON)
    assert found["evidence"] == "f1/sock/sock"


def test_an_order_that_left_after_the_count_explains_nothing_of_it(world: World):
    sent(world, "f1", 5, at(-60))
    world.count("lyon", "sock", 97, at(-50))
    assert told(post(world, at(-49))[at(-50)]) == (-3, -3, 0, "in_flight", "in_flight")
    shipped(world, "f1", 5, at(-60), at(-48), at(-47))
    assert told(post(world, at(-47))[at(-50)]) == (-3, 0, -3, "loss", "drift")


def test_a_late_confirmation_takes_back_the_correction_of_the_count_that_found_it(world: World):
    sent(world, "f1", 5, at(-60))
    for hours in (-50, -40, -30):
        world.count("lyon", "sock", 95, at(hours))
        post(world, at(hours + 1))
    shipped(world, "f1", 5, at(-60), at(-55), at(-29))
    found = post(world, at(-29))
    assert list(found) == [at(-50)]
    with world.store.session() as s:
        moves = s.table("stock_movements").filter(pl.col("cause") == "count")
        assert set(moves.filter(pl.col("known_at") == at(-29))["valid_at"]) == {at(-50)}
        assert balances(s)["lyon/sellable", "sock"] == 95


def test_a_location_is_measured_by_its_own_confirmations(world: World):
    for n in range(drift.ENOUGH):
        sent(world, f"o{n}", 1, at(-98))
        shipped(world, f"o{n}", 1, at(-98), at(-97), at(-96))
    sent(world, "f1", 5, at(-60))
    world.count("lyon", "sock", 45, at(-50))
    # two hours as a rule, three at most: ten are too many, long before the fallback of two days
    assert told(post(world, at(-49))[at(-50)]) == (-5, 0, -5, "lost_confirmation", "drift")


def test_a_receipt_told_twice_is_found_by_the_count_that_lacks_it(world: World):
    for name in ("r1", "r2"):
        world.receipt("sock", 2, "restock", at(-60), receipt_id=f"lyon/{name}", order_id="shop/1")
    world.count("lyon", "sock", 102, at(-50))
    found = post(world, at(-49))[at(-50)]
    assert told(found) == (-2, 0, -2, "doubled_receipt", "drift")
    assert found["evidence"] == "lyon/r1/1, lyon/r2/1"
    world.count("lyon", "sock", 100, at(-40))
    assert post(world, at(-39))[at(-40)]["cause"] == "loss", "the papers explain one count alone"


def test_a_confirmation_told_twice_is_found_by_the_count_that_has_the_units(world: World):
    sent(world, "f1", 3, at(-60), shipped=6, state="shipped", closed_at=at(-58))
    for name in ("p1", "p2"):
        world.parcel("f1", "sock", 3, at(-59), known=at(-58), shipment_id=f"lyon/{name}")
    world.count("lyon", "sock", 97, at(-50))
    found = post(world, at(-49))[at(-50)]
    assert told(found) == (3, 0, 3, "doubled_confirmation", "drift")
    assert found["evidence"] == "lyon/p1, lyon/p2"


def test_a_list_older_than_its_date_is_a_late_count_and_the_next_one_takes_it_back(world: World):
    sent(world, "f1", 5, at(-60))
    shipped(world, "f1", 5, at(-60), at(-55), at(-54))
    world.count("lyon", "sock", 100, at(-50))
    assert told(post(world, at(-49))[at(-50)]) == (5, 0, 5, "late_count", "drift")
    world.count("lyon", "sock", 95, at(-40))
    found = post(world, at(-39))
    assert told(found[at(-50)]) == (5, 5, 0, "late_count", "closed")
    assert told(found[at(-40)]) == (-5, -5, 0, "recount", "closed")


def test_a_count_read_after_what_moved_since_is_held_against_its_own_date(world: World):
    sent(world, "f1", 5, at(-60))
    shipped(world, "f1", 5, at(-60), at(-45), at(-44))
    post(world, at(-44))
    world.count("lyon", "sock", 100, at(-50), read=at(-40))
    found = post(world, at(-40))[at(-50)]
    assert told(found) == (5, 5, 0, "late_count", "explained")
    with world.store.session() as s:
        assert balances(s)["lyon/sellable", "sock"] == 95


def test_a_count_read_out_of_order_is_taken_back_by_the_newer_one(world: World):
    world.count("lyon", "sock", 100, at(-40))
    post(world, at(-40))
    world.count("lyon", "sock", 70, at(-50), read=at(-30))
    found = post(world, at(-30))
    assert {row["cause"] for row in found.values()} == {"late_count"}
    assert {row["state"] for row in found.values()} == {"closed"}
    with world.store.session() as s:
        assert balances(s)["lyon/sellable", "sock"] == 100


def test_a_file_of_counts_told_twice_under_a_new_date_is_named(world: World):
    world.count("lyon", "glove", 7, at(-100))
    for hours in (-80, -50):
        batch = world.batch(at(hours))
        for sku, quantity in (("sock", 100), ("glove", 7)):
            world.count("lyon", sku, quantity, at(hours), **batch)
        if hours == -80:
            post(world, at(-79))
            sent(world, "f1", 5, at(-78))
            shipped(world, "f1", 5, at(-78), at(-77), at(-76))
    found = post(world, at(-49))[at(-50)]
    assert told(found) == (5, 0, 5, "doubled_count", "drift")


def test_units_that_nothing_explains_are_lost_or_found_and_a_recount_settles_them(world: World):
    world.count("lyon", "sock", 96, at(-50))
    assert told(post(world, at(-49))[at(-50)]) == (-4, 0, -4, "loss", "drift")
    world.count("lyon", "sock", 100, at(-40))
    found = post(world, at(-39))
    assert told(found[at(-50)]) == (-4, -4, 0, "recount", "closed")
    assert told(found[at(-40)]) == (4, 4, 0, "recount", "closed")
    world.count("lyon", "sock", 103, at(-30))
    assert told(post(world, at(-29))[at(-30)]) == (3, 0, 3, "found", "drift")


def test_what_nothing_explained_for_half_a_year_is_settled(world: World):
    world.count("lyon", "sock", 96, at(-50))
    post(world, at(-49))
    late = at(-50) + drift.GIVEN_UP
    assert told(post(world, late)[at(-50)])[3:] == ("loss", "closed")


def contradictions(world: World, when: datetime) -> dict[str, tuple]:
    post(world, when)
    with world.store.session() as s:
        rows = s.table("stock_contradictions").to_dicts()
    return {row["kind"]: (row["sku"], row["subject"], row["units"], row["state"]) for row in rows}


def test_facts_that_contradict_are_taken_and_told_until_the_shelf_is_counted(world: World):
    sent(world, "f1", 3, at(-60), shipped=5, state="shipped", closed_at=at(-58))
    world.parcel("f1", "sock", 5, at(-59), known=at(-58))
    world.parcel("f1", "glove", 1, at(-59), known=at(-58), shipment_id="lyon/other")
    sent(world, "f2", 4, at(-60), refused=4, state="refused", closed_at=at(-58))
    found = contradictions(world, at(-58))
    assert found == {
        "shipped_more": ("sock", "f1/sock", 2, "open"),
        "shipped_unasked": ("glove", "f1/glove", 1, "open"),
        "short_pick_in_stock": ("sock", "f2/sock", 4, "open"),
    }
    world.count("lyon", "sock", 91, at(-50))
    found = contradictions(world, at(-49))
    assert (found["shipped_more"][-1], found["shipped_unasked"][-1]) == ("closed", "open")


def test_a_count_below_what_is_allocated_is_told_until_the_shelf_holds_it(world: World):
    sent(world, "f1", 60, at(-60))
    world.count("lyon", "sock", 40, at(-50), means="on_hand")
    assert contradictions(world, at(-49)) == {
        "counted_below_allocated": ("sock", "shelf", 20, "open")
    }
    world.count("lyon", "sock", 80, at(-40))
    assert contradictions(world, at(-39))["counted_below_allocated"][-1] == "closed"


def test_goods_back_beyond_what_left_are_told(world: World):
    world.order("shop/f1", {"sock": 2}, at(-70))
    sent(world, "f1", 2, at(-60))
    shipped(world, "f1", 2, at(-60), at(-59), at(-58))
    world.receipt("sock", 3, "restock", at(-50), order_id="shop/f1")
    assert contradictions(world, at(-49)) == {"received_more": ("sock", "lyon/r1/1", 1, "open")}


def test_open_drift_is_added_up_by_cause(world: World):
    world.count("lyon", "sock", 96, at(-50))
    post(world, at(-49))
    with world.store.session() as s:
        [row] = drift.open_by_cause(s).to_dicts()
    assert row == {
        "state": "drift", "cause": "loss", "counts": 1, "units": 4, "oldest": at(-49),
    }  # fmt: skip


def test_a_shelf_whose_first_count_comes_late_has_one_case_of_it(world: World):
    world.receipt("hat", 2, "restock", at(-3))
    world.count("lyon", "hat", 5, at(-24), read=at(-1))
    post(world, NOON)
    with world.store.session() as s:
        found = s.table("stock_drift").filter(pl.col("sku") == "hat")
        assert found.select("counted_at", "cause").rows() == [(at(-24), "opening")]
        assert balances(s)["lyon/sellable", "hat"] == 7
