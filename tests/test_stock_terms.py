"""What is kept back of a location's stock before it is promised or routed: by hand, and always."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stock_world import NOON, World, at, channel, network, place

from oms_pipelines.config import Oms
from oms_pipelines.errors import Misconfigured
from oms_pipelines.routing import read_inputs
from oms_pipelines.stock import ledger
from oms_pipelines.stock.availability import atp_by_location, atp_terms, desired_levels
from oms_pipelines.stock.explain import explain_locations
from oms_pipelines.stock.lots import EXPIRED, expired_units, unexpired
from oms_pipelines.stock.sales import measure_sales
from oms_pipelines.stock.terms import CLASSES, RATES, Terms, read_terms, routable
from oms_pipelines.store import Store

UNITS = {"location_id": pl.String, "sku": pl.String, "quantity": pl.Int64}


def frame(schema: dict, *rows: tuple) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema, orient="row")


def terms(classes: tuple = (), rates: tuple = (), expired: tuple = ()) -> Terms:
    return Terms(frame(CLASSES, *classes), frame(RATES, *rates), frame(EXPIRED, *expired))


def atp(oms: Oms, known: Terms, *stock: tuple[str, str, int]) -> list[int]:
    return atp_by_location(frame(UNITS, *stock), oms, known)["quantity"].to_list()


def test_a_hundred_on_hand_less_five_deductions_of_five_is_seventy_five():
    place_ = place("lyon", safety_stock=5, threshold=5, store_reserve=5)
    oms = network([channel("a", share=1)], [place_])
    allocated = 5  # sellable is on hand less allocated
    known = terms(expired=(("lyon", "sock", 5),))
    stock = unexpired(frame(UNITS, ("lyon", "sock", 100 - allocated)), known.expired)
    assert atp_by_location(stock, oms, known).rows() == [("lyon", "sock", 75)]
    [row] = atp_terms(stock, oms, known).to_dicts()
    assert (row["safety"], row["store_reserve"], row["threshold"], row["atp"]) == (5, 5, 5, 75)


def test_the_first_line_of_safety_that_matches_the_class_decides():
    lines = [{"class": "fresh", "units": 7}, {"class": "bulky"}, {"class": "*", "units": 2}]
    oms = network([channel("a", share=1)], [place("lyon", safety=lines, safety_stock=9)])
    known = terms((("milk", "fresh"), ("sofa", "bulky"), ("pen", "other")))
    stock = [("lyon", sku, 10) for sku in ("milk", "sofa", "pen", "new")]
    assert atp(oms, known, *stock) == [3, 10, 8, 8]


def test_where_no_line_of_safety_matches_the_location_s_own_stands():
    lines = [{"class": "fresh", "units": 7}]
    places = [place("lyon", safety=lines, safety_stock=4), place("nice", safety_stock=1)]
    oms = network([channel("a", share=1)], places)
    known = terms((("milk", "fresh"),))
    stock = [("lyon", "milk", 10), ("lyon", "pen", 10), ("nice", "milk", 10)]
    assert atp(oms, known, *stock) == [3, 6, 9]


def test_days_of_sales_round_up_and_units_are_the_least():
    lines = [{"class": "*", "units": 2, "days": 3}]
    oms = network([channel("a", share=1)], [place("lyon", safety=lines), place("nice")])
    known = terms(rates=(("lyon", "sock", 2.4), ("lyon", "glove", 0.1), ("nice", "sock", 9.0)))
    stock = [("lyon", sku, 10) for sku in ("sock", "glove", "hat")]
    assert atp(oms, known, *stock, ("nice", "sock", 10)) == [2, 8, 8, 10]
    thrice = terms(rates=(("lyon", "sock", 1 / 3),))
    assert atp(network([], [place("lyon", safety=[{"days": 3}])]), thrice, ("lyon", "sock", 5)) == [
        4
    ]  # a third three times is one


def test_no_channel_is_promised_what_a_location_does_not_sell_and_routing_may_use_it():
    oms = network([channel("a", share=1)], [place("lyon"), place("nice", sells=False)])
    stock = frame(UNITS, ("lyon", "sock", 2), ("nice", "sock", 8))
    levels = desired_levels(atp_by_location(stock, oms), frame({**UNITS}).clear().select(
        pl.lit("").alias("channel_id"), "sku", "quantity"), oms)  # fmt: skip
    assert levels.rows() == [("a", "sock", 2)]
    assert routable(stock, oms, terms())["quantity"].to_list() == [2, 8]


def test_routing_keeps_safety_reserve_and_its_own_and_no_threshold():
    place_ = place("lyon", safety=[{"units": 3}], threshold=50, store_reserve=2)
    oms = network([], [place_], routing={"safety_stock": 1})
    known = terms(expired=(("lyon", "sock", 4),))
    assert routable(frame(UNITS, ("lyon", "sock", 20)), oms, known)["quantity"].to_list() == [10]


units = st.integers(0, 60)


@settings(max_examples=150, deadline=None)
@given(
    lots=st.lists(st.tuples(st.integers(-3, 3), units), max_size=6),
    shipped=st.lists(st.tuples(st.integers(-3, 3), units), max_size=6),
    allocated=units,
    kept=st.tuples(units, units, units),
)
def test_what_may_be_promised_never_exceeds_what_is_sellable_and_has_not_expired(
    lots: list[tuple[int, int]], shipped: list[tuple[int, int]], allocated: int, kept: tuple
):
    """Against a location that ships its lots unit by unit, first expired first out, since -4."""
    shelf = {e: sum(q for x, q in lots if x == e) for e, _ in lots}
    counted, left_until = dict(shelf), []
    for day, wanted in sorted(shipped):
        if day >= 0:
            continue
        before = sum(shelf.values())
        for expires in sorted(e for e in shelf if e > day):
            taken = min(shelf[expires], wanted)
            shelf[expires] -= taken
            wanted -= taken
        left_until.append((day, before - sum(shelf.values())))

    def gone_by(expires: int) -> int:
        return sum(n for day, n in left_until if day < expires)

    when = {"location_id": pl.String, "sku": pl.String, "sellable_until": pl.Int64}
    past = [("lyon", "milk", e) for e in counted if e <= 0]
    expired = expired_units(
        frame({**when, "quantity": pl.Int64}, *((*k, counted[k[2]]) for k in past)),
        frame({**when, "units": pl.Int64}, *((*k, gone_by(k[2])) for k in past)),
        frame(UNITS, ("lyon", "milk", sum(shelf.values()))),
    )  # fmt: skip
    rotten = sum(q for e, q in shelf.items() if e <= 0)
    assert expired["quantity"].sum() == rotten
    sellable = sum(shelf.values()) - allocated
    oms = network(
        [], [place("lyon", safety_stock=kept[0], threshold=kept[1], store_reserve=kept[2])]
    )
    stock = unexpired(frame(UNITS, ("lyon", "milk", sellable)), expired)
    [promised] = atp_by_location(stock, oms)["quantity"]
    assert promised == max(sellable - rotten - sum(kept), 0)


# -- on both stores


@pytest.fixture
def world(store: Store) -> World:
    return World(store, "lyon", "nice")


PARIS = place("lyon", time_zone="Europe/Paris", expiry_margin="1d", safety=[{"days": 2}])


def lot(world: World, name: str, day: date | None, quantity: int) -> None:
    world.put("stock_lots", {
        "location_id": "lyon", "sku": "milk", "counted_at": NOON, "lot": name,
        "expires_on": day, "quantity": quantity,
    })  # fmt: skip


def test_lots_expire_by_the_clock_of_the_location_and_leave_first_expired_first_out(world: World):
    world.count("lyon", "milk", 30, NOON)
    lot(world, "a", date(2026, 3, 5), 10)
    lot(world, "b", date(2026, 3, 7), 10)
    lot(world, "c", None, 10)
    world.give("1", "milk", 4, when=at(1), dispatched_at=at(1))
    world.parcel("1", "milk", 4, at(2))
    oms = network([channel("shop", share=1)], [PARIS, place("nice")])
    # 00:00 of the 5th in Paris is 23:00 of the 4th, and the margin is a day
    last = datetime(2026, 3, 3, 23, tzinfo=UTC)
    with world.store.session() as s:
        ledger.post(s, at(3))
        for now, expired in [
            (last - timedelta(seconds=1), []), (last, [6]), (last + timedelta(days=2), [16]),
            (last + timedelta(days=99), [16]),
        ]:  # fmt: skip
            assert read_terms(s, oms, now).expired["quantity"].to_list() == expired
        # what leaves once the first lot has expired is of the second
        world_order(s, world, last + timedelta(hours=1))
        ledger.post(s, last + timedelta(hours=2))
        late = read_terms(s, oms, last + timedelta(days=2)).expired
    assert late["quantity"].to_list() == [13]  # six of the first, seven of the second


def world_order(session, world: World, when: datetime) -> None:
    from store_frames import frame as rows

    session.upsert("fulfillment_lines", rows("fulfillment_lines", {
        "fo_id": "2", "line_id": "milk", "sku": "milk", "quantity": 3, "shipped_quantity": 3,
        "refused_quantity": 0,
    }))  # fmt: skip
    session.upsert("fulfillment_orders", rows("fulfillment_orders", {
        "fo_id": "2", "order_id": "shop/2", "location_id": "lyon", "state": "shipped",
        "plan_id": "p", "planned_at": when, "closed_at": when,
    }))  # fmt: skip
    session.upsert("shipment_lines", rows("shipment_lines", {
        "shipment_id": "lyon/2", "line_id": "milk", "sku": "milk", "quantity": 3,
    }))  # fmt: skip
    session.upsert("shipments", rows("shipments", {
        "shipment_id": "lyon/2", "fo_id": "2", "order_id": "shop/2", "location_id": "lyon",
        "status": "Pending", "shipped_at": when, "known_at": when,
    }))  # fmt: skip


def test_terms_are_read_for_some_skus_and_told_for_one(world: World):
    world.put("skus", {"sku": "milk", "class": "fresh"}, {"sku": "sock"})
    world.count("lyon", "milk", 30, NOON)
    world.count("lyon", "sock", 9, NOON)
    lot(world, "a", date(2026, 3, 2), 10)
    world.order("shop/1", {"milk": 4}, at(1))
    world.give("1", "milk", 4, when=at(1))
    lines = [{"class": "fresh", "days": 2, "units": 1}]
    oms = network(
        [channel("shop", share=1)],
        [place("lyon", safety=lines, store_reserve=3, threshold=2), place("nice", sells=False)],
    )
    now = at(24)
    with world.store.session() as s:
        ledger.post(s, now)
        measure_sales(s, now, oms.stock.window)
        every, one = (
            read_terms(s, oms, now),
            read_terms(s, oms, now, pl.DataFrame({"sku": ["sock"]})),
        )
        assert every.classes.rows() == [("milk", "fresh")]
        assert every.rates.rows() == [("lyon", "milk", 4.0)]
        assert every.expired.rows() == [("lyon", "milk", 10)]
        assert [one.classes.height, one.rates.height, one.expired.height] == [0, 0, 0]
        [told] = explain_locations(s, oms, now, pl.DataFrame({"sku": ["milk"]})).to_dicts()
    assert told == {
        "location_id": "lyon", "sku": "milk", "on_hand": 30, "allocated": 4, "expired": 10,
        "safety": 8, "store_reserve": 3, "threshold": 2, "sells": True, "atp": 3,
        "supply": None, "expected_at": None,
    }  # fmt: skip


def test_routing_gives_out_no_expired_unit(world: World):
    world.count("lyon", "milk", 12, NOON)
    lot(world, "a", date(2026, 3, 1), 10)
    world.order("shop/1", {"milk": 4}, at(1))
    shop = channel("shop", share=1) | {"options": {"folder": "shop"}}
    oms = network([shop], [place("lyon")])
    with world.store.session() as s:
        ledger.post(s, at(1))
        assert read_inputs(s, oms, at(1)).stock["available"].to_list() == [2]


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ({"safety": [{"units": -1}]}, r"locations\[0\]\.safety\[0\]\.units: "),
        ({"safety": [{"days": -1}]}, r"locations\[0\]\.safety\[0\]\.days: "),
        ({"store_reserve": -1}, r"locations\[0\]\.store_reserve: "),
        ({"safety": [{}, {"class": "a"}]}, r"locations\[0\]\.safety\[1\]\.class: an earlier line"),
        ({"expiry_margin": "-1d"}, r"locations\[0\]\.expiry_margin: "),
        ({"time_zone": "Mars"}, r"locations\[0\]\.time_zone: "),
        ({"sells": False}, r"channels\[0\]\.stock\.locations\[0\]: locations\[0\]\.sells is false"),
    ],
)
def test_settings_that_cannot_be_are_refused_with_their_path(location: dict, told: str):
    with pytest.raises(Misconfigured, match=told):
        network([channel("a", share=1, locations=["lyon"])], [place("lyon", **location)])
