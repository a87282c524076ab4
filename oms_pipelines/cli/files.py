"""Commands that look at files sent to destinations."""

import typer

from oms_pipelines import config
from oms_pipelines.cli.opened import reading
from oms_pipelines.cli.show import Json, document, rows, say
from oms_pipelines.dispatch import list_files, resend, show_file
from oms_pipelines.store import open_store

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_(destination: str | None = None, as_json: Json = False) -> None:
    """List files with their state: delivered, acknowledged, accepted, rejected, overdue."""
    with reading() as session:
        found = list_files(session, destination)
    rows(found, as_json, "Files", "No file was written yet.")


@app.command()
def show(name: str, as_json: Json = False) -> None:
    """Show one file: its totals, its state, and what stands in it."""
    with reading() as session:
        found = show_file(session, name)
    document(found) if as_json else _print(found)


def _print(found: dict) -> None:
    for key, value in found.items():
        if isinstance(value, list):
            rows(value, False, key, f"{key}: none")
        elif value is not None:
            say(f"{key}: {value}")


@app.command("resend")
def resend_(name: str) -> None:
    """Deliver a file again, byte for byte as it was sent."""
    oms = config.load()
    resend(open_store(oms.store.url), oms, name)
    say(f"{name} was delivered again, byte for byte.")
