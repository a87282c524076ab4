"""What every store promises of rows that come in, on the embedded and on the served one."""

from decimal import Decimal

import polars as pl
import pytest
from store_frames import at, contact, frame, line, order

from oms_pipelines.errors import Malformed
from oms_pipelines.store import Merged
from oms_pipelines.store.duckdb import DuckdbStore
from oms_pipelines.store.frames import empty
from oms_pipelines.store.postgres import PostgresStore

Store = DuckdbStore | PostgresStore


def orders(*rows: dict) -> pl.DataFrame:
    return frame("orders", *rows)


def test_upsert_counts_what_differs_and_leaves_the_rest(store: Store):
    with store.session() as s:
        assert s.upsert("orders", orders(order("1"), order("2"))) == 2
        assert s.upsert("orders", orders(order("1"), order("2", content="b"), order("3"))) == 2
        assert s.upsert("orders", orders(order("1"), order("2", content="b"), order("3"))) == 0
        assert s.upsert("orders", empty("orders")) == 0
        assert s.table("orders")["record_hash"].to_list() == ["a", "b", "a"]


def test_insert_new_leaves_what_is_there(store: Store):
    with store.session() as s:
        assert s.insert_new("orders", orders(order("1"))) == 1
        assert s.insert_new("orders", orders(order("1", content="b"), order("2"))) == 1
        assert s.table("orders")["record_hash"].to_list() == ["a", "a"]


def test_a_key_of_several_columns_is_one_key(store: Store):
    counts = [
        {"location_id": a, "sku": b, "counted_at": at(c), "quantity": 1, "source_version": 1,
         "fetched_at": at(0), "record_hash": "h", "batch_id": "b"}
        for a in "ab" for b in "ab" for c in (0, 1)
    ]  # fmt: skip
    with store.session() as s:
        assert s.insert_new("stock_counts", frame("stock_counts", *counts[:5])) == 5
        assert s.insert_new("stock_counts", frame("stock_counts", *counts)) == 3
        assert s.table("stock_counts").height == 8


def test_two_rows_of_one_key_must_agree(store: Store):
    with store.session() as s:
        assert s.insert_new("orders", orders(order("1"), order("1"))) == 1
        with pytest.raises(Malformed, match=r"orders: two rows of one key \(order_id\) differ"):
            s.upsert("orders", orders(order("2"), order("2", content="b")))


def test_frames_that_do_not_fit_are_refused_by_column_and_no_value_is_told(store: Store):
    good = orders(order("1"))
    bad = {
        "missing columns: number; unknown columns: nummer": good.rename({"number": "nummer"}),
        "orders.placed_at: null": good.with_columns(placed_at=None),
        "orders.priority": good.with_columns(priority=pl.lit("secret")),
        "orders.placed_at: a time without a zone": good.with_columns(
            pl.col("placed_at").dt.replace_time_zone(None)
        ),
        "orders.number: a text with a zero byte": good.with_columns(number=pl.lit("a\0secret")),
    }
    with store.session() as s:
        for fault, rows in bad.items():
            with pytest.raises(Malformed) as e:
                s.upsert("orders", rows)
            assert fault in str(e.value)
            assert "secret" not in str(e.value)


def test_children_follow_the_document_that_won(store: Store):
    with store.session() as s:
        first = s.merge_documents(
            "orders",
            orders(order("1", version=2), order("2", version=2)),
            {
                "order_lines": frame("order_lines", line("1", 1), line("1", 2), line("2", 1)),
                "order_contacts": frame("order_contacts", contact("1"), contact("2")),
            },
        )
        second = s.merge_documents(
            "orders",
            orders(order("1", version=3, content="b"), order("2", version=1, content="c")),
            {
                "order_lines": frame("order_lines", line("1", 3, 7, "b"), line("2", 9)),
                "order_contacts": empty("order_contacts"),
            },
        )
        lines = s.table("order_lines").select("order_id", "line_id", "ordered_quantity").rows()
        contacts = s.table("order_contacts")["order_id"].to_list()
    assert (first, second) == (Merged(new=2), Merged(newer=1, stale=1))
    assert lines == [("shop/1", "3", 7), ("shop/2", "1", 1)]
    assert contacts == ["shop/2"]


def test_the_same_document_fetched_again_only_takes_the_later_fetch(store: Store):
    lines = {"order_lines": frame("order_lines", line("1", 1))}
    with store.session() as s:
        s.merge_documents("orders", orders(order("1", fetched=5, batch="b5")), lines)
        assert s.merge_documents("orders", orders(order("1", fetched=9, batch="b9")), lines) == (
            Merged(same=1)
        )
        assert s.merge_documents("orders", orders(order("1", fetched=7, batch="b7")), lines) == (
            Merged(same=1)
        )
        row = s.table("orders").row(0, named=True)
        assert s.table("order_lines").height == 1
    assert (row["fetched_at"], row["batch_id"]) == (at(9), "b9")


def test_of_several_versions_in_one_frame_the_greatest_counts_with_its_own_lines(store: Store):
    two = orders(order("1", version=2, content="b"), order("1", version=1), order("1", version=1))
    tagged = frame("order_lines", line("1", 1, 2, "b"), line("1", 1, 1)).with_columns(
        record_hash=pl.Series(["b", "a"])
    )
    with store.session() as s:
        with pytest.raises(Malformed, match="give order_lines a record_hash column"):
            s.merge_documents("orders", two, {"order_lines": tagged.drop("record_hash")})
        merged = s.merge_documents("orders", two, {"order_lines": tagged})
        assert s.table("order_lines")["channel_sku"].to_list() == ["SKU b"]
    assert merged == Merged(new=1, stale=2)


def test_children_of_nobody_are_refused(store: Store):
    with store.session() as s, pytest.raises(Malformed, match="1 rows belong to none"):
        s.merge_documents(
            "orders", orders(order("1")), {"order_lines": frame("order_lines", line("2", 1))}
        )


def test_a_refund_is_merged_by_its_whole_key(store: Store):
    refund = {
        "order_id": "shop/1", "refund_id": "r1", "amount": Decimal("5"), "currency": "EUR",
        "refunded_at": at(1), "source_version": 1, "fetched_at": at(1), "record_hash": "h",
        "batch_id": "b",
    }  # fmt: skip
    lines = {"order_id": "shop/1", "refund_id": "r1", "line_id": "1", "quantity": 1}
    both = [refund, refund | {"refund_id": "r2"}]
    with store.session() as s:
        for _ in range(2):
            s.merge_documents(
                "refunds",
                frame("refunds", *both),
                {"refund_lines": frame("refund_lines", lines, lines | {"refund_id": "r2"})},
            )
        assert s.table("refunds").height == 2
        assert s.table("refund_lines")["refund_id"].to_list() == ["r1", "r2"]
