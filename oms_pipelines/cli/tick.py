"""Run the Dagster assets in this process, with progress, and tell what they did."""

import logging
import os
import socket
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from oms_pipelines.cli.instance import dagster_home
from oms_pipelines.cli.voice import spoken
from oms_pipelines.config import Oms
from oms_pipelines.errors import Misconfigured
from oms_pipelines.hub import Hub

PROCESS = "oms/process"  # run tag: the process a run lives in, so that a dead one is noticed
Window = tuple[date, date]


@dataclass
class Tick:
    """What one run did: the hub's results by stage, what failed, and how long stages took."""

    hub: Hub
    failed: list[str]
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def results(self) -> dict[str, Any]:
        return self.hub.results


@contextmanager
def opened_instance(oms: Oms) -> Generator[Any]:
    """Open the Dagster instance, and end the runs whose process is dead: they hold their lane.

    Raises Misconfigured when its file cannot be used.
    """
    import dagster as dg

    home = dagster_home(oms)
    try:
        instance = dg.DagsterInstance.get()
    except dg.DagsterError as e:
        text = str(e).strip().splitlines()[0]
        cure = "mend it, or delete it to have it made anew"
        raise Misconfigured([f"{home / 'dagster.yaml'}: {text.rstrip('.')}; {cure}"]) from None
    with instance:
        for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
            if _is_dead(run.tags.get(PROCESS, "")):
                instance.report_run_failed(run, "The process that ran it is gone.")
        yield instance


def run_job(
    oms: Oms,
    job: str,
    *,
    window: Window | None = None,
    only: str | None = None,
    publish: bool = True,
    progress: bool = True,
) -> Tick:
    """Run a job's assets in process on the Dagster instance.

    `window` reads whole days again (both included) instead of reading on from the cursors, and
    judges quality after; of it, `only` names one source, and without `publish` it ends with the
    plan. Raises KeyboardInterrupt where a signal (SIGINT, SIGTERM) ended it.
    """
    from assets.partitions import RANGE, days, today
    from oms_pipelines.definitions import definitions

    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    hub = Hub.open(oms)
    definition = definitions(oms, hub).resolve_job_def(job)
    tags = {PROCESS: f"{socket.gethostname()}:{os.getpid()}"}
    if window is not None:
        tags |= dict(zip(RANGE, (d.isoformat() for d in window), strict=True))
    with opened_instance(oms) as instance, _voice(hub, progress):
        done = definition.execute_in_process(
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            instance=instance,
            partition_key=today(days(oms), hub.now()) if window is None else None,
            tags=tags,
            asset_selection=None if window is None else _replayed(oms, definition, only, publish),
            raise_on_error=False,
        )
    if _interrupted(done.all_events):
        raise KeyboardInterrupt  # Dagster takes it for a failed step, and goes on living
    return Tick(hub, _failures(done.all_events), _durations(done.all_events))


def _replayed(oms: Oms, definition: Any, only: str | None, publish: bool) -> list:
    """Return the assets of a replay: one source or all, and what follows, with their checks."""
    from assets.extract import REPORT, key_of
    from oms_pipelines.stages.extract import sources

    graph = definition.asset_layer.asset_graph
    stages = ("consolidate", "plan", "publish") if publish else ("consolidate", "plan")
    later = [k for k in graph.get_all_asset_keys() if graph.get(k).group_name in stages]
    return [*(key_of(s) for s in sources(oms) if only in (None, s.id)), REPORT, *later]


@contextmanager
def _voice(hub: Hub, progress: bool) -> Generator[None]:
    """Show what the hub says, where progress is shown."""
    with spoken(progress) as said:
        hub.said = said
        yield


def _is_dead(process: str) -> bool:
    """Tell whether a process of this machine has ended; of another machine nothing is known."""
    host, _, pid = process.rpartition(":")
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _interrupted(events: Sequence[Any]) -> bool:
    """Tell whether a run ended because its process was told to."""
    ends = (e.event_specific_data for e in events if e.event_type_value == "PIPELINE_FAILURE")
    reasons = [x.failure_reason for x in ends]
    return any(r is not None and r.value == "UNEXPECTED_TERMINATION" for r in reasons)


def _failures(events: Sequence[Any]) -> list[str]:
    """Return what failed, each in one line: checks that found an error, steps with their cause."""
    lines = []
    for event in events:
        if event.event_type_value == "STEP_FAILURE":
            lines.append(f"{event.step_key}: {_cause(event.event_specific_data)}")
        if event.event_type_value == "ASSET_CHECK_EVALUATION":
            check = event.event_specific_data
            if not check.passed and check.severity.value == "ERROR":
                why = check.metadata.get("error")
                told = f": {why.value}" if why is not None else ""
                asset = check.asset_key.to_user_string()
                lines.append(f"{asset}: check {check.check_name} failed{told}")
    return lines


def _cause(failure: Any) -> str:
    """Return what stopped a step, without the layers Dagster wraps it in."""
    if failure.user_failure_data is not None and failure.user_failure_data.description:
        return failure.user_failure_data.description
    error = failure.error
    while error.cause is not None:
        error = error.cause
    lines = [line for line in error.message.splitlines() if line.strip()]
    return lines[0].strip() if lines else "failed"


def _durations(events: Sequence[Any]) -> dict[str, float]:
    return {
        e.step_key: e.event_specific_data.duration_ms / 1000
        for e in events
        if e.event_type_value == "STEP_SUCCESS"
    }
