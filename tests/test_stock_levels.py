"""Levels are computed for what moved, and are what a computation of everything gives."""

from collections.abc import Callable

import polars as pl
import pytest
from stock_world import World, at, balances, channel, network, place

from oms_pipelines.config import Oms
from oms_pipelines.stock import ledger
from oms_pipelines.stock.levels import compute_levels
from oms_pipelines.store import Store

PLACES = [place("lyon"), place("lille")]
TWO = network([channel("a", share=0.5), channel("b", share=0.5)], PLACES)
OTHER = network([channel("a", share=0.25), channel("b", share=0.5)], PLACES)
PACK = {"channel_id": "a", "channel_sku": "SOCK-X6", "sku": "sock", "units_per": 6}
NEWS: dict[str, Callable[[World], None]] = {
    "a count": lambda w: w.count("lyon", "sock", 7, at(1)),
    "a count of another SKU": lambda w: w.count("lille", "hat", 3, at(1)),
    "an order that waits": lambda w: w.order("a/9", {"sock": 3}, at(1)),
    "an order that waits no more": lambda w: w.order(
        "a/1", {"sock": 2}, at(1), order_status="canceled"
    ),
    "an allocation": lambda w: w.give("f9", "sock", 4, at(1)),
    "a cancellation": lambda w: w.give("f1", "sock", 5, at(-1), state="canceled", closed_at=at(1)),
    "a parcel": lambda w: w.parcel("f1", "sock", 5, at(1)),
    "goods that came back": lambda w: w.receipt("sock", 1, "restock", at(1)),
    "a pack": lambda w: w.put("sku_map", PACK),
}
SAME = {"a parcel"}  # what left was not sellable any more  # fmt: skip


@pytest.fixture
def world(store: Store) -> World:
    world = World(store, "lyon", "lille")
    for sku, units in {"sock": 40, "hat": 30, "glove": 20}.items():
        world.count("lyon", sku, units, at(-2))
        world.count("lille", sku, units // 2, at(-2))
    world.order("a/1", {"sock": 2}, at(-1))
    world.give("f1", "sock", 5, at(-1))
    computed(world, TWO, 0)
    return world


def computed(world: World, oms: Oms, hours: float, *, full: bool = False) -> pl.DataFrame:
    with world.store.session() as s:
        ledger.post(s, at(hours))
        return compute_levels(s, oms, at(hours), full=full)


def looked_at(world: World) -> int:
    """Return how many SKUs the next computation looks at."""
    with world.store.session() as s:
        ledger.post(s, at(2))
        return s.table("stock_touched").height


@pytest.mark.parametrize("news", NEWS)
def test_after_any_news_nothing_is_left_for_a_full_pass_to_find(world: World, news: str):
    NEWS[news](world)
    assert computed(world, TWO, 2).is_empty() == (news in SAME)
    assert computed(world, TWO, 2.1, full=True).is_empty()
    assert computed(world, TWO, 2.2).is_empty()


def test_other_settings_touch_every_sku(world: World):
    assert set(computed(world, OTHER, 2)["sku"]) == {"sock", "hat", "glove"}
    assert computed(world, OTHER, 2.1, full=True).is_empty()


def test_only_what_moved_is_looked_at(world: World):
    assert looked_at(world) == 0
    world.count("lyon", "hat", 5, at(1))
    assert looked_at(world) == 1
    with world.store.session() as s:  # a level that nothing touched is not looked at
        wrong = s.table("levels").filter(pl.col("sku") == "glove")
        s.upsert("levels", wrong.with_columns(desired=pl.lit(1000)))
    assert set(computed(world, TWO, 2)["sku"]) == {"hat"}
    assert set(computed(world, TWO, 2.1, full=True)["sku"]) == {"glove"}


def _killed(world: World) -> None:
    with world.store.session() as s:
        ledger.post(s, at(2))
        compute_levels(s, TWO, at(2))
        raise RuntimeError("killed")


def test_a_computation_that_fails_is_made_up_for_by_the_next(world: World):
    world.count("lyon", "hat", 5, at(1))
    with pytest.raises(RuntimeError, match="killed"):
        _killed(world)
    assert set(computed(world, TWO, 3)["sku"]) == {"hat"}


def test_balances_that_were_tampered_with_are_found(world: World):
    with world.store.session() as s:
        assert ledger.differences(s).is_empty()
        rows = s.table("stock_balances").filter(pl.col("account") == "lyon/sellable").head(1)
        s.upsert("stock_balances", rows.with_columns(pl.col("quantity") + 1))
        found = ledger.differences(s)
    assert found["sku"].to_list() == rows["sku"].to_list()
    assert (found["kept"] - found["moved"]).to_list() == [1]


def claims(world: World) -> dict[tuple[str, str], int]:
    """Return what channels claim, by account and SKU."""
    with world.store.session() as s:
        assert ledger.differences(s).is_empty()
        return {k: q for k, q in balances(s).items() if k[0].startswith("channel/")}


def test_what_channels_have_in_escrow_and_what_waits_stand_in_the_ledger(world: World):
    shown = {("channel/a/escrow", "sock"): 27, ("channel/b/escrow", "sock"): 26}
    waiting = {("channel/a/waiting", "sock"): 2}
    found = claims(world)
    assert {k: q for k, q in found.items() if k[1] == "sock"} == shown | waiting
    NEWS["an order that waits no more"](world)
    world.count("lyon", "hat", 10, at(1))
    computed(world, TWO, 2)
    after = claims(world)
    assert ("channel/a/waiting", "sock") not in after
    assert after["channel/a/escrow", "sock"] + after["channel/b/escrow", "sock"] == 55
    assert after["channel/a/escrow", "hat"] + after["channel/b/escrow", "hat"] == 25
    assert after["channel/a/escrow", "glove"] == found["channel/a/escrow", "glove"]


def test_a_channel_that_leaves_escrow_gives_back_what_it_had(world: World):
    pooled = network([channel("a", mode="pooled", risk=0.01), channel("b", share=0.5)], PLACES)
    computed(world, pooled, 2)
    assert {a for a, _ in claims(world)} == {"channel/b/escrow", "channel/a/waiting"}
