"""Acknowledgements: what locations say of the files they took, twice and in any order."""

import random
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from dispatch_network import (
    FIRST,
    NOW,
    canceled,
    dispatched,
    file_states,
    lines_of,
    network,
    part,
    pick,
    planned,
    ready,
    send,
    sold,
    states,
)

from oms_pipelines.dispatch import Applied, apply_acknowledgements, plan_files
from oms_pipelines.logistics.kinds import DEFAULTS
from oms_pipelines.logistics.parse import parse_acknowledgements
from oms_pipelines.store import Store

LATER = NOW + timedelta(hours=5)
ANSWERS = "file_name;status;line_no;reason"


def answered(*rows: str) -> pl.DataFrame:
    body = "\r\n".join([ANSWERS, *rows, ""]).encode()
    parsed = parse_acknowledgements(body, DEFAULTS["acknowledgement"], "lyon")
    assert parsed.rejected.is_empty()
    return parsed.accepted


def answer(store: Store, root: Path, *rows: str, batch: str = "a1") -> Applied:
    with store.session() as s:
        return apply_acknowledgements(s, answered(*rows), batch, LATER, network(root))


def test_an_answer_moves_the_file_and_its_orders(store: Store, tmp_path: Path):
    dispatched(store, tmp_path, "1")
    answer(store, tmp_path, f"{FIRST};received;;")
    assert (file_states(store), states(store)) == ({FIRST: "acknowledged"}, {"1/0": "dispatched"})
    answer(store, tmp_path, f"{FIRST};accepted;;")
    assert (file_states(store), states(store)) == ({FIRST: "accepted"}, {"1/0": "accepted"})


def test_a_line_refused_by_number_frees_its_units_and_no_other(store: Store, tmp_path: Path):
    dispatched(store, tmp_path, "1", "2")
    answer(store, tmp_path, f"{FIRST};rejected;2;article is blocked", f"{FIRST};accepted;;")
    assert file_states(store) == {FIRST: "accepted"}
    assert states(store) == {"1/0": "accepted", "2/0": "refused"}
    assert lines_of(store) == [(0, 0, None), (0, 5, "article is blocked")]
    with store.session(read_only=True) as s:
        assert s.table("files")["error"].to_list() == ["line 2: article is blocked"]


def test_a_file_rejected_whole_waits_for_a_person(store: Store, tmp_path: Path):
    dispatched(store, tmp_path, "1")
    answer(store, tmp_path, f"{FIRST};rejected;;bad header")
    assert (file_states(store), states(store)) == ({FIRST: "rejected"}, {"1/0": "dispatched"})


def test_answers_in_any_order_and_twice_end_in_one_state(store: Store, tmp_path: Path):
    dispatched(store, tmp_path, "1", "2")
    rows = [
        f"{FIRST};received;;",
        f"{FIRST};rejected;1;no such article",
        f"{FIRST};accepted;;",
    ]
    random.Random(3).shuffle(rows)
    for n, row in enumerate([*rows, *rows]):
        answer(store, tmp_path, row, batch=f"a{n}")
    assert file_states(store) == {FIRST: "accepted"}
    assert states(store) == {"1/0": "refused", "2/0": "accepted"}


def test_accepted_is_final_and_a_later_rejection_is_noted(store: Store, tmp_path: Path):
    dispatched(store, tmp_path, "1")
    answer(store, tmp_path, f"{FIRST};accepted;;")
    assert answer(store, tmp_path, f"{FIRST};rejected;;late", batch="a2").contradictions == 1
    assert file_states(store) == {FIRST: "accepted"}


def test_an_answer_to_another_locations_file_is_kept_back(store: Store, tmp_path: Path):
    sold(store, "1")
    planned(store, [part("1", "paris")], [pick("1")])
    send(store, tmp_path)
    done = answer(store, tmp_path, "paris_dispatch_20260101_000001.csv;accepted;;")
    assert (done.accepted, done.rejected.height) == (0, 1)
    assert states(store) == {"1/0": "dispatched"}


@pytest.mark.parametrize("turned", [False, True])
def test_a_cancellation_is_done_when_accepted_and_not_when_its_line_is_refused(
    store: Store, tmp_path: Path, turned: bool
):
    dispatched(store, tmp_path, "1", "2")
    canceled(store, "1", "2")
    send(store, tmp_path)
    name = "lyon_dispatch_20260101_000002.csv"
    told = [f"{name};rejected;2;it has left", f"{name};accepted;;"]
    for n, row in enumerate(reversed(told) if turned else told):
        answer(store, tmp_path, row, batch=f"a{n}")
    assert states(store) == {"1/0": "canceled", "2/0": "accepted"}
    send(store, tmp_path)
    assert len(file_states(store)) == 2, "a refused cancellation is not asked for again"


def test_an_answer_proves_a_delivery_that_was_not_written_down(store: Store, tmp_path: Path):
    ready(store, "1")
    oms = network(tmp_path)
    with store.session() as s:
        plan_files(s, oms, NOW)
    answer(store, tmp_path, f"{FIRST};accepted;;")
    assert (file_states(store), states(store)) == ({FIRST: "accepted"}, {"1/0": "accepted"})
