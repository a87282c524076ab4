"""Which order took the unit that another one wanted: named only where that is certain.

An order lost to a winner when, planned again without the winner, it would do better: get more
units, or pay less. That is certain in two cases. Either the winner is the only one in its way:
once it is gone nobody can disturb the order, and what it takes alone is better than what it has.
Or the orders that compete with it were planned again without the winner, and it does better in
every plan that is as good as the best. The second is tried for a few orders of small groups; what
is not certain has no name, and `again` answers for one order by planning all anew.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from oms_pipelines.config import Routing
from oms_pipelines.routing.best import aimed
from oms_pipelines.routing.candidates import UNLIMITED, Problem
from oms_pipelines.routing.columns import Columns, Maker
from oms_pipelines.routing.compare import columns_of
from oms_pipelines.routing.demands import demands_of
from oms_pipelines.routing.greedy import Taken
from oms_pipelines.routing.trial import Trial

NAMED = 500_000  # orders x locations of a batch that names are looked for in
TRIES = 24  # times that a group is planned again, in all
SOME = 4  # times as many losers are looked at: a loser meets all that hold what it wanted
CELLS = 2_000_000  # items x locations looked at by all tries
PAIRS = 2_000_000  # rows of orders that stand in each other's way
PAIR = {"order": pl.Int64, "winner": pl.Int64}


@dataclass(frozen=True)
class Contest:
    """Who wants, lacks and holds what: rows of order and thing, a unit's shelf or a place's room.

    A thing is numbered so that its location is its rest by L.
    """

    wants: pl.DataFrame  # order, thing, amount; scarce things alone
    excess: pl.DataFrame  # thing, excess: by how much more is wanted than there is
    lacks: pl.DataFrame  # order, thing: wanted, had at the start, and gone to others
    holds: pl.DataFrame  # order, thing


def lost_to(problem: Problem, taken: Taken, rules: Routing, joint: bool) -> np.ndarray:
    """Return n x L: an order without which each would do better, that took what it wanted there.

    -1 is none, or none that is certain.
    """
    names = np.full(problem.failed.shape, -1, dtype=np.int32)
    if not 0 < problem.failed.size <= NAMED:
        return names
    aim = aimed(problem, rules)
    maker = Maker(aim, demands_of(aim))
    contest = _contest(maker, taken)
    if contest.lacks.is_empty():
        return names
    has = columns_of(maker, taken)
    trial = Trial(problem, rules, maker, joint)
    pairs = pl.concat([_only(contest, trial, has), _tried(contest, trial, has)])
    found = contest.lacks.join(pairs, on="order").join(
        contest.holds.rename({"order": "winner"}), on=["winner", "thing"]
    )  # fmt: skip
    by = found.group_by("order", pl.col("thing") % names.shape[1]).agg(pl.col("winner").max())
    names[by["order"].to_numpy(), by["thing"].to_numpy()] = by["winner"].to_numpy()
    return names


def _contest(maker: Maker, taken: Taken) -> Contest:
    problem, d = maker.problem, maker.demands
    count = problem.stock.shape[1]
    ask = np.minimum(d.fits, d.need[:, None])[d.item_unit] * problem.step[:, None]
    asked, after = np.zeros_like(problem.stock), problem.stock.copy()
    np.add.at(asked, problem.sku, ask)
    np.subtract.at(after, (problem.sku[taken.item], taken.location), taken.quantity)
    own = np.zeros_like(ask)
    own[taken.item, taken.location] = taken.quantity
    goes = np.logical_or.reduceat(ask > 0, problem.first[:-1], axis=0)
    made = np.zeros_like(goes)
    made[problem.order[taken.item], taken.location] = True
    limited = problem.capacity < UNLIMITED
    item, place = np.nonzero((ask > 0) & (asked > problem.stock)[problem.sku])
    order, room = np.nonzero(goes & limited & (goes.sum(axis=0) > problem.capacity))
    short = np.nonzero(after[problem.sku] + own < ask)
    full = np.nonzero(goes & ~made & limited & (made.sum(axis=0) >= problem.capacity))
    shelf = problem.sku * count
    excess = np.append((asked - problem.stock).ravel(), goes.sum(axis=0) - problem.capacity)
    wants = _rows(problem, (item, place), (order, room), shelf)
    amount = np.append(ask[item, place], np.ones(len(order), dtype=np.int64))
    things = np.flatnonzero(excess > 0)
    return Contest(
        wants.with_columns(amount=amount),
        pl.DataFrame({"thing": things, "excess": excess[things]}),
        _rows(problem, short, full, shelf),
        _rows(problem, (taken.item, taken.location), np.nonzero(made), shelf),
    )  # fmt: skip


def _rows(
    problem: Problem, shelves: tuple[np.ndarray, ...], rooms: tuple[np.ndarray, ...],
    shelf: np.ndarray,
) -> pl.DataFrame:  # fmt: skip
    """Return order and thing of (item, location) and of (order, location)."""
    order = np.append(problem.order[shelves[0]], rooms[0])
    thing = np.append(shelf[shelves[0]] + shelves[1], problem.stock.size + rooms[1])
    return pl.DataFrame({"order": order, "thing": thing}, {"order": pl.Int64, "thing": pl.Int64})


def _only(contest: Contest, trial: Trial, has: Columns) -> pl.DataFrame:
    """Return order and winner where the winner is the only one in the order's way."""
    wants = contest.wants.join(contest.excess, on="thing")
    able = wants.filter(pl.col("amount") >= pl.col("excess"))
    solvable = pl.col("thing").is_in(able["thing"].unique().implode()).all().over("order")
    mine = wants.filter(solvable, pl.col("order").is_in(contest.lacks["order"].implode()))
    size = mine["thing"].value_counts().join(able["thing"].value_counts(name="able"), on="thing")
    if mine.is_empty() or (size["count"] * size["able"]).sum() > PAIRS:
        return pl.DataFrame(schema=PAIR)
    losers = trial.losers(np.unique(mine["order"].to_numpy()), has)
    mine = mine.filter(pl.col("order").is_in(pl.Series(losers).implode()))
    things = pl.len().over("order").alias("things")
    winners = able.select(pl.col("order").alias("winner"), "thing")
    both = mine.select("order", "thing", things).join(winners, on="thing")
    both = both.filter(pl.col("order") != pl.col("winner"))
    every = both.group_by("order", "winner").agg(pl.len(), pl.col("things").first())
    return every.filter(pl.col("len") == pl.col("things")).select(PAIR.keys())


def _tried(contest: Contest, trial: Trial, has: Columns) -> pl.DataFrame:
    """Return order and winner where planning without the winner shows it."""
    tries = min(TRIES, CELLS // max(trial.problem.sku.size * trial.problem.stock.shape[1], 1))
    if not tries:
        return pl.DataFrame(schema=PAIR)
    orders = contest.lacks["order"].unique().sort().to_numpy()
    orders = orders[trial.certain(orders)][: SOME * tries]
    some = contest.lacks.filter(pl.col("order").is_in(pl.Series(orders).implode()))
    holds = contest.holds.rename({"order": "winner"})
    met = some.join(holds, on="thing").filter(pl.col("order") != pl.col("winner"))
    met = met.group_by("order", "winner").agg(pl.len()).sort(
        ["order", "len", "winner"], descending=[False, True, True]
    )  # fmt: skip
    orders = met["order"].unique(maintain_order=True).to_numpy()[:tries]
    found = []
    for order in trial.losers(orders, has).tolist():
        for winner in met.filter(pl.col("order") == order)["winner"].head(min(tries, 2)):
            tries -= 1
            if trial.better(order, winner, has):
                found.append((order, winner))
                break
    return pl.DataFrame(found, PAIR, orient="row")
