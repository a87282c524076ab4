"""Commands that show what a payload or file becomes; no store is touched."""

from pathlib import Path
from typing import Annotated, Any

import typer

from oms_pipelines import config
from oms_pipelines.channels import systems
from oms_pipelines.cli.opened import one_of
from oms_pipelines.cli.profiles import Inspected, inspect_file, known_profiles
from oms_pipelines.cli.show import Json, document, rows, tell
from oms_pipelines.config import Channel, Oms
from oms_pipelines.errors import Misconfigured

app = typer.Typer(no_args_is_help=True)
Files = Annotated[
    list[Path], typer.Argument(help="Files to read.", exists=True, dir_okay=False, readable=True)
]
STREAMS = ("orders", "refunds", "returns")


@app.command()
def payload(
    files: Files,
    system: Annotated[str | None, typer.Option(help="woocommerce, shopify, mirakl, file.")] = None,
    stream: Annotated[str, typer.Option(help="orders, refunds, returns.")] = "orders",
    channel: Annotated[
        str | None, typer.Option(help="Read as this channel of oms.yaml: its zone, currency.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the canonical rows and the rejects of payloads. Prints personal data they hold."""
    from oms_pipelines.consolidate import inspect_payload
    from oms_pipelines.consolidate.streams import reasons_of

    one_of(stream, STREAMS, "--stream")
    oms = config.load() if channel is not None else _configured()
    settings = _channel(oms, system, channel)
    reasons = reasons_of(oms, settings.system)
    found = inspect_payload(
        settings.system, stream, files, settings, profiles=oms.profiles, reasons=reasons
    )
    if as_json:
        document(
            {
                "received": found.received,
                "tables": {name: frame.to_dicts() for name, frame in found.tables.items()},
                "rejected": found.rejected.to_dicts(),
            }
        )
        return
    for name, frame in found.tables.items():
        for row in frame.iter_rows(named=True):
            tell(name)
            for key, value in row.items():
                if value is not None:
                    tell(f"  {key}: {value}")
    rows(found.rejected, False, "Would be quarantined", "Nothing would be quarantined.")


def _configured() -> Oms:
    """Return the configuration where there is a sound one: it is of help, and not needed."""
    try:
        return config.load()
    except Misconfigured:
        return Oms()


def _channel(oms: Oms, system: str | None, channel: str | None) -> Channel:
    if channel is not None:
        one_of(channel, [c.id for c in oms.channels], "--channel")
        return oms.channel(channel)
    if system is None:
        raise typer.BadParameter("name a system, or a --channel", param_hint="--system")
    one_of(system, systems(), "--system")
    # a channel of files wants to be told its folder, whether or not it is read
    options = {"folder": "."} if system == "file" else {}
    return Channel(id="inspected", system=system, options=options)


@app.command()
def file(
    files: Files,
    profile: Annotated[
        str,
        typer.Option("--profile", "--format", help="A profile of oms.yaml, or a built-in kind."),
    ],
    as_json: Json = False,
) -> None:
    """Show the rows and the rejects of delivered files read by a profile."""
    oms = _configured()
    one_of(profile, known_profiles(oms), "--profile")
    found = [inspect_file(oms, path, profile) for path in files]
    if as_json:
        document([_plain(x) for x in found])
        return
    for one in found:
        if one.refused is not None:
            tell(f"{one.name}: refused whole: {one.refused}")
            continue
        rows(one.accepted, False, one.name, f"{one.name}: no row is good.", hide=("record",))
        rows(one.rejected, False, "Rejected", "No row is rejected.", hide=("record",))


def _plain(found: Inspected) -> dict[str, Any]:
    return {
        "file": found.name,
        "refused": found.refused,
        "rows": found.accepted.to_dicts(),
        "rejected": found.rejected.to_dicts(),
    }
