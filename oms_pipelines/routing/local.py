"""What hangs on an order and a location alone: days late, borders, and the costs of both."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from oms_pipelines.config import Border, Carrier
from oms_pipelines.routing.calendar import Calendar
from oms_pipelines.routing.costs import Offer, cents
from oms_pipelines.routing.model import Inputs
from oms_pipelines.routing.rows import by_rows

ANY = "*"


@dataclass(frozen=True)
class Crossings:
    """Borders between the countries of orders and locations, n x L each."""

    closed: np.ndarray  # bool
    cost: np.ndarray  # ten-thousandths a parcel
    days: np.ndarray  # working days more


def crossings(orders: pl.DataFrame, places: pl.DataFrame, borders: Sequence[Border],
              sent: np.ndarray) -> Crossings | None:  # fmt: skip
    """Return what borders parcels cross; None where no border is declared.

    An unknown country lies across every border that is declared for the rest (`*`).
    """
    if not borders:
        return None
    countries = orders.select("country").unique().sort("country")["country"]
    found = [[_border(here, there, borders) for here in places["country"]] for there in countries]
    number = dict(zip(countries, range(len(countries)), strict=True))
    row = np.array([number[c] for c in orders["country"]], dtype=np.int64)
    shape = (len(countries), len(places))
    closed = np.array([[not b.allowed for b in x] for x in found], dtype=bool).reshape(shape)
    cost = cents(np.array([[b.amount for b in x] for x in found]).reshape(shape))
    days = np.array([[b.days for b in x] for x in found], dtype=np.int64).reshape(shape)
    goes = sent[:, None]
    return Crossings(closed[row] & goes, cost[row] * goes, days[row] * goes)


def _border(here: str | None, there: str | None, borders: Sequence[Border]) -> Border:
    crossed = here != there or there is None
    for border in borders if crossed else ():
        if border.from_ in (ANY, here) and border.to in (ANY, there):
            return border
    return Border()


def promises(orders: pl.DataFrame, inputs: Inputs) -> np.ndarray:
    """Return the day each order was promised for (datetime64[D]), NaT where there is none.

    One that was promised nothing counts from when it was placed, if that is declared.
    """
    days = inputs.rules.costs.unknown_promise_days
    promised = orders["promised_at"].cast(pl.Date)
    if days is not None and promised.null_count():
        placed = orders["placed_at"].fill_null(orders["as_of"]).cast(pl.Date)
        promised = promised.fill_null(placed.dt.offset_by(f"{days}d"))
    return promised.to_numpy().astype("datetime64[D]")


def days_late(
    promised: np.ndarray, offer: np.ndarray, offers: Sequence[Offer], leaves: Sequence[date],
    carriers: Sequence[Carrier], crossed: Crossings | None,
) -> np.ndarray:  # fmt: skip
    """Return n x L: days after what was promised that a parcel arrives, 0 in time or unpromised.

    `offer` (n) is what carries the whole order, -1 where the customer comes for it: that is
    ready when it leaves. A parcel takes working days of its carrier.
    """
    calendars = [Calendar(), *(Calendar.of(c) for c in carriers)]
    of = {c.id: i for i, c in enumerate(carriers, start=1)}
    which = np.array([*(of.get(o.carrier_id or "", 0) for o in offers), 0])[offer]
    transit = np.array([*(o.transit_days for o in offers), 0])[offer][:, None]
    if crossed is not None:
        transit = transit + crossed.days
    most = int(transit.max(initial=0)) + 1
    table = np.empty((len(calendars), most, len(leaves)), dtype="datetime64[D]")
    for i in np.unique(which):
        for day in range(most):
            table[i, day] = calendars[i].after(leaves, day)
    if transit.shape[1] == 1:
        arrives = table[which, transit[:, 0]]
    else:
        arrives = table[which[:, None], transit, np.arange(len(leaves))]
    late = (arrives - promised[:, None]).astype(np.float64)
    return np.where(np.isnat(promised)[:, None], 0, np.maximum(late, 0))


def load_cost(places: pl.DataFrame, inputs: Inputs) -> np.ndarray:
    """Return what a part costs more at each location (L, ten-thousandths), as full as it is."""
    load = inputs.rules.costs.load
    if load is None:
        return np.zeros(len(places), dtype=np.int64)
    left = pl.col("capacity_left") / pl.col("capacity")
    taken = places.select(pl.when(pl.col("capacity") > 0).then(1 - left).fill_null(0)).to_series()
    share = taken.to_numpy()
    return cents(np.clip((share - load.beyond) / (1 - load.beyond), 0, 1) * load.amount)


def local_cost(
    places: pl.DataFrame, distance: np.ndarray, late: np.ndarray | None,
    crossed: Crossings | None, inputs: Inputs,
) -> np.ndarray:  # fmt: skip
    """Return n x L, ten-thousandths: distance, handling, load, lateness, borders."""
    costs = inputs.rules.costs
    handling = cents(places["handling_cost"].fill_null(0).to_numpy())
    standing = handling + load_cost(places, inputs)
    cost = np.empty(distance.shape, dtype=np.int64)
    if not cost.size:
        return cost

    def add(some: slice) -> None:
        km, mine = distance[some], cost[some]
        # The unknown is never nearer than what is known.
        farthest = np.nan_to_num(km, nan=0).max(axis=1, keepdims=True)
        unknown = np.maximum(costs.unknown_distance_km, farthest)
        mine[:] = cents(np.where(np.isnan(km), unknown, km) * costs.per_km)
        mine += standing
        if late is not None and costs.late_per_day:
            mine += cents(late[some] * costs.late_per_day)
        if crossed is not None:
            mine += crossed.cost[some]

    by_rows(add, len(cost))
    return cost
