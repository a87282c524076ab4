"""Mirakl marketplaces by the seller API: orders and returns in, acceptances, stock, parcels out.

Orders are read by update time (OR11) in pages by offset, sorted by creation: the window ends
in the past, so nothing enters it while it is read, and what is updated meanwhile leaves it,
which the total tells. Returns (RT11) come by page token.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from pydantic import Field, ValidationError

from oms_pipelines.channels import _mirakl_stock, _mirakl_tracking
from oms_pipelines.channels._mirakl_api import ORDERS, Api, rows
from oms_pipelines.channels.base import Capabilities, Level, Page, Parcel, Receipt, Window
from oms_pipelines.config import Channel as ChannelSettings
from oms_pipelines.config import Settings
from oms_pipelines.elements import NOT_JSON, elements, loose_elements, unmarked
from oms_pipelines.errors import Malformed, Misconfigured
from oms_pipelines.http import header_auth


class Options(Settings):
    """Mirakl's own options of a channel."""

    shop_id: int | None = None  # where one user has several shops
    page_size: int = Field(default=100, ge=1, le=100)
    multi_shipment: bool = False  # the operator has switched multi-shipment on
    returns: bool = True  # the operator has the return feature
    reads_stock: bool = True
    read_each: int = Field(default=20, ge=0)  # up to so many SKUs are read one by one
    warehouse_code: str = ""  # empty: quantities are global
    carriers: dict[str, str] = Field(default={})  # the hub's carrier to the operator's code
    poll_seconds: float = Field(default=15, ge=0)
    poll_limit: int = Field(default=40, ge=1)
    calls_per_minute: dict[str, float] = Field(default={})  # by operation, such as OR11


def connect(settings: ChannelSettings, profiles: dict[str, Any]) -> "Mirakl":
    """Return the adapter of a channel. Raises Misconfigured with every fault."""
    faults = []
    options = Options()
    try:
        options = Options.model_validate(settings.options)
    except ValidationError as e:
        for error in e.errors(include_input=False, include_url=False):
            path = ".".join(str(step) for step in error["loc"])
            faults.append(f"channel {settings.id}: options.{path}: {error['msg']}")
    if any(calls <= 0 for calls in options.calls_per_minute.values()):
        faults.append(f"channel {settings.id}: options.calls_per_minute: write more than 0")
    if "key" not in settings.credentials:
        faults.append(f"channel {settings.id}: credentials.key: the shop's API key is missing")
    if not settings.url:
        faults.append(f"channel {settings.id}: url: write https://<operator>.mirakl.net")
    if faults:
        raise Misconfigured(faults)
    return Mirakl(settings, options)


class Mirakl:
    """One shop of one operator."""

    def __init__(self, settings: ChannelSettings, options: Options, **fetching: Any):
        self._options = options
        self._id = settings.id
        self._api = Api(
            settings.id,
            settings.url,
            header_auth("Authorization", settings.credentials["key"].get_secret_value()),
            options.shop_id,
            settings.requests_per_second,
            options.calls_per_minute,
            **fetching,
        )
        self.capabilities = Capabilities(
            several_parcels=options.multi_shipment,
            several_parcels_per_line=options.multi_shipment,
            needs_acceptance=True,
            stock_batch=_mirakl_stock.STOCK_BATCH,
            reads_stock=options.reads_stock,
            streams=("orders", "returns") if options.returns else ("orders",),
        )

    def orders(self, window: Window, resume: str | None = None) -> Iterator[Page]:
        """Yield pages of orders changed in a window; `resume` is offset:total."""
        params = {"start_update_date": _utc(window.start), "end_update_date": _last(window.end)}
        size = self._options.page_size
        for response, found, following in self._api.offsets(
            "OR11", "/orders", ORDERS, size, params, resume or ""
        ):
            newest = _newest(found, "last_updated_date")
            yield Page("orders", response.body, len(found), following, newest)

    def returns(self, window: Window, resume: str | None = None) -> Iterator[Page]:
        """Yield pages of returns changed in a window; `resume` is a page token."""
        token = resume
        while self._options.returns:
            params = {
                "return_last_updated_from": _utc(window.start),
                "return_last_updated_to": _last(window.end),
                "limit": self._options.page_size,
                "page_token": token,
            }
            response = self._api.request("RT11", "GET", "/returns", params=params)
            found = rows(self._api, response, "data")
            before, token = token, response.json().get("next_page_token")
            if token and token == before:
                raise Malformed(f"{self._id}: RT11 gave the same page_token twice")
            newest = _newest(found, "last_updated")
            yield Page("returns", response.body, len(found), token or None, newest)
            if not token:
                return

    def accept(self, external_ids: Sequence[tuple[str, Sequence[str]]]) -> Iterator[Receipt]:
        """Accept orders, all lines of an order in one call; key is the order id."""
        for order_id, line_ids in external_ids:
            yield _mirakl_tracking.accept(self._api, order_id, line_ids)

    def push_stock(self, levels: Sequence[Level]) -> Iterator[Receipt]:
        """Publish levels by a file import; one receipt a level, once the import is judged."""
        o = self._options
        yield from _mirakl_stock.push(
            self._api, levels, o.warehouse_code, o.poll_seconds, o.poll_limit
        )

    def push_tracking(self, parcels: Iterable[Parcel]) -> Iterator[Receipt]:
        """Announce parcels: each as a shipment, or the order with its last one."""
        several = self._options.multi_shipment
        announce = (
            _mirakl_tracking.announce_shipment if several else _mirakl_tracking.announce_whole
        )
        for parcel in parcels:
            yield announce(self._api, parcel, self._options.carriers)

    def read_stock(self, channel_skus: Sequence[str]) -> dict[str, int]:
        """Return the quantity of the offer of each SKU (OF21)."""
        o = self._options
        return _mirakl_stock.read(self._api, channel_skus, o.read_each, o.page_size)

    def ping(self) -> str:
        """Ask the operator which shop this is (A01)."""
        shop = self._api.request("A01", "GET", "/account").json()
        return f"shop {shop.get('shop_id')}, {shop.get('shop_name') or 'without a name'}"


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _last(end: datetime) -> str:
    """Return the last moment of a window: the API includes it, a window does not."""
    return _utc(end - timedelta(milliseconds=1))


def _newest(found: list[Any], field: str) -> datetime | None:
    times = [row.get(field) for row in found if isinstance(row, dict) and row.get(field)]
    try:
        return datetime.fromisoformat(max(times)) if times else None
    except (TypeError, ValueError):
        return None


_LIST = {"orders": "orders", "returns": "data"}
_KEY = {"orders": "order_lines", "returns": "return_lines"}


def records(
    stream: str, body: bytes, settings: ChannelSettings, profiles: dict[str, Any]
) -> Iterable[Any]:
    """Cut a page of OR11 into orders, of RT11 into returns; a single record stands alone.

    Raises Malformed when the page is no JSON, or of another operation.
    """
    body = unmarked(body)
    name = _LIST.get(stream, "data")
    cut = elements(body, name)
    if cut is not None:
        return cut
    try:
        page = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = loose_elements(body, name)
        if found is None:
            raise Malformed(NOT_JSON) from None
        return found
    if isinstance(page, list):
        return page
    if isinstance(page, dict):
        for envelope in (name, "orders", "data"):
            if isinstance(page.get(envelope), list):
                return page[envelope]
        if "order_id" not in page and _KEY.get(stream, "id") not in page and _foreign(page):
            raise Malformed(f"not {stream}: {name} is missing, it is another resource or an error")
    return [page]


def _foreign(page: dict[str, Any]) -> bool:
    """Tell whether an object is an answer of another operation, or an error."""
    if {"status", "import_id", "errors", "message"} & page.keys():
        return "id" not in page
    return bool(page) and all(isinstance(value, list) for value in page.values())
