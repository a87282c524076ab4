"""Small Shopify orders, as GraphQL and as older REST tell them, for the tests of payloads."""

from datetime import UTC, datetime
from typing import Any

import orjson

from oms_pipelines.config import Channel
from oms_pipelines.consolidate import BatchInfo, Normalized, normalize

NOW = datetime(2026, 12, 1, tzinfo=UTC)
GID = "gid://shopify/"
COUNTED = ("ordered_quantity", "canceled_quantity", "shipped_quantity")


def normalized(page: Any, stream: str = "orders") -> Normalized:
    body = page if isinstance(page, bytes) else orjson.dumps(page)
    info = BatchInfo("b", "shop", NOW, Channel(id="shop", system="shopify"))
    return normalize([body], "shopify", stream, info)


def money(amount: str) -> dict[str, Any]:
    return {"shopMoney": {"amount": amount, "currencyCode": "EUR"}}


def line(number: int = 1, **changes: Any) -> dict[str, Any]:
    """Return a line of 3 units at 10.00; a change of None takes the key away."""
    told = {
        "id": f"{GID}LineItem/{number}",
        "sku": f"S-{number}",
        "quantity": 3,
        "currentQuantity": 3,
        "unfulfilledQuantity": 3,
        "originalUnitPriceSet": money("10.00"),
    }
    return {key: value for key, value in (told | changes).items() if value is not None}


def order(number: int = 1, **changes: Any) -> dict[str, Any]:
    told = {
        "id": f"{GID}Order/{number}",
        "createdAt": "2026-07-01T08:00:00Z",
        "updatedAt": "2026-07-01T08:05:00Z",
        "displayFinancialStatus": "PAID",
        "displayFulfillmentStatus": "UNFULFILLED",
        "currencyCode": "EUR",
        "totalPriceSet": money("35.00"),
        "lineItems": {"nodes": [line()]},
    }
    return {key: value for key, value in (told | changes).items() if value is not None}


def rest_line(**changes: Any) -> dict[str, Any]:
    told = {"id": 1, "sku": "S-1", "quantity": 3, "price": "10.00", "fulfillment_status": None}
    return told | changes


def rest_order(**changes: Any) -> dict[str, Any]:
    """Return an order as REST gave it before it told current quantities and totals."""
    return {
        "id": 1,
        "created_at": "2026-07-01T10:00:00+02:00",
        "updated_at": "2026-07-01T10:05:00+02:00",
        "financial_status": "paid",
        "fulfillment_status": None,
        "currency": "EUR",
        "total_price": "35.00",
        "line_items": [rest_line(fulfillable_quantity=3)],
    } | changes


def refund(**changes: Any) -> dict[str, Any]:
    return {"id": 5, "created_at": "2026-07-03T00:00:00Z", "refund_line_items": []} | changes
