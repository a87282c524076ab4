"""What a transaction wrote itself it may write again: one key, one row, however often."""

import random

import polars as pl

from oms_pipelines.store import Store


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
