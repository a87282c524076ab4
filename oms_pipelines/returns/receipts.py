"""Receipts that bear a number the location has used before: the same again, or another story.

A later `received_at` corrects a receipt. Of one moment only one story can be true: the first
that came stays, and who tells another is told so.
"""

import polars as pl

from oms_pipelines.logistics.verdicts import no_rejects
from oms_pipelines.store import Session

_KEY = ["receipt_id", "line_no"]
# what a receipt says, by its file's columns, and where the store keeps it
_TOLD = {
    "rma": "told_rma",
    "order_number": "told_order",
    "line_id": "told_line_id",
    "sku": "sku",
    "quantity": "quantity",
    "condition": "condition",
    "remark": "reason_text",
}


def booked(session: Session, ids: pl.Series) -> pl.DataFrame:
    """Return what is stored of receipts (`location/number`): all columns, one row a line."""
    session.frame("tmp_words", ids.alias("word").unique().to_frame())
    return session.query("returns/receipts_by_id")


def compared(rows: pl.DataFrame, stored: pl.DataFrame) -> pl.DataFrame:
    """Return rows of a receipt file with `stored_at`, when the same line was received as the
    store has it, and `differs`, the columns it now tells otherwise; both null when it is new.
    """
    before = stored.select(
        *_KEY,
        pl.col("received_at").alias("stored_at"),
        *(pl.col(there).alias(f"{here}_stored") for here, there in _TOLD.items()),
    )
    keyed = rows.with_columns(pl.format("{}/{}", "location_id", "receipt_id").alias("receipt"))
    found = keyed.join(
        before, left_on=["receipt", "line_no"], right_on=_KEY, how="left", maintain_order="left"
    )
    names = [pl.when(pl.col(c).ne_missing(pl.col(f"{c}_stored"))).then(pl.lit(c)) for c in _TOLD]
    told = pl.concat_str(*names, separator=", ", ignore_nulls=True)
    return found.select(
        *rows.columns,
        "stored_at",
        pl.when(pl.col("stored_at").is_not_null() & (told != "")).then(told).alias("differs"),
    )


def judge(session: Session, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split rows of a receipt file: those to merge, and those kept back with their reason.

    A row is kept back when the store has its line as of the same moment, with other content.
    """
    if rows.is_empty():
        return rows, no_rejects()
    ids = rows.select(pl.format("{}/{}", "location_id", "receipt_id").alias("word")).to_series()
    found = compared(rows, booked(session, ids))
    contradicts = pl.col("differs").is_not_null() & (pl.col("stored_at") == pl.col("received_at"))
    contradicts = contradicts.fill_null(False)
    kept = found.filter(contradicts).select(
        "page", "record", pl.col("receipt_id").alias("record_key"), _reason().alias("reason")
    )
    return found.filter(~contradicts).select(rows.columns), kept


def _reason() -> pl.Expr:
    return pl.format(
        "receipt_id: {} line {} was received at this very moment with another {}; give the "
        "receipt a number of its own, or a later received_at if it corrects the first",
        "receipt_id",
        "line_no",
        "differs",
    )
