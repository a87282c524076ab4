"""Report: marts in Parquet and pages in HTML. The nightly lane and `oms sync --full` make them."""

import base64

import dagster as dg

from assets.plan import STORE
from oms_pipelines.hub import Hub
from oms_pipelines.stages import report as stage


def _metadata(done: stage.Reported) -> dict:
    found = {
        "rows": done.rows,
        "path": dg.MetadataValue.path(str(done.path.resolve())),
        "open": dg.MetadataValue.url(done.path.resolve().as_uri()),
        **done.totals,
    }
    if done.picture:
        data = base64.b64encode(done.picture.encode()).decode()
        found["picture"] = dg.MetadataValue.md(f"![units by day](data:image/svg+xml;base64,{data})")
    return found


@dg.asset(group_name="report", deps=["returns", "return_receipts"], pool=STORE, kinds={"parquet"})
def returns_statistics(hub: dg.ResourceParam[Hub]) -> dg.MaterializeResult:
    """Returns by day, reason, SKU, channel, location, carrier and initiator."""
    return dg.MaterializeResult(metadata=_metadata(stage.returns_mart(hub)))


@dg.asset(group_name="report", deps=["orders", "stock_ledger"], pool=STORE, kinds={"parquet"})
def orders_statistics(hub: dg.ResourceParam[Hub]) -> dg.MaterializeResult:
    """Orders by day, channel and status, and the stock by location as it is now."""
    return dg.MaterializeResult(metadata=_metadata(stage.orders_mart(hub)))


@dg.asset(group_name="report", deps=[returns_statistics], pool=STORE, kinds={"html"})
def returns_page(hub: dg.ResourceParam[Hub]) -> dg.MaterializeResult:
    """The returns page: plots and tables in one file that opens offline."""
    return dg.MaterializeResult(metadata=_metadata(stage.returns_page(hub)))


ASSETS = [returns_statistics, orders_statistics, returns_page]
