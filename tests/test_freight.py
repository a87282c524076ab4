"""The freight network of real orders, plants and rates, planned whole."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from ortools.graph.python import min_cost_flow

from bench.freight import Network, greedy, inputs, joint, problem, ship
from oms_pipelines.routing import plan
from oms_pipelines.routing.candidates import Problem
from oms_pipelines.routing.costs import UNIT


@pytest.fixture(scope="module")
def net(shared: Path) -> Network:
    return Network.read(shared / "data" / "supply_chain_logistics")


def flow(p: Problem, orders: np.ndarray, paid: bool) -> tuple[int, int]:
    """Return how many of some orders can ship, and what that costs at least, by a network flow."""
    solver = min_cost_flow.SimpleMinCostFlow()
    order, place = np.nonzero((p.failed == 0) & (p.stock[p.sku] > 0))
    mine = np.isin(order, orders)
    order, place = order[mine], place[mine]
    n, count = len(p.parts), len(p.capacity)
    source, sink = n + count, n + count + 1
    cost = p.local_cost[order, place] if paid else np.zeros(len(order), dtype=np.int64)
    one = np.ones(len(order), dtype=np.int64)
    solver.add_arcs_with_capacity_and_unit_cost(order, n + place, one, cost)
    solver.add_arcs_with_capacity_and_unit_cost(
        np.full(len(orders), source), orders, np.ones(len(orders), np.int64),
        np.zeros(len(orders), np.int64),
    )  # fmt: skip
    solver.add_arcs_with_capacity_and_unit_cost(
        n + np.arange(count), np.full(count, sink), p.capacity, np.zeros(count, np.int64)
    )
    solver.set_node_supply(source, len(orders))
    solver.set_node_supply(sink, -len(orders))
    assert solver.solve_max_flow_with_min_cost() == solver.OPTIMAL
    return solver.maximum_flow(), solver.optimal_cost()


@pytest.mark.shared
def test_the_freight_network_is_planned_whole(net: Network):
    keys = net.orders["Order ID"].to_list()
    given = inputs(net)
    p = problem(net, given)
    assert len(p.parts) == len(keys) == 9215
    ours, queue = ship(net, joint, keys), ship(net, greedy, keys)
    room = dict(zip(net.capacities["Plant ID"], net.capacities["Daily Capacity"], strict=True))
    for found in (ours, queue):
        assert len(set(found.orders)) == len(found.orders)
        assert all(units <= room[plant] for plant, units in found.loads.items())
    turns = p.orders.select("order_id").with_row_index("turn")
    mine = turns.filter(pl.col("order_id").is_in(ours.orders))["turn"].to_numpy().astype(np.int64)
    most, _ = flow(p, np.arange(len(p.parts)), paid=False)
    served, least = flow(p, mine, paid=True)
    # as many as can ship at all, and as cheaply as these can
    assert most == len(ours.orders) == served > len(queue.orders)
    assert round(ours.cost * UNIT) == least
    assert ours.bound is not None
    assert ours.bound == pytest.approx(ours.cost, rel=0.005)
    same = ship(net, joint, queue.orders)
    assert sorted(same.orders) == sorted(queue.orders)
    assert same.cost < queue.cost


@pytest.mark.shared
def test_every_order_of_the_network_ships_or_is_named_with_why(net: Network):
    made = plan(inputs(net))
    shipped, waits = made.allocations["order_id"], made.unfilled
    assert len(shipped) + len(waits) == 9215
    assert set(shipped) | set(waits["order_id"]) == set(net.orders["Order ID"])
    # three orders in four may ship from one plant alone, which takes 1,013 a day
    assert set(waits["reason"]) == {"capacity"}
    makes = net.products.select(location_id="Plant Code", sku="Product ID")
    assert made.allocations.join(makes, on=["location_id", "sku"], how="anti").is_empty()
    served = made.allocations.join(net.orders, left_on="order_id", right_on="Order ID")
    managed = net.managed.select(location_id="Plant Code", Customer="Customers")
    own = served.filter(pl.col("location_id").is_in(managed["location_id"].to_list()))
    assert own.join(managed, on=["location_id", "Customer"], how="anti").is_empty()
