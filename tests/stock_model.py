"""What is really so, beside what the hub believes: stock, customers, shops, and facts on the way.

One SKU at two locations, on three channels, one of which lists a pack of three besides. A fact
is queued when it happens, and the hub hears of it so many ticks later, perhaps twice.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import polars as pl
from shop_fake import Shop
from stock_world import NOON, World

from oms_pipelines.channels.base import Level, Receipt
from oms_pipelines.dispatch import apply_confirmations
from oms_pipelines.logistics.kinds import DEFAULTS, RECEIPT
from oms_pipelines.logistics.parse import parse_confirmations, parse_receipts, resolve_receipts
from oms_pipelines.returns.links import link

SKU = "sock"
PLACES = ("lyon", "nice")  # nice counts what is available, lyon what is there
PACKS = {"a": {SKU: 1}, "b": {"SOCK": 1, "SOCK-3": 3}, "c": {SKU: 1}}
ENDS = {"as_new": "restock", "damaged": "scrap"}
CONFIRMED = (
    "fo_id;line_id;sku;shipped_quantity;refused_quantity;reason;parcel;carrier_id;"
    "tracking_number;shipped_at"
)
RECEIVED = "receipt_id;line_no;rma;order_number;line_id;sku;quantity;condition;remark;received_at"


@dataclass
class Part:
    """What one location was given of a sale, in SKU units."""

    fo_id: str
    location: str
    quantity: int
    dispatched_at: datetime | None = None
    left: int = 0
    refused: int = 0
    done: bool = False  # nothing of it will leave any more
    parcels: int = 0

    @property
    def remaining(self) -> int:
        return 0 if self.done else self.quantity - self.left - self.refused


@dataclass
class Sale:
    """What a customer bought, in SKU units."""

    order_id: str
    channel: str
    listing: str
    sold: int  # sold units of the listing
    units: int
    placed_at: datetime
    known: bool = False  # the hub has heard of it
    blind: bool = False  # its channel was set anew by a hub that had not heard of it
    canceled: bool = False
    told_canceled: bool = False
    parts: list[Part] = field(default_factory=list)
    returned: int = 0

    @property
    def left(self) -> int:
        return sum(p.left for p in self.parts)

    @property
    def waiting(self) -> int:
        """Units that no location was given, or that one gave back."""
        return 0 if self.canceled else self.units - self.left - sum(p.remaining for p in self.parts)

    @property
    def committed(self) -> int:
        """Units that must still leave, or may: a location has not let go of them."""
        if self.canceled:
            return sum(p.remaining for p in self.parts)
        return max(self.units - self.left, 0)


@dataclass
class Fact:
    """Something the hub will hear of in `wait` ticks, and once more if `twice`."""

    wait: int
    twice: bool
    tell: Callable[[World, datetime], None]


@dataclass
class Counter(Shop):
    """A shop with customers: they buy what it shows, also while the hub talks to it.

    Fate `late` besides those of Shop: takes the level, and its receipt comes with a later push,
    twice and after those of that push.
    """

    channel: str = ""
    model: "Model | None" = None
    late: list[Receipt] = field(default_factory=list)
    buys_before: int = 0  # sold units bought when the next push arrives
    buys_after: int = 0  # and before it is read back
    dropped: set[str] = field(default_factory=set)

    def push_stock(self, levels: Sequence[Level]) -> Iterator[Receipt]:
        self.buys_before = self._sell(self.buys_before)
        old, self.late, self.dropped = self.late, [], set()
        for level in levels:
            fate = self.fates[0] if self.fates else self.fate
            if fate == "late":
                self.fates[0] = "ok"
            before = len(self.pushed)
            try:
                receipt = self._take(level)
            finally:
                self._mark(level, fate)
            assert len(self.pushed) == before
            if fate == "late":
                self.late += [receipt, receipt]
            else:
                yield receipt
        yield from old

    def read_stock(self, channel_skus: Sequence[str]) -> dict[str, int]:
        self.buys_after = self._sell(self.buys_after)
        for listing in self.dropped:  # a sale may hide that the level was not taken
            self._blind(listing)
        return super().read_stock(channel_skus)

    def _sell(self, sold: int) -> int:
        for listing in PACKS[self.channel]:
            if sold and self.model:
                self.model.buy(self.channel, listing, sold, wait=0, twice=False)
        return 0

    def _mark(self, level: Level, fate: str) -> None:
        if fate == "dropped":
            self.dropped.add(level.channel_sku)
        elif self.shown.get(level.channel_sku) == level.quantity and fate in ("ok", "late", "lost"):
            self._blind(level.channel_sku)

    def _blind(self, listing: str) -> None:
        for sale in self.model.sales if self.model else []:
            if (sale.channel, sale.listing) == (self.channel, listing) and not sale.known:
                sale.blind = True


class Model:
    """The truth: units in each place, what was sold, and what is on its way to the hub."""

    def __init__(self) -> None:
        self.now = NOON
        self.there = dict.fromkeys(PLACES, 0)
        self.sales: list[Sale] = []
        self.facts: list[Fact] = []
        self.returns = 0
        self.shops = {
            c: Counter(compares=c == "a", reads=c != "c", channel=c, model=self) for c in PACKS
        }

    # -- sums

    def shown(self) -> int:
        return sum(
            shop.shown.get(listing, 0) * per
            for c, shop in self.shops.items()
            for listing, per in PACKS[c].items()
        )

    def committed(self) -> int:
        return sum(s.committed for s in self.sales)

    def excused(self) -> int:
        """Units of sales that were overwritten before the hub could hear of them."""
        return sum(s.units for s in self.sales if s.blind)

    def overwritten(self, channel: str, listing: str) -> int:
        """Return those of one listing, in its sold units."""
        of = [s for s in self.sales if (s.channel, s.listing) == (channel, listing)]
        return sum(s.sold for s in of if s.blind)

    def parts(self) -> list[tuple[Sale, Part]]:
        """Return what locations still work on."""
        return [(s, p) for s in self.sales for p in s.parts if p.dispatched_at and p.remaining]

    # -- what happens

    def passes(self, time: timedelta = timedelta(minutes=1)) -> datetime:
        self.now += time
        return self.now

    def tell(self, wait: int, twice: bool, what: Callable[[World, datetime], None]) -> None:
        self.facts.append(Fact(wait, twice, what))

    def hear(self, world: World, turned: bool) -> None:
        """Tell the hub what is due by now, the newest first if `turned`."""
        due = [f for f in self.facts if f.wait <= 0]
        self.facts = [f for f in self.facts if f.wait > 0]
        for fact in self.facts:
            fact.wait -= 1
        for fact in reversed(due) if turned else due:
            fact.tell(world, self.now)
            if fact.twice:
                self.facts.append(Fact(1, False, fact.tell))

    def buy(self, channel: str, listing: str, sold: int, wait: int, twice: bool) -> None:
        """Buy at most what the shop shows."""
        shop = self.shops[channel]
        sold = min(sold, shop.shown.get(listing, 0))
        if not sold:
            return
        shop.shown[listing] -= sold
        number = sum(s.channel == channel for s in self.sales)
        units = sold * PACKS[channel][listing]
        placed = self.now + timedelta(seconds=1 + number)
        order_id = f"{channel}/{channel}{number}"
        sale = Sale(order_id, channel, listing, sold, units, placed)
        self.sales.append(sale)

        def told(world: World, when: datetime) -> None:
            sale.known = True
            merge_order(world, sale, when, version=1)

        self.tell(wait, twice, told)

    def cancel(self, sale: Sale, wait: int) -> None:
        sale.canceled = True

        def told(world: World, when: datetime) -> None:
            sale.known = sale.told_canceled = True
            merge_order(world, sale, when, version=2, order_status="canceled")

        self.tell(wait, False, told)

    def work(
        self, sale: Sale, part: Part, ships: int, refuses: int, wait: int, twice: bool
    ) -> None:
        """Let a location ship units of a part, refuse others, and confirm both."""
        when, line = self.passes(), sale.listing
        part.left += ships
        part.refused += refuses
        part.parcels += 1
        self.there[part.location] -= ships
        left = f"P{part.parcels};;;{when:%Y-%m-%dT%H:%M:%SZ}" if ships else ";;;"
        body = f"{CONFIRMED}\r\n{part.fo_id};{line};{SKU};{ships};{refuses};;{left}\r\n"
        rows = parse_confirmations(body.encode(), DEFAULTS["confirmation"], part.location).accepted

        def told(world: World, when: datetime) -> None:
            with world.store.session() as s:
                apply_confirmations(s, rows, world.batch_in(s, when), when)

        self.tell(wait, twice, told)

    def comes_back(
        self, sale: Sale, units: int, place: str, condition: str, wait: int, twice: bool
    ) -> None:
        """Let units of a sale come to a dock, whoever sent them: more than it had, perhaps."""
        when = self.passes()
        self.returns += 1
        sale.returned += units
        self.there[place] += units if condition == "as_new" else 0
        body = f"{RECEIVED}\r\nR{self.returns};1;;{sale.order_id.split('/')[1]};;{SKU};{units};"
        body += f"{condition};;{when:%Y-%m-%dT%H:%M:%SZ}\r\n"
        rows = parse_receipts(body.encode(), RECEIPT, place, when).accepted

        def told(world: World, when: datetime) -> None:
            with world.store.session() as s:
                done = resolve_receipts(s, rows, ENDS, when, world.batch_in(s, when))
                s.merge_documents("return_receipts", done, {})
                link(s, ENDS, pl.Series([sale.order_id]))

        self.tell(wait, twice, told)

    def count(self, place: str, wait: int, twice: bool) -> None:
        """Count a place truly: what is there, or what is not held for orders."""
        when, means = self.passes(), "available" if place == "nice" else "on_hand"
        held = sum(p.remaining for _, p in self.parts() if p.location == place)
        quantity = self.there[place] - (held if means == "available" else 0)

        def told(world: World, read: datetime) -> None:
            world.count(place, SKU, quantity, when, means=means, read=read)

        self.tell(wait, twice, told)


def merge_order(world: World, sale: Sale, when: datetime, version: int, **more: str) -> None:
    line = {
        "line_id": sale.listing, "channel_sku": sale.listing, "ordered_quantity": sale.sold,
        "units_per": sale.units // sale.sold,
    }  # fmt: skip
    world.order(
        sale.order_id, {SKU: sale.sold}, sale.placed_at, source_version=version, fetched_at=when,
        record_hash=f"v{version}", line=line, **more,
    )  # fmt: skip
