"""Pages to rows: repeats, bad bytes, chunks, and records DuckDB chokes on."""

import json
from datetime import timedelta

import duckdb
import polars as pl
import pytest
from consolidate_world import NOW, info, normalized, page, woo_line, woo_order

from oms_pipelines.consolidate import normalize
from oms_pipelines.consolidate.normalize import normalizing, shape_and_gate
from oms_pipelines.consolidate.records import REJECTED
from oms_pipelines.errors import Misconfigured


def test_a_page_that_cannot_be_read_is_one_record_and_the_others_go_on():
    found = normalized(b"<html>", page(woo_order(1)), b'{"code": "error"}')
    assert found.received == 3
    assert found.rejected.select("page", "record").rows() == [(0, -1), (2, -1)]
    assert found.accepted["orders"].height == 1


def test_an_element_that_is_no_object_is_kept_back_alone():
    found = normalized(page(1, None, woo_order(1), [], "x"))
    assert found.rejected["record"].to_list() == [0, 1, 3, 4]
    assert set(found.rejected["reason"]) == {"not an object; send each record as one"}


def test_of_a_repeated_order_the_newest_stands_with_its_own_lines():
    newer = woo_order(1, date_modified_gmt="2026-02-09T00:00:00", line_items=[woo_line(5)])
    for pages in ([page(newer), page(woo_order(1))], [page(woo_order(1), newer)]):
        found = normalized(*pages)
        assert (found.received, found.accepted_records) == (2, 2)
        assert found.accepted["orders"].height == 1
        assert found.accepted["order_lines"]["line_id"].to_list() == ["5"]
        assert found.accepted["order_contacts"].height == 1


def test_chunks_give_the_rows_of_the_whole_and_number_pages_on():
    pages = [page(woo_order(i), woo_order(i + 100, currency="?")) for i in range(7)]
    whole = normalized(*pages)
    parts = [p.result() for p in normalizing(pages, "woocommerce", "orders", info(), size=3)]
    assert len(parts) == 4
    assert sum(p.received for p in parts) == whole.received == 14
    assert [row for p in parts for row in p.rejected.rows()] == whole.rejected.rows()
    keys = sorted(key for p in parts for key in p.accepted["orders"]["order_id"])
    assert keys == sorted(whole.accepted["orders"]["order_id"])


def test_no_pages_are_no_rows():
    found = normalized()
    assert (found.received, found.rejected.height) == (0, 0)
    assert list(normalizing([], "woocommerce", "orders", info())) == []


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (b'{"id": 2, "number": "a\\u0000b"}', "U+0000"),
        (b'{"id": 2, "number": "\xff"}', "not UTF-8"),
    ],
)
def test_a_record_of_bad_bytes_is_kept_back_alone(broken: bytes, reason: str):
    good = [json.dumps(woo_order(i)).encode() for i in (1, 3)]
    body = b"[" + b",".join([good[0], broken, good[1]]) + b"]"
    found = normalized(body)
    assert found.received == 3
    [(where, record, _, told)] = found.rejected.rows()
    assert (where, record) == (0, 1)
    assert reason in told


def test_broken_json_that_the_cut_let_pass_is_kept_back_alone():
    texts = [json.dumps(woo_order(i)).encode() for i in range(5)]
    texts[3] = texts[3][:-1]
    [part] = normalizing([b"page"], "woocommerce", "orders", info(), cut=lambda *_: list(texts))
    found = part.result()
    assert found.rejected.select("page", "record").rows() == [(0, 3)]
    assert "not valid JSON" in found.rejected["reason"][0]
    assert found.accepted["orders"].height == 4


class Choking:
    """A workspace whose statement fails on some records, as a cast in an adapter's SQL may."""

    def gate(self, records: pl.DataFrame) -> tuple[dict, pl.DataFrame]:
        if records["body"].str.contains("boom").any():
            raise duckdb.ConversionException("Could not convert string 'boom' to INT32")
        return {"orders": records.select("record")}, pl.DataFrame(schema=REJECTED)


def test_a_record_a_statement_chokes_on_is_found_and_kept_back_alone():
    bodies = ['{"a": "boom"}' if i in (3, 8) else "{}" for i in range(11)]
    records = pl.DataFrame({"page": [0] * 11, "record": range(11), "body": bodies})
    accepted, rejected = shape_and_gate(Choking(), records)
    assert sorted(accepted["orders"]["record"]) == [0, 1, 2, 4, 5, 6, 7, 9, 10]
    assert sorted(rejected["record"]) == [3, 8]
    assert set(rejected["reason"]) == {
        "it cannot be given its shape (ConversionException); mend it"
    }


def test_an_escaped_backslash_before_u0000_is_no_zero_byte():
    order = woo_order(1, number="C:\\u0000")
    assert normalized(page(order)).rejected.is_empty()


def test_a_future_time_is_judged_by_when_the_batch_was_read():
    order = woo_order(1, date_modified_gmt="2026-03-03T00:00:00")
    late = info(fetched_at=NOW + timedelta(days=3))
    assert normalize([page(order)], "woocommerce", "orders", late).rejected.is_empty()
    assert normalized(page(order)).rejected.height == 1


def test_a_system_or_stream_without_adapter_or_sql_is_told():
    with pytest.raises(Misconfigured, match="no function `records`"):
        normalize([b"[]"], "nosuch", "orders", info())
    with pytest.raises(Misconfigured, match=r"sql/normalize/woocommerce/nosuch: needs shape\.sql"):
        normalize([b"[]"], "woocommerce", "nosuch", info())
