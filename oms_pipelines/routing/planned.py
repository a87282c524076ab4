"""A stored plan told in numbers: what each location got, how orders were split, what waits.

What it gave, and why, is read from the store, which keeps it; where customers live, capacity,
costs and stock from its saved inputs, which are kept as long as `retention.plans` says.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from oms_pipelines.errors import Malformed, Rejected
from oms_pipelines.routing import tables
from oms_pipelines.routing.candidates import Problem, build, collects
from oms_pipelines.routing.costs import UNIT
from oms_pipelines.routing.inputs import load_inputs
from oms_pipelines.routing.measure import claims_of, taken_of
from oms_pipelines.routing.model import Inputs, Plan
from oms_pipelines.routing.positions import area, locate
from oms_pipelines.routing.saved import was_erased
from oms_pipelines.routing.solve import plan
from oms_pipelines.routing.verdicts import TESTS, judge
from oms_pipelines.store.base import Session
from oms_pipelines.store.frames import cut

LOST = 50  # pairs of orders that are told
TOP = 5  # SKUs that are named for each reason
_SOME = 3  # plans that are named where another was asked for
PART = ["order_id", "location_id"]  # a location has one part of an order


@dataclass(frozen=True)
class Planned:
    """A stored plan.

    `head`: its row in `plans`. `parts`: one row a part: order_id, location_id, channel_id,
    country, collected, units, km (null is unknown or collected), cost, latitude,
    longitude, area (null is unknown; without inputs all are). `waits`: order_id, line_id,
    sku, quantity, reason, or None without inputs. `places`: locations with their positions and
    capacity, None without inputs. `verdicts`: location_id, verdict, failed_test, orders. `lost`:
    order_id, lost_to, locations; `more_lost` rows are left out. `land`: known positions of
    postal codes. `missing` says why there are no inputs; `erased` that somebody was taken
    out of them.
    """

    head: dict[str, Any]
    parts: pl.DataFrame
    verdicts: pl.DataFrame
    lost: pl.DataFrame
    more_lost: int
    waits: pl.DataFrame | None = None
    places: pl.DataFrame | None = None
    land: pl.DataFrame | None = None
    missing: str | None = None
    erased: bool = False

    @property
    def orders(self) -> int:
        """Return how many orders the plan looked at."""
        by = self.verdicts.group_by("location_id").agg(pl.col("orders").sum())
        return int(by["orders"].max() or 0)  # ty: ignore[invalid-argument-type]


def find_plan(session: Session, wanted: str | None) -> dict[str, Any] | None:
    """Return the row of a plan by the beginning of its id; of None the newest that gave anything.

    Returns None where no plan gave anything yet. Raises Rejected where no plan, or several, are
    called so.
    """
    found, more = cut(session.query("route/plans_named", wanted=wanted or "", limit=_SOME))
    rows = found.to_dicts()
    if not wanted:
        return rows[0] if rows else None
    exact = [x for x in rows if x["plan_id"] == wanted]
    if len(rows) == 1 or exact:
        return (exact or rows)[0]
    if rows:
        names = ", ".join(found["plan_id"]) + (f" and {more} more" if more else "")
        raise Rejected(f"{wanted} names several plans: {names}; give more of the id")
    newest, _ = cut(session.query("route/plans_named", wanted="", limit=_SOME))
    there = f"the newest are {', '.join(newest['plan_id'])}" if newest.height else "there are none"
    raise Rejected(f"no plan is called {wanted}; {there}; without an id the newest is taken")


def read_planned(session: Session, head: dict[str, Any], folder: Path) -> Planned:
    """Return a stored plan, with what its saved inputs (a folder, which may be gone) tell of it."""
    plan_id = head["plan_id"]
    given = session.query("route/plan_lines", plan_id=plan_id)
    lost, more = cut(session.query("route/plan_lost", plan_id=plan_id, limit=LOST))
    bare = Planned(
        head=head,
        parts=_parts(given).with_columns(_nowhere()),
        verdicts=session.query("route/plan_verdicts", plan_id=plan_id),
        lost=lost,
        more_lost=more,
    )
    if not folder.is_dir():
        return replace(bare, missing="The inputs of this plan are no longer kept")
    try:
        return _with_inputs(bare, given, load_inputs(folder), was_erased(folder))
    except Malformed as e:
        return replace(bare, missing=str(e))


_WHERE = {
    "cost": pl.Float64, "latitude": pl.Float64, "longitude": pl.Float64, "area": pl.String
}  # fmt: skip


def _nowhere() -> list[pl.Expr]:
    return [pl.lit(None, kind).alias(c) for c, kind in _WHERE.items()]


def _parts(given: pl.DataFrame) -> pl.DataFrame:
    """Return one row a part, of one row a line of it."""
    return (
        given.group_by(PART, maintain_order=True)
        .agg(
            pl.col("channel_id", "country", "collected").first(),
            pl.col("quantity").sum().alias("units"),
            pl.col("distance_km").first().alias("km"),
        )
        .with_columns(_KM)
    )


_KM = pl.when(~pl.col("collected")).then("km").alias("km")


def _with_inputs(bare: Planned, given: pl.DataFrame, inputs: Inputs, erased: bool) -> Planned:
    """Add what only inputs tell: cost and destination of each part, capacity, why lines wait."""
    if inputs.held.height and not erased:
        given = _with_kept(given, plan(inputs), bare.head["plan_id"])
        bare = replace(bare, parts=_parts(given).with_columns(_nowhere()))
    problem = build(inputs)
    taken = taken_of(problem, claims_of(problem, given))
    _, left = tables.by_line(problem, taken)
    costs = _costs(problem, tables.parcels(problem, taken))
    where = problem.orders.select(
        "order_id", "channel_id", "country", "latitude", "longitude",
        collects().alias("collected"), area().alias("area"),
    )  # fmt: skip
    known = bare.parts.drop(*_WHERE, "channel_id", "country", "collected")
    parts = known.join(costs, on=PART, how="left", maintain_order="left")
    parts = parts.join(where, on="order_id", how="left", maintain_order="left").with_columns(_KM)
    waits = tables.unfilled(problem, judge(problem, taken), left, inputs)
    return replace(
        bare,
        parts=parts.select(bare.parts.columns),
        waits=waits.select("order_id", "line_id", "sku", "quantity", "reason"),
        places=locate(inputs.locations, inputs.positions),
        land=inputs.positions.select("latitude", "longitude"),
        erased=erased,
    )


def _with_kept(given: pl.DataFrame, made: Plan, plan_id: str) -> pl.DataFrame:
    """Return what a plan gave, with the parts that it left as they were: an older plan's rows."""
    if made.plan_id != plan_id:
        return given
    chosen = made.decisions.filter(pl.col("verdict") == "chosen")
    rows = made.allocations.join(chosen.select(*PART, "distance_km"), on=PART)
    blank = [pl.lit(None, given.schema[c]).alias(c) for c in given.columns if c not in rows.columns]
    return rows.with_columns(blank).select(given.columns).cast(dict(given.schema))


def _costs(problem: Problem, parcels: pl.DataFrame) -> pl.DataFrame:
    return parcels.select(
        problem.orders["order_id"].gather(parcels["turn"]),
        problem.location_ids.gather(parcels["location"]),
        (pl.col("cost") / UNIT).alias("cost"),
    )


def by_location(planned: Planned) -> pl.DataFrame:
    """Return one row a location that was looked at, and one of all.

    `whole_orders` are those it ships alone; `capacity_used_%` is of the orders its shipping day
    takes, with those booked before; `mean_km` is over parcels whose way is known.
    """
    names = planned.verdicts.select("location_id").unique()
    alone = planned.parts.select(*PART, whole=pl.len().over("order_id") == 1)
    parts = planned.parts.join(alone, on=PART)
    by = names.join(parts.group_by("location_id").agg(_SUMS), on="location_id", how="full",
                    coalesce=True).join(_room(planned), on="location_id", how="left")  # fmt: skip
    used = 100 * (pl.col("booked") + pl.col("parcels").fill_null(0)) / pl.col("capacity")
    by = by.with_columns(used.round(1).alias("capacity_used_%"), location="location_id")
    by = by.sort(pl.col("parcels").fill_null(0), "location", descending=[True, False])
    total = parts.select(_SUMS).with_columns(location=pl.lit("all"))
    both = pl.concat([by, total], how="diagonal_relaxed").with_columns(
        pl.col("parcels", "whole_orders", "units").fill_null(0)
    )
    columns = ["location", *(x.meta.output_name() for x in _SUMS)]
    return both.select(*columns[:-1], "capacity_used_%", columns[-1])


_COST = pl.when(pl.col("cost").count() > 0).then(pl.col("cost").sum()).alias("cost")
_SUMS = [
    pl.len().cast(pl.Int64).alias("parcels"),
    pl.col("whole").sum().cast(pl.Int64).alias("whole_orders"),
    pl.col("units").sum(),
    _COST.round(2),
    pl.col("km").mean().round().cast(pl.Int64).alias("mean_km"),
]


def _room(planned: Planned) -> pl.DataFrame:
    """Return what each location may ship a day, and what was booked of it before the plan."""
    if planned.places is None:
        kinds = {"location_id": pl.String, "capacity": pl.Int64, "booked": pl.Int64}
        return pl.DataFrame(schema=kinds)
    some = pl.when(pl.col("capacity") > 0).then("capacity")
    booked = pl.col("capacity") - pl.col("capacity_left")
    return planned.places.select("location_id", some.alias("capacity"), booked.alias("booked"))


def splits(parts: pl.DataFrame) -> pl.DataFrame:
    """Return how many orders got how many parcels of this plan, with their units and cost."""
    orders = parts.group_by("order_id").agg(
        pl.len().cast(pl.Int64).alias("parcels_an_order"), pl.col("units").sum(), _COST
    )
    by = orders.group_by("parcels_an_order").agg(
        pl.len().cast(pl.Int64).alias("orders"), pl.col("units").sum(), _COST
    )
    share = (100 * pl.col("orders") / pl.col("orders").sum()).round(1)
    return by.sort("parcels_an_order").select(
        "parcels_an_order", "orders", share.alias("orders_%"), "units", pl.col("cost").round(2)
    )


def reasons(waits: pl.DataFrame) -> pl.DataFrame:
    """Return why lines wait, the most units first, with the SKUs that wait most."""
    by_sku = waits.group_by("reason", "sku").agg(pl.col("quantity").sum())
    by_sku = by_sku.sort("quantity", "sku", descending=[True, False])
    named = pl.format("{} ({})", "sku", "quantity").head(TOP).str.join(", ")
    top = by_sku.group_by("reason").agg(
        pl.len().cast(pl.Int64).alias("skus"), named.alias("most_of")
    )
    return (
        waits.group_by("reason")
        .agg(
            pl.col("order_id").n_unique().cast(pl.Int64).alias("orders"),
            pl.len().cast(pl.Int64).alias("lines"),
            pl.col("quantity").sum().alias("units"),
        )
        .join(top, on="reason")
        .sort("units", "reason", descending=[True, False])
    )


def why_not(verdicts: pl.DataFrame) -> pl.DataFrame:
    """Return one row a location: orders it was chosen for, might have shipped, or why not."""
    named = verdicts.select(
        pl.col("location_id").alias("location"),
        pl.coalesce("failed_test", "verdict").alias("why"),
        "orders",
    )
    wide = named.pivot("why", index="location", values="orders", aggregate_function="sum")
    known: Sequence[str] = ["chosen", "possible", *TESTS.values()]
    return wide.select("location", *(c for c in known if c in wide.columns)).sort("location")
