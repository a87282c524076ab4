"""Shopify by its GraphQL Admin API: orders and returns in, stock and parcels out.

Orders are read by update time, oldest first, in pages chained by cursor; an order that
changes while a window is read leaves it and stands in the next. Returns are a stream of
their own over the same orders: most orders have none, so asking for them with each order
would cost points for nothing, and a return that cannot be read costs its order nothing.
Any change of a return moves the update time of its order.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict

import msgspec
import orjson
from pydantic import Field, ValidationError

from oms_pipelines.channels import _shopify_stock, _shopify_tracking
from oms_pipelines.channels._shopify_graphql import Graph, TooCostly, overflows
from oms_pipelines.channels._shopify_pages import has_edges, one_each, records
from oms_pipelines.channels.base import Capabilities, Level, Page, Parcel, Receipt, Window
from oms_pipelines.config import Channel as ChannelSettings
from oms_pipelines.config import Settings
from oms_pipelines.errors import Malformed, Misconfigured, Rejected, Unreachable
from oms_pipelines.http import Fetcher, header_auth
from oms_pipelines.parsing import no_collection

__all__ = ["Options", "Shopify", "connect", "records"]

_MORE_ORDERS = {
    "lineItems": "MoreLineItems",
    "fulfillmentOrders": "MoreFulfillmentOrders",
    "fulfillmentLineItems": "MoreFulfillmentLineItems",
    "refundLineItems": "MoreRefundLineItems",
}
_MORE_RETURNS = {"returns": "MoreReturns", "returnLineItems": "MoreReturnLineItems"}


class _Orders(TypedDict, total=False):
    pageInfo: Any
    nodes: list[msgspec.Raw]


class _Data(TypedDict, total=False):
    orders: _Orders


class _Order(TypedDict, total=False):
    updatedAt: Any


class _Answer(TypedDict, total=False):
    """All that is read of a page of orders before it lands."""

    data: _Data
    errors: Any
    extensions: Any


_SHAPES = {"orders": msgspec.json.Decoder(_Answer)}
_ORDER = msgspec.json.Decoder(_Order)
_UPDATED = b'"updatedAt":"'
_WITHIN = 400  # bytes; the query asks for it in front


class Options(Settings):
    """Shopify's own options of a channel."""

    version: str = Field(default="2026-07", pattern=r"^20(2[6-9]|[3-9]\d)-(01|04|07|10)$")
    location_id: str | None = Field(default=None, pattern=r"^(gid://shopify/Location/)?\d+$")
    locations: dict[str, str] = Field(
        default={}
    )  # the shop's location id to the hub's, for store sales
    page_size: int = Field(default=50, ge=1, le=250)
    nested_size: int = Field(default=20, ge=1, le=250)  # lines asked for with each order
    notify_customer: bool | None = None  # None: the shop tells where the hub does not
    reason: str = "correction"
    ship_unpaid: bool = False  # payment on terms or on delivery: do not hold for payment


def connect(settings: ChannelSettings, profiles: dict[str, Any]) -> "Shopify":
    """Return the adapter of a channel. Raises Misconfigured with every fault."""
    faults = []
    options = Options()
    try:
        options = Options.model_validate(settings.options)
    except ValidationError as e:
        for error in e.errors(include_input=False, include_url=False):
            path = ".".join(str(step) for step in error["loc"])
            faults.append(f"channel {settings.id}: options.{path}: {error['msg']}")
    if options.version < "2026-04":
        faults.append(f"channel {settings.id}: options.version: 2026-04 is the oldest that works")
    if "token" not in settings.credentials:
        faults.append(f"channel {settings.id}: credentials.token: the access token is missing")
    if settings.stock.mode != "none" and options.location_id is None:
        faults.append(f"channel {settings.id}: options.location_id: stock needs a location")
    if not settings.url:
        faults.append(f"channel {settings.id}: url: write https://<shop>.myshopify.com")
    if faults:
        raise Misconfigured(faults)
    return Shopify(settings, options)


class Shopify:
    """One shop."""

    def __init__(self, settings: ChannelSettings, options: Options, fetcher: Fetcher | None = None):
        token = settings.credentials["token"].get_secret_value()
        self._id = settings.id
        self._options = options
        self._fetcher = fetcher or Fetcher(
            settings.id,
            requests_per_second=settings.requests_per_second,
            auth=header_auth("X-Shopify-Access-Token", token),
        )
        url = f"{settings.url.rstrip('/')}/admin/api/{options.version}/graphql.json"
        self._graph = Graph(self._fetcher, url)
        number = (options.location_id or "").rsplit("/", 1)[-1]
        self._location = f"gid://shopify/Location/{number}" if number else None
        asked = options.notify_customer
        self._notify = not settings.tell_customer if asked is None else asked
        self.capabilities = Capabilities(
            idempotency_key=True,
            compare_and_set=True,
            stock_batch=_shopify_stock.STOCK_BATCH,
            reads_stock=self._location is not None,
        )

    def orders(self, window: Window, resume: str | None = None) -> Iterator[Page]:
        """Yield pages of orders changed in a window; `resume` is a cursor."""
        yield from self._pages("Orders", "orders", _between(window), resume, _MORE_ORDERS)

    def returns(self, window: Window, resume: str | None = None) -> Iterator[Page]:
        """Yield pages of orders with returns, changed in a window; a record is a return."""
        query = f"{_between(window)} AND -return_status:no_return"
        yield from self._pages("Returns", "returns", query, resume, _MORE_RETURNS)

    def accept(self, external_ids: Sequence[tuple[str, Sequence[str]]]) -> Iterator[Receipt]:
        """Accept orders: Shopify wants no acceptance."""
        yield from (Receipt(order, "accepted") for order, _ in external_ids)

    def push_stock(self, levels: Sequence[Level]) -> Iterator[Receipt]:
        """Publish levels at the location of `location_id`; one receipt a level."""
        yield from _shopify_stock.push(
            self._graph, self._id, self._place(), self._options.reason, levels
        )

    def push_tracking(self, parcels: Iterable[Parcel]) -> Iterator[Receipt]:
        """Announce parcels; one receipt a parcel."""
        for parcel in parcels:
            yield _shopify_tracking.announce(self._graph, parcel, self._notify)

    def read_stock(self, channel_skus: Sequence[str]) -> dict[str, int]:
        """Return what is available of each SKU, summed where several items share it."""
        items = _shopify_stock.items_of(self._graph, self._place(), channel_skus)
        return {
            sku: sum(i.available for i in some if i.available is not None)
            for sku, some in items.items()
            if any(i.available is not None for i in some)
        }

    def ping(self) -> str:
        """Ask the shop for its name."""
        shop = self._graph.data("Shop", {})["shop"]
        return f"{shop['name']}, {shop['currencyCode']}"

    def _place(self) -> str:
        if self._location is None:
            raise Rejected(f"{self._id}: options.location_id is not set")
        return self._location

    def _pages(
        self,
        operation: str,
        stream: str,
        query: str,
        resume: str | None,
        more: Mapping[str, str],
    ) -> Iterator[Page]:
        first, nested = self._options.page_size, self._options.nested_size
        cursor = resume
        while True:
            variables = {"query": query, "first": first, "nested": nested, "after": cursor}
            try:
                with no_collection():  # until what was parsed is gone
                    page = self._page(operation, stream, variables, more)
            except TooCostly as e:
                if first == 1 and nested == 1:
                    raise Rejected(f"{self._id}: {operation} costs more than allowed") from None
                first, nested = _smaller(first, nested, e.ratio)
                continue
            cursor = page.resume
            yield page
            if cursor is None:
                return

    def _page(
        self, operation: str, stream: str, variables: Mapping[str, Any], more: Mapping[str, str]
    ) -> Page:
        shape = _SHAPES.get(stream)
        response = self._graph.ask(operation, variables, shape=shape)
        payload = response.outline(shape) if shape else response.json()
        found, body = payload["data"].get("orders"), response.body
        if not isinstance(found, dict) or not isinstance(found.get("nodes"), list):
            raise Malformed(f"{self._id}: {operation} was answered without orders.nodes")
        onward = found["pageInfo"]["hasNextPage"]
        following = found["pageInfo"]["endCursor"] if onward else None
        if onward and following in (None, variables["after"]):
            raise Unreachable(f"{self._id}: {operation} does not move on; read again")
        nodes, cut = found["nodes"], None
        if overflows(body, onward):
            payload = response.json()
            nodes = payload["data"]["orders"]["nodes"]
            if self._graph.complete(body, nodes, more, onward):
                body = orjson.dumps(payload)
        elif all(type(node) is msgspec.Raw for node in nodes):
            raw = [bytes(node) for node in nodes]
            if not (raw and has_edges(raw[0])):  # all have the fields that were asked for
                nodes = cut = raw
        return Page(stream, body, _count(stream, nodes), following, _newest(nodes), cut=cut)


def _smaller(first: int, nested: int, ratio: float) -> tuple[int, int]:
    if first > 1:
        return max(1, min(first - 1, int(first * ratio))), nested
    return first, max(1, min(nested - 1, int(nested * ratio)))


def _between(window: Window) -> str:
    """Write a window as a search; its edges go out to whole seconds, which is all there is."""
    start = window.start.astimezone(UTC).replace(microsecond=0)
    end = (window.end.astimezone(UTC) + timedelta(microseconds=999_999)).replace(microsecond=0)
    form = "%Y-%m-%dT%H:%M:%SZ"
    return f"updated_at:>='{start.strftime(form)}' AND updated_at:<'{end.strftime(form)}'"


def _count(stream: str, nodes: list[Any]) -> int:
    return len(nodes) if stream == "orders" else sum(1 for n in nodes for _ in one_each(n))


def _newest(nodes: Sequence[Any]) -> datetime | None:
    times = [time for time in _updates(nodes) if time]
    try:
        return datetime.fromisoformat(max(times)) if times else None
    except (TypeError, ValueError):
        return None


def _updates(nodes: Sequence[Any]) -> Iterator[Any]:
    """Yield the update times of orders, parsed or as their text."""
    for node in nodes:
        if type(node) is bytes:
            start = node.find(_UPDATED, 0, _WITHIN)
            if start > 0 and node.find(b"{", 1, start) < 0:  # a field of the order's own
                start += len(_UPDATED)
                yield node[start : node.find(b'"', start)].decode()
                continue
        if isinstance(node, dict):
            yield node.get("updatedAt")
        elif isinstance(node, (bytes, msgspec.Raw)):
            with suppress(msgspec.MsgspecError):
                yield _ORDER.decode(node).get("updatedAt")
