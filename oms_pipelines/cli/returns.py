"""Commands for returns: announce, find, receive, statistics."""

from typing import Annotated

import typer

from oms_pipelines import config
from oms_pipelines.cli.opened import reading
from oms_pipelines.cli.show import Json, document, rows, say
from oms_pipelines.hub import Hub
from oms_pipelines.returns.announce import Announcement
from oms_pipelines.returns.announce import announce as announce_return
from oms_pipelines.returns.dock import Receipt
from oms_pipelines.returns.dock import find as find_return
from oms_pipelines.returns.dock import receive as receive_goods

app = typer.Typer(no_args_is_help=True)
Lines = Annotated[list[str] | None, typer.Option("--line", help="LINE or LINE=QUANTITY.")]


@app.command()
def announce(
    order: Annotated[str, typer.Argument(help="Order id, number or external id.")],
    reason: Annotated[str, typer.Option(help="A code of the menu in oms.yaml.")],
    line: Lines = None,
    text: Annotated[str | None, typer.Option(help="In the customer's words.")] = None,
    initiator: Annotated[str, typer.Option(help="customer, carrier or merchant.")] = "customer",
    carrier: str | None = None,
    tracking_number: str | None = None,
    location: Annotated[str | None, typer.Option(help="Where it is expected.")] = None,
    as_json: Json = False,
) -> None:
    """Announce a return; the warehouse is told by the next sync."""
    made = announce_return(
        Hub.open(config.load()),
        Announcement(
            order, reason, tuple(line or ()), text, initiator, carrier, tracking_number, location
        ),
    )
    if as_json:
        document(made.__dict__)
        return
    say(f"{made.rma}: {made.quantity} units of {made.order_id}, expected at {made.location_id}")


@app.command()
def find(
    parcel: Annotated[str, typer.Argument(help="Order number, RMA or tracking number.")],
    as_json: Json = False,
) -> None:
    """Find whose parcel stands at the dock."""
    with reading() as session:
        found = find_return(session, parcel)
    rows(found, as_json, f"What {parcel} may be", f"{parcel} is no order, RMA or tracking number.")


@app.command()
def receive(
    location: Annotated[str, typer.Argument(help="Where it was received.")],
    receipt: Annotated[str, typer.Argument(help="The receipt's own number.")],
    line: Annotated[list[str], typer.Option(help="SKU=QUANTITY=CONDITION.")],
    parcel: Annotated[str | None, typer.Option(help="RMA, order or tracking number.")] = None,
    remark: str | None = None,
) -> None:
    """Book goods that came back: restock, repair or scrap, by their condition."""
    units = receive_goods(
        Hub.open(config.load()), Receipt(location, receipt, parcel, tuple(line), remark)
    )
    say(f"{units} units booked at {location}; the next sync publishes what is sellable.")


@app.command()
def stats(
    by: Annotated[
        str, typer.Option(help="reason, sku, channel, location, carrier or initiator.")
    ] = "reason",
    as_json: Json = False,
) -> None:
    """Count returns by reason, SKU, channel, location, carrier or initiator."""
    from oms_pipelines.report.returns import DIMENSIONS, by_dimension

    if by not in DIMENSIONS:
        raise typer.BadParameter(f"--by: write one of {', '.join(DIMENSIONS)}")
    with reading() as session:
        found = by_dimension(session.query("report/returns_daily"), by)
    rows(found, as_json, f"Returns by {by}", "Nothing has been returned yet.")
