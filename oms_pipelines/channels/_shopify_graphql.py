"""Asking Shopify's GraphQL Admin API: documents, costs, throttling, nested pages.

Facts: every answer tells its cost and what the bucket holds; a throttled answer comes with
200 or 429, code THROTTLED and no data; a query dearer than the bucket can never run.
Source: shopify.dev, "API limits" and "Response status and error codes".
"""

import re
from collections.abc import Mapping
from functools import cache, partial
from importlib.resources import files
from typing import Any

import msgspec

from oms_pipelines.errors import Malformed, OmsError, Rejected, Unreachable
from oms_pipelines.http import Fetcher, Response

_SPREAD = re.compile(r"\.\.\.([A-Z]\w*)")
_PAGE, _LAST_PAGE = b'"hasNextPage"', b'"hasNextPage":false'
_OPEN_PAGE = re.compile(rb'"hasNextPage"\s*:\s*true')
_TRANSIENT = frozenset({"INTERNAL_SERVER_ERROR", "TIMEOUT", "SERVICE_UNAVAILABLE", "THROTTLED"})
_NO_WORD = 1.0  # seconds to wait where a throttled answer does not tell how long
_LONGEST_NESTED = 250


class TooCostly(OmsError):
    """A query is dearer than the bucket; `ratio` is what may be asked of what was."""

    def __init__(self, ratio: float):
        super().__init__("the query costs more than the shop allows")
        self.ratio = ratio


@cache
def document(operation: str) -> str:
    """Return the text of an operation with the fragments it needs."""
    root = files("oms_pipelines.channels").joinpath("graphql")
    text = root.joinpath(f"{operation}.graphql").read_text(encoding="utf-8")
    wanted, seen = _SPREAD.findall(text), set()
    while wanted:
        name = wanted.pop()
        if name not in seen:
            seen.add(name)
            part = root.joinpath("fragments", f"{name}.graphql").read_text(encoding="utf-8")
            wanted += _SPREAD.findall(part)
            text += part
    return text


class Graph:
    """One shop's GraphQL endpoint. Raises Unreachable, Rejected and Malformed."""

    def __init__(self, fetcher: Fetcher, url: str):
        self._fetcher = fetcher
        self._url = url

    def ask(
        self,
        operation: str,
        variables: Mapping[str, Any],
        *,
        again: bool = True,
        shape: msgspec.json.Decoder | None = None,
    ) -> Response:
        """Send an operation and return its answer, whose JSON has `data` and no errors.

        `again` tells whether it may be repeated without knowing what became of it. Of an
        answer that fits the `shape` no more is built; it names `data`, `errors`, `extensions`.
        Raises TooCostly when the query can never run as it is.
        """
        response = self._fetcher.request(
            "POST",
            self._url,
            json={"query": document(operation), "variables": variables, "operationName": operation},
            expect="any",
            ok=(200, 429),
            idempotent=again,
            on_response=partial(_throttled, shape=shape),
        )
        payload = self._payload(operation, response, shape)
        wait = _cost_wait(payload)
        if wait:
            self._fetcher.pause(wait)  # the next query of this kind would be throttled
        return response

    def data(
        self, operation: str, variables: Mapping[str, Any], *, again: bool = True
    ) -> dict[str, Any]:
        """Send an operation and return the `data` of its answer."""
        return self.ask(operation, variables, again=again).json()["data"]

    def _payload(
        self, operation: str, response: Response, shape: msgspec.json.Decoder | None
    ) -> dict[str, Any]:
        payload = _json(response, shape)
        if payload is None:
            raise Malformed(f"{self._fetcher.source}: {operation} was not answered in JSON")
        errors = payload.get("errors")
        if not errors and isinstance(payload.get("data"), dict):
            return payload
        extensions = _extensions(errors)
        code = str(extensions.get("code") or "")
        if code == "MAX_COST_EXCEEDED":
            cost, most = _number(extensions.get("cost")), _number(extensions.get("maxCost"))
            raise TooCostly(min(0.9, most / cost) if cost and most else 0.5)
        told = f"{self._fetcher.source}: {operation} failed" + (f" ({code})" if _word(code) else "")
        if code in _TRANSIENT:
            raise Unreachable(told)
        raise Rejected(f"{told}; check the rights of its token", code=code if _word(code) else None)

    def complete(self, body: bytes, payload: Any, more: Mapping[str, str], outer: bool) -> bool:
        """Fetch the rest of nested connections that overflow, in place; tell whether any did.

        `more` names the operation that continues each connection; `outer` tells whether the
        page itself is continued. Most pages overflow nowhere, and are not walked through.
        """
        return overflows(body, outer) and self._complete(payload, more)

    def _complete(self, value: Any, more: Mapping[str, str]) -> bool:
        changed = False
        if isinstance(value, list):
            for item in value:
                changed |= self._complete(item, more)
        elif isinstance(value, dict):
            for key, inner in value.items():
                if key in more and isinstance(inner, dict):
                    changed |= self._continue(str(value.get("id")), key, inner, more[key])
                changed |= self._complete(inner, more)
        return changed

    def _continue(self, owner: str, key: str, connection: dict[str, Any], operation: str) -> bool:
        changed = False
        while connection["pageInfo"]["hasNextPage"]:
            after = connection["pageInfo"]["endCursor"]
            variables = {"id": owner, "after": after, "nested": _LONGEST_NESTED}
            rest = (self.data(operation, variables)["node"] or {}).get(key)
            if not rest:
                raise Unreachable(f"{self._fetcher.source}: the rest of {key} has gone; read again")
            connection["nodes"] += rest["nodes"]
            connection["pageInfo"] = rest["pageInfo"]
            changed = True
        return changed


def overflows(body: bytes, outer: bool) -> bool:
    """Tell whether a connection of a page goes on, besides the page itself (`outer`).

    Counting how the shop writes an end takes half the time of looking for what is none.
    """
    if body.count(_PAGE) == body.count(_LAST_PAGE) + int(outer):
        return False
    return len(_OPEN_PAGE.findall(body)) > int(outer)


def _throttled(response: Response, shape: msgspec.json.Decoder | None = None) -> float | None:
    """Return the seconds to wait when an answer is throttled, None when it is not."""
    payload = _json(response, shape)
    if response.status != 429 and _extensions((payload or {}).get("errors")).get("code") != (
        "THROTTLED"
    ):
        return None
    told = _number(response.headers.get("retry-after"))
    return max(_cost_wait(payload or {}), told or 0.0) or _NO_WORD


def _cost_wait(payload: Mapping[str, Any]) -> float:
    """Return the seconds until the bucket holds what the query just sent costs."""
    cost = (payload.get("extensions") or {}).get("cost") or {}
    status = cost.get("throttleStatus") or {}
    asked, rate = _number(cost.get("requestedQueryCost")), _number(status.get("restoreRate"))
    held = _number(status.get("currentlyAvailable"))
    if asked is None or held is None or not rate:
        return 0.0
    return max(0.0, asked - held) / rate


def _json(response: Response, shape: msgspec.json.Decoder | None) -> dict[str, Any] | None:
    try:
        payload = response.outline(shape) if shape else response.json()
    except Malformed:
        return None
    return payload if isinstance(payload, dict) else None


def _extensions(errors: Any) -> dict[str, Any]:
    first = errors[0] if isinstance(errors, list) and errors else None
    found = first.get("extensions") if isinstance(first, dict) else None
    return found if isinstance(found, dict) else {}


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _word(text: str) -> bool:
    return bool(re.fullmatch(r"[A-Z][A-Z0-9_]{0,63}", text))
