"""Keep a plan: its row, its reasons, and the fulfillment orders it makes."""

from datetime import datetime

import polars as pl

from oms_pipelines.routing.model import TIME, Plan
from oms_pipelines.store.base import Session

_SAFE = r"^[a-z0-9_]+-[A-Za-z0-9_.-]+$"


def fulfillment_ids(allocations: pl.DataFrame, plan_id: str) -> pl.Series:
    """Return a fo_id for each row: order, plan and part, of letters, digits and `_.-` only.

    Two orders never share one: an order key with other characters is spelled in hex besides.
    """
    plain = pl.col("order_id").str.replace("/", "-", literal=True)
    cleaned = plain.str.replace_all(r"[^A-Za-z0-9_.-]", "_")
    spelled = pl.format("{}-{}", cleaned, pl.col("order_id").str.encode("hex"))
    order = pl.when(plain.str.contains(_SAFE)).then(plain).otherwise(spelled)
    short = pl.lit(plan_id.rsplit("-", 1)[-1])
    return allocations.select(
        pl.format("{}-{}-{}", order, short, pl.col("part") + 1).alias("fo_id")
    ).to_series()


def fulfillment_frames(plan: Plan, now: datetime) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return fulfillment_orders and fulfillment_lines of a plan, state `planned`."""
    rows = plan.allocations.with_columns(fulfillment_ids(plan.allocations, plan.plan_id))
    columns = ["fo_id", "order_id", "location_id", "ship_by", "service", "carrier_id"]
    none = pl.lit(None, pl.String)
    orders = rows.select(columns).unique("fo_id").sort("fo_id").with_columns(
        pl.lit("planned").alias("state"),
        pl.lit(plan.plan_id).alias("plan_id"),
        none.alias("file_name"),
        none.alias("cancel_file_name"),
        pl.lit(now).cast(TIME).alias("planned_at"),
        pl.lit(None, TIME).alias("dispatched_at"),
        pl.lit(None, TIME).alias("closed_at"),
    )  # fmt: skip
    lines = rows.select(
        "fo_id", "line_id", "sku", "quantity",
        pl.lit(0, pl.Int64).alias("shipped_quantity"),
        pl.lit(0, pl.Int64).alias("refused_quantity"),
        none.alias("refusal_reason"),
        "bill_id",
    )  # fmt: skip
    return orders, lines


def store_plan(session: Session, plan: Plan, now: datetime) -> bool:
    """Write a plan, its decisions, and its fulfillment orders; return whether it was new.

    A plan that gives nothing to anybody for the same reasons as the one before is not
    written again. Writing one plan twice changes nothing.
    """
    if _nothing_new(session, plan):
        return False
    row = {
        "plan_id": plan.plan_id, "plan_hash": plan.plan_hash, "inputs_hash": plan.inputs_hash,
        "rules_version": plan.rules_version, "planned_at": plan.planned_at, "lines": plan.lines,
        "allocated_lines": plan.allocated_lines, "unfilled_lines": plan.unfilled_lines,
        "cost": plan.cost, "bound": plan.bound, "gap": plan.gap,
    }  # fmt: skip
    orders, lines = fulfillment_frames(plan, now)
    times = {"planned_at": TIME, "bound": pl.Float64, "gap": pl.Float64}
    session.insert_new("plans", pl.DataFrame([row], schema_overrides=times))
    session.insert_new("decisions", plan.decisions)
    session.insert_new("fulfillment_orders", orders)
    session.insert_new("fulfillment_lines", lines)
    return True


def _nothing_new(session: Session, plan: Plan) -> bool:
    if not plan.lines:
        return True
    last = session.query("routing/newest_plan")
    if plan.allocated_lines or last.is_empty():
        return False
    before = last.row(0, named=True)
    if before["allocated_lines"] or before["lines"] != plan.lines:
        return False
    told = session.query("routing/decisions_of", plan_id=before["plan_id"])
    keys = ["order_id", "part", "location_id"]
    mine = plan.decisions.drop("plan_id").select(told.columns).cast(dict(told.schema)).sort(keys)
    return mine.equals(told.sort(keys))
