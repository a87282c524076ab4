"""Small batches to plan, drawn."""

from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import strategies as st

from oms_pipelines.config import Costs, Routing, Rule, Split
from oms_pipelines.routing import Inputs, inputs_of

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
            "longitude": float(4 * i), "ships": True, "handling_cost": draw(st.integers(0, 3)) + 0.0,
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
