"""A past to back-test, made in miniature: orders, stock that comes, and plans at fixed times."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from oms_pipelines.config import Carrier, Routing
from oms_pipelines.routing import inputs_of, plan, save_inputs
from oms_pipelines.routing.calendar import ship_by
from oms_pipelines.routing.history import GIVEN, KEY, MOVES, SHELF, History


@dataclass(frozen=True)
class World:
    """What happens whatever is planned.

    `lines` have the columns of a plan's lines (`placed_at` is when the hub hears of them),
    `supply` known_at, location_id, sku, quantity; `opening` location_id, sku, available;
    `places` the columns of locations, with `capacity` orders a shipping day.
    """

    lines: pl.DataFrame
    supply: pl.DataFrame
    opening: pl.DataFrame
    places: pl.DataFrame
    carriers: Sequence[Carrier] = ()


def rehearse(folder: Path, world: World, rules: Routing, ticks: Sequence[datetime]) -> History:
    """Plan a world by rules at some times; save the inputs of each plan, as the hub does.

    Stock is read of the SKUs that wait, as the hub reads it. A time at which nothing waits is
    left out.
    """
    waiting, shelf = world.lines.clear(), world.opening
    given, hashes, folders = pl.DataFrame(schema=GIVEN), {}, []
    last = None
    for now in ticks:
        news = pl.lit(True) if last is None else pl.col("placed_at") > last
        waiting = pl.concat([waiting, world.lines.filter(news, pl.col("placed_at") <= now)])
        came = pl.lit(True) if last is None else pl.col("known_at") > last
        came = world.supply.filter(came, pl.col("known_at") <= now)
        shelf = _moved(shelf, came.select(*SHELF, available="quantity"))
        last = now
        if waiting.is_empty():
            continue
        stock = shelf.join(waiting, on="sku", how="semi")
        inputs = inputs_of(
            _with_parts(waiting, given), stock, _places(world.places, given, now), rules, now,
            carriers=world.carriers,
        )  # fmt: skip
        made = plan(inputs)
        folders.append(save_inputs(folder / made.plan_id, inputs))
        hashes[made.plan_id] = made.plan_hash
        gave = made.allocations.with_columns(plan_id=pl.lit(made.plan_id), planned_at=pl.lit(now))
        given = pl.concat([given, gave.select(pl.col(c).cast(t) for c, t in GIVEN.items())])
        shelf = _moved(shelf, gave.select(*SHELF, available=-pl.col("quantity")))
        waiting = _left(waiting, gave)
    moves = world.supply.select(pl.col(c).cast(t) for c, t in MOVES.items())
    return History(folders, given, moves=moves, hashes=hashes)


def _moved(shelf: pl.DataFrame, more: pl.DataFrame) -> pl.DataFrame:
    rows = pl.concat([shelf.select(*SHELF, "available"), more])
    return rows.group_by(SHELF).agg(pl.col("available").sum())


def _with_parts(waiting: pl.DataFrame, given: pl.DataFrame) -> pl.DataFrame:
    parts = given.select("order_id", "location_id", "ship_by").unique()
    used = parts.group_by("order_id").agg(pl.len().cast(pl.Int64).alias("parts_used"))
    return waiting.join(used, on="order_id", how="left").with_columns(
        pl.col("parts_used").fill_null(0)
    )


def _places(places: pl.DataFrame, given: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Return the locations with the orders their next shipping day still takes."""
    parts = given.select("order_id", "location_id", "ship_by").unique()
    leaves = pl.Series("ship_by", [ship_by(now, x) for x in places["cut_off"]])
    booked = parts.group_by("location_id", "ship_by").agg(pl.len().cast(pl.Int64).alias("booked"))
    due = places.with_columns(leaves.cast(GIVEN["ship_by"]))
    left = pl.col("capacity") - pl.col("booked").fill_null(0)
    return due.join(booked, on=["location_id", "ship_by"], how="left").with_columns(
        left.clip(0).alias("capacity_left")
    )


def _left(waiting: pl.DataFrame, gave: pl.DataFrame) -> pl.DataFrame:
    taken = gave.group_by(KEY).agg(pl.col("quantity").sum().alias("taken"))
    left = pl.col("quantity") - pl.col("taken").fill_null(0)
    return (
        waiting.join(taken, on=KEY, how="left")
        .with_columns(left.alias("quantity"))
        .filter(pl.col("quantity") > 0)
        .drop("taken")
    )
