"""A small network for dispatch tests: two locations, orders and what was planned for them."""

from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import orjson
import polars as pl
from store_frames import START, at, contact, frame, line, order

from oms_pipelines import config
from oms_pipelines.config import Oms
from oms_pipelines.dispatch import Planned, plan_files, write_files
from oms_pipelines.logistics.csvfile import read
from oms_pipelines.logistics.kinds import DEFAULTS
from oms_pipelines.store import Store

NOW = START + timedelta(hours=8)
FIRST = "lyon_dispatch_20260101_000001.csv"


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
    places = [{**places[0], **lyon}, places[1]]
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


def run(store: Store, oms: Oms, now: datetime = NOW) -> Planned:
    """Plan and deliver what waits; return what was planned."""
    with store.session() as s:
        made = plan_files(s, oms, now)
    assert not write_files(store, oms, now).failed
    return made


def send(store: Store, root: Path) -> None:
    """Plan and deliver what waits in the network of a root."""
    run(store, network(root))


def dispatched(store: Store, root: Path, *keys: str, quantity: int = 5) -> None:
    """Store orders planned at one location, and deliver their file."""
    ready(store, *keys, quantity=quantity)
    send(store, root)


def canceled(store: Store, *keys: str) -> None:
    """Store newer versions of orders: canceled."""
    rows = [order(k, 9) | {"order_status": "canceled"} for k in keys]
    with store.session() as s:
        s.merge_documents("orders", frame("orders", *rows), {})


def announced(store: Store, key: str, **more: object) -> None:
    """Store a return of one unit of order 1, announced for lyon."""
    row = {
        "return_id": f"shop/{key}",
        "source": "shop",
        "order_id": "shop/1",
        "rma": f"RMA{key}",
        "initiator": "customer",
        "status": "announced",
        "reason_code": "too_small",
        "location_id": "lyon",
        "announced_at": at(0),
        "source_version": 1,
        "fetched_at": at(0),
        "record_hash": key,
        "batch_id": "b",
        **more,
    }
    line_ = {"return_id": f"shop/{key}", "line_id": "1", "sku": "A", "quantity": 1}
    with store.session() as s:
        s.merge_documents(
            "returns", frame("returns", row), {"return_lines": frame("return_lines", line_)}
        )


def delivered(root: Path, location: str = "lyon", folder: str = "in") -> dict[str, pl.DataFrame]:
    """Return the files a location holds with a true manifest, by name."""
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


def lines_of(store: Store) -> list[tuple]:
    """Return shipped, refused and why of each fulfillment line."""
    with store.session(read_only=True) as s:
        rows = s.table("fulfillment_lines")
    return rows.select("shipped_quantity", "refused_quantity", "refusal_reason").rows()
