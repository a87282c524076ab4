"""What a Mirakl marketplace says of orders, shipments, returns and offers."""

from datetime import timedelta
from typing import Any

from oms_pipelines.sandbox.people import ALPHA3
from oms_pipelines.sandbox.truth import Line, Order, Return, Tracking
from oms_pipelines.sandbox.web import z

Json = dict[str, Any]
HIDDEN = ("STAGING", "WAITING_ACCEPTANCE", "WAITING_DEBIT", "WAITING_DEBIT_PAYMENT")


def order_id(order: Order) -> str:
    return f"Order_{order.id}-A"


def line_id(order: Order, line: Line) -> str:
    return f"{order_id(order)}-{line.id}"


def _line_state(order: Order, line: Line) -> str:
    if line.canceled == line.quantity:
        return "CANCELED"
    if order.stage == "SHIPPING" and not line.unshipped:
        return "SHIPPED"
    return order.stage


def _address(order: Order) -> Json:
    who = order.person
    return {
        "city": who.city,
        "civility": None,
        "company": who.company or None,
        "country": ALPHA3.get(who.country, who.country),
        "country_iso_code": ALPHA3.get(who.country, who.country),
        "firstname": who.first,
        "lastname": who.last,
        "phone": who.phone,
        "state": None,
        "street_1": who.street,
        "street_2": who.street2 or None,
        "zip_code": who.postal_code,
    }


def _customer(order: Order) -> Json:
    who = order.person
    known = {
        "customer_id": f"C-{order.id}",
        "firstname": who.first,
        "lastname": who.last,
        "locale": f"{who.language}_{who.country}",
    }
    if order.stage in HIDDEN:
        return known
    return {**known, "billing_address": _address(order), "shipping_address": _address(order)}


def _refunds(order: Order, line: Line, *, canceled: bool) -> list[Json]:
    found = []
    for refund in order.refunds:
        for number, quantity, cents in refund.lines:
            if number == line.id and (refund.restock == "cancel") == canceled:
                entry = {
                    "id": str(refund.id),
                    "amount": cents / 100,
                    "quantity": quantity,
                    "reason_code": "34" if canceled else "19",
                    "created_date": z(refund.at),
                    "shipping_amount": 0,
                    "taxes": [],
                    "shipping_taxes": [],
                }
                found.append(entry if canceled else {**entry, "state": "REFUNDED"})
    return found


def _line(order: Order, line: Line) -> Json:
    first = line.id == order.lines[0].id
    shipping = order.shipping / 100 if first else 0
    shipped = order.trackings[-1].at if order.trackings and not line.unshipped else None
    return {
        "order_line_id": line_id(order, line),
        "order_line_index": line.id,
        "order_line_state": _line_state(order, line),
        "order_line_state_reason_code": None,
        "offer_id": 2000 + line.id,
        "offer_sku": line.sku,
        "product_sku": f"MKP{sum(line.sku.encode()):012d}",
        "product_title": line.title,
        "quantity": line.quantity,
        "price": line.price * line.quantity / 100,
        "price_unit": line.price / 100,
        "origin_unit_price": line.price / 100,
        "shipping_price": shipping,
        "total_price": line.price * line.quantity / 100 + shipping,
        "total_commission": round(line.price * line.quantity * 0.12) / 100,
        "created_date": z(order.placed),
        "last_updated_date": z(order.updated),
        "debited_date": z(order.paid) if order.stage not in HIDDEN else None,
        "shipped_date": z(shipped),
        "taxes": [],
        "shipping_taxes": [],
        "promotions": [],
        "order_line_additional_fields": [],
        "cancelations": _refunds(order, line, canceled=True),
        "refunds": _refunds(order, line, canceled=False),
    }


def _shipping(held: Order) -> Json:
    last = held.trackings[-1] if held.trackings else None
    return {
        "shipping_deadline": z(held.placed + timedelta(days=3)),
        "leadtime_to_ship": 2,
        "shipping_price": held.shipping / 100,
        "shipping_type_code": "EXP" if held.service == "express" else "STD",
        "shipping_type_label": held.service.capitalize(),
        "shipping_zone_code": "EU",
        "shipping_company": last.carrier if last else None,
        "shipping_tracking": last.number if last else None,
        "shipping_tracking_url": last.url if last else None,
        "shipping_pudo_id": None,
    }


def order(held: Order) -> Json:
    """Return an order as OR11 lists it. Prices are with tax; a line stays as it was sold."""
    lines = [_line(held, x) for x in held.lines]
    price = round(sum(x["price"] for x in lines), 2)
    choice = [{"code": "delivery_choice", "type": "STRING", "value": held.choice}]
    return {
        "order_id": order_id(held),
        "commercial_id": f"Order_{held.id}",
        "order_state": held.stage,
        "order_state_reason_code": None,
        "created_date": z(held.placed),
        "last_updated_date": z(held.updated),
        "acceptance_decision_date": None if held.stage == "WAITING_ACCEPTANCE" else z(held.placed),
        "customer_debited_date": z(held.paid) if held.stage not in HIDDEN else None,
        "currency_iso_code": held.currency,
        "price": price,
        "total_price": round(price + held.shipping / 100, 2),
        "total_commission": round(sum(x["total_commission"] for x in lines), 2),
        "order_tax_mode": "TAX_INCLUDED",
        "payment_type": "CARD",
        "payment_workflow": "PAY_ON_ACCEPTANCE",
        **_shipping(held),
        "customer": _customer(held),
        "customer_notification_email": f"notification+{held.id}@mirakl.example.net",
        "order_additional_fields": choice if held.choice != "any" else [],
        "promotions": {"applied_promotions": [], "total_deduced_amount": 0},
        "channel": {"code": "FR", "label": "Site France"},
        "fulfillment": {"center": {"code": "DEFAULT"}},
        "has_incident": False,
        "has_customer_message": False,
        "fully_refunded": held.refunded >= held.total,
        "order_lines": lines,
    }


def shipment(held: Order, told: Tracking) -> Json:
    """Return a shipment as ST01 and ST11 have it."""
    by_number = {x.id: x for x in held.lines}
    return {
        "id": f"{told.id:032x}",
        "order_id": order_id(held),
        "created_date": z(told.at),
        "last_updated_date": z(told.at),
        "shipped_date": z(told.at),
        "status": "SHIPPED",
        "status_customer_debit": "NO_DEBIT",
        "shipment_lines": [
            {
                "order_line_id": f"{order_id(held)}-{number}",
                "offer_sku": by_number[number].sku,
                "package_reference": told.key or None,
                "quantity": quantity,
            }
            for number, quantity in told.lines
        ],
        "tracking": {
            "carrier_code": told.carrier,
            "carrier_name": told.carrier,
            "tracking_number": told.number,
            "tracking_url": told.url,
        },
    }


def returned(held: Order, back: Return) -> Json:
    """Return a return as RT11 lists it."""
    state = {"open": "IN_PROGRESS", "received": "RECEIVED", "closed": "CLOSED"}
    tracking = {"carrier_code": "COLIS", "carrier_name": "Colis", "tracking_number": back.number}
    return {
        "id": f"{back.id:032x}",
        "order_id": order_id(held),
        "order_commercial_id": f"Order_{held.id}",
        "date_created": z(back.at),
        "last_updated": z(back.updated),
        "state": state[back.state],
        "reason_code": back.reason,
        "rejection_reason_code": None,
        "method_code": "RETURN_METHOD_BY_MAIL",
        "rma": back.rma,
        "label_url": None,
        "documents": [],
        "tracking": {**tracking, "tracking_url": None},
        "return_lines": [
            {"order_line_id": f"{order_id(held)}-{number}", "quantity": quantity,
             "compliance": None}
            for number, quantity in back.lines
        ],
    }  # fmt: skip
