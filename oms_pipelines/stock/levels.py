"""The desired level of every listing, computed from the store.

A computation looks at the SKUs that something was told of since the last one: their stock
moved, what customers wait for changed. What holds for all (settings, the SKU map) touches all.
"""

import hashlib
from collections.abc import Iterator
from datetime import datetime

import polars as pl

from oms_pipelines.config import Oms
from oms_pipelines.demand import open_lines
from oms_pipelines.stock.availability import atp_by_location, demand_of, desired_levels
from oms_pipelines.stock.bills import read_bills, tied, widen, with_kit_demand
from oms_pipelines.stock.listings import changed_levels, listing_levels
from oms_pipelines.stock.shares import KEYS
from oms_pipelines.store import Session
from oms_pipelines.touched import EVERYTHING

RUN = "levels"
AT_ONCE = 20_000  # SKUs looked at together: bounds the memory of a full pass


def compute_levels(
    session: Session, oms: Oms, now: datetime, *, full: bool = False
) -> pl.DataFrame:
    """Store the desired level of every listing that may change; return the rows that did.

    Columns are those of `changed_levels`. `full` looks at every SKU, touched or not; the
    outcome is the same.
    """
    last = session.table("level_runs")
    lines = with_kit_demand(open_lines(session))
    demand = lines.group_by(KEYS).agg(pl.col("quantity").sum())
    session.frame("tmp_demand", demand)
    bills = read_bills(session)
    skus = widen(_skus(session, oms, last, full=full), bills)
    parts = [_compute(session, oms, demand, some, bills, now) for some in _at_once(skus, bills)]
    _remember(session, oms, last, demand, now)
    nothing = pl.DataFrame(schema=dict.fromkeys(["channel_id", "channel_sku", "sku"], pl.String))
    return pl.concat([nothing, *parts], how="diagonal") if parts else nothing


def _skus(session: Session, oms: Oms, last: pl.DataFrame, *, full: bool) -> pl.DataFrame:
    """Return (sku) to look at, in order."""
    touched = session.query("stock/skus_touched")
    known = last.height == 1 and last["settings_hash"][0] == _settings_hash(oms)
    if full or not known or EVERYTHING in touched["sku"]:
        return session.query("stock/skus_of_all")
    return touched


def _at_once(skus: pl.DataFrame, bills: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield SKUs to look at together: those tied by kits all, the others some at a time."""
    kits, alone = tied(skus, bills)
    if kits.height:
        yield kits
    for i in range(0, alone.height, AT_ONCE):
        yield alone[i : i + AT_ONCE]


def _settings_hash(oms: Oms) -> str:
    """Return a hash of what levels are made from besides facts."""
    said = [x.model_dump_json(exclude={"credentials"}) for x in (*oms.channels, *oms.locations)]
    return hashlib.sha256("\n".join([*said, oms.stock.model_dump_json()]).encode()).hexdigest()


def _compute(
    session: Session,
    oms: Oms,
    demand: pl.DataFrame,
    skus: pl.DataFrame,
    bills: pl.DataFrame,
    now: datetime,
) -> pl.DataFrame:
    session.frame("tmp_skus", skus)
    stock = session.query("stock/availability")
    owed = demand_of(demand.join(skus, on="sku", how="semi"), stock)
    levels = desired_levels(atp_by_location(stock, oms), owed, oms, bills)
    desired = listing_levels(levels, session.query("stock/listings"), oms.channels, bills)
    changed = changed_levels(session.query("stock/levels_desired"), desired)
    if not changed.is_empty():
        session.frame("tmp_levels", changed)
        rows = session.query("stock/levels_changing")
        session.upsert("levels", rows.with_columns(pl.lit(now).alias("desired_at")))
    return changed


def _remember(
    session: Session, oms: Oms, last: pl.DataFrame, demand: pl.DataFrame, now: datetime
) -> None:
    """Store what was computed with, so that the next computation sees what changed."""
    session.run("stock/forget_touched")
    session.run("stock/forget_demand")
    session.upsert("level_demand", demand)
    run = {
        "run": RUN,
        "number": (last["number"][0] if last.height else 0) + 1,
        "settings_hash": _settings_hash(oms),
        "computed_at": now,
    }
    session.upsert("level_runs", pl.DataFrame([run]))
