"""What is true, as one JSON object: for tests, for the demonstration, for the curious."""

from collections import Counter
from typing import TYPE_CHECKING, Any

from oms_pipelines.sandbox import drops, mirakl_shapes
from oms_pipelines.sandbox.shop import physical, visible
from oms_pipelines.sandbox.truth import Order, Place, Shop
from oms_pipelines.sandbox.web import z

if TYPE_CHECKING:
    from oms_pipelines.sandbox.world import World


def external_id(world: "World", order: Order) -> str:
    """Return the identifier an order's channel gives it."""
    if order.channel == "market":
        return mirakl_shapes.order_id(order)
    if order.channel in drops.PREFIX and order.channel != "shop_com":
        return f"{drops.PREFIX[order.channel]}{order.id}"
    return str(order.id)


def state(world: "World", history: bool = False) -> dict[str, Any]:
    """Return the truth. With `history`, every level each shop ever held as well."""
    truth = world.truth
    items = {line.item for s in truth.shops.values() for o in s.orders.values() for line in o.lines}
    return {
        "now": z(world.now),
        "seed": truth.seed,
        "counts": counts(world),
        "channels": {s.id: _shop(world, s, history) for s in truth.shops.values()},
        "locations": {p.id: _place(p) for p in truth.places.values()},
        "parcels": [
            {
                "tracking_number": x.tracking, "parcel": x.number, "carrier": x.carrier,
                "location": x.place, "fo_id": x.fo_id, "order_id": x.order_id, "status": x.tag,
                "returning": any(c.returning for c in x.checkpoints),
                "lines": [{"line_id": i, "sku": s, "quantity": q} for i, s, q in x.lines],
            }
            for x in truth.parcels.values()
        ],
        "mails": _mails(world),
        "stock": {sku: physical(world, sku) for sku in sorted(filter(None, items))},
        "promised": {sku: units for sku, units in sorted(truth.committed.items()) if units},
        "oversells": truth.oversells,
        "store_squeezes": truth.squeezes,
        "returned_units": truth.returned,
        "tally": dict(sorted(truth.tally.items())),
        "faults": {"waiting": world.faults.waiting, "done": world.faults.done},
    }  # fmt: skip


def counts(world: "World") -> dict[str, int]:
    """Return how much of everything there is."""
    truth = world.truth
    shops, places = truth.shops.values(), truth.places.values()
    orders = [o for s in shops for o in visible(s, world.now) if o.kind == "sale"]
    levels = [x for s in shops for x in s.history if x[3] not in ("start", "sale")]
    return {
        "orders_placed": len(orders),
        "orders_served": sum(o.id in truth.shops[o.channel].served for o in orders),
        "levels_received": len(levels),
        "trackings_received": sum(len(o.trackings) for o in orders),
        "dispatch_files_read": sum(f.flow == "dispatch" for p in places for f in p.files),
        "dispatch_lines_read": sum(f.rows for p in places for f in p.files if f.flow == "dispatch"),
        "return_notices_read": sum(len(p.expected) for p in places),
        "file_faults_seen": sum(len(p.faults) for p in places),
        "parcels_shipped": len(truth.parcels),
        "parcels_delivered": sum(
            p.tag == "Delivered" and not p.checkpoints[-1].returning for p in truth.parcels.values()
        ),
        "mails_received": len({str(m["message_id"]) for m in truth.mails}),
        "units_returned": sum(truth.returned.values()),
        "oversells": len(truth.oversells),
    }


def _shop(world: "World", shop: Shop, history: bool) -> dict[str, Any]:
    shown = [o for o in visible(shop, world.now) if o.kind == "sale"]
    if shop.system == "file":
        shown = [o for o in shown if o.id in shop.served]
    trackings = [
        {"order": external_id(world, o), "number": t.number, "carrier": t.carrier,
         "lines": t.lines, "at": z(t.at)}
        for o in shown
        for t in o.trackings
    ]  # fmt: skip
    facts = {
        "system": shop.system,
        "orders": len(shown),
        "order_ids": [external_id(world, o) for o in shown],
        "served": sum(o.id in shop.served for o in shown),
        "states": dict(Counter(o.state for o in shown)),
        "payments": dict(Counter(o.payment for o in shown)),
        "levels": shop.levels,
        "lost_units": shop.lost,
        "trackings": trackings,
        "tracked_in_meta": sum(any("oms" in m["key"] for m in o.meta) for o in shown),
        "refunds": sum(len(o.refunds) for o in shown),
        "returns": sum(len([r for r in o.returns if r.state != "store"]) for o in shown),
        "files": shop.files,
    }
    return {**facts, "history": shop.history} if history else facts


def _place(place: Place) -> dict[str, Any]:
    lines = [(j.fo_id, x.line_id, x.sku) for j in place.jobs.values() for x in j.lines]
    return {
        "kind": place.kind,
        "stock": place.stock,
        "files": [
            {"name": f.name, "flow": f.flow, "sequence": f.sequence, "sha256": f.sha256,
             "rows": f.rows, "status": f.status, "lines_refused": f.refused}
            for f in place.files
        ],
        "file_faults": place.faults,
        "jobs": dict(Counter(j.state for j in place.jobs.values())),
        "lines": len(lines),
        "lines_twice": len(lines) - len(set(lines)),
        "returns_expected": len(place.expected),
        "receipts": place.counters.get("receipt", 0),
    }  # fmt: skip


def _mails(world: "World") -> dict[str, Any]:
    """Tell what was mailed. The same Message-ID again is one message, as mailboxes have it."""
    mails = world.truth.mails
    sent = Counter((about(m), str(m["message_id"])) for m in mails)
    told = Counter(key for key, _ in sent)
    return {
        "received": len(mails),
        "count": len(sent),
        "keys": sorted(told),
        "repeated": sorted({key for (key, _), n in sent.items() if n > 1}),
        "twice": sorted(key for key, n in told.items() if n > 1),
        "messages": mails,
    }


def about(mail: dict[str, Any]) -> str:
    """Return what a mail is about: the X-OMS-Key its sender wrote on it, else its id."""
    headers = {k.lower(): v for k, v in mail["headers"].items()}
    return headers.get("x-oms-key") or str(mail["message_id"])
