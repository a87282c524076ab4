"""What every store promises. Each test runs on the embedded and on the served one."""

import contextlib
import threading
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest
from store_frames import at, frame, order

from oms_pipelines.errors import OmsError, Unreachable
from oms_pipelines.schema import METADATA
from oms_pipelines.store.duckdb import DuckdbStore
from oms_pipelines.store.frames import MONEY, TIME, dtypes
from oms_pipelines.store.postgres import PostgresStore

Store = DuckdbStore | PostgresStore


def orders(*rows: dict) -> pl.DataFrame:
    return frame("orders", *rows)


def test_every_table_of_the_schema_is_there_and_empty_in_canonical_types(store: Store):
    with store.session(read_only=True) as s:
        for table in METADATA.tables:
            assert dict(s.table(table).schema) == dtypes(table)
            assert s.table(table).is_empty()


def test_migrating_again_changes_nothing(store: Store):
    with store.session() as s:
        s.insert_new("orders", orders(order("1")))
    store.migrate()
    with store.session(read_only=True) as s:
        assert s.table("orders").height == 1
        applied = s._query("test", "SELECT name FROM migrations ORDER BY applied_at", {})
    assert applied["name"][0] == "create tables"
    assert applied.height == 4


@pytest.mark.parametrize(
    "text",
    ["", "é", "'", '"', "a\nb", "a\r\nb", "\\N", "\\.", "NULL", "%s %(x)s $x $$", ",;\t", "🧦"],
)
def test_texts_come_back_as_they_went_in(store: Store, text: str):
    with store.session() as s:
        s.insert_new("orders", orders(order("1") | {"number": text, "language": None}))
        s.frame("tmp_one", pl.DataFrame({"word": [text, None]}))
        found = s._query("test", "SELECT word FROM tmp_one WHERE word = $word", {"word": text})
        words = s._query("test", "SELECT word FROM tmp_one", {})["word"].to_list()
        row = s.table("orders").row(0, named=True)
    assert found["word"].to_list() == [text]
    assert sorted(words, key=str) == sorted([text, None], key=str)
    assert (row["number"], row["language"]) == (text, None)


def test_numbers_times_and_flags_come_back_exact(store: Store):
    rows = pl.DataFrame(
        {
            "i": [-(2**63), 2**63 - 1, None],
            "m": [Decimal("-12345678901234.5678"), Decimal("0.0001"), None],
            "f": [0.1, 5e-324, None],
            "b": [True, False, None],
            "t": [datetime(1969, 12, 31, 23, 59, 59, 1, UTC), at(0), None],
            "d": [date(2026, 2, 28), date(1901, 1, 1), None],
        },
        schema_overrides={"m": MONEY, "t": TIME},
    )
    with store.session() as s:
        s.frame("tmp_x", rows)
        back = s._query("test", "SELECT * FROM tmp_x ORDER BY i", {})
    assert back.equals(rows)
    assert back.schema == rows.schema


def test_computed_columns_have_one_type_in_both_stores(store: Store):
    with store.session() as s:
        s.frame("tmp_x", pl.DataFrame({"i": [1, 2], "m": [Decimal("1.5"), Decimal("2.25")]}))
        got = s._query(
            "test",
            "SELECT sum(i) AS units, sum(m) AS money, count(*) AS rows, max(i) AS top, i / 2 AS h,"
            " sum(m * i) AS value, coalesce(sum(i), 0) AS total, NULL AS nothing, 'x' AS word,"
            " avg(CAST(i AS DOUBLE PRECISION)) AS mean, i > 1 AS many,"
            " sum(sum(i)) OVER (ORDER BY i) AS running"
            " FROM tmp_x GROUP BY i ORDER BY i",
            {},
        )
        none = s._query("test", "SELECT sum(i) AS u, sum(m) AS m FROM tmp_x WHERE false", {})
    assert dict(got.schema) == {
        "units": pl.Int64,
        "money": MONEY,
        "rows": pl.Int64,
        "top": pl.Int64,
        "h": pl.Int64,
        "value": MONEY,
        "total": pl.Int64,
        "nothing": pl.String,
        "word": pl.String,
        "mean": pl.Float64,
        "many": pl.Boolean,
        "running": pl.Int64,
    }
    assert got["h"].to_list() == [0, 1]
    assert got["running"].to_list() == [1, 3]
    assert none.rows() == [(None, None)]
    assert dict(none.schema) == {"u": pl.Int64, "m": MONEY}


def test_parameters_of_every_kind_are_bound(store: Store):
    given = {
        "word": "it's 100% $fine",
        "units": 2**40,
        "money": Decimal("1.2500"),
        "when": datetime(2026, 1, 1, 12, tzinfo=UTC),
        "flag": True,
        "none": None,
    }
    text = (
        "SELECT $word AS word, $units AS units, $money AS money, $when AS at_time, $flag AS flag,"
        " CAST($none AS BIGINT) AS none, '100% $no' AS kept -- not $this either"
    )
    with store.session() as s:
        row = s._query("test", text, given).row(0, named=True)
    assert row == {
        "word": given["word"],
        "units": given["units"],
        "money": given["money"],
        "at_time": given["when"],
        "flag": True,
        "none": None,
        "kept": "100% $no",
    }


def test_a_missing_or_unknown_parameter_is_named(store: Store):
    fault = r"count_verdicts.sql: unknown parameters: extra"
    with store.session() as s, pytest.raises(OmsError, match=fault):
        s.query("store/count_verdicts", extra=1)


def test_keys_stand_in_binary_order_with_nulls_last_rising_and_first_falling(store: Store):
    keys = ["a", "B", "é", "Z", "_", "10", "9", "a b"]
    with store.session() as s:
        s.insert_new("orders", orders(*(order(k) for k in keys)))
        s.frame("tmp_k", pl.DataFrame({"k": [*keys, None]}))
        up = s._query("test", "SELECT k FROM tmp_k ORDER BY k", {})["k"].to_list()
        down = s._query("test", "SELECT k FROM tmp_k ORDER BY k DESC", {})["k"].to_list()
        least = s._query("test", "SELECT min(k) AS k FROM tmp_k", {}).item()
        stored = s.table("orders")["external_id"].to_list()
    assert stored == sorted(keys)
    assert up == [*sorted(keys), None]
    assert down == [None, *sorted(keys, reverse=True)]
    assert least == "10"


def test_an_error_rolls_the_whole_session_back(store: Store):
    def fail() -> None:
        with store.session() as s:
            s.insert_new("orders", orders(order("1")))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with store.session() as s:
        assert s.table("orders").is_empty()


def test_a_session_sees_what_the_one_before_it_committed(store: Store):
    with store.session() as s:
        s.insert_new("orders", orders(order("1")))
    with store.session() as s:
        assert s.insert_new("orders", orders(order("1"), order("2"))) == 1
    with store.session(read_only=True) as s:
        assert s.table("orders")["external_id"].to_list() == ["1", "2"]


def test_a_session_that_has_ended_does_nothing(store: Store):
    with store.session() as s:
        pass
    with pytest.raises(OmsError, match="has ended"):
        s.table("orders")


def test_writers_come_one_after_the_other(store: Store):
    inside, seen = threading.Event(), []

    def second() -> None:
        inside.wait(5)
        with store.session() as s:
            seen.append(s.table("orders").height)

    other = threading.Thread(target=second)
    other.start()
    with store.session() as s:
        inside.set()
        other.join(0.2)
        assert other.is_alive()
        s.insert_new("orders", orders(order("1")))
    other.join(10)
    assert seen == [1]


def test_a_writer_that_waits_too_long_is_told_who_may_hold_the_store(store: Store):
    inside, leave = threading.Event(), threading.Event()

    def first() -> None:
        with store.session():
            inside.set()
            leave.wait(10)

    other = threading.Thread(target=first)
    other.start()
    inside.wait(5)
    store.wait = 0.05
    try:
        with pytest.raises(Unreachable, match="another"), store.session():
            pass
    finally:
        leave.set()
        other.join(10)


def test_a_read_only_session_reads_and_takes_frames_but_writes_nothing(store: Store):
    with store.session(read_only=True) as s:
        s.frame("tmp_x", pl.DataFrame({"a": [1]}))
        assert s._query("test", "SELECT sum(a) AS a FROM tmp_x", {}).item() == 1
        for write in (
            lambda: s.upsert("orders", orders(order("1"))),
            lambda: s.insert_new("orders", orders(order("1"))),
            lambda: s.merge_documents("orders", orders(order("1")), {}),
            lambda: s.run("store/count_verdicts"),
        ):
            with pytest.raises(OmsError, match="read-only"):
                write()


def test_errors_of_the_database_tell_no_value(store: Store):
    secret = "zoe@example.com"
    with store.session() as s:
        s.frame("tmp_x", pl.DataFrame({"email": [secret]}))
        with pytest.raises(OmsError) as e:
            s._query("sql/x.sql", "SELECT CAST(email AS BIGINT) AS n FROM tmp_x", {})
    assert "sql/x.sql" in str(e.value)
    assert secret not in str(e.value)
    assert e.value.__suppress_context__


def test_a_column_without_a_canonical_type_is_named(store: Store):
    with store.session() as s, pytest.raises(OmsError, match="column waited"):
        s._query("test", "SELECT INTERVAL '1 day' AS waited", {})


def test_run_tells_the_rows_it_touched(store: Store):
    with store.session() as s:
        s.insert_new("orders", orders(order("1"), order("2")))
        assert s._run("test", "UPDATE orders SET priority = priority + $n", {"n": 3}) == 2
        assert s.table("orders")["priority"].to_list() == [3, 3]
        assert s._run("test", "DELETE FROM orders WHERE external_id = $k", {"k": "1"}) == 1


def test_a_frame_may_be_given_again_and_may_be_empty(store: Store):
    with store.session() as s:
        for values in ([1, 2], [], [3]):
            s.frame("tmp_x", pl.DataFrame({"a": values}, schema={"a": pl.Int32}))
            got = s._query("test", "SELECT a FROM tmp_x", {})
            assert got["a"].to_list() == values
            assert got.schema == {"a": pl.Int64}
        with pytest.raises(OmsError, match="choose a name"):
            s.frame("orders", pl.DataFrame({"a": [1]}))


def test_what_a_session_committed_midway_stays_when_the_rest_is_rolled_back(store: Store):
    with contextlib.suppress(ZeroDivisionError), store.session() as s:
        s.insert_new("orders", orders(order("1")))
        s.commit()
        s.insert_new("orders", orders(order("2")))
        raise ZeroDivisionError
    with store.session() as s:
        s.frame("tmp_one", pl.DataFrame({"n": [1]}))
        s.commit()
        s.frame("tmp_one", pl.DataFrame({"n": [2]}))  # a new transaction, a frame given anew
        assert s._query("test", "SELECT n FROM tmp_one", {})["n"].to_list() == [2]
        assert s.table("orders")["external_id"].to_list() == ["1"]
