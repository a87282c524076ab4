"""What time it is: asked once at the start of a run, then passed on as a value."""

import os
from datetime import UTC, datetime

from oms_pipelines.config import Oms, as_time
from oms_pipelines.errors import Misconfigured, Unreachable


def now(oms: Oms) -> datetime:
    """Return the time in UTC: `OMS_NOW`, else the configured clock, else the machine's.

    Raises Unreachable when the configured clock does not answer, Misconfigured when OMS_NOW
    is no time.
    """
    fixed = os.environ.get("OMS_NOW")
    if fixed:
        try:
            return as_time(fixed).astimezone(UTC)
        except (ValueError, OverflowError):
            raise Misconfigured(["OMS_NOW: write a time such as 2026-03-02T06:00:00Z"]) from None
    if oms.clock is None:
        return datetime.now(UTC)
    import httpx  # slow to import, and only a virtual clock is asked for

    try:
        answer = httpx.get(oms.clock, timeout=5, trust_env=False)
        return as_time(answer.raise_for_status().json()["now"]).astimezone(UTC)
    except (httpx.HTTPError, httpx.InvalidURL, KeyError, TypeError, ValueError, OverflowError) as e:
        raise Unreachable(
            f"clock {oms.clock} does not answer ({type(e).__name__}); is the sandbox running? "
            "`oms sandbox` in another terminal serves it"
        ) from None
