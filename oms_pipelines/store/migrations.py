"""How a store comes to hold the tables of `schema.py`: ordered steps, each applied once.

Steps are recorded by name in table `migrations`. After them, what `schema.py` has more than
the store (tables, nullable columns, indexes) is added. Nothing is ever dropped or rewritten
here: a change that must do so is a step of its own, appended to `STEPS`.
"""

import hashlib
from collections.abc import Callable
from typing import Protocol

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
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

_SHAPE = "shape "
_SUM = "store/postgres/sum_units"
_TYPES: dict[type, str] = {
    Text: "TEXT",
    BigInteger: "BIGINT",
    Integer: "INTEGER",
    Numeric: "NUMERIC(18, 4)",
    DateTime: "TIMESTAMPTZ",
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
    ("stock_movements_cause", "stock_movements (cause, cause_id)"),
    ("stock_movements_known", "stock_movements (known_at)"),
    ("stock_movements_valid", "stock_movements (valid_at)"),
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


class Database(Protocol):
    """What a migration needs of a store's open transaction."""

    keyed: bool  # PostgreSQL: primary keys, indexes, binary collation

    def execute(self, text: str) -> None:
        """Run statements that return nothing."""
        ...

    def rows(self, text: str) -> list[tuple]:
        """Run a statement and return its rows."""
        ...


def migrate(db: Database) -> None:
    """Apply the steps that are not recorded yet, then add what the schema has more.

    Raises Misconfigured when a newer release has migrated the store.
    """
    db.execute(
        "CREATE TABLE IF NOT EXISTS migrations"
        " (name TEXT NOT NULL, applied_at TIMESTAMPTZ DEFAULT current_timestamp)"
    )
    applied = {name for (name,) in db.rows("SELECT name FROM migrations")}
    unknown = {n for n in applied - {n for n, _ in STEPS} if not n.startswith(_SHAPE)}
    if unknown:
        raise Misconfigured(
            [f"store.url: a newer release migrated this store ({', '.join(sorted(unknown))})"]
        )
    for name, step in (*STEPS, (_SHAPE + fingerprint(db.keyed), complete)):
        if name not in applied:
            step(db)
            db.execute(f"INSERT INTO migrations (name) VALUES ({_quoted(name)})")


def complete(db: Database) -> None:
    """Create the tables, nullable columns and indexes that are not there yet."""
    there: dict[str, set[str]] = {}
    columns = "SELECT table_name, column_name FROM information_schema.columns"
    for table, column in db.rows(f"{columns} WHERE table_schema = current_schema()"):
        there.setdefault(table, set()).add(column)
    for table in METADATA.sorted_tables:
        if table.name not in there:
            db.execute(create_table(table, keyed=db.keyed))
            db.execute(_comments(table))
        else:
            _add_columns(db, table, there[table.name])
    if db.keyed:
        db.execute(statement(_SUM))
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


def _comments(table: Table) -> str:
    said = [f"COMMENT ON TABLE {_name(table.name)} IS {_quoted(table.comment or '')}"]
    for column in table.columns:
        where = f"{_name(table.name)}.{_name(column.name)}"
        said.append(f"COMMENT ON COLUMN {where} IS {_quoted(column.comment or '')}")
    return "; ".join(said)


def fingerprint(keyed: bool) -> str:
    """Return a short hash of all that `complete` would make, so a start asks one question."""
    made = [create_table(table, keyed=keyed) for table in METADATA.sorted_tables]
    if keyed:
        made += [f"{name} {what}" for name, what in _INDEXES]
        made.append(statement(_SUM))
    return hashlib.sha256("\n".join(made).encode()).hexdigest()[:16]


def _name(identifier: str) -> str:
    return f'"{identifier}"'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def levels_by_listing(db: Database) -> None:
    """Keep levels by listing, in sold units: they were kept by SKU, in SKU units."""
    columns = (
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = current_schema() AND table_name = 'levels'"
    )
    there = {column for (column,) in db.rows(columns)}
    if not there or "channel_sku" in there:
        return
    levels = METADATA.tables["levels"]
    db.execute("CREATE TEMPORARY TABLE levels_by_sku AS SELECT * FROM levels; DROP TABLE levels")
    db.execute(create_table(levels, keyed=db.keyed))
    db.execute(_comments(levels))
    db.execute(statement("store/levels_by_listing"))
    db.execute("DROP TABLE levels_by_sku")


STEPS: tuple[tuple[str, Callable[[Database], None]], ...] = (
    ("create tables", complete),
    ("levels by listing", levels_by_listing),
)
