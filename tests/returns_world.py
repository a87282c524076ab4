"""A merchant who has shipped: orders, parcels, and a hub whose clock is told."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from store_frames import START, at, contact, frame, line, order

from oms_pipelines import config
from oms_pipelines.config import Oms
from oms_pipelines.consolidate import consolidate
from oms_pipelines.hub import Hub
from oms_pipelines.landing import Landing
from oms_pipelines.stages.extract import extract_all, sources
from oms_pipelines.store import Store
from oms_pipelines.store.frames import empty

NOW = START + timedelta(days=3)
REASONS = [
    {"code": "too_small", "label": {"en": "Too small"}, "channels": {"file": ["TAILLE"]}},
    {"code": "undelivered", "label": {"en": "Not delivered"}},
]
ANNOUNCED = (
    "rma;order_number;line_id;quantity;reason_code;reason_text;initiator;carrier_id;"
    "tracking_number;expected_at;announced_at"
)
RECEIVED = "receipt_id;line_no;rma;order_number;line_id;sku;quantity;condition;remark;received_at"
SOLD = (
    "order_number;placed_at;updated_at;status;line_id;sku;title;quantity;unit_price;currency;"
    "name;email;phone;address1;address2;postal_code;city;country;kind;location_id"
)


def settings(
    root: Path, profiles: dict[str, Any] | None = None, receipt: str = "receipt", **returns: Any
) -> Oms:
    """Return a shop, a till and two locations whose folders lie under a root."""
    places = [
        {
            "id": place,
            "address": {"country": "FR"},
            "stock": {"profile": "stock", "from": str(root / place / "stock")},
            "receipts": {"profile": receipt, "from": str(root / place / "receipts")},
            "return_notices": {"to": str(root / place / "notices")},
        }
        for place in ("lyon", "paris")
    ]
    till = {"folder": str(root / "till"), "kind": "till", "location": "paris"}
    data = {
        "store": {"url": f"duckdb:///{root}/oms.duckdb"},
        "landing": {"url": str(root / "landing")},
        "output": str(root / "var"),
        "channels": [
            {
                "id": "shop",
                "system": "woocommerce",
                "url": "https://shop.example",
                "credentials": {"key": "env:WOO_KEY", "secret": "env:WOO_SECRET"},
            },
            {"id": "till", "system": "file", "currency": "EUR", "options": till},
        ],
        "locations": places,
        "profiles": profiles or {},
        "returns": {
            "reasons": REASONS,
            "drop": {"from": str(root / "drop"), "profile": "announcement"},
            **returns,
        },
    }
    return config.parse(data, {"WOO_KEY": "k", "WOO_SECRET": "s"})


def opened(store: Store, root: Path, now: datetime = NOW, **returns: Any) -> Hub:
    """Return a hub on a store, at a moment."""
    hub = Hub(settings(root, **returns), store, Landing(str(root / "landing")))
    hub.__dict__["_now"] = now
    catalog = pl.DataFrame({"sku": ["A", "B", "C"]})
    with store.session() as session:
        session.insert_new("skus", pl.concat([empty("skus"), catalog], how="diagonal"))
    return hub


def sold(store: Store, key: str, *quantities: int, sku: str = "A", units_per: int = 1) -> None:
    """Store an order of the shop; line n has the n-th quantity. All lines share a SKU."""
    lines = [
        line(key, n, q) | {"sku": sku, "units_per": units_per} for n, q in enumerate(quantities, 1)
    ]
    with store.session() as s:
        s.merge_documents(
            "orders",
            frame("orders", order(key) | {"number": f"N{key}"}),
            {
                "order_lines": frame("order_lines", *lines),
                "order_contacts": frame("order_contacts", contact(key)),
            },
        )


def parcel(key: str, line_id: int, units: int, number: int = 1) -> tuple[dict, dict]:
    """Return a parcel that lyon sent, and what lies in it: units of one line."""
    shipment = f"lyon/{key}-{line_id}-{number}"
    head = {
        "shipment_id": shipment, "fo_id": f"fo-{key}", "order_id": f"shop/{key}",
        "location_id": "lyon", "tracking_number": f"T{key}", "status": "Delivered",
        "shipped_at": at(60), "known_at": at(60),
    }  # fmt: skip
    return head, {
        "shipment_id": shipment, "line_id": str(line_id), "sku": "A", "quantity": units,
    }  # fmt: skip


def shipped(store: Store, key: str, line_id: int, units: int) -> None:
    """Store a parcel that lyon sent: units of one line."""
    head, held = parcel(key, line_id, units)
    with store.session() as s:
        s.upsert("shipments", frame("shipments", head))
        s.upsert("shipment_lines", frame("shipment_lines", held))


def drop(root: Path, folder: str, name: str, header: str, *rows: str) -> None:
    """Put a file into a folder under the root."""
    path = root / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\r\n".join([header, *rows, ""]), "utf-8")


def take_in(hub: Hub, *streams: str) -> list:
    """Extract and consolidate some streams of files, as a sync does."""
    wanted = [s for s in sources(hub.oms) if s.stream in streams and s.id != "shop"]
    done = extract_all(hub, wanted, None)
    failed = [r.error for r in done if r.error]
    assert not failed, failed
    return consolidate(hub.store, hub.landing, hub.oms, hub.now())


def table(store: Store, name: str) -> pl.DataFrame:
    """Return a whole table."""
    with store.session(read_only=True) as s:
        return s.table(name)


def announcement(rma: str, number: str, line_id: str = "1", quantity: int = 1, **more: str) -> str:
    """Return a row of an announcement file."""
    row = {
        "reason": "too_small", "text": "", "initiator": "customer", "carrier": "",
        "tracking": "", "expected": "", "at": "2026-01-03T10:00:00Z", **more,
    }  # fmt: skip
    return ";".join([rma, number, line_id, str(quantity), *row.values()])
