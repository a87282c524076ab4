"""Parcels told to a WooCommerce shop, each with one effect however often it is told.

The core has no shipments. Where the shipment tracking extension is installed, its route
takes the parcel; elsewhere (404 rest_no_route) it stands in the order's meta data, under a
key of its own, and in a note. What is there already is read before anything is written. An
order of which nothing is left is then set to completed.
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any
from zoneinfo import ZoneInfo

from oms_pipelines.channels._woo_api import Api
from oms_pipelines.channels.base import Parcel, Receipt
from oms_pipelines.config import Channel as ChannelSettings
from oms_pipelines.errors import Malformed, Rejected, Unreachable

_FINISHED = ("completed", "cancelled", "refunded", "failed", "trash")


class Tracking:
    """Tracking of one shop; remembers whether it has the extension."""

    def __init__(self, api: Api, settings: ChannelSettings):
        self._api = api
        self._options = api.options
        self._zone = ZoneInfo(settings.time_zone)
        # A note to the customer is a mail of the shop: only where the shop tells them.
        self._shop_tells = not settings.tell_customer
        self._extension: bool | None = None

    def push(self, parcels: Iterable[Parcel]) -> Iterator[Receipt]:
        """Announce parcels; one receipt a parcel. Raises Rejected on wrong credentials."""
        for parcel in parcels:
            try:
                yield Receipt(parcel.key, "accepted", self._announce(parcel))
            except (Unreachable, Malformed) as e:
                yield Receipt(parcel.key, "retry", str(e))
            except Rejected as e:
                if e.status in (401, 403):
                    raise
                yield Receipt(parcel.key, "rejected", str(e))

    def _announce(self, parcel: Parcel) -> str:
        if not (parcel.tracking_number and self._by_extension(parcel)):
            self._by_meta(parcel)
        return self._complete(parcel) if parcel.complete else ""

    def _by_extension(self, parcel: Parcel) -> bool:
        """Write the parcel by the extension's route; False where there is none."""
        if self._extension is False:
            return False
        namespace = self._options.tracking_api.strip("/")
        route = f"/{namespace}/orders/{parcel.external_id}/shipment-trackings"
        try:
            known = self._api.get(route).json()
        except Rejected as e:
            if e.status == 404 and e.code == "rest_no_route":
                self._extension = False
                return False
            raise
        self._extension = True
        numbers = {t.get("tracking_number") for t in known or () if isinstance(t, dict)}
        if parcel.tracking_number not in numbers:
            self._api.send("POST", route, self._extension_body(parcel), idempotent=False)
        return True

    def _extension_body(self, parcel: Parcel) -> dict[str, Any]:
        body: dict[str, Any] = {
            "tracking_number": parcel.tracking_number,
            "date_shipped": parcel.shipped_at.astimezone(self._zone).date().isoformat(),
        }
        provider = self._options.carriers.get(parcel.carrier or "")
        if provider:
            return {**body, "tracking_provider": provider}
        return {
            **body,
            "custom_tracking_provider": parcel.carrier or "",
            "custom_tracking_link": parcel.tracking_url or "",
        }

    def _by_meta(self, parcel: Parcel) -> None:
        order = f"orders/{parcel.external_id}"
        key = f"_oms_parcel_{parcel.shipment_id}"
        meta = self._object(order).get("meta_data") or []
        if key not in {m.get("key") for m in meta if isinstance(m, dict)}:
            value = {
                "carrier": parcel.carrier,
                "number": parcel.tracking_number,
                "url": parcel.tracking_url,
                "shipped_at": parcel.shipped_at.isoformat(),
            }
            self._api.send("PUT", order, {"meta_data": [{"key": key, "value": value}]})
        notes = self._api.get(f"{order}/notes").json()
        texts = [str(n.get("note")) for n in notes or () if isinstance(n, dict)]
        if not any(_reference(parcel) in text for text in texts):
            body = {"note": _note(parcel), "customer_note": self._shop_tells}
            self._api.send("POST", f"{order}/notes", body, idempotent=False)

    def _complete(self, parcel: Parcel) -> str:
        order = f"orders/{parcel.external_id}"
        status = self._object(order).get("status")
        if status == "completed":
            return ""
        if status in _FINISHED:
            return f"the order is {status} in the shop and stays so"
        self._api.send("PUT", order, {"status": "completed"})
        return ""

    def _object(self, route: str) -> dict[str, Any]:
        found = self._api.get(route).json()
        if not isinstance(found, dict):
            raise Malformed(f"{self._api.channel_id}: answered no order")
        return found


def _reference(parcel: Parcel) -> str:
    return f"[{hashlib.md5(parcel.shipment_id.encode()).hexdigest()[:10]}]"


def _note(parcel: Parcel) -> str:
    parts = (parcel.carrier, parcel.tracking_number, parcel.tracking_url)
    told = ", ".join(p for p in parts if p) or "without a tracking number"
    return f"Parcel shipped: {told} {_reference(parcel)}"
