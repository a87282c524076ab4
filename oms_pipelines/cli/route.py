"""Commands that tell why an order ships from where it does."""

import typer

from oms_pipelines import config
from oms_pipelines.cli.opened import reading
from oms_pipelines.cli.orders import find_order
from oms_pipelines.cli.show import Json, rows
from oms_pipelines.errors import Misconfigured

app = typer.Typer(no_args_is_help=True)


@app.command()
def explain(order: str, as_json: Json = False) -> None:
    """Show every location looked at for an order: verdict, first failing test, score, rank."""
    with reading() as session:
        head = find_order(session, order)
        found = session.query("route/explain", order_id=head["order_id"])
    rows(
        found,
        as_json,
        f"Why {head['order_id']} ships from where it does",
        "No plan has looked at this order: it is held, closed, or not synchronized yet.",
    )


@app.command()
def check() -> None:
    """Check the routing rules: predicates, columns, places."""
    from oms_pipelines.cli.show import say
    from oms_pipelines.routing import check_rules

    oms = config.load()
    faults = check_rules(oms.routing)
    if faults:
        raise Misconfigured(faults)
    say(f"{len(oms.routing.rules)} rules are in order.")
