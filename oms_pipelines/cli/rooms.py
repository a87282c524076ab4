"""Groups of commands whose module is imported once one of their words is asked for.

Who looks at orders does not wait for what plans, dispatches and reports.
"""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup


class Room(TyperGroup):
    """The group `oms NAME`, whose commands are those of `cli/NAME.py`."""

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **more: Any) -> Any:
        """Let the module's own group go on."""
        return self.opened().make_context(info_name, args, *rest, **more)

    def opened(self) -> TyperGroup:
        """Return the group of the module, which is imported here and not before."""
        opened = typer.main.get_group(import_module(f"oms_pipelines.cli.{self.name}").app)
        opened.help = self.help
        return opened


def add_rooms(app: typer.Typer, **helps: str) -> None:
    """Add groups by name, each with its help."""
    for name, told in helps.items():
        app.add_typer(typer.Typer(cls=Room), name=name, help=told)
