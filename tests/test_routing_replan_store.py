"""Planning again on the store: what moves, moves whole, once, and with its stock. Both stores."""

from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kits_world import allocate, declare
from plan_pages import planned_of
from stock_world import NOON, World, channel, network
from test_routing_replan import PLACES, line, part, planned
from test_routing_replay import many
from test_routing_shadow import opened

from oms_pipelines.config import Oms, Replan, Routing, parse
from oms_pipelines.dispatch import plan_files
from oms_pipelines.errors import Misconfigured, Rejected
from oms_pipelines.routing import (
    inputs_of,
    plan,
    read_inputs,
    replaced_lines,
    replay,
    save_inputs,
    store_plan,
)
from oms_pipelines.routing.backtest import backtest
from oms_pipelines.routing.history import History
from oms_pipelines.routing.model import inputs_hash, rules_version
from oms_pipelines.routing.rule_sets import RuleSet, under
from oms_pipelines.routing.solve import Plan
from oms_pipelines.stages import plan as stage
from oms_pipelines.stock import ledger
from oms_pipelines.store import Store

MINUTE = timedelta(minutes=1)


def hub(tmp_path, price: float | None = 1, **more: object) -> Oms:
    """Return two places: near costs nothing, far 3 a part; at most two parts an order."""
    places = [
        {"id": x, "address": {"country": "FR"}, "handling_cost": cost,
         "dispatch": {"to": str(tmp_path / x)}, **more}
        for x, cost in (("near", 0), ("far", 3))
    ]  # fmt: skip
    routing = {"rules": [{"id": "all", "split": {"parts": 2}}]}
    if price is not None:
        routing["replan"] = {"price": price}
    return network([channel("shop", share=1)], places, routing=routing)


def given_to(store: Store) -> list[tuple]:
    with store.session(read_only=True) as s:
        rows = s.table("fulfillment_orders").sort("planned_at", "fo_id")
        return rows.select("order_id", "location_id", "state").rows()


def moved(world: World, oms: Oms) -> Plan:
    """Give an order to far, and let stock come to near."""
    world.order("shop/1", {"a": 2})
    world.count("far", "a", 2, NOON)
    allocate(world, oms, NOON)
    world.count("near", "a", 2, NOON + MINUTE)
    return allocate(world, oms, NOON + 2 * MINUTE)


@pytest.mark.parametrize(("price", "place"), [(None, "far"), (2.9, "near"), (3, "far")])
def test_a_part_without_a_file_moves_where_that_saves_the_price(store, tmp_path, price, place):
    world, oms = World(store, "near", "far"), hub(tmp_path, price)
    made = moved(world, oms)
    states = {"near": [("far", "canceled"), ("near", "planned")], "far": [("far", "planned")]}
    assert [x[1:] for x in given_to(store)] == states[place]
    assert replaced_lines(made).height == (place == "near")
    assert_sound(store)
    with store.session() as s:
        count = s.table("plans").height
    allocate(world, oms, NOON + 3 * MINUTE)
    with store.session() as s:
        assert s.table("plans").height == count
        assert ledger.post(s, NOON + 4 * MINUTE).movements == 0


def test_what_stands_in_a_file_stays(store, tmp_path):
    world, oms = World(store, "near", "far"), hub(tmp_path, 0)
    world.order("shop/1", {"a": 2})
    world.count("far", "a", 2, NOON)
    allocate(world, oms, NOON)
    with store.session() as s:
        plan_files(s, oms, NOON)
    world.count("near", "a", 2, NOON + MINUTE)
    assert allocate(world, oms, NOON + 2 * MINUTE).lines == 0
    assert given_to(store) == [("shop/1", "far", "planned")]


def test_parts_wait_for_their_file_until_so_long_before_they_leave(store, tmp_path):
    """They leave at 17:00 UTC: from 14:00 on they are fixed, until then they move."""
    oms = hub(tmp_path, 1, cut_off="17:00 UTC", dispatch={"to": str(tmp_path), "before": "3h"})
    world = World(store, "near", "far")
    moved(world, oms)
    with store.session() as s:
        assert plan_files(s, oms, NOON + 119 * MINUTE).fulfillment_orders == 0
    world.count("near", "a", 0, NOON + 119 * MINUTE)
    allocate(world, oms, NOON + 119 * MINUTE)
    assert [x[1] for x in given_to(store) if x[2] == "planned"] == ["far"]
    with store.session() as s:
        assert plan_files(s, oms, NOON + 120 * MINUTE).fulfillment_orders == 1
        assert s.table("fulfillment_orders")["file_name"].drop_nulls().len() == 1


def planned_and_killed(store: Store, oms: Oms) -> None:
    with store.session() as s:
        ledger.post(s, NOON + 2 * MINUTE)
        assert store_plan(s, plan(read_inputs(s, oms, NOON + 2 * MINUTE)), NOON + 2 * MINUTE)
        raise RuntimeError("killed")


def test_a_part_that_came_into_a_file_meanwhile_is_not_moved(store, tmp_path):
    world, oms = World(store, "near", "far"), hub(tmp_path)
    world.order("shop/1", {"a": 2})
    world.count("far", "a", 2, NOON)
    allocate(world, oms, NOON)
    world.count("near", "a", 2, NOON + MINUTE)
    quiet = oms.model_copy(update={"channels": []})
    with pytest.raises(RuntimeError, match="killed"):
        planned_and_killed(store, quiet)
    assert given_to(store) == [("shop/1", "far", "planned")]
    with store.session() as s:
        ledger.post(s, NOON + 2 * MINUTE)
        made = plan(read_inputs(s, quiet, NOON + 2 * MINUTE))
    with store.session() as s:
        plan_files(s, oms, NOON + 2 * MINUTE)
    with pytest.raises(Rejected, match="went into a dispatch file"), store.session() as s:
        store_plan(s, made, NOON + 2 * MINUTE)
    assert given_to(store) == [("shop/1", "far", "planned")]
    assert_sound(store)


def test_an_order_that_wants_less_than_it_was_given_is_left_to_the_dispatch(store, tmp_path):
    world, oms = World(store, "near", "far"), hub(tmp_path, 0)
    world.order("shop/1", {"a": 2})
    world.count("far", "a", 2, NOON)
    allocate(world, oms, NOON)
    world.order("shop/1", {"a": 2}, NOON + MINUTE, line={"canceled_quantity": 1})
    world.count("near", "a", 2, NOON + MINUTE)
    assert allocate(world, oms, NOON + 2 * MINUTE).lines == 0
    assert given_to(store) == [("shop/1", "far", "planned")]
    with store.session() as s:
        assert plan_files(s, oms, NOON + 3 * MINUTE).canceled == 1
    allocate(world, oms, NOON + 4 * MINUTE)
    assert [x[1:] for x in given_to(store)] == [("far", "canceled"), ("near", "planned")]
    assert_sound(store)


def assert_sound(store: Store) -> None:
    """Hold that balances are those of the parts, nothing is given twice, or that is not there."""
    with store.session(read_only=True) as s:
        assert ledger.differences(s).is_empty()
        orders, lines = s.table("fulfillment_orders"), s.table("fulfillment_lines")
        wanted = s.table("order_lines").select("order_id", "line_id", "ordered_quantity")
        balances = s.table("stock_balances")
    live = lines.join(orders.filter(pl.col("state") != "canceled"), on="fo_id")
    assert orders.filter(pl.col("state") == "canceled")["file_name"].null_count() == len(
        orders.filter(pl.col("state") == "canceled")
    )
    units = live.group_by("order_id", "line_id").agg(pl.col("quantity").sum())
    both = units.join(wanted, on=["order_id", "line_id"])
    assert (both["quantity"] <= both["ordered_quantity"]).all()
    shelf = pl.format("{}/allocated", "location_id").alias("account")
    asked = live.group_by(shelf, "sku").agg(pl.col("quantity").sum()).sort("account", "sku")
    held = balances.filter(pl.col("account").str.ends_with("/allocated"), pl.col("quantity") != 0)
    assert asked.rows() == held.select("account", "sku", "quantity").sort("account", "sku").rows()
    left = balances.filter(pl.col("account").str.ends_with("/sellable"))
    assert (left["quantity"] >= 0).all()


KINDS = ["order", "order", "stock", "stock", "tick", "files"]
ACTS = st.lists(st.sampled_from(KINDS), min_size=5, max_size=9)


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(acts=ACTS, price=st.sampled_from([0.0, 2.0, 9.0]), data=st.data())
def test_no_unit_is_given_twice_whatever_comes(store, tmp_path, acts, price, data):
    world, oms = World(store, "near", "far"), hub(tmp_path, price)
    with store.session() as s:  # an example goes on where the last one ended
        turn = s.table("orders").height * 100
        known = s.table("stock_counts")
    now = NOON + turn * MINUTE
    shelf = {(p, k): n for p, k, n in known.sort("counted_at")
             .select("location_id", "sku", "quantity").iter_rows()}  # fmt: skip
    for act in [*acts, "tick"]:
        now += MINUTE
        if act == "order":
            skus = data.draw(st.lists(st.sampled_from("ab"), min_size=1, unique=True))
            key = f"shop/{now:%d%H%M}"
            world.order(key, {k: data.draw(st.integers(1, 3)) for k in skus}, now,
                        priority=data.draw(st.integers(0, 1)))  # fmt: skip
        elif act == "stock":
            at = data.draw(st.sampled_from(["near", "far"])), data.draw(st.sampled_from("ab"))
            shelf[at] = shelf.get(at, 0) + data.draw(st.integers(1, 3))
            world.count(*at, shelf[at], now)
        elif act == "files":
            with store.session() as s:
                plan_files(s, oms, now)
        else:
            allocate(world, oms, now)
            before = given_to(store)
            allocate(world, oms, now + MINUTE / 2)
            assert given_to(store) == before
            assert_sound(store)


def test_what_is_held_is_an_input_and_replays(tmp_path):
    lines = [line("1", "x")]
    held = pl.concat([part("1", "b", 1, "x"), part("2", "b", 1, "x")])
    stock = pl.DataFrame([{"location_id": "b", "sku": "x", "available": 3}])
    rules = Routing(replan=Replan(price=1))
    one, other, none = (
        inputs_of(pl.DataFrame(lines), stock, PLACES, rules, NOON, held=x)
        for x in (held, held.reverse(), None)
    )
    assert inputs_hash(one) == inputs_hash(other) != inputs_hash(none)
    made = plan(one)
    assert replay(save_inputs(tmp_path / "one", one)).plan_id == made.plan_id
    bare = save_inputs(tmp_path / "none", none)
    assert not (bare / "held.parquet").exists()
    assert replay(bare).plan_id == plan(none).plan_id


def test_rules_without_it_keep_their_version_and_a_price_below_zero_is_refused():
    assert rules_version(Routing()) == "cbea961d0e360db6"  # of the release before the setting
    assert rules_version(Routing(replan=Replan(price=0))) != "cbea961d0e360db6"
    with pytest.raises(Misconfigured, match=r"routing\.replan\.price: "):
        parse({"routing": {"replan": {"price": -1}}})
    with pytest.raises(Misconfigured, match=r"routing\.replan\.price: is missing"):
        parse({"routing": {"replan": {}}})
    before = "dc8cb4dfe1b4df4ef87a0152eaf8600ad187447bc502228b45f7958291df5968"
    assert inputs_hash(many()) == before


def test_a_shadow_without_the_setting_plans_at_the_live_price():
    lines, stock = [line("1", "x")], {"ax": 1, "bx": 1}
    _, made = planned(lines, stock, 2, "auto", part("1", "b", 1, "x"))
    frames = pl.DataFrame(lines), pl.DataFrame({"location_id": ["b"], "sku": "x", "available": 1})
    rules = Routing(replan=Replan(price=2))
    live = inputs_of(*frames, PLACES, rules, NOON, held=made.held)
    assert under(live, RuleSet("other", Routing())).rules.replan == Replan(price=2)
    none = replace(live, held=made.held.clear())
    assert under(none, RuleSet("other", Routing())).rules.replan is None


def test_a_backtest_refuses_what_it_cannot_replay(tmp_path):
    stock = pl.DataFrame({"location_id": ["b"], "sku": "x", "available": 1})
    frames = pl.DataFrame([line("1", "x")]), stock, PLACES
    rules = Routing(replan=Replan(price=2))

    def history(name, **more):
        inputs = inputs_of(*frames, more.pop("rules", rules), NOON, **more)
        return History([save_inputs(tmp_path / name / plan(inputs).plan_id, inputs)])

    held = history("held", held=part("1", "b", 1, "x"))
    with pytest.raises(Rejected, match="--from and --to"):
        backtest(held, [])
    found = backtest(history("off", rules=Routing()), [RuleSet("on", rules)])
    assert any(x.startswith("on: routing.replan moves nothing") for x in found.notes)
    found = backtest(history("on"), [RuleSet("same", rules)])
    assert found.plans["again"].to_list() == ["same"]


def test_a_part_whose_time_has_come_waits_for_its_file_alone(store, tmp_path):
    """Ticks farther apart than `before` send it late, and do not plan it again for ever."""
    world = World(store, "near", "far")
    oms = hub(tmp_path, 1, cut_off="17:00 UTC", dispatch={"to": str(tmp_path), "before": "30m"})
    world.order("shop/1", {"a": 2})
    world.count("near", "a", 2, NOON)
    for hours in range(7):
        now = NOON + hours * 60 * MINUTE + 5 * MINUTE
        allocate(world, oms, now)
        with store.session() as s:
            sent = plan_files(s, oms, now).fulfillment_orders
        assert sent == (now.hour == 17), now
    assert len(given_to(store)) == 1


def test_a_kit_that_was_begun_keeps_its_bill_and_its_part(store, tmp_path):
    world, oms = World(store, "near", "far"), hub(tmp_path, 0)
    declare(world, NOON, kit={"a": 2})
    world.order("shop/1", {"kit": 2})
    world.count("near", "a", 4, NOON)
    allocate(world, oms, NOON)
    declare(world, NOON + MINUTE, kit={"a": 2, "b": 1})
    world.count("near", "a", 9, NOON + MINUTE)
    allocate(world, oms, NOON + 2 * MINUTE)
    assert given_to(store) == [("shop/1", "near", "planned")]
    with store.session() as s:
        assert s.table("fulfillment_lines").select("sku", "quantity").rows() == [("a", 4)]


def test_the_page_of_a_plan_shows_the_parts_that_it_kept(store, tmp_path):
    world = World(store, "near", "far")
    oms = hub(tmp_path).model_copy(update={"channels": []})
    world.order("shop/1", {"a": 2})
    world.count("near", "a", 2, NOON)

    def tick(minute: int) -> bool:
        opened_ = opened(store, oms, tmp_path, NOON + minute * MINUTE)
        with store.session() as s:
            ledger.post(s, NOON + minute * MINUTE)
        stage.allocate(opened_)
        return opened_.results["plan_stored"]

    assert tick(0)
    assert not tick(1)
    world.order("shop/2", {"a": 1}, NOON + 2 * MINUTE)
    assert tick(3)
    shown = planned_of(store, tmp_path)
    assert shown.parts.select("order_id", "location_id", "units").rows() == [("shop/1", "near", 2)]
    assert shown.waits is not None
    assert shown.waits.select("order_id", "reason").rows() == [("shop/2", "stock taken")]
    assert shown.parts["cost"].null_count() == 0
