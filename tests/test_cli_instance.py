"""The Dagster instance file: made once, renewed while nobody edited it, never taken away."""

import hashlib
import os
from pathlib import Path

import pytest
from stock_world import network

from oms_pipelines.cli import instance
from oms_pipelines.cli.instance import dagster_home
from oms_pipelines.config import Oms
from oms_pipelines.errors import Misconfigured

SHIPPED = instance.INSTANCE_FILE.read_text("utf-8")


@pytest.fixture
def oms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Oms:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    return network([], output=str(tmp_path / "var"))


@pytest.fixture
def newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Ship another file from here on; return its text."""
    file = tmp_path / "shipped.yaml"
    file.write_text(f"# newer\n{SHIPPED}", "utf-8")
    monkeypatch.setattr(instance, "INSTANCE_FILE", file)
    return file.read_text("utf-8")


def made(oms: Oms) -> str:
    return (dagster_home(oms) / "dagster.yaml").read_text("utf-8")


def lay(oms: Oms, text: str) -> None:
    """Lay an instance file down where the instance is."""
    folder = Path(os.environ["DAGSTER_HOME"])
    folder.mkdir(exist_ok=True)
    (folder / "dagster.yaml").write_text(text, "utf-8")


def test_the_instance_file_is_made_once_from_the_shipped_one(oms: Oms, tmp_path: Path):
    text = made(oms)
    assert text.partition("\n")[2] == SHIPPED
    before = (tmp_path / "home" / "dagster.yaml").stat().st_mtime_ns
    assert made(oms) == text
    assert (tmp_path / "home" / "dagster.yaml").stat().st_mtime_ns == before
    assert os.environ["DAGSTER_HOME"] == str((tmp_path / "home").resolve())


def test_a_file_nobody_edited_is_renewed_when_the_shipped_one_changed(
    oms: Oms, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
):
    made(oms)
    newer = request.getfixturevalue("newer")
    assert made(oms).partition("\n")[2] == newer
    assert capsys.readouterr().err == ""


def test_what_an_earlier_release_copied_is_renewed(
    oms: Oms, newer: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(instance, "_COPIED", (hashlib.sha256(SHIPPED.encode()).hexdigest(),))
    lay(oms, SHIPPED)
    assert made(oms).partition("\n")[2] == newer


def test_edits_are_kept_and_told_once_the_shipped_file_is_newer(
    oms: Oms, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
):
    edited = made(oms) + "# mine\n"
    lay(oms, edited)
    assert (made(oms), capsys.readouterr().err) == (edited, "")
    request.getfixturevalue("newer")
    assert made(oms) == edited
    told = capsys.readouterr().err
    assert "dagster.yaml has edits of your own, and is kept" in told
    assert "delete yours to have it made anew" in told


def test_somebody_s_own_file_is_left_as_it_is(
    oms: Oms, newer: str, capsys: pytest.CaptureFixture[str]
):
    own = "telemetry: {enabled: false}\n"
    lay(oms, own)
    assert (made(oms), capsys.readouterr().err) == (own, "")


def test_an_installation_without_the_instance_file_says_what_to_copy(
    oms: Oms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(instance, "INSTANCE_FILE", tmp_path / "nowhere.yaml")
    with pytest.raises(Misconfigured, match=r"copy deploy/dagster.local.yaml of the project"):
        dagster_home(oms)
