"""The command that erases a person."""

from dataclasses import asdict
from typing import Annotated

import typer

from oms_pipelines import config
from oms_pipelines.cli.show import Json, document, tell


def erase(
    wanted: Annotated[str, typer.Argument(help="An order as CHANNEL/ID, or an e-mail address.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Erase a person from the store, the landing zone, copies of sent files, inputs of plans."""
    from oms_pipelines.erasure import erase as erase_person
    from oms_pipelines.landing import Landing
    from oms_pipelines.store import open_store

    oms = config.load()
    if not yes:
        typer.confirm("This cannot be undone. Erase?", abort=True)
    store = open_store(oms.store.url)
    store.migrate()
    done = erase_person(store, Landing(oms.landing.url), oms, wanted)
    if as_json:
        document(asdict(done))
    else:
        tell(
            f"Erased the contacts of {done.contacts} orders, {done.reasons} texts of returns and "
            f"refunds, {done.records} landed records in {done.batches} batches, "
            f"{done.file_rows} rows in {done.files} sent files, and where the customer lives in "
            f"the inputs of {done.plans} plans."
        )
        for folder in done.left:
            tell(f"Look yourself: {folder} holds a file that cannot be rewritten.")
    if done.left:
        raise typer.Exit(1)
