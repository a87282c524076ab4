"""Strict CSV: what is read, what is refused and how it is told, what is written."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms_pipelines.errors import Malformed
from oms_pipelines.logistics.csvfile import cast, from_table, read, write
from oms_pipelines.logistics.kinds import DEFAULTS

STOCK = DEFAULTS["stock"]
DISPATCH = DEFAULTS["dispatch"]
HEADER = b"sku;quantity;counted_at\r\n"


def test_every_value_is_read_as_the_text_it_is():
    rows = read(HEADER + b"1E5;007;2025-01-31\r\n01000;;\r\n", STOCK)
    assert rows.select("record", "line", "sku", "quantity", "counted_at").rows() == [
        (0, 2, "1E5", "007", "2025-01-31"),
        (1, 3, "01000", None, None),
    ]


def test_lines_are_counted_as_an_editor_counts_them():
    orders = DEFAULTS["orders"]
    header = ";".join(orders.titles)
    cells = dict.fromkeys(orders.titles, "")
    row = ";".join({**cells, "order_number": "1", "title": '"two\r\nlines; ""quoted"""'}.values())
    last = ";".join({**cells, "order_number": "2"}.values())
    rows = read(f"{header}\r\n{row}\r\n{last}\r\n".encode(), orders)
    assert rows["line"].to_list() == [2, 4]
    assert rows["title"].to_list() == ['two\r\nlines; "quoted"', None]


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_both_line_ends_and_a_bom_are_taken(newline: bytes, bom: bytes):
    body = bom + newline.join([b"sku;quantity;counted_at", b"A;1;", b'"B";2;', b""])
    assert read(body, STOCK)["sku"].to_list() == ["A", "B"]


def test_columns_may_stand_in_any_order_and_optional_ones_be_absent():
    rows = read(b"quantity;sku\n5;A\n", STOCK)
    assert rows.select("sku", "quantity", "location_id", "counted_at").rows() == [
        ("A", "5", None, None)
    ]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html></html>\n", "HTML"),
        (b"PK\x03\x04abc", "XLSX"),
        (b"\x1f\x8babc", "gzip"),
        (b'{"a": 1}\n', "JSON"),
        (HEADER, "0 rows"),
        (HEADER + b"A;1;", "line 2: no line break after the last row"),
        (HEADER + b"A;1;\r\nB;2\r\n", "line 3: 2 columns, but the header has 3"),
        (HEADER + b"A;1;\r\n\r\nB;1;\r\n", "line 3: 1 columns"),
        (HEADER + b"A;1;;\r\n", "line 2: 4 columns"),
        (HEADER + b'A;"1;\r\n', "line 2: a quote is out of place"),
        (HEADER + b'A"x;1;\r\n', "line 2: a quote is out of place"),
        (HEADER + b'A;1;\r\n"B"x;1;\r\n', "line 3: a quote is out of place"),
        (HEADER + b"A;1;\r\nB\x00;1;\r\n", "line 3: a NUL byte"),
        (HEADER + b"A;1;\r\nCaf\xe9;1;\r\n", "line 3: byte 35 is not utf-8"),
        (HEADER + b"A;1;\rB;1;\r\n", "line 2: a CR without LF"),
        ("sku;quantity;counted_at\nA;1;\n".encode("utf-16"), "declare encoding: utf-16"),
        (b"sku;quantity;sku\r\nA;1;\r\n", "sku more than once"),
        (b"sku;counted_at\r\nA;\r\n", "lacks quantity"),
        (b"sku;quantity;counted_at;shelf\r\nA;1;;\r\n", "unknown titles in column 4"),
        (b"sku,quantity,counted_at\r\nA,1,\r\n", "line 1: the file is delimited by"),
        (b"\r\nsku;quantity\r\nA;1\r\n", "line 1: empty"),
    ],
)
def test_a_file_that_is_not_as_promised_is_refused_whole_with_the_place(body: bytes, told: str):
    with pytest.raises(Malformed) as refused:
        read(body, STOCK, "stock.csv")
    assert str(refused.value).startswith("stock.csv")
    assert told in str(refused.value)


def test_a_header_that_is_somebodys_data_is_not_repeated_in_the_error():
    with pytest.raises(Malformed) as refused:
        read(b"Jeanne Martin;jeanne@example.com\r\nA;1\r\n", STOCK)
    assert "anne" not in str(refused.value)


def test_other_encodings_are_read_as_declared():
    latin = replace(DEFAULTS["orders"], encoding="cp1252")
    row = dict.fromkeys(latin.titles, "") | {"order_number": "1", "name": "Zoë €"}
    body = (";".join(row) + "\r\n" + ";".join(row.values()) + "\r\n").encode("cp1252")
    assert read(body, latin)["name"].to_list() == ["Zoë €"]
    wide = replace(STOCK, encoding="utf-16")
    assert read("sku;quantity\nÉ;1\n".encode("utf-16"), wide)["sku"].to_list() == ["É"]


def test_a_default_fills_what_has_no_column_or_no_value():
    used = replace(STOCK, defaults={"counted_at": "2025-01-01T00:00:00Z"})
    rows = read(b"sku;quantity;counted_at\nA;1;\nB;1;2025-02-01\n", used)
    assert rows["counted_at"].to_list() == ["2025-01-01T00:00:00Z", "2025-02-01"]


def test_a_sheet_of_cells_is_judged_by_the_same_rules():
    rows = from_table(["sku", "quantity"], [["A", "1"], ["B", None]], STOCK, "stock.xlsx")
    assert rows.select("line", "sku", "quantity").rows() == [(2, "A", "1"), (3, "B", None)]
    with pytest.raises(Malformed, match=r"stock.xlsx line 2: 1 columns"):
        from_table(["sku", "quantity"], [["A"]], STOCK, "stock.xlsx")


@pytest.mark.parametrize(
    ("value", "quantity"),
    [("5", 5), ("+5", 5), ("007", 7), ("12,00", 12), ("0", 0)],
)
def test_whole_units_are_taken(value: str, quantity: int):
    done = cast(read(f"sku;quantity\nA;{value}\n".encode(), STOCK), STOCK)
    assert done.accepted["quantity"].to_list() == [quantity]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("-1", "quantity is negative"),
        ("1,5", "not a whole number of units"),
        ("1,000", "not a whole number of units"),
        ("1 000", "not a whole number of units"),
        ("1.00", "not a whole number of units"),
        ("5-", "not a whole number of units"),
        ("1e3", "not a whole number of units"),
        ("", "quantity is empty"),
    ],
)
def test_a_row_with_another_quantity_is_kept_back_alone(value: str, told: str):
    done = cast(read(f"sku;quantity\nA;{value}\nB;1\n".encode(), STOCK), STOCK)
    assert done.accepted["sku"].to_list() == ["B"]
    row = done.rejected.row(0, named=True)
    assert (row["record"], row["line"], row["record_key"]) == (0, 2, "A")
    assert row["reason"].startswith("line 2: quantity")
    assert told in row["reason"]


@pytest.mark.parametrize("sku", ["3,70001E+12", "A\tB"])
def test_a_damaged_sku_is_kept_back(sku: str):
    done = cast(read(f"sku;quantity\n{sku};1\n".encode(), STOCK), STOCK)
    assert done.accepted.is_empty()


@pytest.mark.parametrize(
    ("date", "zone", "value", "expected"),
    [
        ("iso", "UTC", "2025-01-31T10:00:00Z", "2025-01-31T10:00:00"),
        ("iso", "UTC", "2025-01-31T10:00:00+02:00", "2025-01-31T08:00:00"),
        ("iso", "UTC", "2025-01-31 10:00:00.5-0330", "2025-01-31T13:30:00.500000"),
        ("iso", "Europe/Paris", "2025-01-31T10:00", "2025-01-31T09:00:00"),
        ("iso", "Europe/Paris", "2025-07-31", "2025-07-30T22:00:00"),
        ("iso", "Europe/Paris", "2025-10-26T02:30:00", "2025-10-26T00:30:00"),
        ("iso", "Europe/Paris", "2025-03-30T02:30:00", None),
        ("iso", "UTC", "2025-02-30", None),
        ("iso", "UTC", "31/01/2025", None),
        ("%d/%m/%Y %H:%M", "Europe/Paris", "31/01/2025 10:00", "2025-01-31T09:00:00"),
        ("%d/%m/%Y", "UTC", "31/01/2025", "2025-01-31T00:00:00"),
        ("%d/%m/%Y", "UTC", "45874", None),
    ],
)
def test_times_are_utc_or_kept_back(date: str, zone: str, value: str, expected: str | None):
    used = replace(STOCK, date=date, time_zone=zone)
    done = cast(read(f"sku;quantity;counted_at\nA;1;{value}\n".encode(), used), used)
    if expected is None:
        assert "counted_at is not a time" in done.rejected["reason"][0]
    else:
        moment = datetime.fromisoformat(expected).replace(tzinfo=UTC)
        assert done.accepted["counted_at"].to_list() == [moment]


@pytest.mark.parametrize(
    ("mark", "value", "expected"),
    [
        (",", "1,99", Decimal("1.9900")),
        (".", "-0.5", Decimal("-0.5000")),
        (",", "1.99", None),
        (".", "1,234.50", None),
    ],
)
def test_decimals_follow_the_declared_mark(mark, value: str, expected: Decimal | None):
    done = cast(_priced(value), replace(DEFAULTS["orders"], decimal=mark))
    assert done.accepted["unit_price"].to_list() == ([] if expected is None else [expected])


def _priced(value: str) -> pl.DataFrame:
    row = dict.fromkeys(DEFAULTS["orders"].titles, "")
    row |= {"order_number": "1", "placed_at": "2025-01-01", "sku": "A", "quantity": "1"}
    row["unit_price"] = value
    return read(f"{';'.join(row)}\n{';'.join(row.values())}\n".encode(), DEFAULTS["orders"])


def test_a_partners_words_become_ours_and_strangers_are_kept_back():
    used = replace(DEFAULTS["acknowledgement"], values={"status": {"OK": "accepted"}})
    body = b"file_name;status;line_no;reason\nf;OK;;\nf;accepted;;\nf;KO;;\n"
    done = cast(read(body, used), used)
    assert done.accepted["status"].to_list() == ["accepted", "accepted"]
    assert "profiles.acknowledgement.values.status" in done.rejected["reason"][0]


def test_a_file_of_another_delimiter_is_told_where_the_delimiter_is_declared():
    told = (
        'delimited by ",", but ";" is declared .profiles.stock.delimiter of oms.yaml.*kind: stock'
    )
    with pytest.raises(Malformed, match=told):
        read(b'"sku",quantity\nA,1\n', DEFAULTS["stock"])
    tabs = replace(DEFAULTS["stock"], name="lille", delimiter=",")
    with pytest.raises(Malformed, match=r'"\\t", but "," is declared .profiles.lille.delimiter'):
        read(b"sku\tquantity\nA\t1;2\n", tabs)


def lines(*rows: dict) -> pl.DataFrame:
    return pl.DataFrame([{"fo_id": "f", "sku": "A", "quantity": 1, **r} for r in rows])


def test_bytes_are_those_of_the_profile():
    frame = lines(
        {"unit_value": Decimal("19.9900"), "ship_by": datetime(2025, 1, 1, 9, tzinfo=UTC)},
        {"unit_value": Decimal("0.1234"), "ship_by": None},
    ).with_columns(name=pl.Series(['a;"b"\nc', ""]))
    assert write(frame, _narrow()).body == (
        b"fo_id;sku;quantity;unit_value;ship_by;name\r\n"
        b'f;A;1;19,99;2025-01-01T09:00:00Z;"a;""b"" c"\r\n'
        b"f;A;1;0,1234;;\r\n"
    )
    french = replace(
        _narrow(), bom=True, date="%d/%m/%Y %H:%M", time_zone="Europe/Paris", delimiter="\t"
    )
    body = write(frame, french).body
    assert body.startswith(b"\xef\xbb\xbffo_id\tsku")
    assert b"\t01/01/2025 10:00\t" in body


def _narrow(**more):
    names = ("fo_id", "sku", "quantity", "unit_value", "ship_by", "name")
    by_name = {f.name: f for f in DISPATCH.fields}
    return replace(DISPATCH, fields=tuple(by_name[n] for n in names), **more)


@pytest.mark.parametrize(
    ("policy", "names", "replaced"),
    [
        ("transliterate", ["Lukasz €", "Zoë"], 1),
        ("replace", ["?ukasz €", "Zoë"], 1),
        ("reject", ["Zoë"], 0),
    ],
)
def test_what_an_encoding_lacks_follows_the_policy(policy, names: list[str], replaced: int):
    used = _narrow(encoding="cp1252", unencodable=policy)
    done = write(lines({"name": "Łukasz €"}, {"name": "Zoë"}), used)
    assert read(done.body, replace(used, min_rows=0))["name"].to_list() == names
    assert (done.rows, done.replaced) == (len(names), replaced)
    assert done.rejected.rows() == ([(0, "name")] if policy == "reject" else [])


TEXT = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\n\x00", exclude_categories=("Cs",)),
    max_size=12,
)


@given(st.lists(st.tuples(TEXT, st.integers(0, 10**9)), min_size=1, max_size=5))
def test_what_is_written_is_read_back(values: list[tuple[str, int]]):
    frame = pl.DataFrame(
        {"name": [v[0] for v in values], "quantity": [v[1] for v in values]},
        schema={"name": pl.String, "quantity": pl.Int64},
    )
    back = read(write(frame, _narrow()).body, _narrow())
    assert back["name"].to_list() == [v[0] or None for v in values]
    assert back["quantity"].to_list() == [str(v[1]) for v in values]
