"""Acceptances and parcels on Mirakl.

Without the operator's multi-shipment option an order has one tracking number and ships as a
whole: OR23, then OR24, with its last parcel. With it each parcel is a shipment (ST01).
Nothing here has an idempotency key: what is there already is looked for first, and a
refused write is followed by reading the order's state.
Source: developer.mirakl.com, OR21, OR23, OR24, ST01 and ST11.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from oms_pipelines.channels._mirakl_api import DONE, ENDED, Api, rows, told
from oms_pipelines.channels.base import Parcel, Receipt
from oms_pipelines.errors import Rejected

_BEFORE_SHIPPING = frozenset(
    {"STAGING", "WAITING_ACCEPTANCE", "WAITING_DEBIT", "WAITING_DEBIT_PAYMENT"}
)
_REFUSALS = frozenset({400, 404, 409, 422})


def accept(api: Api, order_id: str, line_ids: Sequence[str]) -> Receipt:
    """Accept all lines of an order; one that is accepted already counts as accepted."""
    refused = _decide(api, order_id, line_ids)
    if refused is None:
        return Receipt(order_id, "accepted")
    order = next(api.read([order_id]), None)
    if order is None:
        return Receipt(order_id, "rejected", "the operator has no such order")
    state = order["order_state"]
    if state in ENDED:
        return Receipt(order_id, "rejected", f"the order is {state}")
    if state not in ("WAITING_ACCEPTANCE", "STAGING"):
        return Receipt(order_id, "accepted", "already accepted")
    lines = [line["order_line_id"] for line in order["order_lines"]]
    if state == "WAITING_ACCEPTANCE" and set(lines) != set(line_ids):
        refused = _decide(api, order_id, lines)  # all lines are decided in one call, or none
        if refused is None:
            return Receipt(order_id, "accepted")
    return Receipt(order_id, "retry" if state == "STAGING" else "rejected", refused)


def _decide(api: Api, order_id: str, line_ids: Sequence[str]) -> str | None:
    body = {"order_lines": [{"id": line, "accepted": True} for line in line_ids]}
    return _write(api, "OR21", "PUT", f"/orders/{_part(order_id)}/accept", body)


def announce_whole(api: Api, parcel: Parcel, carriers: Mapping[str, str]) -> Receipt:
    """Announce the last parcel of an order: its number, then that the order has shipped."""
    if not parcel.complete:
        return Receipt(parcel.key, "accepted", "told with the order's last parcel")
    path = f"/orders/{_part(parcel.external_id)}"
    tracking = _tracking(parcel, carriers, "carrier_url")
    refused = _write(api, "OR23", "PUT", f"{path}/tracking", tracking) if tracking else None
    if refused is None:
        refused = _write(api, "OR24", "PUT", f"{path}/ship", None)
        if refused is None:
            return Receipt(parcel.key, "accepted")
    return _by_state(api, parcel, refused)


def announce_shipment(api: Api, parcel: Parcel, carriers: Mapping[str, str]) -> Receipt:
    """Announce one parcel as a shipment of its own.

    A shipment has one number, and units: a parcel that makes no sold unit whole is none, and
    its number cannot be told.
    """
    if not parcel.whole_lines:
        return Receipt(parcel.key, "accepted", "not told: no sold unit is whole with it")
    if any(_is_it(shipment, parcel) for shipment in _shipments(api, parcel.external_id)):
        return Receipt(parcel.key, "accepted", "the operator has it")
    tracking = _tracking(parcel, carriers, "tracking_url")
    shipment = {
        "order_id": parcel.external_id,
        "shipped": True,
        "shipment_lines": [
            {
                "order_line_id": line.line_id,
                "quantity": line.quantity,
                "package_reference": parcel.shipment_id,
            }
            for line in parcel.whole_lines
        ],
        **({"tracking": tracking} if tracking else {}),
    }
    try:
        answer = api.request("ST01", "POST", "/shipments", json={"shipments": [shipment]}).json()
    except Rejected as e:
        if e.status not in _REFUSALS:
            raise
        return _by_state(api, parcel, told(e))
    errors = [e for one in answer.get("shipment_errors") or () for e in one.get("errors") or ()]
    if not errors:
        return Receipt(parcel.key, "accepted")
    return _by_state(api, parcel, str(errors[0].get("code") or "refused"))


def _by_state(api: Api, parcel: Parcel, refused: str) -> Receipt:
    """Answer for a refused parcel by the state its order is in."""
    state = api.states([parcel.external_id]).get(parcel.external_id)
    if state is None:
        return Receipt(parcel.key, "rejected", "the operator has no such order")
    if state in DONE:
        return Receipt(parcel.key, "accepted", f"the order is {state}")
    if state in _BEFORE_SHIPPING:
        return Receipt(parcel.key, "retry", f"the order is {state}")
    if state in ENDED:
        return Receipt(parcel.key, "rejected", f"the order is {state}")
    return Receipt(parcel.key, "rejected", refused)


def _shipments(api: Api, order_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    token: str | None = None
    while True:
        params = {"order_id": order_id, "limit": 100, "page_token": token}
        response = api.request("ST11", "GET", "/shipments", params=params)
        found += rows(api, response, "data")
        token = response.json().get("next_page_token")
        if not token:
            return found


def _is_it(shipment: dict[str, Any], parcel: Parcel) -> bool:
    number = (shipment.get("tracking") or {}).get("tracking_number")
    references = {line.get("package_reference") for line in shipment.get("shipment_lines") or ()}
    same = number == parcel.tracking_number if parcel.tracking_number else False
    return shipment.get("status") != "CANCELED" and (same or parcel.shipment_id in references)


def _tracking(parcel: Parcel, carriers: Mapping[str, str], url: str) -> dict[str, str]:
    """Name the carrier by the operator's code where options.carriers has it, else by name."""
    code = carriers.get(parcel.carrier or "")
    known = {"carrier_code": code} if code else {"carrier_name": parcel.carrier}
    if not code or url == "tracking_url":
        known[url] = parcel.tracking_url
    known["tracking_number"] = parcel.tracking_number
    return {name: value for name, value in known.items() if value}


def _write(api: Api, operation: str, method: str, path: str, body: Any) -> str | None:
    """Send a write; return why the operator refused it, None when it did not."""
    try:
        api.request(operation, method, path, json=body, expect="any")
    except Rejected as e:
        if e.status not in _REFUSALS:
            raise
        return told(e)
    return None


def _part(order_id: str) -> str:
    return quote(order_id, safe="")
