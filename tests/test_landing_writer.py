"""Long extractions: committed as they go, resumed where they were killed."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from oms_pipelines.channels.base import Page
from oms_pipelines.errors import Unreachable
from oms_pipelines.landing import Cursor, Landing

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
WINDOW = (NOW - timedelta(days=1), NOW)


def pages(start: int = 0, end: int = 6, size: int = 3) -> list[Page]:
    """Pages 0 to 5 of a source; the token of each is the number of the next."""
    return [
        Page("orders", b"%d" % n * size, 1, resume=str(n + 1) if n < 5 else None)
        for n in range(start, end)
    ]


def bodies(landing: Landing, stream: str = "orders") -> list[bytes]:
    return [b for m in landing.batches("shop_fr", stream) for b in landing.pages(m)]


def cursor(landing: Landing) -> Cursor:
    found = landing.cursor("shop_fr", "orders")
    assert found is not None
    return found


def break_off(landing: Landing, after: list[Page]) -> None:
    with landing.writer("shop_fr", "orders", WINDOW, NOW, max_pages=2, resume="0") as writer:
        for page in after:
            writer.add(page)
        raise Unreachable("shop is down")


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(str(tmp_path))


def test_a_batch_is_committed_each_so_many_pages(landing):
    with landing.writer("shop_fr", "orders", WINDOW, NOW, max_pages=4) as writer:
        written = [len(writer.add(page)) for page in pages()]
        writer.finish()

    first, last = writer.manifests
    assert written == [0, 0, 0, 0, 1, 0]
    assert (len(first.pages), first.complete, first.resume) == (4, False, "4")
    assert (len(last.pages), last.complete, last.resume) == (2, True, None)
    assert bodies(landing) == [p.body for p in pages()]


def test_a_batch_is_committed_each_so_many_bytes(landing):
    with landing.writer("shop_fr", "orders", WINDOW, NOW, max_bytes=200_000) as writer:
        for page in pages(size=100_000):
            writer.add(page)
        writer.finish()

    assert [len(m.pages) for m in writer.manifests] == [2, 2, 2]
    assert [m.complete for m in writer.manifests] == [False, False, True]
    assert bodies(landing) == [p.body for p in pages(size=100_000)]


def test_an_extraction_broken_off_keeps_its_pages_and_goes_on_after_them(landing):
    with pytest.raises(Unreachable, match="shop is down"):
        break_off(landing, after=pages(0, 3))

    stopped = cursor(landing)
    assert (stopped.complete, stopped.resume) == (False, "3")
    assert (stopped.window_start, stopped.window_end) == WINDOW

    later = NOW + timedelta(minutes=5)
    with landing.writer("shop_fr", "orders", WINDOW, later, resume=stopped.resume) as writer:
        for page in pages(3):
            writer.add(page)
        writer.finish()

    assert bodies(landing) == [p.body for p in pages()]
    assert cursor(landing).complete


def test_an_extraction_that_brought_nothing_leaves_nothing(landing):
    with pytest.raises(Unreachable):
        break_off(landing, after=[])

    assert landing.batches("shop_fr", "orders") == []


def test_a_page_without_token_never_moves_the_token_past_pages_unread(landing):
    part = [Page("orders", b"a", 1, resume="1"), Page("orders", b"b", 1)]

    with landing.writer("shop_fr", "orders", WINDOW, NOW) as writer:
        for page in part:
            writer.add(page)

    assert cursor(landing).resume == "1"
    assert not cursor(landing).complete


def test_refunds_that_come_beside_orders_land_first_and_apart(landing):
    mixed = [
        Page("orders", b"o1", 1, resume="1"),
        Page("refunds", b"r1", 2, resume="2"),
        Page("orders", b"o2", 1),
    ]

    with landing.writer("shop_fr", "orders", WINDOW, NOW) as writer:
        for page in mixed:
            writer.add(page)
        writer.finish()

    assert [(m.stream, m.records) for m in writer.manifests] == [("refunds", 2), ("orders", 2)]
    assert bodies(landing, "refunds") == [b"r1"]
    assert bodies(landing) == [b"o1", b"o2"]


def test_a_token_does_not_outlive_pages_that_could_not_be_written(landing, tmp_path):
    with landing.writer("shop_fr", "orders", WINDOW, NOW, max_pages=1) as writer:
        writer.add(pages()[0])
        (tmp_path / "shop_fr").write_text("in the way")
        with pytest.raises(Unreachable):
            writer.add(pages()[1])
        (tmp_path / "shop_fr").unlink()
        for page in pages(1):
            writer.add(page)
        writer.finish()

    assert bodies(landing) == [p.body for p in pages()]


EXTRACTION = """
import sys
from datetime import datetime, timedelta, UTC
from oms_pipelines.channels.base import Page
from oms_pipelines.landing import Landing

landing = Landing(sys.argv[1])
now = datetime(2026, 3, 1, 12, tzinfo=UTC)
cursor = landing.cursor("shop_fr", "orders")
start = int(cursor.resume) if cursor and not cursor.complete else 0
if cursor is None or not cursor.complete:
    window = (now - timedelta(days=1), now)
    with landing.writer("shop_fr", "orders", window, now, max_pages=2) as writer:
        for n in range(start, 6):
            writer.add(Page("orders", b"%d" % n * 3, 1, resume=str(n + 1) if n < 5 else None))
        writer.finish()
"""


@pytest.mark.parametrize(
    "point",
    [
        "extract.page_fetched:4",
        "extract.body_written:1",
        "extract.body_written:3",
        "extract.manifest_written:1",
        "extract.manifest_written:3",
    ],
)
def test_an_extraction_killed_at_a_named_point_ends_with_every_page_once(tmp_path, point):
    command = [sys.executable, "-c", EXTRACTION, str(tmp_path)]

    killed = subprocess.run(command, env={**os.environ, "OMS_CRASH_AT": point}, check=False)
    subprocess.run(command, check=True)

    assert killed.returncode == -signal.SIGKILL
    assert bodies(Landing(str(tmp_path))) == [p.body for p in pages()]
