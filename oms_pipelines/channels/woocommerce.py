"""WooCommerce REST v3: orders and refunds in, stock levels and tracking out.

Source: woocommerce.github.io/woocommerce-rest-api-docs.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson

from oms_pipelines.channels._woo_api import Api
from oms_pipelines.channels._woo_orders import Orders
from oms_pipelines.channels._woo_stock import Stock
from oms_pipelines.channels._woo_tracking import Tracking
from oms_pipelines.channels.base import Capabilities, Level, Page, Parcel, Receipt, Window
from oms_pipelines.config import Channel as ChannelSettings
from oms_pipelines.elements import NOT_JSON, elements, loose_elements, unmarked
from oms_pipelines.errors import Malformed


class WooCommerce:
    """A shop."""

    capabilities = Capabilities(stock_batch=100, streams=("orders", "refunds"))

    def __init__(self, settings: ChannelSettings):
        self._api = Api(settings)
        self._orders = Orders(self._api, settings.time_zone)
        self._stock = Stock(self._api)
        self._tracking = Tracking(self._api, settings)

    @property
    def notes(self) -> list[str]:
        """What people should know that was found out about the shop while reading."""
        return self._orders.notes

    def orders(self, window: Window, resume: str | None = None) -> Iterator[Page]:
        """Yield pages of refunds and of orders; each page of orders after its refunds."""
        return self._orders.pages(window, resume)

    def returns(self, window: Window, resume: str | None = None) -> Iterator[Page]:
        """Yield nothing: the core has no returns, only refunds."""
        return iter(())

    def accept(self, external_ids: Sequence[tuple[str, Sequence[str]]]) -> Iterator[Receipt]:
        """Yield nothing: an order needs no acceptance."""
        return iter(())

    def push_stock(self, levels: Sequence[Level]) -> Iterator[Receipt]:
        """Publish levels by batches of products and of variations; one receipt a level."""
        return self._stock.push(levels)

    def read_stock(self, channel_skus: Sequence[str]) -> dict[str, int]:
        """Return the level of each SKU that keeps stock."""
        return self._stock.read(channel_skus)

    def push_tracking(self, parcels: Iterable[Parcel]) -> Iterator[Receipt]:
        """Announce parcels and complete orders of which nothing is left; see `Tracking`."""
        return self._tracking.push(parcels)

    def ping(self) -> str:
        """Ask for one order. Raises Unreachable, Rejected, Malformed."""
        answer = self._api.get("orders", per_page=1)
        if not isinstance(answer.json(), list):
            raise Malformed(f"{self._api.channel_id}: answered no list of orders; check its url")
        return f"WooCommerce REST v3, {answer.headers.get('x-wp-total', 'some')} orders"


def records(
    stream: str, body: bytes, settings: ChannelSettings, profiles: dict[str, Any]
) -> Iterator[Any]:
    """Yield the orders of a page, or its refunds with their order beside them.

    Raises Malformed when the page is no JSON, or no list where one is promised.
    """
    body = unmarked(body)
    listed = elements(body) if stream != "refunds" else None
    if listed is not None:
        yield from listed
        return
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        yield from _broken(stream, body)
        return
    if stream == "refunds":
        yield from _refunds_of(data)
    elif isinstance(data, dict) and "id" in data:
        yield body
    elif isinstance(data, dict) and isinstance(data.get("orders"), list):
        yield from data["orders"]
    elif isinstance(data, dict) and isinstance(data.get("order"), dict):
        yield data["order"]
    else:
        raise Malformed("not an order, nor a list of orders: id is missing")


def _broken(stream: str, body: bytes) -> Iterator[bytes]:
    """Yield the records of a list in which one is no JSON: it is kept back alone."""
    found = loose_elements(body)
    if found is None:
        raise Malformed(NOT_JSON)
    yield from (b'{"refund":%s}' % x for x in found) if stream == "refunds" else found


def _refunds_of(data: Any) -> Iterator[Any]:
    if isinstance(data, list):
        yield from ({"refund": refund} for refund in data)
    elif isinstance(data, dict) and "refund" in data:
        yield data
    elif isinstance(data, dict) and isinstance(data.get("refunds"), list) and "order" in data:
        yield from ({"order": data["order"], "refund": refund} for refund in data["refunds"])
    elif isinstance(data, dict) and "amount" in data:
        yield {"refund": data}
    else:
        raise Malformed("not a refund, nor a list of refunds: amount is missing")


def connect(settings: ChannelSettings, profiles: dict[str, Any]) -> WooCommerce:
    """Return the adapter of one shop. Raises Misconfigured."""
    return WooCommerce(settings)
