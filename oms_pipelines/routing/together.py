"""What must come together: of a group the same multiple of each item's step, from one place."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from oms_pipelines.routing.candidates import Problem


def whole_groups(problem: "Problem", items: np.ndarray | slice, cover: np.ndarray) -> np.ndarray:
    """Return what is covered; of a group the same multiple of each item's step."""
    together, step = problem.together[items], problem.step[items][:, None]
    if not together.any():
        return cover
    starts = np.flatnonzero(np.diff(problem.unit[items], prepend=-1))
    times = np.minimum.reduceat(cover // step, starts, axis=0)
    return np.repeat(times, np.diff(starts, append=len(step)), axis=0) * step
