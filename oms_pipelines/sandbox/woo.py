"""A WooCommerce shop: REST API v3, with the Shipment Tracking extension or without.

Source: WooCommerce REST API documentation (orders, refunds, notes, products, variations),
and the extension's own.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from oms_pipelines.sandbox import shop as shops
from oms_pipelines.sandbox import woo_auth, woo_shapes, woo_stock
from oms_pipelines.sandbox.network import SECRETS
from oms_pipelines.sandbox.truth import Order, Shop
from oms_pipelines.sandbox.web import Answer, Call, answer, retry_after
from oms_pipelines.sandbox.woo_rest import PREFIX, SHOP, base_of, error, no_route, paged

if TYPE_CHECKING:
    from oms_pipelines.sandbox.world import World

CLOSED = ("completed", "cancelled", "refunded", "failed", "trash")


def refuse(status: int, fault: dict[str, Any]) -> Answer:
    """Answer as the host before the shop does."""
    if status == 429:
        given = error(429, "too_many_requests", "Too many requests.")
        given.headers |= retry_after(fault)
        return given
    if status == 503:
        return Answer(503, b"<html><body>Service Unavailable</body></html>",
                      {"content-type": "text/html"})  # fmt: skip
    return error(500, "internal_server_error", "There has been a critical error on this website.")


def serve(world: "World", call: Call) -> Answer:
    """Answer one call of the shop."""
    shop = world.truth.shops[SHOP]
    if not call.path.startswith(PREFIX):
        return no_route()
    nonces = shop.keys.setdefault("nonces", {})
    refusal = woo_auth.check(call, SECRETS["WOO_KEY"], SECRETS["WOO_SECRET"], nonces, world.now)
    if refusal:
        return refusal
    path = call.path.removeprefix(PREFIX).rstrip("/")
    for method, pattern, act in ROUTES:
        match = re.fullmatch(pattern, path)
        if match and method == call.method:
            return act(world, shop, call, *match.groups())
    return no_route()


def _moment(call: Call, name: str) -> datetime | None:
    """Return a filter as UTC: as given, or of the shop's zone without `dates_are_gmt`."""
    found = call.moment(name)
    if found is None or found.tzinfo:
        return found
    gmt = call.query.get("dates_are_gmt", "false") in ("true", "1")
    return found.replace(tzinfo=UTC if gmt else woo_shapes.PARIS)


def _wanted(call: Call, order: Order) -> bool:
    status = call.query.get("status", "any").split(",")
    if order.stage not in status and not ("any" in status and order.stage != "trash"):
        return False
    for prefix, moment in (("modified_", order.updated), ("", order.placed)):
        after, before = _moment(call, f"{prefix}after"), _moment(call, f"{prefix}before")
        if (after and moment <= after) or (before and moment >= before):
            return False
    include = call.query.get("include")
    return not include or str(order.id) in include.split(",")


def _orders(world: "World", shop: Shop, call: Call) -> Answer:
    found = [x for x in shops.visible(shop, world.now) if _wanted(call, x)]
    by_id = call.query.get("orderby", "date") == "id"
    found.sort(
        key=lambda x: x.id if by_id else (x.placed, x.id),
        reverse=call.query.get("order", "desc") != "asc",
    )
    products = woo_stock.numbers(shop)

    def show(order: Order) -> Any:
        shop.served.add(order.id)
        return woo_shapes.order(order, products, base_of(call))

    return paged(world, call, found, show)


def _found(world: "World", shop: Shop, number: str) -> Order | Answer:
    order = shop.orders.get(int(number))
    if order is None or order.visible > world.now:
        return error(404, "woocommerce_rest_shop_order_invalid_id", "Invalid ID.")
    return order


def _order(world: "World", shop: Shop, call: Call, number: str) -> Answer:
    order = _found(world, shop, number)
    if isinstance(order, Answer):
        return order
    return answer(woo_shapes.order(order, woo_stock.numbers(shop), base_of(call)))


def _change(world: "World", shop: Shop, call: Call, number: str) -> Answer:
    order, wish = _found(world, shop, number), call.json()
    if isinstance(order, Answer):
        return order
    if not isinstance(wish, dict):
        return error(400, "rest_invalid_json", "Invalid JSON body passed.")
    for entry in wish.get("meta_data", []):
        same = next((m for m in order.meta if m["key"] == entry["key"]), None)
        if same:
            same["value"] = entry["value"]
        else:
            order.meta.append({"id": shop.ref(), "key": entry["key"], "value": entry["value"]})
    status = wish.get("status")
    if status == "cancelled":
        shops.cancel(world, SHOP, order.id)
    elif status:
        order.stage = status
        if status == "completed":
            order.state, order.closed = "done", world.now
            for line in order.lines:
                line.shipped = line.quantity - line.canceled
    order.updated = world.now
    shape = woo_shapes.order(order, woo_stock.numbers(shop), base_of(call))
    return answer(shape, changed=True)


def _refunds(world: "World", shop: Shop, call: Call, number: str) -> Answer:
    order = _found(world, shop, number)
    if isinstance(order, Answer):
        return order
    newest_first = order.refunds[::-1]
    return paged(world, call, newest_first, lambda r: woo_shapes.refund(order, r, base_of(call)))


def _refund(world: "World", shop: Shop, call: Call, number: str, refund: str) -> Answer:
    order = _found(world, shop, number)
    if isinstance(order, Answer):
        return order
    given = next((r for r in order.refunds if r.id == int(refund)), None)
    if given is None:
        return error(404, "woocommerce_rest_invalid_order_refund_id", "Invalid order refund ID.")
    return answer(woo_shapes.refund(order, given, base_of(call)))


def _notes(world: "World", shop: Shop, call: Call, number: str) -> Answer:
    order = _found(world, shop, number)
    return order if isinstance(order, Answer) else answer(order.notes)


def _add_note(world: "World", shop: Shop, call: Call, number: str) -> Answer:
    order, wish = _found(world, shop, number), call.json()
    if isinstance(order, Answer):
        return order
    if not isinstance(wish, dict) or not wish.get("note"):
        return error(400, "rest_missing_callback_param", "Missing parameter(s): note")
    note = {
        "id": shop.ref(),
        "author": "system",
        **woo_shapes.dates("created", world.now),
        "note": wish["note"],
        "customer_note": bool(wish.get("customer_note")),
    }
    order.notes.append(note)
    return answer(note, 201, changed=True)


def _trackings(world: "World", shop: Shop, call: Call, number: str) -> Answer:
    order = _found(world, shop, number)
    if not world.tracking_plugin:
        return no_route()
    if isinstance(order, Answer):
        return order
    return answer([woo_shapes.tracking(t, base_of(call), order.id) for t in order.trackings])


def _add_tracking(world: "World", shop: Shop, call: Call, number: str) -> Answer:
    order, wish = _found(world, shop, number), call.json()
    if not world.tracking_plugin:
        return no_route()
    if isinstance(order, Answer):
        return order
    if not isinstance(wish, dict) or not wish.get("tracking_number"):
        text = "Missing parameter(s): tracking_number"
        return error(400, "rest_missing_callback_param", text)
    carrier = wish.get("tracking_provider") or wish.get("custom_tracking_provider") or ""
    link = wish.get("custom_tracking_link") or ""
    told = shops.take_tracking(world, shop, order, wish["tracking_number"], carrier, link, [])
    return answer(woo_shapes.tracking(told, base_of(call), order.id), 201, changed=True)


def _totals(world: "World", shop: Shop, call: Call) -> Answer:
    stages = [x.stage for x in shops.visible(shop, world.now)]
    slugs = ("pending", "processing", "on-hold", *CLOSED[:4])
    return answer([{"slug": s, "name": s.capitalize(), "total": stages.count(s)} for s in slugs])


def _index(world: "World", shop: Shop, call: Call) -> Answer:
    return answer({"namespace": "wc/v3", "routes": {}})


ROUTES: tuple[tuple[str, str, Callable[..., Answer]], ...] = (
    ("GET", "", _index),
    ("GET", "/orders", _orders),
    ("GET", r"/orders/(\d+)", _order),
    ("PUT", r"/orders/(\d+)", _change),
    ("POST", r"/orders/(\d+)", _change),
    ("GET", r"/orders/(\d+)/refunds", _refunds),
    ("GET", r"/orders/(\d+)/refunds/(\d+)", _refund),
    ("GET", r"/orders/(\d+)/notes", _notes),
    ("POST", r"/orders/(\d+)/notes", _add_note),
    ("GET", r"/orders/(\d+)/shipment-trackings", _trackings),
    ("POST", r"/orders/(\d+)/shipment-trackings", _add_tracking),
    ("GET", "/reports/orders/totals", _totals),
    *((m, p, act) for m, p, act in woo_stock.ROUTES),
)
