"""Levels on the way to channels: no oversell under lost answers, and what is shown is right."""

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shop_fake import Shop, tick
from stock_world import NOON, World, at, channel, network

from oms_pipelines.channels.base import Receipt
from oms_pipelines.config import Oms
from oms_pipelines.stock.availability import desired_levels
from oms_pipelines.stock.listings import grants, listing_levels
from oms_pipelines.stock.loop import by_channel, not_observed
from oms_pipelines.stock.publishing import (
    LEVEL,
    about_to_send,
    outcome,
    received,
)
from oms_pipelines.store import Store
from oms_pipelines.store.frames import dtypes

TWO = network([channel("a", share=0.5), channel("b", share=0.5)])


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def row(world: World, channel_id: str, sku: str = "sock") -> dict:
    with world.store.session() as s:
        levels = s.table("levels")
    return levels.filter(pl.col("channel_id") == channel_id, pl.col("sku") == sku).row(
        0, named=True
    )


def test_levels_reach_every_channel_and_an_idle_tick_sends_nothing(world: World):
    shops = {"a": Shop(), "b": Shop()}
    world.count("lyon", "sock", 10, at(-1))
    done = tick(world, TWO, shops, NOON)
    assert [shops[c].shown for c in "ab"] == [{"sock": 5}, {"sock": 5}]
    assert (done["a"].sent, done["a"].accepted, done["a"].unsettled) == (1, 1, 0)
    for shop in shops.values():
        shop.calls = 0
    done = tick(world, TWO, shops, at(0.1))
    assert [shop.calls for shop in shops.values()] == [0, 0]
    assert done["a"].sent == 0


@pytest.mark.parametrize("left", ["none", "removed"])
def test_a_channel_that_leaves_holds_its_units_until_it_shows_none(world: World, left: str):
    shops = {"a": Shop(), "b": Shop()}
    world.count("lyon", "sock", 10, at(-1))
    tick(world, TWO, shops, NOON)
    gone = [channel("b", mode="none")] if left == "none" else []
    oms = network([channel("a", share=1), *gone])
    shops["b"].fate = "down"
    for hours in (1, 2):
        tick(world, oms, shops, at(hours))
        assert (shops["a"].shown, shops["b"].shown) == ({"sock": 5}, {"sock": 5})
        with world.store.session() as s:
            standing = by_channel(s, at(hours), oms)
            assert "b" in not_observed(s, at(hours), 9, oms=oms)["channel_id"]
        assert standing["channel_id"].to_list() == ["a", "b"]
    shops["b"].fate = "ok"
    told = network([channel("a", share=1), channel("b", mode="none")])
    tick(world, told, shops, at(3))
    tick(world, told, shops, at(4))
    assert (shops["a"].shown, shops["b"].shown) == ({"sock": 10}, {"sock": 0})
    shops["b"].calls = 0
    world.count("lyon", "sock", 12, at(4))
    tick(world, told, shops, at(5))
    assert (shops["a"].shown, shops["b"].calls) == ({"sock": 12}, 0)
    with world.store.session() as s:
        assert by_channel(s, at(5), told)["channel_id"].to_list() == ["a"]


def test_a_changed_level_alone_is_sent_and_a_full_pass_sends_all(world: World):
    shops = {"a": Shop(), "b": Shop()}
    world.count("lyon", "sock", 10, at(-1))
    world.count("lyon", "glove", 10, at(-1))
    tick(world, TWO, shops, NOON)
    world.count("lyon", "glove", 8, at(1))
    done = tick(world, TWO, shops, at(1))
    assert (done["a"].sent, shops["a"].shown) == (1, {"sock": 5, "glove": 4})
    shops["a"].shown["sock"] = 99  # somebody typed it in
    done = tick(world, TWO, shops, at(2), full=True)
    assert (done["a"].sent, shops["a"].shown["sock"]) == (2, 5)


def test_an_update_dropped_with_a_200_is_seen_by_reading_back_and_sent_again(world: World):
    shops = {"a": Shop(shown={"sock": 9}, fate="dropped"), "b": Shop()}
    world.count("lyon", "sock", 10, at(-1))
    done = tick(world, TWO, shops, NOON)
    assert (done["a"].accepted, done["a"].alarms) == (1, 0)
    found = row(world, "a")
    # what it still shows counts as held, though it accepted less
    assert (found["observed"], found["accepted"], found["held"]) == (9, 5, 9)
    assert (found["observed_version"], found["error"]) == (None, None)
    shops["a"].fate = "ok"
    done = tick(world, TWO, shops, at(0.1))
    assert (done["a"].sent, done["a"].suspects, done["a"].alarms) == (0, 1, 0)  # it may be late
    done = tick(world, TWO, shops, at(0.3))
    assert (done["a"].sent, done["a"].accepted, done["a"].alarms) == (1, 1, 1)
    assert (shops["a"].shown, row(world, "a")["error"]) == ({"sock": 5}, None)


def test_a_channel_that_cannot_be_read_is_believed(world: World):
    shops = {"a": Shop(reads=False), "b": Shop()}
    world.count("lyon", "sock", 10, at(-1))
    assert tick(world, TWO, shops, NOON)["a"].accepted == 1
    assert tick(world, TWO, shops, at(0.1))["a"].sent == 0
    assert row(world, "a")["observed"] is None


def test_a_channel_that_is_down_is_told_later_and_delays_no_other(world: World):
    shops = {"a": Shop(fate="down"), "b": Shop()}
    world.count("lyon", "sock", 10, at(-1))
    done = tick(world, TWO, shops, NOON)
    assert (done["a"].error, done["a"].unsettled) == ("shop: no answer", 1)
    assert (done["b"].error, shops["b"].shown) == (None, {"sock": 5})
    shops["a"].fate = "ok"
    assert tick(world, TWO, shops, at(0.1))["a"].accepted == 1
    assert shops["a"].shown == {"sock": 5}


def test_receipts_that_came_before_an_error_count(world: World):
    shops = {"a": Shop(fates=["ok", "down"]), "b": Shop()}
    world.count("lyon", "glove", 10, at(-1))
    world.count("lyon", "sock", 10, at(-1))
    done = tick(world, TWO, shops, NOON)
    assert (done["a"].accepted, done["a"].unsettled) == (1, 1)
    assert row(world, "a", "glove")["accepted"] == 5
    done = tick(world, TWO, shops, at(0.1))
    assert (done["a"].sent, done["a"].accepted) == (1, 1)


def test_a_raise_waits_until_the_other_channel_acknowledges_its_lower_level(world: World):
    sale_closed = network([channel("a", share=0.9), channel("b", share=0.1)])
    shops = {"a": Shop(), "b": Shop()}
    world.count("lyon", "sock", 10, at(-1))
    tick(world, TWO, shops, NOON)
    shops["b"].fate = "down"
    tick(world, sale_closed, shops, at(1))
    assert [shops[c].shown["sock"] for c in "ab"] == [5, 5]
    shops["b"].fate = "ok"
    tick(world, sale_closed, shops, at(2))
    assert [shops[c].shown["sock"] for c in "ab"] == [9, 1]


def test_a_raise_whose_answer_was_lost_is_held_until_a_lower_level_is_acknowledged(world: World):
    shops = {"a": Shop(), "b": Shop()}
    world.count("lyon", "sock", 4, at(-1))
    tick(world, TWO, shops, NOON)
    shops["a"].fate = "lost"
    world.count("lyon", "sock", 20, at(1))
    tick(world, TWO, shops, at(1))
    assert shops["a"].shown["sock"] == 10
    # the shelf shrinks, and the shop shows ten until it says otherwise
    shops["a"].fate = "down"
    world.count("lyon", "sock", 12, at(2))
    tick(world, TWO, shops, at(2))
    assert row(world, "a")["held"] == 10
    assert shops["b"].shown["sock"] == 6
    less = network([channel("a", share=0.1), channel("b", share=0.9)])
    tick(world, less, shops, at(3))
    assert shops["a"].shown["sock"] + shops["b"].shown["sock"] <= 16
    assert shops["b"].shown["sock"] == 6
    shops["a"].fate = "ok"
    tick(world, less, shops, at(4))
    assert [shops[c].shown["sock"] for c in "ab"] == [1, 11]


def test_what_a_channel_sold_is_not_given_back_while_another_shows_its_old_level(world: World):
    shops = {"a": Shop(), "b": Shop()}
    world.count("lyon", "sock", 10, at(-1))
    tick(world, TWO, shops, NOON)
    shops["b"].shown["sock"] -= 4
    world.order("b/1", {"sock": 4}, at(0.5))
    shops["a"].fate = "down"
    tick(world, TWO, shops, at(1))
    # three each are due, and the other shop may still sell five of the six that are left
    assert [shops[c].shown["sock"] for c in "ab"] == [5, 1]
    shops["a"].fate = "ok"
    tick(world, TWO, shops, at(2))
    assert [shops[c].shown["sock"] for c in "ab"] == [3, 3]


def test_a_sku_the_channel_does_not_list_is_asked_again_by_the_full_pass_alone(world: World):
    shops = {"a": Shop(lists={"glove"}), "b": Shop()}
    world.count("lyon", "sock", 10, at(-1))
    assert tick(world, TWO, shops, NOON)["a"].rejected == 1
    assert row(world, "a")["held"] == 0
    assert row(world, "a")["error"] == "unknown sku"
    world.count("lyon", "sock", 8, at(1))
    assert tick(world, TWO, shops, at(1))["a"].sent == 0
    shops["a"].lists = None
    assert tick(world, TWO, shops, at(2), full=True)["a"].accepted == 1
    assert shops["a"].shown == {"sock": 4}


def test_a_level_refused_by_a_channel_that_lists_it_is_sent_again_when_it_changes(world: World):
    shops = {"a": Shop(), "b": Shop()}
    world.count("lyon", "sock", 10, at(-1))
    tick(world, TWO, shops, NOON)
    shops["a"].fate = "refused"
    world.count("lyon", "sock", 20, at(1))
    assert tick(world, TWO, shops, at(1))["a"].rejected == 1
    assert row(world, "a")["held"] == 5
    assert tick(world, TWO, shops, at(1.1))["a"].sent == 0
    shops["a"].fate = "ok"
    world.count("lyon", "sock", 22, at(2))
    assert tick(world, TWO, shops, at(2))["a"].accepted == 1
    assert shops["a"].shown == {"sock": 11}


def test_a_compare_expects_what_was_accepted_less_what_was_sold_since(world: World):
    shops = {"a": Shop(compares=True), "b": Shop()}
    world.count("lyon", "sock", 10, at(-1))
    tick(world, TWO, shops, NOON)
    shops["a"].shown["sock"] -= 2
    world.order("a/1", {"sock": 2}, at(0.5))
    done = tick(world, TWO, shops, at(1))
    assert done["a"].accepted == 1
    assert shops["a"].pushed[-1].expected == 3
    assert (shops["a"].shown["sock"], shops["b"].shown["sock"]) == (4, 4)


def test_a_sale_the_hub_has_not_seen_makes_the_compare_fail_and_the_next_one_fit(world: World):
    shops = {"a": Shop(compares=True), "b": Shop()}
    world.count("lyon", "sock", 10, at(-1))
    tick(world, TWO, shops, NOON)
    shops["a"].shown["sock"] -= 1  # sold, and not read yet
    world.count("lyon", "sock", 20, at(1))
    done = tick(world, TWO, shops, at(1))
    assert (done["a"].unsettled, shops["a"].shown["sock"]) == (1, 4)
    world.order("a/1", {"sock": 1}, at(0.9))
    done = tick(world, TWO, shops, at(1.1))
    assert shops["a"].pushed[-1].expected == 4
    # nineteen are left: the earlier channel has the odd one
    assert (done["a"].accepted, shops["a"].shown["sock"]) == (1, 10)
    assert shops["b"].shown["sock"] == 9


def test_a_level_sold_and_restocked_is_brought_back_to_what_it_should_be(world: World):
    shops = {"a": Shop(), "b": Shop()}
    world.count("lyon", "sock", 10, at(-1))
    tick(world, TWO, shops, NOON)
    shops["a"].shown["sock"] -= 2
    world.order("a/1", {"sock": 2}, at(0.5))
    world.count("lyon", "sock", 12, at(0.6))
    tick(world, TWO, shops, at(1))
    assert shops["a"].shown["sock"] == 5


def test_a_crash_after_the_push_leaves_the_level_held_and_unsettled(world: World):
    world.count("lyon", "sock", 10, at(-1))

    class Killed(BaseException):
        pass

    class Dying(Shop):
        def read_stock(self, channel_skus):
            raise Killed

    dying = {"a": Dying(), "b": Shop()}
    with pytest.raises(Killed):
        tick(world, TWO, dying, NOON)
    found = row(world, "a")
    assert (found["held"], found["accepted"], found["error"]) == (5, None, "retry: no receipt yet")
    shops = {"a": Shop(shown=dying["a"].shown), "b": dying["b"]}
    tick(world, TWO, shops, at(0.1))
    assert [shops[c].shown for c in "ab"] == [{"sock": 5}, {"sock": 5}]


# -- promise 10, as a small model

SHARES = st.sampled_from([(0.5, 0.3, 0.2), (0.2, 0.2, 0.6), (0.0, 0.5, 0.5), (1.0, 0.0, 0.0)])
FATES = st.sampled_from(["ok", "ok", "lost", "down", "retry", "refused", "dropped"])
STEPS = st.lists(
    st.tuples(
        st.integers(0, 30), SHARES, st.tuples(FATES, FATES, FATES), st.permutations(range(3))
    ),
    min_size=1,
    max_size=8,
)


def model(shares: tuple[float, ...]) -> Oms:
    return network([channel(f"c{i}", share=s) for i, s in enumerate(shares)])


def pushed(levels: pl.DataFrame, turn: int, fate: str, shown: dict[str, int]) -> pl.DataFrame:
    """Push due levels to a shop, and return them as they stand after."""
    shop = Shop(shown, fate=fate)
    sent = about_to_send(levels, NOON)
    receipts: list[Receipt] = []
    try:
        for level in levels.iter_rows(named=True):
            receipts.append(shop._take(_level(level)))
    except Exception:
        return sent.select(LEVEL)
    # answers of other pushes, late or repeated, are nobody's
    receipts += [Receipt("sock#0", "accepted"), Receipt("other#1", "accepted")]
    return received(outcome(levels, receipts, dict(shown)), NOON).select(LEVEL)


def _level(row: dict):
    from oms_pipelines.channels.base import Level

    return Level(row["sku"], row["channel_sku"], row["level"], row["version"])


NAMES = pl.DataFrame(
    {
        "channel_id": ["c0", "c0", "c1"],
        "channel_sku": ["SOCK", "SOCK-X4", "SOCK-X3"],
        "sku": ["sock"] * 3,
        "units_per": [1, 4, 3],
    }
)
LISTED = [("c0", "SOCK", 1), ("c0", "SOCK-X4", 4), ("c1", "SOCK-X3", 3), ("c2", "sock", 1)]


def untold() -> pl.DataFrame:
    """Return the levels of a store before any is told: a single, packs, and both."""
    size = len(LISTED)
    blank = {c: [0 if c in ("desired", "version", "held") else None] * size for c in LEVEL}
    names = ("channel_id", "channel_sku", "units_per")
    known = dict(zip(names, map(list, zip(*LISTED, strict=True)), strict=True))
    rows = {**blank, **known, "sku": ["sock"] * size, "desired_at": [NOON] * size}
    return pl.DataFrame(rows, schema={c: dtypes("levels")[c] for c in LEVEL})


def units(levels: pl.DataFrame, column: str) -> int:
    return (levels[column] * levels["units_per"]).sum()


@settings(max_examples=80, deadline=None)
@given(STEPS)
def test_raises_never_promise_a_unit_that_another_listing_may_still_show(steps: list):
    levels = untold()
    shown: list[dict[str, int]] = [{}, {}, {}]
    for pool, shares, fates, turns in steps:
        oms = model(shares)
        atp = pl.DataFrame({"location_id": ["lyon"], "sku": ["sock"], "quantity": [pool]})
        nobody = pl.DataFrame(
            schema={"channel_id": pl.String, "sku": pl.String, "quantity": pl.Int64}
        )
        wanted = listing_levels(desired_levels(atp, nobody, oms), NAMES, oms.channels)
        assert units(wanted, "desired") <= pool
        wanted = wanted.drop("sku", "units_per")
        levels = levels.drop("desired").join(wanted, on=["channel_id", "channel_sku"])
        levels = levels.select(LEVEL).with_columns(pl.col("version") + 1)
        for rising in (False, True):
            for turn in turns:
                before = units(levels, "held")
                levels = _one_push(levels, oms, turn, rising, fates[turn], shown)
                # what goes up, goes up within the pool
                assert units(levels, "held") <= max(before, pool)
                for channel_id, name, _ in LISTED:
                    own = (pl.col("channel_id") == channel_id) & (pl.col("channel_sku") == name)
                    shows = shown[int(channel_id[1:])].get(name, 0)
                    assert shows <= levels.filter(own)["held"].item()


def _one_push(levels, oms: Oms, turn: int, rising: bool, fate: str, shown: list) -> pl.DataFrame:
    own = pl.col("channel_id") == f"c{turn}"
    goes_up = pl.col("desired") > pl.col("held")
    due = levels.filter(own & (goes_up if rising else ~goes_up))
    if rising:
        due = due.join(grants(levels, oms.channels), on=["channel_id", "channel_sku"])
        due = due.filter(pl.col("level") > pl.col("held"))
    else:
        due = due.with_columns(pl.col("desired").alias("level"))
    if due.is_empty():
        return levels
    after = pushed(due, turn, fate, shown[turn])
    rest = levels.join(after, on=["channel_id", "channel_sku"], how="anti")
    return pl.concat([rest, after]).sort("channel_id", "channel_sku")


def test_a_random_week_of_faults_ends_with_what_was_computed(duckdb_store):
    """Whatever was lost on the way: once idle, channels show what the store computes."""
    import random

    chance = random.Random(7)
    world = World(duckdb_store)
    oms = network([channel("a", share=0.4), channel("b", share=0.3), channel("c", share=0.3)])
    shops = {"a": Shop(compares=True), "b": Shop(), "c": Shop(reads=False)}
    when = NOON
    for number in range(8):
        when += timedelta(hours=1)
        world.count("lyon", "sock", chance.randint(0, 40), when)
        for shop in shops.values():
            fates = ["ok", "lost", "down", "retry"] + (["dropped"] if shop.reads else [])
            shop.fate = chance.choice(fates)
        if number % 3 == 0 and shops["b"].shown.get("sock", 0) > 1:
            shops["b"].shown["sock"] -= 1
            world.order(f"b/{number}", {"sock": 1}, when)
        tick(world, oms, shops, when)
        pool = sum(row(world, c)["desired"] for c in "abc")
        held = [row(world, c)["held"] for c in "abc"]
        assert all(shops[c].shown.get("sock", 0) <= h for c, h in zip("abc", held, strict=True))
        assert pool <= 40
    for shop in shops.values():
        shop.fate = "ok"
    for _ in range(3):
        when += timedelta(hours=1)
        done = tick(world, oms, shops, when)
    assert [r.sent for r in done.values()] == [0, 0, 0]
    for c in "abc":
        assert shops[c].shown["sock"] == row(world, c)["desired"]
