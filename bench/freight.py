"""The freight network of a microchip maker: 9,215 orders of one day, planned whole.

python -m bench freight        (reads ../shared/data/supply_chain_logistics)

An order is one unit of its product: a plant that makes the product is never short of it, and
ships so many orders a day. A plant of the vendor-managed list serves its customers alone: a
rule a customer. What a plant costs for an order (its cost a unit, and the cheapest freight from
one of its ports by service and weight band; a customer who arranges freight pays it) depends on
both, which declared costs cannot say: it is set on the problem, in thousands.

What one day cannot ship is planned the next day, with capacities anew, until all is.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from oms_pipelines.config import Costs, Routing, Rule
from oms_pipelines.routing import Inputs, inputs_of
from oms_pipelines.routing.candidates import NO_SHIP, Problem, build
from oms_pipelines.routing.columns import Maker
from oms_pipelines.routing.costs import UNIT
from oms_pipelines.routing.demands import demands_of
from oms_pipelines.routing.greedy import Taken, solve
from oms_pipelines.routing.joint import optimize, taken_of

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "supply_chain_logistics"
AS_OF = datetime(2013, 5, 27, 8, tzinfo=UTC)
SCALE = 1000  # costs are planned in thousands: a priority outweighs them, and stays exact
BAND = 0.01  # the step between a weight band and the next


@dataclass(frozen=True)
class Network:
    """Tables as the files have them: text, but for numbers that are reckoned with."""

    orders: pl.DataFrame
    rates: pl.DataFrame
    products: pl.DataFrame
    ports: pl.DataFrame
    capacities: pl.DataFrame
    costs: pl.DataFrame
    managed: pl.DataFrame

    @classmethod
    def read(cls, folder: Path = FOLDER) -> "Network":
        def table(name: str, *numbers: str) -> pl.DataFrame:
            # an order's key is a decimal number: reading it as one would damage it
            text = pl.read_csv(folder / f"{name}.csv.gz", infer_schema=False)
            return text.with_columns(pl.col(numbers).cast(pl.Float64)) if numbers else text

        return cls(
            table("OrderList", "Unit quantity", "Weight"),
            table("FreightRates", "minm_wgh_qty", "max_wgh_qty", "minimum cost", "rate"),
            table("ProductsPerPlant"),
            table("PlantPorts"),
            table("WhCapacities", "Daily Capacity"),
            table("WhCosts", "Cost/unit"),
            table("VmiCustomers"),
        )

    @property
    def plants(self) -> list[str]:
        return self.capacities["Plant ID"].sort().to_list()


def inputs(net: Network, open_: Sequence[str] | None = None, day: int = 0) -> Inputs:
    """Return the network as inputs of a plan, of all orders or of those still open."""
    orders = net.orders if open_ is None else net.orders.filter(pl.col("Order ID").is_in(open_))
    lines = orders.select(
        pl.col("Order ID").alias("order_id"),
        pl.lit("1").alias("line_id"),
        pl.col("Product ID").alias("sku"),
        pl.lit(1, pl.Int64).alias("quantity"),
        pl.col("Customer").alias("channel_id"),
        pl.lit(AS_OF - timedelta(days=1)).alias("placed_at"),
        pl.lit("home").alias("delivery_mode"),
        pl.col("Service Level").alias("service"),
        pl.lit(1.0).alias("unit_value"),
        (pl.col("Weight") * 1000).round().cast(pl.Int64).alias("weight_g"),
    )
    wanted = lines.group_by("sku").agg(pl.len().cast(pl.Int64).alias("available"))
    made = net.products.select(location_id="Plant Code", sku="Product ID").unique()
    places = net.capacities.select(
        pl.col("Plant ID").alias("location_id"),
        pl.lit("warehouse").alias("kind"),
        pl.lit(True).alias("ships"),
        pl.col("Daily Capacity").cast(pl.Int64).alias("capacity_left"),
    )
    return inputs_of(
        lines, made.join(wanted, on="sku"), places, _rules(net), AS_OF + timedelta(days=day)
    )  # fmt: skip


def _rules(net: Network) -> Routing:
    """Return a rule for each customer of the vendor-managed list, and one for all others."""
    managed = net.managed["Plant Code"].unique().to_list()
    free = [p for p in net.plants if p not in managed]

    def rule(name: str, when: str, plants: Sequence[str]) -> Rule:
        told = ", ".join(f"'{p}'" for p in sorted(plants))
        return Rule(id=name, when=when, **{"from": f"location_id IN ({told})"})

    by = net.managed.group_by("Customers").agg("Plant Code").sort("Customers").rows()
    own = [
        rule(f"managed_{i}", f"channel_id = '{customer}'", [*free, *plants])
        for i, (customer, plants) in enumerate(by)
    ]
    return Routing(rules=[*own, rule("others", "true", free)], costs=Costs(parcel=0))


def problem(net: Network, given: Inputs) -> Problem:
    """Return the problem with what each plant costs for each order; no lane, no shipping."""
    found = build(given)
    cost = _costs(net, found)
    none = np.isnan(cost)
    money = np.rint(np.where(none, 0, cost) * UNIT / SCALE).astype(np.int64)
    ranked = np.argsort(np.where(none, np.inf, cost), axis=1, kind="stable")
    rank = np.empty_like(ranked)
    places = np.broadcast_to(np.arange(ranked.shape[1]), ranked.shape)
    np.put_along_axis(rank, ranked, places, axis=1)
    failed = np.where((found.failed == 0) & none, NO_SHIP, found.failed).astype(np.int8)
    return replace(found, local_cost=money, rank=rank.astype(np.int16), failed=failed)


def _costs(net: Network, found: Problem) -> np.ndarray:
    """Return n x L: storing and the cheapest freight; nan where no lane is."""
    orders = found.orders.select(pl.col("order_id").alias("Order ID")).join(
        net.orders, on="Order ID", maintain_order="left"
    )
    each = dict(net.costs.rows())
    units, weight = orders["Unit quantity"].to_numpy(), orders["Weight"].to_numpy()
    service = orders["Service Level"].to_numpy()
    ports = net.ports.group_by("Plant Code").agg("Port")
    of_plant = {p: sorted(x) for p, x in ports.rows()}
    freight = {port: _freight(net, port, service, weight) for port in net.ports["Port"].unique()}
    columns = []
    for plant in found.location_ids:
        lanes = np.stack([freight[p] for p in of_plant[plant]])
        lane = np.where(np.isnan(lanes), np.inf, lanes).min(axis=0)
        columns.append(units * each[plant] + np.where(np.isinf(lane), np.nan, lane))
    return np.stack(columns, axis=1)


def _freight(net: Network, port: str, service: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the cheapest freight of each order from a port; nan where no carrier takes it."""
    cost = np.full(len(weight), np.nan)
    cost[service == "CRF"] = 0  # the customer arranges freight
    for level in ("DTD", "DTP"):
        rows = net.rates.filter(pl.col("orig_port_cd") == port, pl.col("svc_cd") == level)
        mine = np.flatnonzero(service == level)
        low, high, least, rate = (
            rows[c].to_numpy() for c in ("minm_wgh_qty", "max_wgh_qty", "minimum cost", "rate")
        )
        at = weight[mine][:, None]
        price = np.where((at > low - BAND) & (at <= high), np.maximum(least, rate * at), np.inf)
        best = price.min(axis=1, initial=np.inf)
        cost[mine] = np.where(np.isinf(best), np.nan, best)
    return cost


def greedy(p: Problem) -> tuple[Taken, int | None]:
    """Every order in its turn takes the cheapest plant that is left."""
    return solve(p), None


def joint(p: Problem) -> tuple[Taken, int | None]:
    """All orders together, with the least that equal service costs."""
    found = optimize(p)
    return taken_of(Maker(p, demands_of(p)), found.columns), found.bound


def cheapest_first(p: Problem) -> tuple[Taken, int | None]:
    """Of all orders and plants the cheapest pair first."""
    order, place = np.nonzero((p.failed == 0) & (p.stock[p.sku] > 0))
    by = np.lexsort((place, order, p.local_cost[order, place]))
    room, chosen = p.capacity.copy(), np.full(len(p.parts), -1)
    for i, where in zip(order[by].tolist(), place[by].tolist(), strict=True):
        if chosen[i] < 0 and room[where] > 0:
            chosen[i], room[where] = where, room[where] - 1
    served = np.flatnonzero(chosen >= 0)
    one = np.ones(len(served), dtype=np.int64)
    return Taken(one - 1, served, chosen[served], one, (chosen >= 0).astype(np.int64)), None


Planner = Callable[[Problem], tuple[Taken, int | None]]
PLANNERS: dict[str, Planner] = {
    "joint": joint,
    "greedy, in turn": greedy,
    "greedy, cheapest first": cheapest_first,
}


@dataclass(frozen=True)
class Shipped:
    """What a planner ships of some orders: keys, orders by plant, cost and bound (thousands)."""

    orders: list[str]
    loads: dict[str, int]
    cost: float
    bound: float | None
    seconds: float


def ship(net: Network, planner: Planner, open_: Sequence[str], day: int = 0) -> Shipped:
    """Plan the orders that are open for a day."""
    p = problem(net, inputs(net, open_, day))
    begun = time.perf_counter()
    taken, bound = planner(p)
    seconds = time.perf_counter() - begun
    turns = p.order[taken.item]
    load = np.bincount(taken.location, minlength=len(p.capacity)).tolist()
    return Shipped(
        p.orders["order_id"].gather(turns).to_list(),
        dict(zip(p.location_ids, load, strict=True)),
        int(p.local_cost[turns, taken.location].sum()) / UNIT,
        None if bound is None else bound / UNIT,
        seconds,
    )


def days(net: Network, planner: Planner) -> list[Shipped]:
    """Plan until all is shipped, or nothing of what is left can be."""
    open_, found = set(net.orders["Order ID"]), []
    while open_:
        found.append(ship(net, planner, sorted(open_), len(found)))
        open_ -= set(found[-1].orders)
        if not found[-1].orders:
            break
    return found


def measure() -> list[dict]:
    """Return name, value, unit, bar, holds, against: the cost of each planner's first day.

    Planners do not ship the same orders. The joint plan of the very orders that a baseline
    ships tells what it pays too much.
    """
    net = Network.read()
    rows = []
    for name, planner in PLANNERS.items():
        plan = days(net, planner)
        first, whole = plan[0], sum(d.cost for d in plan)
        told = f"{len(first.orders)} of {len(net.orders)} orders on the first day"
        told += f" in {first.seconds:.1f} s; all in {len(plan)} days for {whole:.1f}"
        if first.bound is not None:
            bar, holds = "gap at most 0.5 %", first.cost - first.bound <= 0.005 * first.cost
            told += f"; bound {first.bound:.1f}, gap {1 - first.bound / first.cost:.3%}"
        else:
            least = ship(net, joint, first.orders)
            bar, holds = "the same orders jointly for no more", least.cost <= first.cost
            told += f"; the same orders jointly: {least.cost:.1f}, so {name} pays "
            told += f"{first.cost / least.cost - 1:.2%} more"
        rows.append(
            {
                "name": f"freight network, {name}", "value": round(first.cost, 1),
                "unit": "thousand", "bar": bar, "holds": holds, "against": told,
            }
        )  # fmt: skip
    return rows
