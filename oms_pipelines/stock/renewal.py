"""Buffers in the store: renewed once a day, where demand moved, and as channels fall silent."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import polars as pl

from oms_pipelines.config import Oms
from oms_pipelines.stock import reach
from oms_pipelines.stock.buffers import buffers, moved
from oms_pipelines.stock.sales import measured_days, window_of
from oms_pipelines.stock.shares import EVERY, KEYS
from oms_pipelines.stock.silences import rates_by_channel, unheard
from oms_pipelines.store import Session

RENEWED = timedelta(days=1)


def renew_buffers(
    session: Session,
    oms: Oms,
    now: datetime,
    lags: pl.DataFrame | None = None,
    *,
    anew: bool = False,
) -> pl.DataFrame:
    """Renew the stored buffers where they are due; return (sku) whose buffers changed.

    They are due once a day, at once where demand moved, a risk was changed or `anew` says that
    settings were, and where the silence of a channel out of reach is no more covered, or over.
    The SKU `*` among the
    changed says that any SKU may have changed.
    """
    none = pl.DataFrame(schema={"sku": pl.String})
    pooled = {c.id: c.stock.risk for c in oms.channels if c.stock.mode == "pooled"}
    if not pooled:
        return none
    session.frame("tmp_sharing_skus", none)
    covers, turned = reach.renew_covers(session, oms, now)
    known = session.query("stock/buffers", all=False).filter(pl.col("computed_at") > now - RENEWED)
    first, today = window_of(now, oms.stock.window)
    fresh = pooled.items() <= dict(known.select("channel_id", "risk").iter_rows()).items()
    if fresh and not anew:
        skus = _renew_moved(session, oms, now, covers)
        return skus if not turned else _renew_unheard(session, oms, now, covers, skus)
    days = measured_days(session, now, oms.stock.window)
    sold = session.query("stock/sales_moments", first=first, until=today, all=True)
    # reads all balances: only where there is something to measure
    stocked = session.query("stock/skus_stocked")["skus"][0] if days else 0
    wanted = buffers(sold, days, stocked, oms, lags)
    stored = session.query("stock/buffers", all=True)
    rows = pl.concat([wanted, _sold_no_more(stored, wanted)])
    rows = _with_unheard(session, rows, oms, now, covers)
    return _store(session, rows.with_columns(pl.lit(now).alias("computed_at")), stored)


def _renew_moved(
    session: Session, oms: Oms, now: datetime, covers: Mapping[str, timedelta]
) -> pl.DataFrame:
    _, today = window_of(now, oms.stock.window)
    until = today + timedelta(days=1)
    sold = session.query("stock/sales_moments", first=today, until=until, all=True)
    session.frame("tmp_sharing_skus", sold.select("sku").unique())
    stored = session.query("stock/buffers", all=False)
    rows = moved(stored.drop("unheard"), sold, oms)
    rows = _with_unheard(session, rows.drop("computed_at"), oms, now, covers)
    return _store(session, rows.with_columns(pl.lit(now).alias("computed_at")), stored)


def _renew_unheard(
    session: Session,
    oms: Oms,
    now: datetime,
    covers: Mapping[str, timedelta],
    skus: pl.DataFrame,
) -> pl.DataFrame:
    """Renew what is kept back for channels out of reach; return (sku) changed, `skus` too."""
    stored = session.query("stock/buffers", all=True)
    at = stored.select(*KEYS, "computed_at")
    rows = _with_unheard(session, stored.drop("unheard", "computed_at"), oms, now, covers)
    changed = _store(session, rows.join(at, on=KEYS), stored)
    return pl.concat([skus, changed]).unique().sort("sku")


def _with_unheard(
    session: Session, rows: pl.DataFrame, oms: Oms, now: datetime, covers: Mapping[str, timedelta]
) -> pl.DataFrame:
    """Return rows of buffers with `unheard`; nothing is read while all channels are in reach."""
    if not covers or rows.is_empty():
        return rows.with_columns(pl.lit(0, pl.Int64).alias("unheard"))
    first, today = window_of(now, oms.stock.window)
    days = measured_days(session, now, oms.stock.window)
    sold = session.query("stock/sales_moments", first=first, until=today, all=True)
    rates = rates_by_channel(sold, days, session.query("stock/skus_stocked")["skus"][0])
    return unheard(rows, rates, oms, covers)


def _sold_no_more(stored: pl.DataFrame, wanted: pl.DataFrame) -> pl.DataFrame:
    """Return what holds for any SKU, for those stored ones that have no row of their own now."""
    default = wanted.filter(pl.col("sku") == EVERY).drop("sku")
    gone = stored.join(wanted, on=KEYS, how="anti").select(KEYS)
    return gone.join(default, on="channel_id").select(wanted.columns)


def _store(session: Session, rows: pl.DataFrame, stored: pl.DataFrame) -> pl.DataFrame:
    session.upsert("stock_buffers", rows)
    kept = ("buffer", "unheard")
    was = stored.select(*KEYS, *(pl.col(c).alias(f"{c}_was") for c in kept))
    differs = pl.any_horizontal(pl.col(c).ne_missing(pl.col(f"{c}_was")) for c in kept)
    return rows.join(was, on=KEYS, how="left").filter(differs).select("sku").unique().sort("sku")
