"""Channels that speak in files: a private sale's campaigns, and a store's till.

Both write orders in the built-in `orders` format. The private sale writes CSV with the local
time of Paris and no offset; the till writes XLSX. A kind `return` row names the sale it
undoes by its number, where the customer still had the receipt.
"""

import csv
import io
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import xlsxwriter

from oms_pipelines.sandbox.chance import stream
from oms_pipelines.sandbox.files import put, table
from oms_pipelines.sandbox.people import person
from oms_pipelines.sandbox.shop import (
    everything_open,
    note_short,
    reported,
    set_level,
    take_tracking,
    vanish,
)
from oms_pipelines.sandbox.truth import Line, Order, Return

if TYPE_CHECKING:
    from oms_pipelines.sandbox.world import World

COLUMNS = (
    "order_number", "placed_at", "updated_at", "status", "line_id", "sku", "title", "quantity",
    "unit_price", "currency", "name", "email", "phone", "address1", "address2", "postal_code",
    "city", "country", "kind", "location_id",
)  # fmt: skip
PARIS = ZoneInfo("Europe/Paris")
PREFIX = {"private_sale": "VP", "till_paris": "T", "shop_com": "#"}


def number_of(world: "World", order: Order) -> str:
    """Return the number of an order that people see."""
    if order.printed:
        return order.printed
    if order.channel == "market":
        return f"Order_{order.id}-A"
    return f"{PREFIX.get(order.channel, '')}{order.id}"


def open_for_business(world: "World") -> None:
    """Note from when on the file channels owe their files."""
    for shop in world.truth.shops.values():
        shop.dropped = world.now


def _local(moment: datetime) -> str:
    return moment.astimezone(PARIS).replace(tzinfo=None).isoformat()


def _row(world: "World", order: Order, line: Line, **more: Any) -> dict[str, Any]:
    canceled = order.state == "canceled"
    who = order.person
    at_till = order.channel == "till_paris"
    return {
        "order_number": number_of(world, order),
        "placed_at": order.placed.isoformat() if at_till else _local(order.placed),
        "updated_at": order.updated.isoformat() if at_till else _local(order.updated),
        "status": {"canceled": "canceled", "done": "shipped"}.get(order.state, "paid"),
        "line_id": line.id,
        "sku": line.sku,
        "title": line.title,
        "quantity": line.quantity if canceled else line.quantity - line.canceled,
        "unit_price": line.price,
        "currency": order.currency,
        "kind": "sale",
        **({"location_id": "paris"} if at_till else _address(who)),
        **more,
    }


def _address(who: Any) -> dict[str, str]:
    return {
        "name": who.name,
        "email": who.email,
        "phone": who.phone,
        "address1": who.street,
        "address2": who.street2,
        "postal_code": who.postal_code,
        "city": who.city,
        "country": who.country,
    }


def campaign(world: "World") -> None:
    """Write the private sale's orders that are new or changed since its last file."""
    shop = world.truth.shops["private_sale"]
    since, shop.dropped = shop.dropped, world.now
    rows = []
    for order in shop.orders.values():
        if order.updated > since and order.visible <= world.now:
            rows += [_row(world, order, line) for line in order.lines]
            shop.served.add(order.id)
        for back in order.returns:
            if back.at > since:
                rows += _returned(world, order, back)
    if rows:
        name = f"campaign_{world.now:%Y%m%d_%H%M}.csv"
        put(world.root / "private_sale" / "out" / name, _csv(rows))
        shop.files.append(name)


def _returned(world: "World", order: Order, back: Return) -> list[dict[str, Any]]:
    rows = []
    for line_id, quantity in back.lines:
        line = order.line(line_id)
        if line:
            told = {"kind": "return", "status": back.reason, "quantity": quantity}
            moment = {"placed_at": _local(back.at), "updated_at": _local(back.updated)}
            rows.append(_row(world, order, line, **told, **moment))
    return rows


def _csv(rows: list[dict[str, Any]]) -> bytes:
    priced = ({**x, "unit_price": f"{x['unit_price'] / 100:.2f}".replace(".", ",")} for x in rows)
    return table(COLUMNS, priced)


def till_sale(world: "World", **demand: Any) -> None:
    """Sell from the shelf of the store; what is not there is not sold."""
    shop = world.truth.shops["till_paris"]
    shelf = world.truth.places["paris"].stock
    lines = []
    for sku, item, units, title, wanted, price in demand["lines"]:
        sold = min(wanted, shelf.get(item, 0) // units) if item else 0
        shop.lost += wanted - sold
        if sold > 0:
            shelf[item] -= sold * units
            lines.append(Line(len(lines) + 1, sku, item, units, title, sold, price, left=sold))
            vanish(world, "till_paris", item, sold * units)
            note_short(world, item, sold=sold * units)
    if lines:
        _ticket(world, demand["customer"], lines, demand["currency"], "sale")


def _ticket(world: "World", customer: str, lines: list[Line], currency: str, kind: str) -> Order:
    shop = world.truth.shops["till_paris"]
    shop.next_id += 1
    now = world.now
    who = person(stream(world.truth.seed, "person", customer), "FR")
    late = world.faults.late(shop.id, world.draw("late", shop.id, shop.next_id))
    order = Order(
        shop.next_id, shop.id, now, now, now + late, who, lines, currency, 0,
        state="done", customer=customer, paid=now, closed=now, kind=kind,
    )  # fmt: skip
    shop.orders[order.id] = order
    return order


def take_back(
    world: "World",
    ticket: str,
    order: Order | None,
    line: Line | None,
    quantity: int,
    price: int,
    title: str,
    sku: str = "",
) -> None:
    """Take goods back at the till, and put them on the shelf of the store."""
    item = line.item if line else sku
    if not item:
        return
    units = line.units_per if line else 1
    number = number_of(world, order) if order else ""
    customer = order.customer if order else ticket
    currency = order.currency if order else world.truth.shops["till_paris"].currency
    back = Line(line.id if line else 1, item, item, 1, title, quantity * units, price // units)
    slip = _ticket(world, customer, [back], currency, "return")
    slip.printed = number
    if order and line:
        reason = Return(
            slip.id, world.now, world.now, "AVIS", "", [(line.id, quantity)], "", "", "store"
        )
        order.returns.append(reason)
    shelf = world.truth.places["paris"].stock
    shelf[item] = shelf.get(item, 0) + quantity * units
    world.truth.count("returns/till")


def close_till(world: "World") -> None:
    """Write the till's day as a workbook: sales, and what was taken back."""
    shop = world.truth.shops["till_paris"]
    since, shop.dropped = shop.dropped, world.now
    rows = []
    for order in shop.orders.values():
        if since < order.visible <= world.now:
            word = {"kind": order.kind, "status": "AVIS" if order.kind == "return" else "paid"}
            rows += [_row(world, order, line, **word) for line in order.lines]
            shop.served.add(order.id)
    if rows:
        name = f"till_{world.now:%Y%m%d}.xlsx"
        put(world.root / "till_paris" / "out" / name, _workbook(rows))
        reported(world, "till_paris", f"till_paris/out/{name}")
        shop.files.append(name)


def _workbook(rows: list[dict[str, Any]]) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        book.set_properties({"created": datetime(2026, 1, 1)})
        sheet = book.add_worksheet("orders")
        sheet.write_row(0, 0, COLUMNS)
        for n, row in enumerate(rows, 1):
            for column, name in enumerate(COLUMNS):
                value = row.get(name, "")
                if name == "quantity":
                    sheet.write_number(n, column, value)
                elif name == "unit_price":
                    sheet.write_number(n, column, value / 100)
                else:
                    sheet.write_string(n, column, str(value))
    return out.getvalue()


def read_answers(world: "World") -> None:
    """Take the stock files and the trackings the hub left for the private sale.

    They stay where they are, since the hub looks there for what it told last.
    """
    shop = world.truth.shops["private_sale"]
    seen = shop.keys.setdefault("seen", [])
    for folder, take in (("in", _take_levels), ("tracking", _take_tracking)):
        for path in sorted((world.root / "private_sale" / folder).glob("*.csv")):
            if path.name in seen:
                continue
            seen.append(path.name)
            if folder == "in" and world.faults.take("drop_stock", shop.id):
                continue
            with path.open(encoding="utf-8-sig", newline="") as f:
                take(world, path.name, list(csv.DictReader(f, delimiter=";")))


def _take_levels(world: "World", name: str, rows: list[dict[str, str]]) -> None:
    """Take levels as of the last orders file: what was sold since is taken off them."""
    shop = world.truth.shops["private_sale"]
    untold: dict[str, int] = {}
    for order in shop.orders.values():
        if order.placed > shop.dropped:
            for line in order.lines:
                kept = line.quantity - line.canceled
                untold[line.sku] = untold.get(line.sku, 0) + kept
    for row in rows:
        level = max(int(row["quantity"]) - untold.get(row["sku"], 0), 0)
        if row["sku"] in shop.offers and shop.levels.get(row["sku"]) != level:
            set_level(world, shop, row["sku"], level, name)


def _take_tracking(world: "World", name: str, rows: list[dict[str, str]]) -> None:
    """Note parcels: rows of one order and number are one parcel."""
    shop = world.truth.shops["private_sale"]
    parcels: dict[tuple[str, str, str], list[tuple[int, int]]] = {}
    for row in rows:
        parcel = (row["order_number"], row["tracking_number"], row["carrier_id"])
        parcels.setdefault(parcel, []).append((int(row["line_id"]), int(row["quantity"])))
    for (order_number, number, carrier), lines in parcels.items():
        order = shop.find(order_number)
        if order and all(x.number != number for x in order.trackings):
            take_tracking(world, shop, order, number, carrier, "", lines)
            if order.state == "open" and not everything_open(order):
                order.state, order.closed = "done", world.now
