"""The composition root: every asset, check, job, schedule and sensor of the code location.

The only module of the engine that knows Dagster. Asset keys are made from `oms.yaml`, so a
wrong configuration stops the code location with every fault and its path.
"""

import dagster as dg

from assets import checks, consolidate, extract, jobs, plan, publish, report, sensors
from assets.partitions import Days, days
from oms_pipelines import config
from oms_pipelines.config import Oms
from oms_pipelines.faults import require_sound
from oms_pipelines.hub import Hub
from resources import hub_resource

OWNERS = {  # who is asked about the assets of a stage
    "extract": "team:ops",
    "consolidate": "team:data",
    "plan": "team:ops",
    "publish": "team:erp_wms",
    "report": "team:data",
}


def all_assets(oms: Oms, partitions: Days) -> list[dg.AssetsDefinition]:
    """Return the assets of a configuration, in the order of the route."""
    found = [
        extract.extraction(oms, partitions),
        consolidate.consolidated,
        *plan.ASSETS,
        *publish.ASSETS,
        *report.ASSETS,
    ]
    known = [key for asset in (*found, *checks.CHECKS) for key in asset.check_keys]
    return [asset.map_asset_specs(_owned) for asset in (*found, report.housekeeping(known))]


def _owned(spec: dg.AssetSpec) -> dg.AssetSpec:
    stage = spec.group_name or "report"
    return spec.replace_attributes(owners=[OWNERS[stage]], tags={**spec.tags, "oms/stage": stage})


def definitions(oms: Oms, hub: Hub | None = None) -> dg.Definitions:
    """Return the code location of a configuration, on a hub opened already if there is one."""
    partitions = days(oms)
    return dg.Definitions(
        assets=all_assets(oms, partitions),
        asset_checks=checks.CHECKS,
        jobs=jobs.jobs(oms),
        schedules=jobs.schedules(oms, partitions),
        sensors=sensors.sensors(oms, partitions),
        resources={"hub": hub or hub_resource},
        # the default executor starts a process a step: fifteen times slower here
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Load the code location of `OMS_CONFIG`. Raises Misconfigured with every fault."""
    oms = config.load()
    require_sound(oms, data=False)
    return definitions(oms)
