"""A back-test is what other rules would have done: held against a world planned by them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bench.past import World, rehearse
from oms_pipelines.config import Carrier, Costs, Price, Routing, Rule, Split
from oms_pipelines.routing import inputs_of, load_inputs, plan, save_inputs
from oms_pipelines.routing.backtest import backtest
from oms_pipelines.routing.history import BACK, MOVES, History
from oms_pipelines.routing.rule_sets import RuleSet

START = datetime(2026, 3, 2, 14, tzinfo=UTC)
HOUR = timedelta(hours=1)
LIVE = Routing(rules=[Rule(id="cheap", split=Split(parts=2))], costs=Costs(per_km=0.01))
NEAR = Routing(
    rules=[Rule(id="near", rank="distance", split=Split(parts=3))], costs=Costs(per_km=0.01)
)
ONE = Routing(rules=[Rule(id="one", **{"from": "location_id = 'b'"})], costs=Costs(per_km=0.01))


def line(order: int, sku: str, units: int, at: datetime, **more: object) -> dict:
    return {
        "order_id": f"shop/{order:03d}", "line_id": sku, "sku": sku, "quantity": units,
        "channel_id": "shop", "priority": 0, "placed_at": at, "promised_at": at + 72 * HOUR,
        "delivery_mode": "home", "country": "FR", "latitude": 45.0, "longitude": 0.0,
        "unit_value": 10.0, "currency": "EUR", "weight_g": 400, "service": "standard",
    } | more  # fmt: skip


def places(*capacity: int | None) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {"location_id": x, "kind": "warehouse", "country": "FR", "latitude": 44.0 + i,
             "longitude": 4.0 * i, "ships": True, "handling_cost": [2.0, 0.0, 1.0][i],
             "cut_off": "15:00 Europe/Paris", "capacity": n}
            for i, (x, n) in enumerate(zip("abc", capacity, strict=False))
        ],
        schema_overrides={"capacity": pl.Int64},
    )  # fmt: skip


def supply(*rows: tuple[datetime, str, str, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, MOVES, orient="row")


def stock(**units: int) -> pl.DataFrame:
    rows = [(key[0], key[1], n) for key, n in units.items()]
    return pl.DataFrame(rows, ["location_id", "sku", "available"], orient="row")


def drawn(seed: int) -> tuple[World, list[datetime]]:
    """Return a scarce world of 8 hours: each hour some order, now and then some stock."""
    rng = np.random.default_rng(seed)
    ticks = [START + i * HOUR for i in range(8)]
    lines, order = [], 0
    for at in ticks:
        for _ in range(rng.integers(1, 4)):
            order += 1
            where = {"longitude": float(rng.integers(-4, 9)), "priority": int(rng.integers(0, 2))}
            for sku in rng.choice(list("xyz"), rng.integers(1, 3), replace=False):
                lines.append(line(order, str(sku), int(rng.integers(1, 4)), at, **where))
    came = [
        (at + HOUR / 2, str(rng.choice(list("abc"))), sku, int(rng.integers(1, 9)))
        for at in ticks for sku in "xyz" if rng.random() < 0.4
    ]  # fmt: skip
    opening = stock(**{x + s: int(rng.integers(0, 6)) for x in "abc" for s in "xyz"})
    prices = [Price(up_to_g=1000, amount=4), Price(amount=9)]
    carriers = [Carrier(id="post", prices=prices, transit_days=1)]
    return World(pl.DataFrame(lines), supply(*came), opening, places(3, None, 9), carriers), ticks


def told(found: pl.DataFrame, name: str) -> list[tuple]:
    """Return the days, or the load, of a set of rules."""
    return found.filter(pl.col("settings") == name).drop("settings").rows()


@pytest.mark.parametrize(("seed", "other"), [(1, NEAR), (3, ONE)])
def test_other_rules_meet_the_stock_they_would_have_left(tmp_path, seed: int, other: Routing):
    world, ticks = drawn(seed)
    past = rehearse(tmp_path / "live", world, LIVE, ticks)
    direct = backtest(rehearse(tmp_path / "other", world, other, ticks), [])
    found = backtest(past, [RuleSet("other", other)])
    assert set(found.plans["again"]) == set(direct.plans["again"]) == {"same"}
    assert told(found.days, "other") == told(direct.days, "live")
    assert told(found.load, "other") == told(direct.load, "live")
    assert told(found.days, "other") != told(found.days, "live")
    assert found.short == {"live": 0, "other": 0}


def test_a_plan_that_was_not_stored_is_what_its_inputs_give(tmp_path):
    world, ticks = drawn(5)
    past = rehearse(tmp_path, world, LIVE, ticks[:4])
    whole = backtest(past, [RuleSet("near", NEAR)])
    folders = backtest(History(past.ticks, moves=past.moves), [RuleSet("near", NEAR)])
    assert [x.name for x in past.ticks] == folders.plans["plan"].to_list()
    assert folders.days.equals(whole.days)


def two_days(lines: list[dict], opening: pl.DataFrame, *came: tuple) -> World:
    return World(pl.DataFrame(lines), supply(*came), opening, places(None, None))


def test_what_is_refused_waits_again_for_rules_that_gave_it_there_too(tmp_path):
    """History gives x to b, which refuses it: whoever gave it to b loses the unit."""
    first = line(1, "x", 1, START, longitude=4.0)
    world = two_days([first, line(2, "y", 1, START + 2 * HOUR)], stock(ax=1, bx=1))
    past = rehearse(tmp_path, world, LIVE, [START, START + 2 * HOUR])
    assert past.given["location_id"].to_list() == ["b"]
    back = pl.DataFrame(
        [(START + HOUR, "shop/001", "x", "x", "b", 1)], BACK, orient="row"
    )  # fmt: skip
    again = refused(past.ticks[1], tmp_path / "later")
    history = History([past.ticks[0], again], past.given, back, past.moves, past.hashes)
    far = Routing(rules=[Rule(id="a", **{"from": "location_id = 'a'"})])
    found = backtest(history, [RuleSet("b", ONE), RuleSet("a", far)])
    left = dict(found.days.select("settings", "waiting").iter_rows())
    assert left == {"live": 1, "b": 2, "a": 1}  # y waits in all; `one` may not ship from a
    parcels = dict(found.days.select("settings", "parcels").iter_rows())
    assert parcels == {"live": 2, "b": 1, "a": 1}
    orders = found.days.group_by("settings").agg(pl.col("orders").sum()).iter_rows()
    assert dict(orders) == {"live": 1, "b": 1, "a": 1}  # what is given anew is the same order
    assert [x for x in found.notes if x.startswith("a: declares no costs")]


def refused(folder: Path, to: Path) -> Path:
    """Save the inputs of a plan with line x open again, refused by b; return the folder."""
    inputs = load_inputs(folder)
    x = inputs.lines.with_columns(
        order_id=pl.lit("shop/001"), line_id=pl.lit("x"), sku=pl.lit("x"), placed_at=pl.lit(START)
    )
    told = pl.DataFrame([{"order_id": "shop/001", "sku": "x", "location_id": "b"}])
    shelf = pl.DataFrame([("a", "x", 1), ("b", "x", 0)], inputs.stock.schema, orient="row")
    inputs = replace(
        inputs, lines=pl.concat([x, inputs.lines]), refused=told.select(inputs.refused.columns),
        stock=shelf,
    )  # fmt: skip
    return save_inputs(to / plan(inputs).plan_id, inputs)


def test_what_is_canceled_before_history_gives_it_comes_back_to_rules_that_gave_it(tmp_path):
    """x waits in history, which may ship from b alone; `cheap` gave it, then it is canceled."""
    lines = [line(1, "x", 1, START), line(2, "y", 1, START + 2 * HOUR)]
    world = two_days(lines, stock(ax=1))
    first = rehearse(tmp_path / "1", world, ONE, [START]).ticks
    lines = [line(2, "y", 1, START + 2 * HOUR), line(3, "x", 1, START + 4 * HOUR)]
    later = rehearse(
        tmp_path / "2", two_days(lines, stock(ax=1)), ONE, [START + 2 * HOUR, START + 4 * HOUR]
    )
    found = backtest(History([*first, *later.ticks]), [RuleSet("any", LIVE)])
    assert set(found.plans["again"]) == {"same"}
    [day] = found.days.filter(pl.col("settings") == "any").to_dicts()
    # the unit of the canceled order is there for the third one
    assert (day["parcels"], day["orders"], day["waiting"], found.short["any"]) == (2, 2, 1, 0)


def test_units_that_a_count_takes_from_under_other_rules_are_told(tmp_path):
    """`a` keeps what history's count finds gone: it gave b's unit, and the count takes it."""
    lines = [line(1, "x", 1, START), line(2, "x", 1, START + 2 * HOUR)]
    far = Routing(rules=[Rule(id="a", **{"from": "location_id = 'a'"})])
    world = two_days(lines, stock(ax=1, bx=1), (START + HOUR, "b", "x", -1))
    past = rehearse(tmp_path, world, far, [START, START + 2 * HOUR])
    found = backtest(past, [RuleSet("b", ONE)])
    assert found.short == {"live": 0, "b": 1}


def test_inputs_that_cannot_be_read_leave_what_their_plan_gave_as_it_was(tmp_path):
    world, ticks = drawn(6)
    past = rehearse(tmp_path, world, LIVE, ticks[:3])
    (past.ticks[1] / "stock.parquet").write_bytes(b"cut")
    found = backtest(past, [RuleSet("near", NEAR)])
    assert found.plans["again"].to_list() == ["same", "unreadable", "same"]
    assert "taken as it was" in found.notes[0]


def test_capacity_counts_by_the_day_that_each_location_works(tmp_path):
    """History gives one order to a, one to b, each with one a day; b works on Saturdays."""
    saturday = datetime(2026, 3, 7, 9, tzinfo=UTC)
    ticks = []
    for number, room in enumerate(((1, 1), (0, 1))):
        rooms = places(1, 1).with_columns(
            capacity_left=pl.Series(room, dtype=pl.Int64),
            working_days=pl.lit("mon tue wed thu fri sat"),
            handling_cost=pl.Series([0.0, 1.0]),
        )
        wanted = pl.DataFrame([line(number, "x", 1, saturday)])
        at = saturday + number * HOUR
        inputs = inputs_of(wanted, stock(ax=5, bx=5), rooms, LIVE, at)
        ticks.append(save_inputs(tmp_path / plan(inputs).plan_id, inputs))
    found = backtest(History(ticks), [RuleSet("one", ONE)])
    assert found.days.select("settings", "parcels", "waiting").rows() == [
        ("live", 2, 0), ("one", 1, 1),
    ]  # fmt: skip
