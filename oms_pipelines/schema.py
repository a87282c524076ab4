"""Every canonical table, defined once, for both stores.

Conventions: times are UTC (`timestamptz`); money is decimal with its currency beside it;
quantities are whole units; keys compare binary. `order_id` is `channel_id/external_id`.

A table of a source document (an order, a refund, a return, a count) carries its version:
`source_version` (microseconds of the source's own update time, or its counter), then
`fetched_at`, then `record_hash`. The greatest triple wins a merge, in whatever order
the batches come.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
)

from oms_pipelines.words import CONTRADICTIONS, DRIFT_CAUSES, LATE_FACTS

METADATA = MetaData()
VERSION = ("source_version", "fetched_at", "record_hash")
# Tables of sums, each with the one that takes what is added to it until it is merged.
DELTAS = {"stock_balances": "stock_balances_delta"}


def _text(name: str, doc: str, *, null: bool = True) -> Column:
    return Column(name, Text, nullable=null, comment=doc)


def _units(name: str, doc: str, *, null: bool = False) -> Column:
    return Column(name, BigInteger, nullable=null, comment=doc)


def _money(name: str, doc: str) -> Column:
    return Column(name, Numeric(18, 4), nullable=True, comment=doc)


def _real(name: str, doc: str) -> Column:
    return Column(name, Double, nullable=False, comment=doc)


def _time(name: str, doc: str, *, null: bool = True) -> Column:
    return Column(name, DateTime(timezone=True), nullable=null, comment=doc)


def _flag(name: str, doc: str) -> Column:
    return Column(name, Boolean, nullable=True, comment=doc)


def _number(name: str, doc: str) -> Column:
    return Column(name, Double, nullable=True, comment=doc)


def _version() -> list[Column]:
    return [
        _units("source_version", "the source's update time in microseconds, or its counter"),
        _time("fetched_at", "when the record was read from the source", null=False),
        _text("record_hash", "md5 of the record as received", null=False),
        _text("batch_id", "landing batch the record came in", null=False),
    ]


def _table(
    name: str,
    doc: str,
    key: tuple[str, ...],
    *columns: Column,
    parent: str | None = None,
    personal: bool = False,
) -> Table:
    """Define a table. `parent` names the document table whose version governs these rows."""
    info = {"key": key, "parent": parent, "personal": personal}
    return Table(name, METADATA, *columns, comment=doc, info=info)


def key_of(table: str) -> tuple[str, ...]:
    """Return the key columns of a table."""
    return METADATA.tables[table].info["key"]


def columns_of(table: str) -> tuple[str, ...]:
    """Return the column names of a table, in order."""
    return tuple(c.name for c in METADATA.tables[table].columns)


orders = _table(
    "orders",
    "One order of one channel, its newest version.",
    ("order_id",),
    _text("order_id", "channel_id/external_id", null=False),
    _text("channel_id", "the channel it came from", null=False),
    _text("external_id", "the channel's own identifier", null=False),
    _text("number", "the number people see"),
    _text("order_status", "open, held, canceled, closed", null=False),
    _text("order_status_raw", "the channel's own word"),
    _text(
        "payment_status",
        "pending, authorized, partially_paid, paid, partially_refunded, refunded, voided, "
        "failed, unknown",
        null=False,
    ),
    _text("payment_status_raw", "the channel's own word"),
    _text(
        "fulfillment_status",
        "what the channel says: unfulfilled, partial, fulfilled, not_required, unknown",
        null=False,
    ),
    _text("fulfillment_status_raw", "the channel's own word"),
    _text("hold_reason", "why it must not be shipped yet; null when it may be"),
    _text("currency", "ISO 4217", null=False),
    _money("total_amount", "what the customer pays now: tax, shipping, edits, refunds counted"),
    _money("original_total_amount", "what the customer paid at purchase"),
    _money("tax_amount", "tax in the original total"),
    _money("shipping_amount", "shipping in the original total, as the channel states it"),
    _money("discount_amount", "discounts in the original total, positive"),
    _money("refunded_amount", "refunded so far as the channel states it, positive"),
    _flag("prices_include_tax", "whether line prices include tax"),
    _text("delivery_mode", "home, pickup_point, collect (in a store), none (sold in a store)"),
    _text("delivery_choice", "the customer's: any, together, first_now"),
    _text("pickup_location", "location_id or point chosen for collection"),
    _text("service", "the delivery service chosen, the channel's own word"),
    _text("language", "BCP 47, of the customer"),
    _time("promised_at", "latest delivery or dispatch the customer was promised"),
    Column("priority", Integer, nullable=False, comment="higher goes first; 0 is normal"),
    _time("placed_at", "when the customer ordered", null=False),
    _time("updated_at", "when the source last changed it", null=False),
    *_version(),
)

order_contacts = _table(
    "order_contacts",
    "Who receives an order and where: the only table with personal data.",
    ("order_id",),
    _text("order_id", "the order", null=False),
    _text("name", "receiver"),
    _text("company", "receiver's company"),
    _text("email", "where messages go"),
    _text("phone", "for the carrier"),
    _text("address1", "street line 1"),
    _text("address2", "street line 2"),
    _text("postal_code", "as given, trimmed"),
    _text("city", "city"),
    _text("region", "state or province"),
    _text("country", "ISO 3166-1 alpha-2, upper case"),
    Column("latitude", Double, nullable=True, comment="degrees north, when the channel knows"),
    Column("longitude", Double, nullable=True, comment="degrees east, when the channel knows"),
    parent="orders",
    personal=True,
)

order_lines = _table(
    "order_lines",
    "One line of an order. Quantities are the channel's.",
    ("order_id", "line_id"),
    _text("order_id", "the order", null=False),
    _text("line_id", "the channel's line identifier, unique in the order", null=False),
    _text("channel_sku", "SKU as the channel wrote it; null when the channel gave none"),
    _text("sku", "resolved SKU; null while unresolved: the line is kept and waits"),
    _units("units_per", "SKU units in one sold unit (from sku_map)"),
    _text("title", "what the channel called it"),
    _units("ordered_quantity", "sold units at purchase"),
    _units("canceled_quantity", "sold units edited out, canceled or refunded before shipping"),
    _units("shipped_quantity", "sold units the channel says have shipped, by whomever"),
    _money("unit_price", "per sold unit, in the order's tax mode, after line discounts"),
    _money("line_amount", "for the whole ordered quantity, after discounts"),
    _money("tax_amount", "tax on the line"),
    _text("currency", "ISO 4217", null=False),
    _flag("requires_shipping", "false for gift cards, services, fees"),
    _text("keep_together", "lines of one group ship from one place"),
    _text("location_id", "where it was sold and handed over, for store sales"),
    parent="orders",
)

resolutions = _table(
    "resolutions",
    "Orders whose lines were given another SKU after they came, by the map or the catalog.",
    ("order_id",),
    _text("order_id", "the order", null=False),
    _time("resolved_at", "when the hub last did so: from then on it is another order", null=False),
)

refunds = _table(
    "refunds",
    "Money given back on an order.",
    ("order_id", "refund_id"),
    _text("order_id", "the order", null=False),
    _text("refund_id", "the channel's identifier", null=False),
    _money("amount", "refunded, positive; the channel's own total, not a sum of lines"),
    _text("currency", "ISO 4217", null=False),
    _text("reason_text", "as written"),
    _time("refunded_at", "when", null=False),
    *_version(),
)

refund_lines = _table(
    "refund_lines",
    "Lines of a refund, where the channel names them.",
    ("order_id", "refund_id", "line_id"),
    _text("order_id", "the order", null=False),
    _text("refund_id", "the refund", null=False),
    _text("line_id", "order line", null=False),
    _units("quantity", "sold units, positive"),
    _money("amount", "for the line, positive"),
    _text("restock", "return, cancel, no_restock, unknown"),
    parent="refunds",
)

returns = _table(
    "returns",
    "A return as announced, by a channel, a file, the command line or the dock.",
    ("return_id",),
    _text("return_id", "source/external id", null=False),
    _text("source", "channel or location id, or hub", null=False),
    _text("order_id", "the order; null for a parcel nobody can match yet"),
    _text("told_order", "order number as a till named it: its own sale's, or another channel's"),
    _flag("other_channel", "true when a till took back what another channel sold; lines by SKU"),
    _text("order_fault", "why the number a till named leads to no one order"),
    _text("rma", "authorization number people see"),
    _text("initiator", "customer, carrier, merchant", null=False),
    _text("status", "announced, in_transit, received, refused, canceled, closed", null=False),
    _text("status_raw", "the source's own word"),
    _text("reason_code", "from the menu of oms.yaml"),
    _text("reason_raw", "the source's own code"),
    _text("reason_text", "free text, as written"),
    _text("location_id", "where it is expected"),
    _text("carrier_id", "who carries it back, or gave it back"),
    _text("tracking_number", "of the return parcel"),
    _time("announced_at", "when it was announced", null=False),
    *_version(),
)

return_lines = _table(
    "return_lines",
    "Lines of a return as announced.",
    ("return_id", "line_id"),
    _text("return_id", "the return", null=False),
    _text("line_id", "order line", null=False),
    _text("sku", "resolved SKU, when known"),
    _units("quantity", "announced, sold units"),
    _text("reason_code", "from the menu; the return's own when null"),
    _text("reason_raw", "the source's own code"),
    _text("reason_text", "free text, as written"),
    parent="returns",
)

return_receipts = _table(
    "return_receipts",
    "Goods received back at a location, one row a line of a receipt.",
    ("receipt_id", "line_no"),
    _text("receipt_id", "location/receipt number", null=False),
    Column("line_no", Integer, nullable=False, comment="line of the receipt"),
    _text("return_id", "the return; null when the parcel is unknown"),
    _text("order_id", "the order, when known"),
    _text("line_id", "order line, when known, and delivered at least as often"),
    _text("told_rma", "return authorization as the parcel named it"),
    _text("told_order", "order as the parcel named it"),
    _text("told_line_id", "order line as the location named it"),
    _text("location_id", "where it was received", null=False),
    _text("sku", "what was received", null=False),
    _units("quantity", "units received"),
    _text("condition", "as_new, opened, damaged, broken, unknown", null=False),
    _text("disposition", "restock, repair, damaged, scrap, quarantine", null=False),
    _flag("not_ordered", "true when its order is known and holds no such SKU"),
    _text("reason_text", "the dock's remark"),
    _time("received_at", "when", null=False),
    *_version(),
)

skus = _table(
    "skus",
    "What the merchant sells and ships.",
    ("sku",),
    _text("sku", "the merchant's own identifier", null=False),
    _text("title", "what people call it"),
    _units("weight_g", "grams a unit; null when unknown", null=True),
    _money("value", "for control totals and customs, a unit"),
    _text("currency", "ISO 4217"),
    _text("class", "group of SKUs that settings name, such as fresh; null is none"),
)

sku_map = _table(
    "sku_map",
    "Channel SKU to SKU, where they differ or a SKU has several: then each has its row.",
    ("channel_id", "channel_sku"),
    _text("channel_id", "the channel", null=False),
    _text("channel_sku", "as the channel writes it", null=False),
    _text("sku", "the merchant's", null=False),
    _units("units_per", "SKU units in one sold unit"),
)

kits = _table(
    "kits",
    "What a kit is made of, as the catalog says; a component may be a kit itself.",
    ("kit_sku", "sku"),
    _text("kit_sku", "what is sold", null=False),
    _text("sku", "a component", null=False),
    _units("quantity", "units of it in one kit"),
)

bills = _table(
    "bills",
    "Bills of materials: the leaf components of a kit, nested kits resolved. A bill never changes: "
    "a kit that changes has another, and what was planned by the old one keeps it.",
    ("bill_id", "sku"),
    _text("bill_id", "the kit's SKU and the first digits of a hash of its components", null=False),
    _text("kit_sku", "what is sold", null=False),
    _text("sku", "a component that is no kit", null=False),
    _units("quantity", "units of it in one kit"),
    Column(
        "price_share",
        Double,
        nullable=False,
        comment="part of the kit's price that one unit carries, by the values of the catalog",
    ),
    _flag("in_use", "true for the bill the kit has now"),
    _time("changed_at", "when it came into use, or went out of it", null=False),
)

locations = _table(
    "locations",
    "Where stock lies and orders ship from, as oms.yaml declares it.",
    ("location_id",),
    _text("location_id", "its name", null=False),
    _text("kind", "warehouse, store, 3pl", null=False),
    _text("country", "ISO 3166-1 alpha-2"),
    _text("postal_code", "where it stands"),
    Column("latitude", Double, nullable=True, comment="degrees north; null is unknown, never 0"),
    Column("longitude", Double, nullable=True, comment="degrees east"),
    _units("capacity", "orders a day; null is unlimited", null=True),
    _text("cut_off", "HH:MM Zone: orders planned later ship the next working day"),
    _flag("ships", "may send parcels"),
    _flag("collects", "customers may collect there"),
    _money("handling_cost", "an order part"),
)

stock_counts = _table(
    "stock_counts",
    "What a location said it has.",
    ("location_id", "sku", "counted_at"),
    _text("location_id", "the location", null=False),
    _text("sku", "what was counted", null=False),
    _time("counted_at", "when it was counted", null=False),
    _units("quantity", "units"),
    _text("means", "on_hand or available (on hand less what the location has allocated)"),
    *_version(),
)

stock_lots = _table(
    "stock_lots",
    "The lots of the newest count of a SKU, where its location tells them: they add up to it.",
    ("location_id", "sku", "counted_at", "lot"),
    _text("location_id", "the location", null=False),
    _text("sku", "what was counted", null=False),
    _time("counted_at", "when it was counted", null=False),
    _text("lot", "the location's own number; the day it expires where it gives none", null=False),
    Column("expires_on", Date, nullable=True, comment="sold before this day begins; null is ever"),
    _units("quantity", "units"),
    parent="stock_counts",
)

supply = _table(
    "supply",
    "What a location is to receive: lines of purchase orders and transfers, as last told.",
    ("location_id", "reference", "sku"),
    _text("location_id", "where it is to arrive", null=False),
    _text("reference", "the purchase order or transfer, as the location names it", null=False),
    _text("sku", "what is to come", null=False),
    _units("quantity", "units, those received included; 0 when it was called off"),
    _units("received_quantity", "units that have come"),
    _time("expected_at", "when", null=False),
    _time("arrived_at", "first count of the SKU after that, which contains it; null if none"),
    *_version(),
)

stock_adjustments = _table(
    "stock_adjustments",
    "Stock that a location says it gained or lost: files that tell movements, not counts.",
    ("location_id", "reference", "sku"),
    _text("location_id", "the location", null=False),
    _text("reference", "the location's number of what it booked", null=False),
    _text("sku", "what was booked", null=False),
    _units("quantity", "units; negative when they left"),
    _time("moved_at", "when", null=False),
    _text("reason", "the location's own word"),
    *_version(),
)

stock_movements = _table(
    "stock_movements",
    "Double entry: quantity leaves one account and enters another.",
    ("movement_id",),
    _text("movement_id", "derived from cause, cause_id, sku and accounts", null=False),
    _text("sku", "what moves", null=False),
    _text("from_account", "location/bucket, channel/id/bucket, or world/bucket", null=False),
    _text("to_account", "location/bucket, channel/id/bucket, or world/bucket", null=False),
    _units("quantity", "units, positive"),
    _text(
        "cause",
        "count, allocation, release, shipment, short_pick, sale, announcement, return, delivery, "
        "adjustment, "
        "order (what waits for a location), level (what a channel has in escrow)",
        null=False,
    ),
    _text("cause_id", "the row that caused it", null=False),
    _time("valid_at", "when it happened", null=False),
    _time("known_at", "when the hub knew", null=False),
)

booked_bills = _table(
    "booked_bills",
    "The bill by which the ledger first booked a kit that a till sold or comes back: it stays.",
    ("cause", "cause_id", "kit_sku"),
    _text("cause", "sale, announcement or return, as in stock_movements", null=False),
    _text("cause_id", "the row that caused it", null=False),
    _text("kit_sku", "the kit", null=False),
    _text("bill_id", "the bill it was first booked by", null=False),
)

stock_balances = _table(
    "stock_balances",
    "Sum of the movements by account and SKU, kept with each movement. A row may lack what "
    "`stock_balances_delta` has of it.",
    ("account", "sku"),
    _text("account", "location/bucket, channel/id/bucket, or world/bucket", null=False),
    _text("sku", "what lies there", null=False),
    _units("quantity", "units, negative in world accounts that only give"),
)

stock_balances_delta = _table(
    "stock_balances_delta",
    "What to add to `stock_balances`: DuckDB keeps the latest sums of a large store here.",
    ("account", "sku"),
    _text("account", "as in stock_balances", null=False),
    _text("sku", "what lies there", null=False),
    _units("quantity", "units to add to those of stock_balances"),
)

order_sales = _table(
    "order_sales",
    "What orders of the last weeks add to `daily_sales`, so that one that changes is told anew.",
    ("order_id", "sku", "location_id"),
    _text("order_id", "the order", null=False),
    _text("sku", "what was sold", null=False),
    _text("location_id", "who has or had it to hand over; empty while nobody", null=False),
    _text("channel_id", "who sold it", null=False),
    _time("day", "the day it was placed, from 00:00 UTC", null=False),
    _units("units", "SKU units sold and not canceled; 0 where the order has none left"),
    _time("known_at", "when the hub last measured it otherwise", null=False),
)

daily_sales = _table(
    "daily_sales",
    "Measured demand: units sold by day over `stock.window`, kept with each tick.",
    ("day", "channel_id", "sku", "location_id"),
    _time("day", "the day the orders were placed, from 00:00 UTC", null=False),
    _text("channel_id", "who sold it", null=False),
    _text("sku", "what was sold", null=False),
    _text("location_id", "who has or had it to hand over; empty while nobody", null=False),
    _units("units", "SKU units sold and not canceled; 0 where none is left"),
)

sales_runs = _table(
    "sales_runs",
    "The last measurement of sales: what it reached back to is what the next one need not read.",
    ("run",),
    _text("run", "sales", null=False),
    _time("first_day", "first day of the window, from 00:00 UTC", null=False),
    _time("today", "the day it was measured on, from 00:00 UTC", null=False),
    _units("days", "whole days that rates were over"),
)

stock_touched = _table(
    "stock_touched",
    "SKUs whose levels are to be computed anew: their stock moved since. * is all.",
    ("sku",),
    _text("sku", "what moved", null=False),
)

level_runs = _table(
    "level_runs",
    "The last computation of levels: what has changed since is what is computed next.",
    ("run",),
    _text("run", "levels", null=False),
    _units("number", "counts computations"),
    _text("settings_hash", "of what oms.yaml says of channels and locations", null=False),
    _time("computed_at", "the clock value computed with", null=False),
)

level_demand = _table(
    "level_demand",
    "What was sold and given to no location yet, as the levels last took it off.",
    ("channel_id", "sku"),
    _text("channel_id", "the channel", null=False),
    _text("sku", "what is owed", null=False),
    _units("quantity", "units"),
)

stock_drift = _table(
    "stock_drift",
    "Counts that differed from the ledger, and why: explained first, called drift then.",
    ("location_id", "sku", "counted_at"),
    _text("location_id", "the location", null=False),
    _text("sku", "what was counted", null=False),
    _time("counted_at", "when it was counted", null=False),
    _time("read_at", "when the count was read", null=False),
    _text("batch_id", "landing batch of the count", null=False),
    _text("means", "on_hand or available, as the location counts"),
    _units("counted", "units, as the location means them"),
    _units("expected", "as the ledger had it at counted_at; at read_at for what came late"),
    _units("difference", "counted less expected, when it was found"),
    _units("corrected", "by how much this count moves the ledger now; 0 once facts explain it"),
    _units("explained", "of what is corrected: by orders that may have left, untold so far"),
    _units("drift", "what is left: units missing (negative) or found (positive)"),
    _text(
        "cause",
        f"{', '.join(DRIFT_CAUSES)}; or the late fact that explained it: {', '.join(LATE_FACTS)}",
        null=False,
    ),
    _text("evidence", "fulfillment orders, receipts, parcels, counts that point to the cause"),
    _time("events_at", "when the oldest of them happened"),
    _text("state", "in_flight, drift, explained, closed", null=False),
    _time("found_at", "when the hub saw it", null=False),
    _time("due_at", "when it is looked at again though nothing happens"),
    _time("closed_at", "when it was explained or settled"),
)

stock_contradictions = _table(
    "stock_contradictions",
    "Facts of locations that contradict the ledger: accepted, and told here.",
    ("kind", "location_id", "sku", "subject"),
    _text(
        "kind",
        ", ".join(CONTRADICTIONS),
        null=False,
    ),
    _text("location_id", "who said it", null=False),
    _text("sku", "of what", null=False),
    _text("subject", "order line, receipt line, or the shelf", null=False),
    _units("units", "by how many it contradicts"),
    _text("state", "open, closed", null=False),
    _time("found_at", "when the hub saw it", null=False),
    _time("closed_at", "when a later count of the shelf, or a later fact, settled it"),
)

levels = _table(
    "levels",
    "The level of a listing on a channel, in its sold units: desired, sent, accepted, observed.",
    ("channel_id", "channel_sku"),
    _text("channel_id", "the channel", null=False),
    _text("channel_sku", "the listing, as the channel writes it", null=False),
    _text("sku", "what is sold", null=False),
    _units("units_per", "SKU units in one sold unit"),
    _units("desired", "computed from the store"),
    _time("desired_at", "when it last changed", null=False),
    _units("version", "counts changes of desired"),
    _units("sent", "last level sent", null=True),
    _units("sent_version", "version last sent", null=True),
    _time("sent_at", "when"),
    _units("held", "the most it may show: sent, and not acknowledged as lowered", null=True),
    _units("accepted", "last level the channel acknowledged", null=True),
    _units("accepted_version", "version last acknowledged", null=True),
    _time("accepted_at", "when"),
    _time("decided_at", "when that version was computed, of a first lowering; else null"),
    _units("observed", "what the channel showed when it was last read", null=True),
    _units("observed_version", "the version that explains it; null when none does", null=True),
    _time("observed_at", "when"),
    _units("seen", "what it showed when that was last explained", null=True),
    _time("seen_at", "when; from accepted_at on, the accepted level was seen"),
    _time("checked_at", "when it was last asked for"),
    _text("error", "why the last send was refused, or is to be repeated (retry: ...)"),
)

level_alarms = _table(
    "level_alarms",
    "A listing that showed another level than the channel accepted, past the channel's delay.",
    ("channel_id", "channel_sku", "opened_at"),
    _text("channel_id", "the channel", null=False),
    _text("channel_sku", "the listing, as the channel writes it", null=False),
    _time("opened_at", "when it was found", null=False),
    _text("sku", "what is sold", null=False),
    _text("kind", "higher, lower, or absent: shown than, or instead of, what was accepted"),
    _units("accepted", "the level accepted", null=True),
    _units("accepted_version", "its version", null=True),
    _time("accepted_at", "when it was accepted"),
    _units("observed", "what was shown instead, last", null=True),
    _units("found", "how often it was found and sent again"),
    _time("closed_at", "when what it should show was seen; null while it is open"),
)

level_delays = _table(
    "level_delays",
    "How long a channel takes to show a level, as measured: quantiles of level_delay_samples.",
    ("channel_id",),
    _text("channel_id", "the channel", null=False),
    _units("delays", "levels measured so far, from acceptance to sight"),
    _number("delay_p50", "seconds from acceptance to sight, median"),
    _number("delay_p90", "the same, nine in ten"),
    _number("delay_p99", "the same, upper 95 % bound of the 99 % quantile"),
    _units("lags", "lowered levels in the sample, from decision to sight"),
    _number("lag_p50", "seconds from decision to sight of lowered levels, median"),
    _number("lag_p90", "the same, nine in ten"),
    _number("lag_p99", "the same, upper 95 % bound of the 99 % quantile"),
    _time("updated_at", "when it was last measured", null=False),
)

level_delay_samples = _table(
    "level_delay_samples",
    "The newest measured delays of a channel, in a ring of a thousand places.",
    ("channel_id", "place"),
    _text("channel_id", "the channel", null=False),
    _units("place", "its place in the ring"),
    _number("delay_seconds", "from acceptance to sight"),
    _number("lag_seconds", "from decision to sight, of a lowered level; else null"),
    _time("measured_at", "when it was seen", null=False),
)

stock_weights = _table(
    "stock_weights",
    "How demand moves the declared shares of escrow; renewed every `stock.rebalance.every`.",
    ("channel_id", "sku"),
    _text("channel_id", "the channel", null=False),
    _text("sku", "what is shared", null=False),
    _real("factor", "multiplies the declared claim; claims add up as declared all the same"),
    _real("per_day", "SKU units the channel sold a day"),
    _time("computed_at", "when", null=False),
)

channel_reach = _table(
    "channel_reach",
    "Whether a channel was heard and told when it last was tried, and how long it was not.",
    ("channel_id",),
    _text("channel_id", "the channel", null=False),
    _flag("heard", "whether its orders could be read, last"),
    _flag("told", "whether it took what it was sent, and could be read back, last"),
    _time("reached_at", "when it last was both", null=False),
    _number("longest_seconds", "its longest silence that is over"),
    _number("covered_seconds", "what its present silence is covered for; null where it has none"),
)

stock_buffers = _table(
    "stock_buffers",
    "Units a pooled channel keeps back of a SKU, for what others sell before it shows less.",
    ("channel_id", "sku"),
    _text("channel_id", "the pooled channel", null=False),
    _text("sku", "what is sold; * is any SKU without a row", null=False),
    _units("buffer", "units kept back; the setting `buffer` is the least"),
    _real("per_day", "SKU units a day that others who share the pool sell, as estimated"),
    _real("dispersion", "variance of their sales over their mean, at least 1"),
    _real("lag_seconds", "time in which such sales are not in the level yet"),
    _real("risk", "of more than the buffer being sold in that time"),
    _units("unheard", "units kept back besides, for channels out of reach", null=True),
    _time("computed_at", "when", null=False),
)

plans = _table(
    "plans",
    "One run of the planner: a pure function of its stored inputs.",
    ("plan_id",),
    _text("plan_id", "clock and the first digits of the hash", null=False),
    _text("plan_hash", "of the allocations, canonical", null=False),
    _text("inputs_hash", "of lines, stock, locations, rules and clock", null=False),
    _text("rules_version", "hash of the routing rules", null=False),
    _time("planned_at", "the clock value planned with", null=False),
    _units("lines", "open lines looked at"),
    _units("allocated_lines", "lines given to a location"),
    _units("unfilled_lines", "lines left waiting"),
    Column("cost", Double, nullable=True, comment="in the unit of the declared costs"),
    Column("bound", Double, nullable=True, comment="no plan costs less; null when unknown"),
    Column("gap", Double, nullable=True, comment="(cost - bound) / cost; null when unknown"),
)

rule_versions = _table(
    "rule_versions",
    "The routing rules and costs that plans were made by, whole. A version never changes.",
    ("rules_version",),
    _text("rules_version", "hash of the text", null=False),
    _text("comment", "what `routing.comment` said of it", null=False),
    _text("rules", "JSON of all that stands under `routing`, defaults included", null=False),
    _time("first_used_at", "when the first plan was made by it", null=False),
)

decisions = _table(
    "decisions",
    "Every candidate location of every order part looked at, chosen or not, and why.",
    ("plan_id", "order_id", "part", "location_id"),
    _text("plan_id", "the plan", null=False),
    _text("order_id", "the order", null=False),
    Column("part", Integer, nullable=False, comment="0 is the first part of the order"),
    _text("location_id", "the candidate", null=False),
    _text("rule", "the rule that matched"),
    _text("verdict", "chosen, possible, excluded", null=False),
    _text("failed_test", "the first test it failed; null when it passed all"),
    Column("distance_km", Double, nullable=True, comment="great circle; null is unknown"),
    Column("score", Double, nullable=True, comment="what it would have cost"),
    Column(
        "change",
        Double,
        nullable=True,
        comment="what of it is the price of changing what was planned; null where nothing was",
    ),
    Column("rank", Integer, nullable=True, comment="1 is best among the possible"),
    _text("lost_to", "an order that took what it wanted; without it it would do better"),
    _text(
        "assumed",
        "what is unknown (position, weight, promise), so that its declared fallback counts",
    ),
)

shadow_plans = _table(
    "shadow_plans",
    "What `routing.shadow` would have done with the inputs of a plan; nobody is given any of it. "
    "Costs are the live ones for both.",
    ("plan_id",),
    _text("plan_id", "the live plan it ran beside", null=False),
    _time("planned_at", "the clock value planned with", null=False),
    _text("rules", "the name of its file", null=False),
    _text("rules_version", "hash of its rules; null when they could not be read"),
    _text("plan_hash", "of its allocations; null when it failed"),
    _text("error", "why there is no plan; null when there is"),
    _units("lines", "open lines looked at"),
    _units("live_allocated_lines", "lines the live plan gave to a location"),
    _units("allocated_lines", "lines this one would have given", null=True),
    _units("moved_orders", "orders of which it would have given some elsewhere", null=True),
    _units("live_parcels", "parts the live plan made"),
    _units("parcels", "parts this one would have made", null=True),
    _real("live_cost", "of the live plan"),
    _number("cost", "of this one, by the live costs"),
    _number("live_km", "of the live plan's parcels, where known"),
    _number("km", "of this one's parcels, where known"),
)

shadow_lines = _table(
    "shadow_lines",
    "Lines that the live plan and its shadow would ship otherwise: a row a location of either.",
    ("plan_id", "order_id", "line_id", "sku", "location_id"),
    _text("plan_id", "the live plan", null=False),
    _text("order_id", "the order", null=False),
    _text("line_id", "order line", null=False),
    _text("sku", "what is picked; of a kit, a component", null=False),
    _text("location_id", "a location that either chose", null=False),
    _units("live_quantity", "units the live plan gave it"),
    _units("quantity", "units the shadow would have given it"),
)

fulfillment_orders = _table(
    "fulfillment_orders",
    "The part of an order given to one location.",
    ("fo_id",),
    _text("fo_id", "order_id, plan and part", null=False),
    _text("order_id", "the order", null=False),
    _text("location_id", "who ships it", null=False),
    _text(
        "state",
        "planned, dispatched, accepted, shipped, partially_shipped, refused, cancel_requested, "
        "canceled",
        null=False,
    ),
    _text("plan_id", "the plan that made it", null=False),
    _time("ship_by", "when it must leave"),
    _text("service", "delivery service"),
    _text("carrier_id", "who carries it"),
    _text("file_name", "the dispatch file it stands in"),
    _text("cancel_file_name", "the dispatch file that cancels it"),
    _time("planned_at", "when it was planned", null=False),
    _time("dispatched_at", "when its file was delivered"),
    _time("closed_at", "when it was shipped, refused or canceled"),
)

fulfillment_lines = _table(
    "fulfillment_lines",
    "Lines of a fulfillment order, in SKU units.",
    ("fo_id", "line_id", "sku"),
    _text("fo_id", "the fulfillment order", null=False),
    _text("line_id", "order line", null=False),
    _text("sku", "what to pick; of a kit, a component", null=False),
    _units("quantity", "units to ship"),
    _units("shipped_quantity", "units confirmed shipped"),
    _units("refused_quantity", "units the location could not or would not ship"),
    _text("refusal_reason", "the location's own word"),
    _text("bill_id", "the kit's bill it was planned by; null where the line is no kit"),
)

files = _table(
    "files",
    "Every file written for a destination.",
    ("destination", "flow", "sequence"),
    _text("destination", "location or system", null=False),
    _text("flow", "dispatch, return_notice, erp_orders", null=False),
    _units("sequence", "1, 2, 3 ... without holes"),
    _text("name", "file name", null=False),
    _text("state", "planned, delivered, acknowledged, accepted, rejected, overdue", null=False),
    _text("sha256", "of the bytes", null=True),
    _units("row_count", "data rows"),
    _units("order_count", "distinct orders"),
    _units("total_quantity", "sum of quantities"),
    _text("value_by_currency", "JSON object, currency to decimal string"),
    _time("planned_at", "when its rows were fixed", null=False),
    _time("delivered_at", "when its manifest stood at the destination"),
    _time("acknowledged_at", "when the destination answered"),
    _text("error", "why it was rejected, with the lines"),
)

shipments = _table(
    "shipments",
    "One parcel a location handed to a carrier.",
    ("shipment_id",),
    _text("shipment_id", "location/parcel number", null=False),
    _text("fo_id", "the fulfillment order", null=False),
    _text("order_id", "the order", null=False),
    _text("location_id", "who shipped it", null=False),
    _text("carrier_id", "who carries it"),
    _text("tracking_number", "the carrier's number"),
    _text(
        "status",
        "Pending, InfoReceived, InTransit, OutForDelivery, AttemptFail, Delivered, "
        "AvailableForPickup, Exception, Expired (AfterShip's nine)",
        null=False,
    ),
    _time("shipped_at", "when it left", null=False),
    _time("status_at", "when the status was reached"),
    _time("known_at", "when the hub knew of the parcel", null=False),
    _text("batch_id", "landing batch of its confirmation"),
)

shipment_lines = _table(
    "shipment_lines",
    "What lies in a parcel, in SKU units.",
    ("shipment_id", "line_id", "sku"),
    _text("shipment_id", "the parcel", null=False),
    _text("line_id", "order line", null=False),
    _text("sku", "what was shipped", null=False),
    _units("quantity", "units"),
)

tracking_events = _table(
    "tracking_events",
    "What a carrier said of a parcel.",
    ("event_id",),
    _text("event_id", "md5 of carrier, number, code and time", null=False),
    _text("carrier_id", "the carrier", null=False),
    _text("tracking_number", "its number", null=False),
    _text("status", "one of AfterShip's nine", null=False),
    _text("raw_code", "the carrier's own code"),
    _flag("returning", "true when the parcel travels back to the sender"),
    _time("occurred_at", "when", null=False),
    _time("known_at", "when the hub knew", null=False),
    _text("batch_id", "landing batch", null=False),
)

outbox = _table(
    "outbox",
    "What was promised to the outside, each under a stable key.",
    ("key",),
    _text("key", "kind, and what it is about", null=False),
    _text("kind", "tracking, message, acceptance, erp", null=False),
    _text("destination", "channel, mailer or system", null=False),
    _text("subject", "order_id, shipment_id, ...: what it is about", null=False),
    _text("step", "retrieved, preparing, shipped, delivered for messages"),
    _text("payload_hash", "of what is to be sent"),
    _text("state", "pending, sent, accepted, failed, suppressed", null=False),
    _units("attempts", "tries so far"),
    _time("created_at", "when it was promised", null=False),
    _time("next_attempt_at", "not before"),
    _time("delivered_at", "when the other side took it"),
    _text("receipt", "what the other side answered, short"),
    _text("error", "why the last try failed"),
)

batches = _table(
    "batches",
    "Landing batches that have been consolidated.",
    ("batch_id",),
    _text("batch_id", "landing batch", null=False),
    _text("source", "channel, location or carrier", null=False),
    _text("stream", "orders, refunds, returns, stock, ...", null=False),
    _units("received", "records in it"),
    _units("accepted", "records let through"),
    _units("quarantined", "records kept back"),
    _units("changed", "documents that changed the store"),
    _time("merged_at", "when", null=False),
)

quarantine = _table(
    "quarantine",
    "Records kept back, with the reason. The record itself stays in the landing zone.",
    ("quarantine_id",),
    _text("quarantine_id", "first digits of md5(batch, page, record)", null=False),
    _text("source", "channel, location or carrier", null=False),
    _text("stream", "orders, refunds, ...", null=False),
    _text("batch_id", "where the record lies", null=False),
    Column("page", Integer, nullable=False, comment="page of the batch, from 0"),
    Column("record", Integer, nullable=False, comment="record of the page, from 0; -1 the page"),
    _text("record_key", "the record's own key, when it has one"),
    _text("reason", "what is wrong, naming the field and the cure", null=False),
    _text("state", "waiting, released, superseded", null=False),
    _time("quarantined_at", "when", null=False),
    _text("released_by", "batch the mended record came in"),
)

gates = _table(
    "gates",
    "Verdict of a quality suite over a table; publish reads it.",
    ("gate",),
    _text("gate", "stream or table", null=False),
    _text("verdict", "open, shut", null=False),
    _text("reason", "what failed"),
    _time("judged_at", "when", null=False),
)
