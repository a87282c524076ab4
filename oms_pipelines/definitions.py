"""The composition root: every asset, check, job, schedule and sensor of the code location.

The only module of the engine that knows Dagster. Asset keys are made from `oms.yaml`, so a
wrong configuration stops the code location with every fault and its path.
"""

import dagster as dg

from assets import checks, consolidate, extract, jobs, plan, publish, report
from oms_pipelines import config
from oms_pipelines.config import Oms
from resources import hub_resource


def all_assets(oms: Oms) -> list[dg.AssetsDefinition]:
    """Return the assets of a configuration, in the order of the route."""
    return [
        extract.extraction(oms),
        consolidate.consolidated,
        plan.stock_ledger,
        plan.allocations,
        plan.levels,
        publish.dispatch_files,
        publish.published_levels,
        publish.told,
        publish.erp_orders,
        *report.ASSETS,
    ]


def definitions(oms: Oms) -> dg.Definitions:
    """Return the code location of a configuration."""
    return dg.Definitions(
        assets=all_assets(oms),
        asset_checks=checks.CHECKS,
        jobs=jobs.jobs(oms),
        schedules=jobs.schedules(oms),
        sensors=jobs.sensors(oms),
        resources={"hub": hub_resource},
        # the default executor starts a process a step: fifteen times slower here
        executor=dg.in_process_executor,
    )



@dg.definitions
def defs() -> dg.Definitions:
    """Load the code location of `OMS_CONFIG`. Raises Misconfigured with every fault."""
    return definitions(config.load())
