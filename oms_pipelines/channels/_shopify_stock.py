"""Stock levels on Shopify: inventory items by SKU, absolute quantities with a compare.

A call sets all its quantities or none. Since API 2026-04 each quantity carries
`changeFromQuantity` (null: no compare) and the call an idempotency key, so a repeat of a
call whose answer was lost has no second effect.
Source: shopify.dev, inventorySetQuantities.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from oms_pipelines.channels._shopify_graphql import Graph
from oms_pipelines.channels.base import Level, Receipt

STOCK_BATCH = 250
_SKUS_A_QUERY = 50
_STALE = frozenset({"CHANGE_FROM_QUANTITY_STALE", "COMPARE_QUANTITY_STALE"})
_LATER = frozenset({"SERVICE_NOT_AVAILABLE", "IDEMPOTENCY_CONCURRENT_REQUEST"})
_TEXTS = {
    "ITEM_NOT_STOCKED_AT_LOCATION": "the item is not stocked at the location of location_id",
    "INVALID_LOCATION": "location_id names no active location",
    "NON_MUTABLE_INVENTORY_ITEM": "the item's quantity cannot be set",
}


@dataclass(frozen=True)
class Item:
    """An inventory item at one location. `available` is None where it is not stocked."""

    item_id: str
    tracked: bool
    available: int | None


@dataclass(frozen=True)
class _Entry:
    level: Level
    item_id: str


def items_of(graph: Graph, location: str, skus: Sequence[str]) -> dict[str, list[Item]]:
    """Return the inventory items of each SKU; one SKU may stand on several."""
    found: dict[str, list[Item]] = {}
    ordered = sorted(set(skus))
    for start in range(0, len(ordered), _SKUS_A_QUERY):
        some = ordered[start : start + _SKUS_A_QUERY]  # few enough to look through
        words = " OR ".join(f'sku:"{_escaped(sku)}"' for sku in some)
        after: str | None = None
        while True:
            variables = {"query": words, "location": location, "after": after}
            page = graph.data("InventoryBySku", variables)["inventoryItems"]
            for node in page["nodes"]:
                # the search ignores case and takes prefixes; SKUs compare binary
                if node["sku"] in some:
                    found.setdefault(node["sku"], []).append(_item(node))
            if not page["pageInfo"]["hasNextPage"]:
                break
            after = page["pageInfo"]["endCursor"]
    return found


def push(
    graph: Graph, channel: str, location: str, reason: str, levels: Sequence[Level]
) -> Iterator[Receipt]:
    """Publish levels; one receipt a level."""
    for start in range(0, len(levels), STOCK_BATCH):
        some = levels[start : start + STOCK_BATCH]
        items = items_of(graph, location, [level.channel_sku for level in some])
        entries: dict[str, _Entry] = {}
        for level in some:
            wrong = _unfit(items.get(level.channel_sku, []))
            if wrong:
                yield Receipt(level.key, "rejected", wrong)
                continue
            entry = _Entry(level, items[level.channel_sku][0].item_id)
            if entry.item_id in entries:
                yield Receipt(level.key, "rejected", "another level names the same channel SKU")
            else:
                entries[entry.item_id] = entry
        yield from _set(graph, channel, location, reason, list(entries.values()))


def _set(
    graph: Graph, channel: str, location: str, reason: str, entries: list[_Entry]
) -> Iterator[Receipt]:
    """Set quantities; take out what is refused, since one refusal voids the whole call."""
    stale: list[_Entry] = []
    while entries:
        refused = _call(graph, channel, location, reason, entries)
        if not refused:
            yield from (Receipt(e.level.key, "accepted") for e in entries)
            break
        for index, code in refused.items():
            if code in _STALE:
                stale.append(entries[index])
            else:
                outcome = "retry" if code in _LATER else "rejected"
                yield Receipt(entries[index].level.key, outcome, _TEXTS.get(code, code))
        entries = [e for i, e in enumerate(entries) if i not in refused]
    yield from _look_again(graph, location, stale)


def _look_again(graph: Graph, location: str, stale: list[_Entry]) -> Iterator[Receipt]:
    """Answer for levels whose compare failed: the quantity may be the wanted one already."""
    if not stale:
        return
    items = items_of(graph, location, [e.level.channel_sku for e in stale])
    for entry in stale:
        now = [item.available for item in items.get(entry.level.channel_sku, [])]
        if now == [entry.level.quantity]:
            yield Receipt(entry.level.key, "accepted", "already so")
        else:
            yield Receipt(entry.level.key, "retry", "changed meanwhile")


def _call(
    graph: Graph, channel: str, location: str, reason: str, entries: list[_Entry]
) -> dict[int, str]:
    """Send one call; return the code of each refused entry by its index."""
    quantities = [
        {
            "inventoryItemId": e.item_id,
            "locationId": location,
            "quantity": e.level.quantity,
            "changeFromQuantity": e.level.expected,
        }
        for e in entries
    ]
    key = str(uuid.uuid4())  # one a call: the transport's repeats carry the same
    variables = {
        "input": {
            "name": "available",
            "reason": reason,
            "referenceDocumentUri": f"oms://{channel}/levels/{key}",
            "quantities": quantities,
        },
        "key": key,
    }
    errors = graph.data("SetStock", variables)["inventorySetQuantities"]["userErrors"]
    refused = {}
    for error in errors:
        code = str(error.get("code") or "refused")
        index = _index(error.get("field"))
        if index is None or not 0 <= index < len(entries):
            return dict.fromkeys(range(len(entries)), code)
        refused.setdefault(index, code)
    return refused


def _index(path: Any) -> int | None:
    steps = [str(step) for step in path or ()]
    return next((int(step) for step in steps if step.isdigit()), None)


def _unfit(items: list[Item]) -> str | None:
    if not items:
        return "the shop has no item of this SKU"
    if len(items) > 1:
        return f"{len(items)} items of the shop have this SKU; make it unique"
    if not items[0].tracked:
        return "the shop does not track this item"
    if items[0].available is None:
        return _TEXTS["ITEM_NOT_STOCKED_AT_LOCATION"]
    return None


def _item(node: dict[str, Any]) -> Item:
    level = node.get("inventoryLevel")
    quantities = level["quantities"] if level else []
    available = next((q["quantity"] for q in quantities if q["name"] == "available"), None)
    return Item(node["id"], bool(node.get("tracked", True)), available)


def _escaped(sku: str) -> str:
    return sku.replace("\\", "\\\\").replace('"', '\\"')
