"""Channels out of reach: how long they are covered for, and what is kept back for them."""

from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shop_fake import Shop
from stock_world import NOON, World, channel, network

from oms_pipelines.config import Oms
from oms_pipelines.stages.extract import Extracted, Source
from oms_pipelines.stages.plan import levels, post_ledger
from oms_pipelines.stages.publish import send_levels
from oms_pipelines.stock import reach
from oms_pipelines.stock.buffers import DAY, buffers
from oms_pipelines.stock.counts import quantile
from oms_pipelines.stock.renewal import renew_buffers
from oms_pipelines.stock.sales import measure_sales
from oms_pipelines.stock.sharing import read_sharing
from oms_pipelines.stock.silences import covered, rates_by_channel, unheard
from oms_pipelines.store import Store

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def at(minutes: int) -> datetime:
    return NOON + minutes * MINUTE


THREE = network([{**channel(c, mode="pooled", risk=0.01), "every": "10m"} for c in "abc"])


@given(st.integers(1, 10_000), st.integers(0, 10_000))
def test_a_silence_is_covered_to_twice_its_length_and_to_the_longest_known(silent: int, most: int):
    cover = covered(silent * MINUTE, 10 * MINUTE, most * MINUTE)
    assert cover >= max(2 * silent, most) * MINUTE
    assert cover <= max(4 * silent, 10, most) * MINUTE


def test_a_cover_changes_as_often_as_a_silence_doubles():
    covers = {covered(10 * MINUTE * n, 10 * MINUTE, timedelta(0)) for n in range(1, 65)}
    assert len(covers) == 7


def moments(*rows: tuple[str, str, int, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, ["channel_id", "sku", "units", "squares"], orient="row")


SOLD = moments(("a", "x", 960, 92160), ("b", "x", 960, 92160), ("c", "x", 480, 23040))


def test_for_a_channel_out_of_reach_the_others_cover_its_demand_over_the_longer_time():
    kept = buffers(SOLD, 10, 1, THREE)
    rates = rates_by_channel(SOLD, 10, 1)
    found = unheard(kept, rates, THREE, {"b": 2 * HOUR})
    for row in found.filter(sku="x").iter_rows(named=True):
        own = rates.filter(channel_id="b", sku="x")["per_day"][0] * 2 / 24
        longer = row["per_day"] * row["lag_seconds"] / DAY + (
            own if row["channel_id"] != "b" else 0
        )
        mean, dispersion = pl.Series([longer]), pl.Series([row["dispersion"]])
        both = quantile(mean.to_numpy(), dispersion.to_numpy(), 0.01)[0]
        assert row["buffer"] + row["unheard"] == both
        assert (row["unheard"] > 0) == (row["channel_id"] != "b")


def test_while_all_are_in_reach_nothing_more_is_kept_back():
    kept = buffers(SOLD, 10, 1, THREE)
    assert unheard(kept, rates_by_channel(SOLD, 10, 1), THREE, {})["unheard"].sum() == 0


# -- through the store


@pytest.fixture
def world(store: Store) -> World:
    world = World(store)
    for day in range(1, 11):
        for c in "abc":
            world.order(f"{c}/{day}", {"x": 200}, NOON - timedelta(days=day))
    return world


def hold(world: World, held: int) -> None:
    world.put(
        "levels",
        *(
            {"channel_id": c, "channel_sku": "x", "sku": "x", "units_per": 1, "desired": held,
             "version": 1, "held": held, "desired_at": NOON} for c in "abc"
        ),
    )  # fmt: skip


def tick(
    store: Store, minutes: int, heard: dict[str, bool], oms: Oms = THREE
) -> tuple[list[str], dict[str, int]]:
    """Note who was heard and renew; return the SKUs that changed, and the buffers of x."""
    now = at(minutes)
    with store.session() as s:
        measure_sales(s, now, oms.stock.window)
        reach.note_heard(s, heard, now)
        changed = renew_buffers(s, oms, now)["sku"].to_list()
        kept = read_sharing(s, oms, now, pl.DataFrame({"sku": ["x"]})).buffers
    return changed, dict(kept.filter(sku="x").select("channel_id", "buffer").iter_rows())


def test_buffers_grow_with_a_silence_and_fall_when_it_is_over(store: Store, world: World):
    hold(world, 1000)
    fine = dict.fromkeys("abc", True)
    _, usual = tick(store, 0, fine)
    changed, first = tick(store, 10, fine | {"b": False})
    assert changed == ["*", "x"]
    assert first["b"] == usual["b"]
    assert first["a"] > usual["a"]
    assert tick(store, 15, fine | {"b": False})[1]["a"] >= first["a"]
    _, later = tick(store, 120, fine | {"b": False})
    assert later["a"] > first["a"]
    assert tick(store, 121, fine | {"b": False}) == ([], later)
    changed, over = tick(store, 130, fine)
    assert (changed, over) == (["*", "x"], usual)
    # the next silence is covered as long as that one was
    assert tick(store, 140, fine | {"b": False})[1]["a"] > first["a"]


def test_no_more_is_kept_back_than_the_channel_out_of_reach_may_show(store: Store, world: World):
    fine = dict.fromkeys("abc", True)
    _, usual = tick(store, 0, fine)
    hold(world, 2)
    _, found = tick(store, 120, fine | {"b": False})
    assert found == {"a": usual["a"] + 2, "b": usual["b"], "c": usual["c"] + 2}


def test_of_a_channel_that_is_told_no_levels_nobody_knows_what_it_shows(store: Store, world: World):
    told = [{**channel(c, mode="pooled", risk=0.01), "every": "10m"} for c in "ac"]
    oms = network([told[0], channel("b", mode="none"), told[1]])
    fine = dict.fromkeys("abc", True)
    _, usual = tick(store, 0, fine, oms)
    _, found = tick(store, 120, fine | {"b": False}, oms)
    assert found["a"] > usual["a"]


def test_a_channel_that_takes_no_levels_is_out_of_reach_too(store: Store):
    with store.session() as s:
        reach.note_heard(s, {"a": True, "b": True}, NOON)
        reach.note_told(s, {"a": False}, at(1))
        reach.note_heard(s, {"a": True}, at(30))  # it answers, and its levels are as they were
        covers, new = reach.renew_covers(s, THREE, at(30))
        assert (list(covers), new) == (["a"], True)
        assert covers["a"] >= HOUR
        reach.note_told(s, {"a": True}, at(40))
        assert reach.renew_covers(s, THREE, at(40)) == ({}, True)
        assert reach.renew_covers(s, THREE, at(50)) == ({}, False)
        rows = {r["channel_id"]: r for r in s.query("stock/reach").to_dicts()}
    assert rows["a"]["longest_seconds"] == 40 * 60


# -- who notes it


def hub(store: Store, path: Path, minutes: int, shops: dict[str, Shop], *failed: str) -> Any:
    """Return what the stages ask of a hub, at a time when some channels' orders were not read."""
    pulled = [
        Extracted(Source(c, "orders", "channel"), error="no answer" if c in failed else None)
        for c in "abc"
    ]
    return SimpleNamespace(
        oms=THREE, store=store, output=path, adapters=shops, results={"extract": pulled},
        now=lambda: at(minutes), elapsed=lambda: 0.0,
    )  # fmt: skip


def run(of: Any) -> dict[str, int]:
    """Run the stages from stock to channels; return the stored levels of x by channel."""
    post_ledger(of)
    levels(of)
    send_levels(of)
    with of.store.session() as s:
        rows = s.table("levels").filter(pl.col("sku") == "x")
    return dict(rows.select("channel_id", "desired").iter_rows())


def test_a_failed_read_lowers_the_others_at_once_and_a_failed_push_by_the_next_tick(
    store: Store, world: World, tmp_path: Path
):
    shops = {c: Shop() for c in "abc"}
    world.count("lyon", "x", 9000, NOON - MINUTE)
    usual = run(hub(store, tmp_path, 0, shops))
    silent = run(hub(store, tmp_path, 10, shops, "b"))
    assert silent["b"] == usual["b"]
    assert silent["a"] == shops["a"].shown["x"] < usual["a"]
    assert run(hub(store, tmp_path, 20, shops)) == usual
    shops["b"].fate = "down"
    world.count("lyon", "x", 8000, at(21))
    fewer = run(hub(store, tmp_path, 30, shops))
    later = run(hub(store, tmp_path, 40, shops))
    assert later["b"] == fewer["b"]
    assert later["a"] < fewer["a"]
    shops["b"].fate = "ok"
    # what is told now, the next tick knows
    assert run(hub(store, tmp_path, 50, shops))["a"] <= later["a"]
    assert run(hub(store, tmp_path, 60, shops)) == fewer
