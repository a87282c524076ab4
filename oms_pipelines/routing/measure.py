"""What a plan costs and keeps, by the live costs and positions, whatever rules made it."""

from dataclasses import replace

import numpy as np
import polars as pl

from oms_pipelines.routing import tables
from oms_pipelines.routing.calendar import working_days_after
from oms_pipelines.routing.candidates import Problem, build, collects
from oms_pipelines.routing.costs import UNIT
from oms_pipelines.routing.greedy import Taken
from oms_pipelines.routing.model import Inputs

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
    claims = _claims(problem, allocations)
    parts = tables.parcels(problem, _taken(problem, claims))
    turns, places = parts["turn"].to_numpy(), parts["location"].to_numpy()
    units = claims.group_by("turn", "part").agg(pl.col("quantity").sum().alias("units"))
    promises = problem.orders.select(
        "turn", "order_id", pl.col("promised_at").cast(pl.Date), collects().alias("collected")
    )
    priced = parts.with_columns(
        (pl.col("cost") / UNIT).alias("cost"),
        problem.location_ids.gather(places).alias("location_id"),
        pl.Series("km", problem.distance[turns, places]).fill_nan(None),
        _arrival(parts, inputs),
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


def _claims(problem: Problem, allocations: pl.DataFrame) -> pl.DataFrame:
    """Return (turn, part, item, location, quantity) of allocations."""
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


def _taken(problem: Problem, claims: pl.DataFrame) -> Taken:
    part, item, location, quantity = (
        claims[c].to_numpy() for c in ("part", "item", "location", "quantity")
    )
    parts = np.zeros(len(problem.parts), dtype=np.int64)
    np.maximum.at(parts, claims["turn"].to_numpy(), part + 1)
    return Taken(part, item, location, quantity, parts)


def _arrival(parts: pl.DataFrame, inputs: Inputs) -> pl.Series:
    """Return the day each part arrives."""
    transit = {c.id: c.transit_days for c in inputs.carriers}
    days = parts.select(
        pl.col("ship_by").dt.date().alias("day"),
        pl.col("carrier_id")
        .replace_strict(transit, default=0, return_dtype=pl.Int64)
        .fill_null(0)
        .alias("days"),
    )
    known = days.unique()
    there = [working_days_after(day, n) for day, n in known.rows()]
    known = known.with_columns(pl.Series("arrives", there, dtype=pl.Date))
    return days.join(known, on=["day", "days"], maintain_order="left")["arrives"]
