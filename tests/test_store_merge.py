"""Batches in any order, twice, interleaved, end in one store: checked against a model."""

from itertools import groupby

import polars as pl
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from store_frames import contact, frame, line, order

from oms_pipelines.store import Session
from oms_pipelines.store.duckdb import DuckdbStore
from oms_pipelines.store.postgres import PostgresStore

Document = tuple[str, int, int, str]  # key, version, fetched, content
TABLES = ("orders", "order_lines", "order_contacts")

documents = st.tuples(
    st.sampled_from("AbÉ9"), st.integers(1, 3), st.integers(0, 2), st.sampled_from("aBé")
)
batches = st.lists(st.lists(documents, min_size=1, max_size=5), min_size=1, max_size=5)


def lines_of(document: Document) -> list[dict]:
    """Return the lines of a document: they follow from its version and content alone."""
    key, version, _, content = document
    return [line(key, n, version, content) for n in range((version + ord(content)) % 3)]


def contact_of(document: Document) -> dict:
    return contact(document[0], f"{document[3]} {document[1]}")


def merge(session: Session, batch: list[Document], name: str) -> int:
    lines = [(row, d[3]) for d in batch for row in lines_of(d)]
    contacts = [(contact_of(d), d[3]) for d in batch]
    merged = session.merge_documents(
        "orders",
        frame("orders", *(order(*d, batch=name) for d in batch)),
        {
            "order_lines": tagged("order_lines", lines),
            "order_contacts": tagged("order_contacts", contacts),
        },
    )
    assert merged.new + merged.newer + merged.same + merged.stale == len(batch)
    return merged.changed


def tagged(table: str, rows: list[tuple[dict, str]]) -> pl.DataFrame:
    """Return child rows with the record_hash of their document."""
    tags = pl.Series([tag for _, tag in rows], dtype=pl.String)
    return frame(table, *(row for row, _ in rows)).with_columns(record_hash=tags)


def model(all_batches: list[list[Document]]) -> dict[str, list[dict]]:
    """Return what the tables must hold: of each key the greatest, its batch the greatest."""
    seen = [(d, f"b{n}") for n, batch in enumerate(all_batches) for d in batch]
    seen.sort(key=lambda s: (s[0][0].encode(), s[0][1], s[0][2], s[0][3].encode(), s[1]))
    best = [list(group)[-1] for _, group in groupby(seen, key=lambda s: s[0][0])]
    return {
        "orders": [order(*d, batch=name) for d, name in best],
        "order_lines": [row for d, _ in best for row in lines_of(d)],
        "order_contacts": [contact_of(d) for d, _ in best],
    }


def check(
    store: DuckdbStore | PostgresStore, all_batches: list[list[Document]], arrivals: list[int]
) -> None:
    with store.session() as s:
        for table in TABLES:
            s._run("test", f"DELETE FROM {table}", {})
        for n in arrivals:
            merge(s, all_batches[n], f"b{n}")
    with store.session() as s:
        assert merge(s, all_batches[0], "b0") == 0
        for table, rows in model(all_batches).items():
            assert s.table(table).equals(frame(table, *rows))


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[list[Document]], list[int]]:
    """Draw batches, and an order in which each of them arrives twice."""
    drawn = [distinct(batch) for batch in draw(batches)]
    return drawn, draw(st.permutations([*range(len(drawn)), *range(len(drawn))]))


def distinct(batch: list[Document]) -> list[Document]:
    """Leave out what no batch holds: one content of a key in two versions."""
    version = {(d[0], d[3]): d[1] for d in batch}
    return [d for d in batch if version[d[0], d[3]] == d[1]]


lasting = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
phases = (Phase.explicit, Phase.generate, Phase.shrink)


@settings(max_examples=25, deadline=None, suppress_health_check=lasting, phases=phases)
@given(histories())
def test_any_order_of_batches_ends_in_one_embedded_store(duckdb_store: DuckdbStore, history):
    check(duckdb_store, *history)


@settings(max_examples=15, deadline=None, suppress_health_check=lasting, phases=phases)
@given(histories())
def test_any_order_of_batches_ends_in_one_served_store(postgres_store: PostgresStore, history):
    check(postgres_store, *history)
