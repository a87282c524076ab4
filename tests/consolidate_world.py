"""A small shop for the tests of consolidation: WooCommerce orders, and where they land."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from oms_pipelines.channels.base import Page
from oms_pipelines.config import Channel, Oms, parse
from oms_pipelines.consolidate import BatchInfo, Normalized, normalize
from oms_pipelines.landing import Landing, Manifest

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def woo_order(number: int | str | None, /, **changes: Any) -> dict[str, Any]:
    """Return an order as WooCommerce gives it, with changes laid over."""
    return {
        "id": number,
        "number": str(number),
        "status": "processing",
        "currency": "EUR",
        "date_created_gmt": "2026-02-01T10:00:00",
        "date_modified_gmt": "2026-02-02T10:00:00",
        "date_paid_gmt": "2026-02-01T10:01:00",
        "total": "25.00",
        "total_tax": "4.17",
        "discount_total": "0.00",
        "shipping_total": "5.00",
        "payment_method": "card",
        "billing": {"first_name": "Ada", "email": "ada@example.org", "country": "FR"},
        "shipping": {"first_name": "Ada", "address_1": "1 rue A", "city": "Lyon", "country": "FR"},
        "line_items": [woo_line(1), woo_line(2)],
        "shipping_lines": [],
        "meta_data": [],
        "refunds": [],
    } | changes


def woo_line(number: int | str | None, /, **changes: Any) -> dict[str, Any]:
    """Return an order line as WooCommerce gives it, with changes laid over."""
    return {
        "id": number,
        "name": "Mug",
        "sku": f"MUG-{number}",
        "quantity": 1,
        "total": "10.00",
        "total_tax": "0.00",
    } | changes


def page(*orders: Any) -> bytes:
    """Return a page of orders."""
    return json.dumps(orders).encode()


def info(**changes: Any) -> BatchInfo:
    """Return what is known of a batch of the shop."""
    channel = Channel(id="shop", system="woocommerce", time_zone="Europe/Paris")
    fields = {"batch_id": "b1", "source": "shop", "fetched_at": NOW, "channel": channel}
    return BatchInfo(**(fields | changes))


def normalized(*pages: bytes, stream: str = "orders") -> Normalized:
    """Return what pages of the shop become."""
    return normalize(pages, "woocommerce", stream, info())


def reason_of(order: Any) -> str | None:
    """Return why an order is kept back; None when it is let through."""
    found = normalized(page(order)).rejected["reason"]
    return found[0] if len(found) else None


def oms(tmp_path: Path, **changes: Any) -> Oms:
    """Return the settings of a shop and a warehouse under a folder."""
    data = {
        "store": {"url": f"duckdb:///{tmp_path}/oms.duckdb"},
        "landing": {"url": f"file://{tmp_path}/landing"},
        "channels": [{"id": "shop", "system": "woocommerce", "time_zone": "Europe/Paris"}],
        "locations": [
            {
                "id": "lyon",
                "address": {"country": "FR", "postal_code": "69007"},
                "stock": {"profile": "stock", "from": f"{tmp_path}/lyon"},
            }
        ],
    }
    return parse(data | changes)


def land(
    landing: Landing, *bodies: bytes, source: str = "shop", stream: str = "orders", now=NOW
) -> Manifest:
    """Land pages as one batch."""
    pages = [Page(stream, body, None, name=f"{stream}.csv") for body in bodies]
    return landing.write(source, stream, pages, None, True, None, now)
