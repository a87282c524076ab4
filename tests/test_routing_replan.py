"""What is planned and not dispatched may be planned again, at a price for each part that moves."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from routing_batches import AS_OF, batches, least_of
from routing_cases import cases
from test_routing_joint import plans

from oms_pipelines.config import Costs, Replan, Routing, Rule, Split
from oms_pipelines.routing import Inputs, Plan, inputs_of, plan
from oms_pipelines.routing.best import aimed, best
from oms_pipelines.routing.candidates import Problem, build
from oms_pipelines.routing.columns import Maker
from oms_pipelines.routing.compare import columns_of
from oms_pipelines.routing.demands import demands_of
from oms_pipelines.routing.greedy import Taken, solve
from oms_pipelines.routing.keep import kept_parts, replaced_lines
from oms_pipelines.routing.model import HELD

SOLVERS = ["joint", "greedy"]
PLACES = pl.DataFrame(
    {
        "location_id": ["a", "b", "c"], "kind": "warehouse", "country": "FR", "latitude": 45.0,
        "longitude": [0.0, 2.0, 4.0], "ships": True, "handling_cost": 0.0,
    }
)  # fmt: skip


def line(order: str, sku: str, units: int = 1, **more: object) -> dict:
    return {
        "order_id": order, "line_id": sku, "sku": sku, "quantity": units, "channel_id": "shop",
        "priority": 0, "placed_at": AS_OF, "delivery_mode": "home", "country": "FR",
        "latitude": 45.0, "longitude": 0.0, "unit_value": 10.0, "currency": "EUR",
    } | more  # fmt: skip


def part(order: str, place: str, units: int = 1, *skus: str) -> pl.DataFrame:
    rows = [
        {"fo_id": f"{order}-{place}", "order_id": order, "line_id": sku, "sku": sku,
         "location_id": place, "quantity": units, "planned_at": AS_OF}
        for sku in skus
    ]  # fmt: skip
    return pl.DataFrame(rows, HELD)


def planned(
    lines: list[dict], stock: dict[str, int], price: float, solver: str, *parts: pl.DataFrame
) -> tuple[set[tuple], Plan]:
    """Plan lines; `stock` is place and SKU to units. Return who gets what from where."""
    rules = Routing(
        rules=[Rule(id="r", split=Split(parts=3))], costs=Costs(per_km=0.01, parcel=5),
        solver=solver, replan=Replan(price=price),
    )  # fmt: skip
    held = [{"location_id": k[0], "sku": k[1], "available": n} for k, n in stock.items()]
    frames = pl.DataFrame(lines), pl.DataFrame(held), PLACES
    made = plan(*frames, rules, AS_OF, held=pl.concat(parts) if parts else None)
    return got(made.allocations), made


def got(allocations: pl.DataFrame) -> set[tuple]:
    return set(allocations.select("order_id", "location_id", "sku", "quantity").rows())


def as_held(made: Plan) -> pl.DataFrame:
    """Return what a plan gave as parts that stand in no file."""
    return made.allocations.select(
        pl.format("{}-{}", "order_id", "location_id").alias("fo_id"), "order_id", "line_id", "sku",
        "location_id", "quantity", "ship_by", "service", "carrier_id",
        pl.lit(AS_OF).cast(HELD["planned_at"]).alias("planned_at"),
    )  # fmt: skip


def again(inputs: Inputs, held: pl.DataFrame, price: float, solver: str) -> Inputs:
    rules = inputs.rules.model_copy(update={"replan": Replan(price=price), "solver": solver})
    return replace(inputs, rules=rules, held=held)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(("price", "place"), [(0, "a"), (1.57, "a"), (1.58, "b"), (100, "b")])
def test_new_stock_nearer_moves_a_part_where_it_saves_more_than_the_price(solver, price, place):
    found, made = planned(
        [line("1", "x")], {"ax": 1, "bx": 1}, price, solver, part("1", "b", 1, "x")
    )
    assert found == {("1", place, "x", 1)}
    told = dict(made.decisions.select("location_id", "change").rows())
    assert told == {"a": price, "b": 0, "c": price}
    scores = dict(made.decisions.select("location_id", "score").rows())
    assert scores["a"] == pytest.approx(5 + price)
    assert made.cost == pytest.approx(scores[place])


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(("price", "places"), [(4.85, {"a"}), (4.86, {"b", "c"})])
def test_the_price_is_paid_once_for_each_part(solver, price, places):
    """Both parts moved to a save a parcel and 472 km, 9.72: a price each, whatever is in them."""
    lines = [line("1", "x", 2), line("1", "y", 2)]
    stock = {"ax": 2, "ay": 2, "bx": 2, "cy": 2}
    held = part("1", "b", 2, "x"), part("1", "c", 2, "y")
    found, made = planned(lines, stock, price, solver, *held)
    assert {x[1] for x in found} == places
    assert (kept_parts(made).height, replaced_lines(made).height) in {(0, 2), (2, 0)}


@pytest.mark.parametrize("solver", SOLVERS)
def test_what_could_not_be_served_is_added_and_the_rest_stays(solver):
    """To move x to a besides would save the parcel from c, and costs the price."""
    lines = [line("1", "x"), line("1", "y")]
    stock = {"cx": 1, "ax": 1, "ay": 1}
    assert planned(lines, stock, 100, solver, part("1", "c", 1, "x"))[0] == {
        ("1", "c", "x", 1), ("1", "a", "y", 1),
    }  # fmt: skip
    assert {x[1] for x in planned(lines, stock, 1, solver, part("1", "c", 1, "x"))[0]} == {"a"}


@pytest.mark.parametrize("solver", SOLVERS)
def test_what_is_held_goes_to_the_higher_priority(solver):
    lines = [line("1", "x"), line("2", "x", priority=1)]
    found, made = planned(lines, {"ax": 1}, 100, solver, part("1", "a", 1, "x"))
    assert found == {("2", "a", "x", 1)}
    assert made.unfilled["order_id"].to_list() == ["1"]


@pytest.mark.parametrize("solver", SOLVERS)
def test_what_cannot_be_kept_moves_for_nothing(solver):
    found, made = planned([line("1", "x")], {"ax": 1, "bx": 0}, 100, solver, part("1", "b", 1, "x"))
    assert (found, made.cost) == ({("1", "a", "x", 1)}, 5)


@settings(max_examples=40, deadline=None)
@given(cases(), st.sampled_from([0.0, 2.0]), st.sampled_from(SOLVERS))
def test_without_news_a_plan_made_again_changes_nothing(inputs, price, solver):
    first = plan(again(inputs, inputs.held, price, solver))
    second = plan(again(inputs, as_held(first), price, solver))
    assert got(second.allocations) == got(first.allocations)
    assert replaced_lines(second).is_empty()
    assert second.cost == pytest.approx(first.cost)


def with_price(problem: Problem, order: int, units: dict) -> int:
    held = problem.held
    if held is None:
        return 0
    lost = {
        int(p)
        for p, item, n in zip(held.part, held.thing, held.amount, strict=True)
        if held.order[p] == order and units.get((int(item), int(held.location[p])), 0) < n
    }
    return len(lost) * held.price


def least(problem: Problem, maker: Maker) -> float:
    """Return the least that any joint plan leaves and costs, prices with it: tried one by one."""
    choices = [
        [(units, cost + with_price(problem, i, units)) for units, cost in plans(problem, maker, i)]
        for i in range(len(problem.parts))
    ]
    return least_of(problem, choices)


def began(inputs: Inputs, data: st.DataObject) -> pl.DataFrame:
    """Return what a plan held that was made with less stock and without some orders."""
    some = data.draw(st.integers(0, 7))
    early = inputs.lines.filter(pl.col("order_id").str.tail(1).cast(pl.Int64) != some)
    gone = pl.Series(data.draw(st.lists(st.integers(0, 1), min_size=9, max_size=9)))
    less = (pl.col("available") - gone).clip(0)
    return as_held(plan(replace(inputs, lines=early, stock=inputs.stock.with_columns(less))))


@settings(max_examples=60, deadline=None)
@given(batches(), st.sampled_from([0.0, 0.7, 3.0, 500.0]), st.data())
def test_the_joint_plan_is_the_least_of_all_prices_with_it(inputs, price, data):
    inputs = again(inputs, began(inputs, data), price, "joint")
    problem = build(inputs)
    maker = Maker(problem, demands_of(problem))
    found = best(problem, inputs.rules)
    columns = columns_of(maker, found.taken)
    assert (maker.usage(columns) <= problem.stock).all()
    assert (maker.visits(columns) <= problem.capacity).all()
    total = float((columns.cost + columns.weight).sum())
    assert total == pytest.approx(least(problem, maker), abs=0.5)
    if price == 0:
        scratch = plan(replace(inputs, held=inputs.held.clear()))
        parts = plan(inputs)
        assert parts.cost == pytest.approx(scratch.cost, abs=1e-4 * (1 + inputs.held.height))
        assert parts.unfilled["quantity"].sum() == scratch.unfilled["quantity"].sum()


@settings(max_examples=60, deadline=None)
@given(cases(), st.data())
def test_in_the_queue_a_part_too_dear_to_move_moves_for_more_units_or_is_taken(inputs, data):
    held = began(inputs, data)
    problem = build(again(inputs, held, 1000, "greedy"))
    found = best(problem, again(inputs, held, 1000, "greedy").rules)
    taken = found.taken
    if problem.held is None:
        return
    left = problem.stock.copy()
    np.subtract.at(left, (problem.sku[taken.item], taken.location), taken.quantity)
    assert (left >= 0).all()
    own = _alone(found.problem)
    for order in np.unique(problem.held.order):
        gives_up = _lost(problem, taken)[order]
        more = _weight(problem, taken)[order] < _weight(problem, own)[order]
        assert not gives_up or more or not _there(problem, taken, left, order)


def _alone(problem: Problem) -> Taken:
    """Return what orders get each with all the stock, staying with what they hold."""
    held = problem.held.parts(len(problem.parts)) > 0
    return solve(replace(problem, stays=held, stock=problem.stock * 100))


def _lost(problem: Problem, taken: Taken) -> np.ndarray:
    return problem.held.lost(
        np.arange(len(problem.parts)), problem.order[taken.item], taken.item, taken.location,
        taken.quantity,
    )  # fmt: skip


def _weight(problem: Problem, taken: Taken) -> np.ndarray:
    return columns_of(Maker(problem, demands_of(problem)), taken).weight


def _there(problem: Problem, taken: Taken, left: np.ndarray, order: int) -> bool:
    """Tell whether an order could have all it held, as others left it."""
    h = problem.held
    room = problem.capacity - np.bincount(
        np.unique(np.stack([problem.order[taken.item], taken.location]), axis=1)[1],
        minlength=len(problem.capacity),
    )
    mine = problem.order[taken.item] == order
    free = left.copy()
    np.add.at(free, (problem.sku[taken.item[mine]], taken.location[mine]), taken.quantity[mine])
    room[np.unique(taken.location[mine])] += 1
    own = h.order[h.part] == order
    place = h.location[h.part[own]]
    return bool(
        (free[problem.sku[h.thing[own]], place] >= h.amount[own]).all() and (room[place] > 0).all()
    )


@settings(max_examples=30, deadline=None)
@given(cases(), st.data(), st.integers(1, 3))
def test_the_size_of_a_round_moves_nothing(inputs, data, window):
    problem = build(again(inputs, began(inputs, data), 1, "greedy"))
    stays = np.ones(len(problem.parts), dtype=bool)
    problem = replace(problem, stays=stays)
    rows = [
        sorted(zip(t.part, t.item, t.location, t.quantity, strict=True))
        for t in (solve(problem, window), solve(problem))
    ]
    assert rows[0] == rows[1]


@pytest.mark.parametrize("rank", ["distance", "stock"])
def test_a_rule_that_ranks_otherwise_has_the_same_price(rank):
    rules = Routing(rules=[Rule(id="r", rank=rank)], replan=Replan(price=9))
    stock = pl.DataFrame({"location_id": ["a", "b"], "sku": "x", "available": [9, 1]})
    frames = pl.DataFrame([line("1", "x")]), stock, PLACES
    made = plan(*frames, rules, AS_OF, held=part("1", "b", 1, "x"))
    assert got(made.allocations) == {("1", "b", "x", 1)}
    assert aimed(build(inputs_of(*frames, rules, AS_OF)), rules).held is None
