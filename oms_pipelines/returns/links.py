"""What came back, linked to its return, order and line: again whenever one of them changes.

A receipt keeps what the parcel named (`told_rma`, `told_order`, `told_line_id`); its links
follow from all facts known, in whatever order they came. A receipt is a fact and is never
refused; units beyond what was delivered of a line are linked to no line. Goods that their
order did not hold are flagged and set aside for a decision, whatever their condition.
"""

from collections.abc import Mapping

import polars as pl

from oms_pipelines.config import Oms
from oms_pipelines.logistics.parse import disposition
from oms_pipelines.schema import columns_of
from oms_pipelines.store import Session

WORDS = ("order_id", "number", "return_id", "rma")  # what a parcel may name, in our tables
_KEY = ["receipt_id", "line_no"]


def link(session: Session, dispositions: Mapping[str, str], *words: pl.Series) -> int:
    """Link anew the receipts that some words concern; return how many changed.

    Words are order ids, order numbers, return ids and RMAs: whatever a parcel may name.
    """
    none = pl.Series("word", [], pl.String)
    named = pl.concat([none, *(w.alias("word") for w in words)]).drop_nulls().unique()
    if named.is_empty():
        return 0
    session.frame("tmp_words", named.to_frame())
    receipts = session.query("returns/receipts_named")
    if receipts.is_empty():
        return 0
    session.frame("tmp_receipts", receipts)
    matches = session.query("logistics/receipt_matches").drop("location_id")
    found = receipts.join(matches, on=_KEY, how="left", suffix="_now", maintain_order="left")
    # what came over a counter names no parcel: its return and order are told with it
    told = pl.any_horizontal(pl.col("rma", "order_number").is_not_null())
    moved = found.filter(
        told
        & pl.any_horizontal(
            pl.col(c).ne_missing(pl.col(f"{c}_now")) for c in ("return_id", "order_id")
        )
    )
    changed = _relink(session, dispositions, moved) if moved.height else 0
    orders = pl.concat([found["order_id"], found["order_id_now"]]).drop_nulls().unique().sort()
    return changed + _link_lines(session, dispositions, orders)


def _relink(session: Session, dispositions: Mapping[str, str], moved: pl.DataFrame) -> int:
    session.frame("tmp_words", moved.select(pl.col("receipt_id").alias("word")).unique())
    rows = session.query("returns/receipts_by_id").drop("return_id", "order_id")
    now = moved.select(
        *_KEY, pl.col("return_id_now").alias("return_id"), pl.col("order_id_now").alias("order_id")
    )
    linked = rows.join(now, on=_KEY).with_columns(
        pl.lit(None, pl.String).alias("line_id"),
        pl.lit(None, pl.Boolean).alias("now_not_ordered"),
    )
    return session.upsert("return_receipts", _flagged(linked, dispositions))


def _flagged(rows: pl.DataFrame, dispositions: Mapping[str, str]) -> pl.DataFrame:
    """Return receipts with the flag `now_not_ordered`; where it changed, disposed of anew."""
    same = pl.col("not_ordered").eq_missing(pl.col("was_not_ordered"))
    return (
        rows.rename({"not_ordered": "was_not_ordered", "now_not_ordered": "not_ordered"})
        .with_columns(
            pl.when(same)
            .then("disposition")
            .otherwise(disposition(dispositions))
            .alias("disposition")
        )
        .select(columns_of("return_receipts"))
    )


def _link_lines(session: Session, dispositions: Mapping[str, str], orders: pl.Series) -> int:
    session.frame("tmp_orders", orders.alias("order_id").to_frame())
    due = session.query("returns/line_links")
    if due.is_empty():
        return 0
    rows = due.with_columns(pl.col("now_line_id").alias("line_id"))
    return session.upsert("return_receipts", _flagged(rows, dispositions))


def move_counter_receipts(
    session: Session, dispositions: Mapping[str, str], moved: pl.DataFrame
) -> int:
    """Give receipts over a counter the order that their return now has (`link_across`)."""
    if moved.is_empty():
        return 0
    session.frame("tmp_moved", moved.select("return_id", "order_id"))
    rows = session.query("returns/receipts_across").with_columns(
        pl.col("now_order_id").alias("order_id"),
        pl.lit(None, pl.String).alias("line_id"),
        pl.lit(None, pl.Boolean).alias("now_not_ordered"),
    )
    return session.upsert("return_receipts", _flagged(rows, dispositions))


def orders_of(session: Session, fo_ids: pl.Series) -> pl.Series:
    """Return the orders of fulfillment orders."""
    session.frame("tmp_parts", fo_ids.alias("fo_id").unique().to_frame())
    return session.query("returns/orders_of_parts")["order_id"]


def book_counter_returns(session: Session, oms: Oms, channel_id: str, batch_id: str) -> int:
    """Book what a channel took back over the counter of a location in a batch, as receipts.

    A till says in one breath that goods are returned and where they lie now: no dock will
    tell of them again. They count as new. Returns how many receipts changed.
    """
    places = [x.id for x in oms.locations]
    counters = pl.DataFrame({"channel_id": [channel_id] * len(places), "location_id": places})
    session.frame("tmp_counters", counters.cast(pl.String))
    rows = session.query("returns/counter_receipts", batch_id=batch_id)
    if rows.is_empty():
        return 0
    none = pl.lit(None, pl.String)
    receipts = rows.with_columns(
        none.alias("told_rma"),
        none.alias("told_order"),
        pl.lit("as_new").alias("condition"),
        pl.lit(None, pl.Boolean).alias("not_ordered"),
    ).with_columns(disposition(oms.returns.dispositions))
    return session.merge_documents(
        "return_receipts", receipts.select(columns_of("return_receipts")), {}
    ).changed
