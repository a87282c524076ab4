"""What a transaction wrote itself it may write again: one key, one row, however often."""

import random

import polars as pl
import pytest

from oms_pipelines.errors import OmsError
from oms_pipelines.store import Store
from oms_pipelines.store.duckdb import DuckdbStore
from oms_pipelines.store.frames import empty


def test_rows_written_several_times_in_one_transaction_stand_once_with_their_last_value(
    store: Store,
):
    chance = random.Random(1)
    keys = [(f"lyon/{n % 3}", f"s{n:05d}") for n in range(4000)]
    last: dict[tuple[str, str], int] = {}
    for _ in range(6):
        with store.session() as s:
            for _ in range(3):
                new = {key: chance.randint(0, 10**6) for key in chance.sample(keys, 1500)}
                rows = [(*key, quantity) for key, quantity in new.items()]
                columns = ["account", "sku", "quantity"]
                s.upsert("stock_balances", pl.DataFrame(rows, schema=columns, orient="row"))
                last |= new
    with store.session(read_only=True) as s:
        found = s.table("stock_balances")
    assert {(a, k): q for a, k, q in found.iter_rows()} == last
    assert found.height == len(last)


def test_sums_grow_by_what_is_added_whoever_wrote_them(store: Store):
    chance = random.Random(2)
    keys = [(f"lyon/{n % 3}", f"s{n:05d}") for n in range(4000)]
    total: dict[tuple[str, str], int] = {}
    for _ in range(4):
        with store.session() as s:
            for turn in range(4):
                more = {key: chance.randint(-99, 99) for key in chance.sample(keys, 1500)}
                rows = [(*key, units) for key, units in more.items()]
                frame = pl.DataFrame(rows, schema=["account", "sku", "quantity"], orient="row")
                if turn == 2:  # rows that were added to are replaced as any others
                    s.upsert("stock_balances", frame)
                    total |= more
                else:
                    s.add("stock_balances", frame)
                    total |= {key: total.get(key, 0) + units for key, units in more.items()}
    with store.session(read_only=True) as s:
        found = s.table("stock_balances")
    assert {(a, k): q for a, k, q in found.iter_rows()} == total
    assert found.height == len(total)


def test_a_clustered_table_holds_what_it_held_and_is_written_as_before(store: Store):
    names = [(f"lyon/{n % 3}", f"s{n * 7 % 4000:05d}", n) for n in range(4000)]
    frame = pl.DataFrame(names, schema=["account", "sku", "quantity"], orient="row")
    with store.session() as s:
        s.add("stock_balances", frame)
    with store.session() as s:
        s.cluster("stock_balances", ["sku", "account"])
        s.add("stock_balances", frame)
        s.upsert("stock_balances", frame[:9])
    with store.session(read_only=True) as s:
        found = s.table("stock_balances")
        lying = s._query("test", "SELECT sku FROM stock_balances", {})["sku"]
    doubled = frame[9:].with_columns(pl.col("quantity") * 2)
    assert found.equals(pl.concat([frame[:9], doubled]).sort("account", "sku"))
    if isinstance(store, DuckdbStore):
        assert lying[:-9].is_sorted()


def test_only_a_table_of_sums_is_added_to(store: Store):
    with store.session() as s, pytest.raises(OmsError, match="class"):
        s.add("skus", empty("skus"))
