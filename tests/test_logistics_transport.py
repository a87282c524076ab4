"""Folders: whole files in, whole files out, nothing overwritten."""

from hashlib import sha256
from pathlib import Path

import orjson
import pytest

from oms_pipelines.errors import Malformed, Misconfigured, Rejected, Unreachable
from oms_pipelines.logistics.transport import open_folder


def test_a_folder_is_a_path_or_a_file_url(tmp_path: Path):
    assert open_folder(str(tmp_path)).path == tmp_path
    assert open_folder(f"file://{tmp_path}").path == tmp_path
    assert open_folder("file://var/out").path == Path("var/out")
    with pytest.raises(Misconfigured, match="sftp://: write a folder"):
        open_folder("sftp://wms.example/out")


def test_only_whole_files_come_in(tmp_path: Path):
    for name in ("b.csv", "a.csv", "c.csv.tmp", "d.part", ".e.csv", "a.csv.manifest.json", "f.txt"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "archive").mkdir()
    assert open_folder(str(tmp_path)).incoming("*.csv") == ["a.csv", "b.csv"]
    assert open_folder(str(tmp_path / "absent")).incoming() == []


def test_a_file_must_be_the_one_its_manifest_tells(tmp_path: Path):
    folder = open_folder(str(tmp_path))
    (tmp_path / "a.csv").write_bytes(b"whole\n")
    manifest = tmp_path / "a.csv.manifest.json"
    manifest.write_bytes(orjson.dumps({"sha256": sha256(b"whole\n").hexdigest()}))
    assert folder.read("a.csv") == b"whole\n"
    (tmp_path / "a.csv").write_bytes(b"who")
    with pytest.raises(Malformed, match="not those its manifest tells"):
        folder.read("a.csv")
    manifest.write_bytes(b"{")
    with pytest.raises(Malformed):
        folder.read("a.csv")
    with pytest.raises(Unreachable):
        folder.read("b.csv")


def test_archiving_keeps_every_file_that_ever_had_the_name(tmp_path: Path):
    folder = open_folder(str(tmp_path))
    for body in (b"one", b"two", b"two"):
        (tmp_path / "stock.csv").write_bytes(body)
        folder.archive("stock.csv")
    kept = sorted(p.read_bytes() for p in (tmp_path / "archive").iterdir())
    assert kept == [b"one", b"two"]
    assert folder.incoming() == []


def test_a_delivered_file_is_left_as_it_lies_and_never_replaced(tmp_path: Path):
    folder = open_folder(str(tmp_path / "in"))
    folder.deliver("a.csv", b"one")
    with pytest.raises(Rejected, match="another file of this name"):
        folder.deliver("a.csv", b"two")
    folder.deliver("a.csv", b"one", again=True)
    assert [p.name for p in (tmp_path / "in").iterdir()] == ["a.csv"]


def test_only_our_own_leavings_are_swept(tmp_path: Path):
    folder = open_folder(str(tmp_path))
    for name in (".lyon_dispatch_1.csv.tmp", ".other.csv.tmp", "lyon_dispatch_1.csv"):
        (tmp_path / name).write_bytes(b"x")
    assert folder.sweep("lyon_dispatch_") == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        ".other.csv.tmp",
        "lyon_dispatch_1.csv",
    ]
