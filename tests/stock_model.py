"""What is really so with one SKU, beside what the hub believes: stock, customers, facts on the way.

It lies at two locations, and is sold on three channels, one of which lists a pack of three
besides. A fact is queued when it happens, and the hub hears of it so many ticks later, perhaps
twice. Many models share one store, its shops and its clock; none knows of another.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from stock_world import NOON

PLACES = ("lyon", "nice")  # nice counts what is available, lyon what is there
CHANNELS = ("a", "b", "c")


def packs_of(sku: str) -> dict[str, dict[str, int]]:
    """Return the listings of a SKU on each channel, and the units of each."""
    single, pack = sku.upper(), f"{sku.upper()}-3"
    return {"a": {sku: 1}, "b": {single: 1, pack: 3}, "c": {sku: 1}}


@dataclass
class Part:
    """What one location was given of a sale, in SKU units."""

    fo_id: str
    location: str
    quantity: int
    dispatched_at: datetime | None = None
    left: int = 0
    refused: int = 0
    untold: int = 0  # of these, what the hub has not heard of
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
    sku: str
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
    """A row of a stream that the hub will hear of in `wait` ticks, and once more if `twice`."""

    stream: str
    row: dict[str, Any]
    wait: int
    twice: bool
    told: Callable[[], None] = lambda: None


@dataclass
class Clock:
    """The time of all models."""

    now: datetime = NOON

    def passes(self, time: timedelta = timedelta(minutes=1)) -> datetime:
        self.now += time
        return self.now


class Model:
    """The truth of one SKU: units in each place, what was sold, and what the hub will hear."""

    def __init__(self, sku: str, clock: Clock, shops: dict[str, Any], *, thieves: bool) -> None:
        self.sku, self.packs = sku, packs_of(sku)
        self.clock, self.shops, self.thieves = clock, shops, thieves
        self.there = dict.fromkeys(PLACES, 0)
        self.sales: list[Sale] = []
        self.facts: list[Fact] = []
        self.history: list[str] = []
        self.returns = 0
        self.lost = False  # something was stolen or not found: only the hub's own promises hold

    def note(self, what: str) -> None:
        self.history.append(f"{self.clock.now:%d %H:%M} {what}")

    # -- sums

    def shows(self) -> dict[tuple[str, str], int]:
        return {(c, k): self.shops[c].shown.get(k, 0) for c in CHANNELS for k in self.packs[c]}

    def shown(self) -> int:
        return sum(n * self.packs[c][listing] for (c, listing), n in self.shows().items())

    def committed(self) -> int:
        return sum(s.committed for s in self.sales)

    def excused(self) -> int:
        """Units of sales that were overwritten before the hub could hear of them."""
        return sum(s.units for s in self.sales if s.blind)

    def overwritten(self, channel: str, listing: str) -> int:
        """Return those of one listing, in its sold units."""
        of = [s for s in self.sales if (s.channel, s.listing) == (channel, listing)]
        return sum(s.sold for s in of if s.blind)

    def promised(self, place: str) -> int:
        """Return the units that a place was given and still has to send."""
        return sum(p.remaining for s in self.sales for p in s.parts if p.location == place)

    def parts(self) -> list[tuple[Sale, Part]]:
        """Return what locations still work on."""
        return [(s, p) for s in self.sales for p in s.parts if p.dispatched_at and p.remaining]

    # -- what the hub hears

    def tell(self, fact: Fact) -> None:
        self.facts.append(fact)

    def due(self) -> list[Fact]:
        """Take what the hub hears at this tick, the oldest first."""
        due = [f for f in self.facts if f.wait <= 0]
        self.facts = [f for f in self.facts if f.wait > 0]
        for fact in self.facts:
            fact.wait -= 1
        again = [Fact(f.stream, f.row, 1, False, f.told) for f in due if f.twice]
        self.facts += again
        return due

    # -- what happens

    def arrive(self, place: str, units: int) -> None:
        self.note(f"{units} arrive in {place}")
        self.there[place] += units

    def lose(self, place: str, units: int) -> None:
        self.note(f"{units} are gone from {place}")
        self.lost = True
        self.there[place] = max(self.there[place] - units, 0)

    def blind(self, channel: str, listing: str) -> None:
        """Let a channel forget the sales of a listing that the hub has not heard of."""
        for sale in self.sales:
            if (sale.channel, sale.listing) == (channel, listing) and not sale.known:
                sale.blind = True

    def buy(self, channel: str, listing: str, sold: int, wait: int, twice: bool) -> None:
        """Buy at most what the shop shows."""
        shop = self.shops[channel]
        sold = min(sold, shop.shown.get(listing, 0))
        if not sold:
            return
        shop.shown[listing] -= sold
        number = sum(s.channel == channel for s in self.sales)
        units = sold * self.packs[channel][listing]
        placed = self.clock.now + timedelta(seconds=1 + number)
        order_id = f"{channel}/{self.sku}-{channel}{number}"
        sale = Sale(order_id, channel, listing, self.sku, sold, units, placed)
        self.sales.append(sale)
        self.note(f"{order_id} buys {sold} {listing}, told in {wait}{' twice' * twice}")

        def told() -> None:
            sale.known = True

        self.tell(Fact("orders", {"sale": sale, "version": 1}, wait, twice, told))

    def cancel(self, sale: Sale, wait: int) -> None:
        sale.canceled = True
        self.note(f"{sale.order_id} is canceled, told in {wait}")

        def told() -> None:
            sale.known = sale.told_canceled = True

        self.tell(Fact("orders", {"sale": sale, "version": 2}, wait, False, told))

    def work(
        self, sale: Sale, part: Part, ships: int, refuses: int, wait: int, twice: bool
    ) -> None:
        """Let a location ship units of a part, refuse others, and confirm both."""
        part.left += ships
        part.refused += refuses
        part.untold += refuses
        part.parcels += 1
        self.there[part.location] -= ships
        told = f"told in {wait}{' twice' * twice}"
        self.note(f"{part.location} ships {ships} of {sale.order_id}, refuses {refuses}, {told}")
        left = f"P{part.parcels};;;{_utc(self.clock.now)}" if ships else ";;;"
        line = f"{part.fo_id};{sale.listing};{self.sku};{ships};{refuses};;{left}"
        row = {"place": part.location, "line": line}

        news = [refuses]

        def told_of() -> None:
            part.untold -= news.pop() if news else 0  # it may be told twice

        self.tell(Fact("confirmations", row, wait, twice, told_of))

    def come_back(
        self, sale: Sale, units: int, place: str, condition: str, wait: int, twice: bool
    ) -> None:
        """Let units of a sale come to a dock, whoever sent them: more than it had, perhaps."""
        self.returns += 1
        sale.returned += units
        self.there[place] += units if condition == "as_new" else 0
        self.note(f"{units} {condition} of {sale.order_id} come back to {place}, told in {wait}")
        number = sale.order_id.split("/")[1]
        line = f"{self.sku}-R{self.returns};1;;{number};;{self.sku};{units};{condition};;"
        row = {"place": place, "line": line + _utc(self.clock.now), "order_id": sale.order_id}
        self.tell(Fact("receipts", row, wait, twice))

    def count(self, place: str, wait: int, twice: bool) -> None:
        """Count a place truly: what is there, or what is not held for orders.

        What it refused is available again once it has told so.
        """
        means = "available" if place == "nice" else "on_hand"
        held = sum(p.remaining for _, p in self.parts() if p.location == place)
        held += sum(p.untold for s in self.sales for p in s.parts if p.location == place)
        quantity = self.there[place] - (held if means == "available" else 0)
        self.note(f"{place} counts {quantity} {means}, told in {wait}")
        row = {
            "location_id": place, "sku": self.sku, "quantity": quantity, "means": means,
            "counted_at": self.clock.now,
        }  # fmt: skip
        self.tell(Fact("counts", row, wait, twice))


def _utc(when: datetime) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%SZ}"
