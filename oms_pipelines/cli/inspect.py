"""Commands that show what a payload or file becomes; no store is touched.

They end with 1 when anything would be kept back, be it one record among many good ones.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NoReturn

import polars as pl
import typer
from rich.markup import escape

from oms_pipelines import config
from oms_pipelines.channels import systems
from oms_pipelines.cli.opened import one_of
from oms_pipelines.cli.profiles import Inspected, inspect_file, known_profiles
from oms_pipelines.cli.show import Json, document, rows, say, tell
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
    """Show the canonical rows and the rejects of payloads. Prints personal data they hold.

    Ends with 1 when a record would be kept back, or a payload cannot be read.
    """
    from oms_pipelines.consolidate import inspect_payload
    from oms_pipelines.consolidate.channel_streams import reasons_of

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
    else:
        _show(found.tables)
        rows(found.rejected, False, "Would be quarantined", "Nothing would be quarantined.")
    kept_back = found.rejected.height
    if kept_back:
        file, record, _, reason = found.rejected.row(0)
        place = file if record < 0 else f"{file} record {record}"
        _fail(f"{kept_back} of {found.received} would be kept back; {place}: {reason}")


def _show(tables: Mapping[str, pl.DataFrame]) -> None:
    for name, frame in tables.items():
        for row in frame.iter_rows(named=True):
            tell(name)
            for key, value in row.items():
                if value is not None:
                    tell(f"  {key}: {value}")


def _fail(*told: str) -> NoReturn:
    """Name what failed, where a program that reads the answer does not look, and end with 1."""
    for line in told:
        say(f"[red]failed:[/] {escape(line)}", error=True)
    raise typer.Exit(1)


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
    """Show the rows and the rejects of delivered files read by a profile.

    Ends with 1 when a file is refused, or one of its rows rejected.
    """
    oms = _configured()
    one_of(profile, known_profiles(oms), "--profile")
    found = [inspect_file(oms, path, profile) for path in files]
    if as_json:
        document([_plain(x) for x in found])
    else:
        for one in (x for x in found if x.refused is None):
            rows(one.accepted, False, one.name, f"{one.name}: no row is good.", hide=("record",))
            rows(one.rejected, False, "Rejected", "No row is rejected.", hide=("record",))
    failed = [told for one in found if (told := _failed(one))]
    if failed:
        _fail(*failed)


def _failed(one: Inspected) -> str | None:
    """Return why a file does not go through whole, if it does not."""
    if one.refused is not None:
        return f"refused whole: {one.refused}"
    bad = one.rejected.height
    if not bad:
        return None
    all_rows = bad + one.accepted.height
    return f"{one.name}: {bad} of {all_rows} rows rejected; {one.rejected['reason'][0]}"


def _plain(found: Inspected) -> dict[str, Any]:
    return {
        "file": found.name,
        "refused": found.refused,
        "rows": found.accepted.to_dicts(),
        "rejected": found.rejected.to_dicts(),
    }
