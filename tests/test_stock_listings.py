"""Listings of one SKU: singles and packs share its level, and no unit is shown by two."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shop_fake import Shop
from stock_world import NOON, World, at, channel, network

from oms_pipelines.config import Oms
from oms_pipelines.stock import ledger
from oms_pipelines.stock.levels import compute_levels
from oms_pipelines.stock.listings import changed_levels, crowded, grants, listing_levels
from oms_pipelines.stock.publishing import publish_levels
from oms_pipelines.store import Store

LEVELS = {"channel_id": pl.String, "sku": pl.String, "desired": pl.Int64}
LISTED = {
    "channel_id": pl.String,
    "channel_sku": pl.String,
    "sku": pl.String,
    "units_per": pl.Int64,
    "desired": pl.Int64,
}
NAMES = {k: v for k, v in LISTED.items() if k != "desired"}
ALONE = network([channel("a", share=1)])
POOLED = network([channel("a", mode="pooled", risk=0.01)])
TWO = network([channel("a", share=0.5), channel("b", share=0.5)])
PACK = {"channel_id": "a", "channel_sku": "SOCK-X6", "sku": "sock", "units_per": 6}
SINGLE = {"channel_id": "a", "channel_sku": "SOCK", "sku": "sock", "units_per": 1}


def listed(oms: Oms, level: int, *names: dict) -> dict[str, int]:
    levels = pl.DataFrame([("a", "sock", level)], LEVELS, orient="row")
    found = listing_levels(levels, pl.DataFrame(list(names), NAMES), oms.channels)
    assert found.columns == list(LISTED)
    return dict(found.select("channel_sku", "desired").iter_rows())


def known(*rows: tuple[str, str, int, int, int | None]) -> pl.DataFrame:
    """Return stored levels of SKU x: (channel, channel SKU, units per, desired, held)."""
    schema = {**LISTED, "held": pl.Int64}
    return pl.DataFrame([(c, n, "x", u, d, h) for c, n, u, d, h in rows], schema, orient="row")


@pytest.mark.parametrize(
    ("level", "single", "pack"),
    [(0, 0, 0), (5, 5, 0), (11, 11, 0), (12, 6, 1), (23, 17, 1), (24, 12, 2), (100, 52, 8)],
)
def test_in_escrow_each_listing_has_its_part_in_whole_packs_and_the_base_the_rest(
    level: int, single: int, pack: int
):
    assert listed(ALONE, level, SINGLE, PACK) == {"SOCK": single, "SOCK-X6": pack}


@settings(deadline=None)
@given(
    st.integers(0, 500),
    st.lists(st.tuples(st.integers(1, 12), st.text("AB", max_size=3)), unique_by=lambda x: x[1]),
)
def test_the_listings_together_never_show_more_than_the_level_and_leave_no_pack_of_the_base(
    level: int, sizes: list
):
    names = [SINGLE | {"channel_sku": name, "units_per": size} for size, name in sizes]
    found = listed(ALONE, level, *names)
    shown = sum(found[x["channel_sku"]] * x["units_per"] for x in names) if names else found["sock"]
    assert level - min((size for size, _ in sizes), default=1) < shown <= level
    assert listed(ALONE, level, *reversed(names)) == found


def test_pooled_listings_show_all_of_the_level_each():
    assert listed(POOLED, 23, SINGLE, PACK) == {"SOCK": 23, "SOCK-X6": 3}


def test_without_a_name_of_its_own_a_sku_is_listed_as_itself_unless_another_is():
    assert listed(ALONE, 7) == {"sock": 7}
    assert listed(ALONE, 7, PACK) == {"SOCK-X6": 1}
    assert listed(ALONE, 7, PACK | {"channel_sku": "sock", "sku": "glove"}) == {}


def test_a_listing_that_vanished_falls_to_zero_and_what_stays_is_no_change():
    def rows(*some: tuple[str, str, int]) -> pl.DataFrame:
        return pl.DataFrame([("a", n, s, 1, d) for n, s, d in some], LISTED, orient="row")

    before = rows(("x", "x", 3), ("y", "y", 2), ("z", "z", 0), ("v", "v", 4))
    after = rows(("x", "x", 3), ("w", "w", 0), ("v", "u", 4))
    changed = changed_levels(before, after)
    assert changed.columns == list(LISTED)
    assert list(changed.iter_rows()) == [
        ("a", "v", "u", 1, 4), ("a", "w", "w", 1, 0), ("a", "y", "y", 1, 0),
    ]  # fmt: skip


def granted(oms: Oms, *rows: tuple[str, int, int | None]) -> dict[str, int]:
    """Grant levels of one SKU sold as singles; rows are (channel, desired, held)."""
    frame = known(*((c, "x", 1, d, h) for c, d, h in rows))
    return {c: level for c, _, level in grants(frame, oms.channels).iter_rows()}


def test_a_raise_waits_for_the_lower_level_it_depends_on():
    oms = network([channel("a", share=0.5), channel("b", share=0.5)])
    assert granted(oms, ("a", 7, 3), ("b", 3, 7)) == {"a": 3, "b": 3}
    assert granted(oms, ("a", 7, 3), ("b", 3, 3)) == {"a": 7, "b": 3}
    assert granted(oms, ("a", 7, 3), ("b", 3, 5)) == {"a": 5, "b": 3}
    assert granted(oms, ("a", 7, None), ("b", 3, None)) == {"a": 7, "b": 3}


def test_scarce_room_goes_to_the_earlier_channel():
    oms = network([channel("a", share=0.4), channel("b", share=0.3), channel("c", share=0.3)])
    assert granted(oms, ("a", 8, 5), ("b", 8, 5), ("c", 4, 6)) == {"a": 8, "b": 6, "c": 4}


def test_pooled_channels_count_once_in_what_may_still_be_shown():
    oms = network(
        [
            channel("sale", share=0.5),
            channel("b", mode="pooled", risk=0.01),
            channel("c", mode="pooled", risk=0.01),
        ]
    )
    # the sale opens: five units of the pool become its own, once both pooled channels let go
    assert granted(oms, ("sale", 5, 0), ("b", 5, 10), ("c", 5, 10))["sale"] == 0
    assert granted(oms, ("sale", 5, 0), ("b", 5, 5), ("c", 5, 10))["sale"] == 0
    assert granted(oms, ("sale", 5, 0), ("b", 5, 5), ("c", 5, 5))["sale"] == 5
    # the sale closes: the pooled ones may rise only when it is off
    assert granted(oms, ("sale", 0, 5), ("b", 10, 5), ("c", 10, 2)) == {"sale": 0, "b": 5, "c": 5}


def test_a_pack_is_granted_only_when_the_singles_of_its_own_channel_let_go():
    oms = network([channel("a", share=0.5), channel("b", share=0.5)])

    def most(single: int) -> dict[str, int]:
        rows = known(("a", "x", 1, 6, single), ("a", "x6", 6, 1, 0), ("b", "x", 1, 12, 12))
        found = grants(rows, oms.channels)
        return {f"{c}/{n}": level for c, n, level in found.iter_rows()}

    assert most(12) == {"a/x": 6, "a/x6": 0, "b/x": 12}
    assert most(8) == {"a/x": 6, "a/x6": 0, "b/x": 12}
    assert most(6) == {"a/x": 6, "a/x6": 1, "b/x": 12}


LISTINGS = st.lists(
    st.tuples(st.integers(1, 3), st.integers(0, 4), st.integers(0, 4)), min_size=3, max_size=6
)


def crowds(mine: int, rows: list[tuple[int, int, int]], pooled: list[bool]) -> bool:
    """Tell by a plain sum whether others may show what a listing is to show.

    Rows are units, desired, held; the channel of the i-th is i modulo 3.
    """
    want = [n * desired for n, desired, _ in rows]
    show = [want[i] if i == mine else n * held for i, (n, _, held) in enumerate(rows)]

    def together(units: list[int]) -> int:
        pool = [n for i, n in enumerate(units) if pooled[i % 3]]
        return max(pool, default=0) + sum(n for i, n in enumerate(units) if not pooled[i % 3])

    return together(show) > together(want)


@settings(deadline=None)
@given(LISTINGS, st.lists(st.booleans(), min_size=3, max_size=3))
def test_a_listing_is_crowded_where_its_level_and_what_others_may_show_are_more_than_there_is(
    rows: list[tuple[int, int, int]], pooled: list[bool]
):
    modes = [{"mode": "pooled", "risk": 0.1} if p else {"share": 0.3} for p in pooled]
    oms = network([channel(c, **mode) for c, mode in zip("abc", modes, strict=True)])
    stored = [("abc"[i % 3], f"x{i}", *row) for i, row in enumerate(rows)]
    found = crowded(known(*stored), oms.channels)
    crowd = [(c, name) for i, (c, name, *_) in enumerate(stored) if crowds(i, rows, pooled)]
    assert found.rows() == sorted(crowd)


# -- through the store, on both


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def tick(world: World, shops: dict[str, Shop], when: Any, oms: Oms = TWO, **more: Any) -> list:
    with world.store.session() as s:
        ledger.post(s, when)
        compute_levels(s, oms, when)
    return [r.sent for r in publish_levels(world.store, oms, shops, when, **more)]


def stored(world: World) -> dict[str, dict]:
    with world.store.session() as s:
        rows = s.table("levels").filter(pl.col("channel_id") == "a")
    return {r["channel_sku"]: r for r in rows.iter_rows(named=True)}


def test_a_single_and_a_pack_are_both_told_read_back_and_an_idle_tick_sends_nothing(world: World):
    world.put("sku_map", SINGLE, PACK)
    shops = {"a": Shop(compares=True), "b": Shop()}
    world.count("lyon", "sock", 48, at(-1))
    assert tick(world, shops, NOON) == [2, 1]
    assert shops["a"].shown == {"SOCK": 12, "SOCK-X6": 2}
    found = stored(world)
    assert {n: (r["accepted"], r["observed"], r["held"]) for n, r in found.items()} == {
        "SOCK": (12, 12, 12), "SOCK-X6": (2, 2, 2),
    }  # fmt: skip
    assert tick(world, shops, at(1)) == [0, 0]
    assert tick(world, shops, at(2), full=True) == [2, 1]
    assert shops["a"].shown == {"SOCK": 12, "SOCK-X6": 2}


def test_a_pack_sold_is_taken_off_its_own_listing_alone_in_what_a_compare_expects(world: World):
    world.put("sku_map", SINGLE, PACK)
    shops = {"a": Shop(compares=True), "b": Shop()}
    world.count("lyon", "sock", 48, at(-1))
    tick(world, shops, NOON)
    shops["a"].shown["SOCK-X6"] -= 1
    pack = {"channel_sku": "SOCK-X6", "units_per": 6}
    world.order("a/1", {"sock": 1}, at(0.5), line=pack)
    tick(world, shops, at(1))  # 42 are left, 21 of them this channel's
    expected = {x.channel_sku: x.expected for x in shops["a"].pushed[2:]}
    assert expected == {"SOCK": 12, "SOCK-X6": 1}
    assert shops["a"].shown == {"SOCK": 15, "SOCK-X6": 1}


def test_a_pack_waits_until_the_singles_are_acknowledged_as_lowered(world: World):
    shops = {"a": Shop(), "b": Shop()}
    world.put("sku_map", SINGLE)
    world.count("lyon", "sock", 48, at(-1))
    tick(world, shops, NOON)
    assert shops["a"].shown == {"SOCK": 24}
    world.put("sku_map", PACK)  # half of the singles become packs
    shops["a"].fate = "retry"
    tick(world, shops, at(1))
    assert shops["a"].shown == {"SOCK": 24}
    assert "SOCK-X6" not in {x.channel_sku for x in shops["a"].pushed}
    shops["a"].fate = "ok"
    tick(world, shops, at(2))
    assert shops["a"].shown == {"SOCK": 12, "SOCK-X6": 2}


def test_an_update_of_one_listing_that_was_dropped_is_sent_again_alone(world: World):
    world.put("sku_map", SINGLE, PACK)
    shops = {"a": Shop(shown={"SOCK": 1, "SOCK-X6": 1}, fates=["ok", "dropped"]), "b": Shop()}
    world.count("lyon", "sock", 48, at(-1))
    tick(world, shops, NOON)
    found = stored(world)
    assert (found["SOCK"]["error"], found["SOCK-X6"]["observed"]) == (None, 1)
    assert tick(world, shops, at(0.1)) == [0, 0]  # it may be late
    assert tick(world, shops, at(0.3)) == [0, 0]  # it shows less: a sale may not be heard of
    assert tick(world, shops, at(0.5)) == [1, 0]
    assert shops["a"].shown == {"SOCK": 12, "SOCK-X6": 2}


def test_a_channel_that_sells_packs_alone_is_told_packs(world: World):
    world.put("sku_map", PACK | {"units_per": 3}, PACK | {"channel_sku": "X9", "units_per": 9})
    shops = {"a": Shop(), "b": Shop()}
    world.count("lyon", "sock", 45, at(-1))
    tick(world, shops, NOON)
    assert shops["a"].shown == {"SOCK-X6": 4, "X9": 1}  # 23 units: 9 in one, 12 in four
    assert tick(world, shops, at(1)) == [0, 0]


def test_a_listing_taken_off_the_map_is_brought_to_zero(world: World):
    world.put("sku_map", SINGLE, PACK)
    shops = {"a": Shop(), "b": Shop()}
    world.count("lyon", "sock", 48, at(-1))
    tick(world, shops, NOON)
    world.put("sku_map", PACK | {"sku": "glove"})  # the name is another's now
    tick(world, shops, at(1))
    assert shops["a"].shown == {"SOCK": 24, "SOCK-X6": 0}


def test_stock_show_tells_each_listing(world: World):
    world.put("sku_map", SINGLE, PACK)
    world.count("lyon", "sock", 48, at(-1))
    tick(world, {"a": Shop(), "b": Shop()}, NOON)
    with world.store.session() as s:
        rows = s.query("show/levels", sku="sock")
    told = rows.select("channel_id", "channel_sku", "units_per", "accepted").rows()
    assert told == [("a", "SOCK", 1, 12), ("a", "SOCK-X6", 6, 2), ("b", "sock", 1, 24)]
