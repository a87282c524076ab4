"""Announcements as landed files, one row a line: to returns and their lines, or to a reason."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from oms_pipelines.config import Oms
from oms_pipelines.logistics.kinds import ANNOUNCEMENT
from oms_pipelines.logistics.profiles import Profile, profile
from oms_pipelines.logistics.verdicts import Parsed, hashed, parse_rows, when
from oms_pipelines.returns.carriers import carrier_ids
from oms_pipelines.returns.links import link
from oms_pipelines.schema import columns_of
from oms_pipelines.store import Merged, Session

DROPPED = "drop/"  # begins the page names of dropped files, which the hub did not judge itself
_LINE = ["order_id", "line_id"]


@dataclass(frozen=True)
class Arrival:
    """How announcements came: in which batch, and what is known of it.

    `judged` when the hub made them itself and judged them then; `mended` when one row was
    let through alone: it joins the lines its return has.
    """

    batch_id: str
    fetched_at: datetime
    judged: bool = False
    mended: bool = False


def profile_of(oms: Oms, name: str) -> Profile:
    """Return how a landed announcement is read: a dropped file by the drop's profile."""
    if oms.returns.drop is None or not name.startswith(DROPPED):
        return ANNOUNCEMENT
    return profile(oms, oms.returns.drop.profile, ANNOUNCEMENT.kind)


def parse_announcements(body: bytes, oms: Oms, name: str = "file", page: int = 0) -> Parsed:
    """Read announced returns, one row a line. Raises Malformed for a file refused whole."""
    menu = [r.code for r in oms.returns.reasons]
    places = [x.id for x in oms.locations]
    place = pl.col("expected_at")
    tests = [
        when(
            ~pl.col("reason_code").is_in(menu),
            f"reason_code is not in the menu; write one of {', '.join(menu)}",
        ),
        when(
            place.is_not_null() & ~place.is_in(places),
            f"expected_at is no location; write one of {', '.join(places)}, or nothing",
        ),
        when(
            pl.struct("rma", "line_id").is_duplicated(),
            "line_id stands twice in the return; write one row a line",
        ),
        when(
            pl.col("order_number").n_unique().over("rma") > 1,
            "order_number: rows of one rma name several orders; a return is of one order",
        ),
    ]
    return parse_rows(body, profile_of(oms, name), "hub", name, page, tests)


def apply_announcements(
    session: Session, oms: Oms, rows: pl.DataFrame, arrival: Arrival
) -> tuple[Merged, pl.DataFrame]:
    """Merge announced returns; return what the merge did, and the rows kept back.

    Rows of one RMA are one return. A row that names no order or line, or more units than may
    come back, is kept back alone: page, record, record_key, reason.
    """
    known = _known(session, rows).with_columns(pl.format("hub/{}", "rma").alias("return_id"))
    session.frame("tmp_again", known.select("return_id").unique())
    session.frame("tmp_orders", known.select("order_id").drop_nulls().unique())
    left = session.query("returns/returnable")
    limited = known.join(left, on=_LINE, how="left", maintain_order="left")
    judged = limited.with_columns(_room(limited)).with_columns(_reason(judged=arrival.judged))
    lost = judged.filter(pl.col("reason").is_not_null()).select(
        "page", "record", pl.col("rma").alias("record_key"), "reason"
    )
    good = judged.filter(pl.col("reason").is_null())
    if good.is_empty():
        return Merged(), lost
    merged = session.merge_documents(
        "returns", _heads(good, oms, arrival), {"return_lines": _lines(session, good, arrival)}
    )
    link(session, oms.returns.dispositions, good["return_id"], good["rma"], good["order_id"])
    return merged, lost


def _known(session: Session, rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows with the one order each names, null where there is none or several."""
    session.frame("tmp_wanted", rows.select(pl.col("order_number").alias("wanted")).unique())
    whole = (pl.col("order_id") == pl.col("wanted")).any()
    orders = (
        session.query("returns/order_of_announcement")
        .group_by("wanted")
        .agg(
            # a whole id names one order, however many carry it as their number
            pl.when(whole)
            .then(pl.col("wanted").first())
            .when(pl.len() == 1)
            .then(pl.col("order_id").first())
            .alias("order_id")
        )
    )
    return rows.join(
        orders, left_on="order_number", right_on="wanted", how="left", maintain_order="left"
    )


def _reason(*, judged: bool) -> pl.Expr:
    """Return why a row is kept back, by `room`; null when it may come in."""
    tests = [
        when(
            pl.col("order_id").is_null(),
            "order_number names no order, or several; write the order's whole id",
        ),
        when(pl.col("returnable").is_null(), "line_id is no line of the order that ships"),
    ]
    if not judged:
        cure = "units of the line may come back; write no more, or wait for its delivery"
        too_many = pl.col("quantity") > pl.col("room")
        tests.append(pl.when(too_many).then(pl.format(f"quantity: {{}} {cure}", "room")))
    return pl.coalesce(*tests, pl.lit(None, pl.String)).alias("reason")


def _room(rows: pl.DataFrame) -> pl.Series:
    """Return the units each row may announce: rows before it that fit have taken theirs."""
    left: dict[tuple, int] = {}
    room = []
    # one after the other: a row that is too much leaves the room to those after it
    for order_id, line_id, units, most in rows.select(*_LINE, "quantity", "returnable").iter_rows():
        here = left.setdefault((order_id, line_id), most or 0)
        room.append(here)
        left[order_id, line_id] = here - (units if units <= here else 0)
    return pl.Series("room", room, pl.Int64)


def _heads(good: pl.DataFrame, oms: Oms, arrival: Arrival) -> pl.DataFrame:
    place = pl.coalesce("expected_at", pl.lit(oms.returns.location, pl.String), "shipped_from")
    heads = (
        good.rename({"location_id": "here", "location_id_right": "shipped_from"})
        .group_by("return_id", maintain_order=True)
        .agg(pl.all().first())
        .with_columns(
            place.alias("location_id"),
            pl.lit("hub").alias("source"),
            pl.lit(None, pl.String).alias("told_order"),
            pl.lit(None, pl.Boolean).alias("other_channel"),
            pl.lit(None, pl.String).alias("order_fault"),
            pl.lit("announced").alias("status"),
            pl.lit(None, pl.String).alias("status_raw"),
            pl.lit(None, pl.String).alias("reason_raw"),
            pl.col("announced_at").dt.epoch("us").alias("source_version"),
            pl.lit(arrival.fetched_at).alias("fetched_at"),
            pl.lit(arrival.batch_id).alias("batch_id"),
        )
    )
    # all rows of the return are its record: a row more is another version
    told = good.select("return_id", *_TOLD).sort("return_id", "line_id")
    whole = told.with_columns(hashed(told, *_TOLD)).group_by("return_id").agg(
        pl.col("record_hash").str.join("")
    )  # fmt: skip
    heads = heads.join(whole, on="return_id", maintain_order="left")
    heads = heads.with_columns(hashed(heads, "record_hash"))
    return carrier_ids(heads, oms.carriers).select(columns_of("returns"))


_TOLD = [
    "rma", "order_id", "line_id", "quantity", "reason_code", "reason_text", "initiator",
    "carrier_id", "tracking_number", "expected_at",
]  # fmt: skip


def _lines(session: Session, good: pl.DataFrame, arrival: Arrival) -> pl.DataFrame:
    columns = columns_of("return_lines")
    lines = good.with_columns(pl.lit(None, pl.String).alias("reason_raw")).select(columns)
    if not arrival.mended:
        return lines
    session.frame("tmp_again", good.select("return_id").unique())
    there = session.query("returns/lines_of")
    rest = there.join(lines, on=["return_id", "line_id"], how="anti").select(columns)
    return pl.concat([lines, rest], how="vertical_relaxed")
