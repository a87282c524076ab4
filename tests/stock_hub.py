"""The hub beside the model: its stages in their order, and what must hold after each of them."""

from datetime import datetime, timedelta

import polars as pl
from stock_checks import (
    check_ledger,
    check_raises,
    check_returns,
    desired,
    may_show,
    on_hand,
    pool,
    sellable,
    sold_of,
)
from stock_model import PACKS, PLACES, Model, Part
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


class Hub:
    """Ticks of the hub on `store`, and the promises asked after each."""

    store: Kept
    world: World
    model: Model
    oms: Oms
    policy = staticmethod(grants)
    failed = False  # a check failed, or a tick did not end
    lost = False  # something was stolen or not found: only the hub's own promises hold
    refused = False  # a level was refused, and a full pass alone asks again

    def ticks(
        self, fates: list[str], turned: bool = False, plans: bool = False, sends: bool = False,
        full: bool = False,
    ) -> int:  # fmt: skip
        """Let the hub tick; check every promise; return how many levels were sent."""
        self.failed = True  # until it ended well
        given = iter(fates)
        for name, shop in self.model.shops.items():
            shop.fates = [next(given, "ok") for _ in PACKS[name]]
            if not shop.reads:  # nobody could ever find out
                shop.fates = ["ok" if f == "dropped" else f for f in shop.fates]
        self.refused |= "refused" in fates  # asked again by a full pass alone
        now = self.model.passes()
        self.model.hear(self.world, turned)
        with self.store.session() as s:
            self._lets_go(s)
            ledger.post(s, now)
            check_ledger(s)
            if self.model.returns:
                check_returns(s)
        if plans and any(x.known and x.waiting for x in self.model.sales):
            self._plans(now)
        if sends:
            self._dispatches(now)
        with self.store.session() as s:
            compute_levels(s, self.oms, now)
            sold = sold_of(s)
            before, most = may_show(s, sold), pool(s, sold)
        done = publish_levels(
            self.store, self.oms, self.model.shops, now, full=full, policy=self.policy
        )
        with self.store.session() as s:
            self._check(before, may_show(s, sold), most)
        self.failed = False
        return sum(r.sent for r in done)

    def _lets_go(self, s: Session) -> None:
        """Cancel what was not sent of canceled orders, and ask for what was, as dispatch does."""
        gone = {s.order_id: s for s in self.model.sales if s.told_canceled}
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
            pl.when(sent).then("closed_at").otherwise(pl.lit(self.model.now)).alias("closed_at"),
        ))  # fmt: skip
        for sale in gone.values():
            for part in sale.parts:
                part.done = part.done or part.dispatched_at is None

    def _plans(self, now: datetime) -> None:
        sales = {s.order_id: s for s in self.model.sales}
        with self.store.session() as s:
            before = sellable(s)
            made = plan(read_inputs(s, self.oms, now))
            if not store_plan(s, made, now):
                return
            orders, lines = fulfillment_frames(made, now)
            ledger.reserve(s, orders, lines, now)
            after = sellable(s)
        for where in PLACES:
            assert after[where] >= min(before[where], 0), "promise 2: allocated what is not there"
        for fo_id, order_id, where, quantity in (
            orders.join(lines, on="fo_id")
            .select("fo_id", "order_id", "location_id", "quantity")
            .iter_rows()
        ):
            sales[order_id].parts.append(Part(fo_id, where, quantity))
        self._check_allocated()

    def _check_allocated(self) -> None:
        if self.lost:
            return
        for where in PLACES:
            parts = [p for s in self.model.sales for p in s.parts if p.location == where]
            promised, there = sum(p.remaining for p in parts), self.model.there[where]
            assert promised <= there, f"promise 2: {promised} allocated of {there} at {where}"

    def _dispatches(self, now: datetime) -> None:
        with self.store.session() as s:
            due = s.table("fulfillment_orders").filter(pl.col("state") == "planned")
            s.upsert("fulfillment_orders", due.with_columns(
                pl.lit("dispatched").alias("state"), pl.lit(now).alias("dispatched_at"),
                pl.lit("f1").alias("file_name"),
            ))  # fmt: skip
        sent = set(due["fo_id"])
        for sale in self.model.sales:
            for part in sale.parts:
                if part.fo_id in sent:
                    part.dispatched_at = now

    def _check(self, before: dict, after: dict, most: int) -> None:
        check_raises(before, after, PACKS, most)
        for name, shop in self.model.shops.items():
            for listing, shows in shop.shown.items():
                held = after[name, listing] + self.model.overwritten(name, listing)
                assert shows <= held, f"promise 10: {name} shows {shows} of {listing}, held {held}"
        self.check_shown()

    def check_shown(self) -> None:
        if self.lost:
            return
        model = self.model
        shown, sold, there = model.shown(), model.committed(), sum(model.there.values())
        assert shown + sold <= there + model.excused(), (
            f"oversold: {shown} shown and {sold} sold of {there}, {model.excused()} overwritten"
        )

    def comes_to_rest(self) -> None:
        """Let every fact arrive and every place be counted; then all must be one."""
        model = self.model
        while model.facts:
            model.hear(self.world, turned=False)
        model.passes(timedelta(minutes=5))
        for where in PLACES:
            model.count(where, wait=0, twice=False)
        self.ticks([], full=self.refused)
        for _ in range(6):
            if not self.ticks([]):
                break
        else:
            raise AssertionError("promise 4: the hub never comes to rest")
        with self.store.session() as s:
            computed = desired(s)
            assert on_hand(s) == model.there, "promise 7: the ledger is not what was counted"
        shown = {(c, k): shop.shown.get(k, 0) for c, shop in model.shops.items() for k in PACKS[c]}
        wanted = {key: computed.get(key, 0) for key in shown}  # none where nothing ever lay
        assert shown == wanted, "promise 4: a channel shows another level"
