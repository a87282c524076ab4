"""What a WooCommerce shop says of its orders, refunds and products (REST API v3)."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from oms_pipelines.sandbox.truth import Line, Order, Refund, Tracking
from oms_pipelines.sandbox.web import money

PARIS = ZoneInfo("Europe/Paris")
Json = dict[str, Any]


def _gmt(moment: datetime | None) -> str | None:
    return moment.replace(tzinfo=None).isoformat() if moment else None


def dates(name: str, moment: datetime | None) -> dict[str, str | None]:
    """Return a time as the shop's local time and as its twin in UTC, both without offset."""
    local = _gmt(moment.astimezone(PARIS)) if moment else None
    return {f"date_{name}": local, f"date_{name}_gmt": _gmt(moment)}


def _net(cents: int) -> int:
    return round(cents / 1.2)


def _amounts(cents: int) -> dict[str, str]:
    net = _net(cents)
    both = {"total": money(net), "total_tax": money(cents - net)}
    return {"subtotal": both["total"], "subtotal_tax": both["total_tax"], **both}


def _line(line: Line, product: tuple[int, int]) -> Json:
    gross = line.price * line.quantity
    tax = {"id": 1, "total": money(gross - _net(gross)), "subtotal": money(gross - _net(gross))}
    return {
        "id": line.id,
        "name": line.title,
        "product_id": product[0],
        "variation_id": product[1],
        "quantity": line.quantity,
        "tax_class": "",
        **_amounts(gross),
        "taxes": [tax],
        "meta_data": [],
        "sku": line.sku,
        "price": _net(line.price) / 100,
    }


def _address(order: Order, *, billing: bool) -> Json:
    who = order.person
    address = {
        "first_name": who.first,
        "last_name": who.last,
        "company": who.company,
        "address_1": who.street,
        "address_2": who.street2,
        "city": who.city,
        "state": "",
        "postcode": who.postal_code,
        "country": who.country,
    }
    return {**address, "email": who.email, "phone": who.phone} if billing else address


def _shipping_line(order: Order) -> Json:
    net = _net(order.shipping)
    method = "local_pickup" if order.collect else "flat_rate"
    title = {"standard": "Colissimo", "express": "Express"}.get(order.service, order.service)
    meta = [{"id": order.id * 10 + 1, "key": "pickup_location", "value": order.collect}]
    return {
        "id": order.id * 10,
        "method_title": "Retrait en magasin" if order.collect else title,
        "method_id": method,
        "instance_id": "1",
        "total": money(net),
        "total_tax": money(order.shipping - net),
        "taxes": [],
        "meta_data": meta if order.collect else [],
    }


def _meta(order: Order) -> list[Json]:
    own = [{"id": order.id * 100, "key": "delivery_choice", "value": order.choice}]
    return (own if order.choice != "any" else []) + order.meta


def _totals(order: Order) -> dict[str, str]:
    cart = sum(x.price * x.quantity for x in order.lines)
    cart_tax = sum(x.price * x.quantity - _net(x.price * x.quantity) for x in order.lines)
    shipping_tax = order.shipping - _net(order.shipping)
    return {
        "discount_total": "0.00",
        "discount_tax": "0.00",
        "shipping_total": money(order.shipping - shipping_tax),
        "shipping_tax": money(shipping_tax),
        "cart_tax": money(cart_tax),
        "total": money(cart + order.shipping),
        "total_tax": money(cart_tax + shipping_tax),
    }


def order(held: Order, products: dict[str, tuple[int, int]], base: str) -> Json:
    """Return an order. `products` gives (product id, variation id) by SKU."""
    refunds = [{"id": r.id, "reason": r.reason, "total": money(-r.amount)} for r in held.refunds]
    return {
        "id": held.id,
        "parent_id": 0,
        "number": str(held.id),
        "order_key": f"wc_order_{held.id:x}",
        "created_via": "checkout",
        "version": "9.8.0",
        "status": held.stage,
        "currency": held.currency,
        **dates("created", held.placed),
        **dates("modified", held.updated),
        **_totals(held),
        "prices_include_tax": False,
        "customer_id": 0,
        "customer_note": "",
        "billing": _address(held, billing=True),
        "shipping": _address(held, billing=False),
        "payment_method": "card",
        "payment_method_title": "Carte bancaire",
        "transaction_id": f"tx_{held.id}" if held.paid else "",
        **dates("paid", held.paid),
        **dates("completed", held.closed if held.stage == "completed" else None),
        "cart_hash": "",
        "meta_data": _meta(held),
        "line_items": [_line(x, products.get(x.sku, (0, 0))) for x in held.lines],
        "tax_lines": [],
        "shipping_lines": [_shipping_line(held)],
        "fee_lines": [],
        "coupon_lines": [],
        "refunds": refunds,
        "_links": {"self": [{"href": f"{base}/orders/{held.id}"}]},
    }


def refund(held: Order, given: Refund, base: str) -> Json:
    """Return a refund, its quantities and totals negative."""
    lines = []
    for n, (line_id, quantity, cents) in enumerate(given.lines):
        line = held.line(line_id)
        meta = {"id": given.id * 10 + n, "key": "_refunded_item_id", "value": str(line_id)}
        lines.append(
            {
                "id": given.id * 100 + n,
                "name": line.title if line else "",
                "quantity": -quantity,
                **_amounts(-cents),
                "taxes": [],
                "meta_data": [meta],
                "sku": line.sku if line else "",
                "price": -(_net(line.price) / 100 if line else 0),
            }
        )
    return {
        "id": given.id,
        **dates("created", given.at),
        "amount": money(given.amount),
        "reason": given.reason,
        "refunded_by": 1,
        "refunded_payment": True,
        "meta_data": [],
        "line_items": lines,
        "shipping_lines": [],
        "fee_lines": [],
        "_links": {"up": [{"href": f"{base}/orders/{held.id}"}]},
    }


def tracking(told: Tracking, base: str, order_id: int) -> Json:
    """Return a tracking as the Shipment Tracking extension has it."""
    return {
        "tracking_id": f"{told.id:032x}",
        "tracking_provider": told.carrier,
        "tracking_link": told.url,
        "tracking_number": told.number,
        "date_shipped": told.at.date().isoformat(),
        "_links": {"up": [{"href": f"{base}/orders/{order_id}"}]},
    }


def product(number: int, parent: int, sku: str, title: str, price: int, level: int) -> Json:
    """Return a product, or a variation of one when it has a parent."""
    return {
        "id": number,
        "name": title,
        "type": "variation" if parent else "simple",
        "status": "publish",
        "sku": sku,
        "price": money(price),
        "regular_price": money(price),
        "manage_stock": True,
        "stock_quantity": level,
        "stock_status": "instock" if level > 0 else "outofstock",
        "backorders": "no",
        "parent_id": parent,
        "variations": [],
        "meta_data": [],
    }
