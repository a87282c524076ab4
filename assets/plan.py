"""Plan: the ledger, the allocations, the levels. Pure decisions, stored with their reasons."""

import dagster as dg

from assets.summary import table
from oms_pipelines.hub import Hub
from oms_pipelines.stages import plan as stage

STORE = "store"


@dg.asset(group_name="plan", deps=["orders"], pool=STORE, kinds={"sql"})
def stock_ledger(hub: dg.ResourceParam[Hub]) -> dg.MaterializeResult:
    """Double-entry movements of stock, brought to what orders, locations and counts say."""
    posted = stage.post_ledger(hub)
    hub.results["ledger"] = posted
    return dg.MaterializeResult(
        metadata={"movements": posted.movements, "corrections by counts": posted.corrections}
    )


@dg.asset(group_name="plan", deps=[stock_ledger], pool=STORE, kinds={"polars"})
def allocations(hub: dg.ResourceParam[Hub]) -> dg.MaterializeResult:
    """Which location ships each open order line, and why."""
    plan = stage.allocate(hub)
    hub.results["plan"] = plan
    by_place = plan.allocations.group_by("location_id").len("lines").sort("location_id")
    why = plan.unfilled.group_by("reason").len("lines").sort("lines", descending=True)
    return dg.MaterializeResult(
        metadata={
            "plan": plan.plan_id,
            "plan hash": plan.plan_hash,
            "lines": plan.lines,
            "allocated lines": plan.allocated_lines,
            "waiting lines": plan.unfilled_lines,
            "lines by location": table(by_place.to_dicts()),
            "why lines wait": table(why.to_dicts()),
        }
    )


@dg.asset(group_name="plan", deps=[allocations], pool=STORE, kinds={"polars"})
def levels(hub: dg.ResourceParam[Hub]) -> dg.MaterializeResult:
    """The stock level every channel should show, from what can be promised."""
    computed = stage.levels(hub)
    hub.results["levels"] = computed
    rows = [{"channel": c, "changed": n} for c, n in sorted(computed.changed.items())]
    return dg.MaterializeResult(
        metadata={"changed levels": table(rows), "news promised": computed.promised}
    )
