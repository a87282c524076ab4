"""How a store grows with the schema, and what it refuses."""

import pytest
from store_frames import frame, order

from oms_pipelines.errors import Misconfigured
from oms_pipelines.store.duckdb import DuckdbStore
from oms_pipelines.store.postgres import PostgresStore

Store = DuckdbStore | PostgresStore
FORGET_SHAPE = "DELETE FROM migrations WHERE name LIKE 'shape %'"


def alter(store: Store, *statements: str) -> None:
    with store.session() as s:
        for text in statements:
            s.execute(text)


def test_a_table_and_a_column_that_are_new_are_added_and_rows_are_kept(store: Store):
    with store.session() as s:
        s.insert_new("orders", frame("orders", order("1")))
    alter(
        store,
        "DROP TABLE gates",
        "ALTER TABLE orders DROP COLUMN language",
        FORGET_SHAPE,
    )
    store.migrate()
    with store.session() as s:
        assert s.table("gates").is_empty()
        assert s.table("orders").select("external_id", "language").rows() == [("1", None)]
        assert s.insert_new("orders", frame("orders", order("2"))) == 1


def test_a_required_column_that_is_new_asks_for_a_step(store: Store):
    alter(store, "ALTER TABLE orders DROP COLUMN priority", FORGET_SHAPE)
    with pytest.raises(Misconfigured, match=r"orders.priority may not be null: it needs a step"):
        store.migrate()


def test_a_store_of_a_newer_release_is_left_alone(store: Store):
    alter(store, "INSERT INTO migrations (name) VALUES ('split contacts')")
    with pytest.raises(Misconfigured, match=r"a newer release .* \(split contacts\)"):
        store.migrate()
