"""The plan that is taken: the joint one, or that of the queue, whichever is better.

Better is what leaves less unfilled, by priority and age, then what costs less. Orders that share
nothing scarce are judged apart, so the plan is nowhere worse than the queue's; where both are
worth the same, the queue's stands, which follows the ranks of the rule; parts of the joint plan
move to where the rule ranks them higher at the same cost.
"""

from dataclasses import dataclass, replace
from math import comb

import numpy as np

from oms_pipelines.config import Routing
from oms_pipelines.routing import joint
from oms_pipelines.routing.candidates import Problem
from oms_pipelines.routing.columns import Maker
from oms_pipelines.routing.compare import better, columns_of
from oms_pipelines.routing.costs import cents
from oms_pipelines.routing.demands import demands_of
from oms_pipelines.routing.greedy import Taken, solve
from oms_pipelines.routing.ranked import by_rank
from oms_pipelines.routing.stays import settled

MOST = 60_000  # orders x locations of a batch that is planned jointly unasked, and ...
SETS = 5_000_000  # ... orders x sets of locations that the split policy allows
NEARER = 0.001  # what a kilometer counts at least where the rule ranks by distance
EMPTIER = 0.01  # what a place in the ranks counts where the rule ranks by stock


@dataclass(frozen=True)
class Best:
    """What is taken, and what equal service costs at least; None where nothing told."""

    taken: Taken
    bound: int | None
    joint: bool
    problem: Problem  # the problem, with who stayed in the queue


def best(problem: Problem, rules: Routing) -> Best:
    """Return the better of the joint plan and the queue's."""
    wanted = together(problem, rules)
    if not wanted and problem.held is None:
        return Best(solve(problem), None, False, problem)
    aim = aimed(problem, rules)
    money = aim is problem
    maker = Maker(aim, demands_of(aim))
    problem, queue = settled(problem, maker)
    if not wanted:
        return Best(queue, None, False, problem)
    turns = columns_of(maker, queue)
    found = joint.optimize(aim, joint.Work().times(rules.work), turns)
    group = joint.groups(maker)
    columns = by_rank(maker, better(found.columns, turns, group))
    same = money and bool((columns.weight == found.columns.weight).all())
    return Best(joint.taken_of(maker, columns), found.bound if same else None, True, problem)


def together(problem: Problem, rules: Routing) -> bool:
    """Tell whether a batch is planned jointly: as its rules say, else where it is not too large."""
    n, count = problem.failed.shape
    if rules.solver != "auto":
        return rules.solver == "joint" and n * count > 0
    sets = np.cumsum([comb(count, k) for k in range(1, 4)])[np.clip(problem.parts, 1, 3) - 1]
    return 0 < n * count <= MOST and sets.sum() <= SETS


def aimed(problem: Problem, rules: Routing) -> Problem:
    """Return the problem with what its rules rank by as the cost of each location.

    That is money, unless a rule ranks by distance, or by stock.
    """
    kinds = np.array([r.rank for r in rules.rules] + ["cost"])[problem.rule]
    if (kinds == "cost").all():
        return problem
    local = problem.local_cost.copy()
    km = problem.distance[kinds == "distance"]
    if km.size:
        farthest = np.nan_to_num(km, nan=0).max(axis=1, keepdims=True)
        unknown = np.maximum(rules.costs.unknown_distance_km, farthest + 1)
        each = max(rules.costs.per_km, NEARER)
        local[kinds == "distance"] = cents(np.where(np.isnan(km), unknown, km) * each)
    local[kinds == "stock"] = cents(problem.rank[kinds == "stock"] * EMPTIER)
    return replace(problem, local_cost=local)
