"""What a till took back of another channel's sale, linked to the order that sold it.

A till tells one order number. It is its own sale's where it has sold under that number; else
the one order of any channel that bears it. Where several do, or none does yet, the return
stays and says why: the goods lie in the store all the same. Linked anew when orders come.
"""

import polars as pl

from oms_pipelines.schema import columns_of
from oms_pipelines.store import Session

WORDS = ("order_id", "number", "external_id", "told_order")  # what a till may name, by table
_NAMED = ["source", "told_order"]
_LINK = ["order_id", "other_channel", "order_fault"]
_MOST_NAMES = 5


def link_across(session: Session, *words: pl.Series) -> pl.DataFrame:
    """Link anew the returns of tills that some order numbers concern.

    Returns what moved: return_id, the order_id it has now, and the one before.
    """
    named = pl.concat([pl.Series("word", [], pl.String), *(w.alias("word") for w in words)])
    session.frame("tmp_words", named.drop_nulls().unique().to_frame())
    rows = session.query("returns/across_named")
    if rows.is_empty():
        return _moved(rows.with_columns(pl.col("order_id").alias("order_id_before")))
    session.frame("tmp_told", rows.select(_NAMED).unique(maintain_order=True))
    links = _links(session.query("returns/across_orders"))
    found = rows.join(
        links, on=_NAMED, how="left", suffix="_found", maintain_order="left"
    ).with_columns(_fault())
    # a number that nobody bears yet stays the till's own, as it told it
    own = pl.format("{}/{}", *_NAMED)
    order = pl.when(pl.col("names").is_null()).then(own).otherwise("order_id_found")
    now = found.select(
        pl.col(columns_of("returns")).exclude(_LINK),
        pl.col("order_id").alias("order_id_before"),
        order.alias("order_id"),
        pl.col("elsewhere").alias("other_channel"),
        pl.col("fault").alias("order_fault"),
        pl.any_horizontal(
            pl.col("order_id").ne_missing(order),
            pl.col("other_channel").ne_missing(pl.col("elsewhere")),
            pl.col("order_fault").ne_missing(pl.col("fault")),
        ).alias("changed"),
    ).filter("changed")
    session.upsert("returns", now.select(columns_of("returns")))
    return _moved(now)


def _moved(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select("return_id", "order_id", "order_id_before")


def _links(found: pl.DataFrame) -> pl.DataFrame:
    """Return (source, told_order) with the one order each means, or the names of several."""
    nearest = found.filter(pl.col("rank") == pl.col("rank").min().over(_NAMED))
    one = pl.len() == 1
    return nearest.group_by(_NAMED, maintain_order=True).agg(
        pl.when(one).then(pl.col("order_id").first()).alias("order_id"),
        pl.when(one & (pl.col("rank").first() > 0)).then(True).alias("elsewhere"),
        pl.len().alias("names"),
        pl.col("order_id").head(_MOST_NAMES).str.join(", ").alias("candidates"),
    )


def _fault() -> pl.Expr:
    several = pl.format(
        "order_number {} names {} orders: {}; let the till write the whole id",
        "told_order", "names", "candidates",
    )  # fmt: skip
    none = pl.format("order_number {} names no order yet", "told_order")
    return (
        pl.when(pl.col("names") > 1)
        .then(several)
        .when(pl.col("names").is_null())
        .then(none)
        .alias("fault")
    )
