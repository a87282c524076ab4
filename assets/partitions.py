"""The days that sources are read by, and which of them a run reads."""

from datetime import UTC, date, datetime, time, timedelta

import dagster as dg

from oms_pipelines import clock
from oms_pipelines.channels.base import Window
from oms_pipelines.config import Oms
from oms_pipelines.errors import Unreachable

LIVE = "oms/live"  # run tag: today is read on from the cursor, not as a whole day
RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
_BACKFILL = "dagster/backfill"
_FIRST = date(2026, 1, 1)
Days = dg.DailyPartitionsDefinition


def days(oms: Oms) -> Days:
    """Return the days by update time (UTC) up to today by the hub's clock, at least one."""
    first, machine = oms.backfill_from or _FIRST, datetime.now(UTC).date()
    try:
        last = clock.now(oms).date()
    except Unreachable:
        last = machine
    # Dagster counts days by the machine's clock; a configured one may be behind or ahead of it
    return Days(first.isoformat(), end_offset=(max(first, last) - machine).days + 1)


def today(partitions: Days, now: datetime) -> str:
    """Return the partition of today: the last one known when time went on since they were made."""
    known = partitions.get_partition_keys()
    return max(min(now.date().isoformat(), known[-1]), known[0])


def window_of(context: dg.AssetExecutionContext, partitions: Days, now: datetime) -> Window | None:
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
    if not whole and keys.end >= today(partitions, now):
        return None
    if first > now:
        raise dg.Failure(f"{keys.start} is still to come", allow_retries=False)
    return Window(first, min(last + timedelta(days=1), now))
