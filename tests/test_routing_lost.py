"""An order that is told whom it lost to would do better without: planned again, each time."""

import dataclasses
from itertools import chain, count
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from test_routing_queue import COSTS, NOW, RULES, frames, instance

from oms_pipelines.config import Routing
from oms_pipelines.routing import Inputs, changes, inputs_of, plan
from oms_pipelines.routing.again import one_more, one_more_order, outcome, without
from oms_pipelines.routing.best import aimed, best
from oms_pipelines.routing.candidates import Problem, build
from oms_pipelines.routing.columns import Maker
from oms_pipelines.routing.compare import columns_of
from oms_pipelines.routing.demands import demands_of
from oms_pipelines.routing.greedy import Taken
from oms_pipelines.routing.lost import SOME, TRIES, Contest, _tried, lost_to

MANY = (444, 560, 308, 243, 240, 146, 43, 7, 590, 572, 527, 514, 434, 427, 414, 398, 361, 342, 341,
        323, 276, 269, 239, 225, 130, 96, 56, 33, 10)  # batches that name many  # fmt: skip


def drawn(seed: int, solver: str) -> Inputs:
    rules = Routing(rules=list(RULES), costs=COSTS, solver=solver)
    return inputs_of(**frames(*instance(seed)), rules=rules, as_of=NOW)


def lots(problem: Problem, rules: Routing, taken: Taken) -> dict[str, tuple[int, int, int]]:
    """Return by order what it lacks in units, how many places are nearer, what it pays.

    Nearer than all it ships from, where the nearest is to go first; pays as its rule ranks.
    """
    aim = aimed(problem, rules)
    demands, found = demands_of(aim), {}
    columns = columns_of(Maker(aim, demands), taken)
    for order, name in enumerate(problem.orders["order_id"]):
        mine = problem.order[taken.item] == order
        lack = problem.need[problem.order == order].sum() - taken.quantity[mine].sum()
        far = demands.remote[order]
        nearer = (far < far[taken.location[mine]].min(initial=far.max())).sum()
        found[name] = (int(lack), int(nearer), int(columns.cost[order]))
    return found


@pytest.mark.parametrize(("solver", "cases"), [("joint", 100), ("greedy", 20)])
def test_without_the_winner_the_loser_does_better(solver, cases):
    seen = 0
    for seed in chain(MANY, count()):
        if seen >= cases:
            break
        inputs = drawn(seed, solver)
        problem = build(inputs)
        names = problem.orders["order_id"].to_list()
        taken = best(problem, inputs.rules).taken
        now = lots(problem, inputs.rules, taken)
        lost = lost_to(problem, taken, inputs.rules, solver == "joint")
        for order, place in zip(*(lost >= 0).nonzero(), strict=True):
            winner = lost[order, place]
            rest = [i for i in range(len(names)) if i != winner]
            less = problem.of(np.array(rest))
            then = lots(less, inputs.rules, best(less, inputs.rules).taken)[names[order]]
            assert then < now[names[order]], (seed, names[order], names[winner])
            seen += 1


def test_a_plan_without_an_order_is_that_of_the_inputs_without_it():
    seen = 0
    for seed in MANY[:10]:
        inputs = drawn(seed, "joint")
        told = plan(inputs).decisions.drop_nulls("lost_to")
        for order, winner in (
            told.select("order_id", "lost_to").unique().sort("order_id").rows()[:1]
        ):
            assert outcome(without(inputs, winner), order).beats(outcome(inputs, order))
            seen += 1
    assert seen > 4


def contested() -> Inputs:
    """Return two orders that want the only unit nearby; the younger one gets it from afar."""
    lines = [
        {"order_id": name, "line_id": "1", "sku": "a", "quantity": 1, "channel_id": "c",
         "placed_at": NOW.replace(hour=hour), "country": "FR", "latitude": 45.0, "longitude": 5.0}
        for name, hour in (("old", 1), ("young", 2))
    ]  # fmt: skip
    places = [
        {"location_id": name, "latitude": north, "longitude": 5.0, "ships": True,
         "capacity_left": room}
        for name, north, room in (("far", 48.0, None), ("near", 45.0, 2))
    ]  # fmt: skip
    stock = [{"location_id": x, "sku": "a", "available": 1} for x in ("far", "near")]
    return inputs_of(pl.DataFrame(lines), pl.DataFrame(stock), pl.DataFrame(places),
                     Routing(costs=COSTS), NOW)  # fmt: skip


def test_what_would_have_changed_an_orders_lot_is_told():
    inputs = contested()
    made = plan(inputs)
    assert list(changes(inputs, made, "old")) == []
    told = {x["change"]: (x["better"], x["ships_from"]) for x in changes(inputs, made, "young")}
    assert told == {
        "as planned": (False, "far"),
        "without old": (True, "near"),
        "1 a more at near": (True, "near"),
    }


def test_one_order_more_is_asked_for_where_no_room_is_left():
    inputs = contested()
    tight = dataclasses.replace(
        one_more(inputs, "near", "a"),
        locations=inputs.locations.with_columns(pl.col("capacity_left").clip(0, 1)),
    )
    told = {x["change"]: x["ships_from"] for x in changes(tight, plan(tight), "young")}
    assert told["one order more at near"] == "near"
    assert outcome(one_more_order(tight, "near"), "young").locations == ("near",)
    new = one_more(inputs, "near", "b").stock.filter(sku="b")
    assert new.rows() == [("near", "b", 1)]


class Certain:
    """A trial in which whoever is asked for may lose, and nobody would do better."""

    problem = SimpleNamespace(sku=np.zeros(1), stock=np.zeros((1, 1)))

    def certain(self, orders: np.ndarray) -> np.ndarray:
        return np.ones(len(orders), dtype=bool)

    def losers(self, orders: np.ndarray, has: object) -> np.ndarray:
        return orders

    def better(self, order: int, winner: int, has: object) -> bool:
        return False


def test_losers_do_not_all_meet_all_that_hold_what_they_wanted(monkeypatch):
    """Half of a flash sale times the other half would be more rows than there is memory."""
    heights, join = [0], pl.DataFrame.join

    def counted(*words: object, **named: object) -> pl.DataFrame:
        made = join(*words, **named)
        heights.append(made.height)
        return made

    half = 3_000
    lacks = pl.DataFrame({"order": np.arange(half, 2 * half), "thing": 0})
    holds = pl.DataFrame({"order": np.arange(half), "thing": 0})
    none = pl.DataFrame({"thing": [], "excess": []})
    monkeypatch.setattr(pl.DataFrame, "join", counted)
    assert _tried(Contest(lacks, none, lacks, holds), Certain(), None).is_empty()
    assert half < max(heights) <= SOME * TRIES * half
