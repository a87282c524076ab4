"""Batches on a folder: written whole or not at all, found again, and forgotten on time."""

import gzip
import shutil
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oms_pipelines.channels.base import Page
from oms_pipelines.errors import Malformed, Misconfigured, Unreachable
from oms_pipelines.landing import Cursor, Folder, Landing, Purpose

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
WINDOW = (NOW - timedelta(minutes=15), NOW)
BIG = b'{"orders": [' + b'"0123456789",' * 8000 + b"0]}"  # packed beside the fetch


def page(body: bytes = b"[1]", **fields: Any) -> Page:
    whole: dict[str, Any] = {"stream": "orders", "body": body, "records": 1, **fields}
    return Page(**whole)


def cursor(landing: Landing, purpose: Purpose = "sync") -> Cursor:
    found = landing.cursor("shop_fr", "orders", purpose)
    assert found is not None
    return found


def bodies(landing: Landing, stream: str = "orders") -> list[bytes]:
    return [b for m in landing.batches("shop_fr", stream) for b in landing.pages(m)]


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(f"file://{tmp_path}")


def test_pages_come_back_as_received_and_in_order(landing):
    sent = [b"[1]", BIG, b"", b"\xff not JSON", BIG[::-1]]

    written = landing.write("shop_fr", "orders", map(page, sent), WINDOW, True, None, NOW)

    assert bodies(landing) == sent
    assert landing.batches("shop_fr", "orders") == [written]
    assert landing.page(written, 3) == sent[3]
    assert landing.find("shop_fr", "orders", written.batch_id) == written


def test_the_manifest_tells_counts_window_and_newest_record(landing):
    late, later = NOW - timedelta(minutes=9), NOW - timedelta(minutes=2)
    pages = [
        page(records=250, high_water=later, name="a.csv"),
        page(records=None, high_water=None),
        page(records=3, high_water=late),
    ]

    manifest = landing.write("shop_fr", "orders", pages, WINDOW, False, "page=4", NOW)

    assert (manifest.records, manifest.high_water) == (253, later)
    assert (manifest.window_start, manifest.window_end) == WINDOW
    assert (manifest.complete, manifest.resume) == (False, "page=4")
    assert [p.name for p in manifest.pages] == ["a.csv", None, None]
    assert manifest.day == date(2026, 3, 1)


def test_the_body_is_a_gzip_file_anyone_can_read(landing, tmp_path):
    manifest = landing.write("shop_fr", "orders", map(page, [b"[1]", BIG]), None, True, None, NOW)

    assert gzip.decompress((tmp_path / manifest.folder / "pages.gz").read_bytes()) == b"[1]" + BIG


def test_an_empty_window_moves_the_cursor_and_holds_no_body(landing, tmp_path):
    manifest = landing.write("shop_fr", "orders", [], WINDOW, True, None, NOW)

    assert [p.name for p in (tmp_path / manifest.folder).iterdir()] == ["manifest.json"]
    assert list(landing.pages(manifest)) == []
    assert cursor(landing).window_end == NOW


def test_batches_sort_in_the_order_they_were_written_even_if_the_clock_stands_or_goes_back(landing):
    clock = [NOW, NOW, NOW - timedelta(days=2), NOW, NOW + timedelta(seconds=1)]

    written = [landing.write("shop_fr", "orders", [page()], None, True, None, t) for t in clock]

    assert landing.batches("shop_fr", "orders") == written
    assert cursor(landing).batch_id == written[-1].batch_id


def test_batches_already_known_are_not_read_again(landing, tmp_path):
    first = landing.write("shop_fr", "orders", [page()], None, True, None, NOW)
    second = landing.write("shop_fr", "orders", [page()], None, True, None, NOW)
    (tmp_path / first.folder / "manifest.json").write_text("no longer readable")

    assert landing.batches("shop_fr", "orders", known={first.batch_id}) == [second]
    with pytest.raises(Malformed, match=r"manifest\.json: not a manifest"):
        landing.batches("shop_fr", "orders")


def test_batches_can_be_asked_for_since_a_day(landing):
    days = [NOW + timedelta(days=n) for n in range(3)]
    written = [landing.write("shop_fr", "orders", [], None, True, None, t) for t in days]

    assert landing.batches("shop_fr", "orders", since=date(2026, 3, 2)) == written[1:]


def test_a_source_never_read_has_no_cursor_and_no_batches(landing):
    assert landing.cursor("shop_fr", "orders") is None
    assert landing.batches("shop_fr", "orders") == []
    assert landing.streams() == []


def test_every_source_and_stream_is_listed(landing):
    for source, stream in [("till", "orders"), ("shop_fr", "returns"), ("shop_fr", "orders")]:
        landing.write(source, stream, [], None, True, None, NOW)

    assert landing.streams() == [("shop_fr", "orders"), ("shop_fr", "returns"), ("till", "orders")]


def test_a_backfill_and_a_mended_record_do_not_move_the_cursor(landing):
    tick = landing.write("shop_fr", "orders", [], WINDOW, True, None, NOW)
    old = (NOW - timedelta(days=9), NOW - timedelta(days=8))
    landing.write("shop_fr", "orders", [], old, True, None, NOW, purpose="backfill")
    mended = landing.write("shop_fr", "orders", [page()], None, True, None, NOW, mended_of="q7")

    assert cursor(landing).batch_id == tick.batch_id
    assert cursor(landing, "backfill").window_end == old[1]
    assert (mended.purpose, mended.mended_of) == ("mended", "q7")
    assert len(landing.batches("shop_fr", "orders")) == 3


class Listed:
    """A place that counts what is asked of it."""

    def __init__(self, root: Path):
        self._folder = Folder(root)
        self.asked: list[str] = []

    def put(self, path: str, parts: Sequence[bytes]) -> None:
        self._folder.put(path, parts)

    def get(self, path: str) -> bytes | None:
        self.asked.append("get")
        return self._folder.get(path)

    def folders(self, path: str) -> list[str]:
        self.asked.append("list")
        return self._folder.folders(path)

    def files(self, path: str) -> Iterable[str]:
        self.asked.append("walk")
        return self._folder.files(path)

    def remove(self, paths: Sequence[str]) -> None:
        self._folder.remove(paths)


@pytest.mark.parametrize("days", [1, 40])
def test_the_cursor_costs_the_same_whatever_the_history(tmp_path, days):
    place = Listed(tmp_path)
    landing = Landing(place)
    for n in range(days):
        landing.write("shop_fr", "orders", [], None, True, None, NOW + timedelta(days=n))
    place.asked.clear()

    landing.cursor("shop_fr", "orders")

    assert place.asked == ["list", "list", "get"]


@pytest.mark.parametrize("damage", ["flip", "cut", "delete"])
def test_a_page_damaged_since_it_landed_is_malformed(landing, tmp_path, damage):
    manifest = landing.write("shop_fr", "orders", [page(BIG)], None, True, None, NOW)
    body = tmp_path / manifest.folder / "pages.gz"
    data = bytearray(body.read_bytes())
    data[len(data) // 2] ^= 0xFF
    if damage == "delete":
        body.unlink()
    else:
        body.write_bytes(data if damage == "flip" else data[:-1])

    with pytest.raises(Malformed, match=manifest.batch_id):
        list(landing.pages(manifest))


class Killed(BaseException):
    """Stands for kill -9: nothing catches it, nothing cleans up."""


def dying_at(step: int) -> Iterator[int]:
    return iter(range(step, -1, -1))


@settings(deadline=None, database=None)
@given(step=st.integers(0, 24), sizes=st.lists(st.sampled_from([1, 70_000]), max_size=3))
def test_a_kill_between_any_two_file_operations_leaves_no_batch_or_a_whole_one(
    tmp_path_factory, step, sizes
):
    root = tmp_path_factory.mktemp("zone")
    left = dying_at(step)

    def die(operation: str) -> None:
        if next(left, -1) == 0:
            raise Killed

    Landing(str(root)).write("shop_fr", "orders", [page(b"before")], WINDOW, True, None, NOW)
    sent = [b"x" * size for size in sizes]
    try:
        dying = Landing(Folder(root, on_step=die))
        dying.write("shop_fr", "orders", map(page, sent), WINDOW, False, "next", NOW)
        finished = True
    except Killed:
        finished = False
    after = Landing(str(root))
    batches = after.batches("shop_fr", "orders")

    assert bodies(after) in ([b"before"], [b"before", *sent])
    assert not finished or len(batches) == 2
    assert cursor(after).batch_id == batches[-1].batch_id
    after.write("shop_fr", "orders", [page(b"again")], WINDOW, True, None, NOW)
    assert bodies(after)[-1] == b"again"
    after.sweep(NOW + timedelta(days=2))
    names = sorted(p.name for p in root.rglob("*") if p.is_file())
    assert set(names) <= {"manifest.json", "pages.gz"}
    assert names.count("manifest.json") == len(after.batches("shop_fr", "orders"))
    shutil.rmtree(root)


def test_orphans_are_swept_when_old_and_batches_stay(landing, tmp_path):
    kept = landing.write("shop_fr", "orders", [page()], None, True, None, NOW)
    killed = landing.write("shop_fr", "orders", [page()], None, True, None, NOW)
    (tmp_path / killed.folder / "manifest.json").unlink()

    assert landing.sweep(NOW + timedelta(hours=2)) == 0
    assert landing.sweep(NOW + timedelta(hours=25)) == 1
    assert landing.batches("shop_fr", "orders") == [kept]
    assert not (tmp_path / killed.folder).exists()
    assert list(landing.pages(kept)) == [b"[1]"]


def test_batches_past_retention_are_deleted_and_counted(landing, tmp_path):
    for n in range(3):
        for stream in ("orders", "returns"):
            landing.write("shop_fr", stream, [page()], None, True, None, NOW + timedelta(days=n))

    deleted = landing.delete_before(date(2026, 3, 3))

    assert deleted == {("shop_fr", "orders"): 2, ("shop_fr", "returns"): 2}
    assert len(bodies(landing)) == 1
    assert sorted(p.name for p in (tmp_path / "shop_fr" / "orders").iterdir()) == ["2026-03-03"]
    assert landing.delete_before(date(2026, 3, 3)) == {}


@pytest.mark.parametrize("name", ["..", "a/b", "", ".hidden", "a\nb"])
def test_a_name_that_would_leave_its_folder_is_refused(landing, name):
    with pytest.raises(Malformed, match="may hold letters"):
        landing.write(name, "orders", [], None, True, None, NOW)
    with pytest.raises(Malformed, match="may hold letters"):
        landing.cursor("shop_fr", name)


def test_a_place_that_cannot_be_written_is_unreachable_and_named(tmp_path):
    (tmp_path / "zone").write_text("a file stands where the folder should be")

    with pytest.raises(Unreachable, match="zone: Not a directory"):
        Landing(str(tmp_path / "zone")).write("shop_fr", "orders", [], None, True, None, NOW)


def test_an_unknown_kind_of_place_is_misconfigured():
    with pytest.raises(Misconfigured, match=r"landing\.url: ftp:// is not known"):
        Landing("ftp://somewhere/landing")


def test_a_file_url_without_a_third_slash_is_relative(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    Landing("file://var/landing").write("shop_fr", "orders", [], None, True, None, NOW)

    assert (tmp_path / "var" / "landing" / "shop_fr" / "orders" / "2026-03-01").is_dir()
