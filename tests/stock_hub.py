"""The hub beside the models: its stages in their order, and what must hold after each of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl
from stock_checks import (
    Faults,
    Listing,
    desired,
    ledger_faults,
    may_show,
    on_hand,
    pools,
    return_faults,
    sellable,
    sold_of,
)
from stock_facts import tell
from stock_model import PLACES, Clock, Model, Part, Sale
from stock_shops import Counter
from stock_world import World
from store_kept import Kept

from oms_pipelines.config import Oms
from oms_pipelines.routing import fulfillment_frames, plan, read_inputs, store_plan
from oms_pipelines.stock import ledger
from oms_pipelines.stock.levels import compute_levels
from oms_pipelines.stock.listings import grants
from oms_pipelines.stock.publishing import publish_levels
from oms_pipelines.store import Session

ENDED = ("shipped", "partially_shipped", "refused", "canceled")


@dataclass(frozen=True)
class Tick:
    """What a tick does besides posting, computing and publishing, and how it hears of facts.

    `amid`: another run merges the orders between the computation and the publishing.
    """

    turned: bool = False
    amid: bool = False
    plans: bool = False
    sends: bool = False
    full: bool = False


class Hub:
    """Ticks of the hub on `store`, and the promises asked after each, SKU by SKU."""

    store: Kept
    world: World
    clock: Clock
    models: dict[str, Model]  # by SKU
    shops: dict[str, Counter]
    oms: Oms
    policy = staticmethod(grants)
    failed = False  # a check failed, or a tick did not end

    def ticks(self, tick: Tick) -> int:
        """Let the hub tick; check every promise; return how many levels were sent."""
        self.failed = True  # until it ended well
        now = self.clock.passes()
        for shop in self.shops.values():
            shop.pushed.clear()
        for model in self.models.values():
            model.note(f"-- {tick}")
        facts = [f for m in self.models.values() for f in m.due()]
        late = {"orders"} if tick.amid else set()
        tell(self.world, [f for f in facts if f.stream not in late], now, tick.turned)
        self._posts(now)
        if tick.plans and any(x.known and x.waiting for x in self.sales()):
            self._plans(now)
        if tick.sends:
            self._dispatches(now)
        with self.store.session() as s:
            compute_levels(s, self.oms, now)
        tell(self.world, [f for f in facts if f.stream in late], now, tick.turned)
        sent = self._publishes(now, tick.full)
        self.failed = False
        return sent

    def sales(self) -> Iterator[Sale]:
        return (s for m in self.models.values() for s in m.sales)

    def none(self, faults: Faults) -> None:
        """Raise for the first fault, with the life of its SKU; of others nothing is told."""
        for sku, text in faults:
            raise AssertionError("\n".join([f"{sku}: {text}", *self.models[sku].history]))

    def _posts(self, now: datetime) -> None:
        with self.store.session() as s:
            self._lets_go(s)
            ledger.post(s, now)
            self.none(ledger_faults(s))
            self.none(return_faults(s))

    def _publishes(self, now: datetime, full: bool) -> int:
        with self.store.session() as s:
            sold = sold_of(s)
            before, most = may_show(s, sold), pools(s, sold)
        # more than it may show, where a level was dropped: nobody raises what stands there already
        for model in self.models.values():
            for key, shows in model.shows().items():
                before[key] = max(before.get(key, 0), shows)
        done = publish_levels(self.store, self.oms, self.shops, now, full=full, policy=self.policy)
        with self.store.session() as s:
            after = may_show(s, sold)
        for model in self.models.values():
            self.none(self.faults(model, before, after, most[model.sku]))
        return sum(r.sent for r in done)

    def _lets_go(self, s: Session) -> None:
        """Cancel what was not sent of canceled orders, and ask for what was, as dispatch does."""
        gone = {s.order_id: s for s in self.sales() if s.told_canceled}
        if not gone:
            return
        orders = s.table("fulfillment_orders").filter(
            pl.col("order_id").is_in(list(gone)),
            ~pl.col("state").is_in([*ENDED, "cancel_requested"]),
        )
        sent = pl.col("dispatched_at").is_not_null()
        s.upsert("fulfillment_orders", orders.with_columns(
            pl.when(sent).then(pl.lit("cancel_requested")).otherwise(pl.lit("canceled"))
            .alias("state"),
            pl.when(sent).then("closed_at").otherwise(pl.lit(self.clock.now)).alias("closed_at"),
        ))  # fmt: skip
        for sale in gone.values():
            for part in sale.parts:
                part.done = part.done or part.dispatched_at is None

    def _plans(self, now: datetime) -> None:
        sales = {s.order_id: s for s in self.sales()}
        with self.store.session() as s:
            before = sellable(s)
            made = plan(read_inputs(s, self.oms, now))
            if not store_plan(s, made, now):
                return
            orders, lines = fulfillment_frames(made, now)
            ledger.reserve(s, orders, lines, now)
            after = sellable(s)
        for fo_id, order_id, where, quantity in (
            orders.join(lines, on="fo_id")
            .select("fo_id", "order_id", "location_id", "quantity")
            .iter_rows()
        ):
            sales[order_id].parts.append(Part(fo_id, where, quantity))
            self.models[sales[order_id].sku].note(f"{where} is given {quantity} of {order_id}")
        self.none(
            (sku, f"promise 2: allocated what is not there at {where}")
            for (where, sku), units in before.items()
            if after[where, sku] < min(units, 0)
        )
        self.none(fault for model in self.models.values() for fault in _overallocated(model))

    def _dispatches(self, now: datetime) -> None:
        with self.store.session() as s:
            due = s.table("fulfillment_orders").filter(pl.col("state") == "planned")
            s.upsert("fulfillment_orders", due.with_columns(
                pl.lit("dispatched").alias("state"), pl.lit(now).alias("dispatched_at"),
                pl.lit("f1").alias("file_name"),
            ))  # fmt: skip
        sent = set(due["fo_id"])
        for sale in self.sales():
            for part in sale.parts:
                if part.fo_id in sent:
                    part.dispatched_at = now

    def faults(self, model: Model, before: dict, after: dict, most: int) -> Faults:
        """Promise 10: whatever went up, went up within what can be promised, and so it shows."""
        own = {
            key: after.get(key, 0) - self._seen(model, key, before, after) for key in model.shows()
        }
        rose = {k: n for k, n in own.items() if n > before.get(k, 0)}
        together = sum(n * model.packs[c][listing] for (c, listing), n in own.items())
        if rose and together > most:
            yield model.sku, f"promise 10: {rose} rose, {together} may show of {most}"
        for key, shows in model.shows().items():
            held = after.get(key, 0) + model.overwritten(*key)
            if shows > held:
                yield model.sku, f"promise 10: {key} shows {shows}, held {held}"
        yield from oversold(model)

    def _seen(self, model: Model, key: Listing, before: dict, after: dict) -> int:
        """Return what a listing was seen to show after overwritten sales: nobody raised it."""
        channel, listing = key
        sent = [x.quantity for x in self.shops[channel].pushed if x.channel_sku == listing]
        seen = after.get(key, 0) - max(before.get(key, 0), *sent, 0)
        return min(max(seen, 0), model.overwritten(channel, listing))

    def comes_to_rest(self, full: bool) -> None:
        """Let every fact arrive and every place be counted; then all must be one.

        `full` asks again for levels that were refused.
        """
        models = self.models.values()
        while any(m.facts for m in models):
            facts = [f for m in models for f in m.due()]
            tell(self.world, facts, self.clock.now, turned=False)
        self.clock.passes(timedelta(minutes=5))
        for model in models:
            for where in PLACES:
                model.count(where, wait=0, twice=False)
        self.ticks(Tick(full=full))
        for _ in range(6):
            # what was dropped is found once the channel's delay is over
            self.clock.passes(timedelta(minutes=30))
            if not self.ticks(Tick()):
                break
        else:
            self.none(
                (shop.models[level.channel_sku].sku, "promise 4: the hub never comes to rest")
                for shop in self.shops.values()
                for level in shop.pushed
            )
        self.none(self._restless())

    def _restless(self) -> Faults:
        with self.store.session() as s:
            computed, stock = desired(s), on_hand(s)
        for sku, model in self.models.items():
            if {where: stock[where, sku] for where in PLACES} != model.there:
                yield sku, f"promise 7: the ledger is not what was counted, {model.there}"
            shown = model.shows()
            wanted = {key: computed.get(key, 0) for key in shown}  # none where nothing ever lay
            if shown != wanted:
                yield sku, f"promise 4: shown are {shown}, computed {wanted}"


def oversold(model: Model) -> Faults:
    """Without losses, what is shown and what is sold and has not left is what is there."""
    shown, sold, there = model.shown(), model.committed(), sum(model.there.values())
    excused = model.excused()
    if not model.lost and shown + sold > there + excused:
        yield (
            model.sku,
            f"oversold: {shown} shown and {sold} sold of {there}, {excused} overwritten",
        )


def _overallocated(model: Model) -> Faults:
    for where, there in model.there.items():
        promised = model.promised(where)
        if not model.lost and promised > there:
            yield model.sku, f"promise 2: {promised} allocated of {there} at {where}"
