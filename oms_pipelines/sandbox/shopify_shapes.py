"""How each field of the Admin API is found in what is true of a shop.

Values behind the types: Order is an order; LineItem (order, line); FulfillmentOrder an order,
since a shop with one location keeps one of it; Fulfillment (order, tracking); Refund
(order, refund); Return (order, return); MoneyBag (cents, currency).
"""

from collections.abc import Callable
from typing import Any

from oms_pipelines.sandbox.graphql import Resolve
from oms_pipelines.sandbox.shopify_query import connection
from oms_pipelines.sandbox.truth import Line, Order
from oms_pipelines.sandbox.web import money, z

Table = dict[str, dict[str, Resolve]]
LOCATION = "gid://shopify/Location/1"


def gid(kind: str, number: object) -> str:
    return f"gid://shopify/{kind}/{number}"


def _of(function: Callable[[Any], Any]) -> Resolve:
    """Make a resolver of a function that needs no arguments."""
    return lambda value, _args: function(value)


def plain(**fields: Callable[[Any], Any]) -> dict[str, Resolve]:
    return {name: _of(function) for name, function in fields.items()}


def keyed(*names: str) -> dict[str, Resolve]:
    return {name: _of(lambda value, name=name: value.get(name)) for name in names}


def tax_in(cents: int) -> int:
    return cents - round(cents / 1.2)


def _money(of: Callable[[Order], int]) -> Resolve:
    return lambda order, _args: (of(order), order.currency)


def _line_money(of: Callable[[Line], int]) -> Resolve:
    return lambda pair, _args: (of(pair[1]), pair[0].currency)


def nested(items: Callable[[Any], list[Any]]) -> Resolve:
    return lambda value, args: connection(items(value), args)


FINANCIAL = {
    "pending": "PENDING",
    "paid": "PAID",
    "voided": "VOIDED",
    "partially_refunded": "PARTIALLY_REFUNDED",
    "refunded": "REFUNDED",
}
FULFILLMENT = {
    "unfulfilled": "UNFULFILLED",
    "partial": "PARTIALLY_FULFILLED",
    "fulfilled": "FULFILLED",
}


def current_total(order: Order) -> int:
    kept = sum(x.price * x.current for x in order.lines)
    return 0 if order.state == "canceled" else kept + order.shipping


def lines_to_fulfill(order: Order) -> list[tuple[Order, Line]]:
    return [(order, x) for x in order.lines if x.quantity > x.canceled]


def fulfillment_order_status(order: Order) -> str:
    if order.state == "canceled":
        return "CANCELLED"
    if not any(x.unshipped for x in order.lines):
        return "CLOSED"
    return "IN_PROGRESS" if order.trackings else "OPEN"


def returns_of(order: Order) -> list[tuple[Order, Any]]:
    return [(order, x) for x in order.returns if x.state != "store"]


def _attributes(order: Order) -> list[dict[str, str]]:
    told = {
        "delivery_choice": order.choice if order.choice != "any" else None,
        "pickup_location": order.collect,
    }
    return [{"key": k, "value": v} for k, v in told.items() if v]


def _address(order: Order) -> dict[str, Any] | None:
    who = order.person
    if order.collect:
        return None
    return {
        "id": gid("MailingAddress", order.id),
        "firstName": who.first,
        "lastName": who.last,
        "name": who.name,
        "company": who.company or None,
        "address1": who.street,
        "address2": who.street2 or None,
        "city": who.city,
        "zip": who.postal_code,
        "country": who.country,
        "countryCode": who.country,
        "countryCodeV2": who.country,
        "phone": who.phone,
    }


def _shipping_line(order: Order) -> dict[str, Any]:
    price = (order.shipping, order.currency)
    title = "Pick up in store" if order.collect else order.service.capitalize()
    return {
        "id": gid("ShippingLine", order.id),
        "title": title,
        "code": "pickup" if order.collect else order.service,
        "source": "shopify",
        "originalPriceSet": price,
        "discountedPriceSet": price,
        "currentDiscountedPriceSet": price,
    }


ORDER = {
    **plain(
        id=lambda o: gid("Order", o.id),
        legacyResourceId=lambda o: str(o.id),
        name=lambda o: f"#{o.id}",
        number=lambda o: o.id,
        createdAt=lambda o: z(o.placed),
        processedAt=lambda o: z(o.placed),
        updatedAt=lambda o: z(o.updated),
        closedAt=lambda o: z(o.closed) if o.state == "done" else None,
        cancelledAt=lambda o: z(o.closed) if o.state == "canceled" else None,
        cancelReason=lambda o: "CUSTOMER" if o.state == "canceled" else None,
        closed=lambda o: o.state == "done",
        confirmed=lambda o: True,
        test=lambda o: False,
        fullyPaid=lambda o: o.payment != "pending",
        unpaid=lambda o: o.payment == "pending",
        taxesIncluded=lambda o: True,
        taxExempt=lambda o: False,
        note=lambda o: None,
        tags=lambda o: [],
        sourceName=lambda o: "web",
        email=lambda o: o.person.email,
        phone=lambda o: None,
        customerLocale=lambda o: o.person.language,
        customAttributes=_attributes,
        currencyCode=lambda o: o.currency,
        presentmentCurrencyCode=lambda o: o.currency,
        displayFinancialStatus=lambda o: FINANCIAL[o.payment],
        displayFulfillmentStatus=lambda o: FULFILLMENT[o.fulfillment],
        returnStatus=lambda o: "IN_PROGRESS" if returns_of(o) else "NO_RETURN",
        billingAddress=_address,
        shippingAddress=_address,
        shippingLine=_shipping_line,
        paymentGatewayNames=lambda o: ["card"],
        discountCodes=lambda o: [],
        taxLines=lambda o: [],
        fulfillments=lambda o: [(o, x) for x in o.trackings],
        refunds=lambda o: [(o, x) for x in o.refunds],
        customer=lambda o: o,
        subtotalLineItemsQuantity=lambda o: sum(x.quantity for x in o.lines),
        currentSubtotalLineItemsQuantity=lambda o: sum(x.current for x in o.lines),
    ),
    "subtotalPriceSet": _money(lambda o: o.total - o.shipping),
    "currentSubtotalPriceSet": _money(lambda o: max(current_total(o) - o.shipping, 0)),
    "totalPriceSet": _money(lambda o: o.total),
    "originalTotalPriceSet": _money(lambda o: o.total),
    "currentTotalPriceSet": _money(current_total),
    "totalTaxSet": _money(lambda o: tax_in(o.total)),
    "currentTotalTaxSet": _money(lambda o: tax_in(current_total(o))),
    "totalDiscountsSet": _money(lambda o: 0),
    "currentTotalDiscountsSet": _money(lambda o: 0),
    "totalShippingPriceSet": _money(lambda o: o.shipping),
    "totalRefundedSet": _money(lambda o: o.refunded),
    "totalReceivedSet": _money(lambda o: o.total if o.paid else 0),
    "totalOutstandingSet": _money(lambda o: 0 if o.paid else current_total(o)),
    "netPaymentSet": _money(lambda o: o.total - o.refunded if o.paid else 0),
    "lineItems": nested(lambda o: [(o, x) for x in o.lines]),
    "shippingLines": nested(lambda o: [_shipping_line(o)]),
    "fulfillmentOrders": nested(lambda o: [o]),
    "returns": nested(returns_of),
}

LINE = {
    **plain(
        id=lambda p: gid("LineItem", p[1].id),
        name=lambda p: p[1].title,
        title=lambda p: p[1].title,
        sku=lambda p: p[1].sku,
        quantity=lambda p: p[1].quantity,
        currentQuantity=lambda p: p[1].current,
        refundableQuantity=lambda p: p[1].current,
        unfulfilledQuantity=lambda p: p[1].unshipped,
        nonFulfillableQuantity=lambda p: p[1].canceled,
        requiresShipping=lambda p: True,
        isGiftCard=lambda p: False,
        taxable=lambda p: True,
        customAttributes=lambda p: [],
        discountAllocations=lambda p: [],
        taxLines=lambda p: [p],
    ),
    "originalUnitPriceSet": _line_money(lambda x: x.price),
    "discountedUnitPriceSet": _line_money(lambda x: x.price),
    "discountedUnitPriceAfterAllDiscountsSet": _line_money(lambda x: x.price),
    "originalTotalSet": _line_money(lambda x: x.price * x.quantity),
    "discountedTotalSet": _line_money(lambda x: x.price * x.quantity),
    "totalDiscountSet": _line_money(lambda x: 0),
    "unfulfilledOriginalTotalSet": _line_money(lambda x: x.price * x.unshipped),
    "unfulfilledDiscountedTotalSet": _line_money(lambda x: x.price * x.unshipped),
}

MONEY: Table = {
    "MoneyBag": plain(shopMoney=lambda m: m, presentmentMoney=lambda m: m),
    "MoneyV2": plain(amount=lambda m: money(m[0]), currencyCode=lambda m: m[1]),
    "TaxLine": {
        **plain(title=lambda p: "VAT", rate=lambda p: 0.2, ratePercentage=lambda p: 20.0),
        "priceSet": _line_money(lambda x: tax_in(x.price * x.quantity)),
    },
}

PLAIN: Table = {
    "PageInfo": keyed("hasNextPage", "hasPreviousPage", "startCursor", "endCursor"),
    "Attribute": keyed("key", "value"),
    "MailingAddress": keyed(
        "id", "firstName", "lastName", "name", "company", "address1", "address2", "city", "zip",
        "province", "provinceCode", "country", "countryCode", "countryCodeV2", "phone",
        "latitude", "longitude",
    ),
    "ShippingLine": keyed(
        "id", "title", "code", "carrierIdentifier", "source", "originalPriceSet",
        "discountedPriceSet", "currentDiscountedPriceSet",
    ),
    "Customer": plain(
        id=lambda o: gid("Customer", o.id),
        legacyResourceId=lambda o: str(o.id),
        firstName=lambda o: o.person.first,
        lastName=lambda o: o.person.last,
        displayName=lambda o: o.person.name,
        email=lambda o: o.person.email,
        phone=lambda o: o.person.phone,
        locale=lambda o: o.person.language,
    ),
    "Location": plain(
        id=lambda _: LOCATION,
        legacyResourceId=lambda _: "1",
        name=lambda _: "Online stock",
        isActive=lambda _: True,
        fulfillsOnlineOrders=lambda _: True,
        shipsInventory=lambda _: True,
    ),
}  # fmt: skip


def connections(schema_types: list[str]) -> Table:
    """Return the resolvers of every connection and edge of a schema."""
    found: Table = {}
    for name in schema_types:
        if name.endswith("Connection"):
            found[name] = keyed("nodes", "edges", "pageInfo")
        elif name.endswith("Edge"):
            found[name] = keyed("cursor", "node")
    return found
