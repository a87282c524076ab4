"""`inspect payload`: every real payload gives rows, or a reason with a name."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from consolidate_world import NOW, page, woo_order

from oms_pipelines.config import Channel
from oms_pipelines.consolidate import inspect_payload
from oms_pipelines.errors import Misconfigured

LATER = datetime(2026, 12, 1, tzinfo=UTC)
CHANNELS = {
    "shopify": ("orders", "returns"),
    "woocommerce": ("orders", "refunds"),
    "mirakl": ("orders", "returns"),
}


@pytest.mark.shared
@pytest.mark.parametrize("system", CHANNELS)
def test_every_real_payload_gives_rows_or_a_named_reason(shared: Path, system: str):
    files = sorted((shared / "fixtures" / "channels" / system).glob("*.json"))
    assert len(files) > 10
    settings = Channel(id="shop", system=system, currency="EUR", time_zone="Europe/Paris")
    with_rows = set()
    for stream in CHANNELS[system]:
        found = inspect_payload(system, stream, files, settings, now=NOW)
        assert found.received >= len(files) - 1  # an empty list holds no record
        assert found.rejected["reason"].str.len_chars().min() > 10
        assert found.rejected["file"].null_count() == 0
        with_rows |= {name for name, frame in found.tables.items() if frame.height}
    assert "orders" in with_rows
    assert with_rows & {"refunds", "returns"}


def test_a_payload_is_told_by_file_and_nothing_is_stored(tmp_path: Path):
    (tmp_path / "good.json").write_bytes(page(woo_order(2), woo_order(1)))
    (tmp_path / "bad.json").write_bytes(b"<html>")
    files = [tmp_path / "good.json", tmp_path / "bad.json"]
    found = inspect_payload("woocommerce", "orders", files, now=NOW)
    assert found.received == 3
    assert found.tables["orders"]["external_id"].to_list() == ["1", "2"]
    assert found.rejected.select("file", "record").rows() == [("bad.json", -1)]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad.json", "good.json"]


def test_an_unknown_system_is_told(tmp_path: Path):
    with pytest.raises(Misconfigured, match="system nosuch"):
        inspect_payload("nosuch", "orders", [], now=NOW)


@pytest.mark.parametrize("system", ["shopify", "mirakl"])
def test_refunds_told_inside_orders_are_read_out_of_them(system: str):
    sample = Path(__file__).parent / "samples" / f"{system}_orders.json"
    orders = inspect_payload(system, "orders", [sample], now=LATER)
    found = inspect_payload(system, "refunds", [sample], now=LATER)
    assert list(found.tables) == ["refunds", "refund_lines"]
    assert found.tables["refunds"].height > 0
    assert found.tables["refunds"].equals(orders.tables["refunds"])
    assert found.received == orders.received


def test_a_stream_that_a_system_does_not_have_is_told_with_those_it_has():
    with pytest.raises(Misconfigured, match="no stream returns; name one of orders, refunds"):
        inspect_payload("woocommerce", "returns", [], now=NOW)
