"""Announcements as landed files, one row a line: to returns and their lines, or to a reason."""

from datetime import datetime

import polars as pl

from oms_pipelines.config import Oms
from oms_pipelines.logistics.kinds import ANNOUNCEMENT
from oms_pipelines.logistics.profiles import Profile
from oms_pipelines.logistics.verdicts import Parsed, hashed, parse_rows, when
from oms_pipelines.schema import columns_of
from oms_pipelines.store import Merged, Session


def parse_announcements(
    body: bytes, oms: Oms, profile: Profile = ANNOUNCEMENT, name: str = "file", page: int = 0
) -> Parsed:
    """Read announced returns, one row a line. Raises Malformed for a file refused whole."""
    menu = [r.code for r in oms.returns.reasons]
    strange = ~pl.col("reason_code").is_in(menu)
    tests = [when(strange, f"reason_code is not in the menu; write one of {', '.join(menu)}")]
    return parse_rows(body, profile, "hub", name, page, tests)


def apply_announcements(
    session: Session, frame: pl.DataFrame, batch_id: str, fetched_at: datetime
) -> tuple[Merged, pl.DataFrame]:
    """Merge announced returns; return what the merge did, and the rows that name no order.

    Rows of one RMA are one return. The rejected have page, record, record_key, reason.
    """
    session.frame("tmp_wanted", frame.select(pl.col("order_number").alias("wanted")).unique())
    orders = (
        session.query("returns/order_of_announcement")
        .group_by("wanted")
        .agg(
            # a whole id names one order, however many carry it as their number
            pl.when((pl.col("order_id") == pl.col("wanted")).any())
            .then(pl.col("wanted").first())
            .when(pl.len() == 1)
            .then(pl.col("order_id").first())
            .alias("order_id")
        )
    )
    known = frame.join(orders, left_on="order_number", right_on="wanted", how="left")
    lost = known.filter(pl.col("order_id").is_null()).select(
        "page",
        "record",
        pl.col("rma").alias("record_key"),
        pl.lit("order_number names no order, or several; write the order's whole id").alias(
            "reason"
        ),
    )
    good = known.filter(
        pl.col("order_id").is_not_null() & ~pl.col("rma").is_in(lost["record_key"].to_list())
    ).with_columns(pl.format("hub/{}", "rma").alias("return_id"))
    session.frame("tmp_lines", good.select("order_id", "line_id").unique())
    skus = session.query("returns/sku_of_lines")
    lines = (
        good.join(skus, on=["order_id", "line_id"], how="left")
        .with_columns(pl.lit(None, pl.String).alias("reason_raw"))
        .unique(["return_id", "line_id"], keep="last", maintain_order=True)
    )
    heads = good.group_by("return_id", maintain_order=True).agg(pl.all().first())
    documents = heads.with_columns(
        pl.lit("hub").alias("source"),
        pl.col("expected_at").alias("location_id"),
        pl.lit("announced").alias("status"),
        pl.lit(None, pl.String).alias("status_raw"),
        pl.lit(None, pl.String).alias("reason_raw"),
        pl.col("announced_at").dt.epoch("us").alias("source_version"),
        pl.lit(fetched_at).alias("fetched_at"),
        pl.lit(batch_id).alias("batch_id"),
    )
    told = [c for c in heads.columns if c not in ("page", "record")]
    documents = documents.with_columns(hashed(documents, *told))
    merged = session.merge_documents(
        "returns",
        documents.select(columns_of("returns")),
        {"return_lines": lines.select(columns_of("return_lines"))},
    )
    return merged, lost
