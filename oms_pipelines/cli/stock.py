"""Commands that look at stock."""

from typing import Annotated

import typer

from oms_pipelines import config
from oms_pipelines.cli.opened import one_of, reading, time_of
from oms_pipelines.cli.show import Json, Limit, document, rows
from oms_pipelines.errors import Rejected
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
    import polars as pl

    from oms_pipelines.stock.explain import explain_channels, explain_locations

    oms = config.load()
    with reading(oms) as session:
        _known(session, sku)
        now, wanted = time_of(oms), pl.DataFrame({"sku": [sku]})
        found = {
            "locations": explain_locations(session, oms, now, wanted).drop("sku"),
            "channels": explain_channels(session, oms, now, wanted).drop("sku"),
            "accounts": session.query("show/stock", sku=sku),
            "counts": session.query("show/counts", sku=sku),
            "levels": session.query("show/levels", sku=sku),
            "movements": session.query("show/movements", sku=sku, limit=limit),
        }
    if as_json:
        document({"sku": sku, **{name: frame.to_dicts() for name, frame in found.items()}})
        return
    rows(found["locations"], False, "Why this number", "No location has it, or is to receive it.")
    if any(found["channels"]["preorder"]):
        rows(found["channels"], False, "On hand and before it is there", "")
    rows(found["accounts"], False, f"Where {sku} lies", f"{sku} lies nowhere.")
    rows(found["counts"], False, "Newest counts", "No location has counted it.")
    rows(found["levels"], False, "Levels", "No channel is told a level of it.")
    rows(found["movements"], False, "Movements, newest first", "It has not moved.")


@app.command()
def drift(
    location: Annotated[str, typer.Option(help="Of one location.")] = "",
    cause: Annotated[str, typer.Option(help="Of one cause, such as loss.")] = "",
    closed: Annotated[bool, typer.Option("--all", help="What was explained, too.")] = False,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """Show where counts differ from the ledger, or facts contradict it, why, and since when."""
    oms = config.load()
    one_of(location or None, [x.id for x in oms.locations], "--location")
    with reading(oms) as session:
        found = session.query(
            "show/drift", now=time_of(oms), location=location, cause=cause, closed=closed,
            limit=limit,
        )  # fmt: skip
    none = "No count differs from the ledger." if not closed else "No count differed."
    rows(found, as_json, "Drift, newest first", none)


@app.command()
def levels(
    channel: Annotated[str | None, typer.Option(help="Of this channel alone.")] = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """Show where levels stand, by channel, and those not seen on their channel; ages in minutes."""
    from oms_pipelines.stock.loop import by_channel, not_observed

    oms = config.load()
    one_of(channel, [c.id for c in oms.channels], "--channel")
    now = time_of(oms)
    with reading(oms) as session:
        channels = by_channel(session, now)
        found = not_observed(session, now, limit, channel)
    if channel:
        channels = channels.filter(channels["channel_id"] == channel)
    if as_json:
        document({"channels": channels.to_dicts(), "levels": found.to_dicts()})
        return
    rows(channels, False, "Levels by channel", "No channel is told levels.")
    hidden = ("sent_version", "accepted_version", "observed_version")
    rows(found, False, "Not observed", "Every channel shows what it was told.", hide=hidden)
