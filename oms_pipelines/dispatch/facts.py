"""What locations did, as facts: parcels, refusals, and the states that follow from them.

Facts only grow: the greatest quantity told of a parcel's line and of a refusal counts, so
files may come twice and in any order. A fact is never refused for contradicting the plan.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from oms_pipelines.logistics.verdicts import no_rejects
from oms_pipelines.schema import columns_of
from oms_pipelines.store import Session

LINE = ["fo_id", "line_id", "sku"]


@dataclass(frozen=True)
class Applied:
    """Rows taken, rows kept back (page, record, record_key, reason), contradictions noted."""

    accepted: int
    rejected: pl.DataFrame
    contradictions: int
    changed: int


def nothing_applied() -> Applied:
    """Return the result of no rows."""
    return Applied(0, no_rejects(), 0, 0)


@dataclass(frozen=True)
class Known:
    """What the store holds of some fulfillment orders: lines, parcels, contents."""

    lines: pl.DataFrame
    parcels: pl.DataFrame
    contents: pl.DataFrame


def known(session: Session, fo_ids: pl.Series) -> Known:
    """Read lines, parcels and contents of fulfillment orders."""
    session.frame("tmp_confirmed", pl.DataFrame({"fo_id": fo_ids.unique().sort()}))
    return Known(
        session.query("dispatch/confirmed_lines"),
        session.query("dispatch/confirmed_parcels"),
        session.query("dispatch/confirmed_contents"),
    )


def keep_parcels(
    session: Session, shipped: pl.DataFrame, there: Known, batch_id: str, now: datetime
) -> pl.DataFrame:
    """Keep parcels and contents; return all contents of their fulfillment orders now.

    `shipped` has shipment_id, fo_id, order_id, location_id, line_id, sku, quantity,
    carrier_id, tracking_number, shipped_at. Of several statements of a parcel the one with
    the latest shipped_at counts.
    """
    moment = pl.lit(now).cast(pl.Datetime("us", "UTC"))
    told = shipped.select(
        "shipment_id",
        "fo_id",
        "order_id",
        "location_id",
        "carrier_id",
        "tracking_number",
        pl.lit("Pending").alias("status"),
        "shipped_at",
        pl.lit(None, pl.Datetime("us", "UTC")).alias("status_at"),
        moment.alias("known_at"),
        pl.lit(batch_id).alias("batch_id"),
    )
    latest = pl.concat([there.parcels.select(told.columns), told]).sort(
        "shipped_at", "tracking_number", "carrier_id", descending=True, nulls_last=True,
        maintain_order=True,
    ).unique("shipment_id", keep="first", maintain_order=True)  # fmt: skip
    before = there.parcels.select("shipment_id", "status", "status_at", "known_at")
    parcels = latest.join(before, on="shipment_id", how="left", suffix="_before").with_columns(
        pl.coalesce(f"{c}_before", c).alias(c) for c in ("status", "status_at", "known_at")
    )
    session.upsert("shipments", parcels.select(columns_of("shipments")))
    key = ["fo_id", "shipment_id", "line_id", "sku"]
    contents = pl.concat(
        [there.contents.select(*key, "quantity"), shipped.select(*key, "quantity")]
    )
    contents = contents.group_by(key).agg(pl.col("quantity").max()).sort(key)
    session.upsert("shipment_lines", contents.select(columns_of("shipment_lines")))
    return contents


def settle(
    session: Session,
    lines: pl.DataFrame,
    contents: pl.DataFrame,
    refusals: pl.DataFrame,
    now: datetime,
) -> int:
    """Bring lines and states to the facts. Return how many lines and orders changed.

    `contents` are all contents of the fulfillment orders of `lines`, `refusals` (fo_id,
    line_id, sku, refused, reason) what was refused. What was shipped cannot be refused too.
    """
    units = contents.group_by(LINE).agg(pl.col("quantity").sum().alias("shipped"))
    worst = refusals.sort("refused", "reason", descending=[True, False], nulls_last=True)
    worst = worst.unique(LINE, keep="first", maintain_order=True).select(*LINE, "refused", "reason")
    joined = lines.join(units, on=LINE, how="left").join(worst, on=LINE, how="left")
    left = pl.max_horizontal(pl.col("quantity") - pl.col("shipped").fill_null(0), 0)
    more = pl.col("refused").fill_null(0) > pl.col("refused_quantity")
    refused = pl.max_horizontal(pl.col("refused").fill_null(0), "refused_quantity")
    settled = joined.with_columns(
        pl.col("shipped").fill_null(0).alias("shipped_now"),
        pl.min_horizontal(refused, left).alias("refused_now"),
        pl.when(more).then("reason").otherwise("refusal_reason").alias("reason_now"),
    ).with_columns(
        pl.any_horizontal(
            pl.col("shipped_now") != pl.col("shipped_quantity"),
            pl.col("refused_now") != pl.col("refused_quantity"),
            pl.col("reason_now").ne_missing(pl.col("refusal_reason")),
        ).alias("moved")
    )
    rows = settled.filter("moved").select(
        *LINE,
        "quantity",
        pl.col("shipped_now").alias("shipped_quantity"),
        pl.col("refused_now").alias("refused_quantity"),
        pl.col("reason_now").alias("refusal_reason"),
        "bill_id",
    )
    changed = session.upsert("fulfillment_lines", rows)
    session.frame("tmp_states", _states(settled))
    return changed + session.run("dispatch/set_states", now=now)


def _states(settled: pl.DataFrame) -> pl.DataFrame:
    """Return fo_id, state, closed, moved: what follows from the lines."""
    by_order = settled.group_by("fo_id", "state").agg(
        pl.col("quantity").sum(),
        pl.min_horizontal("shipped_now", "quantity").sum().alias("shipped"),
        pl.col("refused_now").sum().alias("refused"),
        pl.col("moved").any(),
    )
    done = pl.col("shipped") + pl.col("refused") >= pl.col("quantity")
    ended = pl.col("state").is_in(["cancel_requested", "canceled"])
    state = (
        pl.when(done & (pl.col("refused") == 0))
        .then(pl.lit("shipped"))
        .when(done & (pl.col("shipped") > 0))
        .then(pl.lit("partially_shipped"))
        .when(done & ended)
        .then(pl.lit("canceled"))
        .when(done)
        .then(pl.lit("refused"))
        # Something was done with it, so it was read; the rest is still to come.
        .when(pl.col("state").is_in(["planned", "dispatched"]))
        .then(pl.lit("accepted"))
        .otherwise("state")
    )
    closed = done | (pl.col("state") == "canceled")
    return by_order.select(
        "fo_id", state.alias("state"), closed.alias("closed"), "moved"
    ).sort("fo_id")  # fmt: skip


def note_contradictions(
    session: Session,
    rows: pl.DataFrame,
    batch_id: str,
    now: datetime,
) -> int:
    """Keep what contradicts the plan for a person to see: the fact itself was accepted.

    `rows` has page, record, location_id, record_key, about, reason. What is said `about` one
    thing for one reason is noted once, however often its file comes.
    """
    if rows.is_empty():
        return 0
    noted = [_note(row, batch_id) for row in rows.rows(named=True)]
    frame = pl.DataFrame(noted).with_columns(
        pl.lit("waiting").alias("state"),
        pl.lit(now).cast(pl.Datetime("us", "UTC")).alias("quarantined_at"),
        pl.lit(None, pl.String).alias("released_by"),
    )
    return session.insert_new("quarantine", frame.select(columns_of("quarantine")))


def _note(row: Mapping, batch_id: str) -> dict:
    text = f"{row['location_id']}/{row['about']}/{row['reason']}"
    return {
        "quarantine_id": hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:16],
        "source": row["location_id"],
        "stream": "contradictions",
        "batch_id": batch_id,
        "page": row["page"],
        "record": row["record"],
        "record_key": row["record_key"],
        "reason": row["reason"],
    }
