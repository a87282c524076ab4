"""A shop to publish levels to: it can drop updates, lose answers, refuse, compare, and be down."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from stock_world import World

from oms_pipelines.channels.base import Capabilities, Level, Receipt
from oms_pipelines.config import Oms
from oms_pipelines.errors import Unreachable
from oms_pipelines.stock import ledger
from oms_pipelines.stock.levels import compute_levels
from oms_pipelines.stock.publishing import publish_levels


@dataclass
class Shop:
    """What the shop shows, and how it behaves. `fate` names the next pushes' outcomes.

    Fates: ok; dropped (answers 200, shows the old level); lost (takes it, the answer is lost);
    down (takes nothing, no answer); retry (takes nothing, says so); refused.
    """

    shown: dict[str, int] = field(default_factory=dict)
    lists: set[str] | None = None  # None: every SKU
    fate: str = "ok"
    fates: list[str] = field(default_factory=list)  # one an item, then `fate`
    compares: bool = False
    reads: bool = True
    pushed: list[Level] = field(default_factory=list)
    calls: int = 0

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(compare_and_set=self.compares, reads_stock=self.reads)

    def push_stock(self, levels: Sequence[Level]) -> Iterator[Receipt]:
        self.calls += 1
        for level in levels:
            self.pushed.append(level)
            yield self._take(level)

    def _take(self, level: Level) -> Receipt:
        fate = self.fates.pop(0) if self.fates else self.fate
        if fate == "down":
            raise Unreachable("shop: no answer")
        if self.lists is not None and level.channel_sku not in self.lists:
            return Receipt(level.key, "rejected", "unknown sku")
        if fate == "refused":
            return Receipt(level.key, "rejected", "refused")
        if fate == "retry":
            return Receipt(level.key, "retry", "busy")
        showing = self.shown.get(level.channel_sku)
        if self.compares and level.expected is not None and level.expected != showing:
            return Receipt(level.key, "retry", "changed meanwhile")
        if fate != "dropped":
            self.shown[level.channel_sku] = level.quantity
        if fate == "lost":
            raise Unreachable("shop: the answer was lost")
        return Receipt(level.key, "accepted")

    def read_stock(self, channel_skus: Sequence[str]) -> dict[str, int]:
        if self.fate == "down":
            raise Unreachable("shop: no answer")
        return {s: self.shown[s] for s in channel_skus if s in self.shown}


def tick(
    world: World, oms: Oms, shops: Mapping[str, Shop], when: datetime, **more: Any
) -> dict[str, Any]:
    """Post, compute and publish; return what happened by channel."""
    with world.store.session() as s:
        ledger.post(s, when)
        compute_levels(s, oms, when)
    done = publish_levels(world.store, oms, shops, when, **more)
    return {r.channel_id: r for r in done}
