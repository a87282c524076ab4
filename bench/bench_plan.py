"""How long the greedy plan of 100,000 open lines takes, every candidate's reason kept."""

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from oms_pipelines.config import Costs, Routing, Rule, Split
from oms_pipelines.routing import Inputs, inputs_of, plan

BAR_SECONDS = 5.0
BAR_GB = 3.0
AS_OF = datetime(2026, 1, 9, 8, tzinfo=UTC)
CASES = {  # name: supply over demand, popularity of SKUs, orders a location ships a day
    "supply 1.3": (1.3, 0.0, None),
    "supply 1.05": (1.05, 0.0, None),
    "supply 1.05, few SKUs sell most, capacity 900": (1.05, 1.1, 900),
}


def instance(
    orders: int = 46_000, locations: int = 50, skus: int = 5_000, supply: float = 1.3,
    popularity: float = 0.0, capacity: int | None = None, seed: int = 1,
) -> Inputs:  # fmt: skip
    """Return a seeded batch of about 2.2 lines an order, stock thrown over all locations."""
    rng = np.random.default_rng(seed)
    size = 1 + np.minimum(rng.poisson(1.2, orders), 9)
    order = np.repeat(np.arange(orders), size)
    weight = 1 / np.arange(1, skus + 1) ** popularity
    sku = rng.choice(skus, order.size, p=weight / weight.sum())
    quantity = 1 + (rng.random(order.size) < 0.25)
    price = rng.integers(500, 20_000, skus) / 100
    late = rng.integers(0, 3 * 86_400, orders)
    lines = pl.DataFrame(
        {
            "order_id": [f"shop/{i:06d}" for i in order],
            "line_id": [str(i) for i in range(order.size)],
            "sku": [f"S{i:05d}" for i in sku],
            "quantity": quantity,
            "channel_id": "shop",
            "priority": (rng.random(orders) < 0.05).astype(np.int64)[order],
            "placed_at": [AS_OF - timedelta(seconds=int(s)) for s in late[order]],
            "delivery_mode": "home",
            "country": "FR",
            "latitude": rng.uniform(42.5, 50.5, orders).round(2)[order],
            "longitude": rng.uniform(-4, 8, orders).round(2)[order],
            "unit_value": price[sku],
            "currency": "EUR",
            "weight_g": 300,
        }
    )
    demand = np.bincount(sku, weights=quantity, minlength=skus)
    held = rng.multinomial(np.round(demand * supply).astype(int), np.full(locations, 1 / locations))
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
            "capacity_left": pl.Series([capacity] * locations, dtype=pl.Int64),
            "cut_off": "15:00 Europe/Paris",
            "ships": True,
            "handling_cost": rng.uniform(0, 1, locations).round(2),
        }
    )
    rule = Rule(id="nearest", split=Split(parts=3), **{"from": "ships"})
    return inputs_of(lines, stock, places, Routing(rules=[rule], costs=Costs(per_km=0.01)), AS_OF)


def measure() -> list[dict]:
    """Return name, value, unit, bar, holds, against: seconds (best of three), and memory.

    Runs in a process of its own, so that memory is that of planning alone.
    """
    done = subprocess.run(
        [sys.executable, __file__], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    rows = []
    for text in done:
        name, value, unit = text.split("\t")
        bar = BAR_SECONDS if unit == "s" else BAR_GB
        rows.append(
            {"name": name, "value": float(value), "unit": unit, "bar": bar,
             "holds": float(value) <= bar, "against": "a set limit on two cores"}
        )  # fmt: skip
    return rows


def _peak_gb() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main() -> None:
    """Print a line a measure: name, value, unit."""
    plan(instance(orders=500))
    for name, (supply, popularity, capacity) in CASES.items():
        inputs = instance(supply=supply, popularity=popularity, capacity=capacity)
        seconds = []
        for _ in range(3):
            start = time.perf_counter()
            made = plan(inputs)
            seconds.append(time.perf_counter() - start)
        what = f"greedy plan of {made.lines} lines, 50 locations, reasons kept, {name}"
        print(f"{what}\t{min(seconds):.2f}\ts")
    print(f"memory of the greedy plans\t{_peak_gb():.2f}\tGB")


if __name__ == "__main__":
    main()
