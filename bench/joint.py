"""The joint plan beside plainer ways, on the same scarce stock and the same costs.

Every way's cost, parcels, splits, unfilled units and seconds go to `var/joint.csv`, and are drawn
in `var/joint.html`.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import altair as alt
import numpy as np
import polars as pl

from bench.apart import apart
from bench.plan import AS_OF, _lines
from bench.plan import instance as spread_out
from oms_pipelines.config import Costs, Routing, Rule, Split
from oms_pipelines.routing import Inputs, inputs_of, plan
from oms_pipelines.routing.ascent import Prices
from oms_pipelines.routing.best import best
from oms_pipelines.routing.candidates import Problem, build
from oms_pipelines.routing.columns import Maker
from oms_pipelines.routing.costs import UNIT
from oms_pipelines.routing.decisions import decisions
from oms_pipelines.routing.demands import demands_of
from oms_pipelines.routing.greedy import Taken, solve
from oms_pipelines.routing.joint import optimize, taken_of
from oms_pipelines.routing.lost import lost_to
from oms_pipelines.routing.pricing import Pricer
from oms_pipelines.routing.rounding import construct
from oms_pipelines.routing.verdicts import judge

CASES = (  # orders, supply over demand, most gap in percent, most seconds
    (1_000, 1.3, 0.5, 10.0),
    (1_000, 1.05, 0.5, 10.0),
    (10_000, 1.3, 4.0, 120.0),
    (10_000, 1.05, 4.0, 120.0),
    (46_000, 1.3, None, 180.0),
)
MILLION_SECONDS, MILLION_GB = 20.0, 6.0
EXPLAINED = {"joint": 3_000, "greedy": 46_000}  # orders


def instance(
    orders: int, supply: float, locations: int = 20, held_at: int = 6, seed: int = 1,
    popularity: float = 1.0, leaning: float = 0.9,
) -> Inputs:  # fmt: skip
    """Return a seeded batch of about 2.2 lines an order, where every SKU has at least its demand.

    SKUs are a fifth of the orders, the r-th sells in proportion to 1 / r. Each stands at 6 of
    20 locations, supply x demand units of it in all; the r-th location has its share in
    proportion to 1 / r^0.9, as central warehouses hold more than shops do.
    """
    rng = np.random.default_rng(seed)
    skus = max(orders // 5, 50)
    weight = 1 / np.arange(1, skus + 1) ** popularity
    lines, demand = _lines(rng, orders, weight / weight.sum())
    share = rng.permutation(1 / np.arange(1, locations + 1) ** leaning)
    # the least of exponential draws divided by shares: a draw without putting back
    draw = rng.exponential(size=(skus, locations)) / share
    at = np.argsort(draw, axis=1)[:, :held_at]
    part = share[at] / share[at].sum(axis=1, keepdims=True)
    held = np.zeros((skus, locations), dtype=np.int64)
    units = rng.multinomial(np.ceil(demand * supply).astype(int), part)
    np.put_along_axis(held, at, units, axis=1)
    row, place = np.nonzero(held)
    stock = pl.DataFrame(
        {"location_id": [f"loc{i:02d}" for i in place], "sku": [f"S{i:05d}" for i in row],
         "available": held[row, place]}
    )  # fmt: skip
    places = pl.DataFrame(
        {
            "location_id": [f"loc{i:02d}" for i in range(locations)],
            "kind": "warehouse",
            "country": "FR",
            "latitude": rng.uniform(42.5, 50.5, locations).round(2),
            "longitude": rng.uniform(-4, 8, locations).round(2),
            "cut_off": "15:00 Europe/Paris",
            "ships": True,
            "handling_cost": rng.uniform(0, 1, locations).round(2),
        }
    )
    rule = Rule(id="nearest", split=Split(parts=3), **{"from": "ships"})
    return inputs_of(lines, stock, places, Routing(rules=[rule], costs=Costs(per_km=0.01)), AS_OF)


def by_line(problem: Problem) -> Taken:
    """Give every line, in turn, what the cheapest locations for its order have left."""
    left, claims = problem.stock.copy(), []
    near = np.argsort(problem.local_cost, axis=1, kind="stable")
    for item, (order, sku) in enumerate(zip(problem.order, problem.sku, strict=True)):
        need = int(problem.need[item])
        for place in near[order]:
            units = min(need, int(left[sku, place]))
            if units:
                claims.append((item, place, units))
                left[sku, place] -= units
                need -= units
            if not need:
                break
    item, place, units = np.array(claims).T
    key, part = np.unique(problem.order[item] * left.shape[1] + place, return_inverse=True)
    parts = np.bincount(key // left.shape[1], minlength=len(problem.parts))
    return Taken(part, item, place, units, parts)


def in_turn_at(toll: float) -> Callable[[Problem], Taken]:
    """Return a way that gives every order, in turn, its best plan; a part costs `toll` besides."""

    def way(problem: Problem) -> Taken:
        maker = Maker(problem, demands_of(problem))
        count = len(problem.capacity)
        prices = Prices(np.zeros(problem.stock.shape), np.full(count, toll), 0.0)
        return taken_of(maker, construct(maker, Pricer(maker.demands), prices))

    return way


BASELINES = {
    "nearest, line by line": by_line,
    "greedy: the one that has most": solve,
    "best plan, order by order": in_turn_at(0.0),
    "fewest parts, order by order": in_turn_at(200_000.0),
}


def compared(orders: int, supply: float) -> list[dict]:
    """Return way, cost, parcels, splits (share), unfilled (units), seconds, bound of each way."""
    problem = build(instance(orders, supply))
    rows = []
    for way, made_by in BASELINES.items():
        start = time.perf_counter()
        taken = made_by(problem)
        rows.append(_of(way, problem, taken, time.perf_counter() - start))
    start = time.perf_counter()
    found = optimize(problem)
    seconds = time.perf_counter() - start
    taken = taken_of(Maker(problem, demands_of(problem)), found.columns)
    rows.append(_of("joint", problem, taken, seconds) | {"bound": found.bound / UNIT})
    return [{"orders": orders, "supply": supply} | row for row in rows]


def _of(way: str, problem: Problem, taken: Taken, seconds: float) -> dict:
    count = len(problem.location_ids)
    key = np.unique(problem.order[taken.item] * count + taken.location)
    order, place = key // count, key % count
    cost = (problem.parcel_cost[order] + problem.local_cost[order, place]).sum() / UNIT
    parts = np.bincount(order, minlength=len(problem.parts))
    return {
        "way": way, "cost": round(float(cost), 2), "parcels": len(key),
        "splits": round(float((parts > 1).mean()), 4),
        "unfilled": int(problem.need.sum() - taken.quantity.sum()),
        "seconds": round(seconds, 2), "bound": None,
    }  # fmt: skip


def million() -> tuple[float, int]:
    """Return the seconds that the greedy plan of a million open lines takes, and the lines."""
    inputs = spread_out(orders=460_000, locations=50, skus=50_000)
    tests = [f"lines > {10 + i}" for i in range(19)]
    rules = [
        Rule(id=f"r{i}", when=when, split=Split(parts=3), **{"from": "ships"})
        for i, when in enumerate(tests)
    ]
    rules.append(Rule(id="rest", split=Split(parts=3), **{"from": "ships"}))
    routing = Routing(rules=rules, costs=Costs(per_km=0.01))
    inputs = inputs_of(inputs.lines, inputs.stock, inputs.locations, routing, AS_OF)
    start = time.perf_counter()
    made = plan(inputs)
    return time.perf_counter() - start, made.lines


def explained(inputs: Inputs) -> float:
    """Return how many times as long a plan takes with its reasons as without them."""
    start = time.perf_counter()
    plan(inputs)
    whole = time.perf_counter() - start
    problem = build(inputs)
    found = best(problem, inputs.rules)
    start = time.perf_counter()
    verdicts = judge(problem, found.taken)
    lost = lost_to(problem, found.taken, inputs.rules, found.joint)
    decisions(problem, verdicts, lost, inputs)
    reasons = time.perf_counter() - start
    return whole / (whole - reasons)


def draw(rows: list[dict]) -> None:
    """Write the table as CSV, and what each way costs above the bound as a drawing."""
    Path("var").mkdir(exist_ok=True)
    frame = pl.DataFrame(rows, infer_schema_length=None)
    frame = frame.with_columns(pl.col("bound").max().over("orders", "supply"))
    frame = frame.with_columns(
        above=(100 * (pl.col("cost") / pl.col("bound") - 1)).round(2),
        case=pl.format("{} orders, supply {}", "orders", "supply"),
    )
    frame.drop("case").write_csv("var/joint.csv")
    bars = alt.Chart(alt.Data(values=frame.to_dicts())).mark_bar()
    bars.encode(
        x=alt.X("above:Q", title="% above what no plan goes below"),
        y=alt.Y("way:N", sort=[*BASELINES, "joint"], title=None),
        row=alt.Row("case:N", sort=None, title=None),
        tooltip=["way:N", "cost:Q", "parcels:Q", "splits:Q", "unfilled:Q", "seconds:Q"],
    ).save("var/joint.html", inline=True)


def measure() -> list[dict]:
    """Return name, value, unit, bar, holds, against: gaps, seconds, beside the best other way."""
    optimize(build(instance(200, 1.3)))
    rows, table = [], []
    for orders, supply, most, limit in CASES:
        ways = compared(orders, supply)
        table += ways
        joint = ways[-1]
        case = f"{orders} orders, supply {supply}"
        gap = 100 * (joint["cost"] - joint["bound"]) / joint["cost"]
        rows.append(_row(f"gap of the joint plan, {case}", gap, "%", most, "its own proof"))
        rows.append(_row(f"joint plan, {case}", joint["seconds"], "s", limit, "a set limit"))
        full = [w for w in ways[:-1] if w["unfilled"] <= joint["unfilled"]] or ways[:-1]
        other = min(full, key=lambda w: w["cost"])
        above = 100 * (joint["cost"] / other["cost"] - 1)
        against = f"{other['way']}, {other['unfilled']} units unfilled; here {joint['unfilled']}"
        rows.append(_row(f"cost of the joint plan, {case}", above, "%", 0.0, against))
    draw(table)
    for solver, orders in EXPLAINED.items():
        inputs = instance(orders, 1.3)
        inputs = replace(inputs, rules=inputs.rules.model_copy(update={"solver": solver}))
        what = f"with reasons against without, {orders} orders, {solver}"
        rows.append(_row(what, min(explained(inputs) for _ in range(2)), "x", 1.25, "itself"))
    (seconds, lines), megabytes = apart(million)
    what = f"greedy plan of {lines} lines, 50 locations, 20 rules"
    rows.append(_row(what, seconds, "s", MILLION_SECONDS, "a set limit"))
    rows.append(_row(f"memory of the {what}", megabytes / 1024, "GB", MILLION_GB, "a set limit"))
    return rows


def _row(name: str, value: float, unit: str, bar: float | None, against: str) -> dict:
    return {
        "name": name, "value": round(value, 3), "unit": unit, "bar": "told" if bar is None else bar,
        "holds": bar is None or value <= bar, "against": against,
    }  # fmt: skip


if __name__ == "__main__":
    for measured in measure():
        print(measured)
