"""Run the Dagster assets in this process, with progress, and tell what they did."""

import logging
import os
import shutil
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from oms_pipelines import clock
from oms_pipelines.config import Oms
from oms_pipelines.hub import Hub

ROOT = Path(__file__).resolve().parents[2]
RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


@dataclass
class Tick:
    """What one run did: the hub's results by stage, what failed, and how long stages took."""

    hub: Hub
    failed: list[str]
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def results(self) -> dict[str, Any]:
        return self.hub.results


def dagster_home(oms: Oms) -> Path:
    """Return the Dagster instance's folder, made ready with the local instance file."""
    home = Path(os.environ.get("DAGSTER_HOME") or Path(oms.output) / "dagster").resolve()
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "dagster.yaml").exists():
        shutil.copy(ROOT / "deploy" / "dagster.local.yaml", home / "dagster.yaml")
    os.environ["DAGSTER_HOME"] = str(home)
    return home


def run_job(
    oms: Oms,
    job: str,
    *,
    window: tuple[date, date] | None = None,
    only: str | None = None,
    publish: bool = True,
    progress: bool = True,
) -> Tick:
    """Run a job's assets in process on the Dagster instance.

    `window` reads whole days again (both included) instead of reading on from the cursors;
    `only` names one source; without `publish` the run stops after the plan.
    """
    import dagster as dg

    from assets.extract import LIVE, REPORT, days, key_of
    from assets.jobs import FULL, LANE
    from oms_pipelines.definitions import definitions
    from oms_pipelines.stages.extract import sources

    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    dagster_home(oms)
    hub = Hub.open(oms)
    definition = definitions(oms).resolve_job_def(job)
    tags = {LANE: "tick"}
    if window is None:
        today = clock.now(oms).date().isoformat()
        known = days(oms)
        partition = today if known.has_partition_key(today) else known.get_last_partition_key()
        tags |= {LIVE: "true"} | ({FULL: "true"} if job == "nightly" else {})
    else:
        partition = None
        tags |= dict(zip(RANGE, (d.isoformat() for d in window), strict=True))
    selection = None
    if only or not publish:
        keys = {key_of(s) for s in sources(oms) if only in (None, s.id)} | {REPORT}
        groups = ("consolidate", "plan", "publish") if publish else ("consolidate", "plan")
        graph = definition.asset_layer.asset_graph
        keys |= {
            k for g in groups for k in graph.get_all_asset_keys() if graph.get(k).group_name == g
        }
        selection = list(keys)
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar if progress else nullcontext(), dg.DagsterInstance.get() as instance:
        if progress:
            task = bar.add_task("starting ...")
            hub.said = lambda text: bar.update(task, description=text[:100])
        done = definition.execute_in_process(
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            instance=instance,
            partition_key=partition,
            tags=tags,
            asset_selection=selection,
            resources={"hub": hub},
            raise_on_error=False,
        )
    return Tick(hub, _failures(done), _durations(done))


def _failures(done: Any) -> list[str]:
    """Return what failed, each in one line: source checks, and steps with their cause."""
    lines = []
    for event in done.all_events:
        if event.event_type_value == "STEP_FAILURE":
            error = event.event_specific_data.error
            while error.cause is not None:
                error = error.cause
            text = error.message.strip().splitlines()[0] if error.message.strip() else "failed"
            lines.append(f"{event.step_key}: {text}")
        if event.event_type_value == "ASSET_CHECK_EVALUATION":
            check = event.event_specific_data
            if not check.passed:
                why = check.metadata.get("error")
                lines.append(
                    f"{'/'.join(check.asset_key.path)}: check {check.check_name} failed"
                    + (f": {why.value}" if why is not None else "")
                )
    return lines


def _durations(done: Any) -> dict[str, float]:
    return {
        e.step_key: e.event_specific_data.duration_ms / 1000
        for e in done.all_events
        if e.event_type_value == "STEP_SUCCESS"
    }
