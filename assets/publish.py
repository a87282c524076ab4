"""Publish: keep the promises of the outbox. Every asset reads the quality gates first."""

import dagster as dg

from assets.plan import STORE, levels
from assets.summary import table
from oms_pipelines.hub import Hub
from oms_pipelines.stages import publish as stage


@dg.asset(group_name="publish", deps=[levels], pool=STORE, kinds={"csv"})
def dispatch_files(hub: dg.ResourceParam[Hub]) -> dg.MaterializeResult:
    """Files for warehouses, partners and stores, with manifests; each line in exactly one."""
    stage.require_open(hub, "orders", "order_lines")
    done = stage.dispatch(hub)
    hub.results["dispatch"] = done
    if done.written.failed:
        raise dg.Failure("; ".join(f"{place}: {why}" for place, why in done.written.failed.items()))
    return dg.MaterializeResult(
        metadata={
            "files": len(done.written.delivered),
            "names": table([{"file": name} for name in done.written.delivered]),
            "fulfillment orders": done.planned.fulfillment_orders,
            "acknowledgements overdue": done.overdue,
        }
    )


@dg.asset(group_name="publish", deps=[levels], pool=STORE, kinds={"api"})
def published_levels(
    context: dg.AssetExecutionContext, hub: dg.ResourceParam[Hub]
) -> dg.MaterializeResult:
    """Stock levels sent to the channels, acknowledged, and read back."""
    stage.require_open(hub, "stock_counts", "orders")
    done = stage.send_levels(hub, full="oms/full_levels" in context.run.tags)
    hub.results["published"] = done
    rows = [
        {
            "channel": r.channel_id,
            "sent": r.sent,
            "accepted": r.accepted,
            "rejected": r.rejected,
            "unsettled": r.unsettled,
            "error": r.error,
        }
        for r in done
    ]
    return dg.MaterializeResult(
        metadata={"channels": table(rows), "failed channels": sum(bool(r.error) for r in done)}
    )


@dg.asset(group_name="publish", deps=[dispatch_files], pool=STORE, kinds={"api", "email"})
def told(hub: dg.ResourceParam[Hub]) -> dg.MaterializeResult:
    """Acceptances and tracking to channels, messages to customers: each once."""
    stage.require_open(hub, "orders")
    done = stage.tell(hub)
    hub.results["told"] = done
    rows = [
        {
            "kind": r.kind,
            "to": r.destination,
            "accepted": r.accepted,
            "waiting": r.waiting,
            "rejected": r.rejected,
            "error": r.error,
        }
        for r in done
    ]
    return dg.MaterializeResult(metadata={"deliveries": table(rows)})


@dg.asset(group_name="publish", deps=[levels], pool=STORE, kinds={"csv"})
def erp_orders(hub: dg.ResourceParam[Hub]) -> dg.MaterializeResult:
    """Consolidated orders exported for the ERP."""
    stage.require_open(hub, "orders")
    count = stage.export(hub)
    hub.results["erp"] = count
    return dg.MaterializeResult(metadata={"orders": count})
