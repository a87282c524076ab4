"""A carrier: scans that follow the clock, read through a unified tracking API."""

import base64
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from oms_pipelines.sandbox import customers, warehouse
from oms_pipelines.sandbox.truth import Checkpoint, Job, Parcel

if TYPE_CHECKING:
    from oms_pipelines.sandbox.world import World

LIMIT = 200


def hand_in(
    world: "World",
    place: str,
    job: Job,
    number: str,
    tracking: str,
    lines: list[tuple[str, str, int]],
) -> None:
    """Take a parcel over, and decide what will happen to it."""
    now = world.now
    parcel = Parcel(
        number, tracking, job.carrier or "colis", place, job.fo_id, job.order_id, job.country,
        job.city, now, now, lines,
    )  # fmt: skip
    world.truth.parcels[tracking] = parcel
    for hours, tag, subtag, raw, returning in _journey(world, tracking):
        world.later(
            timedelta(hours=hours), "scan", tracking=tracking, tag=tag, subtag=subtag, raw=raw,
            returning=returning,
        )  # fmt: skip


def _journey(world: "World", tracking: str) -> list[tuple[float, str, str, str, bool]]:
    chance = world.draw("journey", tracking)
    day = 16 + 10 * world.draw("road", tracking)
    steps = [
        (0.1, "InfoReceived", "InfoReceived_001", "DR1", False),
        (3.5, "InTransit", "InTransit_002", "PC1", False),
        (day, "OutForDelivery", "OutForDelivery_001", "MD2", False),
    ]
    if chance < 0.03:
        return [
            *steps,
            (day + 4, "AttemptFail", "AttemptFail_002", "ND1", False),
            (day + 30, "Exception", "Exception_010", "RE1", True),
            (day + 52, "Delivered", "Delivered_001", "DI2", True),
        ]
    if chance < 0.10:
        steps += [
            (day + 4, "AttemptFail", "AttemptFail_001", "AG1", False),
            (day + 22, "OutForDelivery", "OutForDelivery_001", "MD2", False),
        ]
        day += 22
    elif chance < 0.14:
        steps.append((day + 3, "AvailableForPickup", "AvailableForPickup_001", "AG1", False))
        day += 20
    return [*steps, (day + 5, "Delivered", "Delivered_001", "DI1", False)]


def scan(world: "World", tracking: str, tag: str, subtag: str, raw: str, returning: bool) -> None:
    """Scan a parcel: it moves on, is delivered, or comes home."""
    parcel = world.truth.parcels[tracking]
    moment = world.now - timedelta(minutes=int(20 * world.draw("scan", tracking, raw)))
    parcel.checkpoints.append(Checkpoint(moment, tag, subtag, raw, parcel.city, returning))
    parcel.updated = world.now
    if tag != "Delivered":
        return
    if returning:
        _come_home(world, parcel)
    else:
        customers.after_delivery(world, parcel)


def _come_home(world: "World", parcel: Parcel) -> None:
    job = world.truth.places[parcel.place].jobs[parcel.fo_id]
    rows = [
        {
            "rma": "",
            "order_number": job.number,
            "line_id": line_id,
            "sku": sku,
            "quantity": units,
            "condition": "as_new",
            "remark": "returned by the carrier",
        }
        for line_id, sku, units in parcel.lines
    ]
    warehouse.receive(world, parcel.place, rows)
    world.truth.count("returns/carrier")


def listing(world: "World", since: Any, cursor: str | None, limit: int) -> dict[str, Any]:
    """Return a page of parcels updated since a time, with a cursor to the next."""
    after = base64.urlsafe_b64decode(cursor).decode() if cursor else ""
    found = sorted(
        (x for x in world.truth.parcels.values() if since is None or x.updated >= since),
        key=_place_in_line,
    )
    rest = [x for x in found if _place_in_line(x) > after]
    page = rest[: min(limit, LIMIT)]
    more = len(rest) > len(page)
    last = base64.urlsafe_b64encode(_place_in_line(page[-1]).encode()).decode() if more else None
    records = world.faults.page("colis", [as_json(world, x) for x in page])
    return {"trackings": records, "next_cursor": last}


def _place_in_line(parcel: Parcel) -> str:
    return f"{parcel.updated.isoformat()}/{parcel.tracking}"


def _z(moment: Any) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def as_json(world: "World", parcel: Parcel) -> dict[str, Any]:
    """Return a parcel as an aggregator of carriers tells it."""
    last = parcel.checkpoints[-1] if parcel.checkpoints else None
    return {
        "id": parcel.tracking.lower(),
        "tracking_number": parcel.tracking,
        "slug": parcel.carrier,
        "tag": parcel.tag,
        "subtag": last.subtag if last else "Pending_001",
        "created_at": _z(parcel.shipped),
        "updated_at": _z(parcel.updated),
        "shipment_pickup_date": _z(parcel.shipped),
        "destination_country_iso2": parcel.country,
        "return_to_sender": any(x.returning for x in parcel.checkpoints),
        "checkpoints": [
            {
                "checkpoint_time": _z(x.at),
                "created_at": _z(parcel.updated),
                "slug": parcel.carrier,
                "tag": x.tag,
                "subtag": x.subtag,
                "raw_status": x.raw,
                "city": x.city,
                "return_to_sender": x.returning,
            }
            for x in parcel.checkpoints
        ],
    }
