"""Where the levels of each channel stand between desired and observed, and for how long."""

from datetime import datetime

import polars as pl

from oms_pipelines.config import Oms
from oms_pipelines.store import Session

NOT_OBSERVED = "Not observed as desired: due, unsettled, refused, unobserved, differs, or alarmed"
STATES = ("observed", "due", "unsettled", "refused", "unobserved", "differs")


def by_channel(session: Session, now: datetime, oms: Oms | None = None) -> pl.DataFrame:
    """Return a row a channel: levels by state, open alarms, ages in minutes, delay in seconds.

    `oldest_due` is how long the oldest change waits for its channel to accept it (a stuck
    channel shows here), `oldest_unobserved` how long the oldest accepted level waits to be
    seen. `delay_p50` and `delay_p99` are the channel's own, from acceptance to sight. A channel
    that `oms` says is told no levels has a row while it may still be showing units.
    """
    states = session.query("stock/loop_states")
    if oms is not None:
        states = states.filter(pl.col("channel_id").is_in(_told(oms)) | (pl.col("held") > 0))
    counts = [
        pl.col("levels").filter(pl.col("state") == s).sum().cast(pl.Int64).alias(s) for s in STATES
    ]

    def oldest(*among: str) -> pl.Expr:
        first = pl.col("since").filter(pl.col("state").is_in(among)).min()
        return ((now - first).dt.total_seconds() / 60).round(1)

    found = states.group_by("channel_id").agg(
        *counts,
        oldest("due", "unsettled").alias("oldest_due"),
        oldest("unobserved", "differs").alias("oldest_unobserved"),
    )
    alarms = session.query("stock/loop_alarms")
    delays = session.query("stock/delays").select("channel_id", "delay_p50", "delay_p99")
    return (
        found.join(alarms, on="channel_id", how="left")
        .join(delays, on="channel_id", how="left")
        .with_columns(pl.col("alarms").fill_null(0))
        .sort("channel_id")
    )


def not_observed(
    session: Session,
    now: datetime,
    limit: int,
    channel_id: str | None = None,
    oms: Oms | None = None,
) -> pl.DataFrame:
    """Return the levels not observed as desired, alarmed ones first, with their age in minutes.

    At most `limit`, and in `of_all` how many there are. Of channels that `oms` says are told no
    levels, those that may still be showing units.
    """
    told = _told(oms) if oms else []
    session.frame("tmp_told", pl.DataFrame({"channel_id": told}, schema={"channel_id": pl.String}))
    rows = session.query("stock/loop_levels", channel_id=channel_id, limit=limit, all=oms is None)
    age = ((now - pl.col("since")).dt.total_seconds() / 60).round(1).alias("age")
    return rows.with_columns(age).select(*_FIRST, pl.exclude(*_FIRST, "since"))


def _told(oms: Oms) -> list[str]:
    return [c.id for c in oms.channels if c.stock.mode != "none"]


_FIRST = ["channel_id", "channel_sku", "state", "age", "alarmed_at"]
