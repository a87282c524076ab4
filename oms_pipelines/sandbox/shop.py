"""What every shop does: sell from the level it holds, take payment, edits, cancellations.

A shop knows nothing of shelves. It never sells more than the level it shows, so what it
sells beyond real stock is the fault of who set the level; that is written down as oversold.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from oms_pipelines.sandbox.chance import stream
from oms_pipelines.sandbox.people import person
from oms_pipelines.sandbox.truth import Line, Order, Refund, Shop, Tracking

if TYPE_CHECKING:
    from oms_pipelines.sandbox.world import World

STEP = {"woocommerce": "processing", "mirakl": "WAITING_ACCEPTANCE"}


def minutes(n: float) -> timedelta:
    return timedelta(seconds=round(n * 60))


def set_level(world: "World", shop: Shop, sku: str, quantity: int, cause: str) -> None:
    """Set the level a shop shows, and remember it."""
    shop.levels[sku] = quantity
    shop.history.append((world.now, sku, quantity, cause))


def physical(world: "World", item: str) -> int:
    """Return the units of a SKU that truly lie in any place."""
    return sum(p.stock.get(item, 0) for p in world.truth.places.values())


def promise(world: "World", line: Line, units: int) -> None:
    """Count SKU units of a line as promised (or, negative, as no longer promised)."""
    if line.item is not None:
        held = world.truth.committed
        held[line.item] = held.get(line.item, 0) + units


def _taken(world: "World", shop: Shop, demand: dict[str, Any]) -> list[Line]:
    """Take from the level what it still shows; wishes beyond it are lost."""
    lines: list[Line] = []
    own_ids = shop.system in ("woocommerce", "shopify")
    for sku, item, units, title, wanted, price in demand["lines"]:
        sold = wanted if item is None else min(wanted, shop.levels.get(sku, 0))
        shop.lost += wanted - sold
        if sold <= 0:
            continue
        if item is not None:
            set_level(world, shop, sku, shop.levels[sku] - sold, "sale")
        number = shop.ref() if own_ids else len(lines) + 1
        lines.append(Line(number, sku, item, units, title, sold, price))
    return lines


def sell(world: "World", **demand: Any) -> None:
    """Sell what a customer wants, as far as the shop shows it."""
    shop = world.truth.shops[demand["shop"]]
    lines = _taken(world, shop, demand)
    if not lines:
        return
    shop.next_id += 1
    now = world.now
    paid = demand.get("payment", "paid") == "paid"
    late = world.faults.late(shop.id, world.draw("late", shop.id, shop.next_id))
    order = Order(
        id=shop.next_id,
        channel=shop.id,
        placed=now,
        updated=now,
        visible=now + late,
        person=person(stream(world.truth.seed, "person", demand["customer"]), demand["country"]),
        lines=lines,
        currency=demand["currency"],
        shipping=demand.get("shipping", 0),
        payment=demand.get("payment", "paid"),
        stage=STEP.get(shop.system, "") if paid else "on-hold",
        collect=demand.get("collect"),
        choice=demand.get("choice", "any"),
        service=demand.get("service", "standard"),
        customer=demand["customer"],
        paid=now if paid else None,
    )
    shop.orders[order.id] = order
    for line in lines:
        promise(world, line, line.outstanding)
    for line in lines:
        if line.item is not None:
            sold = line.quantity * line.units_per
            note_short(world, line.item, order_id=f"{shop.id}/{order.id}", sold=sold)
    if world.table is None:
        _whims(world, shop, order)


def vanish(world: "World", place: str, item: str, units: int) -> None:
    """Note that units left a place in a way the hub learns of only by the place's next file."""
    gone = {"sku": item, "units": units, "place": place, "file": ""}
    world.truth.unseen.append(gone)


def reported(world: "World", place: str, file: str) -> None:
    """Note which file tells of what vanished at a place so far."""
    for gone in world.truth.unseen:
        if gone["place"] == place and not gone["file"]:
            gone["file"] = file


def note_short(world: "World", item: str, **about: object) -> None:
    """Note when more of a SKU is promised than there is.

    It is oversold as far as the hub could know; the rest is the store's doing, who sold or
    broke what nobody had been told yet.
    """
    short = world.truth.committed.get(item, 0) - physical(world, item)
    if short <= 0:
        return
    hidden = sum(x["units"] for x in world.truth.unseen if x["sku"] == item)
    entry = {"at": world.now, "sku": item, "short": short, "unseen": hidden, **about}
    (world.truth.oversells if short > hidden else world.truth.squeezes).append(entry)


def _whims(world: "World", shop: Shop, order: Order) -> None:
    """Schedule what customers do after an order: pay late, change it, cancel it."""
    about = (shop.id, order.id)
    chance = world.draw("whim", *about)
    wait = world.draw("wait", *about)
    if order.payment == "pending":
        world.later(minutes(60 + 900 * wait), "pay", shop=shop.id, order=order.id)
    elif chance < 0.04:
        world.later(minutes(30 + 400 * wait), "cancel", shop=shop.id, order=order.id)
    elif chance < 0.08 and sum(x.quantity for x in order.lines) > 1:
        world.later(minutes(20 + 300 * wait), "edit", shop=shop.id, order=order.id)


def pay(world: "World", shop: str, order: int) -> None:
    """Receive the money of an order that waited for it, or give up waiting."""
    held = world.truth.shops[shop].orders[order]
    if held.state != "open" or held.payment != "pending":
        return
    if world.draw("pays", shop, order) < 0.65:
        held.payment, held.paid, held.updated = "paid", world.now, world.now
        held.stage = STEP.get(world.truth.shops[shop].system, "")
        return
    held.payment = "voided"
    cancel(world, shop, order)


def cancel(world: "World", shop: str, order: int) -> None:
    """Cancel an order, unless parcels of it were announced."""
    its_shop = world.truth.shops[shop]
    held = its_shop.orders[order]
    if held.state != "open" or held.trackings:
        return
    call_off(world, its_shop, held)
    for line in held.lines:
        promise(world, line, -line.outstanding)
        line.canceled = line.quantity - line.shipped
    if held.payment == "paid" and its_shop.system == "shopify":
        lines = [(x.id, x.quantity, x.price * x.quantity) for x in held.lines]
        give_back(world, its_shop, held, held.total, "Canceled by the customer", lines, "cancel")
    world.truth.count(f"canceled/{shop}")


def call_off(world: "World", shop: Shop, order: Order) -> None:
    """Write on an order that it is canceled."""
    order.state, order.updated, order.closed = "canceled", world.now, world.now
    order.stage = {"woocommerce": "cancelled", "mirakl": "CANCELED"}.get(shop.system, "")


def edit(world: "World", shop: str, order: int) -> None:
    """Take a unit of the last line off an order that has not left yet."""
    its_shop = world.truth.shops[shop]
    held = its_shop.orders[order]
    line = held.lines[-1]
    several = len([x for x in held.lines if x.unshipped]) > 1
    if held.state != "open" or held.trackings or not line.unshipped:
        return
    if line.unshipped < 2 and not several:
        return
    take_off(world, line, 1)
    held.updated = world.now
    if held.payment == "paid":
        lines = [(line.id, 1, line.price)]
        give_back(world, its_shop, held, line.price, "Changed before shipping", lines, "cancel")
    world.truth.count(f"edited/{shop}")


def take_off(world: "World", line: Line, sold: int) -> None:
    """Take sold units off a line before they are shipped."""
    before = line.outstanding
    line.canceled += sold
    promise(world, line, line.outstanding - before)


def give_back(
    world: "World",
    shop: Shop,
    order: Order,
    amount: int,
    reason: str,
    lines: list[tuple[int, int, int]],
    restock: str,
) -> Refund:
    """Refund an order, by its lines or by an amount alone. Amount in cents."""
    refund = Refund(shop.ref(), world.now, amount, reason, lines, restock)
    order.refunds.append(refund)
    order.payment = "refunded" if order.refunded >= order.total else "partially_refunded"
    order.updated = world.now
    world.truth.count(f"refunds/{shop.id}")
    return refund


def debit(world: "World", shop: str, order: int) -> None:
    """Take a marketplace customer's money once the merchant has accepted."""
    held = world.truth.shops[shop].orders[order]
    if held.stage == "WAITING_DEBIT_PAYMENT":
        held.stage, held.updated, held.paid = "SHIPPING", world.now, world.now


def take_tracking(
    world: "World",
    shop: Shop,
    order: Order,
    number: str,
    carrier: str,
    url: str,
    lines: list[tuple[int, int]],
    key: str = "",
) -> Tracking:
    """Note a parcel the hub announced. Quantities beyond what is open are cut to it."""
    taken: list[tuple[int, int]] = []
    for line_id, quantity in lines:
        line = order.line(line_id)
        units = min(quantity, line.unshipped) if line else 0
        if line and units:
            line.shipped += units
            taken.append((line_id, units))
    tracking = Tracking(shop.ref(), world.now, number, carrier, url, taken, key)
    order.trackings.append(tracking)
    order.updated = world.now
    return tracking


def everything_open(order: Order) -> list[tuple[int, int]]:
    """Return (line id, quantity) of all that is not announced as shipped."""
    return [(x.id, x.unshipped) for x in order.lines if x.unshipped]


def visible(shop: Shop, now: datetime) -> list[Order]:
    """Return the orders a shop shows at a time, oldest first."""
    return [x for x in shop.orders.values() if x.visible <= now]
