"""Announce a return: by command, by form, or by a file dropped in `returns.drop`."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from itertools import count

import polars as pl

from oms_pipelines.channels.base import Page
from oms_pipelines.config import Oms
from oms_pipelines.consolidate import consolidate
from oms_pipelines.errors import Rejected
from oms_pipelines.hub import Hub
from oms_pipelines.logistics.csvfile import write
from oms_pipelines.logistics.kinds import ANNOUNCEMENT
from oms_pipelines.store import Session

HUB = "hub"
STREAM = "announcements"
INITIATORS = ("customer", "carrier", "merchant")


@dataclass(frozen=True)
class Announcement:
    """A return to announce. `lines` are LINE or LINE=QUANTITY; none is all that may come back.

    `initiator` is customer, carrier or merchant; `reason` a code of the menu of oms.yaml.
    """

    order: str
    reason: str
    lines: tuple[str, ...] = ()
    text: str | None = None
    initiator: str = "customer"
    carrier_id: str | None = None
    tracking_number: str | None = None
    location_id: str | None = None


@dataclass(frozen=True)
class Announced:
    """What was announced."""

    return_id: str
    rma: str
    order_id: str
    location_id: str | None
    quantity: int


def announce(hub: Hub, what: Announcement) -> Announced:
    """Announce a return; the location is told by the next publish.

    Raises Rejected, naming the field and the cure, when the order, the reason or the
    quantity cannot be.
    """
    now = hub.now()
    _check_words(hub.oms, what)
    with hub.store.session(read_only=True) as session:
        order_id = find_one(session, what.order)
        left = returnable(session, order_id)
        wanted = _quantities(left, what)
        place = what.location_id or hub.oms.returns.location or _shipped_from(left, wanted)
        rma = _free_rma(session, order_id, wanted, now)
    rows = pl.DataFrame(
        {"line_id": list(wanted), "quantity": list(wanted.values())},
        schema={"line_id": pl.String, "quantity": pl.Int64},
    ).with_columns(
        pl.lit(rma).alias("rma"),
        pl.lit(order_id).alias("order_number"),
        pl.lit(what.reason).alias("reason_code"),
        pl.lit(what.text, pl.String).alias("reason_text"),
        pl.lit(what.initiator).alias("initiator"),
        pl.lit(what.carrier_id, pl.String).alias("carrier_id"),
        pl.lit(what.tracking_number, pl.String).alias("tracking_number"),
        pl.lit(place, pl.String).alias("expected_at"),
        pl.lit(now).alias("announced_at"),
    )
    body = write(rows, ANNOUNCEMENT).body
    page = Page(STREAM, body, rows.height, name=f"announcement_{rma}.csv")
    hub.landing.write(HUB, STREAM, [page], None, True, None, now)
    done = consolidate(hub.store, hub.landing, hub.oms, now, only={(HUB, STREAM)})
    if any(r.quarantined for r in done):
        raise Rejected(f"return {rma} was kept back; `oms quarantine list --source hub` says why")
    return Announced(f"{HUB}/{rma}", rma, order_id, place, sum(wanted.values()))


def returnable(session: Session, order_id: str) -> pl.DataFrame:
    """Return (line_id, sku, location_id, returnable) of an order's lines that ship."""
    session.frame("tmp_orders", pl.DataFrame({"order_id": [order_id]}))
    session.frame("tmp_again", pl.DataFrame(schema={"return_id": pl.String}))
    return session.query("returns/returnable")


def find_one(session: Session, wanted: str) -> str:
    """Return the one order of an id, number or external id. Raises Rejected."""
    session.frame("tmp_wanted", pl.DataFrame({"wanted": [wanted]}))
    found = session.query("returns/order_of_announcement")["order_id"].unique().sort().to_list()
    if wanted in found:
        return wanted
    if len(found) != 1:
        names = f": {', '.join(found)}; give the whole id" if found else "; is the number right?"
        raise Rejected(f"order: {wanted} names {len(found) or 'no'} orders{names}")
    return found[0]


def _check_words(oms: Oms, what: Announcement) -> None:
    menu = [r.code for r in oms.returns.reasons]
    if what.reason not in menu:
        raise Rejected(f"reason: {what.reason} is not in the menu: {', '.join(menu) or 'empty'}")
    if what.initiator not in INITIATORS:
        raise Rejected(f"initiator: {what.initiator} is none of {', '.join(INITIATORS)}")
    places = [x.id for x in oms.locations]
    if what.location_id is not None and what.location_id not in places:
        raise Rejected(f"location: {what.location_id} is none of {', '.join(places)}")


def _quantities(left: pl.DataFrame, what: Announcement) -> dict[str, int]:
    """Return the sold units announced of each line. Raises Rejected beyond what may come back."""
    returnable = dict(zip(left["line_id"], left["returnable"], strict=True))
    if not what.lines:
        wanted = {line: units for line, units in returnable.items() if units > 0}
        if not wanted:
            raise Rejected("order: nothing of it has left, or all of it is announced already")
        return wanted
    wanted = {}
    for text in what.lines:
        line, _, units = (text, "", "") if text in returnable else text.rpartition("=")
        line = line or text
        if line in wanted:
            raise Rejected(f"lines: {line} stands twice; write it once, with all its units")
        if line not in returnable:
            raise Rejected(f"lines: {line} is none of {', '.join(returnable) or 'no lines'}")
        if units and not units.isdecimal():
            raise Rejected(f"lines: {text}: write LINE or LINE=QUANTITY")
        wanted[line] = int(units) if units else returnable[line]
        if not 0 < wanted[line] <= returnable[line]:
            raise Rejected(
                f"lines: {line}: {returnable[line]} units may come back, not {wanted[line]}"
            )
    return wanted


def _shipped_from(left: pl.DataFrame, wanted: dict[str, int]) -> str | None:
    places = left.filter(pl.col("line_id").is_in(list(wanted)))["location_id"].drop_nulls()
    return min(places.to_list(), default=None)


def _free_rma(session: Session, order_id: str, wanted: dict[str, int], now: datetime) -> str:
    """Return an RMA that no return has yet: the same again at one moment is another return."""
    for attempt in count():
        text = f"{order_id} {sorted(wanted.items())} {now.isoformat()} {attempt}"
        rma = f"R{now:%y%m%d}-{hashlib.sha256(text.encode()).hexdigest()[:6].upper()}"
        if session.query("returns/find", wanted=rma).is_empty():
            return rma
    raise AssertionError
