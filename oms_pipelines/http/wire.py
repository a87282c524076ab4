"""Bytes over a socket: bounded in time and size, and whole or not at all.

httpx builds requests and httpcore carries them. The socket itself is wrapped, because a
read timeout alone lets a source that sends a byte a second hold a request for ever.
"""

import logging
import math
import ssl
import threading
import time
import weakref
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpcore
import httpx

from oms_pipelines.http.answers import Headers

for _name in ("httpx", "httpcore"):  # their lower levels log whole addresses and headers
    logging.getLogger(_name).setLevel(logging.WARNING)

UNSENDABLE = "its url or a header cannot be sent as written"
_CHUNK = 262_144
_NOT_SENT = (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout)
_TRANSPORT = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError)


@dataclass(frozen=True)
class Fault:
    """Why there is no whole answer. `sent` tells whether the source may have acted on it."""

    text: str
    sent: bool = True
    damaged: bool = False  # an answer came, and its bytes are not what they should be
    final: bool = False  # asking again would bring the same


@dataclass(frozen=True)
class Answer:
    """A whole answer, decompressed."""

    status: int
    headers: Headers
    body: bytes


class _Damage(Exception):
    def __init__(self, text: str, final: bool = False):
        super().__init__(text)
        self.fault = Fault(text, damaged=True, final=final)


class Wire:
    """Connections to one source, kept open between requests. Safe for several threads."""

    def __init__(self, timeout: float, max_bytes: int):
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._limit = _Limit()
        self._pool: httpcore.ConnectionPool | None = None
        self._lock = threading.Lock()

    def send(self, request: httpx.Request, until: float) -> Answer | Fault:
        """Send one request and read its whole answer before `until` (monotonic seconds)."""
        self._limit.until = until
        try:
            return self._exchange(request)
        except _Damage as e:
            return e.fault
        except _NOT_SENT as e:
            return Fault(_reason(e, "cannot be reached"), sent=False)
        except httpcore.LocalProtocolError:
            return Fault(UNSENDABLE, sent=False, final=True)
        except httpcore.RemoteProtocolError:
            return Fault("closed the connection before the whole answer was there")
        except _TRANSPORT as e:
            return Fault(_reason(e, "broke off"))
        except (httpcore.UnsupportedProtocol, ssl.SSLError, OSError) as e:
            return Fault(_reason(e, "cannot be reached"), sent=False)

    def _exchange(self, request: httpx.Request) -> Answer:
        response = self._open(request.url.scheme).handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions={"timeout": dict.fromkeys(_PHASES, self._timeout)},
            )
        )
        try:
            headers = Headers(
                (k.decode("latin-1"), v.decode("latin-1")) for k, v in response.headers
            )
            if request.method == "HEAD" or response.status in (204, 304):
                return Answer(response.status, headers, b"")
            try:
                body = read_body(response.iter_stream(), headers, self._max_bytes)
            except _Damage:
                if response.status < 400:
                    raise
                body = b""  # the status says enough; its page need not be whole
            return Answer(response.status, headers, body)
        finally:
            response.close()

    def _open(self, scheme: str) -> httpcore.ConnectionPool:
        with self._lock:
            if self._pool is None:
                self._pool = httpcore.ConnectionPool(
                    ssl_context=_trust() if scheme == "https" else None,
                    max_connections=16,
                    keepalive_expiry=30,
                    network_backend=_Backend(self._limit),
                )
                weakref.finalize(self, self._pool.close)  # for those who do not close
            return self._pool

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            if self._pool is not None:
                self._pool.close()
                self._pool = None


_PHASES = ("connect", "read", "write", "pool")


@cache
def _trust() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


def _reason(error: Exception, otherwise: str) -> str:
    if isinstance(error, httpcore.TimeoutException):
        return "did not answer in time"
    distrusted = isinstance(error.__context__, ssl.SSLCertVerificationError)
    return "shows a certificate that is not trusted" if distrusted else otherwise


def read_body(chunks: Iterable[bytes], headers: Headers, max_bytes: int) -> bytes:
    """Return the decompressed body. Raises when it is cut, corrupt, or too long."""
    encoding = headers.get("content-encoding", "identity").strip().lower() or "identity"
    if encoding == "identity":
        parts = _capped(chunks, max_bytes)
    elif encoding in ("gzip", "x-gzip"):
        parts = _inflated(_capped(chunks, max_bytes), max_bytes)
    else:
        raise _Damage("answered in a compression that was not asked for", final=True)
    return b"".join(parts)


def _too_long(max_bytes: int) -> _Damage:
    return _Damage(f"answered more than {max_bytes:,} bytes; ask for smaller pages", final=True)


def _capped(chunks: Iterable[bytes], max_bytes: int) -> Iterator[bytes]:
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > max_bytes:
            raise _too_long(max_bytes)
        yield chunk


def _inflated(chunks: Iterable[bytes], max_bytes: int) -> Iterator[bytes]:
    """Decompress gzip members, stopping one byte past the cap, and insist on the last one's end."""
    inflate, total = zlib.decompressobj(wbits=31), 0
    for chunk in chunks:
        while chunk:
            if inflate.eof:
                inflate = zlib.decompressobj(wbits=31)
            try:
                part = inflate.decompress(chunk, max_bytes - total + 1)
            except zlib.error:
                part = None
            if part is None:
                raise _Damage("answered a corrupt gzip body")
            total += len(part)
            if total > max_bytes:
                raise _too_long(max_bytes)
            chunk = inflate.unconsumed_tail or inflate.unused_data
            yield part
    if not inflate.eof:
        raise _Damage("answered a cut gzip body")


class _Limit(threading.local):
    """The moment the request of this thread must have ended."""

    until: float = math.inf

    def left(self, timeout: float | None, error: type[Exception]) -> float:
        left = self.until - time.monotonic()
        if left <= 0:
            raise error
        return left if timeout is None else min(timeout, left)


class _Backend(httpcore.SyncBackend):
    def __init__(self, limit: _Limit):
        self._limit = limit

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *more: Any, **named: Any
    ):
        left = self._limit.left(timeout, httpcore.ConnectTimeout)
        return _Stream(super().connect_tcp(host, port, left, *more, **named), self._limit)


class _Stream(httpcore.NetworkStream):
    """A socket whose every wait ends with the request's deadline."""

    def __init__(self, inner: httpcore.NetworkStream, limit: _Limit):
        self._inner = inner
        self._limit = limit

    def close(self) -> None:
        self._inner.close()

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = self._limit.left(timeout, httpcore.ReadTimeout)
        return self._inner.read(max(max_bytes, _CHUNK), left)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _CHUNK):
            left = self._limit.left(timeout, httpcore.WriteTimeout)
            self._inner.write(buffer[start : start + _CHUNK], left)

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = self._limit.left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left), self._limit)
