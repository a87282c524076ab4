"""Measured demand: what each channel and location sold a day, whatever becomes of the orders."""

from datetime import datetime, timedelta

import polars as pl
import pytest
from kits_world import declare
from stock_world import NOON, World, at

from oms_pipelines.stock import ledger
from oms_pipelines.stock.sales import (
    demand_rates,
    location_rates,
    measure_sales,
    measured_days,
    moved_skus,
    placed_units,
)
from oms_pipelines.store import Store

WEEK = timedelta(days=7)
MORNING = at(18)  # six in the morning after the noon of the world


@pytest.fixture
def world(store: Store) -> World:
    return World(store, "lyon", "nice")


def measure(world: World, now: datetime = MORNING) -> list[str]:
    with world.store.session() as s:
        return measure_sales(s, now, WEEK)["sku"].to_list()


def daily(world: World) -> dict[tuple[str, str, str], int]:
    """Return the units of the world's first day by channel, SKU and location."""
    with world.store.session() as s:
        rows = s.table("daily_sales").filter(pl.col("units") != 0)
    assert rows["day"].unique().to_list() in ([], [at(-12)])
    return {(c, k, x): n for _, c, k, x, n in rows.iter_rows()}


def by_channel(world: World, now: datetime = MORNING, **more) -> dict[tuple[str, str], float]:
    with world.store.session() as s:
        return {(c, k): n for c, k, n in demand_rates(s, now, WEEK, **more).iter_rows()}


def test_units_are_counted_by_channel_sku_and_day_less_what_was_canceled(world: World):
    world.order("shop/1", {"sock": 3, "glove": 1})
    world.order("shop/2", {"sock": 5}, order_status="canceled")
    world.order("market/1", {"sock": 4}, line={"canceled_quantity": 1, "units_per": 6})
    world.order("market/2", {"new": 4}, line={"sku": None})
    measure(world)
    assert daily(world) == {
        ("shop", "sock", ""): 3, ("shop", "glove", ""): 1, ("market", "sock", ""): 18,
    }  # fmt: skip


def test_an_order_that_comes_again_changes_or_is_canceled_is_told_anew_and_not_added(world: World):
    world.order("shop/1", {"sock": 3})
    measure(world, at(1))
    assert measure(world, at(2)) == []
    world.order("shop/1", {"sock": 3}, fetched_at=at(2))  # doubled
    measure(world, at(3))
    assert daily(world) == {("shop", "sock", ""): 3}
    world.order("shop/1", {"sock": 1, "glove": 2}, fetched_at=at(4))  # amended
    measure(world, at(5))
    assert daily(world) == {("shop", "sock", ""): 1, ("shop", "glove", ""): 2}
    world.order("shop/1", {"sock": 1, "glove": 2}, fetched_at=at(6), order_status="canceled")
    measure(world, at(7))
    assert daily(world) == {}


def test_an_order_that_comes_late_corrects_the_day_it_was_placed(world: World):
    world.order("shop/1", {"sock": 3})
    measure(world, at(1))
    world.order("shop/2", {"sock": 4}, placed_at=at(2), **world.batch(at(60)))
    assert measure(world, at(60)) == ["sock"]  # that day is over: the rate moved
    assert daily(world) == {("shop", "sock", ""): 7}


def test_units_belong_to_the_location_that_has_shipped_or_sold_them(world: World):
    world.order("shop/1", {"sock": 10})
    measure(world, at(1))
    assert daily(world) == {("shop", "sock", ""): 10}
    world.give("1", "sock", 6, when=at(1))
    measure(world, at(1))
    assert daily(world) == {("shop", "sock", "lyon"): 6, ("shop", "sock", ""): 4}
    world.give("1", "sock", 6, shipped=2, refused=4, state="partially_shipped", closed_at=at(2))
    measure(world, at(2))
    assert daily(world) == {("shop", "sock", "lyon"): 2, ("shop", "sock", ""): 8}
    world.give("2", "sock", 8, when=at(3), order_id="shop/1", location_id="nice")
    world.order("till/1", {"sock": 1}, delivery_mode="none", line={"location_id": "nice"})
    measure(world, at(3))
    assert daily(world) == {
        ("shop", "sock", "lyon"): 2, ("shop", "sock", "nice"): 8, ("till", "sock", "nice"): 1,
    }  # fmt: skip
    with world.store.session() as s:
        assert location_rates(s, MORNING, WEEK).rows() == [
            ("lyon", "sock", 2.0), ("nice", "sock", 9.0),
        ]  # fmt: skip


def test_what_was_refunded_before_it_shipped_was_not_sold(world: World):
    world.order("shop/1", {"sock": 10})
    measure(world, at(1))
    key = {"order_id": "shop/1", "refund_id": "r"}
    world.put("refunds", {**key, "currency": "EUR", "refunded_at": at(2), **world.batch(at(2))})
    world.put("refund_lines", {**key, "line_id": "sock", "quantity": 4, "restock": "cancel"})
    measure(world, at(2))
    assert daily(world) == {("shop", "sock", ""): 6}


def test_a_rate_is_over_the_whole_days_since_the_first_sale_and_the_window_at_most(world: World):
    world.order("shop/1", {"sock": 6})
    measure(world, at(3))
    assert by_channel(world, at(3)) == {}  # no day is over yet
    assert by_channel(world) == {("shop", "sock"): 6.0}
    assert by_channel(world, at(18 + 24 * 2)) == {("shop", "sock"): 2.0}
    late = at(18 + 24 * 6)
    world.order("shop/2", {"glove": 7}, late - timedelta(days=1))
    measure(world, late)
    assert by_channel(world, late) == {("shop", "sock"): 6 / 7, ("shop", "glove"): 1.0}
    only = pl.DataFrame({"sku": ["glove"]})
    assert by_channel(world, late, skus=only) == {("shop", "glove"): 1.0}


def test_rates_move_by_the_clock_at_midnight_until_the_last_sale_left_the_window(world: World):
    world.order("shop/1", {"sock": 6})
    measure(world)
    for after, until, moved in [
        (at(1), at(2), []), (at(1), MORNING, ["sock"]),
        (at(24 * 7), at(24 * 7 + 12), ["sock"]), (at(24 * 8), at(24 * 8 + 12), []),
    ]:  # fmt: skip
        measure(world, until)
        with world.store.session() as s:
            assert moved_skus(s, after, until, WEEK)["sku"].to_list() == moved, after


def test_days_before_the_window_are_forgotten_and_still_count_as_measured(world: World):
    world.order("shop/1", {"sock": 6})
    measure(world)
    later = NOON + timedelta(days=30)
    world.order("shop/2", {"sock": 14}, later - timedelta(days=1))
    measure(world, later)
    assert by_channel(world, later) == {("shop", "sock"): 2.0}
    with world.store.session() as s:
        assert s.table("daily_sales")["units"].to_list() == [14]
        assert s.table("order_sales")["order_id"].to_list() == ["shop/2"]
        assert measured_days(s, later, WEEK) == 7


def test_a_longer_window_is_measured_from_its_beginning(world: World):
    world.order("shop/1", {"sock": 61}, NOON - timedelta(days=20))
    world.order("shop/2", {"sock": 2})
    measure(world)
    with world.store.session() as s:
        measure_sales(s, MORNING, 4 * WEEK)
        assert demand_rates(s, MORNING, 4 * WEEK).rows() == [("shop", "sock", 63 / 21)]


def test_an_old_order_that_comes_late_moves_the_rates_of_all_that_sold(world: World):
    world.order("shop/1", {"sock": 6})
    measure(world)
    assert by_channel(world) == {("shop", "sock"): 6.0}
    world.order("shop/2", {"glove": 1}, placed_at=NOON - timedelta(days=2), **world.batch(MORNING))
    assert measure(world) == ["glove", "sock"]
    assert by_channel(world)["shop", "sock"] == 2.0
    assert measure(world) == []


def test_a_kit_sold_in_a_store_is_a_sale_of_its_components_by_the_bill_booked(world: World):
    declare(world, at(-1), kit={"mug": 1, "tea": 2})
    line = {"line": {"location_id": "nice"}, "delivery_mode": "none"}
    world.order("till/1", {"kit": 2, "tea": 1}, **line)
    with world.store.session() as s:
        ledger.post(s, at(1))
    declare(world, at(2), kit={"mug": 1})
    measure(world)
    assert daily(world) == {
        ("till", "kit", "nice"): 2, ("till", "mug", "nice"): 2, ("till", "tea", "nice"): 5,
    }  # fmt: skip


def test_kept_tick_by_tick_the_days_are_those_measured_at_once(world: World, tmp_path):
    for hour in range(8):
        world.order(f"shop/{hour}", {"sock": hour + 1}, at(hour))
        world.give(f"{hour}", "sock", hour + 1, when=at(hour))
        if hour % 3 == 0:
            world.order(f"shop/{hour}", {"sock": 1}, placed_at=at(hour), fetched_at=at(hour + 1))
        measure(world, at(hour + 1))
    kept = daily(world)
    with world.store.session() as s:
        for table in ("daily_sales", "order_sales"):
            forget = "days" if table == "daily_sales" else "orders"
            s.run(f"stock/sales_forget_{forget}", first=at(1000))
    measure(world)
    assert daily(world) == kept != {}


def test_no_more_is_anybodys_than_was_sold():
    schema = {"order_id": pl.String, "sku": pl.String, "location_id": pl.String, "units": pl.Int64}
    sold = pl.DataFrame([("1", "sock", "", 5)], schema=schema, orient="row")
    given = pl.DataFrame(
        [("1", "sock", "lyon", 4), ("1", "sock", "nice", 3), ("1", "part", "nice", 2)],
        schema=schema,
        orient="row",
    )
    assert sorted(placed_units(sold, given).iter_rows()) == [
        ("1", "part", "nice", 2), ("1", "sock", "lyon", 4), ("1", "sock", "nice", 1),
    ]  # fmt: skip
