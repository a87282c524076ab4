"""Commands that look at orders."""

from typing import TYPE_CHECKING, Annotated

import typer

from oms_pipelines import config
from oms_pipelines.cli.opened import one_of, reading, time_of
from oms_pipelines.cli.show import Json, Limit, document, rows, say, tell
from oms_pipelines.config import Oms
from oms_pipelines.errors import Rejected
from oms_pipelines.store import Session
from oms_pipelines.store.frames import cut

if TYPE_CHECKING:
    import polars as pl

app = typer.Typer(no_args_is_help=True)
STATUSES = ("open", "held", "canceled", "closed")


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
    channel: Annotated[str | None, typer.Option(help="Of this channel only.")] = None,
    status: Annotated[str | None, typer.Option(help="open, held, canceled or closed.")] = None,
    limit: Limit = 20,
    as_json: Json = False,
) -> None:
    """List orders, newest first."""
    oms = config.load()
    one_of(channel, [c.id for c in oms.channels], "--channel")
    one_of(status, STATUSES, "--status")
    with reading(oms) as session:
        found = session.query("show/orders", channel=channel, status=status, limit=limit)
    found, more = cut(found)
    wanted = "" if channel is None and status is None else " that fit"
    empty = f"No orders{wanted}. `oms sync` brings them in."
    rows(found, as_json, "Orders", empty, hide=("delivery_mode",), more=more)


@app.command()
def show(order: str, as_json: Json = False) -> None:
    """Show one order by its id, number or external id: lines, and what happened."""
    oms = config.load()
    with reading(oms) as session:
        head = find_order(session, order)
        lines = session.query("show/order_lines", order_id=head["order_id"])
        lines = _with_dates(session, oms, lines, head["order_id"])
        story = session.query("show/order_story", order_id=head["order_id"])
    if as_json:
        document({"order": head, "lines": lines.to_dicts(), "story": story.to_dicts()})
        return
    number = f" number {head['number']}," if head["number"] else ""
    tell(f"{head['order_id']}{number} placed {head['placed_at']:%Y-%m-%d %H:%M} UTC")
    for axis in ("order", "payment", "fulfillment"):
        raw = head[f"{axis}_status_raw"]
        tell(f"  {axis}: {head[f'{axis}_status']}" + (f" (channel: {raw})" if raw else ""))
    if head["hold_reason"]:
        tell(f"  held: {head['hold_reason']}")
    if head["total_amount"] is not None:
        refunded = head["refunded_amount"] or 0
        told = f", refunded {refunded:.2f}" if refunded else ""
        tell(f"  total: {head['total_amount']:.2f} {head['currency']}{told}")
    say("")
    rows(lines, False, "Lines", "No lines.")
    rows(story, False, "Story", "Nothing has happened yet.")


def _with_dates(session: Session, oms: Oms, lines: "pl.DataFrame", order_id: str) -> "pl.DataFrame":
    """Add `expected_at` to lines that wait: when the supply comes that they are served from."""
    import polars as pl

    from oms_pipelines.stock.supply import backorders

    skus = lines.select("sku").drop_nulls().unique()
    waits = backorders(session, oms, time_of(oms), skus).filter(pl.col("order_id") == order_id)
    return lines.join(waits.select("line_id", "expected_at"), on="line_id", how="left")
