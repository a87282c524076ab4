"""The promises of stock, asked of a store by SKU, in plain Python beside the engine's sets.

A check yields what is wrong: the SKU, and a sentence.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from stock_world import balances

from oms_pipelines.store import Session

Listing = tuple[str, str]
Faults = Iterator[tuple[str, str]]


def ledger_faults(session: Session) -> Faults:
    """Promise 7: legs sum to zero, and what is kept is what a recompute gives."""
    kept = balances(session)
    found: dict[tuple[str, str], int] = defaultdict(int)
    seen: set[str] = set()
    names = ("movement_id", "sku", "from_account", "to_account", "quantity")
    for name, sku, start, end, units in session.table("stock_movements").select(names).iter_rows():
        if units <= 0:
            yield sku, f"promise 7: a movement of {units}"
        if name in seen:
            yield sku, f"promise 7: movement {name} twice"
        seen.add(name)
        found[end, sku] += units
        found[start, sku] -= units
    for account, sku in found.keys() | kept.keys():
        moved, balance = found.get((account, sku), 0), kept.get((account, sku), 0)
        if moved != balance:
            yield sku, f"promise 7: {account} has {balance}, {moved} were moved"
    legs: dict[str, int] = defaultdict(int)
    for (_, sku), units in kept.items():
        legs[sku] += units
    yield from ((sku, f"promise 7: legs sum to {n}") for sku, n in legs.items() if n)


def return_faults(session: Session) -> Faults:
    """Promise 11: of no line came back more than was delivered of it."""
    parcels = session.table("shipments")
    sent: dict[tuple[str, str], int] = defaultdict(int)
    whose = dict(parcels.select("shipment_id", "order_id").iter_rows())
    for row in session.table("shipment_lines").iter_rows(named=True):
        sent[whose[row["shipment_id"]], row["line_id"]] += row["quantity"]
    back: dict[tuple[str, str], int] = defaultdict(int)
    for row in session.table("return_receipts").iter_rows(named=True):
        if row["line_id"] is not None:
            key = row["order_id"], row["line_id"]
            back[key] += row["quantity"]
            if back[key] > sent[key]:
                yield row["sku"], f"promise 11: {back[key]} of {key} came back of {sent[key]}"


Shelves = dict[tuple[str, str], int]  # units by place and SKU


def sellable(session: Session) -> Shelves:
    return _shelves(session, "sellable")


def on_hand(session: Session) -> Shelves:
    """Return what the ledger has on the shelves of each place, allocated or not."""
    return _shelves(session, "sellable", "allocated")


def _shelves(session: Session, *names: str) -> Shelves:
    found: Shelves = defaultdict(int)
    for (account, sku), units in balances(session).items():
        place, _, shelf = account.partition("/")
        if shelf in names:
            found[place, sku] += units
    return found


@dataclass
class Sold:
    """The lines of open orders, and the units of each order that a location has or shipped."""

    lines: list[dict]  # with channel_id and placed_at
    given: dict[str, int]


def sold_of(session: Session) -> Sold:
    orders = session.table("orders").filter(order_status="open")
    if orders.is_empty():
        return Sold([], {})
    orders = orders.select("order_id", "channel_id", "placed_at")
    given: dict[str, int] = defaultdict(int)
    asked = session.table("fulfillment_lines").join(
        session.table("fulfillment_orders").select("fo_id", "order_id", "state"), on="fo_id"
    )
    for row in asked.iter_rows(named=True):
        has = shipped = row["shipped_quantity"]
        if row["state"] not in ("refused", "canceled"):
            has = max(row["quantity"] - row["refused_quantity"], shipped)
        given[row["order_id"]] += has
    return Sold(session.table("order_lines").join(orders, on="order_id").to_dicts(), given)


def pools(session: Session, sold: Sold) -> dict[str, int]:
    """Return the units of each SKU that channels can be promised.

    They are what is sellable, less what is sold and waits.
    """
    free: dict[str, int] = defaultdict(int)
    owed: dict[str, int] = defaultdict(int)
    for (_, sku), units in sellable(session).items():
        (free if units > 0 else owed)[sku] += abs(units)
    for line in sold.lines:  # an order has one
        wants = line["ordered_quantity"] * line["units_per"]
        owed[line["sku"]] += max(wants - sold.given.get(line["order_id"], 0), 0)
    return defaultdict(int, {sku: max(n - owed[sku], 0) for sku, n in free.items()})


def desired(session: Session) -> dict[Listing, int]:
    rows = session.table("levels").select("channel_id", "channel_sku", "desired").iter_rows()
    return {(c, listing): n for c, listing, n in rows}


def may_show(session: Session, sold: Sold) -> dict[Listing, int]:
    """Return the most every listing may show: what it was sent, less what it sold since."""
    names = ("channel_id", "channel_sku", "held", "sent_at")
    rows = session.table("levels").select(names).iter_rows()
    held = {(c, listing): (n or 0, sent) for c, listing, n, sent in rows}
    most = {key: n for key, (n, _) in held.items()}
    for line in sold.lines:
        key = line["channel_id"], line["channel_sku"]
        if key in held and held[key][1] and line["placed_at"] > held[key][1]:
            most[key] = max(most[key] - line["ordered_quantity"], 0)
    return most
