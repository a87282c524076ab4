"""Expected supply: what may be sold before it is there, and when who waits for it is served.

A pre-ordered unit is one of a channel's share of the supply within its horizon, less what is
sold already and not there. It comes on top of the units on hand, told apart, and only while no
other channel is promised units of the SKU on hand: its customers' orders would take those.
"""

from datetime import datetime

import polars as pl

from oms_pipelines.config import Channel, Oms
from oms_pipelines.demand import open_lines
from oms_pipelines.stock.availability import less_demand, sells_from
from oms_pipelines.stock.terms import read_terms, routable
from oms_pipelines.store import Session

KEYS = ["channel_id", "sku"]
LINE = ["order_id", "line_id"]
_PARTS = {"channel_id": pl.String, "sku": pl.String, "expected": pl.Int64}


def open_supply(session: Session, skus: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return (location_id, reference, sku, quantity, expected_at): what is still to come.

    Of `skus` (sku) or of all. A line whose time has passed is still to come until a count, a
    receipt or another date is told.
    """
    none = pl.DataFrame(schema={"sku": pl.String})
    session.frame("tmp_supply_skus", none if skus is None else skus.select("sku").unique())
    return session.query("stock/supply_open", all=skus is None)


def takes_preorders(oms: Oms) -> bool:
    """Tell whether any channel may sell what is not there yet."""
    return any(_preorders(c) for c in oms.channels)


def unmet_demand(atp: pl.DataFrame, demand: pl.DataFrame, oms: Oms) -> pl.DataFrame:
    """Return (sku, quantity > 0): units sold that what may be promised does not cover.

    `atp` is (location_id, sku, quantity), `demand` (channel_id, sku, quantity) not allocated.
    """
    left = less_demand(atp, demand, oms)
    both = [(demand, 1), (atp, -1), (left, 1)]
    parts = [frame.select("sku", pl.col("quantity") * sign) for frame, sign in both]
    total = pl.concat(parts).group_by("sku").agg(pl.col("quantity").sum())
    return total.filter(pl.col("quantity") > 0).sort("sku")


def level_parts(
    levels: pl.DataFrame, supply: pl.DataFrame, unmet: pl.DataFrame, oms: Oms, now: datetime
) -> pl.DataFrame:
    """Return (channel_id, sku, on_hand, preorder): a level, and what is added to it.

    `levels` is (channel_id, sku, desired) of what is on hand, `supply` as `open_supply` gives
    it, `unmet` (sku, quantity) what waits for it already. A channel's cap bounds both
    together; its buffer and stop-below are of what is on hand.
    """
    own = pl.DataFrame(
        [(c.id, p.share, c.stock.cap) for c in oms.channels if (p := _preorders(c))],
        schema={"channel_id": pl.String, "share": pl.Float64, "cap": pl.Int64},
        orient="row",
    )
    free = (pl.col("expected") - pl.col("quantity").fill_null(0)).clip(0)
    units = (free * pl.col("share") + 1e-9).floor().cast(pl.Int64)
    elsewhere = pl.col("on_hand").sum().over("sku") > pl.col("on_hand")
    room = (pl.col("cap") - pl.col("on_hand")).clip(0)
    return (
        levels.rename({"desired": "on_hand"})
        .join(_expected(supply, oms, now), on=KEYS, how="full", coalesce=True)
        .join(unmet, on="sku", how="left")
        .join(own, on="channel_id", how="left")
        .with_columns(pl.col("on_hand", "expected").fill_null(0))
        .with_columns(
            pl.when(elsewhere).then(0).otherwise(pl.min_horizontal(units, room)).alias("preorder")
        )
        .select(*KEYS, "on_hand", pl.col("preorder").fill_null(0))
        .sort(KEYS)
    )


def with_preorders(parts: pl.DataFrame) -> pl.DataFrame:
    """Return (channel_id, sku, desired): both parts of each level together."""
    return parts.select(*KEYS, (pl.col("on_hand") + pl.col("preorder")).alias("desired"))


def entering_skus(session: Session, oms: Oms, after: datetime, until: datetime) -> pl.DataFrame:
    """Return (sku), sorted: those with supply that comes within a horizon between two clocks.

    Their levels change with the clock alone, so a tick looks at them too.
    """
    supply = open_supply(session)
    when = pl.col("expected_at")
    horizons = {p.horizon for c in oms.channels if (p := _preorders(c))}
    found = [supply.filter(when > after + h, when <= until + h).select("sku") for h in horizons]
    return pl.concat([supply.clear().select("sku"), *found]).unique().sort("sku")


def promise_dates(
    waiting: pl.DataFrame, supply: pl.DataFrame, on_hand: pl.DataFrame
) -> pl.DataFrame:
    """Return (order_id, line_id, sku, expected_at) of lines that what is on hand does not cover.

    First come, first served: by priority (the higher first), then the time it was placed, then
    its key. `waiting` is (order_id, line_id, sku, quantity, priority, placed_at), `supply`
    (sku, quantity, expected_at), `on_hand` (sku, quantity). A line waits for the supply that
    brings its last unit; expected_at is null where none does.
    """
    before = waiting.sort("priority", "placed_at", *LINE, descending=[True, *[False] * 3])
    upto = pl.col("quantity").cum_sum().over("sku")
    there = on_hand.select("sku", pl.col("quantity").alias("there"))
    short = (
        before.with_columns(upto.alias("upto"))
        .join(there, on="sku", how="left")
        .with_columns((pl.col("upto") - pl.col("there").fill_null(0)).alias("needed"))
        .filter(pl.col("needed") > 0)
        .sort("needed")
    )
    comes = supply.sort("sku", "expected_at").select("sku", upto.alias("needed"), "expected_at")
    found = short.join_asof(
        comes.sort("needed"), on="needed", by="sku", strategy="forward", check_sortedness=False
    )
    return found.select(*LINE, "sku", "expected_at").sort(LINE)


def backorders(
    session: Session, oms: Oms, now: datetime, skus: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Return `promise_dates` of the lines that wait in the store, of `skus` (sku) or of all."""
    lines = open_lines(session)
    lines = lines if skus is None else lines.join(skus.select("sku").unique(), on="sku", how="semi")
    session.pick("tmp_waiting_orders", "orders", lines.select("order_id").unique())
    waiting = lines.join(session.query("stock/waiting_orders"), on="order_id")
    wanted = lines.select("sku").unique()
    session.frame("tmp_skus", wanted)
    stock = session.query("stock/availability")
    free = routable(stock, oms, read_terms(session, oms, now, wanted))
    on_hand = free.group_by("sku").agg(pl.col("quantity").sum())
    return promise_dates(waiting, open_supply(session, wanted), on_hand)


def _preorders(channel: Channel):
    return channel.stock.preorder if channel.stock.mode != "none" else None


def _expected(supply: pl.DataFrame, oms: Oms, now: datetime) -> pl.DataFrame:
    """Return (channel_id, sku, expected): units to come within each channel's horizon."""
    parts = [pl.DataFrame(schema=_PARTS)]
    for channel in oms.channels:
        if (wish := _preorders(channel)) is None:
            continue
        places = [x.id for x in oms.locations if sells_from(channel, x)]
        soon = supply.filter(
            pl.col("location_id").is_in(places), pl.col("expected_at") <= now + wish.horizon
        )
        if wish.skus is not None:
            soon = soon.filter(pl.col("sku").is_in(wish.skus))
        sums = soon.group_by("sku").agg(pl.col("quantity").sum().alias("expected"))
        parts.append(sums.select(pl.lit(channel.id).alias("channel_id"), "sku", "expected"))
    return pl.concat(parts)
