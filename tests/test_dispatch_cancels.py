"""What is no longer wanted: out of files before dispatch, a cancel line after it."""

from pathlib import Path

from dispatch_network import (
    FIRST,
    canceled,
    delivered,
    network,
    part,
    pick,
    planned,
    ready,
    run,
    sold,
    states,
)
from store_frames import frame, line, order

from oms_pipelines.store import Store

SECOND = "lyon_dispatch_20260101_000002.csv"


def test_an_order_canceled_before_dispatch_is_in_no_file(store: Store, tmp_path: Path):
    oms = network(tmp_path)
    ready(store, "1", "2")
    canceled(store, "1")
    made = run(store, oms)
    assert made.canceled == 1
    assert delivered(tmp_path)[FIRST]["order_id"].to_list() == ["shop/2"]
    assert states(store) == {"1/0": "canceled", "2/0": "dispatched"}


def test_an_order_held_before_dispatch_is_in_no_file(store: Store, tmp_path: Path):
    oms = network(tmp_path)
    ready(store, "1")
    held = order("1", 5) | {"order_status": "held", "hold_reason": "payment pending"}
    with store.session() as s:
        s.merge_documents("orders", frame("orders", held), {})
    assert run(store, oms).files == ()
    assert states(store) == {"1/0": "canceled"}


def test_an_order_canceled_after_dispatch_is_canceled_by_a_line_of_the_next_file(
    store: Store, tmp_path: Path
):
    oms = network(tmp_path)
    ready(store, "1", "2")
    run(store, oms)
    canceled(store, "1")
    made = run(store, oms)
    assert (made.canceled, made.cancel_requested) == (0, 1)
    rows = delivered(tmp_path)[SECOND]
    asked = rows.select("action", "order_id", "line_id", "sku", "quantity").rows()
    assert asked == [("cancel", "shop/1", "1", "A", "2")]
    assert states(store) == {"1/0": "cancel_requested", "2/0": "dispatched"}
    assert run(store, oms).files == (), "it is asked for once"


def test_a_location_that_never_answers_takes_a_cancellation_as_done(store: Store, tmp_path: Path):
    oms = network(tmp_path, acknowledgements=None)
    ready(store, "1")
    run(store, oms)
    canceled(store, "1")
    run(store, oms)
    assert states(store) == {"1/0": "canceled"}


def test_a_line_cut_upstream_cancels_the_newest_part_that_is_too_much(store: Store, tmp_path: Path):
    oms = network(tmp_path)
    sold(store, "1", quantity=3)
    parts = [part("1", "lyon", 0), part("1", "paris", 1)]
    planned(store, parts, [pick("1", quantity=2), pick("1", quantity=1, number=1)])
    run(store, oms)
    with store.session() as s:
        s.merge_documents(
            "orders",
            frame("orders", order("1", 5)),
            {"order_lines": frame("order_lines", line("1", 1, 3) | {"canceled_quantity": 1})},
        )
    assert run(store, oms).cancel_requested == 1
    assert states(store) == {"1/0": "dispatched", "1/1": "cancel_requested"}
