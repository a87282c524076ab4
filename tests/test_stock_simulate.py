"""A replay of stock sharing: by hand on one SKU, then a small world with every kind of fault."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from soak_world import CHANNELS, SINCE, Link, Play, Trace, faulty, trace, world
from stock_world import channel, network, place

from oms_pipelines.config import Oms
from oms_pipelines.stock.publishing import RETRY, received
from oms_pipelines.stock.replica import held_after
from oms_pipelines.stock.simulate import Outcome, simulate
from oms_pipelines.stock.trace import even_quantiles

MINUTE = timedelta(minutes=1)
PLAY = Play(tick=10 * MINUTE)


def story(opening: dict[str, int], *wanted: tuple[float, str, int], supply=()) -> Trace:
    """Return two hours of one SKU: wanted (minute, channel, units), supply (minute, known,
    location, units)."""
    time = pl.Datetime("us", "UTC")
    stock = [(x, "sock", n) for x, n in opening.items()]
    asked = [(SINCE + m * MINUTE, SINCE + m * MINUTE, c, "sock", n) for m, c, n in wanted]
    came = [(SINCE + m * MINUTE, SINCE + k * MINUTE, x, "sock", n) for m, k, x, n in supply]
    key = {"sku": pl.String, "quantity": pl.Int64}
    two = {"at": time, "known_at": time}
    return Trace(
        pl.DataFrame(stock, {"location_id": pl.String} | key, orient="row"),
        pl.DataFrame(came, two | {"location_id": pl.String} | key, orient="row"),
        pl.DataFrame(asked, two | {"channel_id": pl.String} | key, orient="row"),
        SINCE,
        SINCE + timedelta(hours=2),
    )


def two(mode: str = "escrow", **stock: object) -> Oms:
    own = {"share": 0.5} if mode == "escrow" else {"risk": 0.5, "cold_start": 0}
    return network([channel(c, mode=mode, **own, **stock) for c in ("a", "b")])


def counts(outcome: Outcome, channel_id: str) -> dict[str, int]:
    row = outcome.by_channel().filter(pl.col("channel_id") == channel_id).row(0, named=True)
    return {k: row[k] for k in ("wanted", "sold", "lost_hidden", "lost_out", "oversold")}


def test_a_channel_sells_what_it_shows_and_loses_what_another_shows():
    # of ten units each shows five; a sells five, and one more only after the tick shared anew
    past = story({"lyon": 10}, (1, "a", 5), (2, "a", 1), (11, "a", 1))
    found = simulate(past, two(), PLAY)
    assert counts(found, "a") == {
        "wanted": 7, "sold": 6, "lost_hidden": 1, "lost_out": 0, "oversold": 0,
    }  # fmt: skip
    assert counts(found, "b")["wanted"] == 0
    assert found.by_channel()["stranded"].to_list() == [0, 1]


def test_a_sale_is_whole_or_none_and_lost_for_want_of_stock_where_there_is_none():
    found = simulate(story({"lyon": 4}, (1, "a", 3), (2, "b", 2), (3, "b", 1)), two(), PLAY)
    assert (counts(found, "a")["sold"], counts(found, "a")["lost_hidden"]) == (0, 3)
    assert counts(found, "b")["sold"] == 2
    gone = simulate(story({"lyon": 0}, (1, "a", 3)), two(), PLAY)
    assert (counts(gone, "a")["lost_hidden"], counts(gone, "a")["lost_out"]) == (0, 3)


def test_pooled_channels_oversell_within_a_tick_unless_a_buffer_is_kept_back():
    past = story({"lyon": 3}, (1, "a", 3), (2, "b", 2))
    found = simulate(past, two("pooled"), PLAY)
    assert (counts(found, "b")["sold"], counts(found, "b")["oversold"]) == (2, 2)
    assert found.cycles["hits"].to_list() == [1]
    kept = simulate(past, two("pooled", buffer=2), PLAY)
    assert kept.total("oversold") == 0
    assert counts(kept, "a")["lost_hidden"] == 3
    assert kept.total("stranded") == 0  # nothing is set aside


def test_a_channel_sells_from_its_own_locations_only():
    oms = network(
        [
            channel(c, mode="pooled", risk=0.5, cold_start=0, locations=[x])
            for c, x in (("a", "lyon"), ("b", "lille"))
        ],
        [place("lyon"), place("lille")],
    )
    found = simulate(story({"lyon": 1, "lille": 5}, (1, "a", 1), (2, "a", 1)), oms, PLAY)
    assert counts(found, "a") == {
        "wanted": 2, "sold": 1, "lost_hidden": 0, "lost_out": 1, "oversold": 0,
    }  # fmt: skip


def test_supply_is_sold_from_the_tick_that_knows_of_it():
    came = ((5, 35, "lyon", 4),)
    early, late = ((32, "a", 1),), ((41, "a", 1),)
    assert simulate(story({"lyon": 0}, *early, supply=came), two(), PLAY).total("sold") == 0
    assert simulate(story({"lyon": 0}, *late, supply=came), two(), PLAY).total("sold") == 1


def test_a_level_is_shown_after_its_delay_and_again_after_it_was_dropped():
    came, asked = ((5, 5, "lyon", 4),), ((17, "a", 1), (26, "a", 1))
    slow = Play(tick=10 * MINUTE, links={"a": Link(delays=(900.0,)), "b": Link()})
    found = simulate(story({"lyon": 0}, *asked, supply=came), two(), slow)
    assert counts(found, "a") == {
        "wanted": 2, "sold": 1, "lost_hidden": 1, "lost_out": 0, "oversold": 0,
    }  # fmt: skip
    half = Play(tick=10 * MINUTE, links={"a": Link(lost=0.5)}, seed=3)
    assert simulate(story({"lyon": 0}, (100, "a", 1), supply=came), two(), half).total("sold") == 1


def test_measured_quantiles_are_drawn_as_they_were_measured():
    even = even_quantiles({0.9: 70.0, 0.5: 40.0, 0.99: 200.0})
    assert (even[0], even[50], even[90], even[99], even[100]) == (0, 40, 70, 200, 200)
    assert even[25] == 20


def storm(minutes: int) -> dict[str, Link]:
    """Return links of which b takes nothing for a while from the fifth minute on."""
    begin = SINCE + 5 * MINUTE
    return {"b": Link(outages=((begin, begin + minutes * MINUTE),))}


def test_a_channel_out_of_reach_keeps_its_units_and_without_that_they_are_sold_twice():
    # a's share grows by what b should give up; b cannot be told, and sells what it shows
    asked = [(m, "a", 1) for m in range(1, 60, 4)] + [(61, "b", 5)]
    past = story({"lyon": 10}, *asked)
    play = Play(tick=10 * MINUTE, links=storm(100))
    assert simulate(past, two(), play).total("oversold") == 0
    hasty = Play(tick=10 * MINUTE, links=storm(100), raise_after_ack=False)
    assert simulate(past, two(), hasty).total("oversold") > 0


TIMED = ("accepted", "observed", "decided", "desired", "seen", "checked")


def test_what_is_held_after_receipts_is_what_publishing_says():
    cases = [
        (held, level, seen, accepted)
        for held in (0, 3, 5) for level in (0, 3, 4) for seen in (-1, 0, 4, 6)
        for accepted in (False, True)
    ]  # fmt: skip
    held, level, seen, accepted = (np.array(x) for x in zip(*cases, strict=True))
    verdicts = pl.DataFrame(
        {
            "held": held, "level": level, "shown": pl.Series(seen).replace(-1, None),
            "outcome": np.where(accepted, "accepted", RETRY),
        }
    ).with_columns(
        *(pl.lit(0).alias(c) for c in ("version", "accepted", "observed", "seen")),
        *(pl.lit(0).alias(f"{c}_version") for c in ("accepted", "observed")),
        *(pl.lit(SINCE).alias(f"{c}_at") for c in TIMED),
        pl.lit("").alias("text"),
    )  # fmt: skip
    said = received(verdicts, SINCE)["held"].to_list()
    assert held_after(held, level, seen, accepted).tolist() == said


@pytest.fixture(scope="module")
def busy() -> Trace:
    return trace(1, 12, seed=5)


def play(**more: object) -> Play:
    return Play(**{"tick": 15 * MINUTE, "links": faulty(1, seed=5), "seed": 5, **more})


def test_escrow_never_oversells_under_faults_where_pooled_without_buffers_does(busy: Trace):
    escrow = simulate(busy, world("escrow"), play())
    assert (escrow.total("oversold"), escrow.risk) == (0, 0)
    assert escrow.total("sold") > 1000
    pooled = simulate(busy, world("pooled", risk=0.999), play())
    assert pooled.total("oversold") > 5
    buffered = simulate(busy, world("pooled"), play())
    assert buffered.total("oversold") < pooled.total("oversold") / 4


def test_a_replay_is_the_same_again_and_the_order_of_rows_does_not_count(busy: Trace):
    day = Trace(**{**busy.__dict__, "until": SINCE + timedelta(hours=4)})
    turned = Trace(**{**day.__dict__, "demand": day.demand.reverse()})
    one, two = (simulate(x, world("pooled"), play()) for x in (day, turned))
    assert one.by_sku.equals(two.by_sku)
    assert {c for c, *_ in one.by_sku.iter_rows()} == set(CHANNELS)


def test_a_channel_that_overwrites_what_it_sold_in_between_oversells_that_much():
    # a shows two and sells them while a level of three is on its way; b shows the other three
    past = story({"lyon": 4}, (12, "a", 2), (16, "a", 3), (17, "b", 3), supply=((5, 5, "lyon", 2),))

    def oversold(*, compares: bool) -> int:
        slow = {"a": Link(delays=(300.0,), compares=compares)}
        return simulate(past, two(), Play(tick=10 * MINUTE, links=slow)).total("oversold")

    assert (oversold(compares=True), oversold(compares=False)) == (0, 2)
