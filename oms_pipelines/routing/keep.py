"""Keep a plan: its row, its reasons, and the fulfillment orders it makes.

Of what was held, a part that the plan makes again as it was keeps its fulfillment order; the others
are canceled in the same transaction.
"""

from datetime import datetime

import polars as pl

from oms_pipelines.errors import Rejected
from oms_pipelines.routing.model import TIME, Plan
from oms_pipelines.store.base import Session

_PART = ["order_id", "location_id", "ship_by", "service", "carrier_id"]
_PRICED = ("score", "change", "rank")  # what of a decision a part that is held moves
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


def _contents(rows: pl.DataFrame, key: str) -> pl.DataFrame:
    """Return one row a part: order, location, when and how it leaves, and all that is in it."""
    line = pl.struct("line_id", "sku", "quantity").struct.json_encode().sort()
    return rows.group_by(key, *_PART).agg(line.str.join().alias("contents"))


def kept_parts(plan: Plan) -> pl.DataFrame:
    """Return the parts that a plan leaves as they were: fo_id, order_id, part."""
    own = plan.allocations.join(plan.held.select("order_id").unique(), on="order_id", how="semi")
    made = own.with_columns(key=pl.format("{}/{}", "order_id", "part"))
    both = _contents(plan.held, "fo_id").join(
        _contents(made, "key"), on=[*_PART, "contents"], nulls_equal=True
    )
    both = both.sort("fo_id").unique("key", keep="first", maintain_order=True)
    parts = made.select("key", "part").unique()
    return both.join(parts, on="key").select("fo_id", "order_id", "part")


def replaced_lines(plan: Plan) -> pl.DataFrame:
    """Return the lines of held parts that a plan does not leave as they were."""
    return plan.held.join(kept_parts(plan), on="fo_id", how="anti")


def fulfillment_frames(plan: Plan, now: datetime) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the fulfillment_orders and fulfillment_lines that a plan adds, state `planned`."""
    new = plan.allocations.join(kept_parts(plan), on=["order_id", "part"], how="anti")
    rows = new.with_columns(fulfillment_ids(new, plan.plan_id))
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

    A plan that gives nothing to anybody, and takes nothing from anybody, for the same reasons as
    the one before is not written again. Writing one plan twice changes nothing. Raises Rejected,
    and the session is to be rolled back, where a part that the plan moves went into a dispatch
    file since.
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
    _replace(session, plan, now)
    session.insert_new("plans", pl.DataFrame([row], schema_overrides=times))
    session.insert_new("decisions", plan.decisions)
    session.insert_new("fulfillment_orders", orders)
    session.insert_new("fulfillment_lines", lines)
    return True


def _replace(session: Session, plan: Plan, now: datetime) -> None:
    parts = replaced_lines(plan).select("fo_id").unique()
    if parts.is_empty() or session.query("routing/plan_known", plan_id=plan.plan_id).height:
        return
    session.frame("tmp_replanned", parts)
    if session.run("routing/cancel_replanned", now=now) != parts.height:
        raise Rejected(
            f"plan {plan.plan_id}: a part that it moves went into a dispatch file while it was "
            "made; nothing of it is stored, and the next sync plans again"
        )


def _nothing_new(session: Session, plan: Plan) -> bool:
    if not plan.lines:
        return True
    last = session.query("routing/newest_plan")
    if plan.held.height:
        return not last.is_empty() and _as_before(session, plan, last.item(0, "plan_id"))
    if plan.allocated_lines or last.is_empty():
        return False
    before = last.row(0, named=True)
    if before["allocated_lines"] or before["lines"] != plan.lines:
        return False
    told = session.query("routing/decisions_of", plan_id=before["plan_id"])
    return _same(told, plan.decisions)


def _as_before(session: Session, plan: Plan, last: str) -> bool:
    """Tell whether all that is held stays, and the rest waits for the reasons of the last plan."""
    kept = kept_parts(plan)
    parts = plan.allocations.select("order_id", "part").unique()
    if replaced_lines(plan).height or parts.height != kept.height:
        return False
    told = session.query("routing/decisions_of", plan_id=last).drop(_PRICED)
    waits = plan.unfilled.select("order_id").unique()
    mine = plan.decisions.join(waits, on="order_id", how="semi")
    return _same(told.join(waits, on="order_id", how="semi"), mine)


def _same(told: pl.DataFrame, decisions: pl.DataFrame) -> bool:
    keys = ["order_id", "part", "location_id"]
    mine = decisions.select(told.columns).cast(dict(told.schema)).sort(keys)
    return mine.equals(told.sort(keys))
