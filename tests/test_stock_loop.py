"""The closed loop of levels: what is not shown is found, and nothing else is alarmed."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import polars as pl
import pytest
from shop_fake import Shop, tick
from stock_world import NOON, World, at, channel, network
from store_frames import frame

from oms_pipelines.channels.base import Receipt
from oms_pipelines.stages import report
from oms_pipelines.stock import delays, ledger
from oms_pipelines.stock.levels import compute_levels
from oms_pipelines.stock.loop import by_channel, not_observed
from oms_pipelines.stock.publishing import publish_levels
from oms_pipelines.stock.receipts import LEVEL, about_to_send, newest, outcome, received
from oms_pipelines.store import Store

ONE = network([channel("a", share=1.0)])
FULLY_READ = network([channel("a", share=1.0, read_share=1.0)])
SKUS = [f"s{n:02d}" for n in range(25)]  # enough to measure a delay of
DROPPED, OTHER = "s07", "s11"


@dataclass
class Busy(Shop):
    """A shop while which is read something happens in the hub, once."""

    meanwhile: list[Callable[[], object]] = field(default_factory=list)

    def read_stock(self, channel_skus):
        shown = super().read_stock(channel_skus)
        if self.meanwhile:
            self.meanwhile.pop()()
        return shown


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def shelves(world: World, when: datetime, **units: int) -> None:
    """Count SKUs at once."""
    of = world.batch(when)
    rows = [
        {"location_id": "lyon", "sku": sku, "counted_at": when, "quantity": n,
         "means": "on_hand", **of}
        for sku, n in units.items()
    ]  # fmt: skip
    world.put("stock_counts", *rows)


def minute(n: float) -> datetime:
    return NOON + timedelta(minutes=n)


def rows(world: World, table: str) -> list[dict]:
    with world.store.session() as s:
        return s.table(table).to_dicts()


def level(world: World, sku: str) -> dict:
    return next(r for r in rows(world, "levels") if r["channel_sku"] == sku)


def stocked(world: World, shop: Shop, oms=ONE) -> None:
    """Tell a shop ten of everything."""
    shelves(world, at(-1), **dict.fromkeys(SKUS, 10))
    done = tick(world, oms, {"a": shop}, NOON)
    assert done["a"].accepted == len(SKUS)


@dataclass
class Slow(Shop):
    """A shop that shows a level some minutes after it took it."""

    clock: datetime = NOON
    delay: timedelta = timedelta(minutes=7)
    coming: list = field(default_factory=list)

    def _take(self, level):
        if self.fates and self.fates.pop(0) == "dropped":
            return Receipt(level.key, "accepted")
        self.coming.append((self.clock + self.delay, level.channel_sku, level.quantity))
        return Receipt(level.key, "accepted")

    def read_stock(self, channel_skus):
        for due, sku, units in self.coming:
            if due <= self.clock:
                self.shown[sku] = units
        self.coming = [c for c in self.coming if c[0] > self.clock]
        return super().read_stock(channel_skus)


def test_a_lower_level_answered_with_200_and_dropped_is_found_alarmed_and_mended(world: World):
    shop = Shop(compares=True)
    stocked(world, shop)
    shelves(world, minute(4), s06=5, s07=5, s08=5)
    shop.fates = ["ok", "dropped", "ok"]
    assert tick(world, ONE, {"a": shop}, minute(5))["a"].alarms == 0
    assert (shop.shown[DROPPED], level(world, DROPPED)["held"]) == (10, 10)
    done = tick(world, ONE, {"a": shop}, minute(10))["a"]
    assert (done.suspects, done.alarms, done.sent, shop.shown[DROPPED]) == (1, 1, 1, 5)
    (alarm,) = rows(world, "level_alarms")
    assert (alarm["channel_sku"], alarm["kind"], alarm["observed"]) == (DROPPED, "higher", 10)
    assert (alarm["opened_at"], alarm["closed_at"]) == (minute(10), minute(10))
    found = level(world, DROPPED)
    assert (found["held"], found["observed"], found["seen_at"]) == (5, 5, minute(10))
    assert found["observed_version"] == found["accepted_version"] == found["version"]


def test_what_is_late_for_moments_alone_is_read_again_before_it_is_judged(world: World):
    shop = Shop()
    stocked(world, shop)
    shelves(world, minute(4), s06=5)
    shop.fates = ["dropped"]
    tick(world, ONE, {"a": shop}, minute(5))
    shop.shown["s06"] = 5  # a cache, renewed a second later
    done = tick(world, ONE, {"a": shop}, minute(10))["a"]
    assert (done.suspects, done.sent, done.alarms) == (1, 0, 0)
    assert level(world, "s06")["seen_at"] == minute(10)


def test_a_dropped_raise_is_sent_again_once_sales_are_known_and_none_explains_it(world: World):
    shop = Shop()
    stocked(world, shop)
    shelves(world, minute(4), s07=15)
    shop.fates = ["dropped"]
    tick(world, ONE, {"a": shop}, minute(5))
    done = tick(world, ONE, {"a": shop}, minute(10))["a"]
    assert (done.sent, done.alarms) == (0, 0)  # it may have sold five
    done = tick(world, ONE, {"a": shop}, minute(15))["a"]
    assert (done.sent, done.alarms, shop.shown[DROPPED]) == (1, 1, 15)
    assert rows(world, "level_alarms")[0]["kind"] == "lower"


def test_a_sale_between_send_and_reading_is_no_alarm_though_it_is_heard_of_later(world: World):
    oms = network([channel("a", share=1.0, read_share=1.0)])
    shop = Shop()
    stocked(world, shop, oms)
    shop.shown[OTHER] -= 2
    done = tick(world, oms, {"a": shop}, minute(5))["a"]
    assert (done.read, done.sent, done.alarms) == (len(SKUS), 0, 0)
    world.order("a/1", {OTHER: 2}, minute(3))
    shelves(world, minute(9), **{OTHER: 12})  # two more came: the level stays
    done = tick(world, oms, {"a": shop}, minute(10))["a"]
    assert (done.sent, done.alarms, rows(world, "level_alarms")) == (1, 0, [])
    assert shop.shown[OTHER] == level(world, OTHER)["desired"]


def test_a_slow_channel_is_not_alarmed_within_its_measured_delay_and_is_past_it(world: World):
    shop = Slow()
    shelves(world, at(-1), **dict.fromkeys(SKUS, 10))
    for n in (0, 5, 10):
        shop.clock = minute(n)
        assert tick(world, ONE, {"a": shop}, minute(n))["a"].alarms == 0
    (measured,) = rows(world, "level_delays")
    assert (measured["delays"], measured["delay_p50"], measured["delay_p99"]) == (25, 600, 600)
    shelves(world, minute(14), s06=4, s07=4, s08=4)
    shop.fates = ["ok", "dropped", "ok"]
    alarms = {}
    for n in (15, 20, 25):
        shop.clock = minute(n)
        alarms[n] = tick(world, ONE, {"a": shop}, minute(n))["a"].alarms
    assert alarms == {15: 0, 20: 0, 25: 1}
    (measured,) = rows(world, "level_delays")
    assert (measured["lags"], measured["lag_p99"]) == (2, 600)
    with world.store.session() as s:
        standing = by_channel(s, minute(30)).to_dicts()[0]
    assert (standing["unobserved"], standing["alarms"]) == (1, 1)
    assert (standing["oldest_unobserved"], standing["delay_p99"]) == (5.0, 600)


def test_the_sample_takes_turns_and_finds_a_level_that_somebody_typed_in(world: World):
    oms = network([channel("a", share=1.0, read_share=0.2)])
    shop = Shop()
    stocked(world, shop, oms)
    shop.shown["s24"] = 99
    found = [tick(world, oms, {"a": shop}, minute(5 * n))["a"] for n in range(1, 6)]
    assert [r.read for r in found] == [5] * 5
    assert [r.alarms for r in found] == [0, 0, 0, 0, 1]
    assert shop.shown["s24"] == 10


def test_levels_go_in_batches_the_most_urgent_first(world: World):
    @dataclass
    class Small(Shop):
        batches: list = field(default_factory=list)

        @property
        def capabilities(self):
            return replace(super().capabilities, stock_batch=2)

        def push_stock(self, levels):
            self.batches.append([(x.sku, x.quantity) for x in levels])
            return super().push_stock(levels)

    shop = Small()
    shelves(world, at(-1), up=2, much=10, half=10, most=10, none=4, slight=2)
    tick(world, ONE, {"a": shop}, NOON)
    shop.batches.clear()
    shelves(world, minute(4), up=5, much=8, half=1, most=0, none=0, slight=1)
    tick(world, ONE, {"a": shop}, minute(5))
    assert shop.batches == [
        [("most", 0), ("none", 0)],
        [("half", 1), ("slight", 1)],  # nine tenths lost, and one half
        [("much", 8)],
        [("up", 5)],
    ]


def test_a_channel_that_hangs_holds_up_no_raise_of_another_and_its_age_is_told(world: World):
    raised = Event()

    @dataclass
    class Hanging(Shop):
        hangs: bool = False
        waited: list = field(default_factory=list)

        def push_stock(self, levels):
            if self.hangs:
                self.waited.append(raised.wait(60))
                self.fate = "down"
            yield from super().push_stock(levels)

    class Raised(Shop):
        def _take(self, level):
            if level.quantity == 7:
                raised.set()
            return super()._take(level)

    oms = network([channel("a", share=0.5), channel("b", share=0.5)])
    shops = {"a": Hanging(), "b": Raised()}
    shelves(world, at(-1), sock=10, glove=10)
    tick(world, oms, shops, NOON)
    shops["a"].hangs = True
    shelves(world, minute(4), sock=4, glove=14)
    done = tick(world, oms, shops, minute(5), patience=0.0)
    assert shops["a"].waited == [True]
    assert (shops["b"].shown, done["b"].error) == ({"sock": 2, "glove": 7}, None)
    assert (shops["a"].shown["sock"], done["a"].error) == (5, "shop: no answer")
    with world.store.session() as s:
        standing = {r["channel_id"]: r for r in by_channel(s, minute(65)).to_dicts()}
    assert (standing["a"]["unsettled"], standing["a"]["oldest_due"]) == (1, 60.0)
    assert standing["b"]["oldest_due"] is None


def test_a_level_computed_while_the_channel_is_read_stays_and_is_sent(world: World):
    shop = Busy()
    stocked(world, shop)
    shop.shown["s24"] = 8  # it may have sold two: judged once that is known
    tick(world, FULLY_READ, {"a": shop}, minute(5))
    before = level(world, "s24")["version"]

    def sold_out() -> None:
        shelves(world, minute(14), **dict.fromkeys(SKUS, 0))
        with world.store.session() as s:
            ledger.post(s, minute(15))
            compute_levels(s, FULLY_READ, minute(15))

    shop.meanwhile.append(sold_out)
    publish_levels(world.store, FULLY_READ, {"a": shop}, minute(15))
    assert not shop.meanwhile
    found = level(world, "s24")
    assert (found["desired"], found["version"], found["desired_at"]) == (0, before + 1, minute(15))
    assert set(shop.shown.values()) == {0}


def test_a_reading_says_nothing_of_a_level_that_was_sent_meanwhile(world: World):
    shop = Busy()
    stocked(world, shop)

    def sent() -> None:
        shelves(world, minute(4), **dict.fromkeys(SKUS, 4))
        tick(world, ONE, {"a": Shop(shop.shown, reads=False)}, minute(5))

    shop.meanwhile.append(sent)
    done = publish_levels(world.store, FULLY_READ, {"a": shop}, minute(60))[0]
    found = level(world, "s24")
    assert (found["sent"], found["accepted"], found["held"], done.alarms) == (4, 4, 4, 0)
    assert found["accepted_at"] == minute(5)


def test_a_listing_that_is_gone_and_is_to_have_nothing_is_alarmed_no_more(world: World):
    shop = Shop()
    stocked(world, shop)
    del shop.shown[DROPPED]
    shop.lists = set(shop.shown)
    for n in (5, 10, 15):  # missing while it is to have ten: told, and alarmed
        tick(world, FULLY_READ, {"a": shop}, minute(n))
    (alarm,) = rows(world, "level_alarms")
    assert (alarm["kind"], alarm["closed_at"]) == ("absent", None)
    shelves(world, minute(19), s07=0)
    for n in (20, 25):
        done = tick(world, FULLY_READ, {"a": shop}, minute(n))["a"]
    (alarm,) = rows(world, "level_alarms")
    found = level(world, DROPPED)
    assert (found["observed"], found["held"], done.suspects) == (None, 0, 0)
    assert alarm["closed_at"] is not None
    shop.shown[DROPPED] = 5  # it is back, with what it had
    tick(world, FULLY_READ, {"a": shop}, minute(30))
    assert level(world, DROPPED)["held"] == 5


# -- receipts, out of order and doubled


def told(version: int, desired: int, held: int) -> pl.DataFrame:
    """Return a level that is due, as `levels_due.sql` gives it."""
    row = {"channel_id": "a", "channel_sku": "sock", "sku": "sock", "units_per": 1,
           "desired": desired, "desired_at": NOON, "version": version, "held": held}  # fmt: skip
    due = frame("levels", row)
    return due.with_columns(pl.col("desired").alias("level"), pl.lit(held).alias("showing"))


def test_receipts_of_an_older_version_and_contradicting_ones_lower_nothing():
    due = told(version=3, desired=2, held=9)
    for receipts in (
        [Receipt("sock#2", "accepted"), Receipt("sock#2", "accepted")],
        [Receipt("sock#3", "rejected"), Receipt("sock#3", "accepted")],
        [],
    ):
        after = received(outcome(due, receipts, {}), NOON).row(0, named=True)
        assert (after["held"], after["accepted"], after["error"][:5]) == (9, None, "retry")
    twice = [Receipt("sock#3", "accepted"), Receipt("sock#3", "accepted")]
    after = received(outcome(due, twice, {}), NOON).row(0, named=True)
    assert (after["held"], after["accepted"], after["accepted_version"]) == (2, 2, 3)


def test_a_receipt_that_comes_after_a_newer_send_lowers_nothing_that_is_held_for_it():
    old = told(version=1, desired=2, held=9)
    after = received(outcome(old, [Receipt("sock#1", "accepted")], {}), NOON).select(LEVEL)
    meanwhile = about_to_send(told(version=2, desired=12, held=9), minute(5)).select(LEVEL)
    stored = newest(after, meanwhile).row(0, named=True)
    assert (stored["held"], stored["sent_version"], stored["desired"]) == (12, 2, 12)
    assert stored["error"] == "retry: no receipt yet"
    # computed meanwhile, and not sent yet: what was computed stays, the receipt counts
    marked = about_to_send(old, NOON).with_columns(desired=pl.lit(7), version=pl.lit(2))
    stored = newest(after, marked.select(LEVEL)).row(0, named=True)
    assert (stored["held"], stored["accepted"], stored["desired"], stored["version"]) == (
        2,
        2,
        7,
        2,
    )


# -- delays


def test_the_delay_is_the_declared_one_until_enough_was_measured(world: World):
    oms = network([channel("a", share=1.0, delay="20m"), channel("b", share=0.0, delay="1m")])
    some = pl.DataFrame({"delay_seconds": [30.0] * 19, "lag_seconds": [40.0] * 19})
    with world.store.session() as s:
        delays.measure(s, "a", some, NOON)
        assert delays.longest(s, oms.channels[0]) == timedelta(minutes=20)
        assert delays.lags(s, oms.channels).rows() == [
            ("a", 1200.0, 1200.0, 1200.0, 19, True),
            ("b", 60.0, 60.0, 60.0, 0, True),
        ]
        assert delays.measured_lags(s, oms.channels) == {}
        more = pl.DataFrame({"delay_seconds": [31.0, 35.0], "lag_seconds": [None, 50.0]})
        delays.measure(s, "a", more, NOON)
        assert delays.longest(s, oms.channels[0]) == timedelta(seconds=35)
        assert delays.lags(s, oms.channels).row(0) == ("a", 40.0, 40.0, 50.0, 20, False)
        assert delays.measured_lags(s, oms.channels) == {"a": [40.0] * 19 + [50.0]}


def test_the_sample_is_bounded_and_the_bound_is_past_the_quantile(world: World):
    lengths = [float(n) for n in range(5000)]
    many = pl.DataFrame({"delay_seconds": lengths, "lag_seconds": lengths})
    kept = delays.spread(many)["delay_seconds"]
    assert (kept.len(), kept.max(), kept.median()) == (100, 4999.0, pytest.approx(2500, rel=0.02))
    with world.store.session() as s:
        for n in range(12):
            delays.measure(s, "a", many, minute(n))
        assert s.table("level_delay_samples").height == delays.RING
        assert s.table("level_delays")["delays"].item() == 1200
        assert s.table("level_delays")["delay_p99"].item() > 0.99 * 4999
    # too few to be sure that the greatest is past it, and just enough (Wilks)
    assert [delays.bound(n) for n in (298, 299, 472, 473)] == [298, 299, 472, 472]


def test_the_list_and_the_counts_agree_and_the_page_shows_them(world: World, tmp_path: Path):
    shop = Shop()
    stocked(world, shop)
    shelves(world, minute(4), s06=5, s07=5, s08=5, s09=5)
    shop.fates = ["dropped", "refused", "retry", "dropped"]
    tick(world, ONE, {"a": shop}, minute(5))
    with world.store.session() as s:
        found = not_observed(s, minute(65), 100)
        counts = by_channel(s, minute(65)).row(0, named=True)
    assert found["of_all"].to_list() == [4] * 4
    by = dict(found.group_by("state").len().iter_rows())
    assert by == {"unobserved": 2, "refused": 1, "unsettled": 1}
    assert {k: counts[k] for k in by} == by
    assert set(found["age"]) == {60.0}
    hub = SimpleNamespace(store=world.store, output=tmp_path, now=lambda: minute(65), oms=ONE)
    done = report.levels_page(hub)
    assert (done.rows, done.totals["unobserved"]) == (4, 2)
    page = done.path.read_text()
    assert "s06" in page
    assert "Not observed as desired: due, unsettled" in page
    assert "unsettled: sent, and no receipt yet" in page
    assert "<svg" in page
