"""`oms check` against a sandbox: every connection is tried, and each fault told by its own."""

from pathlib import Path

import pytest
import yaml
from cli_world import Oms, command

from oms_pipelines.sandbox import SECRETS, running, sandbox_config


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory):
    """Serve a small sandbox; return it and the settings of a hub for it."""
    root = tmp_path_factory.mktemp("check")
    with running(root / "sandbox", scale=0.05) as box:
        yield box, sandbox_config(box.url, box.smtp_port, box.root, var=root)


@pytest.fixture
def check(network, tmp_path: Path, monkeypatch, capsys):
    """Return `oms check` over changed settings and secrets."""
    run: Oms = command(monkeypatch, capsys)

    def checked(secrets: dict[str, str] | None = None, **changes):
        settings = network[1] | {"store": {"url": f"duckdb:///{tmp_path}/oms.duckdb"}} | changes
        file = tmp_path / "oms.yaml"
        file.write_text(yaml.safe_dump(settings), "utf-8")
        for name, value in (SECRETS | (secrets or {})).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("OMS_CONFIG", str(file))
        told = run("check", "--json")
        return told, {x["connection"]: x for x in told.json} if told.out else {}

    return checked


def test_every_connection_of_a_network_that_runs_works(check):
    told, found = check()
    assert (told.code, [x for x in found.values() if not x["works"]]) == (0, [])
    kinds = {"store", "landing", "clock", "mail server", "erp", "carrier colis"}
    assert kinds < found.keys()
    assert {"channel shop_fr", "channel shop_com", "channel market"} < found.keys()
    assert {"channel private_sale", "location lyon stock", "location paris dispatch"} < found.keys()


def test_a_wrong_secret_a_folder_that_is_not_there_and_a_silent_server_are_told_apart(
    check, network, tmp_path: Path
):
    secret = "wrong-token-4711"
    settings = network[1]
    lyon, *others = settings["locations"]
    gone = lyon | {"stock": lyon["stock"] | {"from": str(tmp_path / "gone")}}
    mail = settings["notifications"] | {"smtp": "smtp://127.0.0.1:9"}
    told, found = check({"SHOPIFY_TOKEN": secret}, locations=[gone, *others], notifications=mail)
    assert told.code == 1
    failed = {name for name, x in found.items() if not x["works"]}
    assert failed == {"channel shop_com", "location lyon stock", "mail server"}
    assert "no such folder; make it, or correct the path" in found["location lyon stock"]["answer"]
    assert "no mail server answers" in found["mail server"]["answer"]
    assert secret not in told.out + told.err


def test_faults_are_told_before_anything_is_tried(check, tmp_path: Path):
    told, found = check(routing={"rules": [{"id": "x", "when": "colour = 'red'"}]})
    assert (told.code, found) == (2, {})
    assert told.err.startswith("configuration: routing.rules[0].when: no column is called colour")
    assert not (tmp_path / "oms.duckdb").exists()


def test_faults_of_every_kind_are_told_at_once(check, network):
    settings = network[1]
    shop, *others = settings["channels"]
    rules = [{"id": "all", "when": "no_such_column = 1", "rank": "nonsense"}]
    told, _ = check(
        channels=[shop | {"system": "nosuch", "bogus": 1}, *others],
        routing={"rules": [*rules, {"id": "rest", "when": "no_such_column = 1"}]},
        returns=settings["returns"] | {"location": "mars"},
        notifications=settings["notifications"] | {"languages": ["fr", "xx"]},
    )
    assert told.code == 2
    for path in (
        "channels[0].bogus",
        "channels[0].system",
        "routing.rules[0].rank",
        "routing.rules[1].when",
        "returns.location",
        "notifications.languages[1]",
    ):
        assert f"configuration: {path}: " in told.err, path
