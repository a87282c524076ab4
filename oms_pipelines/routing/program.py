"""Linear and integer programs over arrays, solved by HiGHS (Huangfu, Hall 2018).

One thread; work is limited by nodes and a gap, never by the clock.
"""

import sys
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ortools.math_opt.python import mathopt


@dataclass(frozen=True)
class Program:
    """Least `cost` @ x, 0 <= x <= `most`, `low` <= A @ x <= `high`, A as triplets.

    An integer program may begin with a solution, `start`: within the gap of the best it stands.
    """

    cost: np.ndarray
    most: np.ndarray
    whole: np.ndarray
    low: np.ndarray
    high: np.ndarray
    row: np.ndarray
    column: np.ndarray
    value: np.ndarray
    start: np.ndarray | None = None


@dataclass(frozen=True)
class Solution:
    """What was found: `x` (none: empty), prices of rows of a linear program, and the bound."""

    x: np.ndarray
    price: np.ndarray
    value: float
    bound: float


def solve(program: Program, gap: float = 0.0, nodes: int = 0) -> Solution:
    """Solve; an integer program stops at `nodes`, or within `gap` of the best."""
    mathopt = _loaded()
    from ortools.math_opt.solvers import highs_pb2

    options = highs_pb2.HighsOptionsProto(
        string_options={"parallel": "off"},
        int_options={"threads": 1, "mip_max_nodes": nodes, "random_seed": 0},
        double_options={"mip_abs_gap": gap, "mip_rel_gap": 0.0},
    )
    model, hints = _model(program), []
    if program.start is not None:
        values = dict(zip(model.variables(), program.start.tolist(), strict=True))
        hints.append(mathopt.SolutionHint(variable_values=values))
    found = mathopt.solve(
        model, mathopt.SolverType.HIGHS, params=mathopt.SolveParameters(highs=options),
        model_params=mathopt.ModelSolveParameters(solution_hints=hints),
    )  # fmt: skip
    bound = found.best_objective_bound()
    if not found.has_primal_feasible_solution():
        return Solution(np.empty(0), np.empty(0), np.inf, bound)
    x = _by_id(found.variable_values())
    price = np.empty(0) if program.whole.any() else -_by_id(found.dual_values())
    return Solution(x, price, found.objective_value(), bound)


@cache
def _loaded() -> ModuleType:
    """Load the solver: seconds, so only where orders compete."""
    from absl import logging
    from ortools.math_opt.python import mathopt

    if sys.__stderr__ is not None:
        # its handler would hold, and close once logging is set up anew, what stderr is just now
        logging.get_absl_handler().python_handler.stream = sys.__stderr__
    return mathopt


def _model(p: Program) -> "mathopt.Model":
    from ortools.math_opt import model_pb2
    from ortools.math_opt.python import mathopt

    made = model_pb2.ModelProto()
    made.variables.ids.extend(range(len(p.cost)))
    made.variables.lower_bounds.extend([0.0] * len(p.cost))
    made.variables.upper_bounds.extend(p.most.tolist())
    made.variables.integers.extend(p.whole.tolist())
    some = np.flatnonzero(p.cost)
    made.objective.linear_coefficients.ids.extend(some.tolist())
    made.objective.linear_coefficients.values.extend(p.cost[some].tolist())
    made.linear_constraints.ids.extend(range(len(p.low)))
    made.linear_constraints.lower_bounds.extend(p.low.tolist())
    made.linear_constraints.upper_bounds.extend(p.high.tolist())
    key, at = np.unique(p.row * len(p.cost) + p.column, return_inverse=True)
    made.linear_constraint_matrix.row_ids.extend((key // len(p.cost)).tolist())
    made.linear_constraint_matrix.column_ids.extend((key % len(p.cost)).tolist())
    made.linear_constraint_matrix.coefficients.extend(np.bincount(at, p.value).tolist())
    return mathopt.Model.from_model_proto(made)


def _by_id(values: dict) -> np.ndarray:
    found = np.empty(len(values))
    found[[key.id for key in values]] = list(values.values())
    return found
