"""The world: a clock that moves when told to, an agenda, and everyone who acts on it."""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from pathlib import Path
from typing import Any

import orjson

from oms_pipelines.errors import Misconfigured
from oms_pipelines.sandbox import carrier, customers, drops, goods, sales, shop, table, warehouse
from oms_pipelines.sandbox.chance import draw
from oms_pipelines.sandbox.faults import Faults
from oms_pipelines.sandbox.state import Truth, load, save
from oms_pipelines.sandbox.truth import Order, Place, Shop

SHOPS = {
    "shop_fr": ("woocommerce", 10_000),
    "shop_com": ("shopify", 20_000),
    "market": ("mirakl", 30_000),
    "private_sale": ("file", 40_000),
    "till_paris": ("file", 50_000),
}
PLACES = {"lyon": "warehouse", "lille": "3pl", "paris": "store"}
FOLDERS = (
    "private_sale/out",
    "private_sale/in",
    "private_sale/tracking",
    "till_paris/out",
    *(f"{p}/out/{x}" for p in PLACES for x in warehouse.OUT),
    *(f"{p}/in/{x}" for p in PLACES for x in warehouse.IN),
)
HOUR = timedelta(hours=1)

EVENTS: dict[str, Callable[..., None]] = {
    "day": sales.open_day,
    "sale": shop.sell,
    "till_sale": drops.till_sale,
    "pay": shop.pay,
    "edit": shop.edit,
    "cancel": shop.cancel,
    "debit": shop.debit,
    "refund": customers.refund,
    "announce": customers.announce,
    "arrive": customers.arrive,
    "come_back": customers.come_back,
    "count": warehouse.count,
    "ship": warehouse.ship,
    "answer": warehouse.answer,
    "scan": carrier.scan,
    "campaign": drops.campaign,
    "close_till": drops.close_till,
}


class World:
    """One sandbox network. Every method is called by one thread at a time."""

    def __init__(
        self,
        root: Path,
        *,
        seed: int = 7,
        start: datetime | None = None,
        scale: float = 1.0,
        sales: dict[str, Any] | None = None,
        tracking_plugin: bool = True,
        faults: Sequence[dict[str, Any]] = (),
    ):
        self.root = root
        self.lock = threading.RLock()
        self.faults = Faults()
        for fault in faults:
            self.faults.add(**fault)
        self.tracking_plugin = tracking_plugin
        self.table: table.Table | None = None
        for folder in FOLDERS:
            (root / folder).mkdir(parents=True, exist_ok=True)
        self._path = root / "state.json"
        if self._path.exists():
            self.truth = load(self._path)
            if sales and sales != self.truth.sales:
                raise Misconfigured([f"{root} holds another world: remove it, or name another"])
            self.catalog = goods.read(root / "catalog")
            if self.truth.sales:
                self.table = table.Table(**self.truth.sales)
            return
        if sales:
            self.table = table.Table(**sales)
            start = start or self.table.first
        start = (start or datetime(2026, 3, 2, 6, tzinfo=UTC)).replace(microsecond=0)
        self.truth = Truth(seed, start, start, scale, sales)
        self.catalog = (
            self.table.catalog() if self.table else goods.read(goods.EXAMPLES / "catalog")
        )
        self._found()

    def _found(self) -> None:
        """Fill the shelves and the shops, and write what the hub finds on its first day."""
        goods.write(self.catalog, self.root / "catalog")
        truth = self.truth
        truth.places = {p: Place(p, kind) for p, kind in PLACES.items()}
        currency = next(iter(self.catalog.goods.values())).currency
        truth.shops = {s: Shop(s, system, currency, first) for s, (system, first) in SHOPS.items()}
        sales.fill_shelves(self)
        for place in truth.places:
            warehouse.count(self, place=place)
        sales.open_day(self)
        drops.open_for_business(self)
        made = {"seed": truth.seed, "start": truth.start, "currency": currency}
        (self.root / "world.json").write_bytes(orjson.dumps(made))
        self.save()

    def orders_of(self, customer: str) -> list[Order]:
        """Return what a customer bought, in every shop."""
        shops = self.truth.shops.values()
        return [x for s in shops for x in s.orders.values() if x.customer == customer]

    @property
    def now(self) -> datetime:
        return self.truth.now

    def draw(self, *about: object) -> float:
        """Return a number in [0, 1) for a thing, by the seed."""
        return draw(self.truth.seed, *about)

    def later(self, when: datetime | timedelta, kind: str, **what: Any) -> None:
        """Put something on the agenda, at a time or after a while."""
        at = when if isinstance(when, datetime) else self.now + when
        self.truth.scheduled += 1
        entry = (at.replace(microsecond=0), self.truth.scheduled, kind, what)
        heappush(self.truth.agenda, entry)

    def advance(self, hours: float) -> datetime:
        """Let time pass, in steps of an hour at most, and return what time it is then."""
        with self.lock:
            end = self.now + timedelta(seconds=round(hours * 3600))
            warehouse.read_all(self)
            self._forget_what_is_known()
            while self.now < end:
                whole = self.now.replace(minute=0, second=0) + HOUR
                self._live_until(min(whole, end))
                warehouse.read_all(self)
            drops.read_answers(self)
            self.save()
            return self.now

    def _forget_what_is_known(self) -> None:
        """What a file told is no news once the hub has taken that file away."""
        self.truth.unseen = [
            x for x in self.truth.unseen if not x["file"] or (self.root / x["file"]).exists()
        ]

    def _live_until(self, end: datetime) -> None:
        agenda = self.truth.agenda
        while agenda and agenda[0][0] <= end:
            at, _, kind, what = heappop(agenda)
            self.truth.now = max(self.now, at)
            EVENTS[kind](self, **what)
        self.truth.now = end

    def save(self) -> None:
        """Write the state to the folder."""
        with self.lock:
            save(self.truth, self._path)
