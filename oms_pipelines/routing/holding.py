"""Which parts may be planned again, and what is open as if nobody had them."""

import polars as pl

from oms_pipelines.config import Oms
from oms_pipelines.routing.model import none_held
from oms_pipelines.store.base import Session

LINE = ["order_id", "line_id", "sku"]


def open_and_held(session: Session, oms: Oms) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the open lines (`routing/open_lines`), and the parts that are held.

    Leaves the temporary table tmp_routing_under_way, without what is held. Without
    `routing.replan` nothing is held. Of an order that wants less than it was given (lines were
    cut, its channel says it shipped, its kit has another bill) nothing is: whether its parts go out
    is for the dispatch to tell.
    """
    under_way = session.query("routing/under_way")
    held = none_held() if oms.routing.replan is None else session.query("routing/held")
    lines = _open(session, under_way, held)
    short = _beyond(held, lines)
    if short.is_empty():
        return lines, held
    held = held.join(short, on="order_id", how="anti")
    return _open(session, under_way, held), held


def _open(session: Session, under_way: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    session.frame("tmp_routing_under_way", under_way.join(held, on="fo_id", how="anti"))
    return session.query("routing/open_lines")


def _beyond(held: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Return the orders (order_id) that hold more of a line than it wants."""
    given = held.group_by(LINE).agg(pl.col("quantity").sum())
    both = given.join(lines.select(*LINE, wanted="quantity"), on=LINE, how="left")
    return both.filter(pl.col("quantity") > pl.col("wanted").fill_null(0)).select(
        pl.col("order_id").unique()
    )


def with_held(sellable: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Return sellable units (location_id, sku, quantity) with what is held back in its place."""
    if held.is_empty():
        return sellable
    back = held.select(sellable.columns)
    sums = pl.concat([sellable, back]).group_by("location_id", "sku").agg(pl.col("quantity").sum())
    return sums.sort("location_id", "sku")
