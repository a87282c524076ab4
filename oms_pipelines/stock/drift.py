"""Counts against movements: what a count says beyond the ledger is explained, then called drift.

A count moves the ledger by what the movements up to it do not explain. That is a case, a row of
`stock_drift`. Orders that may have left the shelf untold explain it for as long as the location
usually takes to tell (`in_flight`); what is left is drift, with the cause that the evidence
points to (`causes`). A late fact moves the ledger back at the very count that had found it, so
the case closes with that fact as its cause; a later count that takes it back closes it too.

Looked at are cases whose correction changed, open ones whose shelf moved, and those whose time
has come: never the history.
"""

from datetime import datetime, timedelta

import polars as pl

from oms_pipelines.stock import causes
from oms_pipelines.stock.causes import CASE, SHELF
from oms_pipelines.store import Session
from oms_pipelines.store.frames import dtypes

CONFIRMED_WITHIN = timedelta(days=2)  # of dispatch, where a location has told of too few parcels
HISTORY = timedelta(days=28)  # of confirmations, from which a location's own delay is measured
ENOUGH = 50  # parcels to measure it from
QUANTILE, SLACK = 0.99, 1.5  # past this share of them by half again, a confirmation is missing
GIVEN_UP = timedelta(days=180)  # no fact comes later: drift of that age is settled
TIME = pl.Datetime("us", "UTC")
MOVED_BY = {
    "shipment": "late_confirmation",
    "short_pick": "late_confirmation",
    "release": "late_confirmation",
    "return": "late_receipt",
    "sale": "late_sale",
    "adjustment": "late_adjustment",
}


def follow(
    session: Session,
    movements: pl.DataFrame,
    corrections: pl.DataFrame,
    now: datetime,
    confirmed_within: timedelta = CONFIRMED_WITHIN,
) -> int:
    """Bring `stock_drift` to what was just posted; return how many rows differ. Idempotent.

    `movements` and `corrections` are rows of `stock_movements`: from facts, and by counts.
    Counts in `tmp_counted` are those that the ledger was just held against.
    """
    changed = _changed(corrections)
    moved = _shelves(movements)
    session.frame("tmp_changed", changed)
    session.frame("tmp_moved", moved.select(SHELF).unique())
    known = session.query("stock/drift_known", now=now)
    cases = _cases(known, changed, session.query("stock/drift_counts"), now)
    judged = causes.judge(session, cases, known, now, _patience(session, cases, confirmed_within))
    settled = _settled(judged, moved, now)
    # the first count of a shelf may be both: what opened it, and late
    late = _late(session, now).join(settled, on=CASE, how="anti")
    columns = dtypes("stock_drift")
    rows = [
        frame.select(pl.col(c).cast(t) for c, t in columns.items()) for frame in (settled, late)
    ]
    return session.upsert("stock_drift", pl.concat(rows))


def open_by_cause(session: Session) -> pl.DataFrame:
    """Return what is open by cause: cause, rows, units, oldest (when it was found)."""
    return session.query("stock/drift_open")


def open_in_words(totals: pl.DataFrame) -> str:
    """Return what rows of `drift_totals` add up to, in a line."""
    n = {c: totals[c].sum() for c in totals.columns if totals.schema[c].is_integer()}
    flying = f" ({n['in_flight']} of them perhaps in flight)" if n["in_flight"] else ""
    return (
        f"Open: {n['open']} counts, {n['missing']} units missing{flying} and {n['found']} found. "
        f"Contradictions open: {n['contradictions']}, of {n['contradicts']} units."
    )


def _changed(corrections: pl.DataFrame) -> pl.DataFrame:
    """Return by how much (`by`) each count now moves the ledger otherwise, by case."""
    shelf = pl.when(pl.col("from_account").str.starts_with("world/"))
    account = shelf.then("to_account").otherwise("from_account")
    signed = shelf.then("quantity").otherwise(-pl.col("quantity"))
    return (
        corrections.select(
            account.str.split("/").list.first().alias("location_id"),
            "sku",
            pl.col("valid_at").alias("counted_at"),
            signed.alias("by"),
        )
        .group_by(CASE)
        .agg(pl.col("by").sum())
        .filter(pl.col("by") != 0)
    )


def _shelves(movements: pl.DataFrame) -> pl.DataFrame:
    """Return each movement of a shelf: location_id, sku, valid_at, cause, cause_id."""
    ends = [
        movements.select(pl.col(end).alias("account"), "sku", "valid_at", "cause", "cause_id")
        for end in ("from_account", "to_account")
    ]
    parts = (
        pl.col("account").str.split_exact("/", 1).struct.rename_fields(["location_id", "bucket"])
    )
    return (
        pl.concat(ends)
        .with_columns(parts.alias("parts"))
        .unnest("parts")
        .filter(pl.col("bucket").is_in(["sellable", "allocated"]))
        .drop("account", "bucket")
        .unique()
    )


def _cases(
    known: pl.DataFrame, changed: pl.DataFrame, counts: pl.DataFrame, now: datetime
) -> pl.DataFrame:
    """Return the cases to judge: those known, with what the ledger is corrected by now.

    Columns are those of stock_drift, and first (of its shelf), fresh.
    """
    told = changed.join(counts, on=CASE, how="left")
    both = known.join(told, on=CASE, how="full", coalesce=True, suffix="_now").with_columns(
        pl.col("by").is_not_null().alias("fresh"),
        (pl.col("corrected").fill_null(0) + pl.col("by").fill_null(0)).alias("corrected"),
        pl.coalesce("counted_now", "counted").alias("counted"),
        pl.coalesce("read_at_now", "read_at", "counted_at").alias("read_at"),
        pl.coalesce("means_now", "means").alias("means"),
        pl.coalesce("batch_id_now", "batch_id").alias("batch_id"),
        pl.col("found_at").fill_null(pl.lit(now).cast(TIME)),
    )
    both = both.with_columns(
        pl.coalesce("difference", "corrected").alias("difference"),
        # of a shelf whose counts stand, only what is open was read: that is never its first
        (
            (pl.col("counted_at") == pl.col("counted_at").min().over(SHELF))
            & (pl.col("cause") == "opening").fill_null(True)
        ).alias("first"),
    ).with_columns(pl.coalesce("expected", pl.col("counted") - pl.col("difference")))
    is_open = pl.col("state").is_in(["in_flight", "drift"]).fill_null(False)
    return both.filter(pl.col("fresh") | is_open)


def _patience(session: Session, cases: pl.DataFrame, fallback: timedelta) -> pl.DataFrame:
    """Return how long each location may take to confirm: location_id, patience (a duration)."""
    places = cases.select("location_id").unique()
    default = pl.lit(fallback)
    if places.is_empty():
        return places.with_columns(default.alias("patience"))
    latest = cases["counted_at"].max()
    assert isinstance(latest, datetime)
    measured = session.query("stock/confirmation_delays", since=latest - HISTORY, quantile=QUANTILE)
    own = pl.duration(seconds=(pl.col("seconds") * SLACK).ceil().cast(pl.Int64))
    return places.join(measured, on="location_id", how="left").select(
        "location_id",
        pl.when(pl.col("parcels") >= ENOUGH).then(own).otherwise(default).alias("patience"),
    )


def _settled(judged: pl.DataFrame, moved: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Return judged cases as rows: closed where facts explain them by now, or too long ago."""
    late = _late_facts(judged, moved)
    gone = pl.col("corrected") == 0
    old = (pl.col("counted_at") <= now - GIVEN_UP) & (pl.col("state") == "drift")
    waited = pl.col("cause_before").is_in(["lost_confirmation", "in_flight"])
    taken = pl.coalesce(
        pl.when(waited & (pl.col("late_cause") == "late_confirmation")).then("cause_before"),
        "late_cause",
        pl.lit("recount"),
    )
    rows = judged.join(late, on=CASE, how="left").with_columns(
        pl.when(gone).then(taken).otherwise("cause").alias("cause"),
        pl.when(gone)
        .then(pl.coalesce("late_evidence", "evidence", "evidence_before"))
        .otherwise("evidence")
        .alias("evidence"),
        pl.when(gone | old).then(pl.lit("closed")).otherwise("state").alias("state"),
        pl.when(gone).then(0).otherwise("drift").alias("drift"),
        pl.when(gone).then(0).otherwise("explained").alias("explained"),
    )
    closed = pl.col("state").is_in(["closed", "explained"])
    settled_at = pl.coalesce("closed_at", pl.lit(now).cast(TIME))
    given_up = pl.col("counted_at") + GIVEN_UP
    return rows.with_columns(
        pl.when(closed).then(settled_at).alias("closed_at"),
        pl.when(~closed).then(pl.coalesce("due_at", given_up)).alias("due_at"),
    )


def _late_facts(judged: pl.DataFrame, moved: pl.DataFrame) -> pl.DataFrame:
    """Return the facts just posted that happened before a count of their shelf, by case."""
    by = pl.col("cause").replace_strict(MOVED_BY, default="late_fact").alias("late_cause")
    return (
        judged.filter(pl.col("corrected") == 0)
        .select(CASE)
        .join(moved, on=SHELF)
        .filter(pl.col("valid_at") <= pl.col("counted_at"))
        .with_columns(by)
        .group_by(CASE)
        .agg(
            pl.col("late_cause").mode().sort().first(),
            pl.col("cause_id").unique().sort().head(causes.MOST).str.join(", ")
            .alias("late_evidence"),
        )
    )  # fmt: skip


def _late(session: Session, now: datetime) -> pl.DataFrame:
    """Return rows of counts that came too late to be held against the stock of their coming."""
    oldest = session.query("stock/first_counted")["counted_at"][0]
    found = session.query("stock/late_counts", since=oldest or now)
    moment = pl.lit(now).cast(TIME)
    return found.with_columns(
        (pl.col("counted") + pl.col("units")).alias("expected"),
        (-pl.col("units")).alias("difference"),
        pl.lit(0).alias("corrected"),
        (-pl.col("units")).alias("explained"),
        pl.lit(0).alias("drift"),
        pl.lit("late_count").alias("cause"),
        pl.lit("explained").alias("state"),
        pl.lit("read after what moved since").alias("evidence"),
        moment.alias("found_at"),
        pl.lit(None, TIME).alias("due_at"),
        moment.alias("closed_at"),
    )
