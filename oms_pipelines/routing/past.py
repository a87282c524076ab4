"""Orders of the past as routing sees them, to hold rules against."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from oms_pipelines.config import Oms
from oms_pipelines.routing.batch import orders_of
from oms_pipelines.routing.inputs import capabilities, coarse, frozen_carriers, location_rows
from oms_pipelines.routing.model import Inputs, conform
from oms_pipelines.routing.positions import load_positions, locate
from oms_pipelines.routing.rules import columns_named, truths
from oms_pipelines.store.base import Session

# A rule that asks how old an order is may hold only later: orders are looked at at these ages.
_AGES = [timedelta(days=d) for d in (0, 1, 3, 7, 30)]


@dataclass(frozen=True)
class Past:
    """n orders by turn, L locations by key, R rules; what predicates are for each."""

    inputs: Inputs  # its lines are those of the past, as ordered
    orders: pl.DataFrame  # n, with the columns that rules may ask for
    places: pl.DataFrame  # L, likewise
    numbers: dict[str, int]  # where each location stands in the settings
    told: pl.DataFrame  # location_id, sku: that stock was ever told of, of the SKUs ordered
    when: np.ndarray  # ages x n x R
    when_null: np.ndarray  # ages x n x R
    admits: np.ndarray  # L x R
    admits_null: np.ndarray  # L x R

    def reached(self) -> np.ndarray:
        """Return ages x n x R: no earlier rule matched."""
        before = np.cumsum(self.when, axis=2) - self.when
        return before == 0

    def rule(self) -> np.ndarray:
        """Return the first rule that matches each order as it comes in (n), -1 is none."""
        when = self.when[0]
        if not when.shape[1]:
            return np.full(len(when), -1)
        return np.where(when.any(axis=1), when.argmax(axis=1), -1)


def read_past(session: Session, oms: Oms, now: datetime, limit: int) -> Past:
    """Return the newest `limit` orders that had something to ship. Rules must be sound."""
    lines = session.query("route/seen_lines", limit=limit)
    lines = coarse(lines.join(capabilities(oms), on="channel_id", how="left"))
    session.frame("tmp_route_skus", lines.select("sku").unique().sort("sku"))
    inputs = Inputs(
        lines=conform(lines, "lines"),
        refused=conform(None, "refused"),
        stock=conform(None, "stock"),
        locations=conform(location_rows(oms), "locations"),
        positions=conform(load_positions(oms.routing.postal_codes), "positions"),
        rules=oms.routing,
        carriers=frozen_carriers(oms),
        as_of=now,
    )
    orders = orders_of(inputs.lines.filter(pl.col("quantity") > 0), inputs)
    places = locate(inputs.locations, inputs.positions)
    asks = any("as_of" in names for names in columns_named([r.when for r in oms.routing.rules]))
    found = [
        truths(orders.with_columns(as_of=pl.col("placed_at") + age), places, oms.routing)
        for age in (_AGES if asks else _AGES[:1])
    ]
    return Past(
        inputs, orders, places, {x.id: i for i, x in enumerate(oms.locations)},
        session.query("route/told_stock"),
        np.stack([x.when for x in found]), np.stack([x.when_null for x in found]),
        found[0].admits, found[0].admits_null,
    )  # fmt: skip
