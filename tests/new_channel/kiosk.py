"""A channel of a plug-in, the smallest there is: a kiosk that answers a list of sales."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

import orjson

from oms_pipelines.channels.base import Capabilities, Level, Page, Parcel, Receipt, Window
from oms_pipelines.config import Channel as Settings
from oms_pipelines.errors import Malformed
from oms_pipelines.http import Fetcher


class Kiosk:
    """The adapter: one page, no stock, no parcels."""

    capabilities = Capabilities(reads_stock=False, streams=("orders",))

    def __init__(self, settings: Settings):
        self._url = settings.url
        self._fetch = Fetcher(settings.id, auth=None)

    def orders(self, window: Window, resume: str | None = None) -> Iterator[Page]:
        """Yield the one page there is."""
        answer = self._fetch.request("GET", f"{self._url}/sales")
        sales = answer.json()
        newest = max((datetime.fromisoformat(s["when"]) for s in sales), default=None)
        yield Page("orders", answer.body, len(sales), high_water=newest and newest.astimezone(UTC))

    def returns(self, window: Window, resume: str | None = None) -> Iterator[Page]:
        """Yield nothing: a kiosk takes nothing back."""
        return iter(())

    def accept(self, external_ids: Sequence[tuple[str, Sequence[str]]]) -> Iterator[Receipt]:
        """Accept nothing: a kiosk does not ask."""
        return iter(())

    def push_stock(self, levels: Sequence[Level]) -> Iterator[Receipt]:
        """Refuse levels: a kiosk sells what stands in it."""
        return (Receipt(level.key, "rejected", "a kiosk takes no levels") for level in levels)

    def push_tracking(self, parcels: Iterable[Parcel]) -> Iterator[Receipt]:
        """Take parcels as told: nobody asks a kiosk."""
        return (Receipt(parcel.key, "accepted", "not asked for") for parcel in parcels)

    def read_stock(self, channel_skus: Sequence[str]) -> dict[str, int]:
        """Return nothing: a kiosk shows no levels."""
        return {}

    def ping(self) -> str:
        """Try the kiosk."""
        self._fetch.request("GET", f"{self._url}/sales")
        return "answers"


def connect(settings: Settings, profiles: dict) -> Kiosk:
    """Return the adapter."""
    return Kiosk(settings)


def records(stream: str, body: bytes, settings: Settings, profiles: dict) -> Iterable[dict]:
    """Cut a page into sales."""
    try:
        page = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Malformed("not JSON; ask the kiosk again") from None
    return page if isinstance(page, list) else [page]
