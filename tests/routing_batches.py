"""Small batches to plan, drawn."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import product

import numpy as np
import polars as pl
from hypothesis import strategies as st

from oms_pipelines.config import Costs, Routing, Rule, Split
from oms_pipelines.routing import Inputs, inputs_of
from oms_pipelines.routing.candidates import Problem

AS_OF = datetime(2026, 1, 9, 8, tzinfo=UTC)
PLACES = ("lyon", "nice", "pau")


@st.composite
def batches(draw: st.DrawFn) -> Inputs:
    """Return up to four orders of up to two SKUs over up to three locations, most of it scarce."""
    count = draw(st.integers(1, 4))
    lines = []
    for order in range(count):
        for sku in draw(st.lists(st.sampled_from("xyz"), min_size=1, max_size=2, unique=True)):
            lines.append(
                {
                    "order_id": f"shop/{order}", "line_id": sku, "sku": sku,
                    "quantity": draw(st.integers(1, 2)), "channel_id": "shop",
                    "priority": draw(st.integers(0, 1)) if sku == "x" else 0,
                    "placed_at": AS_OF - timedelta(hours=draw(st.integers(0, 3))),
                    "delivery_mode": "home", "country": "FR",
                    "latitude": 46.0, "longitude": draw(st.integers(-4, 8)) + 0.0,
                    "unit_value": 10.0, "currency": "EUR", "weight_g": 300,
                }
            )  # fmt: skip
    stock = [
        {"location_id": place, "sku": sku, "available": draw(st.integers(0, 2))}
        for place in PLACES
        for sku in "xyz"
    ]
    places = [
        {
            "location_id": place, "kind": "warehouse", "country": "FR", "latitude": 45.0,
            "longitude": float(4 * i), "ships": True,
            "handling_cost": draw(st.integers(0, 3)) + 0.0,
            "capacity_left": draw(st.none() | st.integers(0, 3)),
        }
        for i, place in enumerate(PLACES)
    ]  # fmt: skip
    rule = Rule(id="any", split=Split(parts=draw(st.integers(1, 3))), **{"from": "ships"})
    costs = Costs(per_km=0.01, parcel=draw(st.integers(1, 6)))
    return inputs_of(
        pl.DataFrame(lines), pl.DataFrame(stock),
        pl.DataFrame(places, schema_overrides={"capacity_left": pl.Int64}),
        Routing(rules=[rule], costs=costs), AS_OF,
    )  # fmt: skip


def scarce(orders: int, supply: float, places: int = 8, skus: int = 60) -> Inputs:
    """Return seeded orders of one to three SKUs, each held by 4 places, at least what is wanted."""
    rng = np.random.default_rng(3)
    size = rng.integers(1, 4, orders)
    order = np.repeat(np.arange(orders), size)
    sku = np.concatenate([rng.choice(skus, n, replace=False) for n in size])
    units = rng.integers(1, 3, order.size)
    wanted = np.bincount(sku, units, minlength=skus)
    stock = []
    for number, demand in enumerate(wanted):
        held = rng.multinomial(int(np.ceil(demand * supply)), np.full(4, 0.25))
        for place, some in zip(rng.choice(places, 4, replace=False), held, strict=True):
            row = {"location_id": f"p{place}", "sku": f"s{number:02d}", "available": int(some)}
            stock.append(row)
    longitude = rng.uniform(-4, 8, orders).round(2)
    lines = pl.DataFrame(
        {
            "order_id": [f"shop/{i:05d}" for i in order], "line_id": [str(i) for i in sku],
            "sku": [f"s{i:02d}" for i in sku], "quantity": units, "channel_id": "shop",
            "placed_at": [AS_OF - timedelta(minutes=int(i)) for i in order],
            "delivery_mode": "home", "country": "FR", "latitude": 46.0,
            "longitude": longitude[order], "unit_value": 10.0, "currency": "EUR", "weight_g": 300,
        }
    )  # fmt: skip
    locations = pl.DataFrame(
        {
            "location_id": [f"p{i}" for i in range(places)], "kind": "warehouse", "country": "FR",
            "latitude": 45.0, "longitude": np.linspace(-4, 8, places), "ships": True,
        }
    )  # fmt: skip
    rule = Rule(id="any", split=Split(parts=3), **{"from": "ships"})
    routing = Routing(rules=[rule], costs=Costs(per_km=0.01))
    return inputs_of(lines, pl.DataFrame(stock), locations, routing, AS_OF)


def least_of(problem: Problem, choices: Sequence[Sequence[tuple[dict, float]]]) -> float:
    """Return the least that plans cost together, one of each order's: tried one by one.

    A plan is units by (item, location), and what it costs; together they keep to stock and room.
    """
    found = np.inf
    for chosen in product(*choices):
        cost = sum(c for _, c in chosen)
        if cost >= found:
            continue
        stock, room = problem.stock.copy(), problem.capacity.copy()
        for units, _ in chosen:
            for (i, place), n in units.items():
                stock[problem.sku[i], place] -= n
            for place in {x for _, x in units}:
                room[place] -= 1
        if (stock >= 0).all() and (room >= 0).all():
            found = cost
    return found
