"""The file channel: which files are taken, and how levels and parcels are told back."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import polars as pl
import pytest
from file_sales import NOW, TILL, csv, settings, till, xlsx

from oms_pipelines.channels import open_channel
from oms_pipelines.channels.base import Level, Parcel, ShippedLine, Window
from oms_pipelines.channels.file import FileChannel
from oms_pipelines.config import Channel
from oms_pipelines.errors import Malformed, Misconfigured

WINDOW = Window(NOW, NOW)


def connect(channel: Channel, profiles: dict | None = None) -> FileChannel:
    adapter = open_channel(channel, profiles)
    assert isinstance(adapter, FileChannel)
    return adapter


def test_each_whole_file_is_a_page_and_moves_to_the_archive_once_landed(tmp_path):
    (tmp_path / "b.csv").write_bytes(csv(TILL, {**TILL, "kind": "return"}))
    (tmp_path / "a.xlsx").write_bytes(xlsx([TILL]))
    (tmp_path / "c.csv.part").write_bytes(b"half")
    (tmp_path / "d.csv").write_bytes(b"<html>")
    (tmp_path / "notes.txt").write_bytes(b"hello")
    adapter = connect(till(tmp_path))
    pages = list(adapter.orders(WINDOW))
    assert [(p.name, p.stream, p.records, p.resume) for p in pages] == [
        ("a.xlsx", "orders", 1, None),
        ("b.csv", "returns", 1, None),
        ("b.csv", "orders", 1, None),
        ("d.csv", "orders", None, None),
    ]
    assert pages[1].body == pages[2].body == (tmp_path / "b.csv").read_bytes()
    assert pages[0].high_water == datetime(2026, 7, 1, 16, 30, tzinfo=UTC)
    assert "4 files" not in adapter.ping()
    adapter.landed([p.name for p in pages if p.name])
    assert list(adapter.orders(WINDOW)) == []
    assert sorted(p.name for p in (tmp_path / "archive").iterdir()) == ["a.xlsx", "b.csv", "d.csv"]
    assert (tmp_path / "c.csv.part").exists()


def test_a_file_that_belies_its_manifest_waits_and_the_others_go_on(tmp_path):
    (tmp_path / "a.csv").write_bytes(csv(TILL))
    (tmp_path / "a.csv.manifest.json").write_bytes(b'{"sha256": "0"}')
    (tmp_path / "b.csv").write_bytes(csv(TILL))
    adapter = connect(till(tmp_path))
    assert [p.name for p in adapter.orders(WINDOW)] == ["b.csv"]
    assert "a.csv" in adapter.notes[0]
    adapter.landed(["b.csv"])
    with pytest.raises(Malformed, match=r"a\.csv"):
        list(connect(till(tmp_path)).orders(WINDOW))


def test_the_newest_levels_file_holds_every_level_told_so_far(tmp_path):
    out = tmp_path / "in"
    channel = settings(tmp_path / "out", stock={"mode": "escrow", "share": 1, "to": str(out)})
    adapter = connect(channel)
    levels = [Level("MUG", "mug", 5, 1), Level("CUP", "cup", 2, 1)]
    assert [r.outcome for r in adapter.push_stock(levels)] == ["accepted", "accepted"]
    assert [r.key for r in adapter.push_stock([Level("MUG", "mug", 0, 2)])] == ["mug#2"]
    first, second = sorted(out.glob("*.csv"))
    assert first.read_bytes() == b"sku;quantity\r\ncup;2\r\nmug;5\r\n"
    assert second.read_bytes() == b"sku;quantity\r\ncup;2\r\nmug;0\r\n"
    told = json.loads((out / f"{second.name}.manifest.json").read_bytes())
    assert (told["rows"], told["quantity"], told["file"]) == (2, 2, second.name)
    second.unlink()  # the partner takes its files away
    first.unlink()
    assert connect(channel).read_stock(["mug", "cup", "none"]) == {"mug": 0, "cup": 2}


def test_levels_without_a_folder_are_rejected_with_the_cure(tmp_path):
    adapter = connect(settings(tmp_path))
    (receipt,) = adapter.push_stock([Level("MUG", "mug", 5, 1)])
    assert (receipt.outcome, adapter.read_stock(["mug"])) == ("rejected", {})
    assert "stock.to" in receipt.text
    assert adapter.capabilities.reads_stock is False


def parcel(key: str = "vp/1") -> Parcel:
    lines = (ShippedLine("1", 2), ShippedLine("2", 1))
    shipped = datetime(2026, 7, 3, 10, tzinfo=UTC)
    return Parcel(key, "VP1", "lyon/1", "colis", "XY1", None, shipped, lines, True)


def test_a_parcel_is_told_in_a_file_of_its_own_once(tmp_path):
    out = tmp_path / "in"
    adapter = connect(settings(tmp_path, options={"tracking_to": str(out)}))
    for _ in range(2):
        assert [r.outcome for r in adapter.push_tracking([parcel("a"), parcel("b")])] == [
            "accepted",
            "accepted",
        ]
    files = sorted(out.glob("*.csv"))
    assert len(files) == 2
    rows = pl.read_csv(files[0], separator=";", infer_schema=False).to_dicts()
    assert [(r["order_number"], r["line_id"], r["quantity"]) for r in rows] == [
        ("VP1", "1", "2"),
        ("VP1", "2", "1"),
    ]


def test_a_parcel_of_parts_stands_in_its_file_with_its_number_and_no_unit(tmp_path):
    out = tmp_path / "in"
    adapter = connect(settings(tmp_path, options={"tracking_to": str(out)}))
    [receipt] = adapter.push_tracking([replace(parcel(), lines=(ShippedLine("1", 0),))])
    assert receipt.outcome == "accepted"
    [row] = pl.read_csv(next(out.glob("*.csv")), separator=";", infer_schema=False).to_dicts()
    assert (row["line_id"], row["quantity"], row["tracking_number"]) == ("1", "0", "XY1")


def test_a_parcel_nobody_asked_for_is_accepted_and_written_nowhere(tmp_path):
    (receipt,) = connect(settings(tmp_path)).push_tracking([parcel()])
    assert (receipt.outcome, receipt.text) == ("accepted", "not asked for")


def test_wrong_options_and_profiles_are_told_with_their_path(tmp_path):
    with pytest.raises(Misconfigured, match=r"channel vp: options\.kind:"):
        open_channel(settings(tmp_path, options={"kind": "kiosk"}))
    with pytest.raises(Misconfigured, match=r"profiles\.house: no such profile"):
        open_channel(settings(tmp_path, options={"profile": "house"}))
