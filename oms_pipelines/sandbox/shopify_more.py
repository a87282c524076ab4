"""Fields of fulfillment, refunds, returns and inventory in the Admin API."""

from typing import TYPE_CHECKING, Any

from oms_pipelines.sandbox.shopify_query import connection
from oms_pipelines.sandbox.shopify_shapes import (
    LOCATION,
    Table,
    fulfillment_order_status,
    gid,
    keyed,
    lines_to_fulfill,
    nested,
    plain,
    tax_in,
)
from oms_pipelines.sandbox.truth import Order, Refund, Shop
from oms_pipelines.sandbox.web import money, z

if TYPE_CHECKING:
    from oms_pipelines.sandbox.world import World

RESTOCK = {"cancel": "CANCEL", "return": "RETURN"}
REASONS = {"too-long": "SIZE_TOO_LARGE", "too-short": "SIZE_TOO_SMALL", "color": "COLOR",
           "damaged-or-defective": "DEFECTIVE", "changed-my-mind": "UNWANTED",
           "item-not-as-described": "NOT_AS_DESCRIBED",
           "received-the-wrong-item": "WRONG_ITEM"}  # fmt: skip


def _delivery(order: Order) -> dict[str, Any]:
    return {
        "id": gid("DeliveryMethod", order.id),
        "methodType": "PICK_UP" if order.collect else "SHIPPING",
        "minDeliveryDateTime": None,
        "maxDeliveryDateTime": None,
    }


def _refund_lines(pair: tuple[Order, Refund]) -> list[Any]:
    order, refund = pair
    rows = ((order.line(number), quantity, cents) for number, quantity, cents in refund.lines)
    return [(order, refund, line, quantity, cents) for line, quantity, cents in rows if line]


def _reason(triple: Any) -> dict[str, Any]:
    handle = triple[1].reason
    return {
        "id": gid("ReturnReasonDefinition", sum(handle.encode())),
        "handle": handle,
        "name": handle.replace("-", " ").capitalize(),
        "deleted": False,
    }


def _return_lines(pair: Any) -> list[Any]:
    order, back = pair
    rows = [(order, back, n, *line) for n, line in enumerate(back.lines)]
    return [("ReturnLineItem", row) for row in rows]


def _line_of(order: Order, number: int) -> Any:
    return (order, next(x for x in order.lines if x.id == number))


FULFILLING: Table = {
    "FulfillmentOrder": {
        **plain(
            id=lambda o: gid("FulfillmentOrder", o.id),
            status=fulfillment_order_status,
            requestStatus=lambda o: "UNSUBMITTED",
            createdAt=lambda o: z(o.placed),
            updatedAt=lambda o: z(o.updated),
            orderId=lambda o: gid("Order", o.id),
            orderName=lambda o: f"#{o.id}",
            assignedLocation=lambda o: o,
            deliveryMethod=_delivery,
            fulfillAt=lambda o: z(o.placed),
        ),
        "lineItems": nested(lines_to_fulfill),
    },
    "FulfillmentOrderAssignedLocation": plain(
        name=lambda o: "Online stock", countryCode=lambda o: "FR", location=lambda o: o
    ),
    "DeliveryMethod": keyed("id", "methodType", "minDeliveryDateTime", "maxDeliveryDateTime"),
    "FulfillmentOrderLineItem": plain(
        id=lambda p: gid("FulfillmentOrderLineItem", p[1].id),
        totalQuantity=lambda p: p[1].quantity - p[1].canceled,
        remainingQuantity=lambda p: p[1].unshipped,
        sku=lambda p: p[1].sku,
        lineItem=lambda p: p,
    ),
    "Fulfillment": {
        **plain(
            id=lambda p: gid("Fulfillment", p[1].id),
            legacyResourceId=lambda p: str(p[1].id),
            name=lambda p: f"#{p[0].id}-F{p[1].id}",
            status=lambda p: "SUCCESS",
            createdAt=lambda p: z(p[1].at),
            updatedAt=lambda p: z(p[1].at),
            totalQuantity=lambda p: sum(q for _, q in p[1].lines),
            order=lambda p: p[0],
            trackingInfo=lambda p: [
                {"company": p[1].carrier, "number": p[1].number, "url": p[1].url}
            ],
        ),
        "fulfillmentLineItems": nested(lambda p: [(*p, number, q) for number, q in p[1].lines]),
    },
    "FulfillmentTrackingInfo": keyed("company", "number", "url"),
    "FulfillmentLineItem": plain(
        id=lambda t: gid("FulfillmentLineItem", f"{t[1].id}{t[2]}"),
        quantity=lambda t: t[3],
        lineItem=lambda t: _line_of(t[0], t[2]),
    ),
}

GIVEN_BACK: Table = {
    "Refund": {
        **plain(
            id=lambda p: gid("Refund", p[1].id),
            legacyResourceId=lambda p: str(p[1].id),
            createdAt=lambda p: z(p[1].at),
            updatedAt=lambda p: z(p[1].at),
            note=lambda p: p[1].reason or None,
            totalRefundedSet=lambda p: (p[1].amount, p[0].currency),
        ),
        "refundLineItems": nested(_refund_lines),
        "return": lambda p, _: next(((p[0], r) for r in p[0].returns if r.refund == p[1].id), None),
    },
    "RefundLineItem": plain(
        id=lambda t: gid("RefundLineItem", f"{t[1].id}{t[2].id}"),
        quantity=lambda t: t[3],
        restockType=lambda t: RESTOCK.get(t[1].restock, "NO_RESTOCK"),
        restocked=lambda t: t[1].restock in RESTOCK,
        lineItem=lambda t: (t[0], t[2]),
        priceSet=lambda t: (t[2].price, t[0].currency),
        subtotalSet=lambda t: (t[4], t[0].currency),
        totalTaxSet=lambda t: (tax_in(t[4]), t[0].currency),
        location=lambda t: t,
    ),
    "Return": {
        **plain(
            id=lambda p: gid("Return", p[1].id),
            name=lambda p: f"#{p[0].id}-R{p[0].returns.index(p[1]) + 1}",
            status=lambda p: "CLOSED" if p[1].state == "closed" else "OPEN",
            totalQuantity=lambda p: sum(q for _, q in p[1].lines),
            createdAt=lambda p: z(p[1].at),
            closedAt=lambda p: z(p[1].updated) if p[1].state == "closed" else None,
            order=lambda p: p[0],
        ),
        "returnLineItems": nested(_return_lines),
        "refunds": nested(lambda p: [(p[0], r) for r in p[0].refunds if r.id == p[1].refund]),
        "reverseFulfillmentOrders": nested(lambda p: [p]),
    },
    "ReturnLineItem": plain(
        id=lambda t: gid("ReturnLineItem", f"{t[1].id}{t[2]}"),
        quantity=lambda t: t[4],
        refundableQuantity=lambda t: t[4],
        refundedQuantity=lambda t: t[4] if t[1].state == "closed" else 0,
        customerNote=lambda t: t[1].text or None,
        returnReason=lambda t: REASONS.get(t[1].reason, "UNKNOWN"),
        returnReasonDefinition=_reason,
        returnReasonNote=lambda t: "",
        fulfillmentLineItem=lambda t: (t[0], t[1], t[3], t[4]),
    ),
    "ReturnReasonDefinition": keyed("id", "handle", "name", "deleted"),
    "ReverseFulfillmentOrder": {
        **plain(id=lambda p: gid("ReverseFulfillmentOrder", p[1].id)),
        "reverseDeliveries": nested(lambda p: [p]),
    },
    "ReverseDelivery": plain(
        id=lambda p: gid("ReverseDelivery", p[1].id),
        deliverable=lambda p: ("ReverseDeliveryShippingDeliverable", p),
    ),
    "ReverseDeliveryShippingDeliverable": plain(tracking=lambda p: p),
    "ReverseDeliveryTrackingV2": plain(
        number=lambda p: p[1].number, carrierName=lambda p: "Colis", url=lambda p: None
    ),
}


def stocked(world: "World", shop_id: str) -> Table:
    """Return the resolvers of inventory; an item is its number and the channel's SKU."""
    return {**_inventory(world, world.truth.shops[shop_id]), **_products(world, shop_id)}


def _inventory(world: "World", shop: Shop) -> Table:
    def level(pair: Any, args: dict[str, Any]) -> Any:
        return pair if args["locationId"] == LOCATION else None

    def quantities(pair: Any, args: dict[str, Any]) -> Any:
        count = shop.levels.get(pair[1], 0)
        held = {"available": count, "on_hand": count}
        return [{"name": name, "quantity": held.get(name, 0)} for name in args["names"]]

    return {
        "InventoryItem": {
            **plain(
                id=lambda p: gid("InventoryItem", p[0]),
                legacyResourceId=lambda p: str(p[0]),
                sku=lambda p: p[1],
                tracked=lambda p: True,
                requiresShipping=lambda p: True,
                createdAt=lambda p: z(world.truth.start),
                updatedAt=lambda p: z(world.truth.start),
                variant=lambda p: p,
            ),
            "inventoryLevel": level,
            "inventoryLevels": lambda p, args: connection([p], args),
        },
        "InventoryLevel": {
            **plain(
                id=lambda p: gid("InventoryLevel", f"1?inventory_item_id={p[0]}"),
                createdAt=lambda p: z(world.truth.start),
                updatedAt=lambda p: z(world.now),
                isActive=lambda p: True,
                item=lambda p: p,
                location=lambda p: p,
            ),
            "quantities": quantities,
        },
        "InventoryQuantity": keyed("id", "name", "quantity", "updatedAt"),
    }


def _products(world: "World", shop_id: str) -> Table:
    shop = world.truth.shops[shop_id]

    def good(pair: Any) -> Any:
        return world.catalog.goods[shop.offers[pair[1]][0]]

    return {
        "ProductVariant": plain(
            id=lambda p: gid("ProductVariant", p[0]),
            legacyResourceId=lambda p: str(p[0]),
            sku=lambda p: p[1],
            title=lambda p: good(p).title,
            displayName=lambda p: good(p).title,
            price=lambda p: money(good(p).price * shop.offers[p[1]][1]),
            inventoryQuantity=lambda p: shop.levels.get(p[1], 0),
            inventoryItem=lambda p: p,
            product=lambda p: p,
        ),
        "Product": plain(
            id=lambda p: gid("Product", p[0]),
            legacyResourceId=lambda p: str(p[0]),
            title=lambda p: good(p).title,
        ),
    }
