"""A second set of rules beside the live one: its plan is kept and compared, never carried out."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from oms_pipelines.config import Oms
from oms_pipelines.errors import OmsError
from oms_pipelines.routing.measure import measured
from oms_pipelines.routing.model import Inputs, Plan, rules_version
from oms_pipelines.routing.rule_sets import RuleSet, read_rules, under
from oms_pipelines.routing.solve import plan
from oms_pipelines.store import frames
from oms_pipelines.store.base import Session

LINE = ["order_id", "line_id", "sku", "location_id"]


@dataclass(frozen=True)
class Shadow:
    """A plan beside a live one: a row of `shadow_plans`, and rows of `shadow_lines`."""

    row: dict
    lines: pl.DataFrame

    @property
    def told(self) -> str:
        """Return the comparison in a line."""
        r = self.row
        if r["error"]:
            return f"{r['rules']} made no plan: {r['error']}"
        return (
            f"{r['rules']}: {r['moved_orders']} orders elsewhere, "
            f"{r['allocated_lines']} lines given (live {r['live_allocated_lines']}), "
            f"{r['parcels']} parcels (live {r['live_parcels']}), "
            f"cost {r['cost']:.2f} (live {r['live_cost']:.2f})"
        )


def shadowed(inputs: Inputs, made: Plan, rules: RuleSet) -> Shadow:
    """Plan inputs by other rules, and hold the plan against the live one. Pure."""
    other = plan(under(inputs, rules))
    ours, theirs = (measured(inputs, x.allocations) for x in (made, other))
    lines = _apart(made, other)
    row = _begun(made, rules.name) | {
        "live_cost": ours["cost"].sum(),
        "live_km": ours["km"].sum(),
        "rules_version": rules_version(rules.rules),
        "plan_hash": other.plan_hash,
        "allocated_lines": other.allocated_lines,
        "moved_orders": lines["order_id"].n_unique(),
        "parcels": len(theirs),
        "cost": theirs["cost"].sum(),
        "km": theirs["km"].sum(),
    }
    return Shadow(row, lines)


def beside(inputs: Inputs, made: Plan, oms: Oms) -> Shadow | None:
    """Return the shadow of a plan, where `routing.shadow` names one; of a failure, its error."""
    if oms.routing.shadow is None:
        return None
    file = Path(oms.routing.shadow)
    try:
        return shadowed(inputs, made, read_rules(file, oms))
    except Exception as e:  # whatever fails here, the live plan stands
        # the text of an error nobody foresaw may hold personal data
        error = str(e) if isinstance(e, OmsError) else type(e).__name__
        row = _begun(made, file.stem) | {"error": error}
        return Shadow(row, frames.empty("shadow_lines"))


def store_shadow(session: Session, shadow: Shadow) -> None:
    """Keep a shadow and what it would ship otherwise. Writing it twice changes nothing."""
    kinds = frames.dtypes("shadow_plans")
    row = pl.DataFrame([{c: shadow.row.get(c) for c in kinds}], schema=kinds)
    session.insert_new("shadow_plans", row)
    session.insert_new("shadow_lines", shadow.lines)


def _begun(made: Plan, name: str) -> dict:
    """Return what of a row is known without the shadow."""
    return {
        "plan_id": made.plan_id,
        "planned_at": made.planned_at,
        "rules": name,
        "error": None,
        "lines": made.lines,
        "live_allocated_lines": made.allocated_lines,
        "live_parcels": made.allocations.select("order_id", "part").n_unique(),
        "live_cost": made.cost,
    }


def _apart(made: Plan, other: Plan) -> pl.DataFrame:
    """Return the rows of `shadow_lines` of two plans."""
    live, shadow = (
        x.allocations.group_by(LINE).agg(pl.col("quantity").sum().alias(name))
        for x, name in ((made, "live_quantity"), (other, "quantity"))
    )
    units = pl.col("live_quantity", "quantity").fill_null(0)
    both = live.join(shadow, on=LINE, how="full", coalesce=True).with_columns(units)
    differ = both.filter(pl.col("live_quantity") != pl.col("quantity"))
    lines = both.join(differ, on=LINE[:3], how="semi").sort(LINE)
    return lines.with_columns(plan_id=pl.lit(made.plan_id)).select(
        frames.empty("shadow_lines").columns
    )
