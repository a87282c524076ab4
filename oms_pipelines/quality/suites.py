"""What must hold in each table, as data: `expectations.py` asks Great Expectations.

A gate is named as its table. What a table's columns promise (required, keys, units) comes from
`schema.py`; vocabularies and what holds between tables stand here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BigInteger

from oms_pipelines.schema import METADATA, key_of
from oms_pipelines.statements import statement

# Gate to the Dagster asset whose check it is.
GATES: Mapping[str, str] = {
    "orders": "orders",
    "order_lines": "orders",
    "refunds": "refunds",
    "returns": "returns",
    "stock_counts": "stock_counts",
    "fulfillment_lines": "allocations",
    "shipments": "shipments",
    "levels": "levels",
}


@dataclass(frozen=True)
class Test:
    """One expectation: a class of Great Expectations, its settings, and what it tells."""

    __test__ = False  # pytest: this is not one of yours

    kind: str
    tells: str
    settings: Mapping[str, Any] = field(default_factory=dict)


_VOCABULARIES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "orders": {
        "order_status": ("open", "held", "canceled", "closed"),
        "payment_status": (
            "pending", "authorized", "partially_paid", "paid", "partially_refunded", "refunded",
            "voided", "failed", "unknown",
        ),
        "fulfillment_status": (
            "unfulfilled", "partial", "fulfilled", "not_required", "unknown",
        ),
        "delivery_mode": ("home", "pickup_point", "collect", "none"),
        "delivery_choice": ("any", "together", "first_now"),
    },
    "returns": {
        "initiator": ("customer", "carrier", "merchant"),
        "status": ("announced", "in_transit", "received", "refused", "canceled", "closed"),
    },
    "stock_counts": {"means": ("on_hand", "available")},
    "shipments": {
        "status": (
            "Pending", "InfoReceived", "InTransit", "OutForDelivery", "AttemptFail", "Delivered",
            "AvailableForPickup", "Exception", "Expired",
        ),
    },
}  # fmt: skip
_NOT_ABOVE = {"order_lines": [("canceled_quantity", "ordered_quantity")]}
# Statements of sql/quality/suites/ that return what breaks them.
_BETWEEN_ROWS = {
    "orders": ("orders_of_their_key", "orders_currency", "orders_held_with_reason"),
    "order_lines": ("order_lines_of_an_order", "order_lines_currency"),
    "refunds": ("refund_lines_of_a_refund", "refund_lines_positive"),
    "returns": ("return_lines_of_a_return", "return_lines_positive"),
    "stock_counts": ("stock_counts_of_a_location",),
    "fulfillment_lines": ("fulfillment_lines_of_a_fulfillment_order",),
    "shipments": ("shipment_lines_of_a_shipment",),
    "levels": ("levels_sent_once_computed",),
}
_SIGNED = {"source_version"}  # a version only grows; its sign tells nothing


def suite(table: str) -> tuple[Test, ...]:
    """Return the tests of a table, in the order they are told."""
    return (*_of_columns(table), *_of_words(table), *_of_pairs(table), *_of_rows(table))


def _of_columns(table: str) -> Iterator[Test]:
    key = list(key_of(table))
    if len(key) == 1:
        yield Test("ExpectColumnValuesToBeUnique", f"{key[0]} stands once", {"column": key[0]})
    else:
        told = f"{', '.join(key)} stand once together"
        yield Test("ExpectCompoundColumnsToBeUnique", told, {"column_list": key})
    for column in METADATA.tables[table].columns:
        if not column.nullable:
            told = f"{column.name} is there"
            yield Test("ExpectColumnValuesToNotBeNull", told, {"column": column.name})
        if isinstance(column.type, BigInteger) and column.name not in _SIGNED:
            told = f"{column.name} is zero or more"
            settings = {"column": column.name, "min_value": 0}
            yield Test("ExpectColumnValuesToBeBetween", told, settings)


def _of_words(table: str) -> Iterator[Test]:
    for column, words in _VOCABULARIES.get(table, {}).items():
        told = f"{column} is one of {', '.join(words)}"
        settings = {"column": column, "value_set": list(words)}
        yield Test("ExpectColumnValuesToBeInSet", told, settings)


def _of_pairs(table: str) -> Iterator[Test]:
    for small, large in _NOT_ABOVE.get(table, ()):
        settings = {"column_A": large, "column_B": small, "or_equal": True}
        told = f"{small} is not above {large}"
        yield Test("ExpectColumnPairValuesAToBeGreaterThanB", told, settings)


def _of_rows(table: str) -> Iterator[Test]:
    for name in _BETWEEN_ROWS.get(table, ()):
        text = statement(f"quality/suites/{name}")
        told = text.splitlines()[0].removeprefix("-- ").rstrip(".")
        # without its placeholder Great Expectations warns at each test that it may see more
        query = f"{text}\n/* over {{batch}} */"
        yield Test("UnexpectedRowsExpectation", told, {"unexpected_rows_query": query})
