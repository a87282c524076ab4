"""What can be promised, and how it is shared: pure frames, worked out by hand."""

import polars as pl
import pytest
from stock_world import World, at, channel, network, place

from oms_pipelines import demand
from oms_pipelines.config import Oms, parse
from oms_pipelines.stock.availability import atp_by_location, demand_of, desired_levels
from oms_pipelines.store import Store


def stock(*rows: tuple[str, str, int]) -> pl.DataFrame:
    schema = {"location_id": pl.String, "sku": pl.String, "quantity": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def sold(*rows: tuple[str | None, str, int]) -> pl.DataFrame:
    schema = {"channel_id": pl.String, "sku": pl.String, "quantity": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def levels(oms: Oms, at_hand: pl.DataFrame, owed: pl.DataFrame | None = None) -> dict:
    owed = sold() if owed is None else owed
    found = desired_levels(at_hand, owed, oms)
    return {(c, s): q for c, s, q in found.iter_rows()}


def in_order(oms: Oms, quantity: int) -> list[int]:
    shown = levels(oms, stock(("lyon", "sock", quantity)))
    return [shown[c.id, "sock"] for c in oms.channels]


def equal(count: int) -> Oms:
    return network([channel(f"c{i}", share=1 / count) for i in range(count)])


def test_ten_units_over_three_equal_channels_are_four_three_three_in_channel_order():
    assert in_order(equal(3), 10) == [4, 3, 3]
    assert in_order(equal(3), 11) == [4, 4, 3]
    assert in_order(equal(3), 1) == [1, 0, 0]


def test_the_largest_remainder_goes_first_whatever_the_order():
    oms = network([channel("a", share=0.33), channel("b", share=0.33), channel("c", share=0.34)])
    assert in_order(oms, 10) == [3, 3, 4]


def test_shares_that_binary_fractions_miss_lose_no_unit():
    oms = network([channel("a", share=0.1), channel("b", share=0.2), channel("c", share=0.7)])
    assert in_order(oms, 10) == [1, 2, 7]
    assert in_order(oms, 1000) == [100, 200, 700]


def test_what_no_share_claims_is_kept_back():
    oms = network([channel("a", share=0.5), channel("b", share=0.25)])
    assert in_order(oms, 10) == [5, 2]  # 7.5 units are claimed, 7 whole ones


def test_safety_stock_and_threshold_of_each_location_are_kept_back():
    oms = network(
        [channel("a", share=1)],
        [place("lyon", safety_stock=2, threshold=1), place("nice", safety_stock=5)],
    )
    atp = atp_by_location(stock(("lyon", "sock", 10), ("nice", "sock", 3), ("gone", "x", 9)), oms)
    assert sorted(atp.iter_rows()) == [("lyon", "sock", 7), ("nice", "sock", 0)]


def test_what_is_sold_and_not_allocated_yet_is_promised_to_nobody_else():
    oms = network([channel("a", share=0.5), channel("b", share=0.5)])
    shown = levels(oms, stock(("lyon", "sock", 10)), sold(("a", "sock", 4)))
    assert shown == {("a", "sock"): 3, ("b", "sock"): 3}
    shown = levels(oms, stock(("lyon", "sock", 10)), sold(("a", "sock", 40)))
    assert set(shown.values()) == {0}


def test_demand_is_taken_where_its_channel_sells_from():
    oms = network(
        [channel("web", share=0.5), channel("store", share=0.5, locations=["nice"])],
        [place("lyon"), place("nice")],
    )
    at_hand = stock(("lyon", "sock", 10), ("nice", "sock", 6))
    # of the store's six in Nice, four are sold: two are left to share
    assert levels(oms, at_hand, sold(("store", "sock", 4))) == {
        ("web", "sock"): 5 + 1,
        ("store", "sock"): 1,
    }
    # the web shop's customers are served from Lyon, where nobody else sells from
    assert levels(oms, at_hand, sold(("web", "sock", 4))) == {
        ("web", "sock"): 3 + 3,
        ("store", "sock"): 3,
    }


def test_demand_of_an_unknown_channel_is_taken_off_all_the_same():
    oms = network([channel("a", share=1)])
    assert levels(oms, stock(("lyon", "sock", 10)), sold(("gone", "sock", 4))) == {("a", "sock"): 6}


def test_units_allocated_beyond_a_count_are_owed_by_who_has_the_sku():
    oms = network([channel("a", share=1)], [place("lyon"), place("nice")])
    at_hand = stock(("lyon", "sock", -2), ("nice", "sock", 5))
    owed = demand_of(sold(), at_hand)
    assert levels(oms, atp_by_location(at_hand, oms), owed) == {("a", "sock"): 3}


def test_a_place_that_neither_ships_nor_hands_over_promises_nothing_unless_it_is_named():
    places = [place("lyon"), place("shop", ships=False)]
    at_hand = stock(("lyon", "sock", 2), ("shop", "sock", 8))
    assert levels(network([channel("a", share=1)], places), at_hand) == {("a", "sock"): 2}
    named = network([channel("a", share=1, locations=["lyon", "shop"])], places)
    assert levels(named, at_hand) == {("a", "sock"): 10}


def test_pooled_channels_show_what_escrow_leaves_less_their_buffer():
    oms = network(
        [
            channel("a", share=0.4),
            channel("b", mode="pooled", risk=0.01, buffer=2),
            channel("c", mode="pooled", risk=0.01),
            channel("d", mode="none"),
        ]
    )
    shown = levels(oms, stock(("lyon", "sock", 10)))
    assert shown == {("a", "sock"): 4, ("b", "sock"): 4, ("c", "sock"): 6}


def test_caps_and_stop_below_bound_what_is_shown():
    oms = network([channel("a", share=0.5, cap=3), channel("b", share=0.5, stop_below=5)])
    assert in_order(oms, 10) == [3, 7]  # what the first may not show goes to the other
    assert in_order(oms, 7) == [3, 0]


# -- open lines, on both stores


def open_lines(store: Store) -> dict[tuple[str, str], int]:
    with store.session() as s:
        found = demand.open_lines(s)
    return {(o, k): q for o, k, q in found.select("order_id", "sku", "quantity").iter_rows()}


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def test_open_and_held_orders_are_owed_and_no_others(world: World):
    world.order("shop/1", {"sock": 2, "glove": 1})
    world.order("shop/2", {"sock": 3}, order_status="held", hold_reason="payment pending")
    world.order("shop/3", {"sock": 4}, order_status="canceled")
    world.order("shop/4", {"sock": 5}, order_status="closed")
    world.order("shop/5", {"sock": 6}, delivery_mode="none")
    world.order("shop/6", {"gift": 6}, line={"requires_shipping": False})
    world.order("shop/7", {"new": 6}, line={"sku": None})
    world.order("shop/8", {"pack": 2}, line={"units_per": 6, "canceled_quantity": 1})
    assert open_lines(world.store) == {
        ("shop/1", "sock"): 2,
        ("shop/1", "glove"): 1,
        ("shop/2", "sock"): 3,
        ("shop/8", "pack"): 6,
    }


def test_what_a_location_has_is_not_owed_and_what_it_refused_is_again(world: World):
    world.order("shop/1", {"sock": 10})
    world.give("1", "sock", 7)
    assert open_lines(world.store) == {("shop/1", "sock"): 3}
    world.give("1", "sock", 7, shipped=3, refused=4, state="partially_shipped", closed_at=at(1))
    assert open_lines(world.store) == {("shop/1", "sock"): 7}
    world.give("1", "sock", 7, shipped=3, state="canceled", closed_at=at(1))
    assert open_lines(world.store) == {("shop/1", "sock"): 7}
    world.give("1", "sock", 7, shipped=11, state="shipped", closed_at=at(1))
    assert open_lines(world.store) == {}


def test_a_parcel_of_ours_that_the_channel_tells_too_is_not_deducted_twice(world: World):
    world.order("shop/1", {"sock": 10})
    world.give("1", "sock", 3, shipped=3, state="shipped", closed_at=at(1))
    world.order("shop/1", {"sock": 10}, fetched_at=at(2), line={"shipped_quantity": 3})
    assert open_lines(world.store) == {("shop/1", "sock"): 7}
    # two more that somebody else shipped
    world.order("shop/1", {"sock": 10}, fetched_at=at(3), line={"shipped_quantity": 5})
    assert open_lines(world.store) == {("shop/1", "sock"): 5}


def test_what_was_refunded_before_it_shipped_is_owed_no_more_and_counts_once(world: World):
    world.order("shop/1", {"sock": 10})
    refund = {
        "order_id": "shop/1", "refund_id": "r1", "currency": "EUR", "refunded_at": at(1),
        **world.batch(at(1)),
    }  # fmt: skip
    line = {"order_id": "shop/1", "refund_id": "r1", "line_id": "sock", "quantity": 4}
    world.put("refunds", refund)
    world.put("refund_lines", {**line, "restock": "cancel"})
    assert open_lines(world.store) == {("shop/1", "sock"): 6}
    # a channel whose record tells the same units itself
    world.order("shop/1", {"sock": 10}, fetched_at=at(2), line={"canceled_quantity": 4})
    assert open_lines(world.store) == {("shop/1", "sock"): 6}
    world.put("refund_lines", {**line, "restock": "return"})
    world.order("shop/1", {"sock": 10}, fetched_at=at(3))
    assert open_lines(world.store) == {("shop/1", "sock"): 10}


def test_routing_sees_the_same_open_lines_as_the_levels_do(world: World):
    from oms_pipelines.routing import read_inputs

    shop = {"id": "shop", "system": "woocommerce", "url": "http://127.0.0.1:1"}
    keys = {"credentials": {"key": "env:K", "secret": "env:K"}}
    oms = parse({"channels": [shop | keys], "locations": [place("lyon")]}, env={"K": "k"})
    world.order("shop/1", {"sock": 10, "glove": 2})
    world.give("1", "sock", 7, shipped=3, refused=4, state="partially_shipped", closed_at=at(1))
    world.order("shop/2", {"sock": 5}, line={"shipped_quantity": 1, "canceled_quantity": 1})
    world.order("shop/3", {"sock": 2}, order_status="held")
    world.order("shop/4", {"sock": 4})
    world.give("4", "sock", 4, state="canceled", closed_at=at(1))
    world.order("shop/5", {"sock": 4})
    world.put("refund_lines", {
        "order_id": "shop/5", "refund_id": "r", "line_id": "sock", "quantity": 3,
        "restock": "cancel",
    })  # fmt: skip
    with world.store.session() as s:
        owed = demand.open_lines(s).filter("may_ship")
        routed = read_inputs(s, oms, at(2)).lines
    columns = ["order_id", "line_id", "sku", "quantity"]
    assert routed.select(columns).rows() == owed.select(columns).sort(columns).rows()
    assert owed.height == 5
