"""A call and its answer, apart from any server; and the errors every network can make."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from oms_pipelines.sandbox.world import World

WORTH_ZIPPING = 1400


@dataclass(frozen=True)
class Call:
    """One HTTP request. `path` begins after the system's own prefix, `url` holds no query."""

    method: str
    url: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""

    def json(self) -> Any:
        """Return the body as JSON; None when it is none."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None

    def number(self, name: str, default: int) -> int:
        """Return a query parameter as a number; the default when it is absent or none."""
        try:
            return int(self.query.get(name, default))
        except ValueError:
            return default

    def moment(self, name: str) -> datetime | None:
        """Return a query parameter as a time with offset; None when it is absent or none."""
        try:
            return datetime.fromisoformat(self.query[name])
        except (KeyError, ValueError):
            return None


@dataclass
class Answer:
    """One HTTP response. `changed` tells that the call had an effect."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    changed: bool = False


def answer(
    value: Any, status: int = 200, *, changed: bool = False, headers: dict[str, str] | None = None
) -> Answer:
    """Return a value as JSON."""
    kind = {"content-type": "application/json; charset=utf-8"}
    return Answer(status, orjson.dumps(value), kind | (headers or {}), changed)


Serve = Callable[["World", Call], Answer]
Refusal = Callable[[int, dict[str, Any]], Answer]


def respond(world: "World", target: str, call: Call, serve: Serve, refuse: Refusal) -> Answer:
    """Answer a call, with the faults that were asked for."""
    faults = world.faults
    throttle = faults.take("throttle", target)
    if throttle:
        return refuse(429, throttle)
    if faults.take("unavailable", target):
        return refuse(503, {})
    given = serve(world, call)
    if given.changed and faults.take("fail_after", target):
        return refuse(500, {})
    if "gzip" in call.headers.get("accept-encoding", "") and given.body:
        cut = faults.take("cut_gzip", target)
        if cut or len(given.body) > WORTH_ZIPPING:
            given.body = gzip.compress(given.body, 1)
            given.headers["content-encoding"] = "gzip"
            if cut:
                given.body = given.body[: max(len(given.body) // 2, 12)]
    return given


def retry_after(fault: dict[str, Any]) -> dict[str, str]:
    """Return the Retry-After header a throttling fault asks for, in seconds or as a date."""
    return {"retry-after": str(fault.get("retry_after", 1))}


def z(moment: datetime | None) -> str | None:
    """Return a time as ISO 8601 in UTC with Z."""
    return moment.isoformat().replace("+00:00", "Z") if moment else None


def money(cents: int) -> str:
    """Return cents as a decimal string."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}"
