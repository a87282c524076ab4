"""The dock: whose parcel is this, and what came out of it."""

from dataclasses import dataclass

import polars as pl

from oms_pipelines.channels.base import Page
from oms_pipelines.consolidate import consolidate
from oms_pipelines.errors import Rejected
from oms_pipelines.hub import Hub
from oms_pipelines.logistics.csvfile import write
from oms_pipelines.logistics.kinds import CONDITIONS, RECEIPT
from oms_pipelines.stock import ledger
from oms_pipelines.store import Session


@dataclass(frozen=True)
class Receipt:
    """Goods received back. `lines` are SKU=QUANTITY=CONDITION; `parcel` is an RMA or order."""

    location_id: str
    receipt_id: str
    parcel: str | None
    lines: tuple[str, ...]
    remark: str | None = None


def find(session: Session, wanted: str) -> pl.DataFrame:
    """Return orders and returns by order number, RMA, or a tracking number, newest first."""
    return session.query("returns/find", wanted=wanted)


def receive(hub: Hub, what: Receipt) -> int:
    """Book goods that came back; return the units. Stock is true in the next levels.

    Raises Rejected, naming the field and the cure.
    """
    now = hub.now()
    places = [x.id for x in hub.oms.locations]
    if what.location_id not in places:
        raise Rejected(f"location: {what.location_id} is none of {', '.join(places)}")
    rma, order = _parcel(hub, what.parcel)
    parsed = [_line(text) for text in what.lines]
    if not parsed:
        raise Rejected("lines: nothing was received; write SKU=QUANTITY=CONDITION")
    rows = pl.DataFrame(
        {
            "receipt_id": [what.receipt_id] * len(parsed),
            "line_no": list(range(1, len(parsed) + 1)),
            "rma": [rma] * len(parsed),
            "order_number": [order] * len(parsed),
            "line_id": [None] * len(parsed),
            "sku": [sku for sku, _, _ in parsed],
            "quantity": [units for _, units, _ in parsed],
            "condition": [condition for _, _, condition in parsed],
            "remark": [what.remark] * len(parsed),
            "received_at": [now] * len(parsed),
        },
        schema_overrides={
            "rma": pl.String,
            "order_number": pl.String,
            "line_id": pl.String,
            "remark": pl.String,
        },
    )
    page = Page(
        "receipts", write(rows, RECEIPT).body, rows.height, name=f"receipt_{what.receipt_id}.csv"
    )
    hub.landing.write(what.location_id, "receipts", [page], None, True, None, now)
    wanted = {(what.location_id, "receipts")}
    done = consolidate(hub.store, hub.landing, hub.oms, now, only=wanted)
    if any(r.quarantined for r in done):
        raise Rejected(
            f"receipt {what.receipt_id} was kept back; "
            f"`oms quarantine list --source {what.location_id}` says why"
        )
    with hub.store.session() as session:
        ledger.post(session, now)
    return int(rows["quantity"].sum())


def _parcel(hub: Hub, parcel: str | None) -> tuple[str | None, str | None]:
    """Return (rma, order number) of what the parcel names. Raises Rejected when unknown."""
    if parcel is None:
        return None, None
    with hub.store.session(read_only=True) as session:
        found = find(session, parcel)
    if found.is_empty():
        raise Rejected(
            f"parcel: {parcel} is no RMA, order or tracking number; leave it out to book the "
            "goods as an unknown parcel"
        )
    returns = found.filter((pl.col("rma") == parcel) | (pl.col("tracking_number") == parcel))
    if returns.height and returns["rma"][0]:
        return returns["rma"][0], None
    return None, found["order_id"][0]


def _line(text: str) -> tuple[str, int, str]:
    sku, _, rest = text.partition("=")
    units, _, condition = rest.partition("=")
    condition = condition or "unknown"
    if not sku or not units.isdecimal() or int(units) < 1 or condition not in CONDITIONS:
        raise Rejected(
            f"lines: {text}: write SKU=QUANTITY=CONDITION, the condition one of "
            f"{', '.join(CONDITIONS)}"
        )
    return sku, int(units), condition
