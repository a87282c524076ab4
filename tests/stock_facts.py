"""What the hub hears of many models at once: a batch a stream, as the stages merge it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import polars as pl
from stock_model import PLACES, Fact
from stock_world import World, merge_orders, order_rows

from oms_pipelines.dispatch import apply_confirmations
from oms_pipelines.logistics.kinds import DEFAULTS, RECEIPT
from oms_pipelines.logistics.parse import parse_confirmations, parse_receipts, resolve_receipts
from oms_pipelines.logistics.verdicts import Parsed
from oms_pipelines.returns.links import link

Rows = Sequence[dict[str, Any]]
ENDS = {"as_new": "restock", "damaged": "scrap"}
CONFIRMED = (
    "fo_id;line_id;sku;shipped_quantity;refused_quantity;reason;parcel;carrier_id;"
    "tracking_number;shipped_at"
)
RECEIVED = "receipt_id;line_no;rma;order_number;line_id;sku;quantity;condition;remark;received_at"


def tell(world: World, facts: Sequence[Fact], now: datetime, turned: bool) -> None:
    """Tell the hub of facts, the oldest first, or all the other way round if `turned`."""
    facts = facts[::-1] if turned else facts
    for stream in reversed(STREAMS) if turned else STREAMS:
        rows = [f.row for f in facts if f.stream == stream]
        if rows:
            STREAMS[stream](world, rows, now)
    for fact in facts:
        fact.told()


def _orders(world: World, rows: Rows, now: datetime) -> None:
    with world.store.session() as s:
        batch_id = world.batch_in(s, now)
        merge_orders(s, *(_order(batch_id=batch_id, fetched_at=now, **row) for row in rows))


def _order(sale: Any, version: int, **batch: Any) -> tuple[dict, list[dict]]:
    line = {
        "line_id": sale.listing, "channel_sku": sale.listing, "ordered_quantity": sale.sold,
        "units_per": sale.units // sale.sold,
    }  # fmt: skip
    return order_rows(
        sale.order_id, {sale.sku: sale.sold}, sale.placed_at, line, source_version=version,
        record_hash=f"v{version}", order_status=("open", "canceled")[version - 1], **batch,
    )  # fmt: skip


def _counts(world: World, rows: Rows, now: datetime) -> None:
    version = world.batch(now)
    world.put("stock_counts", *({**row, **version} for row in rows))


def _confirmations(world: World, rows: Rows, now: datetime) -> None:
    profile = DEFAULTS["confirmation"]
    told = _by_place(CONFIRMED, rows, lambda body, x: parse_confirmations(body, profile, x))
    with world.store.session() as s:
        apply_confirmations(s, told, world.batch_in(s, now), now)


def _receipts(world: World, rows: Rows, now: datetime) -> None:
    told = _by_place(RECEIVED, rows, lambda body, x: parse_receipts(body, RECEIPT, x, now))
    with world.store.session() as s:
        done = resolve_receipts(s, told, ENDS, now, world.batch_in(s, now))
        s.merge_documents("return_receipts", done, {})
        link(s, ENDS, pl.Series([row["order_id"] for row in rows]))


def _by_place(head: str, rows: Rows, parse: Callable[[bytes, str], Parsed]) -> pl.DataFrame:
    """Return what the files of each place say."""
    found = []
    for place in PLACES:
        lines = [row["line"] for row in rows if row["place"] == place]
        if lines:
            parsed = parse("\r\n".join([head, *lines, ""]).encode(), place)
            assert parsed.rejected.is_empty(), f"refused: {parsed.rejected.to_dicts()}"
            found.append(parsed.accepted)
    return pl.concat(found)


STREAMS: dict[str, Callable[[World, Rows, datetime], None]] = {
    "orders": _orders,
    "counts": _counts,
    "confirmations": _confirmations,
    "receipts": _receipts,
}
