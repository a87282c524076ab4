"""What time it is: asked once at the start of a run, then passed on as a value."""

import os
from datetime import UTC, datetime

import httpx

from oms_pipelines.config import Oms, as_time
from oms_pipelines.errors import Unreachable


def now(oms: Oms) -> datetime:
    """Return the time in UTC: `OMS_NOW`, else the configured clock, else the machine's.

    Raises Unreachable when the configured clock does not answer.
    """
    fixed = os.environ.get("OMS_NOW")
    if fixed:
        return as_time(fixed).astimezone(UTC)
    if oms.clock is None:
        return datetime.now(UTC)
    try:
        answer = httpx.get(oms.clock, timeout=5, trust_env=False)
        return as_time(answer.raise_for_status().json()["now"]).astimezone(UTC)
    except (httpx.HTTPError, KeyError, ValueError) as e:
        raise Unreachable(
            f"clock {oms.clock} does not answer ({type(e).__name__}); is the sandbox running?"
        ) from None
