"""The promises of stock under everything that happens at once: promises 2, 4, 7, 10, 11.

A machine lets customers, locations and shops act, and the hub tick now and then; a model keeps
what is really so (`stock_model`). Without losses, what the shops show and what is sold and has
not left never exceeds what is there, but for sales that a shop without compare-and-set let the
hub overwrite before it could hear of them. With losses the hub's own promise holds: nothing is
raised beyond what the ledger can promise.

A run is the life of one SKU: its stock, listings, orders, counts and returns, what is drawn for
it at each step, and its own promises. The hub works on sets, so each example is `TOGETHER` runs
in one store: no two share a unit, an order or a draw. What they share is what SKUs of one hub
do share: ticks, pauses, settings, and pushes that break off. So they are independent runs, which
show besides that no SKU disturbs another. Every other one has thieves.
"""

from collections.abc import Iterator
from datetime import timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from hypothesis.stateful import run_state_machine_as_test as run
from stock_acts import LARGEST, Choices, act
from stock_checks import Faults
from stock_hub import Hub, Tick, oversold
from stock_model import CHANNELS, PLACES, Clock, Model
from stock_shops import Break, open_to, shops
from stock_world import World, channel, network, place
from store_kept import Kept, KeptDuckdb, KeptPostgres, empty

from oms_pipelines.config import Oms
from oms_pipelines.schema import METADATA
from oms_pipelines.stock import publishing
from oms_pipelines.store import delta

TOGETHER = 50
LEAST = {"lyon": 3, "nice": 1}  # units at the beginning, of some ten


def shared(*shares: float) -> Oms:
    folder = {"options": {"folder": "nowhere"}}
    return network(
        [channel(c, share=s) | folder for c, s in zip(CHANNELS, shares, strict=True)],
        [place(x) for x in PLACES],
        routing={"rules": [{"id": "any", "split": {"parts": 2}}]},
    )


SHARES = {
    "even": shared(0.4, 0.3, 0.3), "b": shared(0.1, 0.8, 0.1), "b and c": shared(0, 0.5, 0.5),
    "a": shared(1, 0, 0),
}  # fmt: skip
NAMES = st.sampled_from(sorted(SHARES))
EITHER = st.booleans()
DAY = 1440  # minutes
PAUSE = st.sampled_from([5, 5, 5, 180, 1800])
EVERYONE = st.integers(0, LARGEST)  # what befalls each SKU is mixed of it
BROKEN = st.builds(Break, st.sampled_from(["down", "lost"]), st.integers(0, 99))
BREAKS = st.tuples(*[st.lists(st.none() | BROKEN, max_size=2)] * len(CHANNELS))
FATES = ("ok", "ok", "ok", "late", "retry", "refused", "dropped")

ACTS = st.lists(EVERYONE, min_size=1, max_size=3)
WELL = {"acts": ACTS, "shares": st.none() | NAMES, "turned": EITHER, "pause": PAUSE}
FAULTS = {
    "acts": ACTS, "shares": st.none() | NAMES, "turned": EITHER, "amid": EITHER,
    "plans": EITHER, "breaks": BREAKS, "fates": EVERYONE,
}  # fmt: skip


class Machine(Hub, RuleBasedStateMachine):
    """Steps of the world, each with a tick of the hub after it. Subclasses set `store`."""

    together = TOGETHER
    lived = 0  # runs that came to rest

    @initialize(stock=EVERYONE, shares=NAMES, refuses=EITHER)
    def begins(self, stock: int, shares: str, refuses: bool) -> None:
        empty(self.store, [t for t in METADATA.tables if t != "migrations"])
        self.oms, self.clock, self.shops, self.models = SHARES[shares], Clock(), shops(), {}
        self.world = World(self.store, *PLACES)
        self.refuses = refuses  # what was refused is asked again by a full pass alone
        for number in range(self.together):
            self._opens(number, stock)
        self.world.put("sku_map", *(
            {"channel_id": "b", "channel_sku": k, "sku": m.sku, "units_per": n}
            for m in self.models.values() for k, n in m.packs["b"].items()
        ))  # fmt: skip
        self.ticks(Tick())

    def _opens(self, number: int, drawn: int) -> None:
        model = Model(f"sock{number:03}", self.clock, self.shops, thieves=number % 2 == 1)
        self.models[model.sku] = model
        open_to(self.shops, model)
        choices = Choices(drawn, model.sku)
        for where in PLACES:
            model.arrive(where, LEAST[where] + choices.of(range(9)))
            model.count(where, wait=0, twice=False)

    def _acts(self, acts: list[int], shares: str | None) -> None:
        for drawn in acts:
            self.clock.passes()
            for model in self.models.values():
                act(model, Choices(drawn, model.sku))
        self.oms = SHARES.get(shares, self.oms)

    def _fares(self, model: Model, choices: Choices) -> None:
        """Let each listing of a model have its fate, and customers buy meanwhile."""
        before, after = choices.of((0, 0, 1, 3)), choices.of((0, 0, 1))
        for name, shop in self.shops.items():
            shop.buys_before[model.sku], shop.buys_after[model.sku] = before, after
            for listing in model.packs[name]:
                fate = choices.of(FATES)
                spared = fate == "refused" and not self.refuses
                # where nothing can be read, nobody could ever find out
                spared |= fate == "dropped" and not shop.reads
                shop.fate_of[listing] = "ok" if spared else fate

    @rule(**WELL)
    def all_goes_well(self, acts: list[int], shares: str | None, turned: bool, pause: int) -> None:
        self._acts(acts, shares)
        self.clock.passes(timedelta(minutes=pause))
        # older sales than of two days are left to the full pass of each day
        self.ticks(Tick(turned, plans=True, sends=True, full=pause > DAY))

    @rule(**FAULTS)
    def faults_befall(
        self, acts: list[int], shares: str | None, turned: bool, amid: bool, plans: bool,
        breaks: tuple[list[Break | None], ...], fates: int,
    ) -> None:  # fmt: skip
        self._acts(acts, shares)
        for shop, broken in zip(self.shops.values(), breaks, strict=True):
            shop.breaks, shop.turned = broken.copy(), turned
        for model in self.models.values():
            self._fares(model, Choices(fates, model.sku))
        self.ticks(Tick(turned, amid, plans))
        for shop in self.shops.values():
            shop.well()

    def teardown(self) -> None:
        if hasattr(self, "models") and not self.failed:
            self.comes_to_rest(full=self.refuses)
            type(self).lived += len(self.models)


class Ungated(Machine):
    """The same with ack-before-raise switched off: levels go up at once."""

    @staticmethod
    def policy(known: pl.DataFrame, channels, bills: pl.DataFrame) -> pl.DataFrame:
        return known.select("channel_id", "channel_sku", pl.col("desired").alias("level"))

    def faults(self, model: Model, before: dict, after: dict, most: int) -> Faults:
        yield from oversold(model)


@pytest.fixture
def kept(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    """Return the store of a name on a connection that stays open."""
    monkeypatch.setattr(publishing, "AT_ONCE", 1)  # shop by shop: a failure can be repeated
    if request.param == "duckdb":
        monkeypatch.setattr(delta, "SMALL", 0)  # sums stand in the delta, as in a large store
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
        report_multiple_bugs=False, suppress_health_check=list(HealthCheck),
    )  # fmt: skip


def machine(base: type[Machine], store: Kept, **more: int) -> type[Machine]:
    return type(base.__name__, (base,), {"store": store, **more})


BOTH = pytest.mark.parametrize("kept", ["duckdb", "postgres"], indirect=True)


@BOTH
def test_the_promises_of_stock_hold_whatever_happens(kept: Kept):
    few = machine(Machine, kept)
    run(few, settings=runs(2, 6, Phase.shrink))
    assert few.lived >= 100


@pytest.mark.soak
@BOTH
def test_the_promises_of_stock_hold_over_thousands_of_runs(kept: Kept):
    many = machine(Machine, kept, together=100)
    run(many, settings=runs(12, 8, Phase.shrink, chance=True))
    assert many.lived >= 1200


@BOTH
def test_without_ack_before_raise_it_oversells(kept: Kept):
    with pytest.raises(AssertionError, match="oversold"):
        run(machine(Ungated, kept), settings=runs(20, 6))
