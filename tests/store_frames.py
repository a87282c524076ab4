"""Small frames for store tests: orders, their lines and contacts, as the gate gives them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl

from oms_pipelines.store.frames import dtypes

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(minutes: int) -> datetime:
    """Return a time so many minutes after the start."""
    return START + timedelta(minutes=minutes)


def order(key: str, version: int = 1, fetched: int = 0, content: str = "a", batch: str = "b1"):
    """Return one order row; its content follows from `version` and `content` alone."""
    return {
        "order_id": f"shop/{key}",
        "channel_id": "shop",
        "external_id": key,
        "number": f"#{key} {content}",
        "order_status": "open",
        "payment_status": "paid",
        "fulfillment_status": "unfulfilled",
        "currency": "EUR",
        "total_amount": Decimal(version) + Decimal("0.1234"),
        "prices_include_tax": True,
        "priority": 0,
        "placed_at": START,
        "updated_at": at(version),
        "source_version": version,
        "fetched_at": at(fetched),
        "record_hash": content,
        "batch_id": batch,
    }


def line(key: str, number: int, quantity: int = 1, content: str = "a"):
    """Return one order line row."""
    return {
        "order_id": f"shop/{key}",
        "line_id": str(number),
        "channel_sku": f"SKU {content}",
        "units_per": 1,
        "ordered_quantity": quantity,
        "canceled_quantity": 0,
        "shipped_quantity": 0,
        "currency": "EUR",
    }


def contact(key: str, name: str = "Zoë Łukasz"):
    """Return one contact row."""
    return {"order_id": f"shop/{key}", "name": name, "email": "zoe@example.com"}


def frame(table: str, *rows: dict) -> pl.DataFrame:
    """Return rows as a frame of a table; what a row does not say is null."""
    return pl.DataFrame(list(rows), schema=dtypes(table), orient="row")
