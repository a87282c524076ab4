"""Commands that show what a payload or file becomes; no store is touched."""

from pathlib import Path
from typing import Annotated

import typer

from oms_pipelines.cli.show import Json, document, rows, say

app = typer.Typer(no_args_is_help=True)
Files = Annotated[list[Path], typer.Argument(help="Files to read.", exists=True, dir_okay=False)]


@app.command()
def payload(
    files: Files,
    system: Annotated[str, typer.Option(help="woocommerce, shopify, mirakl, file, ...")],
    stream: Annotated[str, typer.Option(help="orders, refunds, returns")] = "orders",
    as_json: Json = False,
) -> None:
    """Show the canonical rows and the rejects of payloads. Prints personal data they hold."""
    from oms_pipelines.consolidate import inspect_payload

    found = inspect_payload(system, stream, list(files))
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
        for row in frame.to_dicts():
            say(f"[bold]{name}[/]")
            for key, value in row.items():
                if value is not None:
                    say(f"  {key}: {value}")
    rows(found.rejected, False, "Would be quarantined", "Nothing would be quarantined.")


@app.command()
def file(
    files: Files,
    profile: Annotated[str, typer.Option(help="A profile of oms.yaml, or a built-in kind.")],
    as_json: Json = False,
) -> None:
    """Show the rows and the rejects of delivered files read by a profile."""
    from oms_pipelines.cli.profiles import inspect_file

    for path in files:
        accepted, rejected = inspect_file(path, profile)
        if as_json:
            document(
                {"file": path.name, "rows": accepted.to_dicts(), "rejected": rejected.to_dicts()}
            )
        else:
            rows(accepted, False, path.name, f"{path.name}: no row is good.")
            rows(rejected, False, "Rejected", "No row is rejected.")
