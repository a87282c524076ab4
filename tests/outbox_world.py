"""Who hears of what the outbox tells, and how tests look into it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from stock_world import World, at, channel, network

from oms_pipelines.channels.base import Parcel, Receipt
from oms_pipelines.config import Oms
from oms_pipelines.errors import Unreachable
from oms_pipelines.outbox import promise

STEPS = ["retrieved", "preparing", "shipped", "delivered"]


def settings(**more: Any) -> Oms:
    channels = [channel("shop", share=0.5), channel("till", share=0.5) | {"tell_customer": False}]
    carriers = [{"id": "colis", "tracking_url": "https://track.example/{number}"}]
    notes = {"smtp": "smtp://127.0.0.1:2525", "steps": STEPS}
    return network(channels, carriers=carriers, notifications=notes, **more)


OMS = settings()


@dataclass
class Ear:
    """A channel that hears of parcels and acceptances; `fail` fails so many items."""

    fail: int = 0
    refuse: bool = False
    parcels: list[Parcel] = field(default_factory=list)
    accepted: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    def push_tracking(self, parcels: Sequence[Parcel]) -> Iterator[Receipt]:
        for parcel in parcels:
            if self.fail:
                self.fail -= 1
                raise Unreachable("shop: no answer")
            self.parcels.append(parcel)
            outcome = "rejected" if self.refuse else "accepted"
            yield Receipt(parcel.key, outcome, "order closed" if self.refuse else "")

    def accept(self, orders: Sequence[tuple[str, Sequence[str]]]) -> Iterator[Receipt]:
        for external_id, lines in orders:
            self.accepted.append((external_id, tuple(lines)))
            yield Receipt(external_id, "accepted")


@dataclass
class Post:
    """A mailer that keeps what it is given."""

    keys: list[str] = field(default_factory=list)

    def send(self, letters) -> Iterator[Receipt]:
        for letter in letters:
            self.keys.append(letter.key)
            yield Receipt(letter.key, "accepted", "sent")


def promised(world: World, oms: Oms, when) -> list[str]:
    with world.store.session() as s:
        before = set(s.table("outbox")["key"])
        count = promise(s, oms, when)
        new = sorted(set(s.table("outbox")["key"]) - before)
        assert promise(s, oms, when) == 0
    assert len(new) == count
    return new


def box(world: World) -> dict[str, dict]:
    with world.store.session() as s:
        return {r["key"]: r for r in s.table("outbox").iter_rows(named=True)}


def ship(world: World, number: str = "1", **more: Any) -> None:
    world.order(f"shop/{number}", {"sock": 2})
    world.give(number, "sock", 2, state="dispatched", dispatched_at=at(0.1))
    world.parcel(number, "sock", 2, at(1), carrier_id="colis", tracking_number="T1", **more)
