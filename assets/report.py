"""Report: marts in Parquet, pages in HTML, and housekeeping. The nightly lane makes them."""

from collections.abc import Sequence
from datetime import UTC, datetime

import dagster as dg

from assets.history import purge
from assets.summary import bars, picture
from oms_pipelines.hub import Hub
from oms_pipelines.stages import housekeeping as chores
from oms_pipelines.stages import report as stage
from oms_pipelines.stages import sharing
from resources import STORE, plainly


def _metadata(done: stage.Reported, drawn: str = "units by day") -> dict:
    found = {"rows": done.rows, "path": dg.MetadataValue.path(done.path.resolve()), **done.totals}
    if done.picture:
        found["picture"] = picture(done.picture, drawn)
    return found


@dg.asset(group_name="report", deps=["returns", "return_receipts"], pool=STORE, kinds={"parquet"})
def returns_statistics(hub: dg.ResourceParam[Hub]) -> dg.MaterializeResult:
    """Returns by day, reason, SKU, channel, location, carrier and initiator."""
    with plainly():
        return dg.MaterializeResult(metadata=_metadata(stage.returns_mart(hub)))


@dg.asset(group_name="report", deps=["orders", "stock_ledger"], pool=STORE, kinds={"parquet"})
def orders_statistics(hub: dg.ResourceParam[Hub]) -> dg.MaterializeResult:
    """Orders by day, channel and status, and the stock by location as it is now."""
    with plainly():
        return dg.MaterializeResult(metadata=_metadata(stage.orders_mart(hub)))


@dg.asset(group_name="report", deps=[returns_statistics], pool=STORE, kinds={"html"})
def returns_page(hub: dg.ResourceParam[Hub]) -> dg.MaterializeResult:
    """The returns page: plots and tables in one file that opens offline."""
    with plainly():
        return dg.MaterializeResult(metadata=_metadata(stage.returns_page(hub)))


@dg.asset(group_name="report", deps=["levels"], pool=STORE, kinds={"html"})
def sharing_page(hub: dg.ResourceParam[Hub]) -> dg.MaterializeResult:
    """Escrow and buffers: shares, quotas, weights, and what buffers cost and save."""
    with plainly():
        return dg.MaterializeResult(metadata=_metadata(sharing.sharing_page(hub), "frontier"))


@dg.asset(group_name="report", deps=["published_levels"], pool=STORE, kinds={"html"})
def levels_page(hub: dg.ResourceParam[Hub]) -> dg.MaterializeResult:
    """The page of levels: where they stand by channel, those not observed yet, alarms."""
    with plainly():
        return dg.MaterializeResult(metadata=_metadata(stage.levels_page(hub)))


@dg.asset(group_name="report", deps=["stock_ledger"], pool=STORE, kinds={"html"})
def drift_page(hub: dg.ResourceParam[Hub]) -> dg.MaterializeResult:
    """Where counts and the ledger differ, why and since when: plots and tables, open offline."""
    with plainly():
        return dg.MaterializeResult(metadata=_metadata(stage.drift_page(hub)))


def housekeeping(checks: Sequence[dg.AssetCheckKey]) -> dg.AssetsDefinition:
    """Make the asset that deletes what was kept long enough; `checks` are all there are."""

    @dg.asset(group_name="report", pool=STORE, kinds={"python"})
    def housekeeping(
        context: dg.AssetExecutionContext, hub: dg.ResourceParam[Hub]
    ) -> dg.MaterializeResult:
        """Old runs, received bytes, inputs of plans, closed alarms and drift deleted as
        `retention` says; the store put in order.
        """
        with plainly():
            tidied = chores.tidy_landing(hub)
            plans = chores.tidy_plans(hub)
            alarms, drift = chores.tidy_stock(hub)
            chores.tidy_store(hub)
            # Dagster dates its runs by the machine's clock, whatever the hub's clock says
            purged = purge(context.instance, datetime.now(UTC) - hub.oms.retention.runs, checks)
        deleted = sorted((f"{s}/{t}", n) for (s, t), n in tidied.deleted.items())
        return dg.MaterializeResult(
            metadata={
                "runs deleted": purged.deleted,
                "old runs kept": purged.kept,
                "inputs of plans deleted": plans,
                "closed alarms deleted": alarms,
                "closed drift deleted": drift,
                "orphan files swept": tidied.swept,
                "batches deleted": sum(n for _, n in deleted),
                "batches deleted by stream": bars(deleted),
                "landing kept since": str(tidied.first_day or "the beginning"),
                "landing kept longer for": tidied.kept_for or "nothing",
            }
        )

    return housekeeping


PAGES = [returns_page, sharing_page, levels_page, drift_page]
ASSETS = [returns_statistics, orders_statistics, *PAGES]
