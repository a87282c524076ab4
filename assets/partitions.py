"""The days that sources are read by, and which of them a run reads."""

from datetime import UTC, date, datetime, time, timedelta

import dagster as dg

from oms_pipelines import clock
from oms_pipelines.channels.base import Window
from oms_pipelines.config import Oms

LIVE = "oms/live"  # run tag: today is read on from the cursor, not as a whole day
RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
_BACKFILL = "dagster/backfill"
_FIRST = date(2026, 1, 1)
_AHEAD = 184  # days after the first that a configured clock may run ahead of the machine's


def days(oms: Oms) -> dg.DailyPartitionsDefinition:
    """Return the days by update time (UTC), today included.

    Dagster counts them by the machine's clock; a configured one may be ahead of it.
    """
    first = oms.backfill_from or _FIRST
    ahead = 1
    if oms.clock is not None:
        ahead = max(ahead, (first + timedelta(days=_AHEAD) - datetime.now(UTC).date()).days)
    return dg.DailyPartitionsDefinition(first.isoformat(), end_offset=ahead)


def today(oms: Oms, now: datetime | None = None) -> str:
    """Return the partition of today by the hub's clock. Raises Unreachable with it."""
    key = (now or clock.now(oms)).date().isoformat()
    known = days(oms).get_partition_keys()
    return max(min(key, known[-1]), known[0])


def window_of(context: dg.AssetExecutionContext, oms: Oms, now: datetime) -> Window | None:
    """Return the whole days a run reads again; None when it reads on from the cursors.

    A run of the tick reads on. Days in the past, and any range, are read whole. Raises Failure
    for days to come.
    """
    keys = context.partition_key_range
    first, last = (
        datetime.combine(date.fromisoformat(k), time(), UTC) for k in (keys.start, keys.end)
    )
    tags = context.run.tags
    whole = LIVE not in tags or _BACKFILL in tags or RANGE[0] in tags
    if not whole and keys.end >= today(oms, now):
        return None
    if first > now:
        raise dg.Failure(f"{keys.start} is still to come", allow_retries=False)
    return Window(first, min(last + timedelta(days=1), now))
