"""What is read from the store to plan, and what a plan leaves there. On both stores."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from store_frames import contact, frame, line, order

from oms_pipelines.config import Oms, Routing, Rule, Split, Unfilled, parse
from oms_pipelines.errors import Malformed
from oms_pipelines.routing import (
    keep_version,
    plan,
    read_inputs,
    read_version,
    replay,
    save_inputs,
    store_plan,
)
from oms_pipelines.routing.keep import fulfillment_ids
from oms_pipelines.routing.model import rules_version
from oms_pipelines.store import Store

NOW = datetime(2026, 1, 7, 9, tzinfo=UTC)


def settings(**more) -> Oms:
    places = [
        {"id": "near", "address": {"country": "FR", "postal_code": "69007"}},
        {"id": "far", "address": {"country": "FR", "postal_code": "75001"}},
    ]
    places[0] |= more.pop("near", {})
    return parse({"locations": places, **more})


def sold(key: str, quantity: int = 2, **more) -> dict:
    row = line(key, 1, quantity) | {"sku": "a", "requires_shipping": True}
    return row | {"unit_price": Decimal(10), "keep_together": None} | more


def lives(key: str) -> dict:
    return contact(key) | {"country": "FR", "postal_code": "69001", "latitude": 45.76789}


def wants(key: str, **more) -> dict:
    return order(key) | {"delivery_mode": "home", "fetched_at": NOW} | more


def fill(store: Store, orders: list[dict], lines: list[dict], stock: dict[tuple[str, str], int]):
    with store.session() as s:
        s.insert_new("orders", frame("orders", *orders))
        s.insert_new("order_lines", frame("order_lines", *lines))
        keys = [o["external_id"] for o in orders]
        s.insert_new("order_contacts", frame("order_contacts", *(lives(k) for k in keys)))
        held = [
            {"account": f"{p}/sellable", "sku": k, "quantity": n} for (p, k), n in stock.items()
        ]
        world = {"account": "world/count", "sku": "a", "quantity": -9}
        s.insert_new("stock_balances", frame("stock_balances", world, *held))


def tick(store: Store, oms: Oms, now: datetime = NOW):
    with store.session() as s:
        made = plan(read_inputs(s, oms, now))
        return made, store_plan(s, made, now)


def answer(store: Store, shipped: int, refused: int, state: str, closed: datetime):
    with store.session() as s:
        lines = s.table("fulfillment_lines").with_columns(
            shipped_quantity=pl.lit(shipped, pl.Int64), refused_quantity=pl.lit(refused, pl.Int64)
        )
        orders = s.table("fulfillment_orders").with_columns(
            state=pl.lit(state), closed_at=pl.lit(closed)
        )
        s.upsert("fulfillment_lines", lines)
        s.upsert("fulfillment_orders", orders)


def test_a_plan_becomes_fulfillment_orders_and_is_not_made_twice(store: Store):
    fill(store, [wants("1"), wants("2")], [sold("1"), sold("2")], {("near", "a"): 3})
    made, new = tick(store, settings())
    assert new
    assert made.unfilled["order_id"].to_list() == ["shop/2"]
    with store.session() as s:
        given = s.table("fulfillment_orders").row(0, named=True)
        lines = s.table("fulfillment_lines").rows()
        kept = s.table("plans").row(0, named=True)
        assert s.table("decisions").height == 4
        assert not s.insert_new("decisions", made.decisions)
    assert given["order_id"] == "shop/1"
    assert (given["location_id"], given["state"], given["planned_at"]) == ("near", "planned", NOW)
    assert lines == [(given["fo_id"], "1", "a", 2, 0, 0, None, None)]
    assert (kept["plan_hash"], kept["lines"], kept["unfilled_lines"]) == (made.plan_hash, 2, 1)
    again, _ = tick(store, settings(), NOW + timedelta(minutes=5))
    assert again.lines == 1


def test_what_goes_on_waiting_for_the_same_reason_is_not_written_again(store: Store):
    fill(store, [wants("1")], [sold("1")], {})
    later = NOW + timedelta(minutes=5)
    assert tick(store, settings())[1]
    assert not tick(store, settings(), later)[1]
    with store.session() as s:
        assert s.table("plans").height == 1
        s.insert_new("stock_balances", frame("stock_balances",
                     {"account": "near/sellable", "sku": "a", "quantity": 1}))  # fmt: skip
    assert tick(store, settings(), later)[1]
    with store.session() as s:
        assert s.table("fulfillment_orders").is_empty()


def test_nothing_open_writes_nothing(store: Store):
    assert tick(store, settings())[1] is False
    with store.session() as s:
        assert s.table("plans").is_empty()


def test_what_may_not_ship_is_not_read(store: Store):
    orders = [
        wants("held", order_status="held", hold_reason="payment pending"),
        wants("doubted", hold_reason="held by the channel"),
        wants("done", order_status="closed"),
        wants("till", delivery_mode="none"),
        wants("unknown"), wants("card"), wants("canceled"), wants("good"),
    ]  # fmt: skip
    lines = [sold(o["external_id"]) for o in orders]
    lines[4]["sku"] = None
    lines[5]["requires_shipping"] = False
    lines[6]["canceled_quantity"] = 2
    lines[7] |= {"units_per": 6, "canceled_quantity": 1}
    fill(store, orders, lines, {("near", "a"): 99})
    with store.session() as s:
        found = read_inputs(s, settings(), NOW).lines
    assert found.select("order_id", "quantity").rows() == [("shop/good", 6)]
    assert found["unit_value"].to_list() == pytest.approx([10 / 6])
    assert found["latitude"].to_list() == [45.77]


def test_what_a_location_refused_comes_back_and_is_offered_to_another(store: Store):
    fill(store, [wants("1")], [sold("1", 3)], {("near", "a"): 3, ("far", "a"): 3})
    tick(store, settings())
    answer(store, 1, 2, "partially_shipped", NOW + timedelta(hours=1))
    made, _ = tick(store, settings(), NOW + timedelta(hours=2))
    columns = ["location_id", "quantity"]
    assert made.allocations.select(columns).rows() == [("far", 2)]
    refused = made.decisions.filter(location_id="near")["failed_test"].to_list()
    assert refused == ["refused before"]


def test_a_refused_part_comes_back_whole(store: Store):
    fill(store, [wants("1")], [sold("1", 3)], {("near", "a"): 3, ("far", "a"): 3})
    tick(store, settings())
    answer(store, 0, 0, "refused", NOW + timedelta(hours=1))
    made, _ = tick(store, settings(), NOW + timedelta(hours=2))
    assert made.allocations.select("location_id", "quantity").rows() == [("far", 3)]


@pytest.mark.parametrize(
    ("said", "closed", "left"),
    [
        (0, -1, 2),  # the channel has not heard of the hub's parcel
        (1, -1, 2),  # it has: the same unit
        (2, -1, 1),  # somebody else shipped one besides
        (1, +1, 1),  # the parcel left after the record was read: the unit is another
    ],
)
def test_a_unit_shipped_by_the_hub_and_told_to_the_channel_counts_once(
    store: Store, said: int, closed: int, left: int
):
    fill(store, [wants("1")], [sold("1", 3)], {("near", "a"): 3})
    tick(store, settings())
    answer(store, 1, 2, "partially_shipped", NOW + timedelta(hours=closed))
    with store.session() as s:
        s.upsert("order_lines", frame("order_lines", sold("1", 3, shipped_quantity=said)))
        assert read_inputs(s, settings(), NOW).lines["quantity"].to_list() == [left]


def test_safety_stock_of_the_location_and_of_routing_stays(store: Store):
    fill(store, [wants("1")], [sold("1")], {("near", "a"): 10, ("far", "a"): 1, ("gone", "a"): 9})
    oms = settings(near={"safety_stock": 3}, routing={"safety_stock": 2})
    with store.session() as s:
        found = read_inputs(s, oms, NOW).stock
    assert found.rows() == [("far", "a", 0), ("near", "a", 5)]


def test_a_capacity_is_what_the_shipping_day_has_left(store: Store):
    fill(store, [wants(str(i)) for i in range(4)], [sold(str(i), 1) for i in range(4)],
         {("near", "a"): 9})  # fmt: skip
    oms = settings(near={"capacity": "3/day", "cut_off": "17:00 Europe/Paris"})
    made, _ = tick(store, oms)
    assert (made.allocated_lines, made.unfilled["reason"].to_list()) == (3, ["capacity"])
    with store.session() as s:
        noon, evening = (read_inputs(s, oms, NOW + timedelta(hours=h)) for h in (2, 9))
    left = [x.locations.filter(location_id="near")["capacity_left"].item() for x in (noon, evening)]
    assert left == [0, 3]


def test_inputs_read_from_a_store_replay_to_the_same_hash(store: Store, tmp_path):
    fill(store, [wants("1"), wants("2")], [sold("1"), sold("2")], {("near", "a"): 3})
    with store.session() as s:
        inputs = read_inputs(s, settings(), NOW)
    made = plan(inputs)
    assert replay(save_inputs(tmp_path / "p", inputs)).plan_id == made.plan_id


def test_keys_of_fulfillment_orders_are_safe_in_files_and_never_shared():
    keys = ["shop/1", "shop/1-1", "shop/a#1", "shop/a_1", "shop/a;1", "shop/../x", "shop_2/1"]
    rows = pl.DataFrame({"order_id": keys * 2, "part": [0] * 7 + [1] * 7})
    made = fulfillment_ids(rows, "20260107T090000Z-0a1b2c3d")
    assert made[0] == "shop-1-0a1b2c3d-1"
    assert made.n_unique() == 14
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+", x) for x in made)


def test_a_split_makes_a_fulfillment_order_a_part(store: Store):
    fill(store, [wants("1")], [sold("1", 3)], {("near", "a"): 2, ("far", "a"): 1})
    rules = Routing(rules=[Rule(id="r", split=Split(parts=2))])
    oms = settings().model_copy(update={"routing": rules})
    tick(store, oms)
    with store.session() as s:
        given = s.table("fulfillment_orders").select("fo_id", "location_id").rows()
    assert [(x[0][-2:], x[1]) for x in given] == [("-1", "near"), ("-2", "far")]


def test_the_rules_of_a_plan_are_kept_whole_and_a_comment_makes_another_version(store: Store):
    deadline = Unfilled(deadline=timedelta(days=5, seconds=1))
    old = Routing(rules=[Rule(id="all", comment="ours", unfilled=deadline)], comment="first")
    new = old.model_copy(update={"comment": "second"})
    with store.session() as s:
        for rules, now in ((old, NOW), (new, NOW), (old, NOW + timedelta(days=1))):
            keep_version(s, rules, now)
        kept = s.table("rule_versions")
    assert sorted(kept["comment"]) == ["first", "second"]
    assert kept["first_used_at"].to_list() == [NOW, NOW]  # a version is written once
    with store.session(read_only=True) as s:
        for rules in (old, new):
            text = read_version(s, rules_version(rules))
            assert Routing.model_validate(text) == rules
            assert text["rules"][0]["unfilled"]["deadline"] == "432001s"
        with pytest.raises(KeyError):
            read_version(s, "none")


def test_rules_that_were_changed_in_the_store_are_refused(store: Store):
    rules = Routing(comment="first")
    with store.session() as s:
        keep_version(s, rules, NOW)
        row = s.table("rule_versions").with_columns(
            rules=pl.col("rules").str.replace("first", "last")
        )
        s.upsert("rule_versions", row)
        with pytest.raises(Malformed, match="their text was changed"):
            read_version(s, rules_version(rules))
