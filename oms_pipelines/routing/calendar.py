"""When a location ships: cut-off in its own zone, Monday to Friday. Holidays count as days."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

NO_CUT_OFF = "23:59 UTC"


def ship_by(as_of: datetime, cut_off: str | None) -> datetime:
    """Return the cut-off (UTC) by which an order planned at `as_of` leaves.

    A plan made at the cut-off itself still meets it. Without a cut-off the day ends at
    23:59 UTC.
    """
    clock, zone = (cut_off or NO_CUT_OFF).split(" ", 1)
    here = as_of.astimezone(ZoneInfo(zone))
    at = time.fromisoformat(clock)
    late = here > here.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
    day = working_days_after(here.date(), 1 if late else 0)
    return datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC)


def working_days_after(day: date, days: int) -> date:
    """Return the working day `days` after `day`; a weekend day counts as the next Monday."""
    if days and day.weekday() > 4:
        day -= timedelta(day.weekday() - 4)  # after a weekend, the first day is Monday
    moved = np.busday_offset(np.datetime64(day, "D"), days, roll="forward")
    return moved.astype(object)
