"""What is added to a large table of sums may stand beside it: nobody who reads sees where."""

import random
from pathlib import Path

import polars as pl
import pytest
from stock_world import World, at, balances, channel, network, place

from oms_pipelines.stock import ledger
from oms_pipelines.stock.balances import cluster
from oms_pipelines.stock.explain import explain_locations
from oms_pipelines.stock.levels import compute_levels
from oms_pipelines.store import Store, delta
from oms_pipelines.store.duckdb import DuckdbStore

KEPT = "stock_balances_delta"
TWO = network([channel("a", share=0.5), channel("b", share=0.5)], [place("lyon"), place("lille")])


@pytest.fixture
def never_merged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every addition stand in the delta, however small the table."""
    monkeypatch.setattr(delta, "SMALL", 0)
    monkeypatch.setattr(delta, "SHARE", 0)


def sums(units: dict[tuple[str, str], int]) -> pl.DataFrame:
    rows = [(*key, quantity) for key, quantity in units.items()]
    return pl.DataFrame(rows, schema=["account", "sku", "quantity"], orient="row")


def rows_of(session, table: str) -> int:
    return session._query("test", f"SELECT count(*) AS rows FROM {table}", {})["rows"][0]


@pytest.mark.usefixtures("never_merged")
def test_a_table_with_a_delta_holds_what_was_added_replaced_and_laid_in_order(store: Store):
    chance = random.Random(3)
    keys = [(f"lyon/{n % 3}", f"s{n:03d}") for n in range(300)]
    total: dict[tuple[str, str], int] = {}
    for turn in range(6):
        more = {key: chance.randint(-99, 99) for key in chance.sample(keys, 90)}
        with store.session() as s:
            s.add("stock_balances", sums(more))
            s.add("stock_balances", sums(more))
            total |= {key: total.get(key, 0) + 2 * units for key, units in more.items()}
            if turn == 2:
                s.upsert("stock_balances", sums(more))
                total |= more
            if turn == 3:
                assert s.insert_new("stock_balances", sums({**more, ("lyon/9", "s999"): 9})) == 1
                total["lyon/9", "s999"] = 9
            if turn == 4:
                s.cluster("stock_balances", ["sku", "account"])
                assert rows_of(s, KEPT) == 0
        with store.session(read_only=True) as s:
            assert s.table("stock_balances").equals(sums(total).sort("account", "sku"))


def test_a_delta_is_merged_past_a_share_of_its_table(
    duckdb_store: DuckdbStore, monkeypatch: pytest.MonkeyPatch
):
    whole = sums({("lyon/sellable", f"s{n:03d}"): n for n in range(delta.SHARE)})
    with duckdb_store.session() as s:
        s.add("stock_balances", whole)
        assert rows_of(s, KEPT) == 0, "a small table has no use for a delta"
        monkeypatch.setattr(delta, "SMALL", 0)
        s.add("stock_balances", whole[:1])
        assert rows_of(s, KEPT) == 1
        s.add("stock_balances", whole[1:2])
        assert rows_of(s, KEPT) == 0
        assert s.table("stock_balances")["quantity"].sum() == whole["quantity"].sum() + 1


def _life(store: Store) -> list:
    """Return what is read of the stock all along some days of a shop."""
    world, seen = World(store, "lyon", "lille"), []
    for day in range(4):
        hours = 24 * day
        world.count("lyon", "sock", 40 - day, at(hours))
        world.count("lille", "hat", 9 + day, at(hours))
        world.order(f"a/{day}", {"sock": 2}, at(hours + 1))
        world.give(f"f{day}", "sock", 3 + day, at(hours + 2))
        if day:
            world.parcel(f"f{day - 1}", "sock", 2 + day, at(hours + 3))
        with store.session() as s:
            ledger.post(s, at(hours + 4))
            seen.append(compute_levels(s, TWO, at(hours + 4)))
            assert compute_levels(s, TWO, at(hours + 4.1), full=True).is_empty()
            assert ledger.differences(s).is_empty()
            if day == 2:
                cluster(s)
        skus = pl.DataFrame({"sku": ["sock", "hat"]})
        with store.session() as s:
            s.frame("tmp_routing_skus", skus)
            s.frame(
                "tmp_lot_pairs", skus.join(pl.DataFrame({"location_id": ["lyon"]}), how="cross")
            )
            seen += [
                balances(s), explain_locations(s, TWO, at(hours + 5), skus),
                s.query("routing/sellable"), s.query("show/stock", sku="sock"),
                s.query("show/sku", sku="hat"), s.query("report/stock_now"),
                s.query("stock/skus_of_all"), s.query("stock/skus_stocked"),
                s.query("stock/lots_shelf").sort("sku"),
            ]  # fmt: skip
    return seen


def test_all_that_reads_the_stock_reads_the_delta_too(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    plain = DuckdbStore(tmp_path / "plain.duckdb")
    plain.migrate()
    wanted = _life(plain)
    monkeypatch.setattr(delta, "SMALL", 0)
    monkeypatch.setattr(delta, "SHARE", 0)
    for found, want in zip(_life(store), wanted, strict=True):
        same = found.equals(want) if isinstance(want, pl.DataFrame) else found == want
        assert same, (found, want)
    if isinstance(store, DuckdbStore):
        with store.session() as s:
            assert rows_of(s, KEPT) > 0
