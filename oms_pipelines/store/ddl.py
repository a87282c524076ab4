"""The tables of `schema.py` as DDL: what a store has not yet is added, nothing is taken."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    Integer,
    Numeric,
    Table,
    Text,
)

from oms_pipelines.errors import Misconfigured
from oms_pipelines.schema import METADATA
from oms_pipelines.statements import statement
from oms_pipelines.store.migrations import SUM, Database, quoted

_TYPES: dict[type, str] = {
    Text: "TEXT",
    BigInteger: "BIGINT",
    Integer: "INTEGER",
    Numeric: "NUMERIC(18, 4)",
    DateTime: "TIMESTAMPTZ",
    Date: "DATE",
    Boolean: "BOOLEAN",
    Double: "DOUBLE PRECISION",
}
# PostgreSQL only: DuckDB refuses most DDL on a table that has a secondary index.
_INDEXES = (
    ("orders_to_ship", "orders (order_status) WHERE order_status IN ('open', 'held')"),
    ("orders_number", "orders (number)"),
    ("orders_external", "orders (external_id)"),
    ("orders_placed", "orders (placed_at)"),
    ("order_lines_waiting", "order_lines (channel_sku) WHERE sku IS NULL"),
    ("order_lines_sku", "order_lines (sku)"),
    ("orders_batch", "orders (batch_id)"),
    ("resolutions_resolved", "resolutions (resolved_at)"),
    ("returns_order", "returns (order_id)"),
    ("returns_rma", "returns (rma)"),
    ("return_receipts_order", "return_receipts (order_id)"),
    ("return_receipts_return", "return_receipts (return_id)"),
    ("return_receipts_batch", "return_receipts (batch_id)"),
    ("stock_counts_batch", "stock_counts (batch_id)"),
    ("supply_sku", "supply (sku)"),
    ("stock_lots_sku", "stock_lots (sku)"),
    ("stock_adjustments_batch", "stock_adjustments (batch_id)"),
    ("stock_drift_open", "stock_drift (due_at) WHERE state IN ('in_flight', 'drift')"),
    ("stock_balances_sku", "stock_balances (sku)"),
    ("stock_movements_cause", "stock_movements (cause, cause_id)"),
    ("stock_movements_known", "stock_movements (known_at)"),
    ("stock_movements_valid", "stock_movements (valid_at)"),
    ("order_sales_known", "order_sales (known_at)"),
    ("order_sales_day", "order_sales (day)"),
    ("refunds_batch", "refunds (batch_id)"),
    ("fulfillment_orders_planned", "fulfillment_orders (planned_at)"),
    ("decisions_order", "decisions (order_id)"),
    ("fulfillment_orders_order", "fulfillment_orders (order_id)"),
    ("fulfillment_orders_file", "fulfillment_orders (file_name)"),
    ("fulfillment_orders_open", "fulfillment_orders (state) WHERE closed_at IS NULL"),
    ("fulfillment_orders_closed", "fulfillment_orders (closed_at)"),
    ("fulfillment_orders_sent", "fulfillment_orders (dispatched_at)"),
    ("files_name", "files (name)"),
    ("shipments_order", "shipments (order_id)"),
    ("shipments_fo", "shipments (fo_id)"),
    ("shipments_number", "shipments (tracking_number)"),
    ("shipments_known", "shipments (known_at)"),
    ("shipments_status", "shipments (status_at)"),
    ("tracking_events_number", "tracking_events (tracking_number)"),
    ("tracking_events_known", "tracking_events (known_at)"),
    ("batches_merged", "batches (merged_at)"),
    ("outbox_due", "outbox (kind, destination) WHERE state IN ('pending', 'failed')"),
    ("outbox_subject", "outbox (subject)"),
    ("outbox_created", "outbox (created_at)"),
    ("quarantine_waiting", "quarantine (source, stream) WHERE state = 'waiting'"),
)


def complete(db: Database) -> None:
    """Create the tables, nullable columns and indexes that are not there yet."""
    there: dict[str, set[str]] = {}
    columns = "SELECT table_name, column_name FROM information_schema.columns"
    for table, column in db.rows(f"{columns} WHERE table_schema = current_schema()"):
        there.setdefault(table, set()).add(column)
    for table in METADATA.sorted_tables:
        if table.name not in there:
            db.execute(create_table(table, keyed=db.keyed))
            db.execute(comments(table))
        else:
            _add_columns(db, table, there[table.name])
    if db.keyed:
        db.execute(statement(SUM))
        for name, what in _INDEXES:
            db.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {what}")


def _add_columns(db: Database, table: Table, there: set[str]) -> None:
    for column in table.columns:
        if column.name in there:
            continue
        if not column.nullable:
            raise Misconfigured(
                [f"store.url: {table.name}.{column.name} may not be null: it needs a step"]
            )
        db.execute(f'ALTER TABLE "{table.name}" ADD COLUMN {_column(column, keyed=db.keyed)}')


def create_table(table: Table, *, keyed: bool) -> str:
    """Return the DDL of a table; `keyed` adds a primary key and binary text order."""
    parts = [_column(column, keyed=keyed) for column in table.columns]
    if keyed:
        parts.append(f"PRIMARY KEY ({', '.join(_name(k) for k in table.info['key'])})")
    return f"CREATE TABLE {_name(table.name)} ({', '.join(parts)})"


def type_name(column: Column) -> str:
    """Return the SQL type of a column, the same word in both stores."""
    return _TYPES[type(column.type)]


def _column(column: Column, *, keyed: bool) -> str:
    collation = ' COLLATE "C"' if keyed and isinstance(column.type, Text) else ""
    required = "" if column.nullable else " NOT NULL"
    return f"{_name(column.name)} {type_name(column)}{collation}{required}"


def comments(table: Table) -> str:
    said = [f"COMMENT ON TABLE {_name(table.name)} IS {quoted(table.comment or '')}"]
    for column in table.columns:
        where = f"{_name(table.name)}.{_name(column.name)}"
        said.append(f"COMMENT ON COLUMN {where} IS {quoted(column.comment or '')}")
    return "; ".join(said)


def _name(identifier: str) -> str:
    return f'"{identifier}"'
