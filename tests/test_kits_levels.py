"""What kits show: what their components make, beside singles and other kits, and never more."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kits_world import Bills, bills_of
from stock_world import channel, network, place

from oms_pipelines.config import Oms
from oms_pipelines.stock.availability import desired_levels
from oms_pipelines.stock.bills import NO_BILLS, kits_left, makeable, resources, widen, with_kits
from oms_pipelines.stock.listings import grants, listing_levels

STOCK = {"location_id": pl.String, "sku": pl.String, "quantity": pl.Int64}
LEVELS = {"channel_id": pl.String, "sku": pl.String, "desired": pl.Int64}
NAMES = {
    "channel_id": pl.String, "channel_sku": pl.String, "sku": pl.String, "units_per": pl.Int64,
}  # fmt: skip
NOBODY = pl.DataFrame(schema={"channel_id": pl.String, "sku": pl.String, "quantity": pl.Int64})
ALONE = network([channel("a", share=1)])
TWO = network([channel("a", share=0.5), channel("b", share=0.5)])
KIT = {"kit": {"mug": 1, "tea": 2}}


def shelf(*rows: tuple[str, str, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, STOCK, orient="row")


def shown(oms: Oms, bills: Bills, *rows: tuple[str, str, int], names: list[dict] | None = None):
    """Return what the listings of channel a show of some stock."""
    exploded = bills_of(bills)
    levels = desired_levels(shelf(*rows), NOBODY, oms, bills=exploded)
    listed = listing_levels(levels, pl.DataFrame(names or [], NAMES), oms.channels, exploded)
    mine = listed.filter(pl.col("channel_id") == "a")
    return dict(mine.select("channel_sku", "desired").iter_rows())


def test_a_kit_shows_what_its_components_make_and_singles_have_the_rest():
    found = shown(ALONE, KIT, ("lyon", "mug", 10), ("lyon", "tea", 10))
    assert found == {"kit": 2, "mug": 8, "tea": 6}  # 5 of each are the kit's: two kits of them


def test_a_kit_whose_component_is_sold_out_shows_nothing_and_keeps_nothing():
    found = shown(ALONE, KIT, ("lyon", "mug", 10), ("lyon", "tea", 1))
    assert found == {"kit": 0, "mug": 10, "tea": 1}
    assert shown(ALONE, KIT, ("lyon", "mug", 3)) == {"kit": 0, "mug": 3}


def test_a_kit_is_made_at_one_place_and_not_of_what_lies_at_two():
    oms = network([channel("a", share=1)], [place("lyon"), place("nice")])
    apart = (("lyon", "mug", 9), ("lyon", "tea", 1), ("nice", "tea", 9))
    assert shown(oms, KIT, *apart)["kit"] == 0
    assert shown(oms, KIT, *apart, ("nice", "mug", 2))["kit"] == 2


def test_two_channels_share_the_kits_that_can_be_made_and_not_those_their_units_would_make():
    oms = network(
        [channel("a", share=0.5), channel("b", share=0.5)], [place("lyon"), place("nice")]
    )
    names = [{"channel_id": c, "channel_sku": "kit", "sku": "kit", "units_per": 1} for c in "ab"]
    levels = desired_levels(
        shelf(("lyon", "mug", 3), ("lyon", "tea", 4), ("nice", "tea", 90), ("lyon", "kit", 7)),
        NOBODY, oms, bills=bills_of(KIT),
    )  # fmt: skip
    found = listing_levels(levels, pl.DataFrame(names, NAMES), oms.channels, bills_of(KIT))
    kits = found.filter(pl.col("sku") == "kit")["desired"].sum()
    assert 0 < kits <= 2


def test_kits_that_share_a_component_no_single_is_sold_of_leave_none_of_it_unused():
    bills = {"k1": {"mug": 1, "tea": 1}, "k2": {"mug": 1, "jam": 1}}
    names = [
        {"channel_id": "a", "channel_sku": "other", "sku": "none", "units_per": 1},
        # the names of the singles are given away: only kits are sold
        *({"channel_id": "a", "channel_sku": s, "sku": "none", "units_per": 1}
          for s in ("mug", "tea", "jam")),
    ]  # fmt: skip
    rows = (("lyon", "mug", 10), ("lyon", "tea", 10), ("lyon", "jam", 2))
    assert shown(ALONE, bills, *rows, names=names) == {"k1": 8, "k2": 2}


def test_pooled_listings_show_what_each_could_make():
    oms = network([channel("a", mode="pooled", risk=0.01)])
    found = shown(oms, KIT, ("lyon", "mug", 10), ("lyon", "tea", 10))
    assert found == {"kit": 5, "mug": 10, "tea": 10}


def test_stock_counted_under_the_name_of_a_kit_is_no_kit_and_demand_cuts_what_is_left():
    bills = bills_of(KIT)
    made = with_kits(shelf(("lyon", "kit", 50), ("lyon", "mug", 3), ("lyon", "tea", 9)), bills)
    assert made.filter(pl.col("sku") == "kit").rows() == [("lyon", "kit", 3)]
    after = made.with_columns(
        pl.when(pl.col("sku") == "tea")
        .then(4)
        .otherwise("quantity")
        .cast(pl.Int64)
        .alias("quantity")
    )
    assert dict(kits_left(after, bills).select("sku", "quantity").iter_rows())["kit"] == 2
    assert makeable(shelf(), bills).is_empty()


def test_touched_skus_are_widened_to_all_whose_listings_share_a_unit():
    bills = bills_of(
        {"k1": {"a": 1, "b": 1}, "k2": {"b": 1, "c": 1}, "k3": {"d": 1}, "k4": {"k1": 2}}
    )

    def wide(*skus: str) -> list[str]:
        return widen(pl.DataFrame({"sku": skus}, {"sku": pl.String}), bills)["sku"].to_list()

    assert wide("a") == ["a", "b", "c", "k1", "k2", "k4"]
    assert wide("k3", "x") == ["d", "k3", "x"]
    assert wide() == []


# -- promise 10, component by component

SKUS = ("s0", "s1", "s2", "s3")
UNITS = st.dictionaries(st.sampled_from(SKUS), st.integers(1, 3), min_size=1, max_size=3)
BILLS = st.lists(UNITS, min_size=1, max_size=3).map(
    lambda parts: {f"k{n}": p for n, p in enumerate(parts)}
)
POOLS = st.fixed_dictionaries({s: st.integers(0, 20) for s in SKUS})
# of each push: the channel, and which of its listings are acknowledged
PUSHES = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 255)), min_size=1, max_size=4)
PACKS = pl.DataFrame(
    [("a", "s0", "s0", 1), ("a", "s0x4", "s0", 4), ("b", "k0x2", "k0", 2), ("b", "k0", "k0", 1)],
    NAMES, orient="row",
)  # fmt: skip


def used(levels: pl.DataFrame, column: str, bills: pl.DataFrame) -> dict[str, int]:
    """Return the units of each SKU that may be shown."""
    takes = resources(levels, bills).group_by("uses").agg((pl.col(column) * pl.col("units")).sum())
    return dict(takes.iter_rows())


def keep_promise(steps: list, bills: pl.DataFrame, treated_by: pl.DataFrame) -> None:
    """Push levels with faults; no raise may take a unit that may still be shown."""
    held: pl.DataFrame | None = None
    for pools, pushes in steps:
        atp = shelf(*(("lyon", s, n) for s, n in pools.items()))
        wanted = desired_levels(atp, NOBODY, TWO, bills=bills)
        levels = listing_levels(wanted, PACKS, TWO.channels, treated_by)
        key = ["channel_id", "channel_sku"]
        if held is not None:
            levels = levels.join(held.select(*key, "held"), on=key, how="left")
        else:
            levels = levels.with_columns(pl.lit(0, pl.Int64).alias("held"))
        for sku, units in used(levels, "desired", bills).items():
            assert units <= pools.get(sku, 10**9)
        for rising in (False, True):
            for turn, acknowledged in pushes:
                before = used(levels, "held", bills)
                levels = push(levels, turn, acknowledged, rising, treated_by)
                for sku, units in used(levels, "held", bills).items():
                    assert units <= max(before[sku], pools.get(sku, 10**9))
        held = levels


def push(levels: pl.DataFrame, turn: str, acknowledged: int, rising: bool, bills: pl.DataFrame):
    """Send a channel its raises, or its lower levels; only those acknowledged are let go."""
    allowed = grants(levels, TWO.channels, bills)
    told = levels.join(allowed, on=["channel_id", "channel_sku"]).sort("channel_id", "channel_sku")
    heard = pl.lit(acknowledged).cast(pl.Int64) // pl.lit(2).pow(pl.int_range(pl.len())) % 2 == 1
    mine = pl.col("channel_id") == turn
    raised = pl.max_horizontal("held", "level")
    lower = mine & (pl.col("desired") <= pl.col("held")) & heard
    after = (
        pl.when(mine & (pl.col("desired") > pl.col("held"))).then(raised).otherwise("held")
        if rising
        else pl.when(lower).then("desired").otherwise("held")
    )
    return told.with_columns(after.cast(pl.Int64).alias("held")).drop("level")


@settings(max_examples=40, deadline=None)
@given(BILLS, st.lists(st.tuples(POOLS, PUSHES), min_size=1, max_size=3))
def test_no_component_is_promised_twice_over_singles_packs_and_kits(kits: Bills, steps: list):
    bills = bills_of(kits)
    keep_promise(steps, bills, bills)


def test_held_against_its_own_sku_alone_a_kit_would_promise_what_a_single_shows():
    bills = bills_of({"k0": {"s0": 1}})
    steps = [({"s0": 9}, [("a", 255), ("b", 255)])]
    keep_promise(steps, bills, bills)
    with pytest.raises(AssertionError):
        keep_promise(steps, bills, NO_BILLS)


def test_a_kit_waits_for_the_single_that_may_still_show_its_component():
    bills = bills_of(KIT)
    schema = {**NAMES, "desired": pl.Int64, "held": pl.Int64}

    def granted(mug: int, by: pl.DataFrame = bills) -> int:
        rows = [("a", "mug", "mug", 1, 2, mug), ("a", "kit", "kit", 1, 3, 0)]
        levels = pl.DataFrame(rows, schema, orient="row")
        found = grants(levels, ALONE.channels, by)
        return found.filter(pl.col("channel_sku") == "kit")["level"].item()

    assert [granted(5), granted(4), granted(2)] == [0, 1, 3]
    assert granted(5, NO_BILLS) == 3  # what held kits and singles apart would have sent
