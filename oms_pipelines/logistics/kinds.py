"""The built-in profile of each kind of file."""

from dataclasses import replace

from oms_pipelines.logistics.profiles import Field, Profile

CONDITIONS = ("as_new", "opened", "damaged", "broken", "unknown")


def _key(name: str, doc: str, **more) -> Field:
    return Field(name, "key", doc, **more)


def _maybe(name: str, doc: str, kind="key", **more) -> Field:
    return Field(name, kind, doc, required=False, **more)


def _units(name: str, doc: str, minimum: int = 0, **more) -> Field:
    return Field(name, "units", doc, minimum=minimum, **more)


_ADDRESS = (
    _maybe("name", "receiver", "text"),
    _maybe("company", "receiver's company", "text"),
    _maybe("address1", "street line 1", "text"),
    _maybe("address2", "street line 2", "text"),
    _maybe("postal_code", "as the channel gave it"),
    _maybe("city", "city", "text"),
    _maybe("region", "state or province", "text"),
    _maybe("country", "ISO 3166-1 alpha-2"),
    _maybe("phone", "for the carrier"),
    _maybe("email", "for the carrier"),
)

STOCK = Profile(
    "stock",
    "stock",
    "What a location has: one row a SKU, or one a lot of it, the whole of it each time (a "
    "snapshot). The lots of a SKU add up to its count.",
    (
        _maybe("location_id", "must be the location the file belongs to", optional=True),
        _key("sku", "what was counted"),
        _units("quantity", "units; what the number means is declared at the location"),
        _maybe("counted_at", "when; the time the file was read if empty", "time", optional=True),
        _maybe("lot", "lot number; one a day of expiry if empty", optional=True),
        _maybe("expires_on", "day from which the lot is not sold", "date", optional=True),
    ),
)

SUPPLY = Profile(
    "supply",
    "supply",
    "What a location is to receive: one row a SKU of a purchase order or transfer. A row stands "
    "until another tells it anew; quantity 0 calls it off.",
    (
        _maybe("location_id", "must be the location the file belongs to", optional=True),
        _key("reference", "purchase order or transfer"),
        _key("sku", "what is to come"),
        _units("quantity", "units, those received included"),
        Field("expected_at", "time", "when it is expected"),
        _maybe(
            "received_quantity", "units that have come; 0 if empty", "units",
            optional=True, minimum=0,
        ),
    ),
)  # fmt: skip

STOCK_DELTA = Profile(
    "stock_delta",
    "stock_delta",
    "What a location gained or lost: one row a movement, for `stock.means: delta`.",
    (
        _maybe("location_id", "must be the location the file belongs to", optional=True),
        _key("reference", "the location's number of what it booked: it counts once"),
        _key("sku", "what was booked"),
        Field("quantity", "units", "units gained; negative when they left"),
        _maybe("moved_at", "when; the time the file was read if empty", "time", optional=True),
        _maybe("reason", "the location's own word", "text", optional=True),
    ),
)

DISPATCH = Profile(
    "dispatch",
    "dispatch",
    "What a location is to ship, or to leave: one row a line of a fulfillment order.",
    (
        Field("line_no", "integer", "1, 2, 3 ... in the file", minimum=1),
        Field(
            "action", "choice", "ship, or cancel what was sent before", choices=("ship", "cancel")
        ),
        _key("fo_id", "fulfillment order: the part of the order this location ships"),
        _key("order_id", "channel/order"),
        _maybe("number", "order number people see"),
        _maybe("ship_by", "when it must leave", "time"),
        _maybe("service", "delivery service"),
        _maybe("carrier_id", "who carries it"),
        _key("sku", "what to pick"),
        _key("line_id", "order line"),
        _units("quantity", "units", minimum=1),
        _maybe("unit_value", "what the customer pays for a unit, tax included", "decimal"),
        _maybe("currency", "ISO 4217, of the value"),
        *_ADDRESS,
    ),
    outbound=True,
    value=("unit_value", "quantity"),
)

CONFIRMATION = Profile(
    "confirmation",
    "confirmation",
    "What a location shipped or refused: one row a line and parcel.",
    (
        _key("fo_id", "fulfillment order"),
        _key("line_id", "order line"),
        _key("sku", "what was picked"),
        _units("shipped_quantity", "units in this parcel; 0 in a row that only refuses"),
        _units("refused_quantity", "units of this line refused so far, in all", required=False),
        _maybe("reason", "why it was refused, the location's own word", "text"),
        _maybe("parcel", "parcel number; else the tracking number, else the time it left"),
        _maybe("carrier_id", "who carries it"),
        _maybe("tracking_number", "the carrier's number"),
        _maybe("shipped_at", "when the parcel left; needed when something is shipped", "time"),
    ),
)

ACKNOWLEDGEMENT = Profile(
    "acknowledgement",
    "acknowledgement",
    "What a location says of a file it took: of the whole, or of one line.",
    (
        _key("file_name", "the file it answers"),
        Field(
            "status",
            "choice",
            "received (it lies there), accepted (it will be done), rejected",
            choices=("received", "accepted", "rejected"),
        ),
        Field(
            "line_no", "integer", "line refused; empty: the whole file", required=False, minimum=1
        ),
        _maybe("reason", "why it was rejected", "text"),
    ),
)

RECEIPT = Profile(
    "receipt",
    "receipt",
    "Goods that came back to a dock: one row a line of a receipt.",
    (
        _key("receipt_id", "the location's receipt number"),
        Field("line_no", "integer", "line of the receipt", minimum=1),
        _maybe("rma", "return authorization, when the parcel names one"),
        _maybe("order_number", "order number, when the parcel names one"),
        _maybe("line_id", "order line, when known"),
        _key("sku", "what was received"),
        _units("quantity", "units", minimum=1),
        Field(
            "condition", "choice", "how it came back; unknown if empty", required=False,
            choices=CONDITIONS,
        ),
        _maybe("remark", "the dock's remark", "text"),
        Field("received_at", "time", "when"),
    ),
)  # fmt: skip

RETURN_NOTICE = Profile(
    "return_notice",
    "return_notice",
    "Returns a location is to expect: one row a line of a return, told once.",
    (
        Field("line_no", "integer", "1, 2, 3 ... in the file", minimum=1),
        _key("return_id", "the return"),
        _maybe("rma", "return authorization people see"),
        _maybe("order_id", "channel/order"),
        _maybe("sku", "what comes back"),
        _key("line_id", "order line"),
        _units("quantity", "units announced", minimum=1),
        _maybe("reason_code", "from the menu"),
        _maybe("reason_text", "as the customer wrote it", "text"),
        _maybe("tracking_number", "of the return parcel"),
        _maybe("carrier_id", "who carries it back"),
    ),
    outbound=True,
)

ANNOUNCEMENT = Profile(
    "announcement",
    "announcement",
    "Returns announced from outside a channel: one row a line of a return.",
    (
        _key("rma", "return authorization; rows of one are one return"),
        _key("order_number", "order id, number or external id"),
        _key("line_id", "order line"),
        _units("quantity", "sold units announced", minimum=1),
        _key("reason_code", "from the menu of oms.yaml"),
        _maybe("reason_text", "as the customer wrote it", "text"),
        Field(
            "initiator", "choice", "who sends it back",
            choices=("customer", "carrier", "merchant"),
        ),
        _maybe("carrier_id", "who carries it back"),
        _maybe("tracking_number", "of the return parcel"),
        _maybe("expected_at", "location it goes to"),
        Field("announced_at", "time", "when"),
    ),
)  # fmt: skip

ORDERS = Profile(
    "orders",
    "orders",
    "Sales of a private sale or a till: one row a line; the order's fields repeat.",
    (
        _key("order_number", "the order"),
        Field("placed_at", "time", "when the customer bought"),
        _maybe("updated_at", "when it last changed; when it was placed if empty", "time"),
        _maybe("status", "the seller's own word"),
        _maybe("line_id", "the line; its rank in the order if empty"),
        _key("sku", "what was sold"),
        _maybe("title", "what it was called", "text"),
        Field("quantity", "units", "units sold, or given back"),
        _maybe("unit_price", "price of a unit; empty where the seller tells none", "decimal"),
        _maybe("currency", "ISO 4217; the channel's if empty"),
        _maybe("name", "receiver", "text"),
        _maybe("email", "where messages go"),
        _maybe("phone", "for the carrier"),
        _maybe("address1", "street line 1", "text"),
        _maybe("address2", "street line 2", "text"),
        _maybe("postal_code", "as given"),
        _maybe("city", "city", "text"),
        _maybe("country", "ISO 3166-1 alpha-2; the channel's if empty"),
        Field(
            "kind", "choice", "sale or return; sale if empty", required=False,
            choices=("sale", "return"),
        ),
        _maybe("location_id", "store that sold it and handed it over"),
    ),
)  # fmt: skip

LEVELS = Profile(
    "levels",
    "levels",
    "Stock levels for a channel that takes them as a file: one row a SKU.",
    (_key("sku", "the channel's SKU"), _units("quantity", "units that may be sold")),
    outbound=True,
    min_rows=0,
)

ERP_ORDERS = Profile(
    "erp_orders",
    "erp_orders",
    "Orders for the ERP whose version changed since the last file: one row a line, with decimal "
    "mark `.`; the order's fields repeat. The newest file that names an order is right for it.",
    (
        _key("order_id", "channel/order"),
        _key("channel_id", "the channel"),
        _maybe("number", "order number people see"),
        Field("placed_at", "time", "when the customer ordered"),
        Field("updated_at", "time", "when the channel last changed it"),
        _key("order_status", "open, held, canceled, closed"),
        _key("payment_status", "see docs/tables.md"),
        _key("fulfillment_status", "see docs/tables.md"),
        _key("currency", "ISO 4217, of every amount"),
        _maybe("total_amount", "of the order: what the customer pays now", "decimal"),
        _maybe("refunded_amount", "of the order: refunded so far", "decimal"),
        _key("line_id", "order line"),
        _maybe("sku", "the merchant's; empty while nobody knows it"),
        _maybe("channel_sku", "as the channel wrote it"),
        _units("ordered_quantity", "sold units at purchase"),
        _units("canceled_quantity", "sold units canceled before shipping"),
        _maybe("unit_price", "of a sold unit", "decimal"),
        _maybe("line_amount", "of the ordered quantity, after discounts", "decimal"),
        _maybe("tax_amount", "of the line", "decimal"),
    ),
    outbound=True,
    decimal=".",
    min_rows=0,
    quantity="ordered_quantity",
    value=("line_amount",),
    schema=2,
)

BY_COMMAND = "command/"  # pages of such names are the hub's own, in the built-in profile

DEFAULTS: dict[str, Profile] = {
    p.kind: replace(p)
    for p in (
        STOCK,
        SUPPLY,
        STOCK_DELTA,
        DISPATCH,
        CONFIRMATION,
        ACKNOWLEDGEMENT,
        RECEIPT,
        RETURN_NOTICE,
        ANNOUNCEMENT,
        ORDERS,
        LEVELS,
        ERP_ORDERS,
    )
}
