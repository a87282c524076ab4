"""How rules rank the locations of each order."""

import numpy as np

from oms_pipelines.routing.model import Inputs
from oms_pipelines.routing.rows import by_rows


def rank_of(
    rule: np.ndarray, inputs: Inputs, distance: np.ndarray, local: np.ndarray,
    stock: np.ndarray, sku: np.ndarray, order: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Return n x L: how the rule ranks the locations; ties by cost, distance, then by key."""
    kinds = np.array([r.rank for r in inputs.rules.rules] + ["cost"])[rule]
    rank = np.zeros(distance.shape, dtype=np.int16)
    places = np.arange(distance.shape[1], dtype=np.int16)
    first = np.append(np.searchsorted(order, np.arange(len(rule))), len(order))

    def order_rows(some: slice) -> None:
        for kind in np.unique(kinds[some]):
            rows = some.start + np.flatnonzero(kinds[some] == kind)
            far = np.nan_to_num(distance[rows], nan=np.inf)
            if kind == "distance":
                best = _ordered(far, local[rows])
            elif kind == "cost":
                best = _ordered(local[rows], far)
            else:
                items = np.flatnonzero(np.isin(order[first[some.start] : first[some.stop]], rows))
                items += first[some.start]
                starts = np.searchsorted(order[items], rows)
                held = np.add.reduceat(stock[sku[items]], starts, axis=0)
                best = np.lexsort((far, local[rows], -held), axis=1)
            ranks = np.empty(best.shape, dtype=np.int16)
            np.put_along_axis(ranks, best, np.broadcast_to(places, best.shape), axis=1)
            rank[rows] = ranks

    by_rows(order_rows, len(rule))
    return rank


def _ordered(keys: np.ndarray, ties: np.ndarray) -> np.ndarray:
    """Return the columns of each row by key, ties by the other, then by column."""
    best = np.argsort(keys, axis=1)  # of distinct keys, and then as good as any other sort
    keyed = np.take_along_axis(keys, best, axis=1)
    tied = (keyed[:, 1:] == keyed[:, :-1]).any(axis=1)
    best[tied] = np.lexsort((ties[tied], keys[tied]), axis=1)
    return best
