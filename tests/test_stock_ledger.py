"""The ledger: legs sum to zero, balances equal the recompute, nothing is posted twice."""

from datetime import datetime, timedelta

import polars as pl
import pytest
from stock_world import NOON, World, at, balances

from oms_pipelines.consolidate.resolve import resolve
from oms_pipelines.stock import ledger
from oms_pipelines.store import Store

LYON, ALLOCATED = ("lyon/sellable", "sock"), ("lyon/allocated", "sock")


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def post(world: World, when: datetime) -> dict[tuple[str, str], int]:
    """Post, check every promise of the ledger, and return the balances."""
    with world.store.session() as s:
        ledger.post(s, when)
        after = balances(s)
        again = ledger.post(s, when + timedelta(minutes=5))
        assert (again.movements, again.corrections) == (0, 0)
        assert ledger.differences(s).is_empty()
        assert after == balances(s)
        movements = s.table("stock_movements")
    assert movements["movement_id"].is_unique().all()
    assert (movements["quantity"] > 0).all()
    per_sku: dict[str, int] = {}
    for (_, sku), quantity in after.items():
        per_sku[sku] = per_sku.get(sku, 0) + quantity
    assert set(per_sku.values()) <= {0}
    return after


def test_an_empty_store_posts_nothing(world: World):
    assert post(world, NOON) == {}


def test_a_hundred_on_hand_less_five_orders_of_five_leaves_seventy_five(world: World):
    world.count("lyon", "sock", 100, at(-1))
    for number in range(5):
        world.give(f"f{number}", "sock", 5)
    found = post(world, NOON)
    assert found[LYON] == 75
    assert found[ALLOCATED] == 25


def test_order_ten_ship_three_cancel_the_rest_and_get_five_back_on_the_shelf(world: World):
    world.count("lyon", "sock", 100, at(-1))
    world.give("f1", "sock", 10)
    assert post(world, NOON)[LYON] == 90
    world.parcel("f1", "sock", 3, at(1))
    world.give("f1", "sock", 10, shipped=3, state="accepted")
    found = post(world, at(1.5))
    assert (found[LYON], found[ALLOCATED]) == (90, 7)
    world.give("f1", "sock", 10, shipped=3, state="canceled", closed_at=at(2))
    found = post(world, at(2))
    assert found[LYON] == 97
    assert ALLOCATED not in found
    world.receipt("sock", 5, "restock", at(30))
    assert post(world, at(30))[LYON] == 102


def test_ten_ordered_seven_shipped_last_three_of_them_late_rest_canceled_five_back_is_98(
    world: World,
):
    """Seven are invoiced and leave: four, then three; three are canceled, five restocked."""
    world.count("lyon", "sock", 100, at(-1))
    world.give("f1", "sock", 10)
    assert post(world, NOON)[LYON] == 90
    world.parcel("f1", "sock", 4, at(1), shipment_id="lyon/1")
    world.parcel("f1", "sock", 3, at(2), shipment_id="lyon/2")
    world.give("f1", "sock", 10, shipped=7, refused=3, state="canceled", closed_at=at(3))
    found = post(world, at(3))
    assert found[LYON] == 93
    assert ALLOCATED not in found
    world.receipt("sock", 5, "restock", at(30))
    assert post(world, at(30))[LYON] == 98


def test_two_lines_of_one_sku_are_reserved_shipped_and_canceled_each_for_itself(world: World):
    world.count("lyon", "sock", 10, at(-1))
    world.give("f1", "sock", 3)
    second = {"fo_id": "f1", "line_id": "second", "sku": "sock", "quantity": 2}
    world.put("fulfillment_lines", {**second, "shipped_quantity": 0, "refused_quantity": 0})
    found = post(world, NOON)
    assert (found[LYON], found[ALLOCATED]) == (5, 5)
    world.parcel("f1", "sock", 3, at(1))
    world.give("f1", "sock", 3, shipped=3, state="partially_shipped", closed_at=at(1))
    world.put("fulfillment_lines", {**second, "shipped_quantity": 0, "refused_quantity": 2})
    found = post(world, at(1))
    assert (found[LYON], found["world/in_transit", "sock"], found["world/short", "sock"]) == (
        5, 3, 2,
    )  # fmt: skip
    assert ALLOCATED not in found


def test_a_count_contains_what_left_before_it_and_not_what_left_after(world: World):
    world.count("lyon", "sock", 100, at(-10))
    world.give("f1", "sock", 5, at(-8))
    world.parcel("f1", "sock", 5, at(-6), known=at(-6))
    world.give("f1", "sock", 5, at(-8), shipped=5, state="shipped", closed_at=at(-6))
    assert post(world, at(-6))[LYON] == 95
    world.count("lyon", "sock", 95, at(-5))
    assert post(world, at(-5))[LYON] == 95


def test_a_late_confirmation_dated_before_a_count_is_not_deducted_twice(world: World):
    world.count("lyon", "sock", 100, at(-10))
    world.give("f1", "sock", 5, at(-8))
    found = post(world, at(-8))
    assert (found[LYON], found[ALLOCATED]) == (95, 5)
    # the parcel has left at -6, the shelf is counted at -4, the confirmation comes at 0
    world.count("lyon", "sock", 95, at(-4))
    found = post(world, at(-4))
    assert (found[LYON], found[ALLOCATED]) == (90, 5)
    world.parcel("f1", "sock", 5, at(-6), known=NOON)
    world.give("f1", "sock", 5, at(-8), shipped=5, state="shipped", closed_at=NOON)
    found = post(world, NOON)
    assert found[LYON] == 95
    assert ALLOCATED not in found


def test_what_left_after_the_count_is_deducted(world: World):
    world.count("lyon", "sock", 100, at(-10))
    world.give("f1", "sock", 5, at(-8))
    world.count("lyon", "sock", 100, at(-4))
    post(world, at(-4))
    world.parcel("f1", "sock", 5, at(-3), known=NOON)
    world.give("f1", "sock", 5, at(-8), shipped=5, state="shipped", closed_at=NOON)
    assert post(world, NOON)[LYON] == 95


def test_an_older_count_that_comes_late_moves_nothing(world: World):
    world.count("lyon", "sock", 40, at(-1))
    assert post(world, NOON)[LYON] == 40
    world.count("lyon", "sock", 90, at(-5), read=at(1))
    assert post(world, at(1))[LYON] == 40


def test_a_corrected_count_is_followed_and_both_corrections_stand(world: World):
    world.count("lyon", "sock", 40, at(-1))
    post(world, NOON)
    world.count("lyon", "sock", 30, at(-1), read=at(1))
    assert post(world, at(1))[LYON] == 30
    world.count("lyon", "sock", 35, at(-1), read=at(2))
    assert post(world, at(2))[LYON] == 35
    with world.store.session() as s:
        assert s.table("stock_movements").height == 3


def test_a_count_of_what_is_available_lacks_what_the_location_holds_for_orders(world: World):
    available = {"means": "available"}
    world.count("lyon", "sock", 100, at(-10), **available)
    world.give("f1", "sock", 7, at(-8), state="dispatched", dispatched_at=at(-7))
    world.give("f2", "sock", 4, at(-3))  # not sent yet: the location does not know it
    world.count("lyon", "sock", 93, at(-2), **available)
    found = post(world, at(-1))
    assert (found[LYON], found[ALLOCATED]) == (89, 11)


def test_an_available_count_after_a_parcel_left_is_right_before_and_after_its_confirmation(
    world: World,
):
    world.count("lyon", "sock", 100, at(-10), means="available")
    world.give("f1", "sock", 7, at(-8), state="dispatched", dispatched_at=at(-7))
    post(world, at(-7))
    world.count("lyon", "sock", 93, at(-2), means="available")
    found = post(world, at(-1))
    assert (found[LYON], found[ALLOCATED]) == (93, 7)
    world.parcel("f1", "sock", 4, at(-3), known=NOON)
    # three were not found when the parcel was packed, before the count
    world.give(
        "f1", "sock", 7, at(-8), shipped=4, refused=3, state="partially_shipped",
        dispatched_at=at(-7), closed_at=NOON,
    )  # fmt: skip
    found = post(world, NOON)
    assert found[LYON] == 93
    assert ALLOCATED not in found


def test_units_not_found_leave_the_shelf_as_short(world: World):
    world.count("lyon", "sock", 10, at(-10))
    world.give("f1", "sock", 6, at(-5))
    post(world, at(-5))
    world.parcel("f1", "sock", 4, at(-1), known=NOON)
    world.give(
        "f1", "sock", 6, at(-5), shipped=4, refused=2, state="partially_shipped", closed_at=NOON
    )
    found = post(world, NOON)
    assert (found[LYON], found["world/short", "sock"]) == (4, 2)
    assert ALLOCATED not in found


def test_a_refusal_as_a_whole_is_short_and_a_cancellation_goes_back(world: World):
    world.count("lyon", "sock", 10, at(-10))
    world.give("f1", "sock", 3, at(-5), refused=3, state="refused", closed_at=at(-1))
    world.give("f2", "sock", 3, at(-5), state="canceled", closed_at=at(-1))
    found = post(world, NOON)
    assert (found[LYON], found["world/short", "sock"]) == (7, 3)


def test_what_is_shipped_after_its_cancellation_left_all_the_same(world: World):
    world.count("lyon", "sock", 10, at(-10))
    world.give("f1", "sock", 3, at(-5), state="canceled", closed_at=at(-2))
    assert post(world, at(-2))[LYON] == 10
    world.parcel("f1", "sock", 3, at(-1), known=NOON)
    world.give("f1", "sock", 3, at(-5), shipped=3, state="shipped", closed_at=NOON)
    found = post(world, NOON)
    assert (found[LYON], found["world/in_transit", "sock"]) == (7, 3)
    assert ALLOCATED not in found


def test_more_shipped_than_asked_comes_off_the_shelf(world: World):
    world.count("lyon", "sock", 10, at(-10))
    world.give("f1", "sock", 3, at(-5), shipped=5, state="shipped", closed_at=NOON)
    world.parcel("f1", "sock", 5, at(-1), known=NOON)
    world.parcel("f1", "glove", 1, at(-1), known=NOON, shipment_id="lyon/other")
    found = post(world, NOON)
    assert found[LYON] == 5
    assert ALLOCATED not in found
    assert found["lyon/sellable", "glove"] == -1  # nobody asked for it, it left all the same


def test_a_parcel_goes_from_transit_to_the_customer_however_late_the_carrier_tells(world: World):
    world.count("lyon", "sock", 10, at(-200))
    world.give("f1", "sock", 3, at(-190), shipped=3, state="shipped", closed_at=at(-180))
    world.parcel("f1", "sock", 3, at(-181), known=at(-180), tracking_number="T1")
    assert post(world, at(-180))["world/in_transit", "sock"] == 3
    world.count("lyon", "sock", 7, at(-100))
    world.count("lyon", "glove", 7, at(-1))
    post(world, at(-1))
    world.put("tracking_events", {
        "event_id": "e1", "carrier_id": "c", "tracking_number": "T1", "status": "Delivered",
        "occurred_at": at(-150), "known_at": NOON, "batch_id": "b",
    })  # fmt: skip
    world.parcel(
        "f1", "sock", 3, at(-181), known=at(-180), tracking_number="T1", status="Delivered",
        status_at=at(-150),
    )  # fmt: skip
    found = post(world, NOON)
    assert found["world/customer", "sock"] == 3
    assert ("world/in_transit", "sock") not in found


@pytest.mark.parametrize(
    ("disposition", "account"),
    [
        ("restock", "lyon/sellable"),
        ("repair", "lyon/repair"),
        ("damaged", "lyon/damaged"),
        ("scrap", "world/scrap"),
        ("quarantine", "lyon/quarantine"),
    ],
)
def test_a_return_goes_where_its_disposition_says(world: World, disposition: str, account: str):
    world.receipt("sock", 2, disposition, NOON)
    assert post(world, NOON)[account, "sock"] == 2


def test_a_corrected_receipt_takes_back_what_the_first_one_said(world: World):
    world.receipt("sock", 2, "restock", NOON)
    post(world, NOON)
    world.receipt("glove", 3, "scrap", NOON, fetched_at=at(1), receipt_id="lyon/r1")
    found = post(world, at(1))
    assert found == {("world/scrap", "glove"): 3, ("world/customer", "glove"): -3}


def till(world: World, lines: dict[str, int], when: datetime, **more) -> None:
    where = {"location_id": "lyon", "requires_shipping": False}
    world.order(
        "till/1", lines, when, delivery_mode="none", order_status="closed", line=where, **more
    )


def test_a_sale_over_the_counter_leaves_the_store_and_follows_its_corrections(world: World):
    world.count("lyon", "sock", 10, at(-10))
    till(world, {"sock": 2, "glove": 1}, at(-5))
    found = post(world, at(-5))
    assert (found[LYON], found["world/sold", "sock"], found["world/sold", "glove"]) == (8, 2, 1)
    till(world, {"sock": 3}, at(-5), fetched_at=at(-4))
    found = post(world, at(-4))
    assert found[LYON] == 7
    assert ("world/sold", "glove") not in found
    world.order(
        "till/1", {"sock": 3}, at(-5), delivery_mode="none", order_status="canceled",
        line={"location_id": "lyon"}, fetched_at=at(-3),
    )  # fmt: skip
    assert post(world, at(-3))[LYON] == 10


def test_a_sale_whose_sku_is_found_days_later_leaves_the_store_then(world: World):
    world.count("lyon", "sock", 10, at(-100))
    till(world, {"NAME": 2}, at(-90))
    with world.store.session() as s:
        s.upsert("order_lines", s.table("order_lines").with_columns(sku=pl.lit(None, pl.String)))
    assert post(world, at(-90))[LYON] == 10
    world.count("lyon", "glove", 5, at(-1))
    assert post(world, at(-1))[LYON] == 10  # the ledger has learned of other things since
    world.put("sku_map", {
        "channel_id": "till", "channel_sku": "NAME", "sku": "sock", "units_per": 2,
    })  # fmt: skip
    with world.store.session() as s:
        assert resolve(s, NOON) == 1
    found = post(world, NOON)
    assert (found[LYON], found["world/sold", "sock"]) == (6, 4)
    world.put("sku_map", {
        "channel_id": "till", "channel_sku": "NAME", "sku": "glove", "units_per": 1,
    })  # fmt: skip
    with world.store.session() as s:
        resolve(s, at(48))
    found = post(world, at(48))
    assert (found[LYON], found["world/sold", "glove"]) == (10, 2)
    assert ("world/sold", "sock") not in found


def test_facts_that_a_long_run_stored_under_its_own_clock_are_not_passed_over(world: World):
    world.count("lyon", "sock", 10, at(-30))
    post(world, at(-30))
    world.count("lyon", "glove", 5, at(-1))
    post(world, NOON)
    # a backfill that began 20 hours ago merges only now, stamped with when it began
    world.count("lyon", "sock", 9, at(-21), read=at(-20))
    world.give("f1", "sock", 1, at(-20))
    assert post(world, at(1))[LYON] == 8


def test_posting_a_history_in_steps_ends_as_posting_it_at_once(store: Store, tmp_path):
    from oms_pipelines.store.duckdb import DuckdbStore

    other = DuckdbStore(tmp_path / "other.duckdb")
    other.migrate()
    stepwise, at_once = World(store), World(other)
    for world in (stepwise, at_once):
        steps = [
            lambda w=world: w.count("lyon", "sock", 50, at(-40)),
            lambda w=world: w.give("f1", "sock", 5, at(-30)),
            lambda w=world: w.count("lyon", "sock", 44, at(-20)),
            lambda w=world: w.parcel("f1", "sock", 5, at(-25), known=at(-10)),
            lambda w=world: w.give(
                "f1", "sock", 5, at(-30), shipped=5, state="shipped", closed_at=at(-10)
            ),
            lambda w=world: w.receipt("sock", 1, "restock", at(-5)),
        ]
        for hours, step in zip((-40, -30, -20, -10, -10, -5), steps, strict=True):
            step()
            if world is stepwise:
                post(world, at(hours))
    assert post(stepwise, NOON) == post(at_once, NOON)


def test_what_a_plan_allocates_is_reserved_at_once_and_posted_no_second_time(world: World):
    world.count("lyon", "sock", 10, at(-1))
    post(world, at(-1))
    world.give("f1", "sock", 4)
    world.give("f2", "sock", 1)
    with world.store.session() as s:
        orders, lines = s.table("fulfillment_orders"), s.table("fulfillment_lines")
        assert ledger.reserve(s, orders, lines, NOON) == 2
        assert ledger.reserve(s, orders, lines, NOON) == 0
        assert balances(s)[LYON] == 5
    found = post(world, NOON)
    assert (found[LYON], found[ALLOCATED]) == (5, 5)


def announce(world: World, quantity: int, when: datetime, **more) -> None:
    """Announce the return `hub/r1` of socks."""
    row = {
        "return_id": "hub/r1", "source": "hub", "initiator": "customer", "status": "announced",
        "announced_at": when, **world.batch(when), **more,
    }  # fmt: skip
    world.put("returns", row)
    world.put("return_lines", {
        "return_id": "hub/r1", "line_id": "1", "sku": "sock", "quantity": quantity,
    })  # fmt: skip


def test_what_is_announced_is_on_its_way_back_until_it_is_received(world: World):
    announce(world, 3, NOON)
    assert post(world, NOON)["world/returning", "sock"] == 3
    world.receipt("sock", 2, "restock", at(1), return_id="hub/r1")
    found = post(world, at(1))
    assert (found["world/returning", "sock"], found[LYON]) == (1, 2)
    assert found["world/customer", "sock"] == -3


@pytest.mark.parametrize("status", ["refused", "canceled", "closed"])
def test_a_return_that_ends_is_not_on_its_way(world: World, status: str):
    announce(world, 3, NOON)
    post(world, NOON)
    announce(world, 3, NOON, status=status, fetched_at=at(1))
    assert post(world, at(1)) == {}
