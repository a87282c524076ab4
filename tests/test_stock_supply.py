"""What is expected: sold before it is there, told to who waits, and settled by what comes."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from consolidate_world import land
from stock_world import NOON, World, at, channel, network, place

from oms_pipelines.config import Oms
from oms_pipelines.consolidate import consolidate
from oms_pipelines.errors import Misconfigured
from oms_pipelines.landing import Landing
from oms_pipelines.stock import ledger
from oms_pipelines.stock.availability import atp_by_location, demand_of
from oms_pipelines.stock.levels import compute_levels
from oms_pipelines.stock.lots import expiring_skus
from oms_pipelines.stock.supply import (
    backorders,
    entering_skus,
    level_parts,
    open_supply,
    promise_dates,
    unmet_demand,
)
from oms_pipelines.store import Store

FILES = {"supply": {"profile": "supply", "from": "in"}, "stock": {"profile": "stock", "from": "in"}}
TIME = pl.Datetime("us", "UTC")


def frame(schema: dict, *rows: tuple) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema, orient="row")


def expected(*rows: tuple) -> pl.DataFrame:
    """Return supply from (location, sku, quantity, hours from noon)."""
    schema = {"location_id": pl.String, "sku": pl.String, "quantity": pl.Int64, "expected_at": TIME}
    return frame(schema, *((p, s, n, at(h)) for p, s, n, h in rows))


def on_hand(*rows: tuple) -> pl.DataFrame:
    schema = {"channel_id": pl.String, "sku": pl.String, "desired": pl.Int64}
    return frame(schema, *rows)


def units(*rows: tuple) -> pl.DataFrame:
    return frame({"sku": pl.String, "quantity": pl.Int64}, *rows)


def ahead(**more) -> dict:
    return {"horizon": "10d", **more}


def hub(*channels: dict, **place_: dict) -> Oms:
    return network(list(channels), [place("lyon", **FILES, **place_)])


def parts(oms: Oms, levels: pl.DataFrame, supply: pl.DataFrame, unmet=None) -> list[tuple]:
    return level_parts(levels, supply, units() if unmet is None else unmet, oms, NOON).rows()


def test_a_level_may_add_its_share_of_what_comes_within_the_horizon_told_apart():
    oms = hub(channel("a", share=1, preorder=ahead(share=0.5)))
    supply = expected(("lyon", "sock", 9, 24), ("lyon", "sock", 100, 24 * 11), ("x", "sock", 7, 1))
    assert parts(oms, on_hand(("a", "sock", 3)), supply) == [("a", "sock", 3, 4)]
    assert parts(oms, on_hand(), supply) == [("a", "sock", 0, 4)]  # of what is nowhere yet


def test_what_waits_already_is_served_from_it_first():
    oms = hub(channel("a", share=1, preorder=ahead()))
    supply = expected(("lyon", "sock", 9, 24))
    assert parts(oms, on_hand(), supply, units(("sock", 4))) == [("a", "sock", 0, 5)]
    assert parts(oms, on_hand(), supply, units(("sock", 14))) == [("a", "sock", 0, 0)]


def test_nothing_is_added_while_another_channel_is_promised_units_on_hand():
    oms = hub(channel("a", share=0.5, preorder=ahead()), channel("b", share=0.5))
    supply = expected(("lyon", "sock", 9, 24))
    both = on_hand(("a", "sock", 3), ("b", "sock", 1))
    assert parts(oms, both, supply) == [("a", "sock", 3, 0), ("b", "sock", 1, 0)]
    gone = on_hand(("a", "sock", 1), ("b", "sock", 0))
    assert parts(oms, gone, supply) == [("a", "sock", 1, 9), ("b", "sock", 0, 0)]


def test_skus_that_are_not_named_are_not_sold_ahead_and_the_cap_bounds_both_parts():
    oms = hub(channel("a", share=1, cap=5, preorder=ahead(skus=["sock"])))
    supply = expected(("lyon", "sock", 9, 24), ("lyon", "glove", 9, 24))
    found = parts(oms, on_hand(("a", "sock", 3), ("a", "glove", 3)), supply)
    assert found == [("a", "glove", 3, 0), ("a", "sock", 3, 2)]


def test_unmet_is_what_was_sold_and_cannot_be_promised():
    oms = hub(channel("a", share=1), safety_stock=2)
    stock = frame(
        {"location_id": pl.String, "sku": pl.String, "quantity": pl.Int64}, ("lyon", "sock", 5)
    )
    lines = {"channel_id": pl.String, "sku": pl.String, "quantity": pl.Int64}
    sold = frame(lines, ("a", "sock", 7), ("a", "glove", 1))
    atp = atp_by_location(stock, oms)
    assert unmet_demand(atp, demand_of(sold, stock), oms).rows() == [("glove", 1), ("sock", 4)]


def test_who_waits_is_served_by_priority_then_age_then_key_and_told_when():
    schema = {
        "order_id": pl.String, "line_id": pl.String, "sku": pl.String, "quantity": pl.Int64,
        "priority": pl.Int64, "placed_at": TIME,
    }  # fmt: skip
    waiting = frame(
        schema,
        ("old", "1", "sock", 3, 0, at(0)), ("new", "1", "sock", 2, 0, at(2)),
        ("first", "1", "sock", 4, 9, at(5)), ("b", "1", "sock", 2, 0, at(3)),
        ("a", "1", "sock", 2, 0, at(3)), ("late", "1", "sock", 5, 0, at(9)),
        ("only", "2", "glove", 1, 0, at(0)), ("served", "1", "hat", 1, 0, at(0)),
    )  # fmt: skip
    supply = expected(("x", "sock", 4, 48), ("x", "sock", 6, 24), ("x", "glove", 1, 72))
    found = promise_dates(waiting, supply, units(("sock", 4), ("hat", 1)))
    assert dict(found.select("order_id", "expected_at").rows()) == {
        "old": at(24), "new": at(24),  # 4 on hand are the first's; 3 + 2 of the 6 that come first
        "a": at(48), "b": at(48), "late": None, "only": at(72),
    }  # fmt: skip
    shuffled = promise_dates(waiting.reverse(), supply.reverse(), units(("sock", 4), ("hat", 1)))
    assert shuffled.equals(found)


# -- on both stores


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


HEAD = "reference;sku;quantity;expected_at;received_quantity"
COUNT = "sku;quantity;counted_at;lot;expires_on"


@dataclass
class Lyon:
    """A location that drops files, and what the store makes of them."""

    world: World
    landing: Landing
    oms: Oms

    def drop(self, when: datetime, head: str, *rows: str) -> list[str]:
        """Land a file and take it in; return why rows are kept back."""
        stream = "supply" if head == HEAD else "stock"
        body = "\n".join([head, *rows, ""]).encode()
        batch = land(self.landing, body, source="lyon", stream=stream, now=when)
        for result in consolidate(self.world.store, self.landing, self.oms, when):
            assert result.error is None
        with self.world.store.session() as s:
            kept = s.table("quarantine").filter(pl.col("batch_id") == batch.batch_id)
        return kept.sort("record")["reason"].to_list()

    def coming(self) -> list[tuple]:
        with self.world.store.session() as s:
            return open_supply(s).select("reference", "sku", "quantity").rows()

    def lots(self) -> list[tuple]:
        with self.world.store.session() as s:
            return s.table("stock_lots").select("sku", "lot", "expires_on", "quantity").rows()

    def counts(self) -> list[tuple]:
        with self.world.store.session() as s:
            return s.table("stock_counts").select("sku", "quantity").rows()


@pytest.fixture
def lyon(world: World, tmp_path: Path) -> Lyon:
    shop = channel("shop", share=1, preorder=ahead())
    return Lyon(world, Landing(f"file://{tmp_path}/landing"), hub(shop))


def test_supply_is_told_line_by_line_and_the_file_read_last_is_right(lyon: Lyon):
    told = lyon.drop(
        at(0), HEAD, "po1;sock;10;2026-03-05;", "po1;hat;-1;2026-03-05;", "po2;sock;5;;",
        "po3;hat;9;2026-03-05;2", "po4;hat;9;2026-03-05;", "po4;hat;8;2026-03-05;",
    )  # fmt: skip
    assert [reason.split(";")[0] for reason in told] == [
        "line 3: quantity is negative",
        "line 4: expected_at is empty",
        "line 6: sku stands twice in the reference",
        "line 7: sku stands twice in the reference",
    ]
    assert lyon.coming() == [("po3", "hat", 7), ("po1", "sock", 10)]
    lyon.drop(at(1), HEAD, "po1;sock;12;2026-03-06;5", "po3;hat;0;2026-03-05;", "po2;sock;5;x;")
    lyon.drop(at(2), HEAD, "po2;sock;5;2026-03-07;")
    assert lyon.coming() == [("po1", "sock", 7), ("po2", "sock", 5)]
    with lyon.world.store.session() as s:
        kept = (
            s.table("quarantine").select("record_key", "state").sort("record_key", "state").rows()
        )
    assert kept == [
        ("po1/hat", "waiting"), ("po2/sock", "superseded"), ("po2/sock", "superseded"),
        ("po4/hat", "superseded"), ("po4/hat", "waiting"),
    ]  # fmt: skip


def test_what_a_later_count_contains_comes_no_more_whichever_is_told_first(lyon: Lyon):
    lyon.drop(at(0), HEAD, "po1;sock;10;2026-03-02T18:00Z;", "po1;hat;3;2026-03-02T18:00Z;")
    lyon.drop(at(5), COUNT, "sock;4;2026-03-02T17:00Z;;", "hat;1;2026-03-02T17:00Z;;")
    assert lyon.coming() == [("po1", "hat", 3), ("po1", "sock", 10)]
    lyon.drop(at(9), COUNT, "sock;14;2026-03-02T20:00Z;;", "hat;1;2026-03-02T17:30Z;;")
    assert lyon.coming() == [("po1", "hat", 3)]
    lyon.drop(at(10), HEAD, "po2;sock;6;2026-03-02T19:00Z;")  # told late: the count has it
    assert lyon.coming() == [("po1", "hat", 3)]
    lyon.drop(at(11), HEAD, "po2;sock;6;2026-03-09;")  # it did not come: another date
    assert lyon.coming() == [("po1", "hat", 3), ("po2", "sock", 6)]


def test_a_level_holds_what_comes_and_who_waits_is_told_the_day(lyon: Lyon):
    world, oms = lyon.world, lyon.oms
    lyon.drop(at(0), HEAD, "po1;sock;10;2026-03-05;", "po2;sock;10;2026-03-20;")
    lyon.drop(at(0), COUNT, "sock;2;2026-03-02T12:00Z;;")
    world.order("shop/1", {"sock": 3}, at(1))
    world.order("shop/2", {"sock": 4}, at(2))
    world.order("shop/3", {"sock": 9}, at(3))
    with world.store.session() as s:
        ledger.post(s, at(3))
        compute_levels(s, oms, at(3))
        [level] = s.table("levels").to_dicts()
        due = backorders(s, oms, at(3))
        soon, late = at(24 * 8), at(24 * 9)
        assert entering_skus(s, oms, at(3), soon - timedelta(days=4)).is_empty()
        assert entering_skus(s, oms, soon - timedelta(days=4), late)["sku"].to_list() == ["sock"]
        compute_levels(s, oms, late)
        [then] = s.table("levels").to_dicts()
    # 16 sold, 2 there: the 10 that come within ten days are sold; by then the other 10 do not come
    assert (level["desired"], then["desired"]) == (0, 20 - 14)
    assert due.select("order_id", "expected_at").rows() == [
        ("shop/1", datetime(2026, 3, 5, tzinfo=UTC)), ("shop/2", datetime(2026, 3, 5, tzinfo=UTC)),
        ("shop/3", datetime(2026, 3, 20, tzinfo=UTC)),
    ]  # fmt: skip


def incremental(lyon: Lyon, when: datetime) -> dict[str, int]:
    """Compute the levels of what was touched, which are those of all."""
    with lyon.world.store.session() as s:
        ledger.post(s, when)
        compute_levels(s, lyon.oms, when)
        assert compute_levels(s, lyon.oms, when, full=True).is_empty()
        return dict(s.table("levels").select("sku", "desired").iter_rows())


def test_supply_that_a_late_read_count_contains_is_not_sold_ahead_any_more(lyon: Lyon):
    lyon.drop(at(0), HEAD, "po1;sock;10;2026-03-02T13:00Z;")
    lyon.drop(at(0), COUNT, "sock;2;2026-03-02T12:00Z;;")
    assert incremental(lyon, at(0)) == {"sock": 12}
    assert incremental(lyon, at(60)) == {"sock": 12}
    # counted days before it is read: as many units as before
    lyon.drop(at(72), COUNT, "sock;2;2026-03-02T14:00Z;;")
    assert incremental(lyon, at(72)) == {"sock": 2}
    lyon.drop(at(73), HEAD, "po1;sock;10;2026-03-09;")
    assert incremental(lyon, at(73)) == {"sock": 12}


def test_only_what_was_told_lately_of_supply_is_looked_at_again(lyon: Lyon):
    lyon.drop(at(0), HEAD, "po1;sock;10;2026-03-05;", "po1;hat;4;2026-03-05;")
    lyon.drop(at(0), COUNT, "sock;2;2026-03-02T12:00Z;;", "hat;0;2026-03-02T12:00Z;;")
    assert incremental(lyon, at(1)) == {"sock": 12, "hat": 4}
    lyon.drop(at(48), HEAD, "po1;hat;5;2026-03-05;")
    with lyon.world.store.session() as s:
        assert s.query("stock/skus_expected", since=at(25))["sku"].to_list() == ["hat"]
    assert incremental(lyon, at(49)) == {"sock": 12, "hat": 5}


def test_a_sku_whose_expired_lots_are_counted_away_is_sold_again(lyon: Lyon):
    lyon.drop(at(0), COUNT, "milk;4;2026-03-02T12:00Z;a;2026-03-05")
    assert incremental(lyon, at(96)) == {"milk": 0}
    lyon.drop(at(97), COUNT, "milk;4;2026-03-06T12:30Z;;")  # as many, of no lot
    assert incremental(lyon, at(97)) == {"milk": 4}


def test_a_count_is_the_sum_of_its_lots_and_the_lots_of_the_newest_stay(lyon: Lyon):
    lyon.drop(
        at(1), COUNT, "milk;4;2026-03-02T12:00Z;a;2026-03-05", "milk;6;2026-03-02T12:00Z;b;",
        "milk;2;2026-03-02T12:00Z;;2026-03-09", "milk;1;2026-03-02T12:00Z;;", "sock;9;;;",
    )  # fmt: skip
    assert lyon.counts() == [("milk", 13), ("sock", 9)]
    kept = [
        ("milk", "2026-03-09", date(2026, 3, 9), 2),
        ("milk", "a", date(2026, 3, 5), 4),
        ("milk", "b", None, 6),
    ]
    assert lyon.lots() == kept
    lyon.drop(at(2), COUNT, "milk;5;2026-03-01T12:00Z;old;2026-03-02")  # an older count, late
    assert lyon.lots() == kept
    lyon.drop(at(3), COUNT, "milk;3;2026-03-02T13:00Z;b;2026-03-08")
    assert lyon.lots() == [("milk", "b", date(2026, 3, 8), 3)]
    with lyon.world.store.session() as s:
        day = datetime(2026, 3, 8, tzinfo=UTC)
        for since, until, found in [(at(3), day, ["milk"]), (day, day + timedelta(days=9), [])]:
            assert expiring_skus(s, lyon.oms, since, until)["sku"].to_list() == found
    lyon.drop(at(4), COUNT, "milk;3;2026-03-02T14:00Z;;")
    assert lyon.lots() == []


def test_where_a_lot_is_kept_back_the_sku_is_and_its_last_count_stands(lyon: Lyon):
    lyon.drop(at(1), COUNT, "milk;4;;a;2026-03-05", "sock;9;;;")
    told = lyon.drop(
        at(2), COUNT, "milk;4;;a;2026-03-05", "milk;x;;b;2026-03-06", "sock;8;;;", "jam;1;;a;",
        "jam;2;;a;", "tea;1;;;05/03/2026",
    )  # fmt: skip
    assert [reason.split(";")[0] for reason in told] == [
        "another lot of its SKU is kept back",
        "line 3: quantity is not a whole number of units",
        "line 5: lot stands twice with one counted_at",
        "line 6: lot stands twice with one counted_at",
        "line 7: expires_on is not a day the profile promises (%Y-%m-%d)",
    ]
    assert lyon.counts() == [("milk", 4), ("sock", 9), ("sock", 8)]
    assert [lot[:2] for lot in lyon.lots()] == [("milk", "a")]


@pytest.mark.parametrize(
    ("stock", "location", "told"),
    [
        ({}, {}, "no location it sells from has supply"),
        ({"mode": "none"}, FILES, "the channel is told no levels"),
        ({"preorder": {"horizon": "0s"}}, FILES, r"horizon: is nothing"),
        ({"preorder": {"horizon": "1d", "share": 2}}, FILES, r"share: Input"),
    ],
)
def test_what_cannot_be_sold_ahead_is_refused_with_its_path(stock: dict, location: dict, told: str):
    settings = {"share": 1, "preorder": ahead(), **stock}
    with pytest.raises(Misconfigured, match=rf"channels\[0\]\.stock\.preorder.*{told}"):
        network([channel("a", **settings)], [place("lyon", **location)])


def test_shares_of_one_supply_above_one_are_refused_and_so_is_absent_supply():
    more = [channel(c, share=0.5, preorder=ahead(share=0.6)) for c in ("a", "b")]
    with pytest.raises(Misconfigured, match=r"channels\[1\]\.stock\.preorder\.share: .* 1\.2"):
        hub(*more)
    apart = [
        channel(c, share=0.5, preorder=ahead(skus=[sku])) for c, sku in (("a", "x"), ("b", "y"))
    ]
    assert len(hub(*apart).channels) == 2
    supply = {"profile": "supply", "from": "in", "absent": "zero"}
    with pytest.raises(Misconfigured, match=r"locations\[0\]\.supply\.absent: "):
        network([], [place("lyon", supply=supply)])
