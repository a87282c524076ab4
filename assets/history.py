"""Dagster's own history: purge old runs, and keep what the page still shows of each asset."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import dagster as dg

_AT_ONCE = 500
_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


@dataclass(frozen=True)
class Purged:
    """Runs deleted, and old ones kept since they are the newest of a partition or check."""

    deleted: int
    kept: int


def purge(
    instance: dg.DagsterInstance, before: datetime, checks: Sequence[dg.AssetCheckKey]
) -> Purged:
    """Delete the runs that ended and were created before a time.

    The newest run of each asset, of each of its partitions and of each check is kept: deleting
    it would erase their status.
    """
    found = _ended(instance, before)
    newest = _newest(instance, before, checks) if found else set()
    gone = [run_id for run_id in found if run_id not in newest]
    for run_id in gone:
        _delete(instance, run_id)
    return Purged(len(gone), len(found) - len(gone))


def _ended(instance: dg.DagsterInstance, before: datetime) -> list[str]:
    wanted = dg.RunsFilter(statuses=_ENDED, created_before=before)
    found: list[str] = []
    while True:
        # read whole before any is deleted: a deleted run is no cursor any more
        page = instance.get_run_ids(wanted, cursor=found[-1] if found else None, limit=_AT_ONCE)
        found += page
        if len(page) < _AT_ONCE:
            return found


def _newest(
    instance: dg.DagsterInstance, before: datetime, checks: Sequence[dg.AssetCheckKey]
) -> set[str]:
    """Return the runs that hold the newest materialization or evaluation of something."""
    kept: set[str] = set()
    for record in instance.get_asset_records():
        last = record.asset_entry.last_materialization_record
        if last is not None:
            kept |= {last.run_id} | _of_partitions(instance, last.asset_key, before)
    evaluated = instance.event_log_storage.get_latest_asset_check_execution_by_key(checks)
    return kept | {e.run_id for e in evaluated.values()}


def _of_partitions(
    instance: dg.DagsterInstance, asset: dg.AssetKey | None, before: datetime
) -> set[str]:
    assert asset is not None
    newest = instance.get_latest_storage_id_by_partition(
        asset, dg.DagsterEventType.ASSET_MATERIALIZATION
    )
    ids, kept = sorted(newest.values()), set()
    for start in range(0, len(ids), _AT_ONCE):
        old = dg.AssetRecordsFilter(
            asset, storage_ids=ids[start : start + _AT_ONCE], before_timestamp=before.timestamp()
        )
        kept |= {r.run_id for r in instance.fetch_materializations(old, _AT_ONCE).records}
    return kept


def _delete(instance: dg.DagsterInstance, run_id: str) -> None:
    """Delete a run, its log, and the file that SQLite kept its events in."""
    instance.delete_run(run_id)
    root = Path(instance.root_directory)
    shutil.rmtree(root / "storage" / run_id, ignore_errors=True)
    for file in (root / "history" / "runs").glob(f"{run_id}.db*"):
        file.unlink(missing_ok=True)
