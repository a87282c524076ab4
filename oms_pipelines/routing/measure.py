"""What a plan costs and keeps, by the live costs and positions, whatever rules made it."""

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl

from oms_pipelines.routing import tables
from oms_pipelines.routing.calendar import Calendar, day_there
from oms_pipelines.routing.candidates import Problem, build, collects
from oms_pipelines.routing.costs import UNIT
from oms_pipelines.routing.greedy import Taken
from oms_pipelines.routing.local import crossings
from oms_pipelines.routing.model import Inputs
from oms_pipelines.routing.positions import locate

PARTS = {
    "order_id": pl.String,
    "location_id": pl.String,
    "cost": pl.Float64,
    "km": pl.Float64,  # null is unknown, or collected
    "units": pl.Int64,
    "promised": pl.Int64,  # units with a promise
    "kept": pl.Int64,  # of them, those that arrive by then
}


def measured(inputs: Inputs, allocations: pl.DataFrame) -> pl.DataFrame:
    """Return one row a part of a plan (PARTS), priced by the costs of `inputs`.

    A part arrives when the working days of its carrier are over; a collected one when it is
    made ready. A promise is kept that ends on that day or later.
    """
    if allocations.is_empty():
        return pl.DataFrame(schema=PARTS)
    orders = allocations.select("order_id").unique()
    problem = build(replace(inputs, lines=inputs.lines.join(orders, on="order_id", how="semi")))
    claims = claims_of(problem, allocations)
    parts = tables.parcels(problem, taken_of(problem, claims))
    turns, places = parts["turn"].to_numpy(), parts["location"].to_numpy()
    units = claims.group_by("turn", "part").agg(pl.col("quantity").sum().alias("units"))
    promises = problem.orders.select(
        "turn", "order_id", pl.col("promised_at").cast(pl.Date), collects().alias("collected")
    )
    priced = parts.with_columns(
        (pl.col("cost") / UNIT).alias("cost"),
        problem.location_ids.gather(places).alias("location_id"),
        pl.Series("km", problem.distance[turns, places]).fill_nan(None),
        _arrival(parts, problem, inputs),
    )
    promised = pl.when(pl.col("promised_at").is_not_null()).then("units").otherwise(0)
    kept = pl.when(pl.col("arrives") <= pl.col("promised_at")).then("units").otherwise(0)
    return (
        priced.join(units, on=["turn", "part"])
        .join(promises, on="turn")
        .with_columns(
            pl.when("collected").then(None).otherwise("km").alias("km"),
            promised.alias("promised"),
            kept.alias("kept"),
        )
        .select(pl.col(c).cast(kind) for c, kind in PARTS.items())
        .sort("order_id", "location_id")
    )


def claims_of(problem: Problem, allocations: pl.DataFrame) -> pl.DataFrame:
    """Return (turn, part, item, location, quantity) of allocations, which name locations."""
    numbers = pl.DataFrame({"location_id": problem.location_ids}).with_row_index("location")
    items = problem.lines.select(
        pl.col("item").cast(pl.Int64), pl.col("turn").cast(pl.Int64), "line_id", "sku"
    )
    return (
        allocations.join(problem.orders.select("order_id", "turn"), on="order_id")
        .join(items, on=["turn", "line_id", "sku"])
        .join(numbers, on="location_id")
        .group_by("turn", pl.col("part").cast(pl.Int64), "item", pl.col("location").cast(pl.Int64))
        .agg(pl.col("quantity").sum())
        .sort("turn", "part", "item")
    )


def taken_of(problem: Problem, claims: pl.DataFrame) -> Taken:
    """Return claims as what a planner took."""
    part, item, location, quantity = (
        claims[c].to_numpy() for c in ("part", "item", "location", "quantity")
    )
    parts = np.zeros(len(problem.parts), dtype=np.int64)
    np.maximum.at(parts, claims["turn"].to_numpy(), part + 1)
    return Taken(part, item, location, quantity, parts)


def _arrival(parts: pl.DataFrame, problem: Problem, inputs: Inputs) -> pl.Series:
    """Return the day each part arrives: working days of its carrier, and of a border, on."""
    places = locate(inputs.locations, inputs.positions)
    sent = ~problem.orders.select(collects()).to_series().to_numpy()
    crossed = crossings(problem.orders, places, inputs.rules.borders, sent)
    days = parts["days"].to_numpy()
    if crossed is not None:
        days = days + crossed.days[parts["turn"].to_numpy(), parts["location"].to_numpy()]
    leaves = [day_there(at, cut) for at, cut in zip(problem.leaves, places["cut_off"], strict=True)]
    calendars = {c.id: Calendar.of(c) for c in inputs.carriers}
    known = pl.DataFrame(
        {
            "carrier_id": parts["carrier_id"],
            "days": days,
            "leaves": pl.Series(leaves, dtype=pl.Date).gather(parts["location"]),
        }
    )
    ways = known.unique().with_columns(
        pl.struct("carrier_id", "days", "leaves")
        .map_elements(lambda x: _after(calendars, **x), return_dtype=pl.Date)
        .alias("arrives")
    )
    return known.join(ways, on=known.columns, nulls_equal=True, maintain_order="left")["arrives"]


def _after(
    calendars: dict[str, Calendar], carrier_id: str | None, days: int, leaves: date
) -> date:  # fmt: skip
    return calendars.get(carrier_id or "", Calendar()).after([leaves], days)[0].astype(object)
