"""`Fetcher`: requests to one source, paced, retried, checked, and told without secrets."""

import random
import time
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import httpx
import orjson

from oms_pipelines.errors import Malformed, Misconfigured, OmsError, Rejected, Unreachable
from oms_pipelines.http.answers import Response, Unreadable, check_body, is_json, machine_code
from oms_pipelines.http.auth import Auth, Credentials
from oms_pipelines.http.pace import Pace, retry_after
from oms_pipelines.http.wire import UNSENDABLE, Fault, Wire

Params = Mapping[str, Any] | Sequence[tuple[str, Any]]
Files = Mapping[str, tuple[str, bytes, str]]
OnResponse = Callable[[Response], float | None]

_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_AGAIN = frozenset({408, 425, 429})
_LONGEST_BACKOFF = 30.0
_CURES = {
    400: "the request is wrong for this source",
    401: "check its credentials",
    403: "check the rights of its credentials",
    404: "check its url",
    422: "the source refuses the values sent",
}


@dataclass(frozen=True, repr=False)
class _Call:
    """One request as asked for, before credentials."""

    method: str
    url: str  # without query
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    content: bytes | None
    form: Mapping[str, str] | None
    files: Files | None
    idempotent: bool
    expect: str
    ok: Container[int]
    on_response: OnResponse | None


@dataclass(frozen=True, repr=False)
class _Failure:
    """Why an attempt brought no answer to return, and whether another may."""

    error: OmsError
    again: bool
    wait: float | None = None


class Fetcher:
    """The one way to ask one source over HTTP. Safe to use from several threads.

    `timeout` bounds each wait for the network, `deadline` a request with all its retries,
    both in seconds; `max_bytes` bounds a body once decompressed. `auth` gives credentials
    for each attempt. A pause longer than the deadline is not slept through: it is raised
    as Unreachable with `retry_after`, for the scheduler to come back.
    """

    def __init__(
        self,
        source: str,
        *,
        timeout: float = 30.0,
        deadline: float = 120.0,
        max_bytes: int = 64 * 1024 * 1024,
        requests_per_second: float | None = None,
        retries: int = 5,
        backoff: float = 0.5,
        auth: Auth | None = None,
        headers: Mapping[str, str] | None = None,
        accept_encoding: str = "gzip",
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        jitter: Callable[[], float] = random.random,
    ):
        self.source = source
        self._deadline = deadline
        self._retries = retries
        self._backoff = backoff
        self._auth = auth
        self._headers = {"User-Agent": "oms-pipelines", "Accept-Encoding": accept_encoding}
        self._headers.update(headers or {})
        self._sleep, self._clock, self._wall, self._jitter = sleep, clock, wall, jitter
        self._pace = Pace(requests_per_second, clock)
        self._wire = Wire(timeout, max_bytes)

    def __repr__(self) -> str:
        return f"Fetcher({self.source!r})"

    def __enter__(self) -> "Fetcher":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections kept open."""
        self._wire.close()

    def pause(self, seconds: float) -> None:
        """Let no request to this source start for some seconds."""
        self._pace.pause(seconds)

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        content: bytes | None = None,
        form: Mapping[str, str] | None = None,
        files: Files | None = None,
        expect: str = "json",
        ok: Container[int] = range(200, 300),
        idempotent: bool | None = None,
        on_response: OnResponse | None = None,
    ) -> Response:
        """Return the answer to one request, whole and of the expected type.

        `expect` is `json`, `any`, or a media type; `ok` the statuses to return; `files` are
        name: (file name, bytes, media type). A write that is not `idempotent` is repeated
        only where it cannot have had effect: never sent, 429, 503 with Retry-After.
        `on_response` sees each answer, and returns seconds to wait if its body throttles.
        Raises Unreachable when retries or deadline are spent, Rejected (`status`, `code`) on
        other statuses, Malformed on a cut, corrupt, too long or foreign body, and its kind
        Unreadable (`response`) on a whole one that is not JSON.
        """
        if json is not None:
            content, headers = orjson.dumps(json), {**_JSON, **(headers or {})}
        if expect == "json":
            headers = {"Accept": "application/json", **(headers or {})}
        safe = method.upper() in _IDEMPOTENT if idempotent is None else idempotent
        base, query = self._address(url, params)
        checks = (safe, expect, ok, on_response)
        return self._answered(
            _Call(method.upper(), base, query, headers or {}, content, form, files, *checks)
        )

    def _answered(self, call: _Call) -> Response:
        ends = self._clock() + self._deadline
        for attempt in range(self._retries + 1):
            self._await_slot(call, ends)
            result = self._attempt(call, ends)
            if isinstance(result, Response):
                return result
            wait = result.wait or self._backed_off(attempt)
            if result.wait:
                self._pace.pause(wait)  # the whole source asked for it, not this request alone
            if not result.again or attempt == self._retries or self._clock() + wait > ends:
                break
            if not result.wait:
                self._sleep(wait)
        raise result.error

    def _address(self, url: str, params: Params | None) -> tuple[str, list[tuple[str, str]]]:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Misconfigured([f"{self.source}: its url must start with http:// or https://"])
        if "@" in parts.netloc:
            raise Misconfigured([f"{self.source}: credentials do not belong in its url"])
        query = parse_qsl(parts.query, keep_blank_values=True) + _pairs(params)
        return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", "", "")), query

    def _await_slot(self, call: _Call, ends: float) -> None:
        taken, wait = self._pace.take_slot(ends - self._clock())
        if not taken:
            text = self._text(call, f"must wait {wait:.0f} s for the source's own limit")
            raise Unreachable(text, retry_after=wait)
        if wait:
            self._sleep(wait)

    def _backed_off(self, attempt: int) -> float:
        return min(_LONGEST_BACKOFF, self._backoff * 2**attempt) * (0.5 + self._jitter() / 2)

    def _attempt(self, call: _Call, ends: float) -> Response | _Failure:
        left = max(0.0, ends - self._clock())
        answer = self._wire.send(self._request(call), time.monotonic() + left)
        if isinstance(answer, Fault):
            return self._failed(call, answer)
        self._pace.learn(answer.headers, self._wall())
        response = Response(answer.status, answer.headers, answer.body)
        if answer.status not in call.ok:
            return self._refused(call, response)
        if wrong := check_body(response, call.expect):
            return _Failure(Malformed(self._text(call, wrong)), again=False)
        if call.expect == "json" and not is_json(response):
            text = self._text(call, "answered a body that is not JSON")
            return _Failure(Unreadable(text, response), again=False)
        wait = call.on_response(response) if call.on_response else None
        if wait is None:
            return response
        text = self._text(call, "throttles; lower its requests_per_second")
        return _Failure(Unreachable(text, retry_after=wait), again=True, wait=wait)

    def _request(self, call: _Call) -> httpx.Request:
        credentials = self._auth(call.method, call.url, call.query) if self._auth else Credentials()
        query = urlencode([*call.query, *credentials.params.items()], quote_via=quote)
        try:
            return httpx.Request(
                call.method,
                f"{call.url}?{query}" if query else call.url,
                headers={**self._headers, **call.headers, **credentials.headers},
                content=call.content,
                data=call.form,
                files=call.files,
            )
        except (ValueError, TypeError, httpx.InvalidURL):
            pass  # raised below: these texts repeat addresses and header values
        raise Misconfigured([self._text(call, UNSENDABLE)])

    def _failed(self, call: _Call, fault: Fault) -> _Failure:
        text = self._text(call, fault.text)
        if fault.damaged:
            return _Failure(Malformed(text), again=call.idempotent and not fault.final)
        if fault.final:
            return _Failure(Misconfigured([text]), again=False)
        if fault.sent and not call.idempotent:
            return _Failure(Unreachable(f"{text}; it may have taken effect"), again=False)
        return _Failure(Unreachable(text), again=True)

    def _refused(self, call: _Call, response: Response) -> _Failure:
        status, code = response.status, machine_code(response)
        told = f"answered {status}" + (f" ({code})" if code else "")
        wait = retry_after(response.headers, self._wall())
        if status in _AGAIN or status >= 500:
            untouched = status == 429 or (status == 503 and wait is not None)
            text = self._text(call, told)
            if not (call.idempotent or untouched):
                text += "; it may have taken effect"
            error = Unreachable(text, retry_after=wait)
            return _Failure(error, again=call.idempotent or untouched, wait=wait)
        cure = _CURES.get(status, "write the address it redirects to" if status < 400 else "")
        text = self._text(call, f"{told}; {cure}" if cure else told)
        return _Failure(Rejected(text, status=status, code=code), again=False)

    def _text(self, call: _Call, what: str) -> str:
        path = "/".join("*" if "@" in s or "%40" in s else s for s in call.url.split("/")[3:])
        return f"{self.source}: {call.method} /{path[:120]} {what}"


_JSON = {"Content-Type": "application/json"}


def _pairs(params: Params | None) -> list[tuple[str, str]]:
    """Return parameters as text pairs: None left out, sequences repeated, booleans as JSON's."""
    items = params.items() if isinstance(params, Mapping) else params or ()
    pairs: list[tuple[str, str]] = []
    for name, value in items:
        values = value if isinstance(value, (list, tuple)) else [value]
        pairs += [(name, _word(v)) for v in values if v is not None]
    return pairs


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
