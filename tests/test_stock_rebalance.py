"""Shares follow demand: slowly, by declared steps, and never by showing a unit twice."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stock_world import NOON, World, at, channel, network

from oms_pipelines.config import Oms
from oms_pipelines.stock import rebalance
from oms_pipelines.stock.listings import grants
from oms_pipelines.stock.rebalance import factors, renew_weights
from oms_pipelines.stock.sales import measure_sales
from oms_pipelines.stock.shares import Sharing, share_out
from oms_pipelines.stock.sharing import read_sharing
from oms_pipelines.store import Store

DAILY = {"stock": {"rebalance": {"strength": 0.5, "every": "1d"}}}
TWO = network([channel("a", share=0.5), channel("b", share=0.5)], **DAILY)


def rates(*rows: tuple[str, str, float]) -> pl.DataFrame:
    schema = {"channel_id": pl.String, "sku": pl.String, "per_day": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def moved(oms: Oms, strength: float, *rows: tuple[str, str, float]) -> dict:
    found = factors(rates(*rows), 28, oms.channels, strength)
    return {(c, s): f for c, s, f, _ in found.iter_rows()}


def test_a_claim_moves_towards_the_share_of_the_units_sold_by_its_strength():
    # 280 units of a, none of b: smoothed by ten as declared, a has 285 of 290
    assert moved(TWO, 1.0, ("a", "x", 10.0)) == {
        ("a", "x"): pytest.approx(2 * 285 / 290), ("b", "x"): pytest.approx(2 * 5 / 290),
    }  # fmt: skip
    half = moved(TWO, 0.5, ("a", "x", 10.0))
    assert half["a", "x"] == pytest.approx(0.5 + 285 / 290)
    assert set(moved(TWO, 0.0, ("a", "x", 10.0)).values()) == {1.0}


def test_a_sku_that_sold_little_stays_nearly_as_declared_and_one_that_sold_nothing_wholly():
    found = moved(TWO, 1.0, ("a", "x", 1 / 28))
    assert found["a", "x"] == pytest.approx(2 * 6 / 11)
    assert moved(TWO, 1.0) == {}
    assert moved(TWO, 1.0, ("till", "x", 5.0)) == {}  # who has no share has no demand share


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 9), st.floats(0, 50)), min_size=1, max_size=5))
def test_factors_leave_the_sum_of_the_claims_and_a_part_of_each(rows: list):
    oms = network([channel(f"c{i}", weight=w) for i, (w, _) in enumerate(rows)])
    found = moved(oms, 0.7, *((f"c{i}", "x", r) for i, (_, r) in enumerate(rows)))
    total = sum(w for w, _ in rows)
    kept = [found[f"c{i}", "x"] * w / total for i, (w, _) in enumerate(rows)]
    assert sum(kept) == pytest.approx(1)
    assert all(k >= 0.3 * w / total - 1e-9 for k, (w, _) in zip(kept, rows, strict=True))


# -- nothing is shown twice


FATES = st.sampled_from(["ok", "ok", "lost", "down", "late"])


@dataclass
class Shops:
    """What channels show and may show of one SKU, under the hub's rule of sending.

    A channel that acknowledged shows what it holds less what it sold. While an answer is
    missing, it does not sell here: what a level that comes late overwrites is no matter of
    shares.
    """

    oms: Oms
    pool: int = 0
    shown: dict[str, int] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    late: dict[str, int] = field(default_factory=dict)

    def tick(self, sharing: Sharing, fates: dict[str, str]) -> None:
        pools = pl.DataFrame({"sku": ["x"], "pool": [self.pool]})
        own = frozenset(c.id for c in self.oms.channels)
        found = share_out([pools], [own], self.oms.channels, sharing)
        desired = {c: q for c, _, q in found.iter_rows()}
        for rising in (False, True):
            rows = [(c, "x", "x", 1, q, self.held.get(c, 0)) for c, q in desired.items()]
            columns = ["channel_id", "channel_sku", "sku", "units_per", "desired", "held"]
            allowed = grants(pl.DataFrame(rows, columns, orient="row"), self.oms.channels)
            level = {c: q for c, _, q in allowed.iter_rows()}
            for c, q in desired.items():
                held = self.held.get(c, 0)
                if (q > held) == rising and (not rising or level[c] > held):
                    self.send(c, level[c] if rising else q, fates[c])

    def send(self, c: str, level: int, fate: str) -> None:
        self.shown[c] = self.late.pop(c, self.shown.get(c, 0))
        self.held[c] = level if fate == "ok" else max(self.held.get(c, 0), level)
        if fate in ("ok", "lost"):
            self.shown[c] = level
        if fate == "late":  # it takes it some time later, before it hears anything else
            self.late[c] = level

    def sell(self, c: str, wanted: int) -> None:
        if self.shown.get(c, 0) == self.held.get(c, 0) and c not in self.late:
            units = min(wanted, self.shown.get(c, 0))
            self.shown[c] = self.held[c] = self.shown.get(c, 0) - units
            self.pool -= units

    def most(self) -> int:
        """Return the most that all may be showing, now or once they take what is late."""
        both = (max(self.shown.get(c.id, 0), self.late.get(c.id, 0)) for c in self.oms.channels)
        return sum(both)


SALE = {"id": "flash", "from": "2026-03-02T13:00:00", "to": "2026-03-02T16:00:00", "units": 5}
THREE = [
    channel("a", weight=3, minimum=1), channel("b", weight=2, cap=9),
    channel("c", weight=1, stop_below=2, quotas=[SALE]),
]  # fmt: skip
TICKS = st.lists(
    st.tuples(
        st.integers(0, 12),  # units received
        st.tuples(FATES, FATES, FATES),
        st.tuples(*[st.floats(0.2, 3)] * 3),  # factors, as if renewed
        st.tuples(*[st.integers(0, 6)] * 3),  # units wanted
    ),
    min_size=1, max_size=6,
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(TICKS)
def test_rebalancing_shows_no_unit_twice_whatever_is_lost_or_late(ticks: list):
    shops = Shops(network(THREE))
    for hour, (received, fates, moves, wanted) in enumerate(ticks):
        shops.pool += received
        weights = pl.DataFrame({"channel_id": list("abc"), "sku": ["x"] * 3, "factor": list(moves)})
        shops.tick(Sharing(at(hour), weights=weights), dict(zip("abc", fates, strict=True)))
        assert shops.most() <= shops.pool
        for c, units in zip("abc", wanted, strict=True):
            shops.sell(c, units)
        assert shops.most() <= shops.pool


def test_once_all_is_acknowledged_every_channel_has_its_new_share():
    shops = Shops(TWO, pool=10)
    fine = dict.fromkeys("ab", "ok")
    shops.tick(Sharing(), fine)
    assert shops.shown == {"a": 5, "b": 5}
    weights = pl.DataFrame({"channel_id": ["a", "b"], "sku": ["x", "x"], "factor": [1.6, 0.4]})
    shops.tick(Sharing(weights=weights), fine | {"b": "down"})
    assert shops.shown == {"a": 5, "b": 5}  # a waits for b
    shops.tick(Sharing(weights=weights), fine)
    assert shops.shown == {"a": 8, "b": 2}


# -- through the store


def sells(world: World, channel_id: str, units: int, when: Any) -> None:
    world.order(f"{channel_id}/{channel_id}{world.batches}", {"x": units}, when)


def weights(store: Store, now: Any, oms: Oms = TWO) -> tuple[list, dict]:
    """Measure and renew; return the SKUs that changed and the factors that hold."""
    with store.session() as s:
        measure_sales(s, now, oms.stock.window)
        changed = renew_weights(s, oms, now)["sku"].to_list()
        found = read_sharing(s, oms, now).weights
    return changed, {(c, k): f for c, k, f in found.iter_rows()}


def test_that_nothing_sold_is_measured_once_a_while(store: Store, monkeypatch):
    World(store)
    measured = []
    rates = rebalance.demand_rates
    monkeypatch.setattr(rebalance, "demand_rates", lambda *x: measured.append(x) or rates(*x))
    for hours in (0, 1, 23):
        assert weights(store, at(hours)) == ([], {})
    assert len(measured) == 1
    weights(store, at(24))
    assert len(measured) == 2


def test_weights_stand_still_between_renewals_and_a_sku_that_sells_no_more_is_as_declared(
    store: Store,
):
    world = World(store)
    sells(world, "a", 20, NOON - timedelta(days=2))
    changed, first = weights(store, NOON)
    assert changed == ["x"]
    assert first["a", "x"] == pytest.approx(0.5 + 25 / 30)
    sells(world, "b", 60, NOON - timedelta(days=1))
    assert weights(store, at(23)) == ([], first)
    changed, second = weights(store, at(24))
    assert changed == ["x"]
    assert second["a", "x"] == pytest.approx(0.5 + 25 / 90)
    changed, last = weights(store, at(24 * 60))  # the window has passed
    assert (changed, set(last.values())) == (["x"], {1.0})
    with store.session() as s:
        some = pl.DataFrame({"sku": ["y"]})
        assert read_sharing(s, TWO, at(1), some).weights.is_empty()
        plain = network([channel("a", share=0.5), channel("b", share=0.5)])
        assert read_sharing(s, plain, at(1)).weights.is_empty()
