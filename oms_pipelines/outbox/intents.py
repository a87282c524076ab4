"""Promise what the state of the store obliges the hub to tell.

Called in the transaction that changed the state. The key is derived from the state, so a
call that a crash cut off is made good by the next one, and nothing is promised twice.
"""

from datetime import datetime, timedelta

import polars as pl

from oms_pipelines.config import Oms
from oms_pipelines.schema import columns_of
from oms_pipelines.store import Session

NEWS = timedelta(days=7)  # older events are history: telling them now would only confuse
SLACK = timedelta(days=2)  # a source's clock may run ahead of ours by a day
OVERLAP = timedelta(days=1)  # a run stores facts under the clock value it began with
OUTBOX = list(columns_of("outbox"))


def promise(session: Session, oms: Oms, now: datetime) -> int:
    """Write the intents that are due and not promised yet; return how many."""
    since = now - NEWS
    last = session.query("outbox/last_promise", since=since)["created_at"][0]
    due = session.query(
        "outbox/due_intents",
        since=since,
        recent=max(since, last - OVERLAP) if last else since,
        promised_since=since - SLACK,
    )
    steps = list(oms.notifications.steps) if oms.notifications.smtp else []
    told = [c.id for c in oms.channels if c.tell_customer]
    channels = [c.id for c in oms.channels]
    wanted = due.filter(
        pl.when(pl.col("kind") == "message")
        .then(pl.col("step").is_in(steps) & pl.col("destination").is_in(told))
        .otherwise(pl.col("destination").is_in(channels))
    )
    return session.insert_new("outbox", pending(wanted, now)) if wanted.height else 0


def pending(intents: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Return outbox rows of intents (key, kind, destination, subject, step)."""
    return intents.with_columns(
        pl.lit(None, pl.String).alias("payload_hash"),
        pl.lit("pending").alias("state"),
        pl.lit(0, pl.Int64).alias("attempts"),
        pl.lit(now).alias("created_at"),
        pl.lit(now).alias("next_attempt_at"),
        pl.lit(None, pl.Datetime("us", "UTC")).alias("delivered_at"),
        pl.lit(None, pl.String).alias("receipt"),
        pl.lit(None, pl.String).alias("error"),
    ).select(OUTBOX)
