"""The opened hub as a Dagster resource: configuration, store, landing zone, adapters, clock."""

import dagster as dg

from oms_pipelines.hub import Hub
from resources.failures import plainly

STORE = "store"  # pool of what opens the store: one run at a time, the embedded one has one writer


@dg.resource(description="The hub of OMS_CONFIG (oms.yaml): store, sources, destinations, clock.")
def hub_resource(context: dg.InitResourceContext) -> Hub:
    """Open the hub of `OMS_CONFIG`; progress goes to the run's log."""
    with plainly():
        hub = Hub.open()
    if context.log is not None:
        hub.said = context.log.info
    return hub
