"""Orders and refunds of a WooCommerce shop, page by page.

Orders are read on a fixed window of change times, oldest id first. A change while paging
takes an order out of the window and moves the rest forward, so the shop's own count is
watched: when it shrinks, as many pages are read again as rows may have moved, and what came
is compared with the count at the end.

A refund lands as `{"order": {...}, "refunds": <the shop's bytes>}`: it names neither its
order nor a currency by itself. Source: woocommerce.github.io/woocommerce-rest-api-docs.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from oms_pipelines.channels._woo_api import Api
from oms_pipelines.channels.base import Page, Window
from oms_pipelines.errors import Malformed, OmsError, Rejected, Unreachable
from oms_pipelines.http import Unreadable

_MOST_STEPS_BACK = 50  # a shop busier than this is asked again later
_OPEN = ("processing", "on-hold")


@dataclass(frozen=True)
class _Pass:
    """One walk through a list of orders. `sift`: land only pages that touch the window."""

    name: str
    params: dict[str, str]
    filtered: bool = False  # the shop filters by change time
    sift: bool = False


@dataclass(frozen=True)
class _Place:
    """Where a walk stands; its text is the resume token."""

    name: str
    mode: str
    page: int = 1
    total: int = 0  # the shop's count when it was last read, 0 when unknown

    def __str__(self) -> str:
        return f"{self.name}.{self.mode}.{self.page}.{self.total}"


@dataclass(frozen=True)
class _Listing:
    """One page of orders as answered; `orders` is None when it cannot be read."""

    body: bytes
    orders: list[Any] | None
    total: int
    pages: int | None


class _FilterIgnored(Exception):
    """The shop answered orders from before the window."""


class Orders:
    """The orders of one shop. `notes` tells people what was found out while reading."""

    def __init__(self, api: Api, time_zone: str):
        self._api = api
        self._options = api.options
        self._id = api.channel_id
        self._zone = ZoneInfo(time_zone)
        self._mode: str = self._options.window
        self.notes: list[str] = []

    def pages(self, window: Window, resume: str | None = None) -> Iterator[Page]:
        """Yield the refunds of a page of orders, then the page itself, for all pages.

        Refunds come first and carry the token of the page that names them, so that a run
        that dies between both reads them again. Raises Unreachable, Rejected, Malformed.
        """
        held: Page | None = None
        try:
            for page in self._all_passes(window, resume):
                if held is not None:
                    yield held
                held = page
        except OmsError:
            if held is not None:
                yield held
            raise
        if held is not None:
            yield replace(held, resume=None)

    def _all_passes(self, window: Window, resume: str | None) -> Iterator[Page]:
        place = _parse(resume) if resume else None
        if place:
            self._mode = place.mode
        names = [p.name for p in self._passes(window)]
        first = names.index(place.name) if place and place.name in names else 0
        for i, name in enumerate(names[first:], first):
            start = place if place and place.name == name else _Place(name, self._mode)
            after = names[i + 1] if i + 1 < len(names) else None
            try:
                yield from self._walk(window, start, after)
            except _FilterIgnored:
                self._mode = "created"
                self.notes.append(
                    f"{self._id}: answers orders from before the window; reading by creation "
                    f"date. Set options.window to created, or to local if it compares local times"
                )
                yield from self._walk(window, _Place(name, self._mode), after)

    def _passes(self, window: Window) -> list[_Pass]:
        names = ["any", "trash"] if self._options.trash else ["any"]
        passes = [self._by_window(name, window) for name in names]
        every = timedelta(hours=self._options.reread_every)
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        due = (window.start - epoch) // every != (window.end - epoch) // every
        if self._options.reread_days and due and self._mode != "created":
            after = _second(window.end - timedelta(days=self._options.reread_days))
            passes += [_Pass(s, {"status": s, **_since(after)}) for s in _OPEN]
        return passes

    def _by_window(self, status: str, window: Window) -> _Pass:
        # WordPress compares whole seconds and leaves both bounds out.
        start, end = _ceil(window.start) - timedelta(seconds=1), _ceil(window.end)
        if self._mode == "created":
            after = start - timedelta(days=self._options.created_days)
            return _Pass(status, {"status": status, **_since(_second(after))}, sift=True)
        if self._mode == "local":
            start, end = start.astimezone(self._zone), end.astimezone(self._zone)
            start -= timedelta(hours=1)  # in autumn local clocks show an hour twice
            bounds = {"modified_after": _second(start), "modified_before": _second(end)}
            return _Pass(status, {"status": status, **bounds})
        bounds = {"modified_after": _second(start), "modified_before": _second(end)}
        return _Pass(status, {"status": status, **bounds, "dates_are_gmt": "true"}, filtered=True)

    def _walk(self, window: Window, place: _Place, after: str | None) -> Iterator[Page]:
        """Yield the pages of one pass from a place on."""
        step = {p.name: p for p in self._passes(window)}[place.name]
        countable, again, steps_back = place.page == 1, False, 0
        seen: set[Any] = set()
        while True:
            listing = self._list(step, place.page)
            if step.filtered and any(
                _changed_before(o, window.start) for o in listing.orders or ()
            ):
                raise _FilterIgnored
            seen.update(_ids(listing.orders))
            countable = countable and listing.orders is not None
            lost = max(0, place.total - listing.total)
            last = self._is_last(listing, place.page)
            onward: _Place | None = replace(place, page=place.page + 1, total=listing.total)
            if lost:
                steps_back += 1
                page = max(1, place.page - ceil(lost / self._options.per_page))
                onward = replace(place, page=page, total=listing.total)
            elif last and countable and not again and len(seen) < listing.total:
                again, onward = True, replace(place, page=1, total=listing.total)
            elif last:
                onward = None
            following = _Place(after, self._mode) if after else None
            yield from self._landed(step, window, listing, place, onward or following)
            if steps_back > _MOST_STEPS_BACK:
                raise Unreachable(f"{self._id}: orders change faster than they can be paged")
            if onward is None:
                break
            place = onward
        if countable and len(seen) < listing.total:
            raise Unreachable(f"{self._id}: served {len(seen)} of {listing.total} orders it counts")

    def _is_last(self, listing: _Listing, page: int) -> bool:
        if listing.pages is not None:
            return page >= listing.pages
        return len(listing.orders or ()) < self._options.per_page

    def _list(self, step: _Pass, page: int) -> _Listing:
        params = {**step.params, "page": page, "per_page": self._options.per_page}
        try:
            answer = self._api.get("orders", orderby="id", order="asc", **params)
            body, headers, orders = answer.body, answer.headers, answer.json()
        except Unreadable as e:  # its headers still tell how many pages there are
            body, headers, orders = e.response.body, e.response.headers, None
        total, pages = _count(headers.get("x-wp-total")), _count(headers.get("x-wp-totalpages"))
        if not isinstance(orders, list):
            if pages is None:
                raise Malformed(f"{self._id}: answered no list of orders; check its url")
            orders = None
        return _Listing(body, orders, total or 0, pages)

    def _landed(
        self,
        step: _Pass,
        window: Window,
        listing: _Listing,
        place: _Place,
        onward: _Place | None,
    ) -> Iterator[Page]:
        """Yield a page of orders after the refunds it names; nothing when it says nothing."""
        orders = [o for o in listing.orders or () if isinstance(o, dict)]
        if step.sift:
            orders = [o for o in orders if not _changed_before(o, window.start)]
        if listing.orders is not None and not (orders if step.sift else listing.orders):
            return
        for order in orders:
            if order.get("refunds"):
                yield from self._refunds(order, str(place))
        yield Page(
            "orders",
            listing.body,
            None if listing.orders is None else len(listing.orders),
            str(onward) if onward else None,
            max(filter(None, map(_modified, orders)), default=None),
        )

    def _refunds(self, order: dict[str, Any], resume: str) -> Iterator[Page]:
        route = f"orders/{order.get('id')}/refunds"
        fields = ("id", "currency", "status", "date_completed_gmt")
        head = orjson.dumps({"order": {f: order.get(f) for f in fields}})[:-1]
        for page in range(1, 1000):
            try:
                answer = self._api.get(route, page=page, per_page=self._options.per_page)
                body, refunds = answer.body, answer.json()
            except Unreadable as e:
                body, refunds = e.response.body, None
            except Rejected as e:
                if e.status == 404:  # deleted since it was listed
                    return
                raise
            count = len(refunds) if isinstance(refunds, list) else None
            if count or count is None:
                yield Page(
                    "refunds", head + b',"refunds":' + body + b"}", count, resume, None, route
                )
            if count is None or count < self._options.per_page:
                return


def _parse(token: str) -> _Place:
    name, mode, page, total = token.rsplit(".", 3)
    return _Place(name, mode, int(page), int(total))


def _ids(orders: list[Any] | None) -> set[Any]:
    return {o.get("id") for o in orders or () if isinstance(o, dict)}


def _count(header: str | None) -> int | None:
    return int(header) if header and header.isdigit() else None


def _ceil(moment: datetime) -> datetime:
    whole = moment.replace(microsecond=0)
    return whole if whole == moment else whole + timedelta(seconds=1)


def _second(moment: datetime) -> str:
    return moment.replace(tzinfo=None, microsecond=0).isoformat()


def _since(after: str) -> dict[str, str]:
    return {"after": after, "dates_are_gmt": "true"}


def _modified(order: dict[str, Any]) -> datetime | None:
    try:
        return datetime.fromisoformat(order["date_modified_gmt"]).replace(tzinfo=UTC)
    except (KeyError, TypeError, ValueError):
        return None  # old versions do not tell


def _changed_before(order: Any, start: datetime) -> bool:
    modified = _modified(order) if isinstance(order, dict) else None
    return modified is not None and modified < start - timedelta(seconds=1)
