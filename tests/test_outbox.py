"""The outbox: each thing is promised once and delivered, whatever fails on the way."""

from dataclasses import dataclass

import polars as pl
import pytest
from outbox_world import OMS, Ear, Post, box, promised, ship
from stock_world import NOON, World, at

from oms_pipelines.channels.base import Receipt
from oms_pipelines.errors import Rejected
from oms_pipelines.outbox import deliver
from oms_pipelines.stock import ledger
from oms_pipelines.store import Store


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def test_each_step_of_an_order_is_promised_once(world: World):
    world.order("shop/1", {"sock": 2})
    assert promised(world, OMS, NOON) == ["message/shop/1//retrieved"]
    world.give("1", "sock", 1, state="dispatched", dispatched_at=at(0.1))
    world.give("1b", "sock", 1, state="dispatched", dispatched_at=at(0.1), order_id="shop/1")
    assert promised(world, OMS, at(0.2)) == ["message/shop/1//preparing"]
    world.parcel("1", "sock", 1, at(1))
    world.parcel("1", "sock", 1, at(1), shipment_id="lyon/2")
    assert promised(world, OMS, at(1.1)) == [
        "message/shop/1/lyon/1/shipped",
        "message/shop/1/lyon/2/shipped",
        "tracking/lyon/1",
        "tracking/lyon/2",
    ]
    world.parcel("1", "sock", 1, at(1), status="Delivered", status_at=at(30))
    assert promised(world, OMS, at(31)) == ["message/shop/1/lyon/1/delivered"]


def test_a_channel_that_tells_its_customers_itself_hears_of_parcels_alone(world: World):
    world.order("till/1", {"sock": 2})
    world.parcel("1", "sock", 2, at(1), order_id="till/1")
    assert promised(world, OMS, at(1)) == ["tracking/lyon/1"]


def test_without_a_mail_server_no_message_is_promised(world: World):
    ship(world)
    quiet = OMS.model_copy(
        update={"notifications": OMS.notifications.model_copy(update={"smtp": None})}
    )
    assert promised(world, quiet, at(1)) == ["tracking/lyon/1"]


def test_a_backfill_of_old_orders_tells_nobody(world: World):
    old = at(-24 * 30)
    world.order("shop/1", {"sock": 2}, old, fetched_at=NOON)
    world.order("shop/2", {"sock": 2}, fulfillment_status="fulfilled")
    world.order("shop/3", {"sock": 2}, order_status="closed")
    world.order("shop/4", {"sock": 2}, delivery_mode="none")
    # a parcel of last month, learned of today: the channel is told, the customer is not
    world.parcel("1", "sock", 2, old, known=NOON, status="Delivered", status_at=old)
    assert promised(world, OMS, NOON) == ["tracking/lyon/1"]


def test_a_held_order_is_told_of_when_it_opens(world: World):
    world.order("shop/1", {"sock": 2}, at(-48), order_status="held")
    world.order("shop/2", {"sock": 2}, at(-1))
    assert promised(world, OMS, NOON) == ["message/shop/2//retrieved"]
    world.order("shop/1", {"sock": 2}, at(-48), fetched_at=at(1))
    assert promised(world, OMS, at(1)) == ["message/shop/1//retrieved"]


def test_tracking_reaches_the_channel_once_with_its_lines(world: World):
    ship(world)
    promised(world, OMS, at(1))
    ear = Ear()
    done = deliver(world.store, OMS, {"shop": ear}, None, at(1))
    assert [(d.kind, d.accepted, d.waiting) for d in done] == [("tracking", 1, 0)]
    [parcel] = ear.parcels
    assert (parcel.external_id, parcel.complete) == ("1", True)
    assert [(x.line_id, x.quantity) for x in parcel.lines] == [("sock", 2)]
    assert parcel.tracking_url == "https://track.example/T1"
    assert deliver(world.store, OMS, {"shop": ear}, None, at(2)) == []
    assert box(world)["tracking/lyon/1"]["state"] == "accepted"


def test_a_channel_that_is_down_is_told_later_and_nothing_is_given_up(world: World):
    ship(world)
    promised(world, OMS, at(1))
    ear, hours = Ear(fail=20), 1.0
    for _ in range(20):
        done = deliver(world.store, OMS, {"shop": ear, "till": Ear()}, None, at(hours))
        assert [(d.kind, d.waiting, d.error) for d in done] == [("tracking", 1, "shop: no answer")]
        assert (
            deliver(world.store, OMS, {"shop": ear}, None, at(hours)) == []
        )  # not before its time
        hours += 3
    deliver(world.store, OMS, {"shop": ear}, None, at(hours))
    assert len(ear.parcels) == 1
    assert box(world)["tracking/lyon/1"]["attempts"] == 21


def test_a_refusal_fails_the_intent_and_says_why(world: World):
    ship(world)
    promised(world, OMS, at(1))
    done = deliver(world.store, OMS, {"shop": Ear(refuse=True)}, None, at(1))
    assert done[0].rejected == 1
    found = box(world)["tracking/lyon/1"]
    assert (found["state"], found["error"]) == ("failed", "order closed")
    assert deliver(world.store, OMS, {"shop": Ear()}, None, at(9)) == []


def test_one_destination_that_fails_delays_no_other(world: World):
    ship(world)
    world.order("till/9", {"sock": 1})
    world.parcel("9", "sock", 1, at(1), order_id="till/9")
    promised(world, OMS, at(1))
    till, post = Ear(), Post()
    done = deliver(world.store, OMS, {"shop": Ear(fail=1), "till": till}, post, at(1))
    assert len(till.parcels) == 1
    assert len(post.keys) == 3
    assert sorted((d.destination, d.accepted) for d in done) == [
        ("customers", 3), ("shop", 0), ("till", 1),
    ]  # fmt: skip


class Killed(BaseException):
    pass


def test_a_kill_between_the_delivery_of_a_message_and_its_receipt_repeats_that_one_alone(
    world: World,
):
    for number in range(60):
        world.order(f"shop/{number}", {"sock": 1})
    promised(world, OMS, NOON)

    class Dying(Post):
        def send(self, letters):
            for receipt in super().send(letters):
                if len(self.keys) == 40:  # it was taken, and nobody is told so
                    raise Killed
                yield receipt

    dying, post = Dying(), Post()
    with pytest.raises(Killed):
        deliver(world.store, OMS, {}, dying, NOON)
    deliver(world.store, OMS, {}, post, NOON)
    assert len(dying.keys) == 40
    assert len(set(dying.keys) | set(post.keys)) == 60
    assert set(dying.keys) & set(post.keys) == {dying.keys[-1]}


def test_each_receipt_is_durable_before_the_next_message_leaves_and_a_slow_one_keeps_nobody_out(
    world: World,
):
    for number in range(3):
        world.order(f"shop/{number}", {"sock": 1})
    promised(world, OMS, NOON)
    stored = []

    class Slow(Post):
        def send(self, letters):
            for receipt in super().send(letters):
                with world.store.session() as s:  # fails where another session stays open
                    told = s.table("outbox").filter(state="accepted")
                stored.append(told["key"].to_list())
                yield receipt

    slow = Slow()
    deliver(world.store, OMS, {}, slow, NOON)
    assert stored == [sorted(slow.keys[:n]) for n in range(3)]


def test_what_a_mail_server_did_not_take_waits_and_what_it_refused_fails(world: World):
    for number in range(4):
        world.order(f"shop/{number}", {"sock": 1})
    promised(world, OMS, NOON)

    class Choosy:
        def send(self, letters):
            outcomes = ("accepted", "rejected", "retry", "accepted")
            for letter, outcome in zip(letters, outcomes, strict=True):
                yield Receipt(letter.key, outcome, outcome)

    [done] = deliver(world.store, OMS, {}, Choosy(), NOON)
    assert (done.accepted, done.rejected, done.waiting) == (2, 1, 1)
    found = [(r["state"], r["attempts"], r["error"]) for r in box(world).values()]
    assert found == [
        ("accepted", 1, None), ("failed", 1, "rejected"), ("pending", 1, "retry"),
        ("accepted", 1, None),
    ]  # fmt: skip
    assert deliver(world.store, OMS, {}, Post(), at(0.05)) == []


@dataclass
class Full:
    """A store that can be read, and takes nothing more."""

    store: Store

    def session(self, *, read_only: bool = False):
        if not read_only:
            raise Rejected("the disk is full")
        return self.store.session(read_only=True)


def test_a_store_that_cannot_keep_a_receipt_stops_the_messages(world: World):
    for number in range(3):
        world.order(f"shop/{number}", {"sock": 1})
    promised(world, OMS, NOON)
    post = Post()
    with pytest.raises(Rejected, match="full"):
        deliver(Full(world.store), OMS, {}, post, NOON)
    assert len(post.keys) == 1


def hold(world: World, number: str, sku: str, quantity: int, hours: float) -> None:
    held = {"order_status": "held", "hold_reason": "waits for acceptance"}
    world.order(f"shop/{number}", {sku: quantity}, at(hours), **held)


def test_an_order_is_accepted_when_its_goods_are_there_and_no_unit_stands_behind_two(
    world: World,
):
    world.count("lyon", "sock", 5, at(-5))
    world.count("lyon", "glove", 1, at(-5))
    with world.store.session() as s:
        ledger.post(s, NOON)
    world.order("shop/0", {"sock": 1}, at(-4))  # open already: one sock is its own
    hold(world, "1", "sock", 3, -3)
    hold(world, "2", "sock", 2, -2)
    hold(world, "3", "glove", 1, -1)
    hold(world, "4", "hat", 1, -1)
    promised(world, OMS, NOON)
    ear = Ear()
    deliver(world.store, OMS, {"shop": ear}, None, NOON)
    assert ear.accepted == [("1", ("sock",)), ("3", ("glove",))]
    waiting = {k for k, r in box(world).items() if k[:3] == "acc" and r["state"] == "pending"}
    assert waiting == {"acceptance/shop/2", "acceptance/shop/4"}


def test_an_order_with_a_line_nobody_knows_is_not_accepted_yet(world: World):
    held = {"order_status": "held", "hold_reason": "waits for acceptance"}
    world.order("shop/1", {"sock": 1}, line={"sku": None}, **held)
    assert promised(world, OMS, NOON) == []


def test_what_would_be_sent_can_be_shown(world: World):
    ship(world)
    world.give("2", "sock", 2)
    promised(world, OMS, at(1))
    with world.store.session() as s:
        rows = s.query("outbox/would_send")
    assert rows.filter(pl.col("what") != "level").rows() == [
        ("dispatch line", "lyon", 1),
        ("message", "shop", 3),
        ("tracking", "shop", 1),
    ]
