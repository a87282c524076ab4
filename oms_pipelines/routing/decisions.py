"""Every candidate of a plan as a frame: its verdict, its score, and why it was not taken."""

from collections.abc import Callable

import numpy as np
import polars as pl

from oms_pipelines.routing.candidates import UNKNOWN, Problem
from oms_pipelines.routing.costs import UNIT
from oms_pipelines.routing.model import Inputs
from oms_pipelines.routing.rows import by_rows, side_by_side
from oms_pipelines.routing.verdicts import TESTS, Verdicts

_VERDICTS = pl.Series(["chosen", "possible", "excluded"])


def decisions(
    problem: Problem, verdicts: Verdicts, lost_to: np.ndarray, inputs: Inputs
) -> pl.DataFrame:
    """Return one row a candidate: orders in turn, locations by key; no plan_id yet.

    `lost_to` (n x L): the order each was lost to, -1 is none.
    """
    n, count = verdicts.failed.shape
    kind, code, score = _told(problem, verdicts)
    change = _change(problem)
    if change is not None:
        score += change
    tests = pl.Series([TESTS.get(code) for code in range(max(TESTS) + 1)])
    rules = pl.Series([*(r.id for r in inputs.rules.rules), None])
    rule = np.where(problem.rule < 0, len(rules) - 1, problem.rule)
    columns: dict[str, Callable[[], pl.Series | np.ndarray]] = {
        "order_id": lambda: _each(problem.orders["order_id"], np.repeat(_numbers(n), count)),
        "part": lambda: np.maximum(verdicts.part.ravel(), 0).astype(np.int32),
        "location_id": lambda: _each(problem.location_ids, np.tile(_numbers(count), n)),
        "rule": lambda: _each(rules, np.repeat(rule.astype(np.uint32), count)),
        "verdict": lambda: _each(_VERDICTS, kind),
        "failed_test": lambda: _each(tests, code),
        "distance_km": lambda: pl.Series(problem.distance.ravel()).fill_nan(None),
        "score": lambda: score.ravel(),
        "change": lambda: _changed(problem, change),
        "rank": lambda: _ranks(problem, verdicts),
        "assumed": lambda: _assumed(problem),
        "lost_to": lambda: _lost(problem, lost_to),
    }
    made = dict.fromkeys(columns)

    def fill(name: str) -> None:
        made[name] = columns[name]()

    side_by_side(fill, columns)
    return pl.DataFrame(made)


def _told(
    problem: Problem, verdicts: Verdicts
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Return n x L: the number of the verdict, of the first test failed, and the score."""
    kind, code = np.empty((2, *verdicts.failed.shape), dtype=np.uint32)
    score = np.empty(verdicts.failed.shape)

    def tell(some: slice) -> None:
        failed, chosen = verdicts.failed[some], verdicts.part[some] >= 0
        kind[some] = np.where(chosen, 0, np.where(failed == 0, 1, 2))
        code[some] = np.where(chosen, 0, failed)
        score[some] = (problem.local_cost[some] + problem.parcel_cost[some, None]) / UNIT

    by_rows(tell, len(kind))
    return kind, code, score


def _each(names: pl.Series, at: np.ndarray) -> pl.Series:
    """Return the names that stand at `at`, flat; numbers of 32 bits are several times as fast."""
    return names.gather(pl.Series(at.ravel().astype(np.uint32, copy=False)))


def _numbers(count: int) -> np.ndarray:
    return np.arange(count, dtype=np.uint32)


def _change(problem: Problem) -> np.ndarray | None:
    """Return n x L, money: what of a score is the price of parts that are given up, if any."""
    if problem.held is None:
        return None
    held = problem.held
    return held.change(*problem.failed.shape) // held.price * held.paid / UNIT


def _changed(problem: Problem, change: np.ndarray | None) -> pl.Series:
    """Return what of each score is that price; null where an order held nothing."""
    if change is None or problem.held is None:
        return pl.repeat(None, problem.failed.size, dtype=pl.Float64, eager=True)
    holds = problem.held.parts(len(change)) > 0
    return pl.Series(np.where(holds[:, None], change, np.nan).ravel()).fill_nan(None)


def _assumed(problem: Problem) -> pl.Series:
    """Return what was unknown of each candidate and planned by its declared fallback."""
    if not problem.assumed.any():
        return pl.repeat(None, problem.assumed.size, dtype=pl.String, eager=True)
    said = (
        ", ".join(word for bit, word in UNKNOWN.items() if bits & bit)
        for bits in range(sum(UNKNOWN) + 1)
    )
    return _each(pl.Series([text or None for text in said]), problem.assumed)


def _lost(problem: Problem, lost_to: np.ndarray) -> pl.Series:
    """Return the keys of the orders that each candidate was lost to."""
    if (lost_to < 0).all():
        return pl.repeat(None, lost_to.size, dtype=pl.String, eager=True)
    names = pl.concat([problem.orders["order_id"], pl.Series([None], dtype=pl.String)])
    return _each(names, np.where(lost_to < 0, len(names) - 1, lost_to))


def _ranks(problem: Problem, verdicts: Verdicts) -> pl.Series:
    """Return, flat: 1 for the best of those not excluded, null for the excluded."""
    ranks = np.empty(problem.rank.shape, dtype=np.int16)
    places = np.arange(ranks.shape[1], dtype=np.int16)

    def number(some: slice) -> None:
        fit = (verdicts.failed[some] == 0) | (verdicts.part[some] >= 0)
        rank = problem.rank[some]
        best = np.empty(rank.shape, dtype=np.int16)
        np.put_along_axis(best, rank, np.broadcast_to(places, best.shape), axis=1)
        ordered = np.take_along_axis(fit, best, axis=1)
        counted = np.cumsum(ordered, axis=1, dtype=np.int16) * ordered
        ranks[some] = np.take_along_axis(counted, rank, axis=1)

    by_rows(number, len(ranks))
    found = pl.Series("rank", ranks.ravel()).to_frame()
    some = pl.when(pl.col("rank") > 0).then("rank").cast(pl.Int32)
    return found.select(some.alias("rank")).to_series()
