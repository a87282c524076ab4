"""What may be changed through the Admin API: quantities and fulfillments."""

from hashlib import sha256
from typing import TYPE_CHECKING, Any

import orjson

from oms_pipelines.sandbox import shop as shops
from oms_pipelines.sandbox.graphql import Refused
from oms_pipelines.sandbox.shopify_shapes import LOCATION, Table, gid, keyed
from oms_pipelines.sandbox.truth import Order, Shop, last_number
from oms_pipelines.sandbox.web import z

if TYPE_CHECKING:
    from oms_pipelines.sandbox.world import World

Json = dict[str, Any]
NAMES = ("available", "on_hand")
MOST = 250
STALE = "The change from quantity does not match the current quantity"


class Writes:
    """The mutations of one shop."""

    def __init__(self, world: "World", shop: Shop, items: dict[str, tuple[int, str]]):
        self.world = world
        self.shop = shop
        self.by_number = dict(items.values())

    def table(self) -> Table:
        """Return the resolvers of the mutations and of what they answer."""
        payload = ("fulfillment", "userErrors")
        return {
            "Mutation": {
                "inventorySetQuantities": lambda _, args: self._set(args),
                "fulfillmentCreate": lambda _, args: self._fulfill(args["fulfillment"]),
                "fulfillmentTrackingInfoUpdate": lambda _, args: self._retrack(args),
            },
            "InventorySetQuantitiesPayload": keyed("inventoryAdjustmentGroup", "userErrors"),
            "InventoryAdjustmentGroup": keyed(
                "id", "createdAt", "reason", "referenceDocumentUri", "changes"
            ),
            "InventoryChange": keyed("name", "delta", "quantityAfterChange"),
            "InventorySetQuantitiesUserError": keyed("code", "field", "message"),
            "FulfillmentCreatePayload": keyed(*payload),
            "FulfillmentTrackingInfoUpdatePayload": keyed(*payload),
            "UserError": keyed("field", "message"),
        }

    def _wrote(self) -> None:
        self.shop.keys["writes"] = self.shop.keys.get("writes", 0) + 1

    def _set(self, args: Json) -> Json:
        modern = self.shop.keys.get("version", "") >= "2026-04"
        key = (args.get("@idempotent") or {}).get("key")
        if modern and not key:
            text = "The @idempotent directive is required for this mutation but was not provided."
            raise Refused([{"message": text, "extensions": {"code": "BAD_REQUEST"}}])
        wish = args["input"]
        said = sha256(orjson.dumps(wish, option=orjson.OPT_SORT_KEYS)).hexdigest()
        known = self.shop.keys.get(f"idempotent/{key}")
        if key and known:
            if known["wish"] != said:
                text = "The idempotency key was used with other parameters."
                raise Refused([{"message": text, "extensions": {"code": "BAD_REQUEST"}}])
            return known["answer"]
        faults = self._faults(wish, modern)
        group = None if faults else self._apply(wish)
        given = {"inventoryAdjustmentGroup": group, "userErrors": faults}
        if key:
            self.shop.keys[f"idempotent/{key}"] = {"wish": said, "answer": given}
        return given

    def _faults(self, wish: Json, modern: bool) -> list[Json]:
        found = []
        if wish["name"] not in NAMES:
            text = "The quantity name must be either 'available' or 'on_hand'."
            return [{"code": "INVALID_NAME", "field": ["input", "name"], "message": text}]
        if len(wish["quantities"]) > MOST:
            text = f"The input array size of {len(wish['quantities'])} is greater than {MOST}"
            raise Refused([{"message": text, "extensions": {"code": "MAX_INPUT_SIZE_EXCEEDED"}}])
        for n, row in enumerate(wish["quantities"]):
            fault = self._fault(row, wish, modern)
            if fault:
                code, name, text = fault
                path = ["input", "quantities", str(n), name]
                found.append({"code": code, "field": path, "message": text})
        return found

    def _fault(self, row: Json, wish: Json, modern: bool) -> tuple[str, str, str] | None:
        sku = self.by_number.get(last_number(row["inventoryItemId"]))
        if sku is None:
            text = "The specified inventory item could not be found."
            return "INVALID_INVENTORY_ITEM", "inventoryItemId", text
        if row["locationId"] != LOCATION:
            text = "The specified location could not be found."
            return "INVALID_LOCATION", "locationId", text
        if row["quantity"] < 0:
            return "INVALID_QUANTITY_NEGATIVE", "quantity", "The quantity can't be negative."
        level = self.shop.levels.get(sku, 0)
        if modern:
            if "changeFromQuantity" not in row:
                text = "InventoryQuantityInput must include changeFromQuantity"
                raise Refused([{"message": text, "extensions": {"code": "BAD_REQUEST"}}])
            if row["changeFromQuantity"] not in (None, level):
                return "CHANGE_FROM_QUANTITY_STALE", "changeFromQuantity", STALE
            return None
        if wish.get("ignoreCompareQuantity"):
            return None
        if row.get("compareQuantity") is None:
            text = "The compareQuantity argument must be given to each quantity."
            return "COMPARE_QUANTITY_REQUIRED", "compareQuantity", text
        if row["compareQuantity"] != level:
            text = "The compareQuantity value does not match the persisted value."
            return "COMPARE_QUANTITY_STALE", "compareQuantity", text
        return None

    def _apply(self, wish: Json) -> Json | None:
        self._wrote()
        changes = []
        for row in wish["quantities"]:
            sku = self.by_number[last_number(row["inventoryItemId"])]
            delta = row["quantity"] - self.shop.levels.get(sku, 0)
            chance = self.world.draw("drop", self.shop.id, sku, self.world.now)
            dropped = delta and self.world.faults.take("drop_stock", self.shop.id, chance)
            if delta and not dropped:
                shops.set_level(self.world, self.shop, sku, row["quantity"], "hub")
            if delta:
                changes.append({"name": wish["name"], "delta": delta})
        if not changes:
            return None
        return {
            "id": gid("InventoryAdjustmentGroup", self.shop.ref()),
            "createdAt": z(self.world.now),
            "reason": wish["reason"],
            "referenceDocumentUri": wish.get("referenceDocumentUri"),
            "changes": changes,
        }

    def _fulfill(self, wish: Json) -> Json:
        order, lines, fault = None, [], None
        for part in wish["lineItemsByFulfillmentOrder"]:
            order = self.shop.orders.get(last_number(part["fulfillmentOrderId"]))
            if order is None:
                fault = "Fulfillment order does not exist."
            elif order.state == "canceled" or not shops.everything_open(order):
                fault = "Fulfillment order is not in a state to be fulfilled."
            else:
                found, fault = _lines(order, part.get("fulfillmentOrderLineItems"))
                lines += found
            if fault:
                break
        if fault or order is None:
            where = ["fulfillment", "lineItemsByFulfillmentOrder"]
            errors = [{"field": where, "message": fault or "No fulfillment order is given."}]
            return {"fulfillment": None, "userErrors": errors}
        self._wrote()
        told = wish.get("trackingInfo") or {}
        number = told.get("number") or next(iter(told.get("numbers") or []), "")
        url = told.get("url") or next(iter(told.get("urls") or []), "")
        tracking = shops.take_tracking(
            self.world, self.shop, order, number, told.get("company") or "", url, lines
        )
        if not shops.everything_open(order):
            order.state, order.closed = "done", self.world.now
        return {"fulfillment": (order, tracking), "userErrors": []}

    def _retrack(self, args: Json) -> Json:
        number = last_number(args["fulfillmentId"])
        for order in self.shop.orders.values():
            for tracking in order.trackings:
                if tracking.id == number:
                    told = args["trackingInfoInput"]
                    tracking.number = told.get("number") or tracking.number
                    tracking.carrier = told.get("company") or tracking.carrier
                    order.updated = self.world.now
                    self._wrote()
                    return {"fulfillment": (order, tracking), "userErrors": []}
        fault = {"field": ["fulfillmentId"], "message": "Fulfillment does not exist."}
        return {"fulfillment": None, "userErrors": [fault]}


def _lines(order: Order, wishes: list[Json] | None) -> tuple[list[tuple[int, int]], str | None]:
    """Return the lines to ship; without a list all that is open."""
    if not wishes:
        return shops.everything_open(order), None
    lines = []
    for wish in wishes:
        line = order.line(wish["id"])
        if line is None:
            return [], "Fulfillment order line item does not exist."
        if not 0 < wish["quantity"] <= line.unshipped:
            return [], "Invalid fulfillment order line item quantity requested."
        lines.append((line.id, wish["quantity"]))
    return lines, None
