"""Commands that look at files sent to destinations."""

from datetime import datetime
from typing import Annotated

import typer

from oms_pipelines import clock, config
from oms_pipelines.cli.opened import one_of, reading, store_of
from oms_pipelines.cli.show import Json, Limit, document, rows, tell
from oms_pipelines.config import Oms
from oms_pipelines.errors import Unreachable

app = typer.Typer(no_args_is_help=True)
_HIDDEN = ("destination", "flow", "sequence", "sha256", "value_by_currency", "planned_at")


@app.command("list")
def list_(
    destination: Annotated[str | None, typer.Option(help="To this location, or erp.")] = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List files, newest first: delivered, acknowledged, accepted, rejected, overdue."""
    oms = config.load()
    one_of(destination, [*(x.id for x in oms.locations), "erp"], "--destination")
    with reading(oms) as session:
        found = session.query("dispatch/list_files", destination=destination)
    empty = "No file was written yet; `oms sync` writes them."
    more = found.height - limit
    rows(found.head(limit), as_json, "Files", empty, hide=_HIDDEN, more=more)


@app.command()
def show(name: str, as_json: Json = False) -> None:
    """Show one file: its totals, its state, and what stands in it."""
    from oms_pipelines.dispatch import show_file

    with reading() as session:
        found = show_file(session, name)
    if as_json:
        document(found)
        return
    for key, value in found.items():
        if key != "lines" and value is not None:
            tell(f"{key.replace('_', ' ')}: {value}")
    rows(found["lines"], False, "Lines", "No line stands in it.")


@app.command("resend")
def resend_(name: str) -> None:
    """Deliver a file again, byte for byte as it was sent."""
    from oms_pipelines import erp
    from oms_pipelines.dispatch import resend

    oms = config.load()
    store = store_of(oms)
    with store.session(read_only=True) as session:
        found = session.query("dispatch/file_by_name", name=name)
    if found.height and found["flow"][0] == "erp_orders":
        erp.resend(oms, name, found["sha256"][0] or "")
    else:
        resend(store, oms, name, _now(oms))
    tell(f"{name} was delivered again, byte for byte.")


def _now(oms: Oms) -> datetime | None:
    """Return the time the answer is due from; a clock that is down keeps no file back."""
    try:
        return clock.now(oms)
    except Unreachable:
        return None
