"""Stock snapshots: rows kept back one by one, files refused whole, the last good count stands."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from dispatch_network import announced, sold
from store_frames import START, at

from oms_pipelines import config
from oms_pipelines.config import Location
from oms_pipelines.errors import Malformed
from oms_pipelines.logistics.kinds import DEFAULTS
from oms_pipelines.logistics.parse import (
    Parsed,
    count_ages,
    last_snapshot,
    parse_receipts,
    parse_stock,
    resolve_receipts,
)
from oms_pipelines.schema import columns_of
from oms_pipelines.store import Store

READ = START + timedelta(hours=6)


def lyon(**stock: object) -> Location:
    settings = {"profile": "stock", "from": "in", "max_shrink": 0.5, **stock}
    place = {"id": "lyon", "address": {"country": "FR"}, "stock": settings}
    return config.parse({"locations": [place]}, {}).locations[0]


def snapshot(*rows: str) -> bytes:
    return "\r\n".join(["location_id;sku;quantity;counted_at", *rows, ""]).encode()


def parse(*rows: str, batch: str = "b1", fetched: datetime = READ, **more) -> Parsed:
    place = more.pop("location", lyon())
    body = snapshot(*rows)
    return parse_stock(body, DEFAULTS["stock"], place, fetched, batch, name="stock.csv", **more)


def test_a_snapshot_becomes_counts():
    done = parse("lyon;A;5;2026-01-01T05:00:00Z", ";B;0;")
    assert done.accepted.columns == list(columns_of("stock_counts"))
    assert done.accepted.select("location_id", "sku", "quantity", "counted_at", "means").rows() == [
        ("lyon", "A", 5, datetime(2026, 1, 1, 5, tzinfo=UTC), "on_hand"),
        ("lyon", "B", 0, READ, "on_hand"),
    ]
    assert (done.received, done.rejected.height) == (2, 0)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (";A;-1;", "negative"),
        (";Z;1;", "sku is unknown"),
        ("paris;A;1;", "location_id is not lyon"),
        (";A;1;2026-01-02T05:00:00Z", "lies in the future"),
        (";A;;", "quantity is empty"),
    ],
)
def test_a_row_that_cannot_be_is_kept_back_alone(row: str, told: str):
    done = parse(row, ";B;2;", known={"A", "B"})
    assert done.accepted["sku"].to_list() == ["B"]
    assert told in done.rejected["reason"][0]
    assert done.accepted.height + done.rejected.height == done.received


def test_a_sku_that_stands_twice_is_kept_back_twice():
    done = parse(";A;1;", ";A;2;", ";B;3;")
    assert done.accepted["sku"].to_list() == ["B"]
    assert done.rejected["record"].to_list() == [0, 1]


def stored(store: Store, *rows: str, batch: str = "b0", hours: int = 0) -> None:
    moment = START + timedelta(hours=hours)
    with store.session() as s:
        counts = parse(*rows, batch=batch, fetched=moment).accepted
        s.merge_documents("stock_counts", counts, {})


def test_a_snapshot_that_shrinks_too_far_is_refused_whole(store: Store):
    stored(store, ";A;1;", ";B;2;", ";C;0;", ";D;4;")
    with store.session(read_only=True) as s:
        last = last_snapshot(s, "lyon", READ)
        ages = count_ages(s, READ)
    assert parse(";A;1;", ";B;1;", last=last).accepted.height == 2
    with pytest.raises(Malformed, match="1 SKUs, but the last good count of lyon had 4"):
        parse(";A;1;", last=last)
    assert ages.select("location_id", "age_seconds", "skus").rows() == [("lyon", 6 * 3600, 4)]


def test_a_file_of_strangers_only_is_refused_whole_once_something_was_counted(store: Store):
    stored(store, ";A;1;", ";B;2;")
    with store.session(read_only=True) as s:
        last = last_snapshot(s, "lyon", READ)
    with pytest.raises(Malformed, match="0 SKUs"):
        parse(";X;1;", ";Y;1;", known={"A", "B"}, last=last)


def test_a_file_refused_for_its_bad_rows_names_them(store: Store):
    stored(store, *(f";{sku};1;" for sku in "ABCDEF"))
    with store.session(read_only=True) as s:
        last = last_snapshot(s, "lyon", READ)
    with pytest.raises(Malformed) as refused:
        parse(";A;1;", ";B;-1;", ";C;x;", ";D;-1;", ";E;-1;", ";F;-1;", last=last)
    told = str(refused.value)
    assert "since 5 rows were kept back (line 3: quantity is negative" in told
    assert "; line 4: " in told
    assert "; 2 more). The last good count stands." in told


def test_the_last_snapshot_is_the_newest_read_before(store: Store):
    stored(store, ";A;1;", ";B;2;", batch="b1", hours=1)
    stored(store, ";C;1;", batch="b2", hours=3)
    with store.session(read_only=True) as s:
        assert last_snapshot(s, "lyon", at(30)).is_empty()
        assert last_snapshot(s, "lyon", at(120))["sku"].to_list() == ["A", "B"]
        assert last_snapshot(s, "lyon", at(999))["sku"].to_list() == ["C"]


def test_a_location_that_leaves_out_what_it_has_none_of_counts_zero():
    last = pl.DataFrame({"sku": ["A", "B", "C", "D"], "quantity": [1, 2, 3, 0]})
    place = lyon(absent="zero", max_shrink=0.9)
    done = parse(";A;1;2026-01-01T05:00:00Z", ";C;-3;", location=place, last=last)
    found = done.accepted.sort("sku").select("sku", "quantity", "counted_at").rows()
    counted = datetime(2026, 1, 1, 5, tzinfo=UTC)
    assert found == [("A", 1, counted), ("B", 0, counted)], "C was told, though wrongly"


def receipts(*rows: str) -> pl.DataFrame:
    header = "receipt_id;line_no;rma;order_number;line_id;sku;quantity;condition;remark;received_at"
    body = "\r\n".join([header, *rows, ""]).encode()
    parsed = parse_receipts(body, DEFAULTS["receipt"], "lyon", READ)
    assert parsed.rejected.is_empty()
    return parsed.accepted


def test_received_goods_find_their_return_and_their_order(store: Store):
    sold(store, "1")
    announced(store, "r1")
    rows = receipts(
        "R1;1;RMAr1;;1;A;1;as_new;;2026-01-01T05:00:00Z",
        "R1;2;;shop/1;1;A;1;damaged;torn;2026-01-01T05:00:00Z",
        "R2;1;nobody;nothing;;A;1;;;2026-01-01T05:00:00Z",
    )
    kinds = {"as_new": "restock", "damaged": "repair", "unknown": "quarantine"}
    with store.session() as s:
        found = resolve_receipts(s, rows, kinds, READ, "b1")
        assert s.merge_documents("return_receipts", found, {}).new == 3
        assert s.merge_documents("return_receipts", found, {}).same == 3
    told = found.select("receipt_id", "line_no", "return_id", "order_id", "disposition").rows()
    assert told == [
        ("lyon/R1", 1, "shop/r1", "shop/1", "restock"),
        ("lyon/R1", 2, "shop/r1", "shop/1", "repair"),
        ("lyon/R2", 1, None, None, "quarantine"),
    ]
