"""Confirmations: what a location shipped and refused, taken as it happened."""

from datetime import datetime

import polars as pl

from oms_pipelines.dispatch.facts import (
    LINE,
    Applied,
    Known,
    keep_parcels,
    known,
    note_contradictions,
    nothing_applied,
    settle,
)
from oms_pipelines.store import Session


def apply_confirmations(
    session: Session, rows: pl.DataFrame, batch_id: str, now: datetime
) -> Applied:
    """Take confirmations (columns of `parse_confirmations`). Idempotent, in any order.

    A row of an unknown fulfillment order is kept back. One that contradicts the plan (more
    than asked, another location, after a cancellation) is accepted and noted.
    """
    if rows.is_empty():
        return nothing_applied()
    there = known(session, rows["fo_id"])
    orders = there.lines.select(
        "fo_id", "order_id", "state", pl.col("location_id").alias("asked_of")
    ).unique("fo_id")
    strangers = rows.join(orders, on="fo_id", how="anti", maintain_order="left")
    rejected = strangers.select(
        "page",
        "record",
        pl.col("fo_id").alias("record_key"),
        pl.lit("fo_id is no fulfillment order of the hub; confirm the one the file names").alias(
            "reason"
        ),
    )
    taken = rows.join(orders, on="fo_id", maintain_order="left")
    if taken.is_empty():
        return Applied(0, rejected, 0, 0)
    shipped = taken.filter(pl.col("shipped_quantity") > 0).with_columns(
        pl.format("{}/{}/{}", "location_id", "parcel", "fo_id").alias("shipment_id"),
        pl.col("shipped_quantity").alias("quantity"),
    )
    contents = there.contents
    if shipped.height:
        contents = keep_parcels(session, shipped, there, batch_id, now)
    refusals = taken.filter(pl.col("refused_quantity") > 0).select(
        *LINE, pl.col("refused_quantity").alias("refused"), pl.col("reason").str.head(120)
    )
    changed = settle(session, there.lines, contents, refusals, now)
    noted = _contradictions(taken, there, contents)
    count = note_contradictions(session, noted, batch_id, now)
    return Applied(taken.height, rejected, count, changed)


def _contradictions(taken: pl.DataFrame, there: Known, contents: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that contradict the plan, with the first reason."""
    units = contents.group_by(LINE).agg(pl.col("quantity").sum().alias("left_with"))
    asked = there.lines.select(*LINE, pl.col("quantity").alias("asked"))
    rows = taken.join(asked, on=LINE, how="left", maintain_order="left")
    rows = rows.join(units, on=LINE, how="left", maintain_order="left")
    ships = pl.col("shipped_quantity") > 0
    both = pl.col("left_with").fill_null(0) + pl.col("refused_quantity")
    tests = [
        (pl.col("location_id") != pl.col("asked_of"), "another location was asked to ship it"),
        (pl.col("asked").is_null(), "the fulfillment order has no such line"),
        (
            ships & pl.col("state").is_in(["cancel_requested", "canceled"]),
            "shipped although its cancellation was asked for",
        ),
        (ships & (pl.col("left_with") > pl.col("asked")), "more units left than were asked for"),
        (both > pl.col("asked"), "shipped and refused make more units than were asked for"),
    ]
    reason = pl.coalesce(pl.when(failed).then(pl.lit(text)) for failed, text in tests)
    found = rows.with_columns(reason.alias("why")).filter(pl.col("why").is_not_null())
    return found.select(
        "page",
        "record",
        "location_id",
        pl.col("fo_id").alias("record_key"),
        pl.concat_str(*LINE, pl.col("parcel").fill_null("-"), separator="/").alias("about"),
        pl.col("why").alias("reason"),
    )
