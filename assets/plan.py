"""Plan: the ledger, the allocations, the levels. Pure decisions, stored with their reasons."""

import dagster as dg

from assets.summary import bars, picture, table
from assets.tags import FULL
from oms_pipelines.hub import Hub
from oms_pipelines.routing import Plan, replaced_lines
from oms_pipelines.stages import plan as stage
from oms_pipelines.stages.plan_page import Drawn, draw_made
from resources import STORE, plainly


@dg.asset(
    group_name="plan",
    deps=["orders", "refunds", "stock_counts", "shipments", "return_receipts"],
    pool=STORE,
    kinds={"sql"},
)
def stock_ledger(hub: dg.ResourceParam[Hub]) -> dg.MaterializeResult:
    """Double-entry movements of stock, brought to what orders, locations and counts say."""
    with plainly():
        posted = stage.post_ledger(hub)
        drift = stage.open_drift(hub)
    hub.results["ledger"] = posted
    oldest = min((row["oldest"] for row in drift if row["state"] == "drift"), default=None)
    return dg.MaterializeResult(
        metadata={
            "movements": posted.movements,
            "corrections by counts": posted.corrections,
            "open drift by cause, in units": bars([(r["cause"], r["units"]) for r in drift]),
            "oldest open drift": f"found {oldest:%Y-%m-%d %H:%M} UTC" if oldest else "none",
        }
    )


@dg.asset(group_name="plan", deps=[stock_ledger], pool=STORE, kinds={"polars"})
def allocations(hub: dg.ResourceParam[Hub]) -> dg.MaterializeResult:
    """Which location ships each open order line, and why."""
    with plainly():
        plan = stage.allocate(hub)
        page = draw_made(hub, plan) if hub.results["plan_stored"] else None
    hub.results |= {"plan": plan, "plan_page": page}
    shadow = hub.results["shadow"]
    by_place = plan.allocations.group_by("location_id").len("lines").sort("location_id")
    why = plan.unfilled.group_by("reason").len("lines").sort("lines", descending=True)
    return dg.MaterializeResult(
        metadata={
            "plan": plan.plan_id if hub.results["plan_stored"] else "as before: nothing new",
            "plan hash": plan.plan_hash,
            "lines": plan.lines,
            "allocated lines": plan.allocated_lines,
            "waiting lines": plan.unfilled_lines,
            "cost": round(plan.cost, 2),
            "gap to the bound, %": round(100 * (plan.gap or 0), 2),
            "lines by location": bars(by_place.rows()),
            "why lines wait": table(why.to_dicts()),
            **_again(plan),
            **({} if shadow is None else {"shadow": shadow.told}),
            **({} if page is None else _shown(page)),
        }
    )


def _shown(page: Drawn) -> dict[str, dg.MetadataValue]:
    """Return where the page of a plan lies, and its smaller picture."""
    return {
        "page": dg.MetadataValue.path(page.path.resolve()),
        "parcels from channels by locations to countries": picture(page.picture, "flows"),
    }


def _again(plan: Plan) -> dict[str, int]:
    """Return how many parts were planned again, and changed, where any were."""
    if plan.held.is_empty():
        return {}
    changed = replaced_lines(plan)["fo_id"].n_unique()
    return {"parts planned again": plan.held["fo_id"].n_unique(), "of them changed": changed}


@dg.asset(group_name="plan", deps=[allocations], pool=STORE, kinds={"polars"})
def levels(context: dg.AssetExecutionContext, hub: dg.ResourceParam[Hub]) -> dg.MaterializeResult:
    """The stock level every channel should show, from what can be promised."""
    with plainly():
        computed = stage.levels(hub, full=FULL in context.run.tags)
    hub.results["levels"] = computed
    changed = sorted(computed.changed.items())
    return dg.MaterializeResult(
        metadata={
            "changed levels": sum(n for _, n in changed),
            "changed by channel": bars(changed),
            "news promised": computed.promised,
        }
    )


ASSETS = [stock_ledger, allocations, levels]
