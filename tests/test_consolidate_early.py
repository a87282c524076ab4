"""Pages gated while others are extracted: the store ends as if they had been read back."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from consolidate_world import NOW, land, oms, page, woo_order

from oms_pipelines.channels.base import Page
from oms_pipelines.consolidate import Early, consolidate
from oms_pipelines.landing import Landing
from oms_pipelines.store import Store

ONE = page(woo_order(1), woo_order(2, currency="?"))
TWO = page(woo_order(3))
TABLES = ("orders", "order_lines", "order_contacts", "batches", "quarantine")


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(f"file://{tmp_path}/landing")


@pytest.fixture
def early(tmp_path: Path) -> Early:
    return Early(oms(tmp_path), NOW)


def tell(early: Early, landing: Landing, *bodies: bytes):
    for body in bodies:
        early.page("shop", Page("orders", body, None))
    manifest = land(landing, *bodies)
    early.landed(manifest)
    return manifest


def tables(store: Store) -> list[pl.DataFrame]:
    with store.session(read_only=True) as session:
        return [session.table(name) for name in TABLES]


def test_what_was_gated_early_is_merged_as_what_is_read_back(store, landing, early, tmp_path):
    tell(early, landing, ONE, TWO)
    tell(early, landing, page(woo_order(1, status="completed")))
    read = landing.batches("shop", "orders")

    [result] = consolidate(store, landing, oms(tmp_path), NOW, early=early)

    assert (result.received, result.accepted, result.quarantined, result.batches) == (4, 3, 1, 2)
    found = tables(store)
    assert all(frame.height for frame in found)
    consolidate(store, landing, oms(tmp_path), NOW, batches=read)
    again = tables(store)
    assert all(a.equals(b) for a, b in zip(found[:3], again[:3], strict=True))
    assert again[4].equals(found[4])


def test_a_batch_gated_early_is_not_read_back(duckdb_store, landing, early, tmp_path):
    manifest = tell(early, landing, ONE)
    for body in (tmp_path / "landing" / manifest.folder).glob("pages.gz"):
        body.unlink()

    [result] = consolidate(duckdb_store, landing, oms(tmp_path), NOW, early=early)

    assert (result.error, result.accepted) == (None, 1)


def test_a_batch_rewritten_since_is_read_back(duckdb_store, landing, early, tmp_path):
    landing.rewrite(tell(early, landing, ONE), [TWO])

    consolidate(duckdb_store, landing, oms(tmp_path), NOW, early=early)

    assert tables(duckdb_store)[0]["external_id"].to_list() == ["3"]


def test_pages_past_the_limit_are_read_back_and_later_ones_are_not(landing, tmp_path):
    early = Early(oms(tmp_path), NOW, most=len(ONE) + len(TWO))
    first, second = tell(early, landing, ONE), tell(early, landing, ONE)

    assert early.taken(second) is None
    assert early.taken(first) is not None
    third = tell(early, landing, ONE, TWO)
    assert early.taken(third) is not None


def test_a_batch_of_other_pages_than_were_told_is_read_back(landing, early):
    early.page("shop", Page("orders", ONE, None))
    manifest = land(landing, ONE, TWO)
    early.landed(manifest)

    assert early.taken(manifest) is None


def test_a_batch_nobody_told_of_is_read_back(landing, early):
    assert early.taken(land(landing, ONE)) is None


def test_pages_are_numbered_on_through_a_batch(landing, early):
    manifest = tell(early, landing, ONE, ONE)
    taken = early.taken(manifest)

    assert taken is not None
    kept = pl.concat([part.result().rejected for part in taken])
    assert kept.rows() == [(0, 1, "2", kept["reason"][0]), (1, 1, "2", kept["reason"][1])]
    assert early.taken(replace(manifest)) is None, "parts are given away once"
