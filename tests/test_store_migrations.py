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


def test_levels_of_a_release_that_kept_them_by_sku_become_those_of_the_smallest_listing(
    store: Store,
):
    names = [("a", "SOCK-X9", "sock", 9), ("a", "SOCK-X3", "sock", 3), ("a", "hat", "cap", 1)]
    columns = ("channel_id", "channel_sku", "sku", "units_per")
    with store.session() as s:
        rows = (dict(zip(columns, name, strict=True)) for name in names)
        s.upsert("sku_map", frame("sku_map", *rows))
    row = "'2026-03-02', 1, 11, 1, NULL, 11, 11, NULL, NULL, NULL, NULL"
    alter(
        store,
        "DROP TABLE levels",
        "CREATE TABLE levels (channel_id TEXT NOT NULL, sku TEXT NOT NULL, desired BIGINT NOT NULL,"
        " desired_at TIMESTAMPTZ NOT NULL, version BIGINT NOT NULL, sent BIGINT,"
        " sent_version BIGINT, sent_at TIMESTAMPTZ, held BIGINT, accepted BIGINT,"
        " accepted_at TIMESTAMPTZ, observed BIGINT, observed_at TIMESTAMPTZ, error TEXT)",
        f"INSERT INTO levels VALUES ('a', 'sock', 11, {row}), ('b', 'sock', 11, {row}),"
        f" ('a', 'cap', 11, {row}), ('a', 'hat', 0, {row})",
        "DELETE FROM migrations WHERE name <> 'create tables'",
    )
    store.migrate()
    with store.session() as s:
        told = s.table("levels").select(*columns, "desired", "held", "observed").rows()
    assert told == [
        ("a", "SOCK-X3", "sock", 3, 3, 3, None),
        ("a", "hat", "cap", 1, 11, 11, None),
        ("b", "sock", "sock", 1, 11, 11, None),
    ]
