"""The `oms` command where it cannot work: what it says, its exit code, and no traceback."""

from pathlib import Path

import pytest
from cli_world import command, configured

from oms_pipelines.store.duckdb import DuckdbStore


def test_the_version_and_help_are_told_without_a_configuration(monkeypatch, capsys):
    monkeypatch.setenv("OMS_CONFIG", "nowhere.yaml")
    run = command(monkeypatch, capsys)
    assert run("--version").out == "oms 0.1.0\n"
    assert "orders" in run("--help").out


@pytest.mark.parametrize("words", [("orders", "list"), ("sync",), ("check",), ("route", "check")])
def test_faults_of_the_configuration_stand_one_a_line_and_start_nothing(
    tmp_path: Path, monkeypatch, capsys, words: tuple[str, ...]
):
    file = configured(tmp_path, chanels=[], returns={"location": "mars"})
    file.with_suffix(".env").unlink()
    monkeypatch.setenv("OMS_CONFIG", str(file))
    told = command(monkeypatch, capsys)(*words)
    assert told.code == 2
    assert told.err.splitlines() == [
        "configuration: channels[0].credentials.key: environment variable WOO_KEY is not set",
        "configuration: channels[0].credentials.secret: environment variable WOO_SECRET is not set",
        "configuration: chanels: there is no such setting",
        "configuration: returns.location: no such location; there are lyon, paris",
    ]
    assert not (tmp_path / "oms.duckdb").exists()


def test_a_password_stands_in_the_environment_and_in_no_answer(tmp_path: Path, monkeypatch, capsys):
    run = command(monkeypatch, capsys)
    url = "postgresql+psycopg://oms:s3cret@127.0.0.1:1/oms"
    file = configured(tmp_path, store={"url": url}, erp={"url": url})
    monkeypatch.setenv("OMS_CONFIG", str(file))
    told = run("check")
    cure = (
        "a password does not belong in this file; write the whole URL as env:NAME, the name of "
        "an environment variable"
    )
    assert (told.code, told.err.splitlines()) == (
        2, [f"configuration: store.url: {cure}", f"configuration: erp.url: {cure}"],
    )  # fmt: skip
    file = configured(tmp_path, store={"url": "env:STORE_URL"}, erp={"url": "env:STORE_URL"})
    file.with_suffix(".env").open("a").write(f"\nSTORE_URL={url}\n")
    for words, code in ((("check",), 1), (("orders", "list"), 1)):
        told = run(*words)
        assert told.code == code
        assert "does not answer" in told.out + told.err
        assert "s3cret" not in told.out + told.err


def test_a_store_that_is_no_store_or_locked_or_unreadable_is_told(
    tmp_path: Path, monkeypatch, capsys
):
    run = command(monkeypatch, capsys)
    file = configured(tmp_path)
    monkeypatch.setenv("OMS_CONFIG", str(file))
    (tmp_path / "oms.duckdb").write_bytes(b"this is no database" * 500)
    told = run("orders", "list")
    assert (told.code, "Traceback" in told.err) == (1, False)
    assert told.err.startswith("Rejected: store ")
    monkeypatch.setenv("OMS_CONFIG", str(tmp_path))
    assert run("orders", "list").code == 2
    folder = tmp_path / "closed"
    folder.write_text("a file where a folder should be")
    url = {"url": f"duckdb:///{folder}/oms.duckdb"}
    monkeypatch.setenv("OMS_CONFIG", str(configured(tmp_path, store=url)))
    told = run("orders", "list")
    assert (told.code, "Traceback" in told.err) == (1, False)
    assert "closed" in told.err


def test_an_unforeseen_failure_tells_where_and_no_value(tmp_path: Path, monkeypatch, capsys):
    class Broken(DuckdbStore):
        def migrate(self) -> None:
            raise ZeroDivisionError("zoe@example.com")

    monkeypatch.setattr("oms_pipelines.cli.opened.open_store", lambda url: Broken("x"))
    monkeypatch.setenv("OMS_CONFIG", str(configured(tmp_path)))
    told = command(monkeypatch, capsys)("orders", "list")
    assert told.code == 1
    assert told.err.startswith("unexpected: ZeroDivisionError in test_cli_faults.py:")
    assert "zoe" not in told.err
