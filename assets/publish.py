"""Publish: keep the promises of the outbox. Every asset reads the quality gates first.

A destination that is down fails its asset's check and is tried again by the next run; the
others get what is theirs.
"""

import dagster as dg

from assets.plan import levels
from assets.summary import fault, table
from assets.tags import FULL
from oms_pipelines.hub import Hub
from oms_pipelines.stages import publish as stage
from resources import STORE, plainly

DELIVERED = "delivered"
GATES = {  # what each asset sends out, and the verdicts that must be open for it
    "dispatch_files": ("orders", "order_lines", "fulfillment_lines"),
    "published_levels": ("orders", "order_lines", "stock_counts", "fulfillment_lines", "levels"),
    "tracking_and_messages": ("orders", "shipments"),
    "erp_orders": ("orders", "order_lines", "refunds"),
}


def _delivered(asset: str) -> list[dg.AssetCheckSpec]:
    told = "Every destination answered, and refused nothing."
    return [dg.AssetCheckSpec(DELIVERED, asset=asset, description=told)]


@dg.asset(
    group_name="publish",
    deps=[levels, "file_acknowledgements", "returns"],
    pool=STORE,
    kinds={"csv"},
    check_specs=_delivered("dispatch_files"),
)
def dispatch_files(hub: dg.ResourceParam[Hub]) -> dg.MaterializeResult:
    """Files for warehouses, partners and stores, with manifests; each line in exactly one."""
    with plainly():
        stage.require_open(hub, *GATES["dispatch_files"])
        done = stage.dispatch(hub)
    hub.results["dispatch"] = done
    errors = [f"{place}: {why}" for place, why in done.written.failed.items()]
    late = f"{done.overdue} acknowledgements are overdue" if done.overdue else None
    return dg.MaterializeResult(
        metadata={
            "files": len(done.written.delivered),
            "names": table([{"file": name} for name in done.written.delivered]),
            "fulfillment orders": done.planned.fulfillment_orders,
            "acknowledgements overdue": done.overdue,
            "folder": dg.MetadataValue.path((hub.output / "files").resolve()),
        },
        check_results=[fault(DELIVERED, "dispatch_files", errors, late)],
    )


@dg.asset(
    group_name="publish",
    deps=[levels],
    pool=STORE,
    kinds={"api"},
    check_specs=_delivered("published_levels"),
)
def published_levels(
    context: dg.AssetExecutionContext, hub: dg.ResourceParam[Hub]
) -> dg.MaterializeResult:
    """Stock levels sent to the channels, acknowledged, and read back."""
    with plainly():
        stage.require_open(hub, *GATES["published_levels"])
        done = stage.send_levels(hub, full=FULL in context.run.tags)
    hub.results["published"] = done
    rows = [
        {
            "channel": r.channel_id,
            "sent": r.sent,
            "accepted": r.accepted,
            "rejected": r.rejected,
            "unsettled": r.unsettled,
            "read back": r.read,
            "suspects": r.suspects,
            "new alarms": r.alarms,
            "error": r.error,
        }
        for r in done
    ]
    standing = stage.standing(hub)
    open_alarms = sum(r["alarms"] for r in standing)
    errors = [f"{r.channel_id}: {r.error}" for r in done if r.error]
    doubts = [_refused(sum(r.rejected for r in done), "levels"), _shown(open_alarms)]
    doubt = "; ".join(d for d in doubts if d) or None
    return dg.MaterializeResult(
        metadata={
            "channels": table(rows),
            "standing (ages in minutes, delays in seconds)": table(standing),
            "sent": sum(r.sent for r in done),
            "accepted": sum(r.accepted for r in done),
            "observed": sum(r["observed"] for r in standing),
            "suspects": sum(r.suspects for r in done),
            "open alarms": open_alarms,
            "oldest unobserved (minutes)": max(
                (r["oldest_unobserved"] or 0.0 for r in standing), default=0.0
            ),
            "failed channels": len(errors),
        },
        check_results=[fault(DELIVERED, "published_levels", errors, doubt)],
    )


@dg.asset(
    group_name="publish",
    deps=[dispatch_files, "shipments", "tracking_events"],
    pool=STORE,
    kinds={"api", "email"},
    check_specs=_delivered("tracking_and_messages"),
)
def tracking_and_messages(hub: dg.ResourceParam[Hub]) -> dg.MaterializeResult:
    """Acceptances and tracking to channels, messages to customers: each once."""
    with plainly():
        stage.require_open(hub, *GATES["tracking_and_messages"])
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
    errors = [f"{r.kind} to {r.destination}: {r.error}" for r in done if r.error]
    refused = sum(r.rejected for r in done)
    return dg.MaterializeResult(
        metadata={"deliveries": table(rows), "accepted": sum(r.accepted for r in done)},
        check_results=[
            fault(DELIVERED, "tracking_and_messages", errors, _refused(refused, "deliveries"))
        ],
    )


def _shown(alarms: int) -> str | None:
    return f"{alarms} levels are not what their channel accepted" if alarms else None


def _refused(count: int, what: str) -> str | None:
    return f"{count} {what} were refused" if count else None


@dg.asset(group_name="publish", deps=[levels], pool=STORE, kinds={"csv"})
def erp_orders(hub: dg.ResourceParam[Hub]) -> dg.MaterializeResult:
    """Consolidated orders exported for the ERP."""
    with plainly():
        stage.require_open(hub, *GATES["erp_orders"])
        count = stage.export(hub)
    hub.results["erp"] = count
    return dg.MaterializeResult(metadata={"orders": count})


ASSETS = [dispatch_files, published_levels, tracking_and_messages, erp_orders]
