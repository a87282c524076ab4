"""Kits from the order to the return, on both stores: reserved, shipped and counted by component."""

from datetime import timedelta
from decimal import Decimal

import polars as pl
import pytest
from kits_world import allocate, declare, tell
from outbox_world import OMS as TOLD
from outbox_world import Ear, promised
from shop_fake import Shop
from stock_world import NOON, World, at, balances, channel, network, place
from store_frames import frame

from oms_pipelines import demand
from oms_pipelines.outbox import deliver
from oms_pipelines.returns.announce import returnable
from oms_pipelines.returns.links import link
from oms_pipelines.stock import ledger
from oms_pipelines.store import Store

ANY = {"rules": [{"id": "any", "split": {"parts": 3}}]}
OMS = network([channel("a", share=1)], [place("lyon"), place("nice")], routing=ANY)
KIT = {"mug": 1, "tea": 2}


@pytest.fixture
def world(store: Store) -> World:
    found = World(store, "lyon", "nice")
    declare(found, at(-9), kit=KIT)
    return found


def given_units(world: World) -> dict[tuple[str, str], int]:
    """Return the units given to locations by (location, SKU)."""
    with world.store.session() as s:
        lines = s.table("fulfillment_lines").join(s.table("fulfillment_orders"), on="fo_id")
    units = lines.group_by("location_id", "sku").agg(pl.col("quantity").sum())
    return {(x, k): n for x, k, n in units.iter_rows()}


def owed(world: World) -> dict[str, int]:
    with world.store.session() as s:
        return dict(demand.open_lines(s).select("sku", "quantity").iter_rows())


def confirm(world: World, location: str, name: str, **units: tuple[int, int]) -> None:
    """Confirm a parcel of a location's part: of each SKU the units shipped and refused."""
    with world.store.session() as s:
        parts = s.table("fulfillment_orders").filter(pl.col("location_id") == location)
        lines = s.table("fulfillment_lines").join(parts.select("fo_id"), on="fo_id", how="semi")
        told = pl.DataFrame(
            [(k, a, b) for k, (a, b) in units.items()],
            {"sku": pl.String, "shipped": pl.Int64, "refused": pl.Int64}, orient="row",
        )  # fmt: skip
        rows = lines.join(told, on="sku").with_columns(
            pl.col("shipped_quantity") + pl.col("shipped"),
            pl.col("refused_quantity") + pl.col("refused"),
        )
        s.upsert("fulfillment_lines", rows.drop("shipped", "refused"))
        fo_id, order_id = parts.select("fo_id", "order_id").row(0)
        s.upsert("shipment_lines", frame("shipment_lines", *(
            {"shipment_id": f"{location}/{name}", "line_id": "kit", "sku": k, "quantity": n}
            for k, (n, _) in units.items() if n
        )))  # fmt: skip
        s.upsert("shipments", frame("shipments", {
            "shipment_id": f"{location}/{name}", "fo_id": fo_id, "order_id": order_id,
            "location_id": location, "carrier_id": "colis", "tracking_number": f"T{name}",
            "status": "Pending", "shipped_at": at(2), "known_at": at(2),
        }))  # fmt: skip


def test_a_kit_sold_reserves_its_components_and_leaves_none_negative(world: World):
    world.count("lyon", "mug", 5, at(-1))
    world.count("lyon", "tea", 5, at(-1))
    world.order("a/1", {"kit": 2})
    world.order("a/2", {"kit": 1})
    made = allocate(world, OMS, at(1))
    assert made.unfilled["order_id"].unique().to_list() == ["a/2"]
    assert given_units(world) == {("lyon", "mug"): 2, ("lyon", "tea"): 4}
    with world.store.session() as s:
        assert s.table("fulfillment_lines")["bill_id"].str.starts_with("kit@").all()
        shelves = {k: n for k, n in balances(s).items() if k[0].startswith("lyon/")}
    assert shelves == {
        ("lyon/sellable", "mug"): 3, ("lyon/sellable", "tea"): 1,
        ("lyon/allocated", "mug"): 2, ("lyon/allocated", "tea"): 4,
    }  # fmt: skip
    assert owed(world) == {"mug": 1, "tea": 2}
    assert allocate(world, OMS, at(2)).allocated_lines == 0


def test_kits_come_whole_from_each_place_and_are_not_mixed_of_two(world: World):
    for location, mugs, teas in (("lyon", 3, 3), ("nice", 2, 9)):
        world.count(location, "mug", mugs, at(-1))
        world.count(location, "tea", teas, at(-1))
    world.order("a/1", {"kit": 3})
    allocate(world, OMS, at(1))
    assert given_units(world) == {
        ("nice", "mug"): 2, ("nice", "tea"): 4, ("lyon", "mug"): 1, ("lyon", "tea"): 2,
    }  # fmt: skip


def test_a_nested_kit_is_shown_and_reserved_as_its_leaves(world: World):
    declare(world, at(-8), kit=KIT, box={"kit": 2, "card": 1})
    for sku, units in (("mug", 6), ("tea", 12), ("card", 5)):
        world.count("lyon", sku, units, at(-1))
    shop = Shop()
    world.put("skus", {"sku": "box"})
    tell(world, {"a": shop}, OMS, NOON)
    assert shop.shown["box"] == 1  # the leaves of a box are 2 mugs, 4 teas and a card
    world.order("a/1", {"box": 1}, at(0.5))
    allocate(world, OMS, at(1))
    assert given_units(world) == {("lyon", "mug"): 2, ("lyon", "tea"): 4, ("lyon", "card"): 1}


def test_a_kit_falls_to_zero_with_its_component_and_rises_with_it(world: World):
    shop = Shop()
    world.count("lyon", "mug", 8, at(-1))
    world.count("lyon", "tea", 8, at(-1))
    tell(world, {"a": shop}, OMS, NOON)
    assert shop.shown == {"kit": 2, "mug": 6, "tea": 4}
    world.count("lyon", "tea", 0, at(1))
    tell(world, {"a": shop}, OMS, at(1.1))
    assert shop.shown == {"kit": 0, "mug": 8, "tea": 0}
    world.count("lyon", "tea", 2, at(2))
    tell(world, {"a": shop}, OMS, at(2.1))
    assert shop.shown == {"kit": 0, "mug": 8, "tea": 2}  # half of two teas make no kit


def test_a_kit_rises_only_when_the_single_is_acknowledged_as_lowered(world: World):
    shop = Shop()
    declare(world, at(-8))  # no kit yet: the mugs stand as singles
    world.count("lyon", "mug", 8, at(-1))
    world.count("lyon", "tea", 8, at(-1))
    tell(world, {"a": shop}, OMS, NOON)
    declare(world, at(0.5), kit=KIT)
    shop.fate = "retry"
    tell(world, {"a": shop}, OMS, at(1))
    assert shop.shown == {"mug": 8, "tea": 8}
    assert "kit" not in {x.channel_sku for x in shop.pushed if x.quantity}
    shop.fate = "ok"
    tell(world, {"a": shop}, OMS, at(2))
    assert shop.shown == {"kit": 2, "mug": 6, "tea": 4}


def test_a_component_that_was_not_found_is_owed_alone_and_the_last_parcel_tells_the_kit(
    world: World,
):
    world.count("lyon", "mug", 1, at(-1))
    world.count("lyon", "tea", 2, at(-1))
    world.order("shop/1", {"kit": 1})
    allocate(world, OMS, at(1))
    confirm(world, "lyon", "1", mug=(1, 0), tea=(1, 1))
    assert owed(world) == {"tea": 1}
    world.count("nice", "tea", 5, at(1))
    world.count("nice", "mug", 5, at(1))
    allocate(world, OMS, at(3))
    assert given_units(world)["nice", "tea"] == 1
    assert ("nice", "mug") not in given_units(world)
    confirm(world, "nice", "2", tea=(1, 0))
    assert owed(world) == {}
    promised(world, TOLD, at(3))
    ear = Ear()
    deliver(world.store, TOLD, {"shop": ear}, None, at(3))
    told = [(p.shipment_id, p.lines[0].quantity, p.complete) for p in ear.parcels]
    assert told == [("lyon/1", 0, False), ("nice/2", 1, True)]
    assert [n for n, _ in ear.parcels[1].parts] == ["T1"]


def test_a_kit_that_was_begun_keeps_its_bill_when_the_catalog_changes(world: World):
    world.count("lyon", "mug", 1, at(-1))
    world.count("lyon", "tea", 2, at(-1))
    world.order("a/1", {"kit": 1})
    allocate(world, OMS, at(1))
    declare(world, at(1.5), kit={"mug": 2})
    assert owed(world) == {}
    world.order("a/2", {"kit": 1}, at(2))
    assert owed(world) == {"mug": 2}


def test_kits_canceled_before_they_ship_are_taken_back_and_fewer_kits_keep_what_is_enough(
    world: World,
):
    from oms_pipelines.dispatch import plan_files

    world.count("lyon", "mug", 9, at(-1))
    world.count("lyon", "tea", 9, at(-1))
    for key in ("1", "2"):
        world.order(f"a/{key}", {"kit": 2})
    allocate(world, OMS, at(1))
    world.order("a/1", {"kit": 2}, at(1.5), line={"canceled_quantity": 1})
    with world.store.session() as s:
        plan_files(s, OMS, at(2))
        states = dict(s.table("fulfillment_orders").select("order_id", "state").iter_rows())
    assert states == {"a/1": "canceled", "a/2": "planned"}


def test_the_components_of_a_file_share_the_price_of_their_kit(world: World):
    from oms_pipelines.dispatch.content import rows_of

    declare(world, at(-8), values={"mug": 6, "tea": 2}, kit=KIT)
    world.count("lyon", "mug", 9, at(-1))
    world.count("lyon", "tea", 9, at(-1))
    world.order("a/1", {"kit": 1}, line={"unit_price": Decimal("15.00")})
    allocate(world, OMS, at(1))
    with world.store.session() as s:
        due = s.table("fulfillment_orders").select("fo_id", pl.lit("ship").alias("action"))
        rows = rows_of(s, due, "dispatch")
    assert rows.select("line_id", "sku", "quantity", "unit_value").rows() == [
        ("kit", "mug", 1, Decimal("9.0000")), ("kit", "tea", 2, Decimal("3.0000")),
    ]  # fmt: skip


def shipped_kit(world: World, units: int = 1) -> None:
    world.count("lyon", "mug", units, at(-1))
    world.count("lyon", "tea", 2 * units, at(-1))
    world.order("a/1", {"kit": units})
    allocate(world, OMS, at(1))
    confirm(world, "lyon", "1", mug=(units, 0), tea=(2 * units, 0))


def came_back(world: World, receipt_id: str, sku: str, units: int, hours: float) -> None:
    world.receipt(
        sku, units, "restock", at(hours), receipt_id=receipt_id, told_order="1", order_id="a/1"
    )
    with world.store.session() as s:
        link(s, {"as_new": "restock"}, pl.Series(["a/1"]))


def links(world: World) -> dict[str, str | None]:
    with world.store.session() as s:
        return dict(s.table("return_receipts").select("receipt_id", "line_id").iter_rows())


def may_return(world: World) -> int:
    with world.store.session() as s:
        return returnable(s, "a/1")["returnable"].item()


def test_a_kit_that_comes_back_whole_is_stocked_as_components_and_none_of_them_comes_twice(
    world: World,
):
    shipped_kit(world)
    assert may_return(world) == 1
    came_back(world, "lyon/r1", "kit", 1, 5)
    came_back(world, "lyon/r2", "tea", 1, 6)
    assert links(world) == {"lyon/r1": "kit", "lyon/r2": None}
    assert may_return(world) == 0
    with world.store.session() as s:
        ledger.post(s, at(7))
        found = balances(s)
    assert (found["lyon/sellable", "mug"], found["lyon/sellable", "tea"]) == (1, 3)
    assert not [k for k in found if k[1] == "kit"]


def test_of_a_kit_one_component_may_come_back_and_then_the_kit_no_more(world: World):
    shipped_kit(world, 2)
    came_back(world, "lyon/r1", "tea", 1, 5)
    assert (links(world), may_return(world)) == ({"lyon/r1": "kit"}, 1)
    came_back(world, "lyon/r2", "kit", 3, 6)
    assert links(world)["lyon/r2"] is None
    came_back(world, "lyon/r3", "kit", 1, 7)
    assert (links(world)["lyon/r3"], may_return(world)) == ("kit", 0)


def test_a_kit_sold_at_a_till_leaves_the_shelf_as_components(world: World):
    world.count("lyon", "mug", 3, at(-1))
    world.count("lyon", "tea", 5, at(-1))
    world.order("a/1", {"kit": 2}, NOON, delivery_mode="none", line={"location_id": "lyon"})
    with world.store.session() as s:
        ledger.post(s, at(1))
        found = balances(s)
        shipped = s.query("report/shipped_daily").select("sku", "shipped").rows()
    assert (found["lyon/sellable", "mug"], found["lyon/sellable", "tea"]) == (1, 1)
    assert shipped == [("mug", 2), ("tea", 4)]


def test_what_was_booked_of_a_kit_keeps_its_bill_when_the_catalog_changes(world: World):
    for sku in ("mug", "tea", "jam"):
        world.count("lyon", sku, 10, at(-1))
    sale = {"delivery_mode": "none", "line": {"location_id": "lyon"}}
    world.order("a/1", {"kit": 1}, NOON, **sale)
    world.receipt("kit", 1, "restock", at(1), receipt_id="lyon/r9")
    with world.store.session() as s:
        ledger.post(s, at(1))
        before = balances(s)
    declare(world, at(2), kit={"mug": 1, "jam": 1}, tea={"jam": 1})
    with world.store.session() as s:
        assert ledger.post(s, at(3)).movements == 0
        assert balances(s) == before
    world.order("a/2", {"kit": 1}, at(4), **sale)
    world.order("a/1", {"kit": 2}, NOON, **sale)  # corrected, by the bill it was begun with
    world.receipt("kit", 1, "restock", at(4), receipt_id="lyon/r8", order_id="a/1")
    with world.store.session() as s:
        ledger.post(s, at(4))
        found = balances(s)
    shelf = {sku: found["lyon/sellable", sku] for sku in ("mug", "tea", "jam")}
    assert shelf == {"mug": 9, "tea": 10, "jam": 9}


def received_more(world: World) -> dict[tuple[str, str], int]:
    with world.store.session() as s:
        told = s.table("stock_contradictions").select("subject", "sku", "units")
    return {(x, k): n for x, k, n in told.iter_rows()}


def test_components_of_a_kit_that_a_till_sold_come_back_as_what_left(world: World):
    sale = {"delivery_mode": "none", "line": {"location_id": "lyon"}}
    world.order("a/1", {"kit": 2}, NOON, **sale)
    with world.store.session() as s:
        ledger.post(s, at(1))
    declare(world, at(2), kit={"mug": 1})
    came_back(world, "lyon/r1", "tea", 3, 5)
    with world.store.session() as s:
        ledger.post(s, at(5))
    assert received_more(world) == {}
    came_back(world, "lyon/r2", "kit", 1, 6)  # one mug, and two teas: one tea more than left
    with world.store.session() as s:
        ledger.post(s, at(6))
    assert received_more(world) == {("lyon/r2/1", "tea"): 1}


def test_a_kit_that_is_announced_is_on_its_way_back_as_its_components(world: World):
    shipped_kit(world)
    row = {
        "return_id": "hub/r1", "source": "hub", "initiator": "customer", "status": "announced",
        "announced_at": at(2), "order_id": "a/1", **world.batch(at(2)),
    }  # fmt: skip
    world.put("returns", row)
    world.put("return_lines", {"return_id": "hub/r1", "line_id": "kit", "sku": "kit",
                               "quantity": 1})  # fmt: skip
    with world.store.session() as s:
        ledger.post(s, at(2))
        found = balances(s)
    on_its_way = {k: n for (where, k), n in found.items() if where == "world/returning"}
    assert on_its_way == {"mug": 1, "tea": 2}
    world.receipt("tea", 1, "restock", at(5), order_id="a/1", return_id="hub/r1")
    with world.store.session() as s:
        ledger.post(s, at(5))
        found = balances(s)
    on_its_way = {k: n for (where, k), n in found.items() if where == "world/returning"}
    assert on_its_way == {"mug": 1, "tea": 1}


def test_what_was_booked_before_it_was_a_kit_stays(world: World):
    world.count("lyon", "tea", 10, at(-1))
    world.order("a/1", {"tea": 1}, NOON, delivery_mode="none", line={"location_id": "lyon"})
    with world.store.session() as s:
        ledger.post(s, at(1))
    declare(world, at(2), tea={"jam": 1})
    with world.store.session() as s:
        assert ledger.post(s, at(3)).movements == 0


def test_an_order_waits_for_acceptance_until_every_component_of_its_kit_is_there(world: World):
    from oms_pipelines.outbox.delivery import acceptances

    world.count("lyon", "mug", 5, at(-1))
    world.count("lyon", "tea", 1, at(-1))
    held = {"order_status": "held", "hold_reason": "waits for acceptance"}
    world.order("shop/1", {"kit": 1}, **held)
    promised(world, TOLD, at(1))
    with world.store.session() as s:
        ledger.post(s, at(1))
        assert acceptances(s, at(1)) == {}
    world.count("lyon", "tea", 2, at(2))
    with world.store.session() as s:
        ledger.post(s, at(2))
        [found] = acceptances(s, at(2) + timedelta(minutes=1))["shop"]
    assert found.line_ids == ("kit",)
