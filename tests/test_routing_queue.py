"""The rounds of the planner against a plain loop over orders, written from the design."""

import math
from datetime import UTC, datetime, timedelta
from itertools import groupby

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oms_pipelines.config import Costs, Routing, Rule, Split
from oms_pipelines.routing.candidates import build
from oms_pipelines.routing.greedy import solve
from oms_pipelines.routing.model import POSITIONS, Inputs, conform
from oms_pipelines.routing.solve import plan

NOW = datetime(2026, 1, 7, 9, tzinfo=UTC)
RULES = (
    Rule(id="dear", when="priority = 2", split=Split(parts=3, min_value=15), rank="distance"),
    Rule(id="stores", when="country = 'DE'", split=Split(parts=2), rank="stock", keep_together=True,
         **{"from": "kind = 'store'"}),
    Rule(id="whole", when="channel_id = 'b'", max_distance_km=900, keep_together=False),
    Rule(id="rest", when="channel_id <> 'z'", split=Split(parts=3)),
)  # fmt: skip


def kilometers(a, b):
    if None in (a[0], a[1], b[0], b[1]):
        return None
    (y, x), (v, u) = [map(math.radians, p) for p in (a, b)]
    h = math.sin((v - y) / 2) ** 2 + math.cos(y) * math.cos(v) * math.sin((u - x) / 2) ** 2
    return round(2 * 6371.0088 * math.asin(min(1, math.sqrt(h))), 3)


def rule_of(order):
    if order["priority"] == 2:
        return RULES[0]
    if order["country"] == "DE":
        return RULES[1]
    if order["channel_id"] == "b":
        return RULES[2]
    return RULES[3] if order["channel_id"] not in (None, "z") else None


def groups_of(lines, rule):
    """Sets of SKUs that ship together; a SKU alone is a set that may be cut."""
    if not rule.keep_together:
        return []
    sets = {}
    for line in lines:
        if line["keep_together"]:
            sets.setdefault(line["keep_together"], set()).add(line["sku"])
    merged = []
    for skus in sets.values():
        touching = [m for m in merged if m & skus]
        merged = [m for m in merged if not m & skus] + [set.union(skus, *touching)]
    return merged


def admitted(order, place, rule, km):
    if rule is None:
        return False
    if order["delivery_mode"] == "collect":
        return place["location_id"] == order["pickup_location"] and place["collects"]
    near = not rule.max_distance_km or (km is not None and km <= rule.max_distance_km)
    store = rule.id != "stores" or place["kind"] == "store"
    return place["ships"] and near and store


def cover(need, held, groups, refused, place):
    got = {s: min(n, 0 if (s, place) in refused else held.get((place, s), 0))
           for s, n in need.items()}  # fmt: skip
    for group in groups:
        if any(got[s] < need[s] for s in group if s in need):
            got.update(dict.fromkeys(group & set(need), 0))
    return {s: n for s, n in got.items() if n > 0}


def in_turn(lines, stock, locations, refused, costs):
    """Give each order in its turn the best that is left; return allocations as a set."""
    held = {(s["location_id"], s["sku"]): s["available"] for s in stock}
    start = dict(held)
    room = {p["location_id"]: p["capacity_left"] for p in locations}
    lines = sorted(lines, key=lambda x: (-x["priority"], x["placed_at"], x["order_id"]))
    result = set()
    for order_id, some in groupby(lines, key=lambda x: x["order_id"]):
        mine = sorted(some, key=lambda x: x["line_id"])
        no = {(s, p) for o, s, p in refused if o == order_id}
        parts = parts_of(mine, held, start, room, locations, no, costs)
        open_lines = {x["line_id"]: x["quantity"] for x in mine}
        for number, (place, got) in enumerate(parts):
            room[place] = None if room[place] is None else room[place] - 1
            for sku, units in got.items():
                held[place, sku] -= units
                for line in (x for x in mine if x["sku"] == sku):
                    take = min(units, open_lines[line["line_id"]])
                    open_lines[line["line_id"]] -= take
                    units -= take
                    if take:
                        result.add((order_id, number, place, line["line_id"], sku, take))
    return result


def parts_of(mine, held, start, room, locations, no, costs):
    order = mine[0]
    rule = rule_of(order)
    spot = (order["latitude"], order["longitude"])
    km = {p["location_id"]: kilometers(spot, (p["latitude"], p["longitude"])) for p in locations}
    free = [p for p in locations if admitted(order, p, rule, km[p["location_id"]])]
    if not free:
        return []
    need, money = {}, {}
    for line in mine:
        need[line["sku"]] = need.get(line["sku"], 0) + line["quantity"]
        money[line["sku"]] = money.get(line["sku"], 0) + line["quantity"] * line["unit_value"]
    price = {s: round(money[s] / need[s] * 10000) for s in need}
    groups = groups_of(mine, rule)
    wanted = dict(need)
    key = liking(rule, km, {p["location_id"]: p for p in locations}, start, wanted, costs)
    single = order["delivery_choice"] == "together" or not order["several_parcels"]
    near = order["delivery_choice"] == "first_now" and not single
    most = 1 if single else max(rule.split.parts, 2 if near else 1)
    most = max(most - order["parts_used"], 1)
    least = 0 if near else round(rule.split.min_value * 10000)
    near = near and not order["parts_used"]
    parts, worths, open_places = [], [], {p["location_id"] for p in free}
    while need and len(parts) < most:
        found = []
        for place in open_places:
            got = cover(need, held, groups, no, place)
            worth = sum(price[s] * n for s, n in got.items())
            by = (-worth, -sum(got.values()), key(place))
            if near and not parts:
                by = (km[place] is None, km[place] or 0, place)
            if got and (room[place] is None or room[place] > 0):
                found.append((by, place, got, worth))
        if not found:
            break
        _, place, got, worth = min(found)
        parts.append((place, got))
        worths.append(worth)
        open_places.discard(place)
        need = {s: n - got.get(s, 0) for s, n in need.items() if n > got.get(s, 0)}
    return accepted(parts, worths, need, price, least, most)


def accepted(parts, worths, need, price, least, most):
    rest = sum(price[s] * n for s, n in need.items())
    if not need and (len(parts) == 1 or all(w >= least for w in worths)):
        return parts
    for count in range(min(len(parts), most - 1), 0, -1):
        if all(w >= least for w in worths[:count]) and sum(worths[count:]) + rest >= least:
            return parts[:count]
    return []


def liking(rule, km, places, start, wanted, costs):
    farthest = max([k for k in km.values() if k is not None], default=0)
    unknown = max(costs.unknown_distance_km, farthest)

    def cost(place):
        far = unknown if km[place] is None else km[place]
        return round(places[place]["handling_cost"] * 10000) + round(far * costs.per_km * 10000)

    def key(place):
        near = (km[place] is None, km[place] or 0, place)
        if rule.rank == "distance":
            return (*near[:2], cost(place), place)
        if rule.rank == "stock":
            return (-sum(start.get((place, s), 0) for s in wanted), cost(place), *near)
        return (cost(place), *near)

    return key


def instance(seed):
    """A small instance that is short of everything."""
    r = np.random.default_rng(seed)
    n, places, skus = int(r.integers(1, 14)), int(r.integers(1, 6)), int(r.integers(1, 6))
    spots = [(45.0, 4.0), (48.0, 2.0), (52.0, 13.0), (43.3, 5.4), (None, None)]
    locations = [
        {"location_id": f"l{i}", "kind": str(r.choice(["store", "warehouse"])),
         "latitude": spots[i][0], "longitude": spots[i][1],
         "capacity_left": None if r.random() < 0.5 else int(r.integers(0, 4)),
         "ships": bool(r.random() < 0.9), "collects": bool(r.random() < 0.5),
         "handling_cost": float(r.integers(0, 3))}
        for i in range(places)
    ]  # fmt: skip
    stock = [
        {"location_id": f"l{i}", "sku": f"s{k}", "available": int(r.integers(1, 7))}
        for i in range(places) for k in range(skus) if r.random() < 0.6
    ]  # fmt: skip
    lines, refused = [], set()
    for i in range(n):
        spot = spots[r.integers(0, 5)]
        order = {
            "order_id": f"o{i:02d}", "channel_id": str(r.choice(["a", "b", "c", "z"])),
            "priority": int(r.integers(0, 3)), "country": str(r.choice(["FR", "DE"])),
            "placed_at": NOW - timedelta(hours=int(r.integers(0, 4))),
            "delivery_mode": str(r.choice(["home", "home", "home", "collect"])),
            "delivery_choice": str(r.choice(["any", "any", "together", "first_now"])),
            "pickup_location": f"l{r.integers(0, places)}", "latitude": spot[0],
            "longitude": spot[1], "several_parcels": bool(r.random() < 0.9),
            "parts_used": int(r.choice([0, 0, 0, 1])), "currency": "EUR",
        }  # fmt: skip
        for k in range(int(r.integers(1, 5))):
            line = {"line_id": str(k), "sku": f"s{r.integers(0, skus)}",
                    "quantity": int(r.integers(1, 5)), "unit_value": float(r.integers(0, 12)),
                    "keep_together": [None, None, "g", "h"][r.integers(0, 4)]}  # fmt: skip
            lines.append(order | line)
            if r.random() < 0.1:
                refused.add((order["order_id"], line["sku"], f"l{r.integers(0, places)}"))
    return lines, stock, locations, sorted(refused)


COSTS = Costs(per_km=0.01, unknown_distance_km=300)


def frames(lines, stock, locations, refused):
    return {
        "lines": pl.DataFrame(lines, infer_schema_length=None),
        "stock": pl.DataFrame(
            stock, schema={"location_id": pl.String, "sku": pl.String, "available": pl.Int64}
        ),
        "locations": pl.DataFrame(locations, infer_schema_length=None),
        "refused": pl.DataFrame(
            refused, schema=["order_id", "sku", "location_id"], orient="row"
        ) if refused else None,
        "positions": pl.DataFrame(schema=POSITIONS),
    }  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**9))
def test_rounds_give_what_a_plain_loop_over_orders_gives(seed):
    parts = instance(seed)
    rules = Routing(rules=list(RULES), costs=COSTS, solver="greedy")
    made = plan(**frames(*parts), rules=rules, as_of=NOW)
    columns = ["order_id", "part", "location_id", "line_id", "sku", "quantity"]
    assert set(made.allocations.select(columns).rows()) == in_turn(*parts, COSTS)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 7))
def test_the_size_of_a_round_moves_nothing(seed, window):
    given_frames = {k: conform(f, k) for k, f in frames(*instance(seed)).items()}
    inputs = Inputs(
        **given_frames, carriers=(), as_of=NOW,
        rules=Routing(rules=list(RULES), costs=COSTS),
    )  # fmt: skip
    problem = build(inputs)
    rows = [
        sorted(zip(t.part, t.item, t.location, t.quantity, strict=True))
        for t in (solve(problem, window), solve(problem))
    ]
    assert rows[0] == rows[1]


@pytest.mark.parametrize("seed", range(40))
def test_nothing_is_given_twice_and_nothing_beyond_what_is_there(seed):
    lines, stock, locations, refused = instance(seed)
    made = plan(
        **frames(lines, stock, locations, refused),
        rules=Routing(rules=list(RULES), costs=COSTS),
        as_of=NOW,
    )
    out = made.allocations
    taken = {(a, b): n for a, b, n in out.group_by("location_id", "sku").agg(
        pl.col("quantity").sum()).rows()}  # fmt: skip
    there = {(s["location_id"], s["sku"]): s["available"] for s in stock}
    assert all(n <= there[key] for key, n in taken.items())
    orders = dict(
        out.select("order_id", "part", "location_id").unique()["location_id"].value_counts().rows()
    )
    limits = {p["location_id"]: p["capacity_left"] for p in locations}
    assert all(limits[k] is None or n <= limits[k] for k, n in orders.items())
    both = pl.concat([out, made.unfilled], how="diagonal_relaxed")
    asked = {(x["order_id"], x["line_id"]): x["quantity"] for x in lines}
    got = both.group_by("order_id", "line_id").agg(pl.col("quantity").sum())
    assert {(a, b): n for a, b, n in got.rows()} == asked
    assert made.bound is not None
    assert made.bound <= made.cost + 1e-9
    assert len(made.decisions) == len({x["order_id"] for x in lines}) * len(locations)
