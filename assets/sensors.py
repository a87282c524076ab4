"""The sensor that starts a tick when files have come in."""

import hashlib
from collections.abc import Iterator

import dagster as dg

from assets.jobs import LONGEST, TICK
from assets.partitions import Days, today
from oms_pipelines import clock
from oms_pipelines.config import Oms
from oms_pipelines.errors import OmsError
from oms_pipelines.logistics.transport import open_folder
from oms_pipelines.stages.extract import LOCATION_STREAMS
from resources import plainly


def sensors(oms: Oms, partitions: Days) -> list[dg.SensorDefinition]:
    """Return the sensor of inbound files. It starts switched off: ops switch it on."""

    @dg.sensor(
        job_name="tick",
        name="inbound_files",
        minimum_interval_seconds=60,
        description="Starts a tick when files lie in the folder of a location or a channel.",
    )
    def inbound_files(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        """Start a tick when files wait that did not wait before."""
        waiting = sorted(_waiting(oms))
        seen = hashlib.sha256("|".join(waiting).encode()).hexdigest() if waiting else ""
        if not waiting:
            # the same names may come again: what was seen is forgotten once it is gone
            context.update_cursor("")
            return dg.SkipReason("no files wait")
        if seen == context.cursor:
            return dg.SkipReason(f"{len(waiting)} files wait; a tick was started for them")
        with plainly():
            day = today(partitions, clock.now(oms))
            request = dg.RunRequest(partition_key=day, tags={**TICK, **LONGEST})
        return dg.SensorResult(run_requests=[request], cursor=seen)

    return [inbound_files]


def _folders(oms: Oms) -> Iterator[tuple[str, str, str]]:
    """Yield the source, folder and pattern of every source that gives files."""
    for location in oms.locations:
        for name in LOCATION_STREAMS.values():
            inbound = getattr(location, name)
            if inbound is not None:
                yield f"{location.id}/{name}", inbound.source, inbound.pattern
    if oms.returns.drop is not None:
        yield "returns", oms.returns.drop.source, oms.returns.drop.pattern
    for channel in oms.channels:
        if channel.system == "file" and "folder" in channel.options:
            yield channel.id, channel.options["folder"], channel.options.get("pattern") or "*"


def _waiting(oms: Oms) -> Iterator[str]:
    for source, folder, pattern in _folders(oms):
        try:
            found = open_folder(folder).incoming(pattern)
        except OmsError:
            continue  # a folder that is down is told by the extraction's own check
        yield from (f"{source}/{name}" for name in found)
