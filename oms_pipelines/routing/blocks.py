"""Some orders planned anew together, exactly, within what the others leave.

Each order takes one of its columns; stock and capacity are shared. Solved by CP-SAT (Perron,
Furnon 2024, OR-Tools) within a limit of deterministic time, from the plan there is: never worse.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from oms_pipelines.routing.columns import Columns, Maker

if TYPE_CHECKING:
    from ortools.sat.python import cp_model


@dataclass(frozen=True)
class Solved:
    """Which columns are taken, and what no choice of them goes below (weights and costs)."""

    rows: np.ndarray
    bound: float
    optimal: bool


def choose(
    maker: Maker, columns: Columns, held: np.ndarray, stock: np.ndarray, capacity: np.ndarray,
    effort: float,
) -> Solved:  # fmt: skip
    """Choose one column an order within stock and capacity, starting from those in `held`."""
    from ortools.sat.python import cp_model  # seconds to load: only where orders compete

    model = cp_model.CpModel()
    x = [model.new_bool_var("") for _ in range(len(columns.order))]
    for rows in np.split(
        np.argsort(columns.order, kind="stable"),
        np.flatnonzero(np.diff(np.sort(columns.order))) + 1,
    ):
        model.add_exactly_one([x[j] for j in rows])
    count = stock.shape[1]
    item, location, units, column = maker.items(columns)
    _limit(model, x, maker.problem.sku[item] * count + location, units, column, stock.ravel())
    key = np.unique(columns.column * count + columns.location)
    _limit(model, x, key % count, np.ones(len(key), np.int64), key // count, capacity)
    each = columns.cost + columns.weight
    model.minimize(cp_model.LinearExpr.weighted_sum(x, each.tolist()))
    taken = np.zeros(len(x), dtype=bool)
    taken[held] = True
    for var, one in zip(x, taken.tolist(), strict=True):
        model.add_hint(var, one)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_deterministic_time = effort
    solver.parameters.random_seed = 1
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return Solved(held, solver.best_objective_bound, False)
    rows = np.flatnonzero([solver.boolean_value(var) for var in x])
    if each[rows].sum() > each[held].sum():
        rows = held
    return Solved(rows, solver.best_objective_bound, status == cp_model.OPTIMAL)


def _limit(
    model: "cp_model.CpModel", x: list, queue: np.ndarray, amount: np.ndarray, column: np.ndarray,
    limit: np.ndarray,
) -> None:  # fmt: skip
    """Let what columns take of each queue be at most its limit, where they could take more."""
    from ortools.sat.python import cp_model

    by = np.lexsort((column, queue))
    queue, amount, column = queue[by], amount[by], column[by]
    starts = np.flatnonzero(np.diff(queue, prepend=-1))
    if not starts.size:
        return
    asked = np.add.reduceat(amount, starts)
    ends = np.append(starts[1:], len(queue))
    for start, end in zip(starts[asked > limit[queue[starts]]], ends[asked > limit[queue[starts]]],
                          strict=True):  # fmt: skip
        expr = cp_model.LinearExpr.weighted_sum(
            [x[j] for j in column[start:end]], amount[start:end].tolist()
        )
        model.add(expr <= int(limit[queue[start]]))
