"""Carriers: one file a system. `open_carrier(settings)` gives its adapter."""

import pkgutil
from importlib import import_module

from oms_pipelines.config import Carrier as CarrierSettings
from oms_pipelines.errors import Misconfigured
from oms_pipelines.logistics.carriers.base import Carrier

__all__ = ["Carrier", "open_carrier", "systems"]


def systems() -> tuple[str, ...]:
    """Return the systems there is an adapter for: the files of this package."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules(__path__) if m.name != "base"))


def open_carrier(settings: CarrierSettings) -> Carrier:
    """Return the adapter of a carrier: `carriers/<system>.py`'s `connect(settings)`.

    Raises Misconfigured when there is no such system, or its settings are wrong.
    """
    if settings.system not in systems():
        there = ", ".join(systems())
        raise Misconfigured(
            [f"carrier {settings.id}: no system {settings.system!r}; there are {there}"]
        )
    return import_module(f"{__name__}.{settings.system}").connect(settings)
