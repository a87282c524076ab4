"""Small batches to plan with all that may constrain a plan, drawn."""

from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import strategies as st

from oms_pipelines.config import Carrier, Costs, Price, Routing, Rule, Split
from oms_pipelines.routing import Inputs, inputs_of
from oms_pipelines.routing.model import POSITIONS

AS_OF = datetime(2026, 1, 9, 8, tzinfo=UTC)
PLACES = ("lyon", "nice", "pau")
REFUSED = {"order_id": pl.String, "sku": pl.String, "location_id": pl.String}


@st.composite
def cases(draw: st.DrawFn) -> Inputs:
    """Return up to three orders of up to two SKUs over three locations, most of it scarce.

    Some have groups or kits, choices of their customers, refusals, parts under way; the split
    may ask for a least worth, and parcels may be priced by weight.
    """
    lines, refused = [], []
    for number in range(draw(st.integers(1, 3))):
        order = _order(draw, number)
        skus = draw(st.lists(st.sampled_from("xyz"), min_size=1, max_size=2, unique=True))
        joins = draw(st.sampled_from(["free", "free", "group", "kit"]))
        kits = draw(st.integers(1, 2))
        for sku in skus:
            many = kits * (1 + (sku == "y")) if joins == "kit" else draw(st.integers(1, 2))
            line = {"line_id": sku, "sku": sku, "quantity": many, "weight_g": 300}
            if joins == "kit":
                line |= {"line_id": "kit", "bill_id": "kit@1", "per_kit": many // kits}
            if joins == "group":
                line |= {"keep_together": "g"}
            lines.append(order | line)
            if draw(st.integers(0, 5)) == 0:
                refused.append((order["order_id"], sku, draw(st.sampled_from(PLACES))))
    return inputs_of(
        pl.DataFrame(lines, infer_schema_length=None), *_places(draw), _rules(draw), AS_OF,
        refused=pl.DataFrame(refused, REFUSED, orient="row"),
        positions=pl.DataFrame(schema=POSITIONS),
        carriers=[] if draw(st.booleans()) else [
            Carrier(id="c", prices=[Price(up_to_g=500, amount=2), Price(amount=5)])
        ],
    )  # fmt: skip


def _order(draw: st.DrawFn, number: int) -> dict:
    order = {
        "order_id": f"shop/{number}", "channel_id": "shop", "priority": draw(st.integers(0, 1)),
        "placed_at": AS_OF - timedelta(hours=draw(st.integers(0, 3))), "country": "FR",
        "latitude": 46.0, "longitude": draw(st.integers(-4, 8)) + 0.0, "currency": "EUR",
    }  # fmt: skip
    order["delivery_mode"] = draw(st.sampled_from(["home", "home", "home", "collect"]))
    order["delivery_choice"] = draw(st.sampled_from(["any", "together", "first_now"]))
    order["pickup_location"] = draw(st.sampled_from(PLACES))
    order["unit_value"] = draw(st.integers(1, 3)) * 5.0
    order["parts_used"] = draw(st.sampled_from([0, 0, 1]))
    return order


def _places(draw: st.DrawFn) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return stock and locations."""
    stock = [
        {"location_id": place, "sku": sku, "available": draw(st.integers(0, 2))}
        for place in PLACES
        for sku in "xyz"
    ]
    places = [
        {
            "location_id": place, "kind": "warehouse", "country": "FR", "latitude": 45.0,
            "longitude": float(4 * i), "ships": True, "collects": True,
            "handling_cost": draw(st.integers(0, 3)) + 0.0,
            "capacity_left": draw(st.none() | st.integers(0, 3)),
        }
        for i, place in enumerate(PLACES)
    ]  # fmt: skip
    return pl.DataFrame(stock), pl.DataFrame(places, schema_overrides={"capacity_left": pl.Int64})


def _rules(draw: st.DrawFn) -> Routing:
    worth = draw(st.sampled_from([0, 0, 10, 15]))
    split = Split(parts=draw(st.integers(1, 3)), min_value=worth)
    rule = Rule(id="any", split=split, **{"from": "ships"})
    return Routing(rules=[rule], costs=Costs(per_km=0.01, parcel=draw(st.integers(1, 6))))
