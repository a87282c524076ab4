"""Asking a Mirakl operator: one pace an operation, errors by their code, pages by offset.

Operators publish how often each operation may be called, and answer 429 with Retry-After
beyond it; no header tells what is left. Writes have no idempotency key: a write that fails
is followed by reading what state it left.
Source: developer.mirakl.com, MMP seller API.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from oms_pipelines.errors import Malformed, Rejected, Unreachable
from oms_pipelines.http import Auth, Fetcher, Response


@dataclass(frozen=True)
class Listed:
    """A list in an answer, and what tells its rows apart."""

    name: str
    key: str


ORDERS = Listed("orders", "order_id")
OFFERS = Listed("offers", "shop_sku")
MOST_IDS = 100  # of OR11's order_ids
DONE = frozenset({"SHIPPED", "TO_COLLECT", "RECEIVED", "CLOSED"})
ENDED = frozenset({"CANCELED", "REFUSED", "WAITING_REFUND", "WAITING_REFUND_PAYMENT"})


class Api:
    """One shop on one operator. Raises Unreachable, Rejected and Malformed."""

    def __init__(
        self,
        source: str,
        url: str,
        auth: Auth,
        shop_id: int | None,
        requests_per_second: float | None,
        calls_per_minute: Mapping[str, float],
        **fetching: Any,
    ):
        self.source = source
        self._url = f"{url.rstrip('/')}/api"
        self._auth = auth
        self._shop = {} if shop_id is None else {"shop_id": shop_id}
        self._pace = requests_per_second
        self._calls = calls_per_minute
        self._fetching = fetching
        self._fetchers: dict[str, Fetcher] = {}

    def request(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        files: Mapping[str, tuple[str, bytes, str]] | None = None,
        expect: str = "json",
    ) -> Response:
        """Call an operation (`OR11`, ...) by its path below `/api`."""
        return self._fetcher(operation).request(
            method,
            f"{self._url}{path}",
            params={**(params or {}), **self._shop},
            json=json,
            files=files,
            expect=expect,
        )

    def _fetcher(self, operation: str) -> Fetcher:
        if operation not in self._fetchers:
            calls = self._calls.get(operation)
            pace = calls / 60 if calls else self._pace
            self._fetchers[operation] = Fetcher(
                self.source, auth=self._auth, requests_per_second=pace, **self._fetching
            )
        return self._fetchers[operation]

    def pause(self, operation: str, seconds: float) -> None:
        """Let no call of an operation start for some seconds."""
        self._fetcher(operation).pause(seconds)

    def states(self, order_ids: list[str]) -> dict[str, str]:
        """Return the state of each order the shop has, read anew."""
        return {order["order_id"]: order["order_state"] for order in self.read(order_ids)}

    def read(self, order_ids: list[str]) -> Iterator[dict[str, Any]]:
        """Yield orders by their ids."""
        for start in range(0, len(order_ids), MOST_IDS):
            some = order_ids[start : start + MOST_IDS]
            params = {"order_ids": ",".join(some), "max": MOST_IDS}
            yield from rows(self, self.request("OR11", "GET", "/orders", params=params), "orders")

    def offsets(
        self,
        operation: str,
        path: str,
        listed: Listed,
        size: int,
        params: Mapping[str, Any],
        at: str,
    ) -> Iterator[tuple[Response, list[Any], str | None]]:
        """Yield pages by offset: the answer, its rows, and where the next page begins.

        `at` is what an earlier page was yielded with, or empty. When the total falls while
        pages are read, that many rows have gone from before the offset or after it, and the
        offset goes back by as many: a row may come twice, none is left out. Rows of the
        page before, served again, do not move the offset. A total that is never reached is
        an error, not an end.
        """
        offset, known = _position(at)
        before: set[Any] = set()
        while True:
            page = {**params, "max": size, "offset": offset}
            response = self.request(operation, "GET", path, params=page)
            found = rows(self, response, listed.name)
            total = response.json().get("total_count")
            if not isinstance(total, int):
                raise Malformed(f"{self.source}: {operation} was answered without total_count")
            if known is not None and total < known and offset > 0:
                offset, known, before = max(0, offset - (known - total)), total, set()
                continue
            known = total
            keys = [row.get(listed.key) if isinstance(row, dict) else None for row in found]
            offset += min(size, sum(key is None or key not in before for key in keys))
            before = set(keys)
            following = f"{offset}:{total}" if offset < total else None
            if following == at:
                raise Unreachable(f"{self.source}: {operation} gave fewer rows than total_count")
            at = following or ""
            yield response, found, following
            if following is None:
                return


def _position(at: str) -> tuple[int, int | None]:
    offset, _, total = at.partition(":")
    return int(offset or 0), int(total) if total else None


def rows(api: Api, response: Response, name: str) -> list[Any]:
    """Return the rows of an answer. Raises Malformed when it has none."""
    payload = response.json()
    found = payload.get(name) if isinstance(payload, dict) else None
    if not isinstance(found, list):
        raise Malformed(f"{api.source}: an answer came without {name}")
    return found


def told(error: Rejected) -> str:
    """Return a short impersonal text of a refusal."""
    return error.code or f"answered {error.status}"
