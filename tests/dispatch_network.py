"""A small network for dispatch tests: two locations, orders and what was planned for them."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import orjson
import polars as pl
from store_frames import START, at, contact, frame, line, order

from oms_pipelines import config
from oms_pipelines.config import Oms
from oms_pipelines.logistics.csvfile import read
from oms_pipelines.logistics.kinds import DEFAULTS
from oms_pipelines.store import Store

NOW = START + timedelta(hours=8)


def network(root: Path, **lyon: object) -> Oms:
    """Return a configuration of two warehouses whose folders lie under a root."""
    places = [
        {
            "id": place,
            "address": {"country": "FR"},
            "dispatch": {"to": str(root / place / "in"), "ack": {"within": "2h"}},
            "confirmations": {"profile": "confirmation", "from": str(root / place / "out")},
            "acknowledgements": {"profile": "acknowledgement", "from": str(root / place / "ack")},
            "return_notices": {"to": str(root / place / "notices")},
        }
        for place in ("lyon", "paris")
    ]
    places[0] |= lyon
    return config.parse({"output": str(root / "var"), "locations": places}, {})


def part(key: str, location: str = "lyon", number: int = 0, **more: object) -> dict:
    """Return one fulfillment order row of an order of the shop."""
    return {
        "fo_id": f"shop/{key}#p1#{number}",
        "order_id": f"shop/{key}",
        "location_id": location,
        "state": "planned",
        "plan_id": "p1",
        "service": "standard",
        "planned_at": at(number),
        **more,
    }


def pick(key: str, line_id: str = "1", quantity: int = 2, number: int = 0, sku: str = "A") -> dict:
    """Return one line of a fulfillment order."""
    return {
        "fo_id": f"shop/{key}#p1#{number}",
        "line_id": line_id,
        "sku": sku,
        "quantity": quantity,
        "shipped_quantity": 0,
        "refused_quantity": 0,
    }


def sold(store: Store, *keys: str, quantity: int = 2, name: str = "Zoë Łukasz") -> None:
    """Store orders of one line of SKU A each."""
    priced = {"sku": "A", "unit_price": Decimal("9.90")}
    with store.session() as s:
        s.merge_documents(
            "orders",
            frame("orders", *(order(k) for k in keys)),
            {
                "order_lines": frame("order_lines", *(line(k, 1, quantity) | priced for k in keys)),
                "order_contacts": frame("order_contacts", *(contact(k, name) for k in keys)),
            },
        )


def planned(store: Store, parts: list[dict], picks: list[dict]) -> None:
    """Store fulfillment orders and their lines."""
    with store.session() as s:
        s.upsert("fulfillment_orders", frame("fulfillment_orders", *parts))
        s.upsert("fulfillment_lines", frame("fulfillment_lines", *picks))


def ready(store: Store, *keys: str, location: str = "lyon", quantity: int = 2) -> None:
    """Store orders, each planned whole at one location."""
    sold(store, *keys, quantity=quantity)
    planned(store, [part(k, location) for k in keys], [pick(k, quantity=quantity) for k in keys])


def delivered(root: Path, location: str = "lyon", folder: str = "in") -> dict[str, pl.DataFrame]:
    """Return the files a location holds with a true manifest, by name."""
    from hashlib import sha256

    found = {}
    kind = "dispatch" if folder == "in" else "return_notice"
    for manifest in sorted((root / location / folder).glob("*.manifest.json")):
        told = orjson.loads(manifest.read_bytes())
        body = (manifest.parent / told["file"]).read_bytes()
        assert sha256(body).hexdigest() == told["sha256"]
        rows = read(body, DEFAULTS[kind], told["file"])
        assert rows.height == told["rows"]
        found[told["file"]] = rows
    return found


def manifest_of(root: Path, name: str, location: str = "lyon", folder: str = "in") -> dict:
    """Return the manifest of a delivered file."""
    return orjson.loads((root / location / folder / f"{name}.manifest.json").read_bytes())


def states(store: Store) -> dict[str, str]:
    """Return the state of each fulfillment order, by the key of its order and part."""
    with store.session(read_only=True) as s:
        rows = s.table("fulfillment_orders")
    return {
        f.removeprefix("shop/").replace("#p1#", "/"): state
        for f, state in rows.select("fo_id", "state").rows()
    }


def file_states(store: Store) -> dict[str, str]:
    """Return the state of each file by its name."""
    with store.session(read_only=True) as s:
        return dict(s.table("files").select("name", "state").rows())
