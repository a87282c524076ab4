"""What other stock settings would have done: the store's past, and tables of order lines."""

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from stock_world import NOON, World, at, channel, network, place

from oms_pipelines.config import Oms
from oms_pipelines.errors import Misconfigured
from oms_pipelines.stock.ledger import post
from oms_pipelines.stock.sales_table import as_trace, read_lines, read_network
from oms_pipelines.stock.whatif import (
    Policy,
    compare,
    hub_play,
    known_period,
    read_shares,
    stored_trace,
)
from oms_pipelines.store import Store

COLUMNS = (
    "invoice=InvoiceNo,sku=StockCode,quantity=Quantity,placed_at=InvoiceDate,price=UnitPrice,"
    "country=Country,customer=CustomerID"
)
EXAMPLES = Path(__file__).resolve().parents[1] / "examples" / "whatif"
SALES = Path("data/online_retail_2010_2011/order_lines.parquet")
DAY = timedelta(days=1)


def live(**more: object) -> Oms:
    return network(
        [channel("shop", share=0.9, **more), channel("market", share=0.1)],
        [place("lyon"), place("lille")],
    )


def shares(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def traded(store: Store) -> World:
    """Return a store that counted ten units, sold some, shipped, short-picked and got more."""
    world = World(store, "lyon", "lille")
    world.count("lyon", "sock", 10, at(-30))
    with store.session() as s:
        post(s, at(-29))
    world.order("shop/old", {"sock": 2}, at(-20))
    world.give("old", "sock", 2, at(1), order_id="shop/old")  # allocated within the period
    world.order("shop/1", {"sock": 1}, at(2))
    world.give("1", "sock", 1, at(2.1), order_id="shop/1")
    world.order("market/1", {"sock": 5}, at(3), line={"canceled_quantity": 1})
    world.receipt("sock", 3, "restock", at(5))
    with store.session() as s:
        post(s, at(6))
    return world


def test_a_past_period_is_its_opening_stock_what_came_and_what_was_bought(store: Store):
    traded(store)
    with store.session(read_only=True) as s:
        past = stored_trace(s, live(), NOON, at(12))
    assert past.opening.rows() == [("lyon", "sock", 10)]
    # what an order of before took stays taken; what an order of the period took does not
    assert past.supply.select("at", "quantity").rows() == [(at(1), -2), (at(5), 3)]
    assert past.demand.select("at", "channel_id", "quantity").rows() == [
        (at(2), "shop", 1),
        (at(3), "market", 4),
    ]
    assert past.history.select("channel_id", "units").rows() == [("shop", 2)]


def test_days_without_stock_or_demand_are_named(store: Store):
    world = World(store, "lyon", "lille")
    world.count("lyon", "sock", 10, at(0))
    world.count("lille", "sock", 10, at(26))
    with store.session() as s:
        post(s, at(27))
    start = NOON.replace(hour=0)
    with store.session(read_only=True) as s:
        past = known_period(s, live(), start + 2 * DAY, start + 4 * DAY, at(99))
        some = known_period(s, live(), start, start + 9 * DAY, at(30))
    assert (past.since, past.until, past.note) == (start + 2 * DAY, start + 4 * DAY, "")
    assert (some.since, some.until) == (start, start + 2 * DAY)
    assert some.note == (
        "Of these days: lyon has no stock before its first count, 2026-03-02 12:00 UTC; "
        "lille has no stock before its first count, 2026-03-03 14:00 UTC; "
        "no demand after 2026-03-03 18:00 UTC, where the hub's clock stands; "
        "2026-03-04 to 2026-03-10 left out: the hub's clock has not come there."
    )


def test_what_was_short_then_is_short_in_the_replay_too(store: Store):
    world = traded(store)
    world.give(
        "1", "sock", 1, at(2.1), order_id="shop/1", state="refused", refused=1, closed_at=at(4)
    )
    with store.session() as s:
        post(s, at(7))
    with store.session(read_only=True) as s:
        past = stored_trace(s, live(), NOON, at(12))
    assert (at(4), -1) in past.supply.select("at", "quantity").rows()


def test_other_shares_are_told_beside_the_live_ones_with_the_difference(store: Store, tmp_path):
    traded(store)
    oms = live()
    turned = shares(tmp_path / "turned.yaml", "shop: {share: 0.4}\nmarket: {share: 0.6}\n")
    with store.session(read_only=True) as s:
        past = stored_trace(s, oms, NOON, at(12))
    found = compare(past, [Policy("live", oms), read_shares(turned, oms)], hub_play(oms, {}))
    by = {(r["settings"], r["channel_id"]): r for r in found.iter_rows(named=True)}
    assert by["live", "market"]["lost"] == 4
    assert by["live", "market"]["lost_hidden"] == 4
    assert by["turned", "market"]["lost"] == 0
    assert by["turned", "total"]["more_lost"] == -4
    assert by["turned", "total"]["sold"] == 5


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("web: {share: 0.1}", "s.yaml: web: there is no such channel"),
        ("shop: {shard: 0.1}", "s.yaml: shop.shard: there is no such setting"),
        ("shop: {share: 2}", "s.yaml: shop.share: "),
        ("shop: {share: 0.95}", "s.yaml: channels: the escrow shares add up to 1.05"),
        ("shop: {mode: pooled}", "s.yaml: channels[0].stock.risk"),
        ("- shop", "expected a mapping"),
    ],
)
def test_shares_that_cannot_be_used_are_refused_with_the_path(tmp_path, text: str, says: str):
    with pytest.raises(Misconfigured) as refused:
        read_shares(shares(tmp_path / "s.yaml", text), live())
    assert says in str(refused.value)


def test_where_a_channel_sells_from_stays_unless_the_file_names_it(tmp_path):
    file = shares(tmp_path / "s.yaml", "shop: {share: 0.5}")
    kept = read_shares(file, live(locations=["lyon"])).oms.channel("shop").stock
    assert (kept.share, kept.locations) == (0.5, ["lyon"])


NETWORK = """
channels:
  - {id: shop, system: file, stock: {mode: escrow, share: 0.5}}
  - {id: abroad, system: file, stock: {mode: escrow, share: 0.5}}
locations:
  - {id: lyon, address: {country: FR}}
  - {id: lille, address: {country: FR}}
replay:
  channels: {abroad: "country <> 'FR'", shop: "true"}
  locations: {lyon: 2, lille: 1}
  opening: 1d
  every: 1d
  cover: 0.5
"""


def lines(path: Path, *rows: tuple[str, int, str, str]) -> Path:
    frame = pl.DataFrame(rows, ["code", "n", "t", "land"], orient="row")
    frame.write_parquet(path)
    return path


MAPPED = "sku=code,quantity=n,placed_at=t,country=land"


def test_a_table_of_order_lines_is_demand_and_its_stock_follows_the_declared_rule(tmp_path):
    network_file = shares(tmp_path / "net.yaml", NETWORK)
    table = lines(
        tmp_path / "t.parquet",
        ("a", 6, "2026-03-02T10:00:00", "FR"),
        ("a", 4, "2026-03-03T10:00:00", "BE"),
        ("a", -4, "2026-03-03T11:00:00", "BE"),
        ("a", 8, "2026-03-04T10:00:00", "FR"),
    )
    oms, replay = read_network(network_file)
    since = NOON.replace(hour=0)
    past = as_trace(read_lines(table, MAPPED, replay), since, since + 3 * DAY, replay)
    assert past.demand.select("channel_id", "quantity").rows() == [
        ("shop", 6), ("abroad", 4), ("shop", 8),
    ]  # fmt: skip
    assert past.opening.rows() == [("lyon", "a", 4), ("lille", "a", 2)]
    came = past.supply.sort("location_id", "at").select("at", "location_id", "quantity").rows()
    one, two = since + DAY, since + 2 * DAY
    assert came == [(one, "lille", 1), (two, "lille", 1), (one, "lyon", 2), (two, "lyon", 1)]
    assert [c.id for c in oms.channels] == ["shop", "abroad"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("lyon: 2", "nice: 2"), "net.yaml: replay.locations.nice: there is no such location"),
        (("{abroad:", "{web:"), "net.yaml: replay.channels.web: there is no such channel"),
        (("cover: 0.5", "covers: 1"), "net.yaml: replay.covers: there is no such setting"),
        (("share: 0.5}}\nloc", "share: 0.7}}\nloc"), "the escrow shares add up to 1.2"),
    ],
)
def test_a_network_that_cannot_be_used_is_refused_with_the_path(tmp_path, change, says: str):
    file = shares(tmp_path / "net.yaml", NETWORK.replace(*change))
    with pytest.raises(Misconfigured) as refused:
        read_network(file)
    assert says in str(refused.value)


def test_a_mapping_or_predicate_that_cannot_be_used_is_refused(tmp_path):
    table = lines(tmp_path / "t.parquet", ("a", 6, "2026-03-02T10:00:00", "FR"))
    _, replay = read_network(shares(tmp_path / "net.yaml", NETWORK))
    with pytest.raises(Misconfigured, match="no column is given for placed_at"):
        read_lines(table, "sku=code,quantity=n", replay)
    with pytest.raises(Misconfigured, match="has no column price"):
        read_lines(table, MAPPED + ",price=price", replay)
    with pytest.raises(Misconfigured, match="write name=COLUMN"):
        read_lines(table, MAPPED + ",color=land", replay)
    dear = replay.model_copy(update={"lines": "quantity > 0 AND price > 0"})
    with pytest.raises(Misconfigured, match=r"replay.lines reads price, .*add price=COLUMN"):
        read_lines(table, MAPPED, dear)
    wrong = replay.model_copy(update={"lines": "colour = 1"})
    with pytest.raises(Misconfigured, match="predicate"):
        read_lines(table, MAPPED, wrong)


@pytest.mark.shared
def test_real_sales_are_compared_under_three_policies(shared: Path):
    oms, replay = read_network(EXAMPLES / "online_retail.yaml")
    rows = read_lines(shared / SALES, COLUMNS, replay)
    since = NOON.replace(year=2011, month=1, day=4, hour=0)
    past = as_trace(rows, since, since + 2 * DAY, replay)
    policies = [Policy("live", oms)] + [
        read_shares(EXAMPLES / f"{x}.yaml", oms) for x in ("by_traffic", "half_pooled", "pooled")
    ]
    found = compare(past, policies, hub_play(oms, {}))
    total = {
        r["settings"]: r
        for r in found.filter(pl.col("channel_id") == "total").iter_rows(named=True)
    }
    assert {r["wanted"] for r in total.values()} == {past.demand["quantity"].sum()}
    for row in total.values():
        assert row["wanted"] == row["sold"] + row["lost_hidden"] + row["lost_out"]
    assert total["live"]["oversold"] == total["by_traffic"]["oversold"] == 0
    assert total["by_traffic"]["lost"] < total["live"]["lost"]
    assert total["half_pooled"]["stranded"] < total["live"]["stranded"]
