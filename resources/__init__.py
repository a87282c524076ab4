"""Dagster resources: what an asset needs from outside."""

from resources.failures import plainly
from resources.hub import STORE, hub_resource

__all__ = ["STORE", "hub_resource", "plainly"]
