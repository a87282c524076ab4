"""Batches merged in any order, twice, interleaved, end in one and the same store."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from consolidate_world import NOW
from flow import flowing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from promises_store import same_tables

from oms_pipelines.config import Oms
from oms_pipelines.consolidate import consolidate, load_reference
from oms_pipelines.landing import Landing, Manifest
from oms_pipelines.stages.extract import extract_all, sources
from oms_pipelines.store import Store, open_store
from oms_pipelines.store.duckdb import DuckdbStore

STREAMS = ("orders", "refunds", "returns", "tracking")
TABLES = (
    "orders", "order_contacts", "order_lines", "refunds", "refund_lines", "returns",
    "return_lines", "tracking_events", "batches",
)  # fmt: skip


@dataclass(frozen=True)
class Recorded:
    """What landed during a flow, and a store that holds the reference data only."""

    oms: Oms
    landing: Landing
    batches: list[Manifest]
    empty: Path
    straight: Store

    def merge(self, store: Store, batches: list[Manifest]) -> None:
        """Consolidate batches in the order given, one call each, at one time of the clock."""
        now = self.batches[-1].fetched_at + timedelta(days=1)
        for batch in batches:
            result = consolidate(store, self.landing, self.oms, now, batches=[batch])
            assert [r.error for r in result] == [None]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Record what channels and the carrier said over days of trade, repeated pages included."""
    root = tmp_path_factory.mktemp("recorded")
    with flowing(root, seed=7, scale=0.12) as flow:
        for turn in range(3):
            flow.trade(26)
            for shop in ("shop_fr", "shop_com", "market"):
                flow.box.fault(("repeat_page", "reorder_page")[turn % 2], shop, count=2)
        flow.box.advance(20)
        extract_all(flow.hub(), sources(flow.oms), None)
        landing = Landing(flow.oms.landing.url)
        wanted = [s for s in landing.streams() if s[1] in STREAMS]
        batches = [m for s in wanted for m in landing.batches(*s) if m.records]
        oms = flow.oms
    empty = DuckdbStore(root / "empty.duckdb")
    empty.migrate()
    load_reference(empty, oms, NOW)
    straight = DuckdbStore(shutil.copyfile(root / "empty.duckdb", root / "straight.duckdb"))
    made = Recorded(oms, landing, batches, root / "empty.duckdb", straight)
    made.merge(straight, batches)
    return made


def orders(count: int) -> st.SearchStrategy[list[int]]:
    """Return orders of batches: each at least once, some twice, of all streams mixed."""
    again = st.lists(st.integers(0, count - 1), max_size=count // 3)
    return again.flatmap(lambda extra: st.permutations([*range(count), *extra]))


def test_what_was_recorded_has_versions_to_confuse(recorded: Recorded):
    streams = {m.stream for m in recorded.batches}
    assert streams == set(STREAMS)
    assert len(recorded.batches) > 20
    with recorded.straight.session(read_only=True) as s:
        assert s.table("orders").height > 60
        assert s.table("refunds").height > 0
        assert s.table("batches")["received"].sum() > s.table("orders").height * 1.3


def in_any_order(recorded: Recorded, store: Callable[[], Store], examples: int) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(orders(len(recorded.batches)))
    def ends_in_one_store(order: list[int]) -> None:
        other = store()
        recorded.merge(other, [recorded.batches[n] for n in order])
        same_tables(recorded.straight, other, TABLES, without=("changed",))

    ends_in_one_store()


def test_on_the_embedded_store(recorded: Recorded, tmp_path: Path):
    path = tmp_path / "shuffled.duckdb"
    in_any_order(recorded, lambda: DuckdbStore(shutil.copyfile(recorded.empty, path)), 4)


def test_on_a_served_store(recorded: Recorded, postgres_server: str, migrated_template: str):
    url = postgres_server.replace("/postgres?", "/shuffled?")

    def fresh() -> Store:
        with psycopg.connect(postgres_server, autocommit=True) as con:
            con.execute("DROP DATABASE IF EXISTS shuffled WITH (FORCE)")
            con.execute(f"CREATE DATABASE shuffled TEMPLATE {migrated_template}".encode())
        store = open_store(url)
        load_reference(store, recorded.oms, NOW)
        return store

    in_any_order(recorded, fresh, 1)
