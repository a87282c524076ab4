"""A Mirakl marketplace, seen by a seller: orders, shipments, returns.

Source: Mirakl seller API (OR11, OR21, OR23, OR24, ST01, ST11, RT11, RT21, RT25, A01, SH21).
An order waits for acceptance, then for the customer's debit, and only then shows where it
goes. Calls carry the shop's key in `Authorization`, without a scheme.
"""

import base64
import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from oms_pipelines.sandbox import customers, mirakl_offers, mirakl_shapes
from oms_pipelines.sandbox import shop as shops
from oms_pipelines.sandbox.mirakl_rest import PAGE, error, offset_page
from oms_pipelines.sandbox.network import SECRETS
from oms_pipelines.sandbox.truth import Order, Return, Shop
from oms_pipelines.sandbox.web import Answer, Call, answer, retry_after

if TYPE_CHECKING:
    from oms_pipelines.sandbox.world import World

SHOP = "market"
DEBIT = timedelta(minutes=20)


def refuse(status: int, fault: dict[str, Any]) -> Answer:
    """Answer as the gateway before the marketplace does."""
    text = {429: "Too Many Requests", 503: "Service Unavailable", 500: "Internal Server Error"}
    given = answer({"status": status, "message": text[status]}, status)
    if status == 429:
        given.headers |= retry_after(fault)
    return given


def serve(world: "World", call: Call) -> Answer:
    """Answer one call of the marketplace."""
    if call.headers.get("authorization") != SECRETS["MIRAKL_KEY"]:
        return answer({"status": 401, "message": "Unauthorized"}, 401)
    shop = world.truth.shops[SHOP]
    for method, pattern, act in ROUTES:
        match = re.fullmatch(pattern, call.path.rstrip("/"))
        if match and method == call.method:
            return act(world, shop, call, *match.groups())
    return answer({"status": 404, "message": "HTTP 404 Not Found"}, 404)


def _wanted(call: Call, order: Order) -> bool:
    start, end = call.moment("start_update_date"), call.moment("end_update_date")
    if (start and order.updated < start) or (end and order.updated > end):
        return False
    born, until = call.moment("start_date"), call.moment("end_date")
    if (born and order.placed < born) or (until and order.placed > until):
        return False
    states = call.query.get("order_state_codes")
    if states and order.stage not in states.split(","):
        return False
    ids = call.query.get("order_ids")
    return not ids or mirakl_shapes.order_id(order) in ids.split(",")


def _orders(world: "World", shop: Shop, call: Call) -> Answer:
    """OR11: by creation date, counted by offset."""
    found = [x for x in shops.visible(shop, world.now) if _wanted(call, x)]
    found.sort(key=lambda x: (x.placed, x.id))

    def show(order: Order) -> Any:
        shop.served.add(order.id)
        return mirakl_shapes.order(order)

    return offset_page(world, call, "orders", found, show)


def _held(shop: Shop, number: str) -> Order | Answer:
    order = shop.find(number)
    if order is None or mirakl_shapes.order_id(order) != number:
        return error(404, "ORDER_NOT_FOUND", "Order not found")
    return order


def _accept(world: "World", shop: Shop, call: Call, number: str) -> Answer:
    """OR21: every line is decided in one call, once."""
    order, wish = _held(shop, number), call.json()
    if isinstance(order, Answer):
        return order
    if order.stage != "WAITING_ACCEPTANCE":
        return error(400, "ORDER_INVALID_STATE", f"Order state is {order.stage}")
    decided = {x.get("id"): x.get("accepted") for x in (wish or {}).get("order_lines", [])}
    lines = {mirakl_shapes.line_id(order, x): x for x in order.lines}
    if set(decided) - set(lines):
        return error(400, "ORDER_LINE_NOT_FOUND", "Order line not found")
    if set(lines) - set(decided):
        text = "All the order lines must be accepted or refused"
        return error(400, "ORDER_LINE_ACCEPTANCE_DECISION_MISSING", text)
    if not any(decided.values()):
        shops.cancel(world, SHOP, order.id)
        order.stage = "REFUSED"
        return Answer(204, changed=True)
    for name, line in lines.items():
        if not decided[name]:
            shops.take_off(world, line, line.quantity - line.canceled)
    order.stage, order.updated = "WAITING_DEBIT_PAYMENT", world.now
    world.later(DEBIT, "debit", shop=SHOP, order=order.id)
    return Answer(204, changed=True)


def _track(world: "World", shop: Shop, call: Call, number: str) -> Answer:
    """OR23: the tracking of the whole order, before OR24 ships it."""
    order, wish = _held(shop, number), call.json()
    if isinstance(order, Answer):
        return order
    if order.stage not in ("SHIPPING", "SHIPPED"):
        return error(400, "ORDER_INVALID_STATE", f"Order state is {order.stage}")
    if not isinstance(wish, dict):
        return error(400, "VALIDATION_ERROR", "The body is no object")
    shop.keys[f"tracking/{order.id}"] = wish
    order.updated = world.now
    return Answer(204, changed=True)


def _ship(world: "World", shop: Shop, call: Call, number: str) -> Answer:
    """OR24: the whole order has left."""
    order = _held(shop, number)
    if isinstance(order, Answer):
        return order
    if order.stage != "SHIPPING":
        return error(400, "ORDER_INVALID_STATE", f"Order state is {order.stage}")
    told = shop.keys.pop(f"tracking/{order.id}", {})
    _note(world, shop, order, told, shops.everything_open(order), "")
    return Answer(204, changed=True)


def _note(
    world: "World",
    shop: Shop,
    order: Order,
    told: dict[str, Any],
    lines: list[tuple[int, int]],
    key: str,
) -> Any:
    carrier = told.get("carrier_code") or told.get("carrier_name") or ""
    url = told.get("tracking_url") or told.get("carrier_url") or ""
    number = told.get("tracking_number") or ""
    tracking = shops.take_tracking(world, shop, order, number, carrier, url, lines, key)
    if not shops.everything_open(order):
        order.stage, order.state, order.closed = "SHIPPED", "done", world.now
    return mirakl_shapes.shipment(order, tracking)


def _shipments(world: "World", shop: Shop, call: Call) -> Answer:
    """ST11: shipments of an order."""
    ids = call.query.get("order_id", "").split(",")
    found = [shop.find(x) for x in ids if x]
    data = [mirakl_shapes.shipment(x, t) for x in found if x for t in x.trackings]
    return answer({"data": data, "next_page_token": None, "previous_page_token": None})


def _create_shipments(world: "World", shop: Shop, call: Call) -> Answer:
    """ST01: partial shipments; each stands or falls alone."""
    wish = call.json()
    made, failed = [], []
    for parcel in (wish or {}).get("shipments", []):
        order = _held(shop, str(parcel.get("order_id")))
        lines, fault = [], None
        if isinstance(order, Answer):
            fault = ("ORDER_NOT_FOUND", "Order not found")
        elif order.stage != "SHIPPING":
            fault = ("ORDER_INVALID_STATE", f"Order state is {order.stage}")
        else:
            lines, fault = _lines_of(order, parcel.get("shipment_lines") or [])
        if fault or isinstance(order, Answer):
            code, text = fault or ("ORDER_NOT_FOUND", "Order not found")
            failed.append(
                {
                    "order_id": parcel.get("order_id"),
                    "message": f"{code}: {text}",
                    "errors": [{"code": code, "field": "order_id", "message": text}],
                }
            )
            continue
        package = next((x.get("package_reference") for x in parcel["shipment_lines"]), None)
        told = parcel.get("tracking") or {}
        made.append(_note(world, shop, order, told, lines, package or ""))
    body = {"shipment_success": made, "shipment_errors": failed}
    return answer(body, 201, changed=bool(made))


def _lines_of(
    order: Order, wishes: list[dict[str, Any]]
) -> tuple[list[tuple[int, int]], tuple[str, str] | None]:
    lines = []
    for wish in wishes:
        line = order.line(wish.get("order_line_id")) if wish.get("order_line_id") else None
        if line is None:
            line = next((x for x in order.lines if x.sku == wish.get("offer_sku")), None)
        if line is None:
            return [], ("ORDER_LINE_NOT_FOUND", "Order line not found")
        if wish.get("quantity", 0) > line.unshipped:
            return [], ("SHIPMENT_LINE_INVALID_QUANTITY", "More than what is left to ship")
        lines.append((line.id, wish.get("quantity", 0)))
    return lines, None


def _returns(world: "World", shop: Shop, call: Call) -> Answer:
    """RT11: by update time, with a token to the next page."""
    since, until = call.moment("return_last_updated_from"), call.moment("return_last_updated_to")
    found = [(o, r) for o in shop.orders.values() for r in o.returns if r.state != "store"]
    found = [
        (o, r)
        for o, r in found
        if (not since or r.updated >= since) and (not until or r.updated <= until)
    ]
    found.sort(key=lambda pair: (pair[1].updated, pair[1].id))
    start = _position(call.query.get("page_token"))
    size = min(call.number("limit", 10), PAGE)
    page = found[start : start + size]
    more = base64.urlsafe_b64encode(str(start + size).encode()).decode()
    records = world.faults.page(f"{SHOP}/returns", [mirakl_shapes.returned(*x) for x in page])
    token = more if start + size < len(found) else None
    return answer({"data": records, "next_page_token": token, "previous_page_token": None})


def _position(token: str | None) -> int:
    return int(base64.urlsafe_b64decode(token)) if token else 0


def _receive_returns(world: "World", shop: Shop, call: Call) -> Answer:
    """RT25: the seller has the goods."""
    for wish in (call.json() or {}).get("returns", []):
        number = int(str(wish.get("id")), 16)
        for order in shop.orders.values():
            for back in order.returns:
                if back.id == number:
                    _received(world, order, back)
    return Answer(204, changed=True)


def _received(world: "World", order: Order, back: Return) -> None:
    if back.state == "open":
        back.state, back.updated = "received", world.now
        customers.refund(world, SHOP, order.id, back.id)


def _account(world: "World", shop: Shop, call: Call) -> Answer:
    return answer({"shop_id": 2001, "shop_name": "Sandbox", "currency_iso_code": shop.currency})


def _carriers(world: "World", shop: Shop, call: Call) -> Answer:
    known = [("COLIS", "Colis"), ("CHRONO", "Chrono")]
    return answer({"carriers": [{"code": c, "label": n, "standard_code": c} for c, n in known]})


ROUTES: tuple[tuple[str, str, Callable[..., Answer]], ...] = (
    ("GET", "/api/orders", _orders),
    ("PUT", r"/api/orders/([^/]+)/accept", _accept),
    ("PUT", r"/api/orders/([^/]+)/tracking", _track),
    ("PUT", r"/api/orders/([^/]+)/ship", _ship),
    ("GET", "/api/shipments", _shipments),
    ("POST", "/api/shipments", _create_shipments),
    ("GET", "/api/returns", _returns),
    ("PUT", "/api/returns/receive", _receive_returns),
    ("GET", "/api/account", _account),
    ("GET", "/api/shipping/carriers", _carriers),
    *mirakl_offers.ROUTES,
)
