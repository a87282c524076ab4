"""Which channels are out of reach, since when, and what of it the stored buffers cover.

A channel is in reach while its orders can be read and it takes levels. Both are noted by those
who try: reading orders, and publishing.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

import polars as pl

from oms_pipelines.config import Oms
from oms_pipelines.schema import columns_of
from oms_pipelines.stock.silences import covered
from oms_pipelines.store import Session

REACH = list(columns_of("channel_reach"))


def note_heard(session: Session, heard: Mapping[str, bool], now: datetime) -> None:
    """Note of which channels the orders could be read just now, and of which not."""
    _note(session, "heard", heard, now)


def note_told(session: Session, told: Mapping[str, bool], now: datetime) -> None:
    """Note which channels took what they were sent just now, and which did not."""
    _note(session, "told", told, now)


def _note(session: Session, what: str, found: Mapping[str, bool], now: datetime) -> None:
    if not found:
        return
    news = pl.DataFrame({"channel_id": list(found), "now": list(found.values())})
    fresh = {"heard": True, "told": True, "longest_seconds": 0.0, "reached_at": now}
    rows = news.join(session.query("stock/reach"), on="channel_id", how="left").with_columns(
        *(pl.col(c).fill_null(x) for c, x in fresh.items()),
    )
    silence = (now - pl.col("reached_at")).dt.total_microseconds() / 1e6
    was = pl.col("heard") & pl.col("told")
    other = "told" if what == "heard" else "heard"
    reached = pl.col("now") & pl.col(other)
    longest = pl.max_horizontal("longest_seconds", silence)
    session.upsert(
        "channel_reach",
        rows.with_columns(
            pl.when(reached & ~was).then(longest).otherwise("longest_seconds")
            .alias("longest_seconds"),
            pl.when(reached).then(pl.lit(now)).otherwise("reached_at").alias("reached_at"),
            pl.col("now").alias(what),
        ).select(REACH),
    )  # fmt: skip


def silent(session: Session) -> pl.DataFrame:
    """Return the rows of `channel_reach` of channels that are out of reach."""
    return _silent(session.query("stock/reach"))


def _silent(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(~(pl.col("heard") & pl.col("told")))


def renew_covers(session: Session, oms: Oms, now: datetime) -> tuple[dict[str, timedelta], bool]:
    """Return what the silence of each channel out of reach is covered for, and if that is new.

    Stores it. The longest silence that is over, of any channel, is the least.
    """
    rows = session.query("stock/reach")
    silences = _silent(rows)
    longest = timedelta(seconds=rows["longest_seconds"].max() or 0.0)  # ty: ignore[invalid-argument-type]
    tick = min((c.every for c in oms.channels), default=timedelta(0))
    covers = {
        c: covered(now - since, tick, longest)
        for c, since in silences.select("channel_id", "reached_at").iter_rows()
    }
    seconds = [covers[c].total_seconds() if c in covers else None for c in rows["channel_id"]]
    wanted = pl.Series("covered_seconds", seconds, dtype=pl.Float64)
    if wanted.equals(rows["covered_seconds"], null_equal=True):
        return covers, False
    session.upsert("channel_reach", rows.with_columns(wanted).select(REACH))
    return covers, True
