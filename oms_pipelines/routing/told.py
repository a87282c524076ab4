"""A finding, and how one is made of the orders it is about."""

from dataclasses import dataclass

import numpy as np

from oms_pipelines.routing.past import Past


@dataclass(frozen=True)
class Finding:
    """One thing found: which setting, about how many orders, one of them, and the cure."""

    finding: str
    path: str
    rule: str | None
    orders: int
    example: str | None
    told: str
    cure: str


def finding(
    kind: str, path: str, history: Past, some: np.ndarray, told: str, cure: str,
    rule: str | None = None,
) -> Finding:  # fmt: skip
    """Return a finding about some orders (a mask of n); its example is the first by key."""
    example = history.orders["order_id"].filter(some).min()
    return Finding(kind, path, rule, int(some.sum()), example, told, cure)  # ty: ignore
