"""A few rows of a large table, by key, on both stores."""

import polars as pl
import pytest
from store_frames import frame, line, order

from oms_pipelines.errors import OmsError
from oms_pipelines.store import Store


@pytest.fixture
def filled(store: Store) -> Store:
    with store.session() as s:
        s.insert_new("orders", frame("orders", *(order(str(n)) for n in range(5))))
        s.insert_new("order_lines", frame("order_lines", *(line(str(n), 1) for n in range(5))))
    return store


def test_rows_are_picked_by_part_of_their_key_and_keys_may_come_twice(filled: Store):
    keys = pl.DataFrame({"order_id": ["shop/1", "shop/3", "shop/1", "shop/none"]})
    with filled.session(read_only=True) as s:
        s.pick("tmp_some", "order_lines", keys)
        found = s._query("test", "SELECT order_id, line_id FROM tmp_some ORDER BY 1", {})
        assert found.rows() == [("shop/1", "1"), ("shop/3", "1")]
        s.pick("tmp_some", "order_lines", keys.head(0))
        assert s._query("test", "SELECT order_id FROM tmp_some", {}).is_empty()


def test_rows_of_this_very_session_are_seen(filled: Store):
    with filled.session() as s:
        s.insert_new("order_lines", frame("order_lines", line("1", 2)))
        s.pick("tmp_some", "order_lines", pl.DataFrame({"order_id": ["shop/1"]}))
        assert s._query("test", "SELECT count(*) AS n FROM tmp_some", {})["n"][0] == 2


def test_a_column_the_table_does_not_have_is_refused(filled: Store):
    with filled.session() as s, pytest.raises(OmsError, match="order_lines has no column fo_id"):
        s.pick("tmp_some", "order_lines", pl.DataFrame({"fo_id": ["x"]}))
    with filled.session() as s, pytest.raises(OmsError, match="choose a name"):
        s.pick("orders", "order_lines", pl.DataFrame({"order_id": ["x"]}))
