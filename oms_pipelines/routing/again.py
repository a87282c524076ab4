"""What an order would get if another were not there, or if one unit more were: planned anew.

Nothing is guessed: every answer is a whole plan of the same inputs with the one change.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from oms_pipelines.routing import tables
from oms_pipelines.routing.best import aimed, best
from oms_pipelines.routing.candidates import build
from oms_pipelines.routing.costs import UNIT
from oms_pipelines.routing.demands import demands_of
from oms_pipelines.routing.model import Inputs, Plan

WINNERS = 4  # orders that are taken away, one at a time, of one order that lost
GONE = ("stock taken", "capacity taken")
LACKED = ("stock taken", "no stock", "split not allowed")
SKUS = 3  # of an order, that are given one unit more


@dataclass(frozen=True)
class Outcome:
    """What an order gets, in SKU units and money, and what the whole batch does."""

    units: int
    cost: float
    aim: float  # the cost, as the order's rule ranks: by money, distance or stock
    nearer: int  # places nearer than all it ships from, where the nearest is to go first
    locations: tuple[str, ...]
    batch_units: int
    batch_cost: float

    def beats(self, other: "Outcome") -> bool:
        """Tell whether it is more units, or as many from nearer where that goes first, or for less.

        Less is less of what the order's rule ranks by.
        """
        ours, theirs = ((-x.units, x.nearer, round(x.aim, 4)) for x in (self, other))
        return ours < theirs


def outcome(inputs: Inputs, order_id: str) -> Outcome:
    """Plan inputs, and return what an order gets. One that is not there gets nothing."""
    problem = build(inputs)
    taken = best(problem, inputs.rules).taken
    parts = tables.parcels(problem, taken)
    turns = problem.orders.filter(pl.col("order_id") == order_id)["turn"]
    mine = parts.filter(pl.col("turn").is_in(turns.implode())).sort("part")
    own = np.isin(problem.order[taken.item], turns)
    ways = mine["turn"].to_numpy(), mine["location"].to_numpy()
    aim = aimed(problem, inputs.rules)
    local = aim.local_cost - problem.local_cost
    far = demands_of(aim).remote[ways[0]]
    paid = int(tables.given_up(problem, taken)[turns.to_numpy()].sum())
    first = far[np.arange(len(far)), ways[1]].min(initial=far.max(initial=0))
    return Outcome(
        units=int(taken.quantity[own].sum()),
        cost=(int(mine["cost"].sum()) + paid) / UNIT,
        aim=(int(mine["cost"].sum() + local[ways].sum()) + paid) / UNIT,
        nearer=int((far[:1] < first).sum()),
        locations=tuple(problem.location_ids.gather(mine["location"])),
        batch_units=int(taken.quantity.sum()),
        batch_cost=int(parts["cost"].sum()) / UNIT,
    )


def without(inputs: Inputs, order_id: str) -> Inputs:
    """Return inputs without an order."""
    there = pl.col("order_id") != order_id
    return replace(
        inputs, lines=inputs.lines.filter(there), refused=inputs.refused.filter(there),
        held=inputs.held.filter(there),
    )  # fmt: skip


def _only(inputs: Inputs, order_id: str) -> Inputs:
    there = pl.col("order_id") == order_id
    return replace(inputs, lines=inputs.lines.filter(there))


def one_more(inputs: Inputs, location_id: str, sku: str, units: int = 1) -> Inputs:
    """Return inputs with one unit more, or some, of a SKU at a location."""
    here = (pl.col("location_id") == location_id) & (pl.col("sku") == sku)
    unit = pl.DataFrame([(location_id, sku, 0)], inputs.stock.schema, orient="row")
    known = inputs.stock if inputs.stock.filter(here).height else inputs.stock.vstack(unit)
    more = pl.col("available").fill_null(0).clip(0) + here.cast(pl.Int64) * units
    return replace(inputs, stock=known.with_columns(more.alias("available")).sort(
        "location_id", "sku"
    ))  # fmt: skip


def one_more_order(inputs: Inputs, location_id: str) -> Inputs:
    """Return inputs in which a location ships one order more."""
    here = (pl.col("location_id") == location_id).cast(pl.Int64)
    return replace(
        inputs, locations=inputs.locations.with_columns(pl.col("capacity_left").clip(0) + here)
    )  # fmt: skip


def changes(inputs: Inputs, made: Plan, order_id: str) -> Iterator[dict]:
    """Yield what an order gets as it is, without who may have won, and with a unit more.

    `made` is the plan of the inputs. Rows: change, better, units, cost, ships_from, batch_units,
    batch_cost. Who has won is asked until one is found: `better` of that row is true. An order
    that lacks nothing has no row.
    """
    candidates = made.decisions.filter(pl.col("order_id") == order_id)
    waits = made.unfilled.filter(pl.col("order_id") == order_id)
    if waits.is_empty() and candidates.filter(pl.col("failed_test").is_in(GONE)).is_empty():
        return
    now = outcome(inputs, order_id)
    if waits.is_empty() and not outcome(_only(inputs, order_id), order_id).beats(now):
        return
    yield _row("as planned", now, now)
    for winner in _winners(inputs, order_id, candidates, made.allocations):
        then = outcome(without(inputs, winner), order_id)
        yield _row(f"without {winner}", then, now)
        if then.beats(now):
            break
    lost = candidates.filter(pl.col("failed_test").is_in(LACKED)).sort("score", "location_id")
    for place in lost["location_id"].head(1):
        yield from _more(inputs, order_id, place, now)
    full = candidates.filter(pl.col("failed_test").is_in(["capacity", "capacity taken"]))
    for place in full.sort("score", "location_id")["location_id"].head(1):
        then = outcome(one_more_order(inputs, place), order_id)
        yield _row(f"one order more at {place}", then, now)


def _more(inputs: Inputs, order_id: str, place: str, now: Outcome) -> Iterator[dict]:
    """Yield what one unit more of each SKU does there; where it does nothing, all it wants."""
    mine = inputs.lines.filter(pl.col("order_id") == order_id).group_by("sku")
    wanted = mine.agg(pl.col("quantity").sum()).sort("sku").head(SKUS)
    for sku, most in wanted.rows():
        for units in (1, most)[: 1 + (most > 1)]:
            then = outcome(one_more(inputs, place, sku, units), order_id)
            yield _row(f"{units} {sku} more at {place}", then, now)
            if then.beats(now):
                break


def _winners(
    inputs: Inputs, order_id: str, candidates: pl.DataFrame, allocations: pl.DataFrame
) -> list[str]:  # fmt: skip
    """Return who may have taken what an order wanted: those named first, then the youngest."""
    named = candidates["lost_to"].drop_nulls().unique(maintain_order=True).to_list()
    gone = candidates.filter(pl.col("failed_test").is_in(GONE)).sort("score", "location_id")
    gone = gone.select("location_id", "failed_test", best=pl.int_range(pl.len()))
    skus = inputs.lines.filter(pl.col("order_id") == order_id)["sku"].unique()
    wanted = (pl.col("failed_test") == "capacity taken") | pl.col("sku").is_in(skus.implode())
    held = allocations.filter(pl.col("order_id") != order_id)
    met = gone.join(held, on="location_id").filter(wanted)
    ages = inputs.lines.select("order_id", "priority", "placed_at").unique(
        "order_id", keep="first", maintain_order=True
    )  # fmt: skip
    ranked = met.join(ages, on="order_id").sort(
        "best", pl.col("priority").fill_null(0), "placed_at", "order_id",
        descending=[False, False, True, True],
    )  # fmt: skip
    others = ranked["order_id"].unique(maintain_order=True).to_list()
    return list(dict.fromkeys(named + others))[:WINNERS]


def _row(change: str, then: Outcome, now: Outcome) -> dict:
    return {
        "change": change, "better": then.beats(now), "units": then.units,
        "cost": round(then.cost, 2), "ships_from": ", ".join(then.locations),
        "batch_units": then.batch_units, "batch_cost": round(then.batch_cost, 2),
    }  # fmt: skip
