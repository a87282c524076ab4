"""Commands that look at stock."""

import typer

from oms_pipelines.cli.opened import reading
from oms_pipelines.cli.show import Json, document, rows

app = typer.Typer(no_args_is_help=True)


@app.command()
def show(sku: str, limit: int = 20, as_json: Json = False) -> None:
    """Show one SKU: where it lies, the level of every channel, its newest movements."""
    with reading() as session:
        accounts = session.query("show/stock", sku=sku)
        levels = session.query("show/levels", sku=sku)
        movements = session.query("show/movements", sku=sku, limit=limit)
    if as_json:
        document(
            {
                "accounts": accounts.to_dicts(),
                "levels": levels.to_dicts(),
                "movements": movements.to_dicts(),
            }
        )
        return
    rows(accounts, False, f"Where {sku} lies", f"No location has counted {sku}.")
    rows(levels, False, "Levels", "No channel is told a level of it.")
    rows(movements, False, "Movements, newest first", "It has not moved.")


@app.command()
def drift(limit: int = 50, as_json: Json = False) -> None:
    """Show where counts differed from the ledger, beyond the first count."""
    with reading() as session:
        found = session.query("show/drift", limit=limit)
    rows(found, as_json, "Drift", "Every count was explained by the ledger.")
