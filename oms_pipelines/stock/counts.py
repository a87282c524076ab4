"""How many units are sold in a while: the negative binomial, all SKUs at once.

Given by its mean and its dispersion (variance / mean, at least 1); with dispersion 1 it is the
Poisson. As a process in time the dispersion stays and the mean grows with the time: sales come
at random moments, some of several units. Source: Johnson, Kemp, Kotz, Univariate Discrete
Distributions, 2005, sections 4.2 (Poisson) and 5.1 (recurrence of the negative binomial).
"""

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST_RISK = 1e-12  # rarer than this, doubles cannot tell
LARGE = 10_000.0  # from this mean on the normal approximation is good to a unit in a thousand


def quantile(mean: Floats, dispersion: Floats, risk: float) -> NDArray[np.int64]:
    """Return the smallest b with P(units > b) <= risk, by summing up the probabilities."""
    risk = max(risk, LEAST_RISK)
    found = np.zeros(len(mean), dtype=np.int64)
    large = mean > LARGE
    found[large] = _normal(mean[large], dispersion[large], risk)
    rows = np.flatnonzero(~large)
    m, d = mean[rows], dispersion[rows]
    chance = _log_none(m, d)
    below = np.exp(chance)
    k = 0
    while rows.size:
        done = 1 - below <= risk
        found[rows[done]] = k
        left = ~done
        rows, m, d, chance, below = rows[left], m[left], d[left], chance[left], below[left]
        chance = chance + np.log((m + k * (d - 1)) / (d * (k + 1)))
        below = below + np.exp(chance)
        k += 1
    return found


def chances(mean: Floats, dispersion: Floats, size: int) -> Floats:
    """Return P(units = k) for k below `size`: rows by k."""
    found = np.empty((len(mean), size))
    chance = _log_none(mean, dispersion)
    for k in range(size):
        found[:, k] = np.exp(chance)
        with np.errstate(divide="ignore"):
            chance = chance + np.log((mean + k * (dispersion - 1)) / (dispersion * (k + 1)))
    return found


def _log_none(mean: Floats, dispersion: Floats) -> Floats:
    """Return the logarithm of P(units = 0)."""
    over = dispersion - 1
    return -mean * np.divide(np.log1p(over), over, out=np.ones(len(over)), where=over > 1e-12)


def _normal(mean: Floats, dispersion: Floats, risk: float) -> NDArray[np.int64]:
    """Return the quantile by Cornish and Fisher's expansion to the skewness."""
    z = NormalDist().inv_cdf(1 - risk)
    spread = np.sqrt(dispersion * mean)
    skew = (2 * dispersion - 1) / spread
    return np.ceil(mean + spread * (z + skew * (z * z - 1) / 6)).astype(np.int64)
