"""What the planner promises, in small cases whose answer is plain."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from oms_pipelines.config import Carrier, Costs, Price, Routing, Rule, Split, Unfilled
from oms_pipelines.errors import Malformed
from oms_pipelines.routing import explain, plan

NOW = datetime(2026, 1, 7, 9, tzinfo=UTC)  # a Wednesday
DEGREE_KM = 6371.0088 * 3.141592653589793 / 180


def line(order="o1", sku="a", quantity=1, **more):
    base = {
        "order_id": order, "line_id": sku, "sku": sku, "quantity": quantity, "channel_id": "shop",
        "placed_at": NOW - timedelta(hours=1), "delivery_mode": "home", "country": "FR",
        "latitude": 45.0, "longitude": 5.0, "unit_value": 10.0, "currency": "EUR",
    }  # fmt: skip
    return base | more


def place(name, latitude=45.0, **more):
    base = {"location_id": name, "kind": "warehouse", "country": "FR", "latitude": latitude,
            "longitude": 5.0, "ships": True, "collects": False, "handling_cost": 0.0}  # fmt: skip
    return base | more


def rules(**more):
    costs, solver = more.pop("costs", Costs(per_km=0.01)), more.pop("solver", "joint")
    return Routing(rules=[Rule(id="only", **more)], costs=costs, solver=solver)


def planned(lines, stock, places, routing=None, as_of=NOW, **more):
    held = [{"location_id": p, "sku": s, "available": n} for (p, s), n in stock.items()]
    return plan(
        pl.DataFrame(lines, infer_schema_length=None),
        pl.DataFrame(held, schema={"location_id": pl.String, "sku": pl.String,
                                   "available": pl.Int64}),
        pl.DataFrame(places, infer_schema_length=None),
        routing or rules(), as_of, **more,
    )  # fmt: skip


def given(made):
    columns = ["order_id", "part", "location_id", "sku", "quantity"]
    return made.allocations.select(columns).rows()


def verdict(made, order, location):
    found = made.decisions.filter(order_id=order, location_id=location)
    return found.select("verdict", "failed_test", "lost_to").row(0)


SPLIT = {"split": Split(parts=2)}
NEAR_FAR = [place("near"), place("far", 46.0)]


def test_stock_of_10_and_15_serves_an_order_of_13_as_10_and_3_when_the_first_comes_now():
    lines = [line(quantity=13, delivery_choice="first_now")]
    made = planned(lines, {("near", "a"): 10, ("far", "a"): 15}, NEAR_FAR)
    assert given(made) == [("o1", 0, "near", "a", 10), ("o1", 1, "far", "a", 3)]


def test_one_location_that_has_all_is_taken_before_any_split():
    made = planned([line(quantity=13)], {("near", "a"): 10, ("far", "a"): 15}, NEAR_FAR,
                   rules(**SPLIT))  # fmt: skip
    assert given(made) == [("o1", 0, "far", "a", 13)]


@pytest.mark.parametrize(("least", "parts"), [(80, 2), (80.01, 0)])
def test_items_worth_80_and_160_split_unless_each_part_must_be_worth_more_than_80(least, parts):
    lines = [line(sku="a", unit_value=80.0), line(sku="b", unit_value=160.0)]
    routing = rules(split=Split(parts=2, min_value=least))
    made = planned(lines, {("near", "a"): 1, ("far", "b"): 1}, NEAR_FAR, routing)
    assert made.allocations["part"].n_unique() == parts
    if not parts:
        assert set(made.unfilled["reason"]) == {"a part would be worth too little"}


def test_a_score_of_100_times_60_and_1_comes_before_100_times_80_and_2():
    places = [place("x", 45 + 80 / DEGREE_KM, handling_cost=2.0),
              place("y", 45 + 60 / DEGREE_KM, handling_cost=1.0)]  # fmt: skip
    routing = rules(costs=Costs(per_km=100, parcel=0))
    made = planned([line()], {("x", "a"): 1, ("y", "a"): 1}, places, routing)
    scores = made.decisions.sort("rank").select("location_id", "score").rows()
    assert scores == [("y", 6001.0), ("x", 8002.0)]
    assert given(made)[0][2] == "y"


def test_two_lines_of_one_sku_share_one_pool():
    lines = [line(line_id="1", quantity=2), line(line_id="2", quantity=2)]
    made = planned(lines, {("near", "a"): 3}, NEAR_FAR, rules(**SPLIT))
    assert made.allocations.select("line_id", "quantity").rows() == [("1", 2), ("2", 1)]
    assert made.unfilled.select("line_id", "quantity").rows() == [("2", 1)]
    assert planned(lines, {("near", "a"): 3}, NEAR_FAR).allocations.is_empty()


@pytest.mark.parametrize(
    ("hour", "minute", "leaves"),
    [
        (15, 30, datetime(2026, 1, 7, 16, tzinfo=UTC)),
        (16, 0, datetime(2026, 1, 7, 16, tzinfo=UTC)),
        (16, 1, datetime(2026, 1, 8, 16, tzinfo=UTC)),
    ],
)
def test_a_cut_off_of_17_00_in_paris_is_met_at_16_30_there(hour, minute, leaves):
    made = planned([line()], {("near", "a"): 1}, [place("near", cut_off="17:00 Europe/Paris")],
                   as_of=NOW.replace(hour=hour, minute=minute))  # fmt: skip
    assert made.allocations["ship_by"].to_list() == [leaves]


def test_after_the_cut_off_of_a_friday_comes_monday():
    made = planned([line()], {("near", "a"): 1}, [place("near", cut_off="17:00 Europe/Paris")],
                   as_of=datetime(2026, 1, 9, 20, tzinfo=UTC))  # fmt: skip
    assert made.allocations["ship_by"].to_list() == [datetime(2026, 1, 12, 16, tzinfo=UTC)]


def test_a_limit_of_two_orders_takes_two():
    lines = [line(f"o{i}", placed_at=NOW - timedelta(hours=9 - i)) for i in range(4)]
    stock = {("near", "a"): 9, ("far", "a"): 9}
    made = planned(lines, stock, [place("near", capacity_left=2), place("far", 46.0)])
    assert [x[2] for x in given(made)] == ["near", "near", "far", "far"]
    assert verdict(made, "o2", "near") == ("excluded", "capacity taken", "o1")
    # without o1 its place is o2's: who took that of o3, nobody alone did
    assert verdict(made, "o3", "near") == ("excluded", "capacity taken", None)


@pytest.mark.parametrize("rank", ["cost", "distance"])
def test_an_unknown_position_is_never_nearest(rank):
    places = [place("known", 52.0), place("lost", None)]
    routing = rules(rank=rank, costs=Costs(per_km=1, unknown_distance_km=0))
    made = planned([line()], {("known", "a"): 1, ("lost", "a"): 1}, places, routing)
    assert given(made)[0][2] == "known"
    assert made.decisions.filter(location_id="lost")["distance_km"].to_list() == [None]
    lone = planned([line()], {("lost", "a"): 1}, places, routing)
    assert given(lone)[0][2] == "lost"


def test_scarce_stock_goes_to_priority_then_to_the_older_and_the_loser_is_told_who_won():
    lines = [line("young", placed_at=NOW), line("old", placed_at=NOW - timedelta(days=1)),
             line("dear", placed_at=NOW, priority=1)]  # fmt: skip
    made = planned(lines, {("near", "a"): 2}, NEAR_FAR)
    assert [x[0] for x in given(made)] == ["dear", "old"]
    assert verdict(made, "young", "near") == ("excluded", "stock taken", "old")
    assert made.unfilled.select("order_id", "reason", "action").rows() == [
        ("young", "stock taken", "wait")
    ]
    told = explain(made.decisions, made.allocations, "young")
    assert "near: excluded, stock taken, 0.0 km, score 5.00, lost to old" in told
    assert "far: excluded, no stock" in told


def test_without_the_winner_the_loser_gets_the_unit():
    lines = [line("a", placed_at=NOW - timedelta(days=1)), line("b")]
    stock = {("near", "a"): 1, ("far", "a"): 1}
    assert verdict(planned(lines, stock, NEAR_FAR), "b", "near")[2] == "a"
    assert given(planned(lines[1:], stock, NEAR_FAR))[0][2] == "near"


def test_each_candidate_has_the_first_test_it_failed():
    lines = [line(sku="a"), line(sku="b"), line("c1", delivery_mode="collect", sku="a",
             pickup_location="store", placed_at=NOW)]  # fmt: skip
    places = [place("closed", ships=False), place("store", kind="store", collects=True),
              place("foreign", country="DE"), place("refuser"), place("half"), place("empty"),
              place("full", capacity_left=0), place("good")]  # fmt: skip
    stock = {(p["location_id"], s): 5 for p in places for s in "ab"
             if p["location_id"] != "empty" and (p["location_id"], s) != ("half", "b")}  # fmt: skip
    refused = pl.DataFrame([("o1", "a", "refuser")], ["order_id", "sku", "location_id"],
                           orient="row")  # fmt: skip
    routing = rules(**{"from": "country = 'FR' AND kind = 'warehouse'"})
    made = planned(lines, stock, places, routing, refused=refused)
    tests = dict(made.decisions.filter(order_id="o1").select("location_id", "failed_test").rows())
    assert tests == {
        "closed": "does not ship", "store": "rule", "foreign": "rule",
        "refuser": "refused before", "half": "split not allowed", "empty": "no stock",
        "full": "capacity", "good": None,
    }  # fmt: skip
    assert verdict(made, "c1", "good")[:2] == ("excluded", "not the chosen pickup location")
    assert ("c1", 0, "store", "a", 1) in given(made)


def test_a_store_that_lets_nobody_collect_is_no_pickup_location():
    lines = [line(delivery_mode="collect", pickup_location="near")]
    made = planned(lines, {("near", "a"): 1}, NEAR_FAR)
    assert verdict(made, "o1", "near")[1] == "does not collect"
    assert made.unfilled["reason"].to_list() == ["no location may ship it"]


def test_a_group_is_never_parted_and_the_rest_may_be():
    lines = [line(sku="a", keep_together="g"), line(sku="b", keep_together="g"), line(sku="c")]
    stock = {("near", "a"): 1, ("near", "c"): 1, ("far", "b"): 1}
    made = planned(lines, stock, NEAR_FAR, rules(**SPLIT))
    assert given(made) == [("o1", 0, "near", "c", 1)]
    assert set(made.unfilled["reason"]) == {"kept together"}
    free = planned(lines, stock, NEAR_FAR, rules(keep_together=False, **SPLIT))
    assert len(given(free)) == 3


def test_what_was_refused_by_the_only_place_that_has_it_is_told():
    refused = pl.DataFrame([("o1", "a", "near")], ["order_id", "sku", "location_id"], orient="row")
    made = planned([line()], {("near", "a"): 1}, NEAR_FAR, refused=refused)
    assert made.unfilled["reason"].to_list() == ["refused before"]


def test_a_channel_that_cannot_tell_of_two_parcels_gets_one():
    lines = [line(sku="a", several_parcels=False), line(sku="b", several_parcels=False)]
    made = planned(lines, {("near", "a"): 1, ("far", "b"): 1}, NEAR_FAR, rules(**SPLIT))
    assert given(made) == []
    assert set(made.unfilled["reason"]) == {"split not allowed"}


def test_a_line_that_its_channel_cannot_hear_of_in_parts_comes_from_one_place():
    stock = {("near", "a"): 2, ("near", "b"): 1, ("far", "a"): 3}
    lines = [line(quantity=3, several_parcels_per_line=False), line(sku="b")]
    made = planned(lines, stock, NEAR_FAR, rules(**SPLIT))
    assert sorted(x[2:] for x in given(made)) == [("far", "a", 3), ("near", "b", 1)]
    parted = planned([line(quantity=3), line(sku="b")], stock, NEAR_FAR, rules(**SPLIT))
    assert ("near", "a", 2) in [x[2:] for x in given(parted)]
    kit = {"line_id": "k", "quantity": 2, "bill_id": "set", "per_kit": 1}
    kits = [line(sku=s, several_parcels_per_line=False, **kit) for s in "ab"]
    two = {(place, sku): 1 for place in ("near", "far") for sku in "ab"}
    assert given(planned(kits, two, NEAR_FAR, rules(**SPLIT))) == []  # one kit here, one there


def test_what_waits_is_told_with_its_deadline_and_what_comes_after():
    unfilled = Unfilled(action="cancel", deadline=timedelta(hours=2))
    early, late = (
        planned([line()], {}, NEAR_FAR, rules(unfilled=unfilled), as_of=NOW + timedelta(hours=h))
        for h in (0, 1)
    )
    assert early.unfilled.select("reason", "action").rows() == [("no stock", "wait")]
    assert early.unfilled["deadline"].to_list() == [NOW + timedelta(hours=1)]
    assert late.unfilled["action"].to_list() == ["cancel"]


def test_the_first_rule_that_matches_decides():
    routing = Routing(rules=[
        Rule(id="dear", when="value >= 100 AND country = 'FR'", **{"from": "kind = '3pl'"}),
        Rule(id="late", when="placed_at < as_of - INTERVAL 2 DAY", rank="stock"),
        Rule(id="fr", when="country = 'FR'"),
    ])  # fmt: skip
    lines = [line("cheap"), line("dear", unit_value=100.0), line("abroad", country="XX"),
             line("late", placed_at=NOW - timedelta(days=3))]  # fmt: skip
    made = planned(lines, {("near", "a"): 2, ("far", "a"): 9}, NEAR_FAR, routing)
    by_order = dict(made.decisions.select("order_id", "rule").unique().rows())
    assert by_order == {"cheap": "fr", "dear": "dear", "late": "late", "abroad": None}
    assert ("late", 0, "far", "a", 1) in given(made)
    assert verdict(made, "dear", "near")[1] == "rule"
    assert verdict(made, "abroad", "near")[1] == "no rule matches"


def test_the_cheapest_carrier_of_the_service_takes_each_part_by_its_weight():
    carriers = [
        Carrier(id="dear", services=["express"], prices=[Price(amount=1)]),
        Carrier(id="light", prices=[Price(zone="FR", up_to_g=500, amount=3), Price(amount=20)]),
        Carrier(id="heavy", prices=[Price(service="standard", amount=9)]),
    ]
    lines = [line("l", weight_g=500), line("h", weight_g=501), line("u"),
             line("x", service="express", weight_g=1)]  # fmt: skip
    made = planned(lines, {("near", "a"): 9}, NEAR_FAR, carriers=carriers)
    sent = dict(made.allocations.select("order_id", "carrier_id").rows())
    assert sent == {"l": "light", "h": "heavy", "u": "heavy", "x": "dear"}
    assert made.cost == 3 + 9 + 9 + 1
    assert made.bound == made.cost
    queue = planned(lines, {("near", "a"): 9}, NEAR_FAR, rules(solver="greedy"), carriers=carriers)
    assert queue.allocations.equals(made.allocations)
    assert queue.bound == queue.cost


def test_days_late_cost_and_may_outweigh_distance():
    places = [place("near", cut_off="08:00 UTC"), place("far", 46.0, cut_off="18:00 UTC")]
    stock = {("near", "a"): 1, ("far", "a"): 1}
    carriers = [Carrier(id="c", transit_days=1)]
    made = [
        planned([line(promised_at=NOW + timedelta(days=1))], stock, places,
                rules(costs=Costs(per_km=0.01, late_per_day=late)), carriers=carriers)
        for late in (0, 5)
    ]  # fmt: skip
    assert [given(m)[0][2] for m in made] == ["near", "far"]


def test_parts_already_under_way_count():
    lines = [line(sku=s, parts_used=1) for s in "ab"]
    made = planned(lines, {("near", "a"): 1, ("far", "b"): 1}, NEAR_FAR, rules(**SPLIT))
    assert given(made) == []


def test_nothing_to_plan_is_a_plan():
    made = planned([line(quantity=0)], {}, NEAR_FAR)
    assert (made.lines, made.cost, made.gap, len(made.decisions)) == (0, 0.0, 0.0, 0)
    lost = plan(pl.DataFrame([line()]), pl.DataFrame(schema={"sku": pl.String}),
                pl.DataFrame(schema={"location_id": pl.String}), rules(), NOW)  # fmt: skip
    assert lost.unfilled["reason"].to_list() == ["no location may ship it"]


def test_a_key_that_stands_twice_is_refused():
    with pytest.raises(Malformed, match="lines: order_id, line_id, sku stand twice"):
        planned([line(), line(quantity=2)], {}, NEAR_FAR)
