"""kill -9 at each named point between extract and publish: the next sync makes it good.

A state with work for every stage is made once a worker and copied for each point.
"""

import signal
from collections import Counter
from pathlib import Path

import pytest
from evidence import Evidence
from flow import Flow, copied, flowing
from promises import check_1, check_2, check_3, check_4, check_5, check_6, check_7

# where one sync is killed, and where the next one; at a later passing of it after a colon
KILLS = [
    ("extract.page_fetched", "dispatch.files_planned"),
    ("extract.body_written", "dispatch.copy_written"),
    ("extract.manifest_written", "dispatch.file_delivered"),
    ("extract.manifest_written:9", "dispatch.manifest_delivered"),
    ("consolidate.batch_normalized", "dispatch.marked"),
    ("consolidate.batch_merging", "erp.planned"),
    ("consolidate.batch_merged", "erp.copy_written"),
    ("merge.before_commit", "erp.delivered"),
    ("merge.before_commit:14", "levels.marked_sent"),
    ("merge.after_commit", "levels.pushed"),
    ("plan.computed", "outbox.acceptance_pushed"),
    ("outbox.tracking_pushed",),
    ("outbox.message_pushed",),
    ("outbox.message_pushed:20",),
]


def parcels_told_twice(found: Evidence) -> list[tuple[str, str, str]]:
    """Return parcels that a channel was told more than once."""
    told = Counter(
        (channel, t["order"], t["number"])
        for channel, facts in found.state["channels"].items()
        for t in facts["trackings"]
        if t["number"]
    )
    return [key for key, n in told.items() if n > 1]


def hold(flow: Flow, resent: int) -> None:
    """Assert the promises that a crash could break."""
    found = flow.evidence()
    for check in (check_1, check_2, check_3, check_4, check_6, check_7):
        check(found)
    check_5(found, resent)
    assert parcels_told_twice(found) == []


@pytest.mark.parametrize("points", KILLS, ids=" then ".join)
def test_a_kill_there_loses_nothing_and_does_nothing_twice(
    traded: Path, tmp_path: Path, points: tuple[str, ...]
):
    # messages leave side by side with acceptances and parcels: a kill at any of them may fall
    # between the delivery of one message and its receipt
    resent = sum(p.startswith("outbox.") for p in points)
    with flowing(copied(traded, tmp_path / "hub")) as flow:
        for point in points:
            killed = flow.command("sync", OMS_CRASH_AT=point)
            assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr
        assert flow.sync()["failed"] == []
        hold(flow, resent)
        flow.box.advance(1)  # the locations have read their files and answered
        flow.stages()
        hold(flow, resent)
