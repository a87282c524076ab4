"""The served store alone: its keys, its indexes, and what its errors tell."""

import polars as pl
import psycopg
import pytest
from store_frames import frame, line, order

from oms_pipelines.errors import Misconfigured, OmsError, Unreachable
from oms_pipelines.schema import METADATA, key_of
from oms_pipelines.store import open_store
from oms_pipelines.store.postgres import PostgresStore, _no_connection


def test_keys_are_primary_keys_and_texts_compare_binary(postgres_store, postgres_url):
    with psycopg.connect(postgres_url) as con:
        keys = con.execute(
            "SELECT c.relname, array_agg(a.attname::text"
            " ORDER BY array_position(i.indkey, a.attnum))"
            " FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid"
            " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)"
            " WHERE i.indisprimary AND c.relnamespace = 'public'::regnamespace GROUP BY 1"
        ).fetchall()
        foreign = con.execute(
            "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'public'"
            " AND table_name <> 'migrations' AND data_type = 'text'"
            " AND collation_name IS DISTINCT FROM 'C'"
        ).fetchone()
    assert {table: tuple(key) for table, key in keys} == {t: key_of(t) for t in METADATA.tables}
    assert foreign == (0,)


def test_the_hot_statements_have_their_indexes(postgres_store, postgres_url):
    with psycopg.connect(postgres_url) as con:
        con.execute("SET enable_seqscan = off")
        for text, index in (
            ("SELECT * FROM orders WHERE order_status IN ('open', 'held')", "orders_to_ship"),
            ("SELECT * FROM order_lines WHERE sku IS NULL", "order_lines_waiting"),
            ("SELECT * FROM outbox WHERE state IN ('pending', 'failed')", "outbox_due"),
        ):
            plan = con.execute(f"EXPLAIN {text}".encode()).fetchall()
            assert index in str(plan)


def test_a_merge_in_slices_loses_nothing(postgres_store):
    orders = pl.concat([frame("orders", order("x"))] * 120_000).with_row_index("i")
    orders = orders.with_columns(order_id=pl.format("shop/{}", "i")).drop("i")
    lines = pl.concat([frame("order_lines", line("x", 1))] * 120_000).with_columns(
        order_id=orders["order_id"]
    )
    with postgres_store.session() as s:
        assert s.merge_documents("orders", orders, {"order_lines": lines}).new == 120_000
        assert s.merge_documents("orders", orders, {"order_lines": lines}).same == 120_000
    with postgres_store.session(read_only=True) as s:
        assert s.table("orders").equals(orders.sort("order_id"))
        assert s.table("order_lines").equals(lines.sort("order_id"))


def test_readers_do_not_wait_for_the_writer_and_see_one_state(postgres_store):
    with postgres_store.session() as writer, postgres_store.session(read_only=True) as reader:
        assert reader.table("orders").is_empty()
        writer.insert_new("orders", frame("orders", order("1")))
        assert reader.table("orders").is_empty()


def test_a_server_that_is_not_there_is_named_without_the_password():
    store = open_store("postgresql+psycopg://oms:hunter2@127.0.0.1:1/hub")
    with pytest.raises(Unreachable) as e, store.session():
        pass
    assert "store hub at 127.0.0.1 does not answer" in str(e.value)
    assert "hunter2" not in str(e.value)


def test_a_refused_password_or_database_is_a_fault_of_the_configuration(postgres_url):
    refused = psycopg.OperationalError('FATAL: password authentication failed for user "oms"')
    assert isinstance(_no_connection("store hub", refused), Misconfigured)
    missing = PostgresStore(postgres_url.replace("/one_test", "/nobody_made_this"))
    with pytest.raises(Misconfigured, match="no such database"), missing.session():
        pass


def test_a_url_that_is_none_is_refused_without_telling_it():
    with pytest.raises(Misconfigured) as e:
        PostgresStore("postgresql://oms:hunter2@[::1/x")
    assert "hunter2" not in str(e.value)


def test_a_broken_key_names_the_constraint_and_no_value(postgres_store):
    with postgres_store.session() as s:
        s.insert_new("orders", frame("orders", order("secret")))
        with pytest.raises(OmsError) as e:
            s._run("sql/x.sql", "INSERT INTO orders SELECT * FROM orders", {})
    assert "UniqueViolation 23505 orders" in str(e.value)
    assert "secret" not in str(e.value)


def test_a_session_whose_server_went_away_is_unreachable(postgres_store, postgres_url):
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT 1 AS mine'"
    with pytest.raises(Unreachable), postgres_store.session() as s:  # noqa: PT012
        s._run("test", "SELECT 1 AS mine", {})
        with psycopg.connect(postgres_url) as con:
            con.execute(end)
        s.table("orders")
