"""Commands that look at records kept back, and let mended ones through."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from oms_pipelines import config
from oms_pipelines.cli.opened import one_of, reading, store_of
from oms_pipelines.cli.show import Json, Limit, document, rows, tell
from oms_pipelines.errors import Rejected

app = typer.Typer(no_args_is_help=True)
STATES = ("waiting", "released", "superseded", "any")
_HIDDEN = ("batch_id", "page", "record")


@app.command("list")
def list_(
    state: Annotated[str, typer.Option(help=", ".join(STATES) + ".")] = "waiting",
    source: Annotated[
        str | None, typer.Option(help="Of this channel, location or carrier, or hub.")
    ] = None,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """List records kept back, newest first, with the reason."""
    oms = config.load()
    one_of(state, STATES, "--state")
    known = [x.id for x in (*oms.channels, *oms.locations, *oms.carriers)]
    one_of(source, [*known, "hub"], "--source")
    wanted = None if state == "any" else state
    with reading(oms) as session:
        found = session.query("quality/quarantine", state=wanted, source=source)
    title, empty, more = (
        f"Quarantine: {state}",
        "No such record is kept back.",
        found.height - limit,
    )
    rows(found.head(limit), as_json, title, empty, hide=_HIDDEN, more=more)


@app.command()
def show(quarantine_id: str, as_json: Json = False) -> None:
    """Show the reason and the record itself, as received. Prints personal data it holds."""
    from oms_pipelines.landing import Landing
    from oms_pipelines.quality import quarantine

    oms = config.load()
    found = quarantine.show(store_of(oms), Landing(oms.landing.url), quarantine_id, oms)
    if as_json:
        document(
            {
                "quarantine_id": found.quarantine_id,
                "source": found.source,
                "stream": found.stream,
                "state": found.state,
                "reason": found.reason,
                "record": found.text,
            }
        )
        return
    tell(f"{quarantine_id} {found.source}/{found.stream}, {found.state}: {found.reason}")
    tell(found.text)


@app.command()
def release(
    quarantine_id: str,
    mended: Annotated[
        Path | None, typer.Argument(help="The mended record; - for standard input.")
    ] = None,
) -> None:
    """Let a record through: as it is, or mended."""
    from oms_pipelines.hub import Hub
    from oms_pipelines.quality import quarantine

    body = None if mended is None else _read(mended)
    hub = Hub.open(config.load())
    quarantine.release(hub.store, hub.landing, hub.oms, quarantine_id, body, hub.now())
    tell(f"{quarantine_id} is released; the next sync plans it.")


def _read(path: Path) -> bytes:
    if str(path) == "-":
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except OSError as e:
        raise Rejected(f"{path}: cannot be read ({e.strerror})") from None
