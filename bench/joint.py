"""The joint plan beside plainer ways, on the same scarce stock and the same costs."""

import numpy as np
import polars as pl

from bench.plan import AS_OF, _lines
from oms_pipelines.config import Costs, Routing, Rule, Split
from oms_pipelines.routing import Inputs, inputs_of


def instance(
    orders: int, supply: float, locations: int = 20, held_at: int = 6, seed: int = 1,
    popularity: float = 1.0, leaning: float = 0.9,
) -> Inputs:  # fmt: skip
    """Return a seeded batch of about 2.2 lines an order, where every SKU has at least its demand.

    SKUs are a fifth of the orders, the r-th sells in proportion to 1 / r. Each stands at 6 of
    20 locations, supply x demand units of it in all; the r-th location has its share in
    proportion to 1 / r^0.9, as central warehouses hold more than shops do.
    """
    rng = np.random.default_rng(seed)
    skus = max(orders // 5, 50)
    weight = 1 / np.arange(1, skus + 1) ** popularity
    lines, demand = _lines(rng, orders, weight / weight.sum())
    share = rng.permutation(1 / np.arange(1, locations + 1) ** leaning)
    # the least of exponential draws divided by shares: a draw without putting back
    draw = rng.exponential(size=(skus, locations)) / share
    at = np.argsort(draw, axis=1)[:, :held_at]
    part = share[at] / share[at].sum(axis=1, keepdims=True)
    held = np.zeros((skus, locations), dtype=np.int64)
    units = rng.multinomial(np.ceil(demand * supply).astype(int), part)
    np.put_along_axis(held, at, units, axis=1)
    row, place = np.nonzero(held)
    stock = pl.DataFrame(
        {"location_id": [f"loc{i:02d}" for i in place], "sku": [f"S{i:05d}" for i in row],
         "available": held[row, place]}
    )  # fmt: skip
    places = pl.DataFrame(
        {
            "location_id": [f"loc{i:02d}" for i in range(locations)],
            "kind": "warehouse",
            "country": "FR",
            "latitude": rng.uniform(42.5, 50.5, locations).round(2),
            "longitude": rng.uniform(-4, 8, locations).round(2),
            "cut_off": "15:00 Europe/Paris",
            "ships": True,
            "handling_cost": rng.uniform(0, 1, locations).round(2),
        }
    )
    rule = Rule(id="nearest", split=Split(parts=3), **{"from": "ships"})
    return inputs_of(lines, stock, places, Routing(rules=[rule], costs=Costs(per_km=0.01)), AS_OF)
