"""Customers after the sale: they send things back, with and without telling anyone.

A return is announced through the shop (where it has a way to), brought to the store, or
arrives at the dock unannounced, sometimes without a word about its order.
"""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from oms_pipelines.sandbox import drops, warehouse
from oms_pipelines.sandbox.chance import pick
from oms_pipelines.sandbox.shop import call_off, give_back, take_off
from oms_pipelines.sandbox.truth import Line, Order, Parcel, Return, Shop

if TYPE_CHECKING:
    from oms_pipelines.sandbox.world import World

RATE = 0.10
REASONS = {
    "shopify": ("too-long", "too-short", "color", "damaged-or-defective", "changed-my-mind",
                "item-not-as-described", "received-the-wrong-item", "unknown"),
    "mirakl": ("RETURN_CHANGED_MIND", "RETURN_DEFECTIVE_ITEM", "RETURN_DAMAGED_PACKAGING",
               "RETURN_PRODUCT_DOES_NOT_FIT", "RETURN_DELIVERED_PRODUCT_DIFFERENT",
               "RETURN_OTHER"),
    "woocommerce": ("Trop grand", "Article cassé à l'arrivée", "Ne convient plus", ""),
    "file": ("TAILLE", "DEFAUT", "AVIS", "AUTRE"),
}  # fmt: skip
TEXTS = ("", "", "Too big for the shelf", "Arrivé ébréché; je suis déçue", 'Not "sea blue" at all')
CONDITIONS = ("as_new",) * 6 + ("opened", "opened", "damaged", "broken")


def after_delivery(world: "World", parcel: Parcel) -> None:
    """Decide, once a parcel is delivered, whether something of it comes back, and how."""
    if world.table or world.draw("keeps", parcel.tracking) >= RATE:
        return
    shop, order = order_of(world, parcel.order_id)
    if not shop or not order or order.state == "canceled":
        return
    found = [(order.line(x[0]), x[2]) for x in parcel.lines]
    lines = [(x.id, 1) for x, units in found if x and units >= x.units_per]
    if not lines:
        return
    how = world.draw("how", parcel.tracking)
    what = {"shop": shop.id, "order": order.id, "lines": lines[:1] if how < 0.7 else lines}
    after = timedelta(hours=2 + 40 * world.draw("thinks", parcel.tracking))
    if how < 0.65:
        world.later(after, "announce", **what)
    elif how < 0.80:
        world.later(after, "come_back", invoice=f"R{parcel.number}", **what)
    else:
        world.later(after + timedelta(hours=30), "arrive", rma="", told=how < 0.92, **what)


def order_of(world: "World", order_id: str) -> tuple[Shop | None, Order | None]:
    """Return the shop and the order an order identifier of the hub stands for."""
    channel, _, external = order_id.partition("/")
    shop = world.truth.shops.get(channel)
    return shop, shop.find(external) if shop else None


def still_kept(order: Order, line: Line) -> int:
    """Return how many sold units of a line nobody has announced to send back."""
    announced = sum(q for r in order.returns for i, q in r.lines if i == line.id)
    return line.quantity - line.canceled - max(announced, line.returned)


def announce(world: "World", shop: str, order: int, lines: list[tuple[int, int]]) -> None:
    """Announce a return through the shop, and send the parcel."""
    its_shop = world.truth.shops[shop]
    held = its_shop.orders[order]
    number = its_shop.ref()
    about = ("return", shop, order, number)
    reasons = REASONS[its_shop.system]
    back = Return(
        id=number,
        at=world.now,
        updated=world.now,
        reason=pick(reasons, world.truth.seed, *about),
        text=pick(TEXTS, world.truth.seed, "text", *about),
        lines=[(i, q) for i, q in lines],
        rma=f"RMA-{shop.upper().replace('_', '')}-{number}",
        number=f"RT{number:09d}",
    )
    held.returns.append(back)
    held.updated = world.now
    world.truth.count(f"announced/{shop}")
    if its_shop.system == "woocommerce":
        refund(world, shop, order, number)
    travels = timedelta(hours=24 + 40 * world.draw("travels", *about))
    world.later(travels, "arrive", shop=shop, order=order, lines=lines, rma=back.rma, told=True)


def refund(world: "World", shop: str, order: int, back: int) -> None:
    """Give the money of a return back, and close it."""
    its_shop = world.truth.shops[shop]
    held = its_shop.orders[order]
    its_return = next(r for r in held.returns if r.id == back)
    if its_return.refund is not None:
        return
    lines: list[tuple[int, int, int]] = []
    for line_id, quantity in its_return.lines:
        line = held.line(line_id)
        if line:
            line.returned += quantity
            lines.append((line_id, quantity, line.price * quantity))
    amount = sum(cents for _, _, cents in lines)
    given = give_back(world, its_shop, held, amount, its_return.reason, lines, "return")
    its_return.refund, its_return.state, its_return.updated = given.id, "closed", world.now


def arrive(
    world: "World", shop: str, order: int, lines: list[tuple[int, int]], rma: str, told: bool
) -> None:
    """Let a return parcel reach the dock, where it is counted and judged."""
    held = world.truth.shops[shop].orders[order]
    about = ("dock", shop, order, world.now)
    rows = []
    for line_id, quantity in lines:
        line = held.line(line_id)
        if line is None or line.item is None:
            continue
        rows.append(
            {
                "rma": rma,
                "order_number": drops.number_of(world, held) if told else "",
                "line_id": "",
                "sku": line.item,
                "quantity": quantity * line.units_per,
                "condition": pick(CONDITIONS, world.truth.seed, "looks", line_id, *about),
                "remark": "" if told else "no paper in the parcel",
            }
        )
    if not rows:
        return
    warehouse.receive(world, "lyon", rows)
    world.truth.count("returns/announced" if rma else "returns/unannounced")
    back = next((r for r in held.returns if rma and r.rma == rma), None)
    if back and back.state == "open":
        back.state, back.updated, held.updated = "received", world.now, world.now
        world.later(timedelta(hours=3), "refund", shop=shop, order=order, back=back.id)


def come_back(world: "World", invoice: str, **what: Any) -> None:
    """Take a return at the store till, or, from a table of sales, by the way of its sale."""
    if "order" in what:
        held = world.truth.shops[what["shop"]].orders[what["order"]]
        for line_id, quantity in what["lines"]:
            line = held.line(line_id)
            if line:
                drops.take_back(world, invoice, held, line, quantity, line.price, line.title)
        return
    for sku, _, _, title, quantity, price in what["lines"]:
        left = quantity
        for order, line in _bought(world, what["customer"], sku):
            part = min(left, still_kept(order, line))
            if part > 0:
                _undo(world, invoice, order, line, part)
                left -= part
        if left:
            world.truth.count("returns/unmatched")
            drops.take_back(world, invoice, None, None, left, price, title, sku=sku)


def _bought(world: "World", customer: str, sku: str) -> list[tuple[Order, Line]]:
    """Return the lines by which a customer bought a SKU, newest first."""
    orders = [x for x in world.orders_of(customer) if x.state != "canceled"]
    found = [(x, line) for x in orders for line in x.lines if line.item == sku]
    return sorted(found, key=lambda pair: pair[0].placed, reverse=True)


def _undo(world: "World", invoice: str, order: Order, line: Line, quantity: int) -> None:
    """Undo a part of a sale: at the till, before shipping, or as a return."""
    shop = world.truth.shops[order.channel]
    if shop.id == "till_paris":
        drops.take_back(world, invoice, order, line, quantity, line.price, line.title)
        return
    unshipped = min(quantity, line.unshipped)
    if unshipped:
        take_off(world, line, unshipped)
        lines = [(line.id, unshipped, line.price * unshipped)]
        give_back(world, shop, order, line.price * unshipped, "Canceled", lines, "cancel")
        world.truth.count("returns/before_shipping")
        if all(x.canceled == x.quantity for x in order.lines):
            call_off(world, shop, order)
    if quantity > unshipped:
        announce(world, shop.id, order.id, [(line.id, quantity - unshipped)])
