"""The page of escrow and buffers: it opens offline and says what holds."""

import re
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from stock_world import NOON, World, at, channel, network

from oms_pipelines.config import Oms
from oms_pipelines.stages.sharing import sharing_page
from oms_pipelines.stock.levels import compute_levels
from oms_pipelines.stock.sales import measure_sales
from oms_pipelines.store import Store

SALE = {"id": "flash", "from": "2026-03-02T10:00:00", "to": "2026-03-04T10:00:00", "units": 5}
DAILY = {"stock": {"rebalance": {"strength": 1.0}}}


def page(store: Store, oms: Oms, root: Path) -> Any:
    hub: Any = SimpleNamespace(store=store, output=root, now=lambda: NOON, oms=oms)
    return sharing_page(hub)


def test_a_page_without_buffers_says_so_once(store: Store, tmp_path: Path):
    World(store)
    done = page(store, network([channel("shop", share=1)]), tmp_path)
    assert done.path.read_text("utf-8").count("No pooled channel has a SKU") == 1


def test_the_page_tells_shares_quotas_weights_buffers_and_the_frontier(
    store: Store, tmp_path: Path
):
    world = World(store)
    oms = network(
        [
            channel("shop", share=0.25),
            channel("other", share=0.25),
            channel("flash", quotas=[SALE]),
            channel("a", mode="pooled", risk=0.01, delay="5m"),
            channel("b", mode="pooled", risk=0.2, delay="5m"),
        ],
        **DAILY,
    )
    world.put("stock_balances", *({"account": "lyon/sellable", "sku": s, "quantity": q}
                                  for s, q in (("<x>", 25), ("y", 9000))))  # fmt: skip
    for name in ("shop", "a", "b"):
        world.order(f"{name}/1", {"<x>": 900, "y": 40}, NOON - timedelta(days=1),
                    order_status="closed")  # fmt: skip
    world.order("flash/1", {"<x>": 2}, at(-0.5), order_status="closed")
    with store.session() as s:
        measure_sales(s, NOON, oms.stock.window)
        compute_levels(s, oms, NOON)
    done = page(store, oms, tmp_path)
    text = done.path.read_text("utf-8")
    assert text.count("<svg") == 2
    assert "<x>" not in text
    assert not re.findall(r'(?:src|href)="(?!#)[^"]*"|url\(http|@import|<link', text)
    assert "<td >flash</td><td >flash</td><td >open</td>".replace(" >", ' class="">') in text
    assert "2026-03-02 10:00:00 UTC" in text
    assert ">25.0<" in text  # percent of the pool
    assert text.count("&lt;x&gt;") >= 3  # moved by demand, and may run out
    assert done.totals["expected oversells in a lag"] > 0
    assert done.totals["expected lost in a lag"] > 0
    assert done.picture is not None


def test_a_network_that_shares_nothing_has_a_page_that_says_so(duckdb_store, tmp_path: Path):
    done = page(duckdb_store, network([channel("a", share=1)]), tmp_path)
    text = done.path.read_text("utf-8")
    for told in ("No quota is declared", "as declared", "No buffer was measured yet"):
        assert told in text
    assert done.picture is None
    assert done.totals["expected lost in a lag"] == 0
