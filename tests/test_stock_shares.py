"""Pools shared out: whole units, steady from tick to tick, bounds and quotas kept."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shop_fake import Shop
from stock_world import NOON, World, at, channel, network, place

from oms_pipelines.config import Oms
from oms_pipelines.stock import ledger
from oms_pipelines.stock.apportion import apportion
from oms_pipelines.stock.availability import desired_levels
from oms_pipelines.stock.levels import compute_levels
from oms_pipelines.stock.publishing import publish_levels
from oms_pipelines.stock.quotas import quota_turns, read_quota_sales, sold_under_quotas
from oms_pipelines.stock.shares import Sharing, share_out
from oms_pipelines.stock.sharing import touched_by_quotas
from oms_pipelines.store import Store

EASY = settings(max_examples=60, deadline=None)
MANY = range(24)  # pools of so many SKUs are shared at once, one SKU a pool size


def shares(oms: Oms, pools: list[int], sharing: Sharing | None = None) -> list[list[int]]:
    """Return for each pool what each channel shows, in the order of oms.yaml."""
    names = [f"s{i:03}" for i in range(len(pools))]
    frame = pl.DataFrame({"sku": names, "pool": pools}, schema={"sku": pl.String, "pool": pl.Int64})
    own = frozenset(c.id for c in oms.channels)
    found = share_out([frame], [own], oms.channels, sharing or Sharing())
    level = {(c, s): q for c, s, q in found.iter_rows()}
    return [[level[c.id, name] for c in oms.channels] for name in names]


def weighed(*weights: float, **stock: Any) -> Oms:
    return network([channel(f"c{i}", weight=w, **stock) for i, w in enumerate(weights)])


def test_ten_units_over_three_equal_channels_are_four_three_three():
    assert shares(weighed(1, 1, 1), [10, 11, 2]) == [[4, 3, 3], [4, 4, 3], [1, 1, 0]]


def test_twenty_channels_without_a_cap_share_as_three_do():
    assert shares(weighed(*[1] * 20), [41]) == [[3] + [2] * 19]
    assert shares(weighed(*range(1, 21), cap=10), [500]) == [[10] * 20]
    assert shares(weighed(*range(1, 21)), [210]) == [list(range(1, 21))]


def test_weights_divide_what_shares_leave():
    oms = network([channel("a", share=0.5), channel("b", weight=3), channel("c", weight=1)])
    assert shares(oms, [80, 8]) == [[40, 30, 10], [4, 3, 1]]


def test_shares_that_leave_something_keep_it_back_and_pooled_channels_show_it():
    assert shares(network([channel("a", share=0.5), channel("b", share=0.25)]), [10]) == [[5, 2]]
    pooled = network([channel("a", share=0.4), channel("b", mode="pooled", risk=0.01)])
    assert shares(pooled, [10]) == [[4, 6]]


def test_the_alabama_paradox_of_largest_remainders_does_not_happen():
    # of 10 and of 11 units, largest remainders give the last channel 2, then 1
    assert shares(weighed(6, 6, 2), [10, 11, 12]) == [[5, 4, 1], [5, 5, 1], [5, 5, 2]]


weights = st.lists(st.integers(1, 100), min_size=1, max_size=6)


@EASY
@given(weights, st.integers(0, 3000))
def test_the_pool_is_given_out_to_the_unit_and_no_transfer_would_be_fairer(
    parts: list[int], pool: int
):
    (units,) = shares(weighed(*parts), [pool])
    assert sum(units) == pool
    # Webster: the last unit of nobody has a lesser claim than the next unit of another
    last = (
        min(Fraction(w, 2 * u - 1) for w, u in zip(parts, units, strict=True) if u) if pool else 0
    )
    following = [Fraction(w, 2 * u + 1) for w, u in zip(parts, units, strict=True)]
    assert not pool or max(following) <= last


@st.composite
def bounded(draw: st.DrawFn) -> Oms:
    """Draw channels with shares or weights, minima and caps."""
    count = draw(st.integers(1, 5))
    left, channels = 1.0, []
    for i in range(count):
        share = draw(st.floats(0, left / 2)) if draw(st.booleans()) else None
        left -= share or 0
        minimum = draw(st.integers(0, 4))
        cap = draw(st.none() | st.integers(max(minimum, 1), 12))
        claim = {"weight": draw(st.integers(1, 9))} if share is None else {"share": share}
        channels.append(channel(f"c{i}", minimum=minimum, cap=cap, **claim))
    return network(channels)


@EASY
@given(bounded())
def test_one_unit_more_in_the_pool_raises_one_channel_by_one_at_most_and_lowers_none(oms: Oms):
    found = shares(oms, list(MANY))
    for few, more in pairwise(found):
        steps = [b - a for a, b in zip(few, more, strict=True)]
        assert min(steps) >= 0
        assert sum(steps) <= 1


@EASY
@given(bounded())
def test_minimum_and_cap_are_kept_and_no_pool_is_exceeded(oms: Oms):
    for pool, units in zip(MANY, shares(oms, list(MANY)), strict=True):
        assert sum(units) <= pool
        left = pool
        for c, u in zip(oms.channels, units, strict=True):
            assert u >= min(c.stock.minimum, left)
            assert c.stock.cap is None or u <= c.stock.cap
            left -= min(c.stock.minimum, left)


def test_a_minimum_counts_towards_the_share_and_comes_first_in_order():
    oms = network([channel("a", share=0.5), channel("b", share=0.1, minimum=3),
                   channel("c", share=0.1, minimum=2)])  # fmt: skip
    assert shares(oms, [2, 4, 10, 100]) == [[0, 2, 0], [0, 3, 1], [5, 3, 2], [50, 10, 10]]


def test_what_a_capped_channel_cannot_take_goes_to_the_others_by_their_weights():
    oms = network([channel("a", weight=6, cap=2), channel("b", weight=3), channel("c", weight=1)])
    assert shares(oms, [10, 42]) == [[2, 6, 2], [2, 30, 10]]


def test_who_would_show_too_little_shows_nothing_and_the_last_lets_go_first():
    assert shares(weighed(1, 1, 1, stop_below=4), [12, 11, 8, 7, 4, 3]) == [
        [4, 4, 4], [6, 5, 0], [4, 4, 0], [7, 0, 0], [4, 0, 0], [0, 0, 0],
    ]  # fmt: skip


@EASY
@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 6), st.integers(0, 3)), min_size=1,
             max_size=5)
)  # fmt: skip
def test_nobody_shows_less_than_it_stops_at_whatever_is_kept_back(rows: list):
    oms = network(
        [channel(f"c{i}", weight=w, stop_below=s, buffer=b) for i, (w, s, b) in enumerate(rows)]
    )
    for pool, units in zip(MANY, shares(oms, list(MANY)), strict=True):
        assert sum(units) <= pool
        assert all(u == 0 or u >= s for u, (_, s, _) in zip(units, rows, strict=True))


@EASY
@given(bounded(), st.randoms(use_true_random=False))
def test_levels_do_not_hang_on_the_order_of_rows_or_on_the_other_skus(oms: Oms, chance: Any):
    stock = pl.DataFrame(
        [("lyon", f"s{i}", i) for i in MANY],
        schema={"location_id": pl.String, "sku": pl.String, "quantity": pl.Int64}, orient="row",
    )  # fmt: skip
    none = pl.DataFrame(schema={"channel_id": pl.String, "sku": pl.String, "quantity": pl.Int64})
    found = desired_levels(stock, none, oms)
    order = list(MANY)
    chance.shuffle(order)
    assert desired_levels(stock[order], none, oms).equals(found)
    some = [f"s{i}" for i in order[:5]]
    part = desired_levels(stock.filter(pl.col("sku").is_in(some)), none, oms)
    assert part.equals(found.filter(pl.col("sku").is_in(some)))


def test_over_several_places_a_minimum_is_one_minimum_and_a_cap_one_cap():
    oms = network(
        [channel("a", weight=1, cap=5), channel("b", weight=1, locations=["lyon"], minimum=2)],
        [place("lyon"), place("nice")],
    )
    stock = pl.DataFrame(
        [("lyon", "x", 10), ("nice", "x", 3)], schema=["location_id", "sku", "quantity"],
        orient="row",
    )  # fmt: skip
    none = pl.DataFrame(schema={"channel_id": pl.String, "sku": pl.String, "quantity": pl.Int64})
    # nice is the first channel's alone, so it takes two of lyon's at most
    assert desired_levels(stock, none, oms).rows() == [("a", "x", 5), ("b", "x", 8)]


def test_bounds_hold_for_claims_of_any_size():
    """A brute force, unit by unit, says the same as the closed form."""
    chance = np.random.default_rng(7)
    for _ in range(60):
        n = int(chance.integers(1, 6))
        claims = chance.integers(0, 8, n).astype(float)
        lower = chance.integers(0, 4, n)
        upper = lower + chance.integers(0, 12, n)
        totals = np.arange(40)
        wide = (np.tile(x, (40, 1)) for x in (claims, lower, upper))
        found = apportion(totals, *wide)
        for total in totals:
            assert found[total].tolist() == one_by_one(int(total), claims, lower, upper)


def one_by_one(total: int, claims: Any, lower: Any, upper: Any) -> list[int]:
    units = [0] * len(claims)
    for i, least in enumerate(lower):
        units[i] = min(int(least), total - sum(units))
    while sum(units) < total:
        wish = [
            (-c / (u + 0.5), i)
            for i, (c, u, most) in enumerate(zip(claims, units, upper, strict=True))
            if c > 0 and u < most
        ]
        if not wish:
            break
        units[min(wish)[1]] += 1
    return units


# -- quotas

PARIS = "Europe/Paris"


def sale(channel_id: str = "sale", *quotas: dict, **more: Any) -> dict:
    return {**channel(channel_id, quotas=list(quotas), **more), "time_zone": PARIS}


def quota(opens: str, closes: str, **more: Any) -> dict:
    return {"id": "spring", "from": opens, "to": closes, **more}


def sold(units: int, sku: str = "s000") -> pl.DataFrame:
    return pl.DataFrame(
        {"channel_id": ["sale"], "quota": ["spring"], "sku": [sku], "sold": [units]}
    )


MARCH = quota("2026-03-02T10:00:00", "2026-03-04T10:00:00", units=6)


def test_a_quota_opens_and_closes_by_the_calendar_and_gives_back_what_is_unsold():
    oms = network([sale("sale", MARCH), channel("web", weight=1)])
    nine = datetime(2026, 3, 2, 9, tzinfo=UTC)  # ten o'clock in Paris
    for now, levels in (
        (nine - timedelta(seconds=1), [0, 10]),
        (nine, [6, 4]),
        (nine + timedelta(days=2, seconds=-1), [6, 4]),
        (nine + timedelta(days=2), [0, 10]),
    ):
        assert shares(oms, [10], Sharing(now)) == [levels]


def test_a_sale_is_not_refilled_and_never_has_more_than_there_is():
    oms = network([sale("sale", MARCH), channel("web", weight=1)])
    assert shares(oms, [10, 10], Sharing(NOON, sold(2))) == [[4, 6], [6, 4]]
    assert shares(oms, [10], Sharing(NOON, sold(7))) == [[0, 10]]
    assert shares(oms, [4], Sharing(NOON, sold(1))) == [[4, 0]]


def test_a_quota_is_set_aside_before_shares_and_a_channel_may_have_both():
    both = network([channel("web", share=0.5), sale("sale", MARCH, share=0.5)])
    assert shares(both, [10, 20], Sharing(NOON)) == [[2, 8], [7, 13]]
    part = network(
        [channel("web", share=1), sale("sale", MARCH | {"units": None, "share": 0.3}, cap=5)]
    )
    assert shares(part, [10, 40], Sharing(NOON)) == [[7, 3], [35, 5]]


def test_a_quota_of_some_skus_leaves_the_others_alone():
    oms = network([sale("sale", MARCH | {"skus": ["s001"]}), channel("web", weight=1)])
    assert shares(oms, [10, 10], Sharing(NOON)) == [[0, 10], [6, 4]]


@pytest.mark.parametrize(
    ("opens", "closes", "hours"),
    [
        ("2026-03-28T12:00:00", "2026-03-29T12:00:00", 23),  # clocks go forward
        ("2026-10-24T12:00:00", "2026-10-25T12:00:00", 25),  # and back
        ("2026-03-29T01:30:00", "2026-03-29T02:30:00", 1),  # 02:30 does not exist: 03:30
        ("2026-10-25T01:30:00", "2026-10-25T02:30:00", 1),  # 02:30 comes twice: the first
    ],
)
def test_a_quota_lasts_as_long_as_the_clocks_of_its_zone_say(opens: str, closes: str, hours: int):
    oms = network([sale("sale", quota(opens, closes, units=6)), channel("web", weight=1)])
    turns = quota_turns(oms, None, datetime(2027, 1, 1, tzinfo=UTC))
    begin, end = turns["at"].to_list()
    assert end - begin == timedelta(hours=hours)
    assert shares(oms, [10], Sharing(end - timedelta(seconds=1))) == [[6, 4]]
    assert shares(oms, [10], Sharing(end)) == [[0, 10]]


def test_what_opens_or_closes_between_two_ticks_is_told_once():
    some = MARCH | {"skus": ["x", "y"]}
    every = quota("2026-03-03T00:00:00", "2026-03-04T10:00:00", share=0.1)
    oms = network([sale("one", some), sale("two", every)])
    first = datetime(2026, 3, 2, 9, tzinfo=UTC)
    last = first + timedelta(days=2)

    def told(since: datetime, now: datetime) -> list:
        return quota_turns(oms, since, now).select("channel_id", "opens", "sku").rows()

    assert told(first - timedelta(minutes=5), first) == [("one", True, "x"), ("one", True, "y")]
    assert told(first, first + timedelta(hours=3)) == []
    assert touched_by_quotas(oms, first - timedelta(hours=1), first)["sku"].to_list() == ["x", "y"]
    assert touched_by_quotas(oms, None, last)["sku"].to_list() == ["*", "x", "y"]
    assert told(first, last - timedelta(minutes=1)) == [("two", True, None)]
    assert told(last - timedelta(minutes=1), last + timedelta(days=9)) == [
        ("one", False, "x"), ("one", False, "y"), ("two", False, None),
    ]  # fmt: skip


def test_units_sold_under_a_quota_are_those_its_channel_sold_since_it_opened(store: Store):
    world = World(store)
    oms = network([sale("sale", MARCH), channel("web", weight=1)])
    world.order("sale/1", {"x": 3, "y": 1}, at(1))
    world.order("sale/2", {"x": 2}, at(2), line={"units_per": 6, "canceled_quantity": 1})
    world.order("sale/3", {"x": 5}, at(2), order_status="canceled")
    world.order("sale/4", {"x": 5}, at(-4))  # before it opened
    world.order("web/1", {"x": 5}, at(1))
    world.order("sale/5", {"x": 4}, at(1))
    world.put("refund_lines", {"order_id": "sale/5", "refund_id": "r", "line_id": "x",
                               "quantity": 3, "restock": "cancel"})  # fmt: skip
    with store.session() as s:
        found = read_quota_sales(s, oms, at(3)).sort("sku")
        assert found.rows() == [("sale", "spring", "x", 3 + 6 + 1), ("sale", "spring", "y", 1)]
        some = read_quota_sales(s, oms, at(3), pl.DataFrame({"sku": ["y"]}))
        assert some.rows() == [("sale", "spring", "y", 1)]
        assert read_quota_sales(s, oms, at(60)).is_empty()
        assert sold_under_quotas(s, oms, at(60)).rows() == [("sale", "spring", 11)]  # closed, told
        named = network([sale("sale", MARCH | {"skus": ["y"]}), channel("web", weight=1)])
        assert sold_under_quotas(s, named, at(3)).rows() == [("sale", "spring", 1)]
        assert sold_under_quotas(s, oms, at(-9)).is_empty()


def test_a_sale_opens_once_its_units_are_let_go_and_gives_back_what_it_did_not_sell(store: Store):
    world = World(store)
    oms = network([channel("web", weight=1), sale("sale", quota("2026-03-02T14:00:00",
                   "2026-03-02T16:00:00", units=6))])  # fmt: skip
    shops = {"web": Shop(), "sale": Shop()}
    world.count("lyon", "x", 10, at(-1))

    def shown(hours: float) -> list[int]:
        with store.session() as s:
            ledger.post(s, at(hours))
            compute_levels(s, oms, at(hours))
        publish_levels(store, oms, shops, at(hours))
        return [shop.shown.get("x", 0) for shop in shops.values()]

    assert shown(0.5) == [10, 0]
    shops["web"].fate = "down"
    assert shown(1) == [10, 0]  # open, and the web shop may still show all of it
    shops["web"].fate = "ok"
    assert shown(1.1) == [4, 6]
    shops["sale"].shown["x"] -= 2
    world.order("sale/1", {"x": 2}, at(1.2))
    assert shown(1.3) == [4, 4]
    shops["sale"].fate = "lost"
    assert shown(3) == [4, 0]  # closed; nobody knows that the sale has heard of it
    shops["sale"].fate = "ok"
    assert shown(3.1) == [8, 0]
