"""The built-in profile of each kind of file, and the data dictionary made from them."""

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
    "What a location has: one row a SKU, the whole of it each time (a snapshot).",
    (
        _maybe("location_id", "must be the location the file belongs to", optional=True),
        _key("sku", "what was counted"),
        _units("quantity", "units; what the number means is declared at the location"),
        _maybe("counted_at", "when; the time the file was read if empty", "time", optional=True),
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
        _maybe("unit_value", "what the customer pays for a unit", "decimal"),
        _maybe("currency", "ISO 4217, of the value"),
        *_ADDRESS,
    ),
    outbound=True,
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

DEFAULTS: dict[str, Profile] = {
    p.kind: replace(p)
    for p in (
        STOCK,
        DISPATCH,
        CONFIRMATION,
        ACKNOWLEDGEMENT,
        RECEIPT,
        RETURN_NOTICE,
        ANNOUNCEMENT,
        ORDERS,
        LEVELS,
    )
}

_TYPES = {
    "key": "identifier, outer blanks ignored",
    "text": "text, kept exactly",
    "integer": "whole number",
    "units": "whole units",
    "decimal": "decimal number",
    "time": "date and time",
    "choice": "one of",
}

_PREAMBLE = """# Files, field by field

Made from the profile objects of `oms_pipelines/logistics/kinds.py`, which also read and write
the files. `python -m oms_pipelines.logistics.kinds > docs/profiles.md` makes it again.

Unless `profiles` of `oms.yaml` says otherwise: delimiter `;`, UTF-8 (a BOM is taken), decimal
mark `,`, times ISO 8601 with an offset (without one, in `time_zone`), a header with exactly
these titles in any order, a line break after the last row, and after it nothing but empty
lines. Files written end lines with CRLF and quote only where they must.

A profile names what a partner does differently:

```yaml
profiles:
  lyon_stock:
    kind: stock
    delimiter: ","            # ; , | tab
    encoding: cp1252          # any; bom: true writes a BOM in UTF-8
    decimal: "."              # , or .
    date: "%d/%m/%Y %H:%M"    # or iso
    time_zone: Europe/Paris   # of times without an offset
    header: {sku: Article, quantity: Stock}   # the whole header, in this order
    defaults: {}              # value of a field that has no column, or is empty
    values: {}                # partner's words: {status: {OK: accepted}}
    min_rows: 1               # a file with fewer rows is refused
    unencodable: reject       # or transliterate, replace: what the encoding cannot write
```
"""


def dictionary() -> str:
    """Return the data dictionary of all built-in profiles as Markdown."""
    parts = [_PREAMBLE]
    for p in DEFAULTS.values():
        way = "written" if p.outbound else "read"
        parts.append(f"## {p.kind} ({way})\n\n{p.doc}\n")
        parts.append("| column | type | needed | meaning |\n|---|---|---|---|")
        parts += [_row(f) for f in p.fields]
        parts.append("")
    return "\n".join(parts).rstrip() + "\n"


def _row(f: Field) -> str:
    kind = f"{_TYPES[f.type]} {', '.join(f.choices)}" if f.choices else _TYPES[f.type]
    if f.minimum is not None:
        kind += f", at least {f.minimum}"
    needed = "yes" if f.required else "column may be absent" if f.optional else "may be empty"
    return f"| `{f.title or f.name}` | {kind} | {needed} | {f.doc} |"


if __name__ == "__main__":
    print(dictionary(), end="")
