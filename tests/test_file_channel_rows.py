"""Sales files to canonical rows: what is read, refused, and how it is shaped."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from file_sales import COLUMNS, NOW, SALE, TILL, csv, settings, till, xlsx

from oms_pipelines.channels.file import records
from oms_pipelines.config import Channel
from oms_pipelines.consolidate import BatchInfo, Normalized, normalize


def shaped(body: bytes, channel: Channel, stream: str = "orders", **profiles: Any) -> Normalized:
    info = BatchInfo("b", channel.id, NOW, channel, profiles)
    return normalize([body], "file", stream, info)


def only(found: Normalized, table: str) -> dict[str, Any]:
    assert found.rejected["reason"].to_list() == []
    (row,) = found.accepted[table].to_dicts()
    return row


def reasons(found: Normalized) -> list[str]:
    return found.rejected["reason"].to_list()


def test_a_private_sale_becomes_a_paid_order_to_ship(tmp_path):
    second = {"order_number": "VP1", "placed_at": SALE["placed_at"], "sku": "1E5", "quantity": "1"}
    found = shaped(csv(SALE, {**second, "unit_price": "5,00"}), settings(tmp_path))
    order = only(found, "orders")
    statuses = [order[f"{a}_status"] for a in ("order", "payment", "fulfillment")]
    assert statuses == ["open", "paid", "unfulfilled"]
    assert order["order_id"] == "vp/VP1"
    assert order["placed_at"] == datetime(2026, 7, 1, 8, tzinfo=UTC)  # summer in Paris
    assert order["updated_at"] == order["placed_at"]
    assert (order["total_amount"], order["currency"]) == (Decimal("30.00"), "EUR")
    assert (order["delivery_mode"], order["order_status_raw"]) == ("home", "paid")
    lines = found.accepted["order_lines"].sort("line_id").to_dicts()
    assert [(x["line_id"], x["channel_sku"], x["ordered_quantity"]) for x in lines] == [
        ("1", "MUG", 2),
        ("2", "1E5", 1),
    ]
    assert [x["line_amount"] for x in lines] == [Decimal("25.00"), Decimal("5.00")]
    assert [x["location_id"] for x in lines] == [None, None]
    contact = only(found, "order_contacts")
    assert (contact["postal_code"], contact["city"], contact["country"]) == ("01000", "Bourg", "FR")


def test_a_sale_without_prices_has_no_total(tmp_path):
    columns = [c for c in COLUMNS if c != "unit_price"]
    house = {"kind": "orders", "header": {c: c for c in columns}}
    priceless = shaped(
        csv(SALE, columns=columns), settings(tmp_path, options={"profile": "house"}), house=house
    )
    half = shaped(csv(SALE, {**SALE, "unit_price": ""}), settings(tmp_path))
    for found in (priceless, half):
        assert only(found, "orders")["total_amount"] is None
        assert found.accepted["order_lines"]["unit_price"].to_list()[-1] is None


@pytest.mark.parametrize(
    ("word", "status", "hold"),
    [
        ("", "open", None),
        ("ReadyToShip", "open", None),
        ("Canceled", "canceled", None),
        ("Shipped", "closed", None),
        ("on-hold", "held", "held by the channel"),
        ("Pending", "held", "payment pending"),
        ("Zwischenlager", "held", "unknown status of the channel"),
    ],
)
def test_a_word_of_the_house_decides_whether_an_order_ships(tmp_path, word, status, hold):
    order = only(shaped(csv({**SALE, "status": word}), settings(tmp_path)), "orders")
    assert (order["order_status"], order["hold_reason"]) == (status, hold)
    assert order["order_status_raw"] == (word or None)


def test_a_canceled_sale_cancels_its_lines(tmp_path):
    line = only(shaped(csv({**SALE, "status": "canceled"}), settings(tmp_path)), "order_lines")
    assert (line["ordered_quantity"], line["canceled_quantity"]) == (2, 2)


def test_rows_that_contradict_each_other_quarantine_their_order_alone(tmp_path):
    other = {**SALE, "order_number": "VP2"}
    found = shaped(csv(SALE, other, {**SALE, "city": "Lyon"}), settings(tmp_path))
    assert found.accepted["orders"]["external_id"].to_list() == ["VP2"]
    (reason,) = reasons(found)
    assert reason == (
        "rows of one order contradict each other in city (lines 2 to 4); make them agree"
    )
    assert found.received == 2


def test_what_belongs_to_the_order_may_stand_on_its_first_row_only(tmp_path):
    bare = {"order_number": "VP1", "placed_at": SALE["placed_at"], "sku": "CUP", "quantity": "1"}
    found = shaped(csv(SALE, {**bare, "unit_price": "1"}), settings(tmp_path))
    assert only(found, "order_contacts")["name"] == "Inès Exemple"
    assert found.accepted["order_lines"].height == 2


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"quantity": "1,5"}, "line 2: quantity"),
        ({"quantity": ""}, "line 2: quantity"),
        ({"unit_price": "12.50"}, "line 2: unit_price"),
        ({"placed_at": "yesterday"}, "line 2: placed_at"),
        ({"order_number": ""}, "line 2: order_number"),
        ({"sku": "3,70001E+12"}, "line 2: sku"),
        ({"quantity": "-1"}, "negative"),
        ({"currency": "EURO"}, "currency"),
    ],
)
def test_a_row_that_does_not_fit_quarantines_its_order_alone(tmp_path, change, told):
    good = {**SALE, "order_number": "VP2"}
    found = shaped(csv({**SALE, **change}, good), settings(tmp_path))
    assert found.accepted["orders"]["external_id"].to_list() == ["VP2"]
    (reason,) = reasons(found)
    assert told in reason
    assert "yesterday" not in reason


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html><body>503</body></html>\n", "HTML"),
        (csv(SALE)[:-2], "may be cut"),
        (csv(SALE).replace(b";FR;", b";FR"), "line 2"),
        (csv(SALE, columns=COLUMNS[1:]), "order_number"),
        (csv(SALE, columns=[*COLUMNS, "extra"]), "unknown titles"),
        (csv(), "0 rows"),
        (csv(SALE).decode().encode("cp1252"), "not utf-8"),
        (b"PK\x03\x04 and then nothing", "not a whole XLSX"),
    ],
)
def test_a_file_that_is_not_as_promised_is_refused_whole(tmp_path, body, told):
    found = shaped(body, settings(tmp_path))
    assert (found.received, found.accepted_records) == (1, 0)
    assert told in reasons(found)[0]
    assert found.rejected["record"].to_list() == [-1]


def test_a_profile_reads_other_titles_marks_dates_and_encodings(tmp_path):
    header = {
        "order_number": "N° commande",
        "placed_at": "Date",
        "sku": "Réf",
        "quantity": "Qté",
        "unit_price": "Prix",
        "name": "Destinataire",
        "status": "État",
    }
    profile = {
        "kind": "orders",
        "delimiter": "|",
        "encoding": "cp1252",
        "decimal": ".",
        "date": "%d/%m/%Y %H:%M",
        "header": header,
        "values": {"status": {"payée": "paid"}},
    }
    row = {
        "N° commande": "7",
        "Date": "01/02/2026 23:30",
        "Réf": "0012",
        "Qté": "3",
        "Prix": "1.20",
        "Destinataire": "Zoé",
        "État": "payée",
    }
    body = csv(row, columns=list(header.values()), delimiter="|").decode().encode("cp1252")
    channel = settings(tmp_path, options={"profile": "house"})
    found = shaped(body, channel, house=profile)
    assert only(found, "orders")["placed_at"] == datetime(2026, 2, 1, 22, 30, tzinfo=UTC)
    assert only(found, "orders")["order_status"] == "open"
    assert only(found, "order_lines")["channel_sku"] == "0012"
    assert only(found, "order_lines")["unit_price"] == Decimal("1.20")
    elsewhere = {**profile, "time_zone": "America/New_York"}
    moved = shaped(body, channel, house=elsewhere)
    assert only(moved, "orders")["placed_at"] == datetime(2026, 2, 2, 4, 30, tzinfo=UTC)


def test_a_workbook_reads_like_the_same_file_in_csv(tmp_path):
    typed = {**SALE, "placed_at": datetime(2026, 7, 1, 10), "quantity": 2, "unit_price": 12.5}
    from_book = shaped(xlsx([typed]), settings(tmp_path))
    from_csv = shaped(csv(SALE), settings(tmp_path))
    for table in ("orders", "order_lines", "order_contacts"):
        left, right = (
            x.accepted[table].drop("record_hash", strict=False) for x in (from_book, from_csv)
        )
        assert left.equals(right), table


def test_numeric_cells_of_a_workbook_lose_no_digit_and_text_keeps_its_zeros(tmp_path):
    rows = [
        {**SALE, "sku": 3700010000001, "unit_price": 10.799999999999999},
        {**SALE, "sku": "01000", "unit_price": "1,25"},
    ]
    found = shaped(xlsx(rows), settings(tmp_path))
    lines = found.accepted["order_lines"].sort("line_id")
    assert lines["channel_sku"].to_list() == ["3700010000001", "01000"]
    assert lines["unit_price"].to_list() == [Decimal("10.8000"), Decimal("1.2500")]


def test_a_till_sale_is_born_paid_and_handed_over_in_its_store(tmp_path):
    found = shaped(csv(TILL), till(tmp_path))
    order, line = only(found, "orders"), only(found, "order_lines")
    statuses = [order[f"{a}_status"] for a in ("order", "payment", "fulfillment")]
    assert statuses == ["closed", "paid", "fulfilled"]
    assert (order["delivery_mode"], order["hold_reason"]) == ("none", None)
    assert (line["shipped_quantity"], line["location_id"]) == (1, "paris")
    assert line["requires_shipping"] is False
    assert found.accepted["order_contacts"].height == 0
    there = shaped(csv({**TILL, "location_id": "lille"}), till(tmp_path))
    assert only(there, "order_lines")["location_id"] == "lille"


def test_goods_taken_back_at_a_till_are_returns_received_in_its_store(tmp_path):
    back = {**TILL, "kind": "return", "status": "AVIS", "placed_at": "2026-07-02T09:00:00Z"}
    negative = {**TILL, "kind": "", "quantity": "-2", "line_id": "", "order_number": "T8"}
    body = csv(TILL, back, {**back, "quantity": "1"}, negative)
    assert shaped(body, till(tmp_path)).received == 1
    found = shaped(body, till(tmp_path), "returns")
    got = {r["return_id"]: r for r in found.accepted["returns"].to_dicts()}
    assert sorted(got) == [
        "till/T8/2026-07-01T16:30:00.000000Z",
        "till/T9/2026-07-02T09:00:00.000000Z",
    ]
    one = got["till/T9/2026-07-02T09:00:00.000000Z"]
    assert (one["order_id"], one["status"], one["initiator"]) == ("till/T9", "received", "customer")
    assert (one["reason_raw"], one["location_id"]) == ("AVIS", "paris")
    lines = {x["return_id"]: x for x in found.accepted["return_lines"].to_dicts()}
    assert (lines[one["return_id"]]["line_id"], lines[one["return_id"]]["quantity"]) == ("1", 2)
    other = lines["till/T8/2026-07-01T16:30:00.000000Z"]
    assert (other["line_id"], other["quantity"], other["sku"]) == ("MUG", 2, "MUG")


def test_a_return_with_a_number_of_its_own_knows_no_order(tmp_path):
    back = {**TILL, "kind": "return", "order_number": "C1"}
    found = shaped(csv(back), till(tmp_path, returns_name="own"), "returns")
    assert only(found, "returns")["order_id"] is None


def test_a_private_sale_announces_its_returns(tmp_path):
    found = shaped(csv({**SALE, "kind": "return", "status": "SIZE"}), settings(tmp_path), "returns")
    got = only(found, "returns")
    assert (got["status"], got["order_id"], got["reason_raw"]) == ("announced", "vp/VP1", "SIZE")


def test_each_record_read_again_alone_is_the_same_record(tmp_path):
    body = csv(SALE, {**SALE, "order_number": "VP2", "quantity": "x"}, {**SALE, "kind": "return"})
    channel = settings(tmp_path)
    for stream in ("orders", "returns"):
        found = list(records(stream, body, channel, {}))
        assert found
        for record in found:
            assert list(records(stream, json.dumps(record).encode(), channel, {})) == [record]


def test_a_mended_record_goes_through(tmp_path):
    channel = settings(tmp_path)
    (record,) = records("orders", csv({**SALE, "quantity": "two"}), channel, {})
    record["rows"][0] |= {"quantity": "2", "placed_at": "2026-07-01T08:00:00Z", "unit_price": "1.5"}
    del record["fault"]
    order = only(shaped(json.dumps(record).encode(), channel), "orders")
    assert order["total_amount"] == Decimal("3.00")


def test_a_record_as_it_is_shown_goes_through_once_the_value_at_fault_is_mended(tmp_path):
    channel = settings(tmp_path)
    sale = {**SALE, "unit_price": "1,50"}
    (record,) = records("orders", csv({**sale, "quantity": "two"}), channel, {})
    assert record["fault"]
    record["rows"][0]["quantity"] = "2"
    order = only(shaped(json.dumps(record).encode(), channel), "orders")
    assert order["total_amount"] == Decimal("3.00")
