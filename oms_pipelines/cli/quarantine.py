"""Commands that look at records kept back, and let mended ones through."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from oms_pipelines import config
from oms_pipelines.cli.show import Json, document, rows, say
from oms_pipelines.hub import Hub
from oms_pipelines.quality import quarantine

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_(
    state: str = "waiting", source: str | None = None, limit: int = 100, as_json: Json = False
) -> None:
    """List records kept back, with the reason. States: waiting, released, superseded."""
    hub = Hub.open(config.load())
    found = quarantine.list_records(hub.store, state=state, source=source).head(limit)
    rows(found, as_json, f"Quarantine: {state}", f"Nothing is {state} in quarantine.")


@app.command()
def show(quarantine_id: str, as_json: Json = False) -> None:
    """Show the reason and the record itself, as received. Prints personal data it holds."""
    hub = Hub.open(config.load())
    found = quarantine.show(hub.store, hub.landing, quarantine_id)
    if as_json:
        document({"reason": found.reason, "record": found.text})
        return
    say(f"[bold]{quarantine_id}[/] {found.source}/{found.stream}: {found.reason}")
    print(found.text)


@app.command()
def release(
    quarantine_id: str,
    mended: Annotated[
        Path | None, typer.Argument(help="The mended record; - for standard input.")
    ] = None,
) -> None:
    """Let a record through: as it is, or mended."""
    hub = Hub.open(config.load())
    if mended is None:
        body = None
    else:
        body = sys.stdin.buffer.read() if str(mended) == "-" else mended.read_bytes()
    quarantine.release(hub.store, hub.landing, hub.oms, quarantine_id, body, hub.now())
    say(f"{quarantine_id} is released; the next sync plans it.")
