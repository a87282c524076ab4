"""Which parts may be planned again, and what is open as if nobody had them."""

from datetime import datetime

import polars as pl

from oms_pipelines.config import Oms
from oms_pipelines.routing.model import none_held
from oms_pipelines.store.base import Session

LINE = ["order_id", "line_id", "sku"]


def open_and_held(
    session: Session, oms: Oms, now: datetime
) -> tuple[pl.DataFrame, pl.DataFrame]:  # fmt: skip
    """Return the open lines (`routing/open_lines`), and the parts that are held.

    Leaves the temporary table tmp_routing_under_way, without what is held. Without
    `routing.replan` nothing is held. Of an order that wants less than it was given (lines were
    cut, its channel says it shipped) nothing is: whether its parts go out is for the dispatch to
    tell; nor of one whose kit has another bill now: what was begun keeps the one it has.
    """
    under_way = session.query("routing/under_way")
    if oms.routing.replan is None:
        return _open(session, under_way, none_held()), none_held()
    held = session.query("routing/held", now=now)
    lines = _open(session, under_way, held)
    short = _beyond(held, lines)
    if short.height:
        held = held.join(short, on="order_id", how="anti")
        lines = _open(session, under_way, held)
    return lines, held.drop("bill_id")


def _open(session: Session, under_way: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    session.frame("tmp_routing_under_way", under_way.join(held, on="fo_id", how="anti"))
    return session.query("routing/open_lines")


def _beyond(held: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Return the orders (order_id) that hold more of a line than it wants, or of another bill."""
    given = held.group_by(*LINE, "bill_id").agg(pl.col("quantity").sum())
    wanted = lines.select(*LINE, wanted="quantity", bill="bill_id")
    both = given.join(wanted, on=LINE, how="left")
    more = pl.col("quantity") > pl.col("wanted").fill_null(0)
    other = pl.col("bill_id").ne_missing(pl.col("bill"))
    return both.filter(more | other).select(pl.col("order_id").unique())


def with_held(sellable: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Return sellable units (location_id, sku, quantity) with what is held back in its place."""
    if held.is_empty():
        return sellable
    back = held.select(sellable.columns)
    sums = pl.concat([sellable, back]).group_by("location_id", "sku").agg(pl.col("quantity").sum())
    return sums.sort("location_id", "sku")
