"""Ten days of traffic on many shelves with faults put in, as the hub would come to know of it.

Each shelf is one SKU at one location: orders that leave hours after they were dispatched and are
told of hours after that, returns, a count every evening. What is told when is made at once, from
one seed; `tell` stores what became known by a tick.
"""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from stock_world import NOON, World
from store_frames import frame

FAULTS = ("lost_confirmation", "doubled_receipt", "late_count", "loss")
DAYS = 9
PLACES = ("lyon", "lille", "nice")
EVENING = timedelta(hours=8)  # when it is counted: 20:00


@dataclass
class Shelf:
    """One shelf: its moves as they were (when, units), and what is told of it."""

    location: str
    sku: str
    fault: str | None
    day: int
    moves: list[tuple[datetime, int]] = field(default_factory=list)
    told: list[tuple[datetime, str, dict[str, Any]]] = field(default_factory=list)

    def there(self, when: datetime) -> int:
        return sum(units for at, units in self.moves if at <= when)


def noon(day: int) -> datetime:
    return NOON + timedelta(days=day)


def hours(chance: random.Random, least: float, most: float) -> timedelta:
    return timedelta(seconds=round(chance.uniform(least, most) * 3600))


def shelves(seed: int, each: int, clean: int) -> list[Shelf]:
    """Return shelves: `each` with every fault, and clean ones."""
    chance = random.Random(seed)
    faults: list[str | None] = [f for f in FAULTS for _ in range(each)]
    found = []
    for n, fault in enumerate([*faults, *[None] * clean]):
        shelf = Shelf(PLACES[n % 3], f"s{n:05d}", fault, chance.randint(2, 4))
        shelf.moves.append((noon(-2), chance.randint(40, 80)))
        for day in range(DAYS):
            _orders(chance, shelf, day)
            _returns(chance, shelf, day)
        if fault == "loss":
            stolen = noon(shelf.day) + hours(chance, -15, 7)
            shelf.moves.append((stolen, -chance.randint(1, 4)))
        _counts(chance, shelf)
        found.append(shelf)
    return found


def _orders(chance: random.Random, shelf: Shelf, day: int) -> None:
    lost = shelf.fault == "lost_confirmation" and day == shelf.day
    for n in range(max(chance.choice((0, 0, 1, 1, 2)), int(lost))):
        sent = noon(day) + hours(chance, -6, 5)
        left = sent + (hours(chance, 0.5, 2.5) if lost and n == 0 else hours(chance, 0.5, 14))
        known = left + hours(chance, 0.2, 3) + timedelta(hours=min(chance.expovariate(0.2), 18))
        units = chance.randint(1, 4)
        shelf.moves.append((left, -units))
        if lost and n == 0:
            # half of them are never told, half turn up four days later
            known = left + timedelta(days=4) if chance.random() < 0.5 else noon(99)
        _order(shelf, f"{shelf.sku}-{day}-{n}", units, sent, left, known)


def _order(
    shelf: Shelf, fo_id: str, units: int, sent: datetime, left: datetime, known: datetime
) -> None:
    order = {
        "fo_id": fo_id, "order_id": f"shop/{fo_id}", "location_id": shelf.location,
        "state": "dispatched", "plan_id": "p", "planned_at": sent - timedelta(minutes=5),
        "dispatched_at": sent,
    }  # fmt: skip
    line = {
        "fo_id": fo_id, "line_id": "1", "sku": shelf.sku, "quantity": units,
        "shipped_quantity": 0, "refused_quantity": 0,
    }  # fmt: skip
    parcel = {
        "shipment_id": f"{shelf.location}/{fo_id}", "fo_id": fo_id, "order_id": f"shop/{fo_id}",
        "location_id": shelf.location, "status": "Pending", "shipped_at": left, "known_at": known,
    }  # fmt: skip
    content = {k: line[k] for k in ("line_id", "sku", "quantity")}
    shelf.told += [
        (sent, "fulfillment_orders", order),
        (sent, "fulfillment_lines", line),
        (known, "fulfillment_orders", {**order, "state": "shipped", "closed_at": known}),
        (known, "fulfillment_lines", {**line, "shipped_quantity": units}),
        (known, "shipments", parcel),
        (known, "shipment_lines", {"shipment_id": parcel["shipment_id"], **content}),
    ]


def _returns(chance: random.Random, shelf: Shelf, day: int) -> None:
    doubled = shelf.fault == "doubled_receipt" and day == shelf.day
    if not doubled and chance.random() > 0.15:
        return
    came = noon(day) + hours(chance, -6, 6)
    units = chance.randint(1, 2)
    shelf.moves.append((came, units))
    names = [f"{shelf.sku}-{day}"]
    if not doubled and chance.random() < 0.1:  # the rest of the order, in a parcel of its own
        shelf.moves.append((came, units))
        names.append(f"{shelf.sku}-{day}-rest")
    if doubled:
        names.append(f"{shelf.sku}-{day}-again")
    for name in names:
        shelf.told.append((came + hours(chance, 0, 2), "return_receipts", {
            "receipt_id": f"{shelf.location}/{name}", "line_no": 1, "location_id": shelf.location,
            "order_id": f"old/{shelf.sku}-{day}", "sku": shelf.sku, "quantity": units,
            "condition": "as_new", "disposition": "restock", "received_at": came,
        }))  # fmt: skip


def _counts(chance: random.Random, shelf: Shelf) -> None:
    for day in range(-1, DAYS):
        dated = noon(day) + EVENING
        taken, read = dated, dated + timedelta(minutes=10)
        if shelf.fault == "late_count" and day == shelf.day:
            if chance.random() < 0.5:
                taken = _before_a_move(shelf, dated)  # an old list under the evening's date
            else:
                read = _after_a_move(shelf, dated)  # the evening's list, read the next day
        shelf.told.append((read, "stock_counts", {
            "location_id": shelf.location, "sku": shelf.sku, "counted_at": dated,
            "quantity": shelf.there(taken), "means": "on_hand",
        }))  # fmt: skip


def _before_a_move(shelf: Shelf, dated: datetime) -> datetime:
    """Return a time before the last that left or came that day; something did."""
    if not any(dated - timedelta(hours=12) < at <= dated for at, _ in shelf.moves):
        left = dated - timedelta(hours=1)
        shelf.moves.append((left, -2))
        sent = left - timedelta(hours=1)
        _order(shelf, f"{shelf.sku}-extra", 2, sent, left, left + timedelta(minutes=20))
    last = max(at for at, _ in shelf.moves if at <= dated)
    return last - timedelta(seconds=1)


def _after_a_move(shelf: Shelf, dated: datetime) -> datetime:
    left = dated + timedelta(hours=10)
    shelf.moves.append((left, -1))
    sent = left - timedelta(hours=1)
    _order(shelf, f"{shelf.sku}-extra", 1, sent, left, left + timedelta(minutes=20))
    return dated + timedelta(hours=18)


def tell(world: World, told: list[tuple[datetime, str, dict]], last: datetime, now: datetime):
    """Store what became known after `last` until `now`."""
    batch = world.batch(now)
    found: dict[str, list[dict]] = {}
    for at, table, row in told:
        if last < at <= now:
            version = batch if table in ("stock_counts", "return_receipts") else {}
            read = {"fetched_at": at} if version else {}
            found.setdefault(table, []).append({**row, **version, **read})
    with world.store.session() as s:
        for table, rows in found.items():
            s.upsert(table, frame(table, *_newest(table, rows)))


def _newest(table: str, rows: list[dict]) -> list[dict]:
    if not table.startswith("fulfillment"):
        return rows
    return list({(row["fo_id"], row.get("line_id")): row for row in rows}.values())
