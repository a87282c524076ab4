"""Why a channel shows what it shows: from ATP to its number, the numbers in between add up."""

from datetime import timedelta

import polars as pl
from stock_world import NOON, World, channel, network, place

from oms_pipelines.stock.explain import explain_channels, explain_shares
from oms_pipelines.store import Store

SALE = {"id": "flash", "from": "2026-03-02T10:00:00", "to": "2026-03-04T10:00:00", "units": 5}


def test_each_channels_number_follows_from_atp_by_the_terms_shown(store: Store):
    world = World(store, "lyon", "lille")
    for name, units in (("lyon", 90), ("lille", 20)):
        world.put("stock_balances", {"account": f"{name}/sellable", "sku": "sock",
                                     "quantity": units})  # fmt: skip
    world.order("shop/1", {"sock": 10}, NOON - timedelta(hours=1))
    oms = network(
        [
            channel("shop", share=0.5, buffer=2, locations=["lyon"]),
            channel("capped", weight=1, cap=8),
            channel("few", weight=1, stop_below=60),
            channel("flash", quotas=[SALE]),
            channel("open", mode="pooled", risk=0.01, buffer=3),
        ],
        [place("lyon"), place("lille", threshold=1)],
    )
    with store.session() as s:
        found = explain_shares(s, oms, NOON, "sock")
        levels = explain_channels(s, oms, NOON, pl.DataFrame({"sku": ["sock"]}))
    by = {r["channel_id"]: r for r in found.iter_rows(named=True)}
    assert {c: r["pool"] for c, r in by.items()} == {"shop": 80} | dict.fromkeys(list(by)[1:], 99)
    assert by["shop"]["percent"] == 50.0
    assert by["shop"]["gets"] - by["shop"]["buffer"] == by["shop"]["shows"] > 0
    assert (by["capped"]["cap"], by["capped"]["shows"]) == (8, 8)
    assert (by["few"]["stop_below"], by["few"]["gets"], by["few"]["shows"]) == (60, 0, 0)
    assert (by["flash"]["quota"], by["flash"]["shows"]) == (5, 5)
    assert by["open"]["gets"] - 3 == by["open"]["shows"]
    assert by["open"]["gets"] == 99 - sum(by[c]["gets"] for c in ("shop", "capped", "flash"))
    assert {c: r["shows"] for c, r in by.items()} == dict(
        levels.select("channel_id", "on_hand").iter_rows()
    )
