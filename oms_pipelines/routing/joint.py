"""The joint plan of a batch: every order takes one of its plans, stock and capacity are shared.

What counts first is what is left unfilled, by priority and age (`demands`), then what is paid.
Orders that nobody can disturb take their best plan. Of the others, groups that compete with few
plans are solved exactly. The rest goes by prices of stock: they bound every plan (`ascent`,
sharper by `generate`), tell which plans are near an order's best (`near`), and of these one
an order is chosen by integer programs (`replan`); a few orders get a sharper bound (`proof`).
The work is counted in rounds, nodes and the solver's deterministic time, so a slow machine
changes the wait and not the plan.
"""

from dataclasses import dataclass, replace

import numpy as np

from oms_pipelines.routing.ascent import Prices, ascend, least_cost
from oms_pipelines.routing.blocks import choose
from oms_pipelines.routing.candidates import UNLIMITED, Problem
from oms_pipelines.routing.columns import Columns, Maker, distinct, joined
from oms_pipelines.routing.demands import demands_of
from oms_pipelines.routing.enumerate import count_plans, every_plan
from oms_pipelines.routing.generate import generate, nothing
from oms_pipelines.routing.greedy import Taken
from oms_pipelines.routing.improve import improve
from oms_pipelines.routing.near import near
from oms_pipelines.routing.pricing import Pricer
from oms_pipelines.routing.proof import prove
from oms_pipelines.routing.replan import best_of, fill, of_all, of_few, settle
from oms_pipelines.routing.rounding import construct, in_turn

FEW = 4_000  # plans of a group that is solved exactly
ONE = 100  # plans of an order beyond which it is hard: of such groups there are FEW plans in all
EVERY = 20_000  # plans of all other groups that are solved exactly
TOGETHER = 200  # orders whose near plans are looked at together


@dataclass(frozen=True)
class Work:
    """How much is tried."""

    rounds: int = 40  # of prices by subgradients
    generations: int = 10  # of prices by linear programs
    beyond: float = 30_000.0  # ten-thousandths that a plan may cost more than the order's best
    gap: float = 1e-3  # share of the cost at which an integer program may stop
    rough: float = 2e-3  # the same, for the proof, and for orders whose bound is not sharpened
    nodes: int = 1  # of an integer program
    together: int = 1_200  # orders that one integer program plans, about
    few: int = 300  # the same, of orders whose bound is sharpened: it tells when to stop
    passes: int = 5  # over more orders than that
    fills: int = 8  # orders left unfilled that are looked after
    scarce: float = 0.02  # share of orders left unfilled beyond which no integer program is tried
    proved: int = 1_500  # orders of which the bound is sharpened
    further: float = 45_000.0  # the same as `beyond`, of these
    size: int = 200  # orders planned anew around one left unfilled, to its exact weight
    effort: float = 0.5  # deterministic time of each of these
    exact: float = 2.0  # deterministic time of some groups that have few plans

    def times(self, factor: float) -> "Work":
        """Return so many times the work."""
        rounds = max(round(self.rounds * factor), 1)
        return replace(self, rounds=rounds, effort=self.effort * factor, exact=self.exact * factor)


@dataclass(frozen=True)
class Joint:
    """What was found: a column an order in turn, and the least that equal service costs."""

    columns: Columns
    bound: int
    alone: int  # orders that nobody disturbs
    exact: int  # orders in groups that were solved exactly


def optimize(problem: Problem, work: Work = Work(), start: Columns | None = None) -> Joint:
    """Return the joint plan of all orders of a problem.

    `start` is another plan, a column an order in turn: what is planned by prices begins with it
    where it is better than what prices give.
    """
    maker = Maker(problem, demands_of(problem))
    group = groups(maker)
    parts, bound = [], 0.0
    alone = np.flatnonzero(group < 0)
    few_plans = small(maker, group)
    exact = np.flatnonzero(few_plans >= 0)
    rest = np.setdiff1d(np.arange(len(group)), np.concatenate([alone, exact]))
    together = [np.flatnonzero(few_plans == x) for x in np.unique(few_plans[exact])]
    steps = [(alone, each_best), *((x, _exactly) for x in together), (rest, _by_prices)]
    for orders, plan in steps:
        if orders.size:
            few, unit = maker.of(orders)
            given = start.chosen(orders) if start is not None else _empty(maker, orders)
            given = of_few(given, orders, unit, len(maker.demands.need))
            columns, least = plan(few, work, given)
            parts.append(_as_of(columns, orders, unit))
            bound += least
    if not parts:
        return Joint(_none(maker), 0, 0, 0)
    columns = in_turn(joined(parts), len(group))
    return Joint(columns, int(np.ceil(bound - 0.5)), len(alone), len(exact))


def _none(maker: Maker) -> Columns:
    return _empty(maker, np.empty(0, dtype=np.int64))


def _empty(maker: Maker, orders: np.ndarray) -> Columns:
    """Return columns of some orders that take nothing."""
    none = np.empty(0, dtype=np.int64)
    return maker.priced(orders, none, none, none, none)


def _as_of(columns: Columns, orders: np.ndarray, unit: np.ndarray) -> Columns:
    """Return columns of some orders as columns of all."""
    return Columns(orders[columns.order], columns.cost, columns.weight, columns.parts,
                   columns.column, unit[columns.unit], columns.location, columns.times)  # fmt: skip


def groups(maker: Maker) -> np.ndarray:
    """Return the group of orders that may want the same unit or room (n); -1 is none."""
    p, d = maker.problem, maker.demands
    asked = np.zeros_like(p.stock)
    units = np.minimum(d.fits, d.need[:, None])[d.item_unit] * p.step[:, None]
    np.add.at(asked, p.sku, units)
    short = (asked > p.stock)[p.sku] & (units > 0)
    goes = np.logical_or.reduceat(d.fits > 0, d.first[:-1], axis=0)
    full = (goes.sum(axis=0) > p.capacity) & (p.capacity < UNLIMITED)
    item, location = np.nonzero(short)
    count = p.stock.shape[1]
    order = np.concatenate([p.order[item], np.nonzero(goes & full)[0]])
    thing = np.concatenate([p.sku[item] * count + location,
                            p.stock.size + np.nonzero(goes & full)[1]])  # fmt: skip
    return _connected(order, thing, len(p.parts))


def _connected(order: np.ndarray, thing: np.ndarray, n: int) -> np.ndarray:
    """Return the least order that each is connected with through things (n), -1 for none."""
    label = np.full(n, -1)
    label[order] = order
    thing = np.unique(thing, return_inverse=True)[1]
    while thing.size:
        least = np.full(thing.max() + 1, n)
        np.minimum.at(least, thing, label[order])
        new = label.copy()
        np.minimum.at(new, order, least[thing])
        new[new >= 0] = np.minimum(new, new[new])[new >= 0]
        if (new == label).all():
            break
        label = new
    return label


def small(maker: Maker, group: np.ndarray) -> np.ndarray:
    """Number the orders of groups that have few plans (n), -1 for the others.

    Groups under one number have few together: a solver of integers takes far longer over all.
    """
    some = group >= 0
    plans, hardest = np.zeros(len(group)), np.zeros(len(group))
    each = count_plans(maker)
    np.add.at(plans, group[some], each[some])
    np.maximum.at(hardest, group[some], each[some])
    by = np.argsort(plans, kind="stable")
    plans, hard = plans[by], hardest[by] > ONE
    total, hards = np.cumsum(np.where(hard, 0, plans)), np.cumsum(np.where(hard, plans, 0))
    fits, number = np.zeros(len(group), dtype=bool), np.zeros(len(group), dtype=np.int64)
    fits[by] = (plans <= FEW) & np.where(hard, hards <= FEW, total <= EVERY)
    number[by] = np.minimum(total + hards, EVERY + FEW) // ONE
    return np.where(some & fits[group], number[group], -1)


def each_best(few: Maker, work: Work, start: Columns | None = None) -> tuple[Columns, float]:
    """Give each order its best plan, `start` where that is as good.

    The price of a parcel can hang on how its units are shared: where a plan costs more than the
    least that any can, all plans near it are looked at.
    """
    d, p = few.demands, few.problem
    pricer = Pricer(d)
    nothing = np.zeros(d.fits.shape)
    spread = float((d.whole - d.part).max(initial=0)) * 3 + 1 + float(d.given.max(initial=0))
    value, orders, places = pricer.several(nothing, d.fits, np.arange(len(d.parts)), 8, spread)
    found = few.make(orders, places, nothing, d.fits)
    free = Prices(np.zeros(p.stock.shape), np.zeros(len(p.capacity)), 0.0)
    known = [start] if start is not None and d.held is not None else []
    taken = _best_of_each(few, joined([*known, found, construct(few, pricer, free)]))
    least = value - few.left(taken, d.worth) - few.remote(taken)
    over = taken.cost - least
    open_ = np.flatnonzero(over > 0.5)
    by = open_[np.argsort(over[open_], kind="stable")]
    found, closed = [], over <= 0.5
    for part in np.array_split(by, -(-len(by) // TOGETHER)) if len(by) else []:
        orders = np.sort(part)
        some, unit = few.of(orders)
        close = near(some, Pricer(some.demands), free, float(over[part].max()) + 1)
        mine = of_few(taken.chosen(orders), orders, unit, len(d.need))
        better = _best_of_each(some, joined([mine, close.columns]))
        least[orders] = close.least - some.left(better, some.demands.worth) - some.remote(better)
        found.append(of_all(better, orders, unit))
    if found:
        stays = taken.chosen(np.flatnonzero(closed))
        taken = in_turn(joined([stays, *found]), len(d.parts))
    return taken, float(np.minimum(taken.cost, np.maximum(least, 0)).sum())


def _best_of_each(few: Maker, found: Columns) -> Columns:
    """Return the best column of each order that its split policy allows, in turn."""
    found = found.chosen(np.flatnonzero(few.allowed(found)))
    by = np.lexsort((found.cost, found.weight, found.order))
    best = np.sort(by[np.unique(found.order[by], return_index=True)[1]])
    return in_turn(found.chosen(best), len(few.demands.parts))


def _exactly(few: Maker, work: Work, start: Columns) -> tuple[Columns, float]:
    """Choose among all plans there are."""
    d, p = few.demands, few.problem
    found = every_plan(few, np.arange(len(d.parts)))
    empty = np.flatnonzero(found.parts == 0)
    solved = choose(few, found, empty, p.stock, p.capacity, work.exact)
    taken = in_turn(found.chosen(solved.rows), len(d.parts))
    return taken, solved.bound - float(taken.weight.sum())


def _by_prices(few: Maker, work: Work, start: Columns) -> tuple[Columns, float]:
    """Price stock, plan from the plans near the best, and prove what no plan goes below.

    Where much is left unfilled, integer programs in floats cannot tell weights apart, and take
    minutes: there the better of the plans so far is improved by neighborhoods alone.
    """
    count = len(few.demands.parts)
    pricer = Pricer(few.demands)
    prices, _ = ascend(few, pricer, work.rounds)
    plan = best_of([start, construct(few, pricer, prices)])
    small = count <= work.proved
    enough = work.gap / 5 if small else work.gap
    prices = generate(few, pricer, prices, plan, work.generations, enough)[0]
    plan = best_of([plan, construct(few, pricer, prices)])
    scarce = _short(few, plan) > max(work.scarce * count, work.fills)
    if not scarce:
        close = near(few, pricer, prices, work.further if small else work.beyond)
        pool = distinct(joined([close.columns, nothing(few)]))
        money = float(plan.cost.sum())
        gap = (work.gap if small else work.rough) * money
        size = work.few if small else work.together
        plan = settle(few, pool, plan, size, work.passes, gap, work.nodes)
        if not small and count > work.together:
            plan = fill(few, pool, plan, work.together, work.fills, gap, work.nodes)
    rounds = min(_short(few, plan), work.fills)
    plan = improve(few, pricer, prices, plan, size=work.size, rounds=rounds, effort=work.effort)
    least = least_cost(few, pricer, prices, plan)
    if scarce:
        least = max(least, _of_served(few, work, plan))
    elif small:
        least = max(least, prove(few, prices, close, plan, work.rough * money, work.nodes))
    return plan, least


def _of_served(few: Maker, work: Work, plan: Columns) -> float:
    """Return what those orders cost at least that the plan fills, had they all the stock.

    Prices of a scarce batch say who is served, and little of what it costs to serve these.
    """
    served = np.flatnonzero(few.left(plan, few.demands.weight) == 0)
    if not served.size:
        return 0.0
    some, unit = few.of(served)
    mine = of_few(plan.chosen(served), served, unit, len(few.demands.need))
    pricer = Pricer(some.demands)
    prices, _ = ascend(some, pricer, work.rounds)
    prices = generate(some, pricer, prices, mine, work.generations, work.gap)[0]
    return least_cost(some, pricer, prices, mine)


def _short(few: Maker, plan: Columns) -> int:
    """Return how many orders have something left unfilled."""
    return int((few.left(plan, few.demands.weight) > 0).sum())


def taken_of(maker: Maker, columns: Columns) -> Taken:
    """Return the columns as claims by item; an order's most valuable part is its first."""
    p = maker.problem
    item, location, units, order = maker.items(columns)
    count = p.stock.shape[1]
    key, part = np.unique(order * count + location, return_inverse=True)
    value = np.zeros(len(key), dtype=np.int64)
    np.add.at(value, part, units * p.worth[item])
    owner, where = key // count, key % count
    near = np.where(p.near_first[owner], np.nan_to_num(p.distance[owner, where], nan=1e9), 0)
    by = np.lexsort((p.rank[owner, where], -value, near, owner))
    number = np.empty(len(key), dtype=np.int64)
    number[by] = np.arange(len(key)) - np.searchsorted(owner[by], owner[by])
    parts = np.bincount(owner, minlength=len(p.parts))
    return Taken(number[part], item, location, units, parts)
