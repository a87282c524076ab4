"""Commands that look at orders."""

import typer

from oms_pipelines.cli.opened import reading
from oms_pipelines.cli.show import Json, document, rows, say
from oms_pipelines.errors import Rejected
from oms_pipelines.store import Session

app = typer.Typer(no_args_is_help=True)


def find_order(session: Session, wanted: str) -> dict:
    """Return the one order of an id, external id or number. Raises Rejected."""
    found = session.query("show/order", wanted=wanted).to_dicts()
    if not found:
        raise Rejected(f"no order is called {wanted}; `oms orders list` shows some")
    exact = [o for o in found if o["order_id"] == wanted]
    if not exact and len(found) > 1:
        names = ", ".join(o["order_id"] for o in found)
        raise Rejected(f"{wanted} names several orders: {names}; give the whole id")
    return (exact or found)[0]


@app.command("list")
def list_(
    channel: str | None = None, status: str | None = None, limit: int = 20, as_json: Json = False
) -> None:
    """List orders, newest first."""
    with reading() as session:
        found = session.query("show/orders", channel=channel, status=status, limit=limit)
    rows(found, as_json, "Orders", "No orders. `oms sync` brings them in.")


@app.command()
def show(order: str, as_json: Json = False) -> None:
    """Show one order by its id, number or external id: lines, and what happened."""
    with reading() as session:
        head = find_order(session, order)
        lines = session.query("show/order_lines", order_id=head["order_id"])
        story = session.query("show/order_story", order_id=head["order_id"])
    if as_json:
        document({"order": head, "lines": lines.to_dicts(), "story": story.to_dicts()})
        return
    say(
        f"[bold]{head['order_id']}[/] number {head['number']}, "
        f"placed {head['placed_at']:%Y-%m-%d %H:%M}"
    )
    for axis in ("order", "payment", "fulfillment"):
        say(f"  {axis}: {head[f'{axis}_status']} (channel: {head[f'{axis}_status_raw']})")
    if head["hold_reason"]:
        say(f"  held: {head['hold_reason']}")
    say(f"  total: {head['total_amount']} {head['currency']}, refunded {head['refunded_amount']}")
    rows(lines, False, "Lines", "No lines.")
    rows(story, False, "Story", "Nothing has happened yet.")
