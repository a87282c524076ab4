"""Parcels told to channels: in whole sold units, and when an order is complete."""

from typing import Any

import pytest
from outbox_world import OMS, Ear, promised
from stock_world import World, at

from oms_pipelines.outbox import deliver
from oms_pipelines.store import Store


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def told(ear: Ear) -> list[tuple[str, int, bool]]:
    return [(p.shipment_id, p.lines[0].quantity, p.complete) for p in ear.parcels]


def test_the_last_parcel_alone_completes_an_order_and_packs_are_told_in_sold_units(world: World):
    world.order("shop/1", {"sock": 3}, line={"units_per": 2})
    world.parcel("1", "sock", 4, at(1), shipment_id="lyon/b")
    world.parcel("1", "sock", 2, at(2), shipment_id="lyon/a")
    promised(world, OMS, at(2))
    ear = Ear()
    deliver(world.store, OMS, {"shop": ear}, None, at(2))
    told = [(p.shipment_id, p.lines[0].quantity, p.complete) for p in ear.parcels]
    assert told == [("lyon/b", 2, False), ("lyon/a", 1, True)]


def test_an_order_with_units_still_to_come_is_not_complete_and_refunded_ones_are_not_due(
    world: World,
):
    world.order("shop/1", {"sock": 2, "glove": 1})
    world.parcel("1", "sock", 2, at(1))
    promised(world, OMS, at(1))
    ear = Ear(fail=1)
    deliver(world.store, OMS, {"shop": ear}, None, at(1))
    deliver(world.store, OMS, {"shop": ear}, None, at(2))
    assert [p.complete for p in ear.parcels] == [False]
    world.put("refund_lines", {
        "order_id": "shop/1", "refund_id": "r", "line_id": "glove", "quantity": 1,
        "restock": "cancel",
    })  # fmt: skip
    world.parcel("1", "sock", 0, at(3), shipment_id="lyon/2")
    promised(world, OMS, at(3))
    deliver(world.store, OMS, {"shop": ear}, None, at(3))
    assert [p.complete for p in ear.parcels] == [False, True]


def pack(world: World, ordered: int = 1) -> None:
    world.order("shop/1", {"sock": ordered}, line={"units_per": 6})


def part(world: World, name: str, units: int, hours: float, **more: Any) -> None:
    """Ship part of the pack at so many hours after noon."""
    by = {"carrier_id": "colis", "tracking_number": f"T{name}"}
    world.parcel("1", "sock", units, at(hours), shipment_id=f"lyon/{name}", **by | more)


def test_a_pack_in_two_parcels_is_told_by_the_one_that_makes_it_whole_with_the_number_of_both(
    world: World,
):
    pack(world)
    part(world, "a", 4, 1)
    part(world, "b", 2, 2)
    promised(world, OMS, at(2))
    ear = Ear()
    deliver(world.store, OMS, {"shop": ear}, None, at(2))
    assert told(ear) == [("lyon/a", 0, False), ("lyon/b", 1, True)]
    first, second = ear.parcels
    assert (first.tracking_number, first.whole_lines, first.parts) == ("Ta", (), ())
    assert second.parts == (("Ta", "https://track.example/Ta"),)


def test_parts_known_in_later_syncs_add_up_to_the_packs_ordered(world: World):
    pack(world, 3)
    ear, units = Ear(), (4, 5, 2, 7)
    for n, quantity in enumerate(units):
        part(world, str(n), quantity, n)
        promised(world, OMS, at(n))
        deliver(world.store, OMS, {"shop": ear}, None, at(n))
    assert [(q, done) for _, q, done in told(ear)] == [
        (0, False), (1, False), (0, False), (2, True),
    ]  # fmt: skip
    assert [[n for n, _ in p.parts] for p in ear.parcels] == [[], ["T0"], [], ["T2"]]


def test_a_parcel_that_left_first_and_is_known_last_makes_the_pack_whole(world: World):
    pack(world)
    ear = Ear()
    part(world, "b", 2, 2)
    promised(world, OMS, at(2))
    deliver(world.store, OMS, {"shop": ear}, None, at(2))
    part(world, "a", 4, 1, known=at(3))
    promised(world, OMS, at(3))
    deliver(world.store, OMS, {"shop": ear}, None, at(3))
    assert told(ear) == [("lyon/b", 0, False), ("lyon/a", 1, True)]


def test_a_parcel_told_late_after_failures_is_told_the_same_and_no_unit_twice(world: World):
    pack(world)
    part(world, "a", 4, 1)
    promised(world, OMS, at(1))
    ear = Ear(fail=1)
    deliver(world.store, OMS, {"shop": ear}, None, at(1))  # nobody hears of the first
    part(world, "b", 2, 1.01)
    promised(world, OMS, at(1.01))
    deliver(world.store, OMS, {"shop": ear}, None, at(1.01))
    deliver(world.store, OMS, {"shop": ear}, None, at(2))
    assert [(name, units) for name, units, _ in told(ear)] == [("lyon/b", 1), ("lyon/a", 0)]


def test_no_more_is_told_than_was_ordered_and_other_carriers_numbers_stay_apart(world: World):
    pack(world)
    part(world, "a", 5, 1, carrier_id="post")
    part(world, "b", 7, 2)
    promised(world, OMS, at(2))
    ear = Ear()
    deliver(world.store, OMS, {"shop": ear}, None, at(2))
    assert told(ear) == [("lyon/a", 0, False), ("lyon/b", 1, True)]
    assert ear.parcels[1].parts == ()
