"""When a location ships and a parcel arrives: cut-off in its own zone, working days, holidays."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import numpy as np

from oms_pipelines.settings_routing import WEEKDAYS, WorkingDays

NO_CUT_OFF = "23:59 UTC"


@dataclass(frozen=True)
class Calendar:
    """Working days of a week, and the days off besides."""

    week: tuple[str, ...] = WEEKDAYS
    holidays: tuple[date, ...] = ()

    @classmethod
    def of(cls, days: WorkingDays) -> "Calendar":
        """Return the calendar of a location or a carrier."""
        return cls(tuple(days.working_days), tuple(sorted(set(days.holidays))))

    @classmethod
    def read(cls, week: str | None, holidays: str | None) -> "Calendar":
        """Return the calendar of texts such as `mon tue` and `2026-12-25`; null is the default."""
        off = (date.fromisoformat(x) for x in (holidays or "").split())
        return cls(tuple((week or " ".join(WEEKDAYS)).split()), tuple(off))

    def texts(self) -> tuple[str, str]:
        """Return the texts that `read` reads."""
        return " ".join(self.week), " ".join(x.isoformat() for x in self.holidays)

    def after(self, days: Sequence[date], count: int) -> np.ndarray:
        """Return the working day `count` after each day (datetime64[D]).

        A day off counts as the next working day where it is zero days, else as the one before.
        """
        week = " ".join(x.capitalize() for x in self.week)
        return np.busday_offset(
            np.array(days, dtype="datetime64[D]"), count, weekmask=week,
            roll="backward" if count else "forward",
            holidays=np.array(self.holidays, dtype="datetime64[D]"),
        )  # fmt: skip


def ship_by(as_of: datetime, cut_off: str | None, calendar: Calendar | None = None) -> datetime:
    """Return the cut-off (UTC) by which an order planned at `as_of` leaves.

    A plan made at the cut-off itself still meets it. Without a cut-off the day ends at
    23:59 UTC.
    """
    clock, zone = (cut_off or NO_CUT_OFF).split(" ", 1)
    here = as_of.astimezone(ZoneInfo(zone))
    at = time.fromisoformat(clock)
    late = here > here.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
    [day] = (calendar or Calendar()).after([here.date()], 1 if late else 0)
    return datetime.combine(day.astype(object), at, ZoneInfo(zone)).astimezone(UTC)


def day_there(moment: datetime, cut_off: str | None) -> date:
    """Return the date that a moment has where a location's cut-off is."""
    return moment.astimezone(ZoneInfo((cut_off or NO_CUT_OFF).split(" ", 1)[1])).date()
