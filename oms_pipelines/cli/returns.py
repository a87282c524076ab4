"""Commands for returns: announce, find, receive, statistics."""

from dataclasses import asdict
from typing import Annotated

import typer

from oms_pipelines import config
from oms_pipelines.cli.opened import one_of, reading
from oms_pipelines.cli.show import Json, document, rows, tell
from oms_pipelines.report.returns import DIMENSIONS, RULES, by_dimension
from oms_pipelines.returns.carriers import crosswalk, listed
from oms_pipelines.setting_types import folded

app = typer.Typer(no_args_is_help=True)
WHERE_PUT = {
    "quarantine": "set aside in quarantine",
    "restock": "restocked",
    "repair": "sent to repair",
    "damaged": "kept as damaged",
    "scrap": "scrapped",
}
Lines = Annotated[list[str] | None, typer.Option("--line", help="LINE or LINE=QUANTITY.")]


@app.command()
def announce(
    order: Annotated[str, typer.Argument(help="Order id, number or external id.")],
    reason: Annotated[str, typer.Option(help="A code of the menu in oms.yaml.")],
    line: Lines = None,
    text: Annotated[str | None, typer.Option(help="In the customer's words.")] = None,
    initiator: Annotated[str, typer.Option(help="customer, carrier or merchant.")] = "customer",
    carrier: Annotated[str | None, typer.Option(help="Who carries it back.")] = None,
    tracking_number: Annotated[str | None, typer.Option(help="Of the return parcel.")] = None,
    location: Annotated[str | None, typer.Option(help="Where it is expected.")] = None,
    as_json: Json = False,
) -> None:
    """Announce a return; the warehouse is told by the next sync."""
    from oms_pipelines.hub import Hub
    from oms_pipelines.returns.announce import INITIATORS, Announcement
    from oms_pipelines.returns.announce import announce as announce_return

    oms = config.load()
    places = [x.id for x in oms.locations]
    one_of(reason, [r.code for r in oms.returns.reasons], "--reason")
    one_of(initiator, INITIATORS, "--initiator")
    one_of(location, places, "--location")
    made = announce_return(
        Hub.open(oms),
        Announcement(
            order, reason, tuple(line or ()), text, initiator, carrier, tracking_number, location
        ),
    )
    if as_json:
        document(made.__dict__)
        return
    where = f", expected at {made.location_id}" if made.location_id else ""
    tell(f"{made.rma}: {made.quantity} units of {made.order_id}{where}")
    if carrier and folded(carrier) not in crosswalk(oms.carriers):
        tell(f"{carrier} is no carrier of oms.yaml; it is kept as said and listed as unknown.")


@app.command()
def find(
    parcel: Annotated[str, typer.Argument(help="Order number, RMA or tracking number.")],
    as_json: Json = False,
) -> None:
    """Find whose parcel stands at the dock."""
    from oms_pipelines.returns.dock import find as find_return

    with reading() as session:
        found = find_return(session, parcel)
    unknown = (
        f"{parcel} is no order, RMA or tracking number; "
        "`oms returns receive` books goods of an unknown parcel too, without --parcel."
    )
    rows(found, as_json, f"What {parcel} may be", unknown)


@app.command()
def receive(
    location: Annotated[str, typer.Argument(help="Where it was received.")],
    receipt: Annotated[str, typer.Argument(help="The receipt's own number.")],
    line: Annotated[list[str], typer.Option(help="SKU=QUANTITY=CONDITION.")],
    parcel: Annotated[str | None, typer.Option(help="RMA, order or tracking number.")] = None,
    remark: Annotated[str | None, typer.Option(help="Of the dock, in its words.")] = None,
    as_json: Json = False,
) -> None:
    """Book goods that came back: restock, repair or scrap, by their condition."""
    from oms_pipelines.hub import Hub
    from oms_pipelines.returns.dock import Receipt
    from oms_pipelines.returns.dock import receive as receive_goods

    oms = config.load()
    one_of(location, [x.id for x in oms.locations], "LOCATION")
    done = receive_goods(Hub.open(oms), Receipt(location, receipt, parcel, tuple(line), remark))
    if as_json:
        document(asdict(done))
    elif done.repeated:
        tell(f"{receipt} of {location} was received already; nothing changed.")
    else:
        tell(f"{done.units} units booked at {location}; the next sync publishes what is sellable.")
    for text in done.not_ordered if not as_json else ():
        sku, units, disposition = text.rsplit("=", 2)
        tell(f"{units} {sku} were not in the order: {WHERE_PUT[disposition]}.")
    for text in done.beyond if not as_json else ():
        sku, units = text.rsplit("=", 1)
        tell(f"{units} {sku} are more than was delivered and still to come back; count them again.")


@app.command()
def stats(
    by: Annotated[
        str,
        typer.Option(help="reason, sku, channel, location, expected_at, carrier or initiator."),
    ] = "reason",
    as_json: Json = False,
) -> None:
    """Count returns by reason, SKU, channel, place they came to or were told, carrier, initiator.

    A carrier that is none of oms.yaml is listed as unknown, with the name that was said.
    """
    one_of(by, DIMENSIONS, "--by")
    with reading() as session:
        daily = session.query("report/returns_daily")
    found = by_dimension(listed(daily, config.load().carriers), by)
    rows(found, as_json, f"Returns by {by}", "Nothing has been returned yet.")
    if by in RULES and not as_json:
        tell(RULES[by])
