"""Shops that many models share: they answer as told, and customers buy while the hub talks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from shop_fake import Shop
from stock_model import CHANNELS, Model

from oms_pipelines.channels.base import Level, Receipt
from oms_pipelines.errors import Unreachable


@dataclass(frozen=True)
class Break:
    """A push that breaks off at its n-th level: `down`, or `lost` if all but answers pass."""

    kind: str
    at: int


@dataclass
class Counter(Shop):
    """A shop with customers: they buy what it shows, also while the hub talks to it.

    Fate `late` besides those of Shop: takes the level, and its receipt comes with a later push,
    twice and after those of that push.
    """

    channel: str = ""
    models: dict[str, Model] = field(default_factory=dict)  # by listing
    fate_of: dict[str, str] = field(default_factory=dict)  # of the next push of a listing
    breaks: list[Break | None] = field(default_factory=list)  # of the next pushes
    turned: bool = False  # answers in another order
    late: list[Receipt] = field(default_factory=list)
    buys_before: dict[str, int] = field(default_factory=dict)  # by SKU, when it is pushed next
    buys_after: dict[str, int] = field(default_factory=dict)  # and when it is read next
    dropped: dict[str, int] = field(default_factory=dict)  # the level that was not taken

    def push_stock(self, levels: Sequence[Level]) -> Iterator[Receipt]:
        self._sell(self.buys_before, [x.channel_sku for x in levels])
        old, self.late = self.late, []
        broken = self.breaks.pop(0) if self.breaks else None
        last = broken.at % len(levels) if broken else len(levels)
        answers = [self._answer(x) for x in levels[:last]]
        if broken and broken.kind == "lost":
            for level in levels[last:]:
                self._answer(level, lost=True)
        given = [x for x in answers if x]
        yield from reversed(given) if self.turned else given
        if broken:
            raise Unreachable(f"shop: {broken.kind}")
        yield from old

    def read_stock(self, channel_skus: Sequence[str]) -> dict[str, int]:
        self._sell(self.buys_after, channel_skus)
        for listing in self.dropped.keys() & set(channel_skus):
            # sales may hide that the level was not taken
            if self.shown.get(listing, 0) <= self.dropped[listing]:
                self.models[listing].blind(self.channel, listing)
                del self.dropped[listing]
        return super().read_stock(channel_skus)

    def well(self) -> None:
        """Answer from now on as a shop should; what came late still comes."""
        self.turned = False
        for faults in (self.fate_of, self.breaks, self.buys_before, self.buys_after):
            faults.clear()

    def _answer(self, level: Level, lost: bool = False) -> Receipt | None:
        """Take a level as its fate has it; return its receipt, unless that comes late."""
        listing, model = level.channel_sku, self.models[level.channel_sku]
        fate = self.fate_of.pop(listing, "ok")
        self.pushed.append(level)
        self.fates = ["ok" if fate == "late" else fate]
        receipt = self._take(level)
        self.dropped.pop(listing, None)
        if fate == "dropped":
            self.dropped[listing] = level.quantity
        elif fate in ("ok", "late") and self.shown.get(listing) == level.quantity:
            model.blind(self.channel, listing)
        answer = "lost" if lost else fate if fate == "late" else receipt.outcome
        model.note(
            f"{self.channel} is sent {level.quantity} of {listing} for {level.expected}: {fate}, "
            f"{answer}, shows {self.shown.get(listing)}"
        )
        if fate == "late" and not lost:
            self.late += [receipt, receipt]
            return None
        return receipt

    def _sell(self, sold: dict[str, int], listings: Sequence[str]) -> None:
        for sku, model in {m.sku: m for m in map(self.models.__getitem__, listings)}.items():
            units = sold.pop(sku, 0)
            for listing in model.packs[self.channel] if units else ():
                model.buy(self.channel, listing, units, wait=0, twice=False)


def shops() -> dict[str, Counter]:
    """Return a shop that compares and sets, one that does not, and one that nobody can read."""
    return {c: Counter(compares=c == "a", reads=c != "c", channel=c) for c in CHANNELS}


def open_to(shops: dict[str, Counter], model: Model) -> None:
    """Let shops know whose their listings are."""
    for channel, shop in shops.items():
        shop.models.update(dict.fromkeys(model.packs[channel], model))
