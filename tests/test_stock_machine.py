"""The promises of stock under everything that happens at once: promises 2, 4, 7, 10, 11.

A machine lets customers, locations and shops act, and the hub tick now and then; a model keeps
what is really so (`stock_model`). Without losses, what the shops show and what is sold and has
not left never exceeds what is there, but for sales that a shop without compare-and-set let the
hub overwrite before it could hear of them. With losses the hub's own promise holds: nothing is
raised beyond what the ledger can promise.
"""

from collections.abc import Iterator
from datetime import timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run
from stock_hub import Hub
from stock_model import PACKS, PLACES, SKU, Model
from stock_world import World, channel, network, place
from store_kept import Kept, KeptDuckdb, KeptPostgres, empty

from oms_pipelines.config import Oms
from oms_pipelines.schema import METADATA


def shared(*shares: float) -> Oms:
    folder = {"options": {"folder": "nowhere"}}
    return network(
        [channel(c, share=s) | folder for c, s in zip(PACKS, shares, strict=True)],
        [place(x) for x in PLACES],
        routing={"rules": [{"id": "any", "split": {"parts": 2}}]},
    )


SHARES = {
    "even": shared(0.4, 0.3, 0.3), "b": shared(0.1, 0.8, 0.1), "b and c": shared(0, 0.5, 0.5),
    "a": shared(1, 0, 0),
}  # fmt: skip
FATES = st.sampled_from(["ok", "ok", "ok", "lost", "late", "down", "retry", "refused", "dropped"])
NAMES = st.sampled_from(sorted(SHARES))
WAIT, SOON = st.integers(0, 2), st.sampled_from([0, 0, 0, 1])
PAUSE = st.sampled_from([5, 5, 5, 180, 1800])  # minutes
FEW, EITHER = st.integers(1, 4), st.booleans()

WELL = {"shares": st.none() | NAMES, "turned": EITHER, "pause": PAUSE}
FAULTS = {
    "shares": st.none() | NAMES, "fates": st.lists(FATES, min_size=4, max_size=4),
    "before": st.sampled_from([0, 0, 1, 3]), "after": st.sampled_from([0, 0, 1]),
    "turned": EITHER, "plans": EITHER,
}  # fmt: skip


class Machine(Hub, RuleBasedStateMachine):
    """Steps of the world, and ticks of the hub. Subclasses set `store` and `losses`."""

    losses = False

    @initialize(
        lyon=st.integers(3, 12), nice=st.integers(1, 8), shares=st.sampled_from(sorted(SHARES))
    )
    def begins(self, lyon: int, nice: int, shares: str) -> None:
        empty(self.store, [t for t in METADATA.tables if t != "migrations"])
        self.oms, self.model = SHARES[shares], Model()
        self.world = World(self.store, *PLACES)
        self.world.put("sku_map", *(
            {"channel_id": "b", "channel_sku": k, "sku": SKU, "units_per": n}
            for k, n in PACKS["b"].items()
        ))  # fmt: skip
        self.model.there = {"lyon": lyon, "nice": nice}
        for where in PLACES:
            self.model.count(where, wait=0, twice=False)
        self.ticks([])

    # -- the world

    @rule(where=st.sampled_from(PLACES), units=st.integers(1, 9))
    def goods_arrive(self, where: str, units: int) -> None:
        self.model.passes()
        self.model.there[where] += units

    @rule(where=st.sampled_from(PLACES), wait=WAIT, twice=st.booleans())
    def place_is_counted(self, where: str, wait: int, twice: bool) -> None:
        self.model.count(where, wait, twice)

    @rule(shop=st.sampled_from(list(PACKS)), pack=st.booleans(), sold=FEW, wait=SOON, twice=EITHER)
    def customer_buys(self, shop: str, pack: bool, sold: int, wait: int, twice: bool) -> None:
        self.model.passes()
        self.model.buy(shop, list(PACKS[shop])[-1 if pack else 0], sold, wait, twice)

    @rule(wait=SOON)
    def customers_buy_all_that_shows(self, wait: int) -> None:
        self.model.passes()
        for shop, listings in PACKS.items():
            for listing in listings:
                self.model.buy(shop, listing, 999, wait, twice=False)

    @precondition(lambda self: any(not s.canceled for s in self.model.sales))
    @rule(data=st.data(), wait=WAIT)
    def customer_cancels(self, data: st.DataObject, wait: int) -> None:
        sales = [s for s in self.model.sales if not s.canceled]
        self.model.passes()
        self.model.cancel(sales[data.draw(st.integers(0, len(sales) - 1))], wait)

    @precondition(lambda self: self.model.parts())
    @rule(
        data=st.data(), ships=st.integers(0, 4), wait=WAIT, twice=EITHER, rest=EITHER, gone=EITHER
    )
    def location_works(
        self, data: st.DataObject, ships: int, wait: int, twice: bool, rest: bool, gone: bool
    ) -> None:
        """Ship some units of a part; refuse the rest, or leave it for later."""
        parts = self.model.parts()
        sale, part = parts[data.draw(st.integers(0, len(parts) - 1))]
        ships = min(ships, part.remaining, max(self.model.there[part.location], 0))
        refuses = part.remaining - ships if rest else 0
        if self.losses and gone and refuses:
            self._loses(part.location, refuses)
        if ships or refuses:
            self.model.work(sale, part, ships, refuses, wait, twice)

    @precondition(lambda self: any(s.left for s in self.model.sales))
    @rule(
        data=st.data(), units=FEW, where=st.sampled_from(PLACES), wait=WAIT, twice=EITHER,
        condition=st.sampled_from(["as_new", "as_new", "damaged"]),
    )  # fmt: skip
    def goods_come_back(
        self, data: st.DataObject, units: int, where: str, condition: str, wait: int, twice: bool
    ) -> None:
        sales = [s for s in self.model.sales if s.left]
        sale = sales[data.draw(st.integers(0, len(sales) - 1))]
        self.model.comes_back(sale, units, where, condition, wait, twice)

    @precondition(lambda self: self.losses)
    @rule(where=st.sampled_from(PLACES), units=FEW)
    def thief_comes(self, where: str, units: int) -> None:
        self.model.passes()
        self._loses(where, units)

    def _loses(self, where: str, units: int) -> None:
        self.lost = True
        self.model.there[where] = max(self.model.there[where] - units, 0)

    # -- the hub

    def _goes_well(self, shares: str | None, turned: bool, pause: int) -> None:
        self.oms = SHARES.get(shares, self.oms)
        self.model.passes(timedelta(minutes=pause))
        self.ticks([], turned, plans=True, sends=True)

    def _faults(
        self, shares: str | None, fates: list[str], before: int, after: int, turned: bool,
        plans: bool,
    ) -> None:  # fmt: skip
        self.oms = SHARES.get(shares, self.oms)
        for shop in self.model.shops.values():
            shop.buys_before, shop.buys_after = before, after
        self.ticks(fates, turned, plans)

    # each twice, so that few runs go without: a run may leave rules out

    @rule(**WELL)
    def hub_ticks(self, **drawn) -> None:
        self._goes_well(**drawn)

    @rule(**WELL)
    def hub_ticks_again(self, **drawn) -> None:
        self._goes_well(**drawn)

    @rule(**FAULTS)
    def hub_ticks_under_faults(self, **drawn) -> None:
        self._faults(**drawn)

    @rule(**FAULTS)
    def hub_ticks_under_faults_again(self, **drawn) -> None:
        self._faults(**drawn)

    def teardown(self) -> None:
        if hasattr(self, "model") and not self.failed:
            self.comes_to_rest()


class Ungated(Machine):
    """The same with ack-before-raise switched off: levels go up at once."""

    @staticmethod
    def policy(known: pl.DataFrame, channels, bills: pl.DataFrame) -> pl.DataFrame:
        return known.select("channel_id", "channel_sku", pl.col("desired").alias("level"))

    def _check(self, before: dict, after: dict, most: int) -> None:
        self.check_shown()


@pytest.fixture
def kept(request: pytest.FixtureRequest) -> Iterator[Kept]:
    """Return the store of a name on a connection that stays open."""
    if request.param == "duckdb":
        store: Kept = KeptDuckdb(request.getfixturevalue("duckdb_store").path)
    else:
        store = KeptPostgres(request.getfixturevalue("postgres_url"))
    with store.open:
        yield store


def runs(examples: int, steps: int, *phases: Phase, chance: bool = False) -> settings:
    """Return a profile; the same examples each time, unless left to `chance`."""
    return settings(
        max_examples=examples, stateful_step_count=steps, derandomize=not chance,
        phases=[Phase.generate, *phases], deadline=None, database=None, print_blob=chance,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip


def machine(base: type[Machine], store: Kept, **switches: bool) -> type[Machine]:
    return type(base.__name__, (base,), {"store": store, **switches})


BOTH = pytest.mark.parametrize("losses", [False, True], ids=["honest", "thieves"])


@BOTH
@pytest.mark.parametrize(("kept", "examples"), [("duckdb", 5), ("postgres", 15)], indirect=["kept"])
def test_the_promises_of_stock_hold_whatever_happens(kept: Kept, examples: int, losses: bool):
    run(machine(Machine, kept, losses=losses), settings=runs(examples, 8, Phase.shrink))


@pytest.mark.soak
@BOTH
@pytest.mark.parametrize("kept", ["duckdb", "postgres"], indirect=True)
def test_the_promises_of_stock_hold_over_thousands_of_runs(kept: Kept, losses: bool):
    long = runs(500, 25, Phase.shrink, chance=True)
    run(machine(Machine, kept, losses=losses), settings=long)


@pytest.mark.parametrize("kept", ["duckdb", "postgres"], indirect=True)
def test_without_ack_before_raise_it_oversells(kept: Kept):
    with pytest.raises(AssertionError, match="oversold"):
        run(machine(Ungated, kept), settings=runs(200, 8))
