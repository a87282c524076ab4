"""Deliver what the outbox holds: at least once, with one effect.

A channel adapter looks before it writes, so its receipts are stored by the chunk. A mail
server cannot be asked: a message leaves when the receipt of the one before it is stored, and
carries a Message-ID made from its key, by which the one that a kill may repeat is recognized.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import polars as pl

from oms_pipelines.channels.base import Channel, Parcel, Receipt, ShippedLine
from oms_pipelines.config import Oms
from oms_pipelines.crash import point
from oms_pipelines.demand import open_lines
from oms_pipelines.errors import OmsError
from oms_pipelines.outbox.letters import Letter, Mailer, letters
from oms_pipelines.outbox.receipts import Receipts
from oms_pipelines.store import Session, Store

CHUNK = 25  # items a push: a channel's receipts are stored after so many
AT_ONCE = 16


@dataclass(frozen=True)
class Delivered:
    """What happened to the intents of one kind and destination."""

    kind: str
    destination: str
    accepted: int = 0
    waiting: int = 0
    rejected: int = 0
    error: str | None = None


@dataclass(frozen=True)
class Acceptance:
    """An order to accept on a channel, whose goods are there."""

    key: str
    external_id: str
    line_ids: tuple[str, ...]


@dataclass(frozen=True)
class _Job:
    """Items of one kind, each with its intent's `key`, and the way out."""

    kind: str
    destination: str
    items: Sequence[Any]
    push: Callable[[Any], Iterable[Receipt]]


def deliver(
    store: Store, oms: Oms, adapters: Mapping[str, Channel], mailer: Mailer | None, now: datetime
) -> list[Delivered]:
    """Deliver every intent that is due. Destinations are served side by side; one that fails
    delays no other.
    """
    with store.session(read_only=True) as session:
        accepts = acceptances(session, now)
        found = [
            [
                _Job("acceptance", c, accepts.get(c, []), partial(_accept, adapter)),
                _Job("tracking", c, _parcels(session, oms, c, now), adapter.push_tracking),
            ]
            for c, adapter in adapters.items()
        ]
        due = letters(session.query("outbox/letters", now=now), oms) if mailer else []

    def serve(jobs: list[_Job]) -> list[Delivered]:
        return [_send(kept, job) for job in jobs if job.items]

    with (
        Receipts(store, now) as kept,
        ThreadPoolExecutor(AT_ONCE, thread_name_prefix="deliver") as pool,
    ):
        posted = pool.submit(_post, kept, mailer, due) if mailer else None
        told = [done for results in pool.map(serve, found) for done in results]
        return told + (posted.result() if posted else [])


def _accept(adapter: Channel, orders: Sequence[Acceptance]) -> Iterator[Receipt]:
    keys = {o.external_id: o.key for o in orders}
    for receipt in adapter.accept([(o.external_id, o.line_ids) for o in orders]):
        yield Receipt(keys.get(receipt.key, receipt.key), receipt.outcome, receipt.text)


def acceptances(session: Session, now: datetime) -> dict[str, list[Acceptance]]:
    """Return the orders to accept by channel: those the stock suffices for, the oldest first.

    What other orders wait for is set aside, so that no unit stands behind two acceptances.
    """
    lines = session.query("outbox/acceptances", now=now)
    if lines.is_empty():
        return {}
    waiting = open_lines(session).join(lines, on="order_id", how="anti")
    claimed = waiting.group_by("sku").agg(pl.col("quantity").sum().alias("claimed"))
    session.frame("tmp_skus", lines.select("sku").unique())
    shelf = session.query("stock/availability").group_by("sku").agg(pl.col("quantity").sum())
    left = pl.col("quantity").fill_null(0) - pl.col("claimed").fill_null(0)
    covered = pl.col("units").cum_sum().over("sku") <= left
    orders = (
        lines.join(shelf, on="sku", how="left", maintain_order="left")
        .join(claimed, on="sku", how="left", maintain_order="left")
        .with_columns(covered.alias("covered"))
        .group_by("destination", "key", "external_id", maintain_order=True)
        .agg(pl.col("line_id").unique(maintain_order=True), pl.col("covered").all())
        .filter("covered")
    )
    found: dict[str, list[Acceptance]] = {}
    for channel_id, key, external_id, line_ids, _ in orders.iter_rows():
        found.setdefault(channel_id, []).append(Acceptance(key, external_id, tuple(line_ids)))
    return found


def _parcels(session: Session, oms: Oms, channel_id: str, now: datetime) -> list[Parcel]:
    pages = {c.id: c.tracking_url for c in oms.carriers}
    rows = session.query("outbox/parcels", channel_id=channel_id, now=now)
    parcels = []
    for (key,), lines in rows.group_by("key", maintain_order=True):
        first = lines.row(0, named=True)
        url = partial(_page_of, pages.get(first["carrier_id"] or ""))
        number = first["tracking_number"]
        parcels.append(
            Parcel(
                key=str(key),
                external_id=first["external_id"],
                shipment_id=first["shipment_id"],
                carrier=first["carrier_id"],
                tracking_number=number,
                tracking_url=url(number),
                shipped_at=first["shipped_at"],
                lines=tuple(
                    ShippedLine(line_id, quantity)
                    for line_id, quantity in lines.select("line_id", "quantity").iter_rows()
                ),
                complete=first["complete"],
                parts=tuple((n, url(n)) for n in (first["parts"] or "").splitlines()),
            )
        )
    return parcels


def _page_of(page: str | None, number: str | None) -> str | None:
    return page.replace("{number}", number) if page and number else None


def _chunks(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (items[i : i + CHUNK] for i in range(0, len(items), CHUNK))


def _send(kept: Receipts, job: _Job) -> Delivered:
    """Push items in chunks and store their receipts after each."""
    total = {"accepted": 0, "retry": 0, "rejected": 0}
    error = None
    for chunk in _chunks(job.items):
        receipts = {item.key: Receipt(item.key, "retry", "no receipt") for item in chunk}
        try:
            for receipt in job.push(chunk):
                if receipt.key in receipts:
                    receipts[receipt.key] = receipt
        except OmsError as e:
            error = str(e)
        point(f"outbox.{job.kind}_pushed")
        kept.keep(list(receipts.values()))
        for receipt in receipts.values():
            total[receipt.outcome] += 1
        if error:
            break
    return Delivered(
        job.kind, job.destination, total["accepted"], total["retry"], total["rejected"], error
    )


def _post(kept: Receipts, mailer: Mailer, due: Sequence[Letter]) -> list[Delivered]:
    """Send letters; each leaves when the receipt of the one before it is stored."""
    if not due:
        return []
    count: Counter[str] = Counter()
    for some in _chunks(due):
        unsent = []
        for receipt in mailer.send(some):
            count[receipt.outcome] += 1
            if receipt.outcome == "accepted":
                point("outbox.message_pushed")
                kept.keep([receipt])
            else:
                unsent.append(receipt)
        if unsent:
            kept.keep(unsent)
    return [Delivered("message", "customers", count["accepted"], count["retry"], count["rejected"])]
