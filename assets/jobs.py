"""Jobs ops start, and schedules by lane."""

import dagster as dg

from assets.checks import CHECKS
from assets.partitions import LIVE, Days, today
from assets.returns import return_form
from assets.tags import FULL
from oms_pipelines import clock
from oms_pipelines.config import Oms
from resources import plainly

LANE = "oms/lane"  # run tag: the queue lets one run of a lane through at a time
TICK = {LIVE: "true", LANE: "tick"}
NIGHTLY = {**TICK, FULL: "true"}
LONGEST = {"dagster/max_runtime": "7200"}  # seconds; a run that hangs frees its lane then


def jobs(oms: Oms) -> list:
    """Return the jobs: the tick, the nightly lane, the quality checks, the returns form."""
    suites = dg.AssetSelection.checks(*CHECKS)
    stages = dg.AssetSelection.groups("extract", "consolidate", "plan", "publish")
    return [
        dg.define_asset_job(
            "tick",
            stages - suites,
            description="Everything once: orders and stock in; files, levels and news out.",
            tags={**TICK, **LONGEST},
        ),
        dg.define_asset_job(
            "nightly",
            dg.AssetSelection.all(),
            description="The tick with quality checks and all levels, then marts, pages and "
            "housekeeping.",
            tags={**NIGHTLY, **LONGEST},
        ),
        dg.define_asset_job(
            "quality",
            suites,
            description="Great Expectations suites; their verdict is the gate publish reads.",
            tags=LONGEST,
        ),
        return_form(oms),
    ]


def schedules(oms: Oms, partitions: Days) -> list[dg.ScheduleDefinition]:
    """Return one schedule a lane. They start switched off: ops switch them on."""
    return [
        _schedule(oms, partitions, "tick", _cron(oms), TICK),
        _schedule(oms, partitions, "nightly", "15 2 * * *", NIGHTLY),
    ]


def _schedule(
    oms: Oms, partitions: Days, job: str, cron: str, tags: dict[str, str]
) -> dg.ScheduleDefinition:
    @dg.schedule(job_name=job, cron_schedule=cron, name=f"{job}_schedule", description=f"Run {job}")
    def scheduled() -> dg.RunRequest:
        """Ask for a run of today."""
        with plainly():
            day = today(partitions, clock.now(oms))
            return dg.RunRequest(partition_key=day, tags={**tags, **LONGEST})

    return scheduled


def _cron(oms: Oms) -> str:
    """Return the cron line of the shortest `every` of the channels, in whole minutes."""
    shortest = min((c.every.total_seconds() for c in oms.channels), default=300)
    minutes = max(1, round(shortest / 60))
    return f"*/{minutes} * * * *" if minutes < 60 else f"0 */{min(23, minutes // 60)} * * *"
