"""Alarms of levels: open from the reading that differs to the reading that is true."""

from datetime import datetime

import polars as pl

from oms_pipelines.schema import columns_of
from oms_pipelines.store import Session

ALARM = columns_of("level_alarms")
_SAME = ["channel_id", "channel_sku"]


def open_or_repeat(session: Session, differing: pl.DataFrame, now: datetime) -> int:
    """Open an alarm of each differing level that has none; return how many opened.

    `differing` are rows of `levels` of one channel with shown and kind. An alarm that is open
    takes what was found now.
    """
    if differing.is_empty():
        return 0
    channel_id = differing["channel_id"][0]
    known = session.query("stock/alarms_open", channel_id=channel_id)
    rows = (
        differing.drop("observed")
        .join(known.select(*_SAME, "opened_at", "found"), on=_SAME, how="left")
        .with_columns(
            pl.col("opened_at").fill_null(now),
            pl.col("found").fill_null(0) + 1,
            pl.col("shown").alias("observed"),
            pl.lit(None, dtype=known.schema["closed_at"]).alias("closed_at"),
        )
    )
    session.upsert("level_alarms", rows.select(ALARM))
    return rows.filter(pl.col("found") == 1).height


def close(session: Session, channel_id: str, seen: pl.Series, now: datetime) -> None:
    """Close the alarms of listings that were seen to show what they should."""
    if seen.is_empty():
        return
    known = session.query("stock/alarms_open", channel_id=channel_id)
    over = known.filter(pl.col("channel_sku").is_in(seen.implode()))
    session.upsert("level_alarms", over.with_columns(pl.lit(now).alias("closed_at")))
