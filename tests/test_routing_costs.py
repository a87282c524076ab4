"""Calendars, carriers' days by zone, borders, load, promises, and what stands for the unknown."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from test_routing_plan import NOW, given, line, place, planned, rules, verdict

from oms_pipelines.config import Border, Carrier, Costs, Load, Price, Transit, parse
from oms_pipelines.errors import Misconfigured
from oms_pipelines.routing import explain
from oms_pipelines.routing.costs import priced, tariff

BOTH = {("near", "a"): 9, ("far", "a"): 9}
NEAR, FAR = place("near"), place("far", 46.0)


def scores(made, order="o1"):
    return dict(made.decisions.filter(order_id=order).select("location_id", "score").rows())


def ships(made):
    return [x[2] for x in given(made)]


def test_a_location_on_holiday_ships_on_its_next_working_day():
    shop = place("near", cut_off="17:00 Europe/Paris", working_days="wed thu sat",
                 holidays="2026-01-07 2026-01-08")  # fmt: skip
    made = planned([line()], {("near", "a"): 1}, [shop])
    assert made.allocations["ship_by"].to_list() == [datetime(2026, 1, 10, 16, tzinfo=UTC)]


def late(made):
    """Return the days late that the score holds, at one a day and nothing else."""
    return {k: round(v) for k, v in scores(made).items()}


DAYS = {"costs": Costs(late_per_day=1, parcel=0)}


@pytest.mark.parametrize(
    ("carrier", "days"),
    [
        ({"transit_days": 1}, 0),
        ({"transit_days": 2}, 1),
        ({"transit_days": 2, "holidays": [date(2026, 1, 8)]}, 4),  # from Friday to Monday
        ({"transit_days": 3, "working_days": ["wed", "thu", "fri", "sat"]}, 2),
        ({"transit": [Transit(zone="DE", days=9), Transit(days=2)]}, 1),
        ({"transit": [Transit(service="standard", zone="FR", days=0)]}, 0),
        ({"transit": [Transit(zone="DE", days=0)], "transit_days": 4}, 5),
    ],
)
def test_a_parcel_takes_working_days_of_its_carrier_by_service_and_zone(carrier, days):
    lines = [line(promised_at=NOW + timedelta(days=1))]
    made = planned(lines, BOTH, [NEAR], rules(**DAYS), carriers=[Carrier(id="c", **carrier)])
    assert late(made) == {"near": days}


def test_a_parcel_leaves_on_the_day_it_is_at_its_location():
    there = place("near", cut_off="17:00 America/Los_Angeles")  # 01:00 UTC of the day after
    made = planned([line(promised_at=NOW)], BOTH, [there], rules(**DAYS),
                   as_of=NOW.replace(hour=20),
                   carriers=[Carrier(id="c", transit_days=0)])  # fmt: skip
    assert made.allocations["ship_by"].to_list() == [datetime(2026, 1, 8, 1, tzinfo=UTC)]
    assert late(made) == {"near": 0}


ABROAD = [place("near", country="DE"), FAR]


def test_a_border_costs_takes_days_or_is_closed():
    borders = [Border(**{"from": "DE", "to": "CH"}, allowed=False),
               Border(**{"from": "DE"}, amount=3, days=2)]  # fmt: skip
    costs = Costs(parcel=0, late_per_day=1)
    routing = rules(costs=costs).model_copy(update={"borders": borders})
    lines = [line(country=c, order=c, promised_at=NOW) for c in ("FR", "DE", "CH")]
    lines.append(line(country=None, order="lost"))
    free = Carrier(id="c", transit_days=0, prices=[Price(amount=0)])
    made = planned(lines, BOTH, ABROAD, routing, carriers=[free])
    assert scores(made, "FR") == {"near": 5.0, "far": 0.0}
    assert scores(made, "DE") == {"near": 0.0, "far": 0.0}
    assert scores(made, "lost")["near"] == 3.0
    assert verdict(made, "CH", "near") == ("excluded", "border closed", None)
    collected = line(order="c", country="CH", delivery_mode="collect", pickup_location="near")
    shop = [place("near", country="DE", collects=True)]
    assert ships(planned([collected], BOTH, shop, routing)) == ["near"]


def test_a_nearly_full_location_costs_more_in_proportion():
    full = [place("near", capacity=100, capacity_left=n) for n in (100, 20, 10, 1)]
    costs = Costs(parcel=0, load=Load(beyond=0.8, amount=4))
    found = [scores(planned([line()], BOTH, [x], rules(costs=costs)))["near"] for x in full]
    assert found == pytest.approx([0, 0, 2, 3.8])
    free = scores(planned([line()], BOTH, [NEAR], rules(costs=costs)))
    assert free == {"near": 0}


def test_who_is_too_late_is_left_out_while_anybody_can_be_in_time():
    places = [place("near", cut_off="08:00 UTC"), place("far", 46.0, cut_off="18:00 UTC")]
    lines = [line(promised_at=NOW + timedelta(days=1))]
    carriers = [Carrier(id="c", transit_days=1)]
    made = [
        planned(lines, BOTH, places, rules(keep_promise=k), as_of=NOW + timedelta(days=d),
                carriers=carriers)
        for k, d in ((False, 0), (True, 0), (True, 2))
    ]  # fmt: skip
    assert [ships(x) for x in made] == [["near"], ["far"], ["near"]]
    assert verdict(made[1], "o1", "near") == ("excluded", "too late for the promise", None)
    waits = planned(lines, {("near", "a"): 9}, places, rules(keep_promise=True), carriers=carriers)
    assert given(waits) == []
    unpromised = planned([line()], BOTH, places, rules(keep_promise=True), carriers=carriers)
    assert ships(unpromised) == ["near"]


def test_a_unit_of_unknown_weight_weighs_what_is_declared_and_the_candidates_say_so():
    prices = [Price(up_to_g=500, amount=3), Price(up_to_g=900, amount=7), Price(amount=20)]
    carriers = [Carrier(id="c", prices=prices)]
    lines = [line("known", weight_g=400), line("lost", quantity=2),
             line("half", sku="a", weight_g=400), line("half", sku="b")]  # fmt: skip
    stock = {("near", "a"): 9, ("near", "b"): 9}
    costs = [planned(lines, stock, [NEAR], rules(costs=Costs(unknown_weight_g=g)),
                     carriers=carriers) for g in (None, 450)]  # fmt: skip
    assert [x.cost for x in costs] == [3 + 20 + 20, 3 + 7 + 7]
    said = dict(costs[1].decisions.select("order_id", "assumed").rows())
    assert said == {"known": None, "lost": "weight", "half": "weight"}


def test_an_order_without_a_promise_counts_from_when_it_was_placed_if_that_is_declared():
    lines = [line(placed_at=NOW - timedelta(days=3))]
    carriers = [Carrier(id="c", transit_days=2)]
    for days, cost in ((None, 0), (3, 2), (9, 0)):
        costs = Costs(parcel=0, late_per_day=1, unknown_promise_days=days)
        made = planned(lines, BOTH, [NEAR], rules(costs=costs), carriers=carriers)
        assert made.cost == cost
        assert made.decisions["assumed"].to_list() == ["promise"]
    promised = planned([line(promised_at=NOW)], BOTH, [NEAR], rules(costs=costs))
    assert promised.decisions["assumed"].to_list() == [None]


def test_an_unknown_position_is_said_by_the_candidate_and_its_explanation():
    made = planned([line(), line("here", delivery_mode="collect", pickup_location="shop")],
                   {("lost", "a"): 1, ("shop", "a"): 1},
                   [NEAR, place("lost", None), place("shop", None, collects=True)])  # fmt: skip
    said = dict(made.decisions.filter(order_id="o1").select("location_id", "assumed").rows())
    assert said == {"near": None, "lost": "position", "shop": "position"}
    assert set(made.decisions.filter(order_id="here")["assumed"]) == {None}
    told = explain(made.decisions, made.allocations, "o1")
    assert "lost: chosen, distance unknown, score 15.00, rank 1, assumed position" in told


def test_a_carrier_whose_prices_do_not_fit_is_taken_only_where_none_does():
    near = Carrier(id="near", prices=[Price(zone="FR", amount=4)])
    world = Carrier(id="wide", prices=[Price(zone="FR", amount=9), Price(amount=30)])
    asked = pl.DataFrame({"service": ["standard"] * 2, "country": ["FR", "CH"]})
    found = tariff(asked, [near, world], Costs(parcel=5))
    assert [(found.offers[i].carrier_id, found.offers[i].amount)
            for i in found.offer_of[:, -1]] == [("wide", 30), ("near", 4)]  # fmt: skip
    alone = tariff(asked, [near], Costs(parcel=5))
    assert alone.offers[alone.offer_of[0, -1]].amount == 5
    assert [priced("standard", c, [near]) for c in ("FR", "CH")] == [True, False]


def colis(**more) -> dict:
    return {"carriers": [{"id": "colis", "services": ["standard", "express"]} | more]}


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        (colis(prices=[{"amount": -1}]), "carriers[0].prices[0].amount: Input should be greater"),
        (colis(prices=[{"zone": "France", "amount": 1}]),
         "carriers[0].prices[0].zone: write a country as two capital letters"),
        (colis(prices=[{"service": "drone", "amount": 1}, {"amount": 1}]),
         "carriers[0].prices[0].service: no service of this carrier; there are standard, express"),
        (colis(prices=[{"service": "standard", "amount": 1}]),
         "carriers[0].prices: no price for express; add one"),
        (colis(prices=[{"zone": "FR", "amount": 1}], transit=[{"zone": "DE", "days": 2}]),
         "carriers[0].prices: no price for standard to DE; add a line with its zone"),
        (colis(prices=[{"zone": "FR", "up_to_g": 500, "amount": 1},
                       {"zone": "FR", "up_to_g": 900, "amount": 2}]),
         "carriers[0].prices: no price for standard to FR above 900 g"),
        (colis(prices=[{"amount": 1}, {"zone": "FR", "amount": 2}]),
         "carriers[0].prices[1]: an earlier line matches first; put this one before it"),
        (colis(transit=[{"days": 1}, {"zone": "FR", "days": 2}]),
         "carriers[0].transit[1]: an earlier line matches first"),
        (colis(transit=[{"days": -1}]), "carriers[0].transit[0].days: Input should be greater"),
        (colis(holidays=["25.12.2026"]), "carriers[0].holidays[0]: write a day such as 2026-12-25"),
        (colis(holidays=[20261225]), "carriers[0].holidays[0]: write a day such as 2026-12-25"),
        (colis(holidays=["2026-02-30"]), "carriers[0].holidays[0]: "),
        (colis(working_days=["mon", "mon"]), "carriers[0].working_days: a day stands twice"),
        (colis(working_days=["Monday"]), "carriers[0].working_days[0]: "),
        (colis(working_days=[]), "carriers[0].working_days: "),
        ({"routing": {"borders": [{"amount": 1}, {"to": "CH"}]}},
         "routing.borders[1]: an earlier line matches first"),
        ({"routing": {"borders": [{"from": "FR", "to": "FR"}]}},
         "routing.borders[0].to: is the country it comes from"),
        ({"routing": {"costs": {"load": {"beyond": 1, "amount": 1}}}},
         "routing.costs.load.beyond: Input should be less than 1"),
        ({"routing": {"costs": {"load": {"beyond": 0.5}}}},
         "routing.costs.load.amount: is missing"),
        ({"routing": {"costs": {"unknown_weight_g": 0}}}, "routing.costs.unknown_weight_g: "),
    ],
    ids=lambda x: x[:60] if isinstance(x, str) else "",
)  # fmt: skip
def test_a_wrong_setting_is_refused_with_its_path(settings, fault):
    with pytest.raises(Misconfigured) as told:
        parse(settings)
    assert [x for x in told.value.faults if x.startswith(fault)], told.value.faults


def test_sound_settings_of_carriers_and_borders_pass():
    oms = parse(colis(
        prices=[{"service": "standard", "zone": "FR", "up_to_g": 2000, "amount": 5.9},
                {"zone": "FR", "amount": 8}, {"amount": 14}],
        transit=[{"service": "express", "days": 1}, {"zone": "FR", "days": 2}, {"days": 4}],
        holidays=["2026-12-25", date(2026, 12, 26)], working_days=["mon", "sat"],
    ) | {"routing": {"borders": [{"from": "FR", "to": "CH", "allowed": False},
                                 {"amount": 4}]}})  # fmt: skip
    assert oms.carriers[0].holidays == [date(2026, 12, 25), date(2026, 12, 26)]
    assert oms.routing.borders[1].amount == 4
