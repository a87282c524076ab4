"""The desired level of every listing, computed from the store.

A computation looks at the SKUs that something was told of since the last one: their stock
moved, what customers wait for changed, a quota opened or closed, a weight or a buffer was
renewed. What holds for all (settings, the SKU map) touches all.
"""

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta

import polars as pl

from oms_pipelines.config import Oms
from oms_pipelines.demand import open_lines
from oms_pipelines.stock import ledger
from oms_pipelines.stock.bills import read_bills, tied, widen, with_kit_demand
from oms_pipelines.stock.decide import decide
from oms_pipelines.stock.listings import LISTING, changed_levels, listing_levels
from oms_pipelines.stock.lots import expiring_skus
from oms_pipelines.stock.sales import moved_skus
from oms_pipelines.stock.shares import KEYS
from oms_pipelines.stock.sharing import renew_sharing, touched_by_quotas
from oms_pipelines.stock.supply import entering_skus, takes_preorders, with_preorders
from oms_pipelines.stock.terms import days_named
from oms_pipelines.store import Session
from oms_pipelines.touched import EVERYTHING

RUN = "levels"
OVERLAP = timedelta(days=1)  # as in the ledger
LONGEST_PAUSE = timedelta(days=7)  # what moved with the clock is known for so long
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
    waiting = session.query("stock/demand_changes")
    session.frame("tmp_demand_changes", waiting)
    run = (last["number"][0] if last.height else 0) + 1
    claimed = ledger.claim("order", waiting, run, now)
    bills = read_bills(session)
    anew = last.is_empty() or last["settings_hash"][0] != _settings_hash(oms)
    shared = renew_sharing(session, oms, now, anew=anew)
    skus = widen(_skus(session, oms, last, shared, now, full=full or anew), bills)
    parts = []
    for some in _at_once(skus, bills):
        changed, escrow = _compute(session, oms, demand, some, bills, run, now)
        ledger.write(session, pl.concat([claimed, escrow]))
        parts.append(changed)
        claimed = claimed.clear()
    ledger.write(session, claimed)
    _remember(session, oms, run, demand, now)
    nothing = pl.DataFrame(schema=dict.fromkeys(["channel_id", "channel_sku", "sku"], pl.String))
    return pl.concat([nothing, *parts], how="diagonal") if parts else nothing


def _skus(
    session: Session,
    oms: Oms,
    last: pl.DataFrame,
    shared: pl.DataFrame,
    now: datetime,
    *,
    full: bool,
) -> pl.DataFrame:
    """Return (sku) to look at, in order; `shared` (sku) have another weight or buffer."""
    if full:
        return session.query("stock/skus_of_all")
    since = last["computed_at"][0]
    moved = _moved(session, oms, since, now)
    touched = pl.concat([session.query("stock/skus_touched"), shared, *moved]).unique().sort("sku")
    if EVERYTHING in touched["sku"] or now - since > LONGEST_PAUSE:
        return session.query("stock/skus_of_all")
    return touched


def _moved(session: Session, oms: Oms, since: datetime, now: datetime) -> Iterator[pl.DataFrame]:
    """Yield (sku) of those whose levels change with the clock, or with what is expected."""
    yield expiring_skus(session, oms, since, now)
    yield touched_by_quotas(oms, since, now)
    if days_named(oms):
        yield moved_skus(session, since, now, oms.stock.window)
    if takes_preorders(oms):
        yield entering_skus(session, oms, since, now)
        yield session.query("stock/skus_expected", since=since - OVERLAP)


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
    run: int,
    now: datetime,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Store the levels of `skus` that changed; return them, and what moves in escrow."""
    parts = decide(session, oms, demand, skus, bills, now)
    escrow = _in_escrow(session, oms, parts, run, now)
    levels = with_preorders(parts)
    desired = listing_levels(levels, session.query("stock/listings"), oms.channels, bills)
    stored = session.query("stock/levels_desired")
    changed = changed_levels(stored, desired)
    _store(session, stored, changed, now)
    return changed, escrow


def _store(session: Session, stored: pl.DataFrame, changed: pl.DataFrame, now: datetime) -> None:
    """Store changed levels: in place those that differ in their number alone, as nearly all."""
    same = [*LISTING, "sku", "units_per"]
    moved = changed.join(stored, on=same, how="semi")
    if moved.height:
        session.frame("tmp_levels", moved)
        session.run("stock/levels_moved", now=now)
    others = changed.join(stored, on=same, how="anti")
    if others.height:
        session.frame("tmp_levels", others)
        rows = session.query("stock/levels_changing")
        session.upsert("levels", rows.with_columns(pl.lit(now).alias("desired_at")))


def _in_escrow(
    session: Session, oms: Oms, parts: pl.DataFrame, run: int, now: datetime
) -> pl.DataFrame:
    """Return the movements of what the channels in escrow may show now of what is on hand."""
    escrow = [c.id for c in oms.channels if c.stock.mode == "escrow"]
    own = parts.filter(pl.col("channel_id").is_in(escrow))
    session.frame("tmp_escrow", own.select(*KEYS, pl.col("on_hand").alias("quantity")))
    return ledger.claim("level", session.query("stock/escrow_changes"), run, now)


def _remember(session: Session, oms: Oms, number: int, demand: pl.DataFrame, now: datetime) -> None:
    """Store what was computed with, so that the next computation sees what changed."""
    session.run("stock/forget_touched")
    session.run("stock/forget_demand")
    session.upsert("level_demand", demand)
    run = {
        "run": RUN,
        "number": number,
        "settings_hash": _settings_hash(oms),
        "computed_at": now,
    }
    session.upsert("level_runs", pl.DataFrame([run]))
