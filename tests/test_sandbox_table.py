"""The sandbox driven by a table of order lines: what is sold, what comes back, what is refused."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from oms_pipelines import config
from oms_pipelines.errors import Misconfigured
from oms_pipelines.sandbox import SECRETS, sandbox_config
from oms_pipelines.sandbox.table import Table, channel_of, read_map
from oms_pipelines.sandbox.world import World

MAPPING = {
    "invoice": "no", "sku": "code", "quantity": "n", "placed_at": "t", "price": "p",
    "country": "land", "customer": "who",
}  # fmt: skip


def sales(path: Path, rows) -> dict:
    frame = pl.DataFrame(
        rows, schema=["no", "code", "n", "t", "p", "land", "who"], orient="row"
    ).with_columns(pl.col("t").str.to_datetime())
    frame.write_parquet(path)
    return {"path": str(path), "mapping": MAPPING}


def test_a_table_of_sales_drives_the_shops(tmp_path):
    invoices = [f"{n}" for n in range(536000, 536060)]
    rows = [(no, "85123A", 2, "2010-12-01T09:00:00", 2.55, "EIRE", "17850") for no in invoices]
    rows += [(invoices[0], "85123A", 1, "2010-12-01T09:00:00", 2.55, "EIRE", "17850")]
    rows += [(invoices[0], "POST", 1, "2010-12-01T09:00:00", 18.0, "EIRE", "17850")]
    world = World(tmp_path / "box", sales=sales(tmp_path / "s.parquet", rows))
    world.advance(24)
    shops = world.truth.shops
    for shop in shops:
        wanted = sum(channel_of(x) == shop for x in invoices)
        assert len(shops[shop].orders) == wanted
    first = next(o for s in shops.values() for o in s.orders.values() if len(o.lines) == 2)
    assert [(x.sku, x.quantity) for x in first.lines] == [("85123A", 2), ("85123A", 1)]
    assert first.person.country in ("IE", "FR")


def test_returns_of_a_table_find_their_sale_or_come_to_the_till(tmp_path):
    sold = next(f"{n}" for n in range(536000, 536099) if channel_of(f"{n}") == "shop_com")
    rows = [
        (sold, "85123A", 5, "2010-12-01T09:00:00", 2.55, "France", "1"),
        ("C9", "85123A", -2, "2010-12-02T09:00:00", 2.55, "France", "1"),
        ("C8", "22423", -1, "2010-12-02T10:00:00", 9.0, "France", "2"),
        ("536999", "22423", -30, "2010-12-02T10:00:00", 0.0, "France", None),
    ]
    world = World(tmp_path / "box", sales=sales(tmp_path / "s.parquet", rows))
    world.advance(48)
    order = next(iter(world.truth.shops["shop_com"].orders.values()))
    assert (order.lines[0].canceled, order.refunds[0].amount) == (2, 510)
    slips = [x for x in world.truth.shops["till_paris"].orders.values() if x.kind == "return"]
    assert [(x.lines[0].sku, x.lines[0].quantity) for x in slips] == [("22423", 1)]
    assert world.truth.tally["returns/unmatched"] == 1


def test_a_table_that_cannot_be_used_says_why(tmp_path):
    told = sales(tmp_path / "s.parquet", [("1", "2", 1, "2010-12-01T09:00:00", 1.0, "FR", "3")])
    with pytest.raises(Misconfigured, match="no column is given for price"):
        Table(told["path"], {k: v for k, v in MAPPING.items() if k != "price"})
    with pytest.raises(Misconfigured, match="has no column sum"):
        Table(told["path"], MAPPING | {"price": "sum"})
    with pytest.raises(Misconfigured, match="no sale between"):
        Table(**told, since="2011-01-01")


def test_a_mapping_is_read_from_the_command_line():
    assert read_map("invoice=No, sku=Code") == {"invoice": "No", "sku": "Code"}
    with pytest.raises(Misconfigured, match="name=COLUMN"):
        read_map("colour=C")


def test_a_folder_keeps_the_world_it_was_made_for(tmp_path):
    rows = [("1", "22423", 1, "2010-12-01T09:00:00", 1.0, "FR", "3")]
    told = sales(tmp_path / "s.parquet", rows)
    World(tmp_path / "box", sales=told)
    assert World(tmp_path / "box").truth.sales == told
    with pytest.raises(Misconfigured, match="another world"):
        World(tmp_path / "box", sales={**told, "since": "2010-12-01"})


@pytest.mark.shared
def test_a_week_of_real_sales_runs_through(tmp_path, shared):
    path = shared / "data" / "online_retail_2010_2011" / "order_lines.parquet"
    mapping = {
        "invoice": "InvoiceNo", "sku": "StockCode", "quantity": "Quantity",
        "placed_at": "InvoiceDate", "price": "UnitPrice", "country": "Country",
        "customer": "CustomerID", "title": "Description",
    }  # fmt: skip
    told = {"path": str(path), "mapping": mapping, "since": "2010-12-01", "until": "2010-12-07"}
    world = World(tmp_path / "box", sales=told)
    world.advance(7 * 24)
    table = Table(**told)
    days = (table.first.replace(day=n) for n in range(1, 8))
    demanded = [x for day in days for x in table.demands(day) if x[1] != "come_back"]
    sold = [x for s in world.truth.shops.values() for x in s.orders.values() if x.kind == "sale"]
    assert len(demanded) * 0.97 < len(sold) <= len(demanded)
    assert len(sold) > 500
    assert world.truth.tally["returns/before_shipping"] > 0


def test_the_hub_s_configuration_follows_the_world_of_a_table(tmp_path):
    rows = [("1", "22423", 1, "2010-12-01T09:00:00", 1.0, "FR", "3")]
    World(tmp_path / "box", sales=sales(tmp_path / "s.parquet", rows))
    oms = config.parse(sandbox_config("http://127.0.0.1:1", 25, tmp_path / "box"), SECRETS)
    assert oms.backfill_from == date(2010, 12, 1)
    assert {c.currency for c in oms.channels} == {"GBP"}
