"""Jobs ops start, schedules by lane, and the sensor that sees inbound files."""

from collections.abc import Iterator

import dagster as dg

from assets.extract import LIVE, days, key_of
from oms_pipelines import clock
from oms_pipelines.config import Oms
from oms_pipelines.errors import OmsError
from oms_pipelines.hub import Hub
from oms_pipelines.logistics.transport import open_folder
from oms_pipelines.returns.announce import Announcement, announce
from oms_pipelines.stages.extract import LOCATION_STREAMS, sources

FULL = "oms/full_levels"  # run tag: publish every level, changed or not
LANE = "oms/lane"  # run tag the queue limits to one tick at a time
TICK = dg.AssetSelection.groups("extract", "consolidate", "plan", "publish")


class ReturnForm(dg.Config):
    """What ops fill in to announce a return."""

    order: str
    reason: str
    lines: list[str] = []
    text: str = ""
    initiator: str = "customer"
    carrier: str = ""
    tracking_number: str = ""
    location: str = ""


@dg.op(description="Announce a return: the warehouse is told by the next tick.")
def announce_return(
    context: dg.OpExecutionContext, config: ReturnForm, hub: dg.ResourceParam[Hub]
) -> None:
    """Announce one return from the form; `lines` as LINE or LINE=QUANTITY, empty is all."""
    made = announce(
        hub,
        Announcement(
            order=config.order,
            reason=config.reason,
            lines=tuple(config.lines),
            text=config.text or None,
            initiator=config.initiator,
            carrier_id=config.carrier or None,
            tracking_number=config.tracking_number or None,
            location_id=config.location or None,
        ),
    )
    context.log.info(
        f"announced {made.return_id}: {made.quantity} units, expected at {made.location_id}"
    )
    context.add_output_metadata(
        {
            "return": made.return_id,
            "rma": made.rma,
            "units": made.quantity,
            "expected at": made.location_id or "",
        }
    )


@dg.job(
    name="announce_return",
    description="Announce a return by its form; the warehouse is told by the next tick.",
    executor_def=dg.in_process_executor,
)
def announce_return_job():
    """Announce a return."""
    announce_return()


def jobs(oms: Oms) -> list:
    """Return the jobs: the tick, the nightly lane, the quality checks, the returns form."""
    checks = dg.AssetSelection.all_asset_checks() - dg.AssetSelection.checks_for_assets(
        *[key_of(s) for s in sources(oms)]
    )
    return [
        dg.define_asset_job(
            "tick",
            TICK.without_checks() | dg.AssetSelection.groups("extract"),
            description="Everything once: orders and stock in, files, levels and news out.",
            tags={LIVE: "true", LANE: "tick"},
        ),
        dg.define_asset_job(
            "nightly",
            dg.AssetSelection.all(),
            description="The tick, then quality checks, a full pass of levels, marts and pages.",
            tags={LIVE: "true", FULL: "true", LANE: "tick"},
        ),
        dg.define_asset_job(
            "quality",
            checks,
            description="Great Expectations suites; their verdict is the gate publish reads.",
        ),
        announce_return_job,
    ]


def schedules(oms: Oms) -> list[dg.ScheduleDefinition]:
    """Return one schedule a lane. They start switched off: ops switch them on."""
    partitions = days(oms)

    def today() -> str:
        key = clock.now(oms).date().isoformat()
        return key if partitions.has_partition_key(key) else partitions.get_last_partition_key()

    @dg.schedule(job_name="tick", cron_schedule=_cron(oms), name="tick_schedule")
    def tick(context: dg.ScheduleEvaluationContext):
        """Run the tick."""
        return dg.RunRequest(partition_key=today(), tags={LIVE: "true", LANE: "tick"})

    @dg.schedule(job_name="nightly", cron_schedule="15 2 * * *", name="nightly_schedule")
    def nightly(context: dg.ScheduleEvaluationContext):
        """Run the nightly lane."""
        return dg.RunRequest(partition_key=today(), tags={LIVE: "true", FULL: "true", LANE: "tick"})

    return [tick, nightly]


def _cron(oms: Oms) -> str:
    """Return the cron line of the shortest `every` of the channels, in whole minutes."""
    shortest = min((c.every.total_seconds() for c in oms.channels), default=300)
    minutes = max(1, round(shortest / 60))
    return f"*/{minutes} * * * *" if minutes < 60 else f"0 */{max(1, minutes // 60)} * * *"


def sensors(oms: Oms) -> list[dg.SensorDefinition]:
    """Return the sensor that starts a tick when a location has given files."""

    @dg.sensor(job_name="tick", name="inbound_files", minimum_interval_seconds=60)
    def inbound_files(context: dg.SensorEvaluationContext):
        """Start a tick when new files lie in a location's folder."""
        waiting = sorted(_waiting(oms))
        seen = "|".join(waiting)
        if not waiting or seen == context.cursor:
            return dg.SkipReason("no new files")
        context.update_cursor(seen)
        return dg.RunRequest(
            partition_key=clock.now(oms).date().isoformat(), tags={LIVE: "true", LANE: "tick"}
        )

    return [inbound_files]


def _waiting(oms: Oms) -> Iterator[str]:
    for location in oms.locations:
        for name in LOCATION_STREAMS.values():
            inbound = getattr(location, name)
            if inbound is not None:
                try:
                    found = open_folder(inbound.source).incoming(inbound.pattern)
                except OmsError:
                    continue  # the extraction's own check tells of a folder that is down
                yield from (f"{location.id}/{name}/{file}" for file in found)
