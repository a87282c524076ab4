"""The planner: which location ships each open line. A pure function of its inputs."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, overload

import polars as pl

from oms_pipelines.config import Carrier, Routing
from oms_pipelines.routing import tables
from oms_pipelines.routing.best import best
from oms_pipelines.routing.candidates import build
from oms_pipelines.routing.costs import UNIT
from oms_pipelines.routing.decisions import decisions
from oms_pipelines.routing.lost import lost_to
from oms_pipelines.routing.model import Inputs, Plan, conform, digest, inputs_hash, rules_version
from oms_pipelines.routing.positions import load_positions
from oms_pipelines.routing.verdicts import judge


def inputs_of(
    lines: pl.DataFrame,
    stock: pl.DataFrame,
    locations: pl.DataFrame,
    rules: Routing,
    as_of: datetime,
    *,
    positions: pl.DataFrame | None = None,
    carriers: Sequence[Carrier] = (),
    refused: pl.DataFrame | None = None,
    held: pl.DataFrame | None = None,
) -> Inputs:
    """Return the inputs of a plan from frames with the columns of `model.py`.

    Absent columns count as null; quantities are SKU units. Without `positions` the built-in
    ones are taken. Raises Malformed when a key stands twice.
    """
    known = load_positions() if positions is None else positions
    return Inputs(
        lines=conform(lines, "lines"),
        refused=conform(refused, "refused"),
        stock=conform(stock, "stock"),
        locations=conform(locations, "locations"),
        positions=conform(known, "positions"),
        rules=rules,
        carriers=tuple(carriers),
        as_of=as_of.astimezone(UTC),
        held=conform(held, "held"),
    )


@overload
def plan(lines: Inputs) -> Plan: ...


@overload
def plan(
    lines: pl.DataFrame,
    stock: pl.DataFrame,
    locations: pl.DataFrame,
    rules: Routing,
    as_of: datetime,
    *,
    positions: pl.DataFrame | None = None,
    carriers: Sequence[Carrier] = (),
    refused: pl.DataFrame | None = None,
    held: pl.DataFrame | None = None,
) -> Plan: ...


def plan(lines: Any, *others: Any, **named: Any) -> Plan:
    """Decide which location ships each open line, and why.

    Takes inputs, or what `inputs_of` takes. The same inputs give the same plan, whatever the
    order of rows, the machine or the hour.
    """
    inputs = lines if isinstance(lines, Inputs) else inputs_of(lines, *others, **named)
    problem = build(inputs)
    found = best(problem, inputs.rules)
    problem, taken = found.problem, found.taken
    verdicts = judge(problem, taken)
    parts = tables.parcels(problem, taken)
    shared, left = tables.by_line(problem, taken)
    allocated = tables.allocations(problem, shared, parts)
    cost = int(parts["cost"].sum()) + int(tables.given_up(problem, taken).sum())
    least = min(max(tables.bound(problem, verdicts, taken), found.bound or 0), cost)
    plan_hash, inputs_sum = digest(allocated), inputs_hash(inputs)
    mixed = hashlib.sha256(f"{plan_hash}{inputs_sum}".encode()).hexdigest()[:8]
    plan_id = f"{inputs.as_of:%Y%m%dT%H%M%SZ}-{mixed}"
    lost = lost_to(problem, taken, inputs.rules, found.joint)
    decided = decisions(problem, verdicts, lost, inputs)
    return Plan(
        plan_id=plan_id,
        plan_hash=plan_hash,
        inputs_hash=inputs_sum,
        rules_version=rules_version(inputs.rules),
        planned_at=inputs.as_of,
        allocations=allocated,
        decisions=decided.select(pl.lit(plan_id).alias("plan_id"), pl.all()),
        unfilled=tables.unfilled(problem, verdicts, left, inputs),
        lines=len(problem.lines),
        allocated_lines=allocated.select("order_id", "line_id", "sku").n_unique(),
        unfilled_lines=len(left),
        cost=cost / UNIT,
        bound=least / UNIT,
        gap=(cost - least) / cost if cost else 0.0,
        held=inputs.held,
    )
