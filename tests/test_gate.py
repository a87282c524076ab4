"""The row tests of the gate: what keeps a record back, and with which reason."""

from datetime import UTC, datetime

import pytest
from consolidate_world import normalized, page, reason_of, woo_line, woo_order
from hypothesis import given, settings
from hypothesis import strategies as st

from oms_pipelines.schema import METADATA
from oms_pipelines.store.frames import dtypes


def lines(*changes: dict) -> dict:
    return {"line_items": [woo_line(i, **c) for i, c in enumerate(changes, 1)]}


def test_a_good_order_passes_with_its_lines_and_its_receiver():
    found = normalized(page(woo_order(7)))
    assert found.rejected.is_empty()
    assert found.accepted["orders"]["order_id"].to_list() == ["shop/7"]
    assert found.accepted["order_lines"].height == 2
    assert found.accepted["order_contacts"]["country"].to_list() == ["FR"]


def test_accepted_frames_have_the_columns_and_types_of_the_schema():
    for table, frame in normalized(page(woo_order(7))).accepted.items():
        assert dict(frame.schema) == dtypes(table)
        required = [c.name for c in METADATA.tables[table].columns if not c.nullable]
        assert frame.select(required).null_count().row(0) == (0,) * len(required)


def test_the_version_is_the_source_s_update_time_in_microseconds():
    [version] = normalized(page(woo_order(7))).accepted["orders"]["source_version"]
    assert version == int(datetime(2026, 2, 2, 10, tzinfo=UTC).timestamp() * 1_000_000)


@pytest.mark.parametrize(
    ("changes", "field", "cure"),
    [
        ({"date_created_gmt": "2026-02-30T10:00:00"}, "placed_at: not a time", "write it as"),
        ({"date_modified_gmt": "yesterday"}, "updated_at: not a time", "write it as"),
        ({"date_modified_gmt": "2026-03-03T10:00:00"}, "updated_at: in the future", "mend"),
        ({"currency": "XXQ"}, "currency: not a currency code", "mend the code"),
        ({"currency": ""}, "currency: missing", "send it"),
        ({"total": "a lot"}, "total_amount: not a number", "write it as 12.50"),
        ({"total": "1_0"}, "total_amount: not a number", "write it as 12.50"),
        (lines({"quantity": -1}), "order_lines.ordered_quantity: negative", "zero or more"),
        (lines({"quantity": 1.5}), "order_lines.ordered_quantity: a fraction", "whole units"),
        (lines({"quantity": "many"}), "order_lines.ordered_quantity: not a number", "whole"),
        (lines({"quantity": None}), "order_lines.ordered_quantity: missing", "send"),
        (lines({"quantity": 10**12}), "order_lines.ordered_quantity: more than", "mend"),
        (lines({"id": 3}, {"id": 3}), "order_lines.line_id: two lines", "number them apart"),
        (lines({"id": None}), "order_lines.line_id: missing", "send"),
        (lines({"total": "NaN"}), "not a number", "12.50"),
    ],
)
def test_a_record_that_fails_a_test_is_kept_back_with_field_and_cure(changes, field, cure):
    reason = reason_of(woo_order(7, **changes))
    assert reason is not None
    assert field in reason
    assert cure in reason


def test_a_country_that_is_none_becomes_unknown_and_the_order_passes():
    order = woo_order(7, shipping={"first_name": "A", "address_1": "B", "country": "France"})
    found = normalized(page(order))
    assert found.rejected.is_empty()
    assert found.accepted["order_contacts"]["country"].to_list() == [None]


def test_one_bad_line_keeps_back_its_record_alone_whole():
    bad = woo_order(2, **lines({}, {"quantity": -1}))
    found = normalized(page(woo_order(1), bad, woo_order(3)))
    assert found.rejected.rows() == [
        (0, 1, "2", "order_lines.ordered_quantity: negative; write zero or more")
    ]
    for frame in found.accepted.values():
        assert set(frame["order_id"]) == {"shop/1", "shop/3"}


def test_reasons_hold_no_value_of_the_record():
    secret = "Zaphod-4711"
    for changes in (
        {"currency": secret},
        {"total": secret},
        {"date_created_gmt": secret},
        {"line_items": secret},
        lines({"quantity": secret}),
    ):
        reason = reason_of(woo_order(7, **changes))
        assert reason is not None
        assert secret.lower() not in reason.lower()


def test_the_first_failing_test_in_a_fixed_order_is_the_verdict():
    order = woo_order(7, currency="?", total="?", **lines({"quantity": -1}))
    assert reason_of(order) == "currency: not a currency code of ISO 4217; mend the code"


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(alphabet=st.characters(codec="utf-8"), max_size=8),
    st.just([]),
    st.just({"a": [1]}),
)
ORDER = st.builds(
    lambda number, field, junk, line_field, line_junk: (
        woo_order(number, **{field: junk}, **lines({line_field: line_junk}))
        if field != "line_items"
        else woo_order(number, line_items=junk)
    ),
    st.integers(1, 6),
    st.sampled_from(sorted(woo_order(1))),
    JUNK,
    st.sampled_from(sorted(woo_line(1))),
    JUNK,
)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.one_of(ORDER, JUNK), max_size=6), st.booleans())
def test_accepted_and_quarantined_are_received_whatever_comes(orders, broken_page):
    pages = [page(*orders), *([b'[{"id": 1'] if broken_page else [])]
    found = normalized(*pages)
    assert found.received == len(orders) + broken_page
    assert found.accepted_records + found.rejected.height == found.received
    assert found.rejected.select("page", "record").is_unique().all()
    assert found.rejected["reason"].null_count() == 0
    kept = found.accepted["orders"]
    assert kept.height <= found.accepted_records
    assert kept["order_id"].is_unique().all()
    assert set(found.accepted["order_lines"]["order_id"]) <= set(kept["order_id"])
