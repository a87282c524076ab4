"""Commands that look at stock."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from oms_pipelines import clock, config
from oms_pipelines.cli.opened import one_of, reading
from oms_pipelines.cli.show import Json, Limit, document, rows
from oms_pipelines.errors import Rejected, Unreachable
from oms_pipelines.store import Session

app = typer.Typer(no_args_is_help=True)


def _known(session: Session, sku: str) -> None:
    """Refuse a word that names no SKU; tell whose name it is, if a channel's."""
    found = session.query("show/sku", sku=sku)
    if found.is_empty():
        raise Rejected(f"no SKU is called {sku}; write it as the merchant does, case included")
    names = found.filter(found["kind"] == "channel")
    if names.height == found.height:
        told = ", ".join(f"{c}'s name of {s}" for s, c in names.select("sku", "channel_id").rows())
        raise Rejected(f"{sku} is {told}; ask for that")


@app.command()
def show(sku: str, limit: Limit = 20, as_json: Json = False) -> None:
    """Show one SKU: where it lies, what was counted, every channel's level, its movements."""
    with reading() as session:
        _known(session, sku)
        found = {
            "accounts": session.query("show/stock", sku=sku),
            "counts": session.query("show/counts", sku=sku),
            "levels": session.query("show/levels", sku=sku),
            "movements": session.query("show/movements", sku=sku, limit=limit),
        }
    if as_json:
        document({"sku": sku, **{name: frame.to_dicts() for name, frame in found.items()}})
        return
    rows(found["accounts"], False, f"Where {sku} lies", f"{sku} lies nowhere.")
    rows(found["counts"], False, "Newest counts", "No location has counted it.")
    rows(found["levels"], False, "Levels", "No channel is told a level of it.")
    rows(found["movements"], False, "Movements, newest first", "It has not moved.")


def _now(oms: config.Oms) -> datetime:
    """Return the time ages are counted to; a clock that is down keeps no row back."""
    try:
        return clock.now(oms)
    except Unreachable:
        return datetime.now(UTC)


@app.command()
def drift(
    location: Annotated[str, typer.Option(help="Of one location.")] = "",
    cause: Annotated[str, typer.Option(help="Of one cause, such as loss.")] = "",
    closed: Annotated[bool, typer.Option("--all", help="What was explained, too.")] = False,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """Show where counts differ from the ledger, or facts contradict it, why and since when."""
    oms = config.load()
    one_of(location or None, [x.id for x in oms.locations], "--location")
    with reading(oms) as session:
        found = session.query(
            "show/drift", now=_now(oms), location=location, cause=cause, closed=closed,
            limit=limit,
        )  # fmt: skip
    rows(found, as_json, "Drift, newest first", "No count differs from the ledger.")
