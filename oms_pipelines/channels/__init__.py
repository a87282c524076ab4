"""Sales channels: one file a system. `open_channel(settings)` gives its adapter."""

import pkgutil
import sys
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from oms_pipelines.channels.base import Channel
from oms_pipelines.config import Channel as ChannelSettings
from oms_pipelines.errors import Misconfigured

ENTRY_POINTS = "oms_pipelines.channels"


def systems() -> tuple[str, ...]:
    """Return the systems there is an adapter for: files of this package, then plug-ins."""
    own = {
        m.name
        for m in pkgutil.iter_modules(__path__)
        if m.name != "base" and not m.name.startswith("_")
    }
    return tuple(sorted(own | plug_ins().keys()))


def plug_ins() -> dict[str, EntryPoint]:
    """Return the adapters that other packages bring, by system."""
    return _plugged(tuple(sys.path))


@cache
def _plugged(path: tuple[str, ...]) -> dict[str, EntryPoint]:
    """Return the plug-ins found on a path: to look through every distribution takes 30 ms."""
    return {e.name: e for e in entry_points(group=ENTRY_POINTS)}


def open_channel(settings: ChannelSettings, profiles: dict | None = None) -> Channel:
    """Return the adapter of a channel: `channels/<system>.py`'s `connect(settings, profiles)`.

    Raises Misconfigured when there is no such system, or its options are wrong.
    """
    if settings.system not in systems():
        known = ", ".join(systems())
        raise Misconfigured(
            [f"channel {settings.id}: no system {settings.system!r}; there are {known}"]
        )
    plugged = plug_ins()
    if settings.system in plugged:
        connect = plugged[settings.system].load()
    else:
        connect = import_module(f"oms_pipelines.channels.{settings.system}").connect
    return connect(settings, profiles or {})
