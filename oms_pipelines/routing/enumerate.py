"""Every plan of orders that have few: all ways to share what they need among locations."""

from itertools import product

import numpy as np

from oms_pipelines.routing.columns import Columns, Maker


def count_plans(maker: Maker) -> np.ndarray:
    """Return how many plans each order has at most (n, as floats: they may be astronomic)."""
    d = maker.demands
    room = np.minimum(d.fits, d.need[:, None])
    with np.errstate(over="ignore"):  # infinity is more than enough
        return np.multiply.reduceat(np.prod(room + 1.0, axis=1), d.first[:-1])


def every_plan(maker: Maker, orders: np.ndarray) -> Columns:
    """Return every plan of some orders that their split policy allows, the empty one with it."""
    d = maker.demands
    claims: list[tuple[int, int, int, int]] = []
    owner: list[int] = []
    for order in orders.tolist():
        units = range(int(d.first[order]), int(d.first[order + 1]))
        for shared in product(*(_ways(d.fits[u], int(d.need[u])) for u in units)):
            used = {place for one in shared for place, _ in one}
            if len(used) > d.parts[order]:
                continue
            claims += [
                (len(owner), unit, place, times)
                for unit, one in zip(units, shared, strict=True)
                for place, times in one
            ]
            owner.append(order)
    column, unit, location, times = np.array(claims, dtype=np.int64).reshape(-1, 4).T
    found = maker.priced(np.array(owner), column, unit, location, times)
    return found.chosen(np.flatnonzero(maker.allowed(found)))


def _ways(fits: np.ndarray, need: int) -> list[tuple[tuple[int, int], ...]]:
    """Return all ways to take up to `need` from locations: (location, multiples) each."""
    found: list[tuple[tuple[int, int], ...]] = [()]
    for place in np.flatnonzero(fits).tolist():
        found += [
            (*one, (place, times))
            for one in found
            for times in range(1, min(int(fits[place]), need - sum(t for _, t in one)) + 1)
        ]
    return found
