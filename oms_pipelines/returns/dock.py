"""The dock: whose parcel is this, and what came out of it."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from oms_pipelines.channels.base import Page
from oms_pipelines.consolidate import consolidate
from oms_pipelines.errors import Rejected
from oms_pipelines.hub import Hub
from oms_pipelines.logistics.csvfile import write
from oms_pipelines.logistics.kinds import BY_COMMAND, CONDITIONS, RECEIPT
from oms_pipelines.returns import receipts
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


@dataclass(frozen=True)
class Received:
    """What was booked: units in all; `repeated` when all of it was booked before.

    `not_ordered` are SKU=QUANTITY=DISPOSITION of goods that the parcel's order did not hold,
    `beyond` SKU=QUANTITY of goods that it held, and that no more of were still to come back.
    """

    receipt_id: str
    units: int
    repeated: bool = False
    not_ordered: tuple[str, ...] = ()
    beyond: tuple[str, ...] = ()


def find(session: Session, wanted: str) -> pl.DataFrame:
    """Return orders and returns by order number, RMA, or a tracking number, newest first."""
    return session.query("returns/find", wanted=wanted)


def receive(hub: Hub, what: Receipt) -> Received:
    """Book goods that came back. Stock is true in the next levels.

    The same receipt told again changes nothing; told later with other content, it corrects
    the first. Raises Rejected, naming the field and the cure.
    """
    now = hub.now()
    rows = _rows(hub, what, now)
    receipt_id = f"{what.location_id}/{what.receipt_id}"
    with hub.store.session(read_only=True) as session:
        stored = receipts.booked(session, pl.Series([receipt_id]))
    told = receipts.compared(rows, stored)
    same = told["differs"].null_count() == told["stored_at"].count() == rows.height
    if same and stored.height == rows.height:
        return _received(receipt_id, stored, repeated=True)
    if (stored["received_at"] == now).any():
        raise Rejected(
            f"receipt: {what.receipt_id} was received at {what.location_id} at this very moment "
            "with other content; give the second a number of its own, or wait a second to "
            "correct the first"
        )
    name = f"{BY_COMMAND}receipt_{what.receipt_id}.csv"
    page = Page("receipts", write(rows.drop("location_id"), RECEIPT).body, rows.height, name=name)
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
        return _received(receipt_id, receipts.booked(session, pl.Series([receipt_id])))


def _received(receipt_id: str, rows: pl.DataFrame, *, repeated: bool = False) -> Received:
    strange = rows.filter("not_ordered").select(
        pl.format("{}={}={}", "sku", "quantity", "disposition")
    )
    linked = pl.col("order_id").is_not_null() & ~pl.col("not_ordered").fill_null(False)
    more = rows.filter(linked, pl.col("line_id").is_null())
    beyond = more.select(pl.format("{}={}", "sku", "quantity")).to_series()
    units = int(rows["quantity"].sum())
    return Received(receipt_id, units, repeated, tuple(strange.to_series()), tuple(beyond))


def _rows(hub: Hub, what: Receipt, now: datetime) -> pl.DataFrame:
    """Return a receipt as the rows of its file, and where it is. Raises Rejected."""
    places = [x.id for x in hub.oms.locations]
    if what.location_id not in places:
        raise Rejected(f"location: {what.location_id} is none of {', '.join(places)}")
    rma, order = _parcel(hub, what.parcel)
    parsed = [_line(text) for text in what.lines]
    if not parsed:
        raise Rejected("lines: nothing was received; write SKU=QUANTITY=CONDITION")
    _require_known(hub, [sku for sku, _, _ in parsed])
    lines = [(n, sku, units, how) for n, (sku, units, how) in enumerate(parsed, 1)]
    texts = {
        "location_id": what.location_id, "receipt_id": what.receipt_id, "rma": rma,
        "order_number": order, "line_id": None, "remark": what.remark,
    }  # fmt: skip
    return pl.DataFrame(
        lines,
        schema={
            "line_no": pl.Int32,
            "sku": pl.String,
            "quantity": pl.Int64,
            "condition": pl.String,
        },
        orient="row",
    ).with_columns(
        *(pl.lit(value, pl.String).alias(name) for name, value in texts.items()),
        pl.lit(now).alias("received_at"),
    )


def _require_known(hub: Hub, skus: list[str]) -> None:
    """Refuse a SKU that was mistyped: its goods would go on sale. Raises Rejected."""
    with hub.store.session(read_only=True) as session:
        session.frame("tmp_skus", pl.DataFrame({"sku": skus}, schema={"sku": pl.String}).unique())
        known = set(session.query("returns/known_skus")["sku"])
    for place, sku in enumerate(skus, 1):
        if sku not in known:
            raise Rejected(
                f"lines: line {place}: no SKU is called {sku}; correct it, or add it to "
                "catalog.skus and sync"
            )


def _parcel(hub: Hub, parcel: str | None) -> tuple[str | None, str | None]:
    """Return (rma, order number) of what the parcel names. Raises Rejected when unknown."""
    if parcel is None:
        return None, None
    with hub.store.session(read_only=True) as session:
        found = find(session, parcel)
    returns = found.filter((pl.col("rma") == parcel) | (pl.col("tracking_number") == parcel))
    if returns.height and returns["rma"][0]:
        return returns["rma"][0], None
    orders = found["order_id"].drop_nulls()
    if orders.is_empty():
        raise Rejected(
            f"parcel: {parcel} is no RMA, order or tracking number; leave it out to book the "
            "goods as an unknown parcel"
        )
    return None, orders[0]


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
