"""Files of partners who write them their own way, and what `inspect file` says of them."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from oms_pipelines.cli.profiles import inspect_file
from oms_pipelines.config import Oms
from oms_pipelines.errors import Malformed
from oms_pipelines.logistics.csvfile import cast, read
from oms_pipelines.logistics.kinds import DEFAULTS

STOCK = DEFAULTS["stock"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r\n\r\n\r\n", b"\n\n"])
def test_empty_lines_after_the_last_row_are_passed_over(end: bytes):
    assert read(b"sku;quantity;counted_at\nA;1;\nB;2;" + end, STOCK)["sku"].to_list() == ["A", "B"]
    with pytest.raises(Malformed, match="line 1: empty"):
        read(end, STOCK)


def test_utf8_declared_as_an_encoding_of_one_byte_is_refused_and_such_text_itself_is_not():
    latin = replace(STOCK, encoding="cp1252")
    with pytest.raises(Malformed, match="is written in utf-8, but cp1252 is declared"):
        read("sku;quantity\nÉ;1\n".encode(), latin)
    body = "sku;quantity\nÉ€;1\n".encode("cp1252")  # C9 80 is a letter in UTF-8 as well
    assert read(body, latin)["sku"].to_list() == ["É€"]


def test_a_time_before_computers_or_of_no_zone_is_no_time():
    used = replace(STOCK, date="%d/%m/%Y %H:%M")
    told = cast(
        read(b"sku;quantity;counted_at\nA;1;01/07/26 10:00\nB;1;01/07/2026 10:00\n", used), used
    )
    assert told.accepted["sku"].to_list() == ["B"]
    rows = b"A;1;0026-07-01\nB;1;2026-07-01T10:00:00+99:00\nC;1;2026-07-01T10:00:00-14:00\n"
    told = cast(read(b"sku;quantity;counted_at\n" + rows, STOCK), STOCK)
    assert told.accepted["counted_at"].to_list() == [datetime(2026, 7, 2, tzinfo=UTC)]
    assert all("counted_at is not a time" in reason for reason in told.rejected["reason"])


def test_a_key_with_a_character_nobody_sees_is_kept_back():
    told = cast(read("sku;quantity\n\u200bA;1\n\u00a0B\u00a0;1\n".encode(), STOCK), STOCK)
    assert told.accepted["sku"].to_list() == ["B"]
    assert told.rejected["line"].to_list() == [2]


CONFIRMED = (
    "fo_id;line_id;sku;shipped_quantity;refused_quantity;reason;parcel;carrier_id;"
    "tracking_number;shipped_at"
)
SENT = "2026-07-01T10:00:00Z"
RECEIVED = "receipt_id;line_no;rma;order_number;line_id;sku;quantity;condition;remark;received_at"
ROWS = {  # kind: (header, rows, record and reason of those kept back)
    "confirmation": (
        CONFIRMED,
        [f"F;1;A;1;;;P;;;{SENT}", "F;2;A;1;;;P;;;", "F;3;A;0;0;;;;;"],
        {1: "shipped_at is empty", 2: "neither shipped nor refused"},
    ),
    "acknowledgement": (
        "file_name;status;line_no;reason",
        ["f.csv;accepted;;", "f.csv;accepted;3;", "f.csv;rejected;3;no such SKU"],
        {1: "line_no stands in a row that rejects nothing"},
    ),
    "receipt": (
        RECEIVED,
        [f"R;1;;;;A;1;;;{SENT}", f"R;1;;;;A;1;;;{SENT}", "R;2;;;;A;1;;;2999-01-01"],
        {0: "line_no stands twice", 1: "line_no stands twice", 2: "lies in the future"},
    ),
    "stock": (
        "sku;quantity;counted_at",
        [f"A;1;{SENT}", f"A;2;{SENT}", f"B;1;{SENT}"],
        {0: "sku stands twice", 1: "sku stands twice"},
    ),
}


@pytest.mark.parametrize("kind", ROWS)
def test_a_file_inspected_is_judged_as_a_sync_would(kind: str, tmp_path: Path):
    header, rows, want = ROWS[kind]
    path = tmp_path / "file.csv"
    path.write_text("\n".join([header, *rows, ""]))
    found = inspect_file(Oms(), path, kind)
    assert found.refused is None
    got = dict(found.rejected.select("record", "reason").iter_rows())
    assert got.keys() == want.keys()
    assert all(want[at] in got[at] and f"line {at + 2}: " in got[at] for at in want)
    assert found.accepted.height == len(rows) - len(want)
