"""Which levels a channel is to be sent now: first what falls, then what rises.

A level above what a listing may show (`held`) is a raise, and is granted. One above what it is
known to show (`showing`), yet within what it may show, goes with the falling ones, unless
another listing may still show the units: then it waits until the lower levels were sent, and
if it must wait longer, the listing is told what it shows, and holds no more than that.
"""

from collections.abc import Callable, Sequence

import polars as pl

from oms_pipelines.config import Channel
from oms_pipelines.stock.bills import read_bills, widen
from oms_pipelines.stock.listings import LISTING, crowded
from oms_pipelines.stock.receipts import urgent
from oms_pipelines.store import Session

Policy = Callable[[pl.DataFrame, Sequence[Channel], pl.DataFrame], pl.DataFrame]
_SHOWN = pl.col("showing").fill_null(0)
_WITHIN = pl.col("desired") <= pl.col("held")
_AGAIN = _WITHIN & (pl.col("desired") > _SHOWN)  # it shows less than it may


def falling(
    session: Session, levels: pl.DataFrame, sharing: Sequence[Channel], waits: pl.Series
) -> pl.DataFrame:
    """Return the levels to send before any raise, with `level`: those within what is held.

    `levels` are the rows of `stock/levels_due` of one channel, `sharing` the channels that are
    told levels, `waits` SKUs that are told nothing more than they show.
    """
    levels = levels.filter(_WITHIN)
    again = levels.filter(_AGAIN)
    if not again.is_empty():
        later = crowded(*_held(session, again, sharing))
        waiting = again.filter(pl.col("sku").is_in(waits.implode())).select(LISTING)
        later = pl.concat([again.select(LISTING).join(later, on=LISTING), waiting])
        levels = levels.join(later, on=LISTING, how="anti")
    return urgent(levels.with_columns(pl.col("desired").alias("level")), rising=False)


def rising(
    session: Session,
    levels: pl.DataFrame,
    sharing: Sequence[Channel],
    waits: pl.Series,
    tried: pl.Series,
    policy: Policy,
) -> pl.DataFrame:
    """Return the levels to send once lower ones were, with `level`: as far as it may rise.

    Takes what `falling` takes; listings (channel_sku) that were just `tried` and not taken wait:
    they may have sold what they were sent.
    """
    levels = levels.filter(
        ~_WITHIN | _AGAIN,
        ~pl.col("sku").is_in(waits.implode()),
        ~pl.col("channel_sku").is_in(tried.implode()),
    )
    if levels.is_empty():
        return levels
    held = _held(session, levels, sharing)
    raised = levels.filter(~_WITHIN).join(policy(*held), on=LISTING)
    raised = raised.filter(pl.col("level") > pl.col("held"))
    again = levels.filter(_AGAIN)
    if not again.is_empty():
        still = crowded(*held).with_columns(pl.lit(True).alias("crowded"))
        told = pl.when("crowded").then(pl.min_horizontal(_SHOWN, "held")).otherwise("desired")
        again = again.join(still, on=LISTING, how="left").with_columns(told.alias("level"))
        raised = pl.concat([raised, again.select(raised.columns)])
    return urgent(raised, rising=True)


def _held(
    session: Session, levels: pl.DataFrame, sharing: Sequence[Channel]
) -> tuple[pl.DataFrame, Sequence[Channel], pl.DataFrame]:
    """Return what all listings that share a SKU with these may show, as `grants` takes it."""
    bills = read_bills(session)
    session.frame("tmp_skus", widen(levels.select("sku"), bills))
    return session.query("stock/levels_held"), sharing, bills
