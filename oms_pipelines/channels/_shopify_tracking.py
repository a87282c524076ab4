"""Parcels on Shopify: lines of fulfillment orders, shipped with a tracking number.

Fulfillment orders are split, moved and replaced during the life of an order, so they are
read anew for each parcel. What a fulfillment of the same number already covers is not sent
again: `fulfillmentCreate` has no idempotency key. One call ships from one location.
Source: shopify.dev, fulfillmentCreate and FulfillmentOrder.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from oms_pipelines.channels._shopify_graphql import Graph
from oms_pipelines.channels.base import Parcel, Receipt

_MORE = {
    "fulfillmentOrders": "MoreFulfillableOrders",
    "lineItems": "MoreFulfillableLines",
    "fulfillmentLineItems": "MoreFulfillmentLineItems",
}
_VOID = frozenset({"CANCELLED", "ERROR", "FAILURE"})
_SHIPPABLE = frozenset({"OPEN", "IN_PROGRESS"})


@dataclass(frozen=True)
class _Part:
    """Units of one line of one fulfillment order."""

    location: str
    order: str
    line: str
    quantity: int


def announce(graph: Graph, parcel: Parcel, notify: bool) -> Receipt:
    """Announce one parcel. A parcel the shop has is accepted."""
    order = _order(graph, parcel.external_id)
    if order is None:
        return Receipt(parcel.key, "rejected", "the shop has no such order")
    wanted, told = _wanted(parcel, order["fulfillments"])
    if not wanted:
        text = "the shop has it" if told else "told with the parcel that makes a unit whole"
        return Receipt(parcel.key, "accepted", text)
    parts, missing = _parts(wanted, order["fulfillmentOrders"]["nodes"])
    if not parts:
        return _nothing_left(parcel, order, told)
    for group in _by_location(parts):
        refused = _create(graph, parcel, group, notify)
        if refused:
            return Receipt(parcel.key, "rejected", refused)
    text = f"{missing} units had nothing left to ship" if missing else ""
    return Receipt(parcel.key, "accepted", text)


def _order(graph: Graph, external_id: str) -> dict[str, Any] | None:
    variables = {"id": f"gid://shopify/Order/{external_id}"}
    response = graph.ask("OrderFulfillment", variables)
    payload = response.json()
    graph.complete(response.body, payload, _MORE, outer=False)
    return payload["data"].get("order")


def _wanted(parcel: Parcel, fulfillments: list[dict[str, Any]]) -> tuple[dict[str, int], bool]:
    """Return units by line that are not announced yet, and whether some are."""
    wanted: dict[str, int] = defaultdict(int)
    for line in parcel.whole_lines:
        wanted[line.line_id] += line.quantity
    told = False
    for fulfillment in fulfillments:
        numbers = {t.get("number") for t in fulfillment.get("trackingInfo") or ()}
        if not parcel.tracking_number or fulfillment.get("status") in _VOID:
            continue
        if parcel.tracking_number in numbers:
            told = True
            for line in fulfillment["fulfillmentLineItems"]["nodes"]:
                wanted[_tail(line["lineItem"]["id"])] -= line["quantity"]
    return {line: units for line, units in wanted.items() if units > 0}, told


def _parts(wanted: dict[str, int], orders: list[dict[str, Any]]) -> tuple[list[_Part], int]:
    """Spread units over what fulfillment orders still have; return also what is left over."""
    left, parts = dict(wanted), []
    for order in orders:
        if order["status"] not in _SHIPPABLE:
            continue
        location = ((order.get("assignedLocation") or {}).get("location") or {}).get("id") or ""
        for line in order["lineItems"]["nodes"]:
            key = _tail(line["lineItem"]["id"])
            units = min(left.get(key, 0), line["remainingQuantity"])
            if units > 0:
                left[key] -= units
                parts.append(_Part(location, order["id"], line["id"], units))
    return parts, sum(left.values())


def _nothing_left(parcel: Parcel, order: dict[str, Any], told: bool) -> Receipt:
    statuses = {o["status"] for o in order["fulfillmentOrders"]["nodes"]}
    if statuses & {"ON_HOLD", "SCHEDULED"}:
        return Receipt(parcel.key, "retry", "the shop holds the order")
    if told:
        return Receipt(parcel.key, "accepted", "the shop has what it could take")
    if order.get("cancelledAt"):
        return Receipt(parcel.key, "rejected", "the order is canceled in the shop")
    return Receipt(parcel.key, "rejected", "the shop has nothing left to ship of these lines")


def _by_location(parts: list[_Part]) -> list[list[_Part]]:
    groups: dict[str, list[_Part]] = defaultdict(list)
    for part in parts:
        groups[part.location].append(part)
    return [groups[location] for location in sorted(groups)]


def _create(graph: Graph, parcel: Parcel, parts: list[_Part], notify: bool) -> str | None:
    """Ship some parts in one call; return why it was refused, None when it was not."""
    lines: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for part in parts:
        lines[part.order].append({"id": part.line, "quantity": part.quantity})
    fulfillment = {
        "lineItemsByFulfillmentOrder": [
            {"fulfillmentOrderId": order, "fulfillmentOrderLineItems": some}
            for order, some in sorted(lines.items())
        ],
        "trackingInfo": _tracking(parcel),
        "notifyCustomer": notify,
    }
    answer = graph.data("CreateFulfillment", {"fulfillment": fulfillment}, again=False)
    errors = answer["fulfillmentCreate"]["userErrors"]
    if not errors:
        return None
    field = "/".join(str(step) for step in errors[0].get("field") or ())
    return f"fulfillmentCreate refused {field or 'the parcel'}"


def _tracking(parcel: Parcel) -> dict[str, Any]:
    """Return the number and page; with earlier parcels of parts, those of all of them."""
    told: dict[str, Any] = {
        "company": parcel.carrier,
        "number": parcel.tracking_number,
        "url": parcel.tracking_url,
    }
    if parcel.parts:
        own = [(parcel.tracking_number, parcel.tracking_url)] if parcel.tracking_number else []
        numbers, urls = zip(*own, *parcel.parts, strict=True)
        told = {"company": parcel.carrier, "numbers": numbers, "urls": all(urls) and urls}
    return {k: v for k, v in told.items() if v}


def _tail(gid: str) -> str:
    return gid.rsplit("/", 1)[-1]
