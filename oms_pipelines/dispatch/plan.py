"""Which line stands in which file: decided once, in one transaction, before a byte is written."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from oms_pipelines.config import Oms
from oms_pipelines.dispatch.content import (
    FLOWS,
    outbound,
    outbound_of,
    profile_of,
    rows_of,
)
from oms_pipelines.logistics.csvfile import write
from oms_pipelines.logistics.manifest import columns_of_totals, totals_of
from oms_pipelines.logistics.profiles import Profile
from oms_pipelines.store import Session
from oms_pipelines.store.frames import dtypes

_TIME = pl.Datetime("us", "UTC")
_WITHHELD = {"destination": pl.String, "fo_id": pl.String, "reason": pl.String}


@dataclass(frozen=True)
class Planned:
    """What was put into files, and what was not.

    `withheld` (destination, fo_id, reason) stays planned and is looked at again each time.
    """

    files: tuple[str, ...]
    fulfillment_orders: int
    returns: int
    canceled: int
    cancel_requested: int
    withheld: pl.DataFrame


def plan_files(session: Session, oms: Oms, now: datetime) -> Planned:
    """Fix the content of the next file of each destination.

    All fulfillment orders that wait go into their location's next file (those that leave later
    than `dispatch.before` lets in wait on), cancellations of what was sent too; what nobody
    wants any more and was not sent is canceled silently. A return is told to its location once.
    Nothing is planned twice: what stands in a file has its name.
    """
    canceled, asked = _drop_unwanted(session, now)
    due, withheld = _due(session, oms, now)
    notices = _notices_due(session, oms, now)
    last = session.query("dispatch/sequences")
    sequences = {(d, f): s for d, f, s in last.select("destination", "flow", "sequence").rows()}
    files: list[dict[str, Any]] = []
    for flow, waiting in (("dispatch", due), ("return_notice", notices)):
        if waiting.is_empty():
            continue
        rows = rows_of(session, waiting.drop("destination"), flow)
        for destination, part in _parts(waiting):
            sequence = sequences.get((destination, flow), 0) + 1
            own = rows.join(part, on=part.columns, how="semi")
            used = profile_of(oms, outbound_of(oms, destination, flow), flow)
            named = _file(own, used, destination, flow, sequence, now)
            files.append(named)
            _assign(session, part, named["name"], flow, now)
    session.insert_new("files", pl.DataFrame(files, schema=dtypes("files"), orient="row"))
    return Planned(
        tuple(f["name"] for f in files),
        due["fo_id"].n_unique(),
        notices.height,
        canceled,
        asked,
        withheld,
    )


def _drop_unwanted(session: Session, now: datetime) -> tuple[int, int]:
    active = session.query("dispatch/active")
    if active.is_empty():
        return 0, 0
    session.frame("tmp_active", active)
    orders = active.select("order_id")
    session.pick("tmp_active_orders", "orders", orders)
    session.pick("tmp_active_order_lines", "order_lines", orders)
    session.pick("tmp_active_parts", "fulfillment_orders", orders)
    session.pick("tmp_active_lines", "fulfillment_lines", session.query("dispatch/active_parts"))
    unwanted = session.query("dispatch/unwanted")
    if unwanted.is_empty():
        return 0, 0
    session.frame("tmp_unwanted", unwanted)
    return session.run("dispatch/cancel_unsent", now=now), session.run("dispatch/request_cancel")


def _early(oms: Oms, now: datetime) -> pl.Expr:
    """Tell what leaves too late to stand in a file now: see `dispatch.before`."""
    waits = {x.id: now + x.dispatch.before for x in oms.locations
             if x.dispatch and x.dispatch.before is not None}  # fmt: skip
    if not waits:
        return pl.lit(False)
    until = pl.col("destination").replace_strict(waits, default=None, return_dtype=_TIME)
    return (pl.col("ship_by") > until).fill_null(False)


def _due(session: Session, oms: Oms, now: datetime) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return what goes into dispatch files, and what cannot with the reason."""
    due = session.query("dispatch/due").filter(~_early(oms, now)).drop("ship_by")
    routes = {x.id: s for x in oms.locations if (s := outbound(x, "dispatch"))}
    stranded = due.filter(~pl.col("destination").is_in(list(routes)))
    withheld = [
        stranded.select(
            "destination", "fo_id", pl.lit("the location takes no dispatch files").alias("reason")
        )
    ]
    due = due.filter(pl.col("destination").is_in(list(routes)))
    for destination, part in _parts(due):
        used = profile_of(oms, routes[destination], "dispatch")
        if used.encoding.startswith("utf") or used.unencodable != "reject":
            continue
        rows = rows_of(session, part.select("fo_id", "action"), "dispatch")
        refused = write(rows, used).rejected
        reason = pl.format(f"{{}} does not fit encoding {used.encoding}", "column")
        found = refused.with_columns(
            rows["fo_id"].gather(refused["row_nr"]), reason.alias("reason")
        )
        found = found.unique("fo_id", keep="first", maintain_order=True)
        withheld.append(found.select(pl.lit(destination).alias("destination"), "fo_id", "reason"))
    kept = pl.concat([pl.DataFrame(schema=_WITHHELD), *withheld])
    return due.join(kept, on="fo_id", how="anti", maintain_order="left"), kept


def _notices_due(session: Session, oms: Oms, now: datetime) -> pl.DataFrame:
    due = session.query(
        "dispatch/notices_due",
        default_location=oms.returns.location,
        since=now - oms.returns.window,
    )
    takers = [x.id for x in oms.locations if outbound(x, FLOWS[1])]
    return due.filter(pl.col("destination").is_in(takers))


def _parts(due: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    for part in due.sort("destination").partition_by("destination", maintain_order=True):
        yield part["destination"][0], part.drop("destination")


def _file(
    rows: pl.DataFrame, used: Profile, destination: str, flow: str, sequence: int, now: datetime
) -> dict[str, Any]:
    return {
        "destination": destination,
        "flow": flow,
        "sequence": sequence,
        "name": f"{destination}_{flow}_{now:%Y%m%d}_{sequence:06d}.csv",
        "state": "planned",
        "planned_at": now,
        **columns_of_totals(totals_of(rows, used)),
    }


def _assign(session: Session, part: pl.DataFrame, name: str, flow: str, now: datetime) -> None:
    if flow == "dispatch":
        session.frame("tmp_assigned", part.with_columns(pl.lit(name).alias("name")))
        session.run("dispatch/assign_ships")
        session.run("dispatch/assign_cancels")
        return
    moment = pl.lit(now).cast(_TIME)
    destination = name.rsplit(f"_{flow}_", 1)[0]
    intents = part.select(
        pl.format("return_notice/{}", "return_id").alias("key"),
        pl.lit("return_notice").alias("kind"),
        pl.lit(destination).alias("destination"),
        pl.col("return_id").alias("subject"),
        pl.lit(None, pl.String).alias("step"),
        pl.lit(None, pl.String).alias("payload_hash"),
        pl.lit("pending").alias("state"),
        pl.lit(0, pl.Int64).alias("attempts"),
        moment.alias("created_at"),
        moment.alias("next_attempt_at"),
        pl.lit(None, _TIME).alias("delivered_at"),
        pl.lit(name).alias("receipt"),
        pl.lit(None, pl.String).alias("error"),
    )
    session.insert_new("outbox", intents)
