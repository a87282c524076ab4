"""Stock levels to channels: desired -> sent -> accepted -> observed.

What is about to be sent is stored before it is sent, and the receipt after: a level that
may have reached a channel counts as held until a lower one is acknowledged. Falling levels
go to every channel first; raises follow, out of the units that no channel may still show.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from oms_pipelines.channels.base import Channel, Level, Receipt
from oms_pipelines.config import Oms
from oms_pipelines.crash import point
from oms_pipelines.errors import OmsError
from oms_pipelines.stock.availability import (
    LEVEL,
    atp_by_location,
    changed_levels,
    desired_levels,
    grants,
    held,
)
from oms_pipelines.store import Session, Store

SALES_SEEN = timedelta(days=30)
RETRY = "retry"


@dataclass(frozen=True)
class Published:
    """What happened to the levels of one channel."""

    channel_id: str
    sent: int = 0
    accepted: int = 0
    rejected: int = 0
    unsettled: int = 0
    error: str | None = None


def compute_levels(session: Session, oms: Oms, now: datetime) -> pl.DataFrame:
    """Store the desired levels; return the rows that changed."""
    atp = atp_by_location(session.query("stock/availability"), oms)
    desired = desired_levels(atp, session.query("stock/open_demand"), oms)
    changed = changed_levels(session.table("levels"), desired, now)
    if not changed.is_empty():
        session.upsert("levels", changed)
    return changed


def publish_levels(
    store: Store, oms: Oms, adapters: Mapping[str, Channel], now: datetime, *, full: bool = False
) -> list[Published]:
    """Send every channel the levels it does not hold yet; falling ones first.

    `full` sends all levels, known or not. A channel that fails is reported in its result
    and delays no other.
    """
    told = [c.id for c in oms.channels if c.stock.mode != "none" and c.id in adapters]
    results = {c: Published(c) for c in told}
    for rising in (False, True):
        for channel_id in told:
            if results[channel_id].error is None:
                done = _publish_channel(
                    store, oms, channel_id, adapters[channel_id], now, rising=rising, full=full
                )
                results[channel_id] = _added(results[channel_id], done)
    return list(results.values())


def _added(one: Published, two: Published) -> Published:
    return Published(
        one.channel_id,
        one.sent + two.sent,
        one.accepted + two.accepted,
        one.rejected + two.rejected,
        two.unsettled,
        two.error,
    )


def _publish_channel(
    store: Store,
    oms: Oms,
    channel_id: str,
    adapter: Channel,
    now: datetime,
    *,
    rising: bool,
    full: bool,
) -> Published:
    """Send one channel its falling, or its rising, levels, and read them back."""
    with store.session() as session:
        due = _due(session, oms, channel_id, now, rising=rising, full=full)
        if due.is_empty():
            return Published(channel_id)
        _mark_sent(session, due, now)
    point("levels.marked_sent")
    try:
        receipts = list(adapter.push_stock(_as_levels(due, adapter)))
        point("levels.pushed")
        seen = _read_back(adapter, due, receipts)
    except OmsError as e:
        return Published(channel_id, sent=due.height, unsettled=due.height, error=str(e))
    outcome = _outcome(due, receipts, seen)
    with store.session() as session:
        _mark_received(session, outcome, now)
    count = outcome["outcome"].value_counts()
    by = dict(zip(count["outcome"], count["count"], strict=True))
    return Published(
        channel_id, due.height, by.get("accepted", 0), by.get("rejected", 0), by.get("retry", 0)
    )


def _due(
    session: Session, oms: Oms, channel_id: str, now: datetime, *, rising: bool, full: bool
) -> pl.DataFrame:
    """Return the levels to send now, with `level` (SKU units) and `showing` (expected)."""
    sold = session.query("stock/sold_since", channel_id=channel_id, since=now - SALES_SEEN)
    levels = session.query("stock/levels_of", channel_id=channel_id).join(
        sold, on="sku", how="left"
    )
    levels = levels.with_columns(
        (pl.col("accepted") - pl.col("sold").fill_null(0)).alias("showing"), held().alias("held")
    )
    refused = pl.col("error").is_not_null() & ~pl.col("error").str.starts_with(RETRY)
    current = pl.col("sent_version") >= pl.col("version")
    right = pl.col("showing").eq_missing("desired") & pl.col("error").is_null()
    settled = current & (right | refused)
    levels = levels.filter(pl.lit(full) | ~settled.fill_null(False))
    goes_up = pl.col("desired") > pl.col("held")
    levels = levels.filter(goes_up if rising else ~goes_up)
    if not rising or oms.channel(channel_id).stock.mode != "escrow":
        return levels.with_columns(pl.col("desired").alias("level"))
    allowed = _grants(session, oms).filter(pl.col("channel_id") == channel_id)
    granted = levels.join(allowed.select("sku", "level"), on="sku")
    return granted.filter(pl.col("level") > pl.col("held"))


def _grants(session: Session, oms: Oms) -> pl.DataFrame:
    escrow = [c for c in oms.channels if c.stock.mode == "escrow"]
    session.frame("tmp_channels", pl.DataFrame({"channel_id": [c.id for c in escrow]}))
    return grants(session.query("stock/levels_escrow"), escrow)


def _mark_sent(session: Session, due: pl.DataFrame, now: datetime) -> None:
    session.upsert(
        "levels",
        due.with_columns(
            pl.col("level").alias("sent"),
            pl.col("version").alias("sent_version"),
            pl.lit(now).alias("sent_at"),
            # until the receipt is in, this level is unsettled
            pl.lit(f"{RETRY}: no receipt yet").alias("error"),
        ).select(LEVEL),
    )


def _as_levels(due: pl.DataFrame, adapter: Channel) -> list[Level]:
    compare = adapter.capabilities.compare_and_set
    return [
        Level(
            sku=row["sku"],
            channel_sku=row["channel_sku"],
            quantity=row["level"] // row["units_per"],
            version=row["version"],
            expected=_expected(row) if compare else None,
        )
        for row in due.iter_rows(named=True)
    ]


def _expected(row: dict) -> int | None:
    """Return what the channel should be showing; after a mismatch, what it was seen to show."""
    if row["error"] and row["observed"] is not None:
        return row["observed"] // row["units_per"]
    return None if row["showing"] is None else row["showing"] // row["units_per"]


def _read_back(adapter: Channel, due: pl.DataFrame, receipts: list[Receipt]) -> dict[str, int]:
    """Return what the channel shows of the SKUs it did not refuse."""
    if not adapter.capabilities.reads_stock:
        return {}
    refused = {r.key for r in receipts if r.outcome == "rejected"}
    asked = [
        row["channel_sku"]
        for row in due.iter_rows(named=True)
        if f"{row['sku']}#{row['version']}" not in refused
    ]
    return adapter.read_stock(asked) if asked else {}


def _outcome(due: pl.DataFrame, receipts: list[Receipt], seen: Mapping[str, int]) -> pl.DataFrame:
    """Join levels, receipts and what was read back into one verdict a level."""
    answers = pl.DataFrame(
        {
            "key": [r.key for r in receipts],
            "outcome": [r.outcome for r in receipts],
            "text": [r.text for r in receipts],
        },
        schema={"key": pl.String, "outcome": pl.String, "text": pl.String},
    ).unique("key", keep="last")
    shown = pl.DataFrame(
        {"channel_sku": list(seen), "shown": list(seen.values())},
        schema={"channel_sku": pl.String, "shown": pl.Int64},
    )
    differs = (pl.col("outcome") == "accepted") & (
        pl.col("shown") != pl.col("level") // pl.col("units_per")
    )
    return (
        due.with_columns(pl.format("{}#{}", "sku", "version").alias("key"))
        .join(answers, on="key", how="left")
        .join(shown, on="channel_sku", how="left")
        .with_columns(
            pl.when(differs.fill_null(False))
            .then(pl.lit("retry"))
            .otherwise(pl.col("outcome").fill_null("retry"))
            .alias("outcome"),
            pl.when(differs.fill_null(False))
            .then(pl.lit("the channel accepted but shows another level"))
            .otherwise(pl.col("text").fill_null("no receipt"))
            .alias("text"),
        )
    )


def _mark_received(session: Session, outcome: pl.DataFrame, now: datetime) -> None:
    """Store receipts and what was observed."""
    taken = pl.col("outcome") == "accepted"
    session.upsert(
        "levels",
        outcome.with_columns(
            pl.col("level").alias("sent"),
            pl.col("version").alias("sent_version"),
            pl.lit(now).alias("sent_at"),
            pl.when(taken).then("level").otherwise("accepted").alias("accepted"),
            pl.when(taken).then(pl.lit(now)).otherwise("accepted_at").alias("accepted_at"),
            pl.coalesce(pl.col("shown") * pl.col("units_per"), "observed").alias("observed"),
            pl.when(pl.col("shown").is_not_null())
            .then(pl.lit(now))
            .otherwise("observed_at")
            .alias("observed_at"),
            pl.when(taken)
            .then(None)
            .when(pl.col("outcome") == "retry")
            .then(pl.format(f"{RETRY}: {{}}", "text"))
            .otherwise("text")
            .alias("error"),
        ).select(LEVEL),
    )
