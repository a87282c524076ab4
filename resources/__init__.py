"""Dagster resources: what an asset needs from outside."""

from resources.hub import hub_resource

__all__ = ["hub_resource"]
