"""What people copy works: both example configurations, and every command of the README."""

import inspect
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from oms_pipelines import config, settings, settings_routing
from oms_pipelines.cli import app
from oms_pipelines.cli.rooms import Room
from oms_pipelines.faults import faults
from oms_pipelines.sandbox import SECRETS

ROOT = Path(__file__).resolve().parents[1]
PAGES = ["README.md", *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
COMMANDS = [
    (page, line)
    for page in PAGES
    for block in re.findall(r"^```\w*\n(.*?)^```", (ROOT / page).read_text("utf-8"), re.S | re.M)
    for line in block.replace("\\\n", " ").splitlines()
    if line.startswith(".venv/bin/oms ")
]
ENV = {
    **SECRETS,
    **dict.fromkeys(("TRACKING_KEY", "SMTP_USER", "SMTP_PASSWORD"), "x"),
}


@pytest.mark.parametrize("name", ["oms.yaml", "sandbox.yaml"])
def test_an_example_is_sound_as_a_whole(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT / "examples")
    found = faults(config.load(Path(name), ENV))
    # the sandbox writes its catalog when it is served
    assert [x for x in found if name == "oms.yaml" or not x.startswith("catalog.")] == []


def test_every_setting_stands_in_the_commented_example():
    text = (ROOT / "examples" / "oms.yaml").read_text("utf-8")
    keys = {
        field.alias or name
        for module in (settings, settings_routing)
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, settings.Settings)
        for name, field in kind.model_fields.items()
    }
    assert {k for k in keys if not re.search(rf"\b{re.escape(k)}:", text)} == set()


def opened(command: Any) -> Any:
    """Return a command; a group that waits to be asked for is opened."""
    return command.opened() if isinstance(command, Room) else command


def test_the_readme_shows_commands():
    assert len(COMMANDS) > 15


@pytest.mark.parametrize(("page", "line"), COMMANDS, ids=lambda x: x[:60])
def test_every_command_shown_exists_with_its_options(page: str, line: str):
    words = shlex.split(line, comments=True)[1:]
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands"):
        command = opened(command)
        assert words, f"{page}: {line}"
        assert words[0] in command.commands, f"{page}: {line}"
        command = command.commands[words.pop(0)]
    context = command.context_class(command, info_name=line)
    given, rest, _ = command.make_parser(context).parse_args(list(words))
    needed = [p.name for p in command.params if p.required]
    assert not rest, f"{page}: {line}"
    assert [n for n in needed if not given.get(n)] == [], f"{page}: {line}"


def test_every_command_is_told_of_in_the_readme():
    readme = (ROOT / "README.md").read_text("utf-8")
    tree: Any = typer.main.get_command(app)
    told = [
        f"oms {name} {sub}".strip()
        for name, command in tree.commands.items()
        for sub in getattr(opened(command), "commands", {"": None})
    ]
    assert [x for x in told if x not in readme] == []
