"""Commands that look at stock."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oms_pipelines import config
from oms_pipelines.cli.opened import one_of, reading, time_of
from oms_pipelines.cli.show import Json, Limit, document, rows, tell, tell_more
from oms_pipelines.errors import Rejected
from oms_pipelines.store import Session
from oms_pipelines.store.frames import cut
from oms_pipelines.words import CONTRADICTIONS, DRIFT_CAUSES, LATE_FACTS

if TYPE_CHECKING:
    import polars as pl

    from oms_pipelines.config import Oms
    from oms_pipelines.stock.trace import Trace

app = typer.Typer(no_args_is_help=True)


def _known(session: Session, sku: str) -> None:
    """Refuse a word that names no SKU; tell whose name it is, if a channel's."""
    found = session.query("show/sku", sku=sku)
    if found.is_empty():
        raise Rejected(f"no SKU is called {sku}; write it as the merchant does, case included")
    names = found.filter(found["kind"] == "channel")
    if names.height == found.height:
        told = ", ".join(f"{c}'s name of {s}" for s, c in names.select("sku", "channel_id").rows())
        raise Rejected(f"{sku} is {told}; ask for that")


_SHARED = (
    "pool: ATP of the places it sells from, less what is sold and given to none. gets: its quota, "
    "minimum and percent of the pool; a pooled channel, what escrow leaves. shows: that less the "
    "buffer, at most the cap, and nothing rather than less than stop below."
)


@app.command()
def show(sku: str, limit: Limit = 20, as_json: Json = False) -> None:
    """Show one SKU: where it lies, what was counted, every channel's level, its movements."""
    import polars as pl

    from oms_pipelines.stock.explain import (
        explain_channels,
        explain_kit,
        explain_locations,
        explain_shares,
    )

    oms = config.load()
    with reading(oms) as session:
        _known(session, sku)
        now, wanted = time_of(oms), pl.DataFrame({"sku": [sku]})
        found = {
            "made_of": explain_kit(session, oms, now, sku),
            "locations": explain_locations(session, oms, now, wanted).drop("sku"),
            "channels": explain_channels(session, oms, now, wanted).drop("sku"),
            "shares": explain_shares(session, oms, now, sku),
            "accounts": session.query("show/stock", sku=sku),
            "counts": session.query("show/counts", sku=sku),
            "levels": session.query("show/levels", sku=sku),
            "movements": session.query("show/movements", sku=sku, limit=limit),
        }
    found["movements"], more = cut(found["movements"])
    if as_json:
        tell_more(more, error=True)
        document({"sku": sku, **{name: frame.to_dicts() for name, frame in found.items()}})
        return
    _reasons(sku, found)
    rows(found["accounts"], False, f"Where {sku} lies", f"{sku} lies nowhere.")
    rows(found["counts"], False, "Newest counts", "No location has counted it.")
    rows(found["levels"], False, "Levels", "No channel is told a level of it.")
    rows(found["movements"], False, "Movements, newest first", "It has not moved.", more=more)


def _reasons(sku: str, found: "dict[str, pl.DataFrame]") -> None:
    """Print why the numbers are what they are, by location and by channel."""
    if not found["made_of"].is_empty():
        tell(f"{sku} is a kit: it is made of other SKUs, and what lies under its own name is none.")
        rows(found["made_of"], False, "How many each location can make", "")
    else:
        why = "No location has it, or is to receive it."
        rows(found["locations"], False, "Why this number", why)
    rows(found["shares"], False, "From ATP to each channel", "No channel is told levels.")
    if not found["shares"].is_empty():
        tell(_SHARED)
    if any(found["channels"]["preorder"]):
        rows(found["channels"], False, "On hand and before it is there", "")


@app.command()
def drift(
    location: Annotated[str, typer.Option(help="Of one location.")] = "",
    cause: Annotated[str, typer.Option(help="Of one cause, such as loss.")] = "",
    closed: Annotated[bool, typer.Option("--all", help="What was explained, too.")] = False,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """Show where counts differ from the ledger, or facts contradict it, why and since when.

    units: counted less expected, so missing units are negative; in_flight of them may be of
    orders that left and were not told yet. contradicts: units by which a fact contradicts; it is
    of no count, and not added to units: a unit may be picked short, and missing in the next
    count too.
    """
    from oms_pipelines.stock.drift import open_in_words

    oms = config.load()
    one_of(location or None, [x.id for x in oms.locations], "--location")
    one_of(cause or None, [*DRIFT_CAUSES[1:], *LATE_FACTS, *CONTRADICTIONS], "--cause")
    with reading(oms) as session:
        found = session.query(
            "show/drift", now=time_of(oms), location=location, cause=cause, closed=closed,
            limit=limit,
        )  # fmt: skip
        totals = session.query("stock/drift_totals")
    found, more = cut(found)
    rows(found, as_json, "Drift, newest first", "No count differs from the ledger.", more=more)
    if not as_json:
        for column, wanted in (("location", location), ("cause", cause)):
            totals = totals.filter(totals[column] == wanted) if wanted else totals
        tell(open_in_words(totals))


@app.command()
def levels(
    channel: Annotated[str | None, typer.Option(help="Of this channel alone.")] = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """Show where levels stand, by channel, and those not observed as desired; ages in minutes.

    due: to be sent. unsettled: sent, and no receipt yet. refused: by the channel. unobserved:
    accepted, and not read back yet. differs: read back, and not what was accepted. observed:
    the channel shows it. An alarm is open until a reading is right.
    """
    from oms_pipelines.stock.loop import NOT_OBSERVED, by_channel, not_observed

    oms = config.load()
    one_of(channel, [c.id for c in oms.channels], "--channel")
    now = time_of(oms)
    with reading(oms) as session:
        channels = by_channel(session, now, oms)
        found = not_observed(session, now, limit, channel, oms)
    if channel:
        channels = channels.filter(channels["channel_id"] == channel)
    found, more = cut(found)
    if as_json:
        tell_more(more, error=True)
        document({"channels": channels.to_dicts(), "levels": found.to_dicts()})
        return
    rows(channels, False, "Levels by channel", "No channel is told levels.")
    hidden = ("sent_version", "accepted_version", "observed_version")
    rows(found, False, NOT_OBSERVED, "Every channel shows what it should.", hide=hidden, more=more)


Shares = Annotated[
    list[Path], typer.Option("--shares", help="YAML: `stock` settings by channel. May come again.")
]
FromDay = Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day (UTC).")]
ToDay = Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day, included.")]
Sales = Annotated[
    Path | None, typer.Option(help="Replay this table of order lines, not the store.")
]
Columns = Annotated[
    str | None, typer.Option("--map", help="Its columns: sku=..,quantity=..,placed_at=..")
]
Network = Annotated[Path | None, typer.Option(help="YAML: who sells the lines, from where.")]
_CAVEAT = (
    "Demand is what was bought then. What could not be bought is not seen, so lost sales are "
    "understated where shops were empty."
)


@app.command()
def whatif(
    shares: Shares,
    from_: FromDay,
    to: ToDay,
    sales: Sales = None,
    columns: Columns = None,
    network: Network = None,
    as_json: Json = False,
) -> None:
    """Replay a past period under other stock settings, beside the live ones."""
    from oms_pipelines.stock import whatif as engine

    since, until = (x.replace(tzinfo=UTC) for x in (from_, to + timedelta(days=1)))
    if until <= since:
        raise typer.BadParameter("is before --from", param_hint="--to")
    oms, trace, lags, note = _past(since, until, sales, columns, network)
    policies = [engine.Policy(engine.LIVE, oms), *(engine.read_shares(x, oms) for x in shares)]
    if trace.demand.is_empty():
        why = "nothing was sold in that time on a channel that is told levels"
        raise Rejected(f"{why}. {note}".strip())
    found = engine.compare(trace, policies, engine.hub_play(oms, lags))
    if as_json:
        document({"demand": _CAVEAT, "period": note or None, "settings": found.to_dicts()})
        return
    last = trace.until - timedelta(days=1)
    title = f"{trace.since:%Y-%m-%d} to {last:%Y-%m-%d} again, units"
    rows(found, False, title, "No channel is told levels.")
    if note:
        tell(note)
    tell(_CAVEAT)


def _past(
    since: datetime, until: datetime, sales: Path | None, columns: str | None, network: Path | None
) -> "tuple[Oms, Trace, dict[str, list[float]], str]":
    """Return the live settings, the period, of the store or of a table, measured lags, and what
    of the period cannot be known.
    """
    if sales is None:
        for option, given in (("--map", columns), ("--network", network)):
            if given is not None:
                raise typer.BadParameter("tells of a table: needs --sales", param_hint=option)
        from oms_pipelines.stock.delays import measured_lags
        from oms_pipelines.stock.whatif import known_period, stored_trace

        oms = config.load()
        with reading(oms) as session:
            days = known_period(session, oms, since, until, time_of(oms))
            lags = measured_lags(session, oms.channels)
            return oms, stored_trace(session, oms, days.since, days.until), lags, days.note
    from oms_pipelines.stock.sales_table import as_trace, read_lines, read_network

    if columns is None or network is None:
        raise typer.BadParameter("needs --map and --network", param_hint="--sales")
    oms, replay = read_network(network)
    return oms, as_trace(read_lines(sales, columns, replay), since, until, replay), {}, ""
