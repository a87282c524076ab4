"""Whole units over claimants by Webster's method (Sainte-Laguë), all SKUs at once.

Largest remainders have the Alabama paradox: with one unit more to share, a claimant can lose
one, so levels would jump about while stock is sold. A divisor method never does that (house
monotone): one unit more or less moves one unit of one claimant. Of the divisor methods
Webster's alone favors neither large nor small claimants, and gives 4, 3, 3 of ten to three
equal ones. Source: Balinski and Young, Fair Representation, 1982, chapters 3 to 5 and
appendix A; bounds as minimum requirements, ibid. section A.7.

Arrays are SKUs by claimants; units are int64, claims float64 and at least 0.
"""

import numpy as np
from numpy.typing import NDArray

Units = NDArray[np.int64]
Claims = NDArray[np.float64]

NOTHING = 1e-15  # a claim that no pool is large enough for
ALIKE = 1e-9  # claims such as 0.1 and 0.3 / 3 are alike, whatever their binary fractions


def whole(units: NDArray[np.float64]) -> Units:
    """Return the whole units in an exact claim; 0.1 + 0.2 of ten is three."""
    return np.floor(units * (1 + 1e-12) + ALIKE).astype(np.int64)


def apportion(total: Units, claims: Claims, lower: Units, upper: Units) -> Units:
    """Return the units of each claimant; a row adds up to `total`, or to all it can take.

    Each gets `lower` first, in the order of the columns where there is not enough, and never
    more than `upper`; one without a claim gets `lower` alone. Ties go to the first column.
    """
    claims = np.where(claims > NOTHING, claims, 0.0)
    upper = np.minimum(np.where(claims > 0, upper, lower), total[:, None])  # no sum overflows
    lower = np.minimum(lower, upper)
    total = np.minimum(total, upper.sum(axis=1))
    scarce = total < lower.sum(axis=1)
    if scarce.any():
        few = lower[scarce]
        before = few.cumsum(axis=1) - few
        lower = lower.copy()
        lower[scarce] = np.clip(total[scarce, None] - before, 0, few)
    rate = _rate(total, claims, lower, upper)
    # a seat at its very boundary is left to `_settle`, which knows who is first
    found = np.floor(rate[:, None] * claims + (0.5 - 1e-6)).astype(np.int64)
    return _settle(np.clip(found, lower, upper), total, claims, lower, upper)


def _rate(total: Units, claims: Claims, lower: Units, upper: Units) -> NDArray[np.float64]:
    """Return the units a claim of 1 gets, where bounded shares add up to `total`.

    The bounded sum rises with the rate, linear between the rates at which a bound is met.
    """
    start = np.zeros(len(total))
    bounds = [(lower, c) for c in range(claims.shape[1]) if lower[:, c].any()]
    bounds += [(upper, c) for c in range(claims.shape[1]) if (upper[:, c] < total).any()]
    for bound, column in bounds:
        with np.errstate(divide="ignore", invalid="ignore"):
            at = np.where(claims[:, column] > 0, bound[:, column] / claims[:, column], 0)
        reached = np.clip(at[:, None] * claims, lower, upper).sum(axis=1)
        start = np.where((reached <= total) & (at > start), at, start)
    here = start[:, None] * claims
    free = (here >= lower * (1 - 1e-12)) & (here < upper * (1 - 1e-12))
    slope = np.where(free, claims, 0).sum(axis=1)
    missing = total - np.clip(here, lower, upper).sum(axis=1)
    return start + np.divide(missing, slope, out=np.zeros(len(total)), where=slope > 0)


def _settle(found: Units, total: Units, claims: Claims, lower: Units, upper: Units) -> Units:
    """Give the units that rounding left, and take those it gave too many, one at a time."""
    rows = np.flatnonzero(found.sum(axis=1) != total)
    while rows.size:
        have, want = found[rows], total[rows]
        missing = want > have.sum(axis=1)
        nexts = np.where(have < upper[rows], claims[rows] / (have + 0.5), 0)
        first = np.argmax(nexts >= nexts.max(axis=1, keepdims=True) * (1 - ALIKE), axis=1)
        lasts = np.where(have > lower[rows], claims[rows] / np.maximum(have - 0.5, 0.5), np.inf)
        low = lasts <= lasts.min(axis=1, keepdims=True) * (1 + ALIKE)
        last = low.shape[1] - 1 - np.argmax(low[:, ::-1], axis=1)
        column = np.where(missing, first, last)
        found[rows, column] += np.where(missing, 1, -1)
        rows = rows[found[rows].sum(axis=1) != want]
    return found
