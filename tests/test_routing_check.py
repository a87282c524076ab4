"""`oms route check`: what rules do to the orders of the past, one small past for each finding."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from cli_world import Oms as Command
from cli_world import command, settings, traded
from store_frames import contact, frame, line, order

from oms_pipelines import config
from oms_pipelines.config import Border, Costs, Load, Rule, parse
from oms_pipelines.routing import check_rules, findings, read_past
from oms_pipelines.routing.rules import LOCATION_COLUMNS, ORDER_COLUMNS
from oms_pipelines.routing.verdicts import TESTS
from oms_pipelines.store import Store, open_store
from oms_pipelines.store.duckdb import DuckdbStore

NOW = datetime(2026, 1, 7, 9, tzinfo=UTC)
ROUTING = Path(__file__).parents[1] / "oms_pipelines" / "routing"


def place(name: str, **more) -> dict:
    return {"id": name, "address": {"country": "FR", "postal_code": "69007"}} | more


LYON, PARIS = place("lyon"), place("paris", address={"country": "FR", "postal_code": "75003"})


def remember(store: Store, *orders: dict, stock=(("lyon", "a"), ("paris", "a"))) -> None:
    """Let a store hold orders of one unit of SKU `a` each, and know of the stock told of."""
    lives = {"country": "FR", "postal_code": "69001", "latitude": None, "longitude": None}
    rows = [order(o["key"]) | {"delivery_mode": "home", "service": "standard",
                               "promised_at": None} | o for o in orders]  # fmt: skip
    for row in rows:
        row["placed_at"] = NOW - timedelta(days=row.pop("days", 1))
    for o in rows:
        o.pop("key")
    with store.session() as s:
        where = [contact(o["external_id"]) | lives | {k: o.pop(k) for k in lives if k in o}
                 for o in rows]  # fmt: skip
        lines = [line(o["external_id"], 1) | {"sku": o.pop("sku", "a"), "requires_shipping": True}
                 for o in rows]  # fmt: skip
        s.insert_new("orders", frame("orders", *rows))
        s.insert_new("order_lines", frame("order_lines", *lines))
        s.insert_new("order_contacts", frame("order_contacts", *where))
        held = [{"account": f"{p}/sellable", "sku": k, "quantity": 0} for p, k in stock]
        s.insert_new("stock_balances", frame("stock_balances", *held))


@pytest.fixture
def past(tmp_path: Path):
    """Return a function: orders and settings in, findings by kind out."""

    def found(*orders: dict, rules: list[dict], places=(LYON, PARIS), stock=None, **more):
        store = DuckdbStore(tmp_path / "past.duckdb")
        store.migrate()
        told = {} if stock is None else {"stock": stock}
        remember(store, *orders, **told)
        routing = {"rules": rules, "costs": {"per_km": 0.01}} | more.pop("routing", {})
        oms = parse({"locations": list(places), "routing": routing, **more})
        assert check_rules(oms.routing, oms) == []
        with store.session(read_only=True) as s:
            past = read_past(s, oms, NOW, 1000)
        by: dict[str, list] = {}
        for one in findings(past):
            by.setdefault(one.finding, []).append(one)
        return by

    return found


ALL = {"id": "all"}


def test_of_a_past_where_every_rule_is_used_nothing_is_found(past):
    rules = [{"id": "express", "when": "service = 'express'"}, ALL]
    assert past({"key": "1"}, {"key": "2", "service": "express"}, rules=rules) == {}


def test_a_rule_that_never_holds_and_one_that_an_earlier_rule_hides_are_told_apart(past):
    rules = [
        {"id": "never", "when": "country = 'CH'"},
        {"id": "france", "when": "country = 'FR'"},
        {"id": "express", "when": "service = 'express'"},
        ALL,
    ]
    found = past({"key": "1", "service": "express"}, {"key": "2", "country": "DE"}, rules=rules,
                 places=(LYON, PARIS))  # fmt: skip
    [never], [hidden] = found["never"], found["hidden"]
    assert (never.path, never.orders, never.example) == ("routing.rules[0].when", 0, None)
    assert (hidden.path, hidden.orders, hidden.example) == ("routing.rules[2].when", 1, "shop/1")
    assert "france: 1" in hidden.told
    assert "before france" in hidden.cure


def test_orders_that_no_rule_covers_are_counted_with_an_example(past):
    found = past({"key": "1"}, {"key": "2", "country": "DE"}, {"key": "3", "country": None},
                 rules=[{"id": "fr", "when": "country = 'FR'"}])  # fmt: skip
    [bare] = found["uncovered"]
    assert (bare.path, bare.orders, bare.example) == ("routing.rules", 2, "shop/2")
    assert "shop: 2" in bare.told
    [null] = found["null"]
    assert (null.path, null.orders, null.example) == ("routing.rules[0].when", 1, "shop/3")
    assert "country may be null" in null.told


def test_null_of_a_rule_that_is_not_reached_is_nothing(past):
    rules = [{"id": "nowhere", "when": "country IS NULL"}, {"id": "fr", "when": "country = 'FR'"},
             ALL]  # fmt: skip
    found = past({"key": "1"}, {"key": "2", "country": None}, {"key": "3", "country": "DE"},
                 rules=rules)  # fmt: skip
    assert "null" not in found


def test_a_predicate_over_locations_that_is_null_or_admits_none_is_told(past):
    rules = [
        {"id": "room", "when": "service = 'x'", "from": "capacity_left > 5"},
        {"id": "stores", "from": "kind = 'store'"},
    ]
    found = past({"key": "1"}, {"key": "2", "service": "x"}, rules=rules,
                 places=(LYON | {"capacity": "9/day"}, PARIS))  # fmt: skip
    [null], [nowhere] = found["null"], found["nowhere"]
    assert (null.path, null.orders) == ("routing.rules[0].from", 1)
    assert "paris" in null.told
    assert (nowhere.path, nowhere.orders, nowhere.example) == ("routing.rules[1].from", 1, "shop/1")


def test_a_rule_that_asks_for_age_is_looked_at_later_too(past):
    rules = [{"id": "old", "when": "placed_at < as_of - INTERVAL 2 DAY"}, ALL]
    assert past({"key": "1"}, rules=rules) == {}
    bare = past({"key": "2"}, rules=rules[:1])["uncovered"]
    assert bare[0].orders == 2  # at first nothing covers them
    very = {"id": "very", "when": "placed_at < as_of - INTERVAL 5 DAY"}
    [hidden] = past({"key": "3"}, rules=[rules[0], very])["hidden"]
    assert "(old: 3)" in hidden.told


def test_two_locations_that_nothing_tells_apart_are_named(past):
    twin = place("twin")
    found = past({"key": "1"}, {"key": "2"}, rules=[ALL], places=(PARIS, twin, LYON),
                 stock=[(x, "a") for x in ("lyon", "twin", "paris")])  # fmt: skip
    [tie] = found["tie"]
    assert (tie.path, tie.orders, tie.example) == ("routing.rules[0].rank", 2, "shop/1")
    assert "lyon and twin" in tie.told
    told = past({"key": "3"}, rules=[ALL], places=(PARIS, twin | {"handling_cost": 1}, LYON))
    assert "tie" not in told


def test_an_unknown_position_is_told_where_a_rule_ranks_or_limits_by_distance(past):
    near = {"id": "near", "when": "country = 'XX'", "rank": "distance", "max_distance_km": 10}
    found = past({"key": "1"}, {"key": "2", "country": "XX"}, {"key": "3", "postal_code": None},
                 rules=[near, ALL], places=(LYON, PARIS, place("lost", address={"country": "XX"})),
                 stock=[(x, "a") for x in ("lyon", "lost", "paris")])  # fmt: skip
    limited, ranked, lost = found["position"]
    assert (limited.path, limited.example) == ("routing.rules[0].max_distance_km", "shop/2")
    assert (ranked.path, ranked.example) == ("routing.rules[1].rank", "shop/3")
    assert (lost.path, lost.orders) == ("locations[2].address", 3)


def test_unknown_stock_weights_services_and_prices_are_told(past):
    colis = {"id": "colis", "prices": [{"zone": "FR", "up_to_g": 500, "amount": 4},
                                       {"zone": "FR", "amount": 9}]}  # fmt: skip
    found = past({"key": "1"}, {"key": "2", "sku": "ghost"}, {"key": "3", "country": "CH"},
                 {"key": "4", "service": "drone"}, rules=[ALL], stock=[("lyon", "a")],
                 carriers=[colis])  # fmt: skip
    ghost, paris = found["stock"]
    assert (ghost.orders, ghost.example, "ghost" in ghost.told) == (1, "shop/2", True)
    assert (paris.path, paris.orders) == ("locations[1].stock", 4)
    assert [(x.orders, x.example) for x in found["weight"]] == [(4, "shop/1")]
    assert [(x.orders, x.example) for x in found["price"]] == [(1, "shop/3")]
    assert [(x.orders, x.example) for x in found["service"]] == [(1, "shop/4")]


def test_a_word_that_a_column_never_holds_is_a_fault_with_its_path():
    oms = parse({"locations": [LYON], "routing": {"rules": [
        {"id": "a", "when": "channel_id = 'shop'", "from": "location_id IN ('lyon', 'mars')"},
        {"id": "b", "when": "delivery_mode <> 'drone'", "from": "NOT 'depot' = kind"},
    ]}})  # fmt: skip
    assert check_rules(oms.routing, oms) == [
        "routing.rules[0].when: no channel_id is 'shop'; there are none",
        "routing.rules[0].from: no location_id is 'mars'; there are lyon",
        "routing.rules[1].when: no delivery_mode is 'drone'; there are home, pickup_point, collect",
        "routing.rules[1].from: no kind is 'depot'; there are warehouse, store, 3pl",
    ]
    assert len(check_rules(oms.routing)) == 2  # without a hub its names are not known


def test_the_page_of_routing_tells_every_column_test_finding_and_setting():
    page = (Path(__file__).parents[1] / "docs" / "routing.md").read_text("utf-8")
    source = "".join(
        (ROUTING / f"{x}.py").read_text("utf-8") for x in ("findings", "gaps", "undecided")
    )
    kinds = set(re.findall(r'(?:[Ff]inding\(\s*)"(\w+)"', source))
    assert len(kinds) == 11
    words = [f"`{x}`" for x in (*ORDER_COLUMNS, *LOCATION_COLUMNS)]
    words += [f"\n| {kind} |" for kind in kinds] + list(TESTS.values())
    words += [name for kind in (Rule, Costs, Border, Load) for name in kind.model_fields
              if name not in ("id", "comment", "from_")]  # fmt: skip
    assert [x for x in words if x not in page] == []


@pytest.fixture
def oms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> Command:
    """Return the `oms` command over a store with one order that a rule does not cover."""

    def run(*words: str, rules: list[dict]):
        file = tmp_path / "oms.yaml"
        file.write_text(yaml.safe_dump(settings(tmp_path) | {"routing": {"rules": rules}}), "utf-8")
        monkeypatch.setenv("OMS_CONFIG", str(file))
        for name in ("WOO_KEY", "WOO_SECRET"):
            monkeypatch.setenv(name, "x")
        store = open_store(config.load().store.url)
        store.migrate()
        remember(store, {"key": "1"})
        return command(monkeypatch, capsys)("route", "check", *words)

    return run


def test_the_command_warns_and_fails_only_when_it_shall(oms: Command):
    rules = [{"id": "ch", "when": "country = 'CH'"}]
    told = oms(rules=rules)
    assert told.code == 0
    assert "held against 1 orders" in told.out
    assert "shop/1" in told.out
    strict = oms("--strict", "--json", rules=rules)
    assert strict.code == 1
    kinds = {x["finding"] for x in strict.json["findings"]}
    assert {"never", "uncovered"} <= kinds
    assert strict.json["orders"] == 1
    wrong = oms("--json", rules=[{"id": "x", "when": "colour = 1"}])
    assert (wrong.code, len(wrong.json["faults"])) == (2, 1)


def test_versions_of_the_rules_are_listed_with_their_use_and_printed_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
):
    file = traded(tmp_path)
    monkeypatch.setenv("OMS_CONFIG", str(file))
    run = command(monkeypatch, capsys)
    [kept] = run("route", "rules", "--json").json
    assert (kept["plans"], kept["live"], kept["comment"]) == (1, True, "")
    printed = yaml.safe_load(run("route", "rules", kept["rules_version"][:6]).out)
    again = config.load(file).model_copy(update={"routing": parse(printed).routing})
    assert again == config.load(file)
    assert run("route", "rules", "beef").code == 2


def test_the_past_is_read_alike_from_both_stores(store: Store):
    remember(store, {"key": "1"}, {"key": "2", "days": 3}, {"key": "3", "delivery_mode": "none"},
             {"key": "4", "days": 2, "sku": "b"})  # fmt: skip
    oms = parse({"locations": [LYON, PARIS], "routing": {"rules": [ALL]}})
    with store.session(read_only=True) as s:
        every, newest = (read_past(s, oms, NOW, n) for n in (9, 2))
    assert every.orders["order_id"].to_list() == ["shop/2", "shop/4", "shop/1"]  # the oldest first
    assert sorted(newest.orders["order_id"]) == ["shop/1", "shop/4"]
    assert every.told.rows() == [("lyon", "a"), ("paris", "a")]
    assert every.rule().tolist() == [0, 0, 0]
