"""A small world for stock, outbox and report tests: facts as the other stages would store them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
from store_frames import frame

from oms_pipelines.config import Oms, parse
from oms_pipelines.store import Session, Store
from oms_pipelines.touched import touch

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def at(hours: float) -> datetime:
    """Return a time so many hours after noon of the day."""
    return NOON + timedelta(hours=hours)


def place(location_id: str, **more: Any) -> dict:
    return {"id": location_id, "address": {"country": "FR"}, **more}


def channel(channel_id: str, **stock: Any) -> dict:
    return {"id": channel_id, "system": "file", "stock": {"mode": "escrow", **stock}}


def network(channels: list[dict], locations: list[dict] | None = None, **more: Any) -> Oms:
    """Return a configuration of channels and locations."""
    return parse({"channels": channels, "locations": locations or [place("lyon")], **more}, env={})


class World:
    """Facts of one store, written as the stages that own them write them."""

    def __init__(self, store: Store, *locations: str):
        self.store = store
        self.batches = 0
        rows = [{"location_id": x, "kind": "warehouse"} for x in locations or ("lyon",)]
        self.put("locations", *rows)

    def put(self, table: str, *rows: dict) -> None:
        with self.store.session() as s:
            s.upsert(table, frame(table, *rows))
            if table == "sku_map":
                touch(s, None)  # as the loading of the map does

    def batch(self, when: datetime) -> dict:
        """Return the version columns of a record that comes in a batch merged at `when`."""
        with self.store.session() as s:
            batch_id = self.batch_in(s, when)
        return {
            "source_version": self.batches, "fetched_at": when, "batch_id": batch_id,
            "record_hash": f"h{self.batches}",
        }  # fmt: skip

    def batch_in(self, session: Session, when: datetime) -> str:
        """Note in a session that a batch is merged at `when`; return its id."""
        self.batches += 1
        batch_id = f"{when:%Y%m%dT%H%M%S}-{self.batches}"
        session.upsert("batches", frame("batches", {
            "batch_id": batch_id, "source": "x", "stream": "x", "received": 1, "accepted": 1,
            "quarantined": 0, "changed": 1, "merged_at": when,
        }))  # fmt: skip
        return batch_id

    def order(
        self, order_id: str, lines: dict[str, int], when: datetime = NOON, **more: Any
    ) -> None:
        """Merge an order; `lines` are SKU to quantity. `line` adds columns to every line."""
        line = more.pop("line", {})
        rows = order_rows(order_id, lines, when, line, **{**self.batch(when), **more})
        with self.store.session() as s:
            merge_orders(s, rows)

    def count(self, location: str, sku: str, quantity: int, when: datetime, **more: Any) -> None:
        read = more.pop("read", when)
        self.put("stock_counts", {
            "location_id": location, "sku": sku, "counted_at": when, "quantity": quantity,
            "means": "on_hand", **self.batch(read), **more,
        })  # fmt: skip

    def give(self, fo_id: str, sku: str, quantity: int, when: datetime = NOON, **more: Any) -> None:
        """Give a fulfillment order to a location: state planned, or as `more` has it."""
        line = {
            "fo_id": fo_id, "line_id": sku, "sku": sku, "quantity": quantity,
            "shipped_quantity": more.pop("shipped", 0), "refused_quantity": more.pop("refused", 0),
        }  # fmt: skip
        self.put("fulfillment_lines", line)
        self.put("fulfillment_orders", {
            "fo_id": fo_id, "order_id": f"shop/{fo_id}", "location_id": "lyon",
            "state": "planned", "plan_id": "p", "planned_at": when, **more,
        })  # fmt: skip

    def parcel(self, fo_id: str, sku: str, quantity: int, when: datetime, **more: Any) -> None:
        """Confirm a parcel: shipped at `when`, known at `known`."""
        shipment_id = more.pop("shipment_id", f"lyon/{fo_id}")
        self.put("shipment_lines", {
            "shipment_id": shipment_id, "line_id": sku, "sku": sku, "quantity": quantity,
        })  # fmt: skip
        self.put("shipments", {
            "shipment_id": shipment_id, "fo_id": fo_id, "order_id": f"shop/{fo_id}",
            "location_id": "lyon", "status": "Pending", "shipped_at": when,
            "known_at": more.pop("known", when), **more,
        })  # fmt: skip

    def receipt(
        self, sku: str, quantity: int, disposition: str, when: datetime, **more: Any
    ) -> None:
        self.put("return_receipts", {
            "receipt_id": "lyon/r1", "line_no": 1, "location_id": "lyon", "sku": sku,
            "quantity": quantity, "condition": "as_new", "disposition": disposition,
            "received_at": when, **self.batch(when), **more,
        })  # fmt: skip


def balances(session: Session) -> dict[tuple[str, str], int]:
    """Return what lies in each account, zero left out."""
    rows = session.table("stock_balances").filter(pl.col("quantity") != 0)
    return {(a, s): q for a, s, q in rows.select("account", "sku", "quantity").iter_rows()}


def order_rows(
    order_id: str, lines: dict[str, int], when: datetime, line: dict, **more: Any
) -> tuple[dict, list[dict]]:
    """Return the row of an order, and those of its lines; `line` adds columns to every line."""
    channel_id, external_id = order_id.split("/", 1)
    head = {
        "order_id": order_id, "channel_id": channel_id, "external_id": external_id,
        "number": external_id, "order_status": "open", "payment_status": "paid",
        "fulfillment_status": "unfulfilled", "currency": "EUR", "delivery_mode": "home",
        "priority": 0, "placed_at": when, "updated_at": when, **more,
    }  # fmt: skip
    rows = [
        {
            "order_id": order_id, "line_id": sku, "channel_sku": sku, "sku": sku,
            "units_per": 1, "ordered_quantity": quantity, "canceled_quantity": 0,
            "shipped_quantity": 0, "currency": "EUR", "requires_shipping": True, **line,
        }
        for sku, quantity in lines.items()
    ]  # fmt: skip
    return head, rows


def merge_orders(session: Session, *orders: tuple[dict, list[dict]]) -> None:
    """Merge orders in one batch, several versions of one among them, perhaps."""
    contact = {"name": "Zoë", "email": "zoe@example.com"}
    lines = [(head, line) for head, rows in orders for line in rows]
    contacts = [(head, {"order_id": head["order_id"], **contact}) for head, _ in orders]
    session.merge_documents(
        "orders",
        frame("orders", *(head for head, _ in orders)),
        {
            "order_lines": _of("order_lines", lines),
            "order_contacts": _of("order_contacts", contacts),
        },
    )


def _of(child: str, rows: list[tuple[dict, dict]]) -> pl.DataFrame:
    """Return child rows, each with the hash of the version that it belongs to."""
    hashes = pl.Series("record_hash", [head["record_hash"] for head, _ in rows], pl.String)
    return frame(child, *(row for _, row in rows)).with_columns(hashes)
