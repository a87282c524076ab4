"""How fast a source may be asked: its declared rate, and what its own headers say."""

import math
import threading
from collections.abc import Callable
from email.utils import parsedate_to_datetime

from oms_pipelines.http.answers import Headers

_REMAINING_AND_RESET = (
    ("ratelimit-remaining", "ratelimit-reset"),
    ("x-ratelimit-remaining", "x-ratelimit-reset"),
    ("x-rate-limit-remaining", "x-rate-limit-reset"),
)
_FULL = 0.9  # of a leaky bucket: above this share, requests wait until it has leaked
_SHOPIFY_SECONDS_TO_EMPTY = 20  # its buckets of 40, 80 and 400 all leak dry in this time
_EPOCH = 1_000_000_000  # a reset above this is a moment, below it a delay


class Pace:
    """Spaces the requests of one source. Safe to use from several threads."""

    def __init__(self, requests_per_second: float | None, clock: Callable[[], float]):
        self._gap = 1 / requests_per_second if requests_per_second else 0.0
        self._clock = clock
        self._next = -math.inf
        self._lock = threading.Lock()

    def take_slot(self, patience: float) -> tuple[bool, float]:
        """Return (taken, seconds to wait); no slot is taken beyond `patience` seconds."""
        with self._lock:
            now = self._clock()
            wait = max(0.0, self._next - now)
            if wait > patience:
                return False, wait
            self._next = max(now, self._next) + self._gap
            return True, wait

    def pause(self, seconds: float) -> None:
        """Let no request start for some seconds."""
        with self._lock:
            self._next = max(self._next, self._clock() + seconds)

    def learn(self, headers: Headers, wall: float) -> None:
        """Slow down as the headers of an answer ask. `wall` is now, in seconds of epoch."""
        if wait := _bucket_wait(headers.get("x-shopify-shop-api-call-limit", "")):
            self.pause(wait)
        for remaining, reset in _REMAINING_AND_RESET:
            if number(headers.get(remaining)) == 0:
                delay = number(headers.get(reset)) or 0.0
                self.pause(max(0.0, delay - wall) if delay > _EPOCH else delay)
        if rate := number(headers.get("x-amzn-ratelimit-limit")):
            with self._lock:
                self._gap = max(self._gap, 1 / rate)


def _bucket_wait(calls: str) -> float:
    used, _, size = calls.partition("/")
    filled, limit = number(used), number(size)
    if not filled or not limit:
        return 0.0
    return max(0.0, filled - _FULL * limit) * _SHOPIFY_SECONDS_TO_EMPTY / limit


def number(text: str | None) -> float | None:
    """Return a header's number; None when it is absent, negative, or not a finite number."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def retry_after(headers: Headers, wall: float) -> float | None:
    """Return the seconds a source asks to wait, given in seconds or as a date.

    A date is measured against the source's own `Date`, so that a wrong clock here does not
    turn patience into a storm.
    """
    text = headers.get("retry-after", "").strip()
    seconds = number(text)
    if seconds is not None:
        return seconds
    until, asked = _moment(text), _moment(headers.get("date", ""))
    if until is None:
        return None
    return max(0.0, until - (wall if asked is None else asked))


def _moment(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
