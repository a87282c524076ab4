"""What happens amid a publishing: pushes that break off, orders merged, readings grown old."""

from datetime import timedelta

import polars as pl
import pytest
from shop_fake import Shop, tick
from stock_world import NOON, World, at, channel, network

from oms_pipelines.stock import ledger
from oms_pipelines.stock.levels import compute_levels
from oms_pipelines.stock.publishing import publish_levels
from oms_pipelines.store import Store

TWO = network([channel("a", share=0.5), channel("b", share=0.5)])
MOST_OF_B = network([channel("a", share=0.1), channel("b", share=0.9)])


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def sells(world: World, shop: Shop, number: int, units: int, hours: float) -> None:
    """Let shop `a` sell socks, and the hub hear of it."""
    shop.shown["sock"] -= units
    line = {"ordered_quantity": units}
    world.order(f"a/{number}", {"sock": units}, at(hours), line=line)


def test_a_level_dropped_before_its_push_broke_off_is_held(world: World):
    shops = {"a": Shop(), "b": Shop()}
    for sku in ("glove", "sock"):
        world.count("lyon", sku, 10, at(-1))
    tick(world, TWO, shops, NOON)
    shops["a"].fates = ["dropped", "down"]
    tick(world, MOST_OF_B, shops, at(1))
    assert [shop.shown for shop in shops.values()] == [{"glove": 5, "sock": 5}] * 2
    tick(world, MOST_OF_B, shops, at(2))
    assert [shop.shown for shop in shops.values()] == [
        {"glove": 1, "sock": 1},
        {"glove": 9, "sock": 9},
    ]


def test_an_order_merged_after_the_computation_is_not_shown_once_more(world: World):
    shops = {"a": Shop(), "b": Shop()}
    world.count("lyon", "sock", 10, at(-1))
    tick(world, TWO, shops, NOON)
    with world.store.session() as s:
        ledger.post(s, at(1))
        compute_levels(s, TWO, at(1))
    sells(world, shops["a"], 1, 2, hours=0.5)
    publish_levels(world.store, TWO, shops, at(1))
    assert [shop.shown for shop in shops.values()] == [{"sock": 3}, {"sock": 5}]
    tick(world, TWO, shops, at(2))
    assert [shop.shown for shop in shops.values()] == [{"sock": 4}, {"sock": 4}]


def test_an_order_merged_after_the_computation_is_not_shown_once_more_where_it_was_sent(
    world: World,
):
    only = network([channel("a", share=1)])
    shops = {"a": Shop(compares=True)}
    world.count("lyon", "sock", 7, at(-1))
    tick(world, only, shops, NOON)
    sells(world, shops["a"], 1, 3, hours=0.2)
    shops["a"].shown["sock"] = 0  # four more are sold, unheard
    tick(world, only, shops, at(1))
    assert [(x.quantity, x.expected) for x in shops["a"].pushed] == [(7, None), (4, 4)]
    with world.store.session() as s:
        ledger.post(s, at(2))
        compute_levels(s, only, at(2))
    world.order("a/2", {"sock": 4}, at(0.5))
    publish_levels(world.store, only, shops, at(2))
    assert shops["a"].shown == {"sock": 0}


def test_a_level_that_was_not_taken_stays_held_with_what_was_sold_unheard(world: World):
    shops = {"a": Shop(), "b": Shop()}
    world.count("lyon", "sock", 10, at(-1))
    tick(world, TWO, shops, NOON)
    shops["a"].shown["sock"] = 4  # one is sold, unheard
    shops["a"].fates = ["dropped"]
    tick(world, network([channel("a", share=0), channel("b", share=1)]), shops, at(1))
    assert [shop.shown for shop in shops.values()] == [{"sock": 4}, {"sock": 5}]


def test_a_reading_older_than_what_was_sent_last_raises_nothing(world: World):
    shops = {"a": Shop(compares=True), "b": Shop()}
    world.count("lyon", "sock", 22, at(-1))
    tick(world, TWO, shops, NOON)
    shops["a"].shown["sock"] = 8
    tick(world, MOST_OF_B, shops, at(1))  # changed meanwhile
    sells(world, shops["a"], 1, 8, hours=1.1)
    world.order("a/2", {"sock": 3}, at(1.01))
    shops["a"].fates = ["refused"]
    tick(world, MOST_OF_B, shops, at(1.2))
    tick(world, MOST_OF_B, shops, at(1.2) + timedelta(days=1))
    with world.store.session() as s:
        held = s.table("levels").filter(pl.col("channel_id") == "a")["held"].to_list()
    assert held == [shops["a"].shown["sock"]]


def test_what_is_seen_after_a_sale_is_held_besides_that_sale(world: World):
    shops = {"a": Shop(), "b": Shop()}
    world.count("lyon", "sock", 10, at(-1))
    tick(world, TWO, shops, NOON)
    shops["a"].fates = ["dropped"]
    tick(world, network([channel("a", share=0.4), channel("b", share=0.6)]), shops, at(1))
    sells(world, shops["a"], 1, 2, hours=1.1)
    publish_levels(world.store, TWO, shops, at(1.2))
    with world.store.session() as s:
        held = s.table("levels").filter(pl.col("channel_id") == "a")["held"].to_list()
    assert shops["a"].shown["sock"] == 3
    assert held == [5]  # of which two are sold


def test_a_level_below_what_is_held_takes_no_unit_that_another_still_shows(world: World):
    shops = {"a": Shop(compares=True), "b": Shop()}
    world.count("lyon", "sock", 10, at(-1))
    tick(world, TWO, shops, NOON)
    shops["a"].shown["sock"] = 0  # five are sold, unheard
    shops["b"].fate = "retry"
    tick(world, network([channel("a", share=0.4), channel("b", share=0.6)]), shops, at(1))
    assert shops["a"].shown["sock"] == 0
    world.order("a/1", {"sock": 5}, at(0.5))
    tick(world, TWO, shops, at(2))
    assert [shop.shown for shop in shops.values()] == [{"sock": 0}, {"sock": 5}]
    shops["b"].fate = "ok"
    tick(world, TWO, shops, at(3))
    assert sum(shop.shown["sock"] for shop in shops.values()) == 5


def test_units_of_a_canceled_order_are_raised_elsewhere_once_its_listing_was_told_again(
    world: World,
):
    shops = {"a": Shop(), "b": Shop()}
    world.count("lyon", "sock", 10, at(-1))
    tick(world, TWO, shops, NOON)
    all_to_b = network([channel("a", share=0), channel("b", share=1)])
    tick(world, all_to_b, shops, at(1))
    world.order("a/1", {"sock": 5}, at(1.1))  # sold as it was told that it has none
    tick(world, all_to_b, shops, at(2))
    assert [shop.shown for shop in shops.values()] == [{"sock": 0}, {"sock": 5}]
    world.order("a/1", {"sock": 5}, at(1.1), order_status="canceled", updated_at=at(2.5))
    unread = network([channel("a", share=0, read_share=0), channel("b", share=1, read_share=0)])
    tick(world, unread, shops, at(3))
    assert [shop.shown for shop in shops.values()] == [{"sock": 0}, {"sock": 10}]
