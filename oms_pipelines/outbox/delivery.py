"""Deliver what the outbox holds: at least once, with one effect.

A channel adapter looks before it writes, and a message carries a Message-ID made from its
key, so that a second delivery after a crash is recognized by who receives it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from oms_pipelines.channels.base import Channel, Parcel, Receipt, ShippedLine
from oms_pipelines.config import Oms
from oms_pipelines.crash import point
from oms_pipelines.errors import OmsError
from oms_pipelines.outbox.intents import OUTBOX
from oms_pipelines.outbox.letters import Mailer, letters
from oms_pipelines.store import Session, Store

CHUNK = 25  # receipts are stored after so many: what a crash may make the hub say again
TRIES = 8
PAUSE = timedelta(minutes=5)


@dataclass(frozen=True)
class Delivered:
    """What happened to the intents of one kind and destination."""

    kind: str
    destination: str
    accepted: int = 0
    waiting: int = 0
    rejected: int = 0
    error: str | None = None


def deliver(
    store: Store, oms: Oms, adapters: Mapping[str, Channel], mailer: Mailer | None, now: datetime
) -> list[Delivered]:
    """Deliver every intent that is due. One destination that fails delays no other."""
    results = []
    for channel_id, adapter in adapters.items():
        with store.session(read_only=True) as session:
            accepts = _acceptances(session, channel_id, now)
            parcels = _parcels(session, oms, channel_id, now)
        results.append(
            _send(
                store,
                now,
                "acceptance",
                channel_id,
                accepts,
                lambda c, a=adapter: a.accept([(e, lines) for _, e, lines in c]),
                lambda i: i[0],
                lambda i: i[1],
            )
        )
        results.append(
            _send(
                store,
                now,
                "tracking",
                channel_id,
                parcels,
                lambda c, a=adapter: a.push_tracking(c),
                lambda p: p.key,
                lambda p: p.key,
            )
        )
    if mailer is not None:
        with store.session(read_only=True) as session:
            due = letters(session.query("outbox/letters", now=now), oms)
        results.append(
            _send(
                store,
                now,
                "message",
                "customers",
                due,
                mailer.send,
                lambda x: x.key,
                lambda x: x.key,
            )
        )
    return [r for r in results if r.accepted or r.waiting or r.rejected or r.error]


def _acceptances(session: Session, channel_id: str, now: datetime) -> list[tuple]:
    """Return (key, external id, line ids) of the orders whose goods are there."""
    rows = session.query("outbox/acceptances", channel_id=channel_id, now=now)
    whole = rows.group_by("key", "external_id", maintain_order=True).agg(
        pl.col("line_id"), pl.col("covered").all()
    )
    return [
        (r["key"], r["external_id"], r["line_id"])
        for r in whole.filter("covered").iter_rows(named=True)
    ]


def _parcels(session: Session, oms: Oms, channel_id: str, now: datetime) -> list[Parcel]:
    pages = {c.id: c.tracking_url for c in oms.carriers}
    rows = session.query("outbox/parcels", channel_id=channel_id, now=now)
    parcels = []
    for (key,), lines in rows.group_by("key", maintain_order=True):
        first = lines.row(0, named=True)
        page = pages.get(first["carrier_id"] or "")
        number = first["tracking_number"]
        parcels.append(
            Parcel(
                key=str(key),
                external_id=first["external_id"],
                shipment_id=first["shipment_id"],
                carrier=first["carrier_id"],
                tracking_number=number,
                tracking_url=page.replace("{number}", number) if page and number else None,
                shipped_at=first["shipped_at"],
                lines=tuple(
                    ShippedLine(r["line_id"], r["quantity"]) for r in lines.iter_rows(named=True)
                ),
                complete=first["complete"],
            )
        )
    return parcels


def _send(
    store: Store,
    now: datetime,
    kind: str,
    destination: str,
    items: list,
    push: Callable[[list], Iterable[Receipt]],
    key_of: Callable,
    receipt_key: Callable,
) -> Delivered:
    """Push items in chunks and store their receipts after each chunk."""
    total = {"accepted": 0, "retry": 0, "rejected": 0}
    error = None
    for chunk in (items[i : i + CHUNK] for i in range(0, len(items), CHUNK)):
        keys = {receipt_key(i): key_of(i) for i in chunk}
        receipts: dict[str, Receipt] = {}
        try:
            for receipt in push(chunk):
                receipts[keys.get(receipt.key, receipt.key)] = receipt
        except OmsError as e:
            error = str(e)
        point(f"outbox.{kind}_pushed")
        for key in keys.values():
            receipts.setdefault(key, Receipt(key, "retry", error or "no receipt"))
        with store.session() as session:
            _store(session, kind, receipts, now)
        for receipt in receipts.values():
            total[receipt.outcome] += 1
        if error:
            break
    return Delivered(kind, destination, total["accepted"], total["retry"], total["rejected"], error)


def _store(session: Session, kind: str, receipts: Mapping[str, Receipt], now: datetime) -> None:
    """Write receipts: accepted ends an intent, a refusal fails it, anything else waits."""
    answers = pl.DataFrame(
        {
            "key": list(receipts),
            "outcome": [r.outcome for r in receipts.values()],
            "text": [r.text for r in receipts.values()],
        },
        schema={"key": pl.String, "outcome": pl.String, "text": pl.String},
    )
    taken = pl.col("outcome") == "accepted"
    lost = (pl.col("outcome") == "rejected") | (pl.col("attempts") + 1 >= TRIES)
    rows = (
        session.query("outbox/pending", now=now, kind=kind)
        .join(answers, on="key")
        .with_columns(
            pl.when(taken)
            .then(pl.lit("accepted"))
            .when(lost)
            .then(pl.lit("failed"))
            .otherwise(pl.lit("pending"))
            .alias("state"),
            (pl.lit(now) + PAUSE * pl.lit(2).pow(pl.col("attempts").clip(0, 8))).alias(
                "next_attempt_at"
            ),
            (pl.col("attempts") + 1).alias("attempts"),
            pl.when(taken).then(pl.lit(now)).otherwise("delivered_at").alias("delivered_at"),
            pl.when(taken).then("text").otherwise("receipt").alias("receipt"),
            pl.when(taken).then(None).otherwise("text").alias("error"),
        )
    )
    session.upsert("outbox", rows.select(OUTBOX))
