"""The stock ledger: every change of stock is a movement from one account to another.

Accounts are `location/sellable`, `/allocated`, `/damaged`, `/repair`, `/quarantine`; the world's:
`world/in_transit`, `/customer`, `/returning`, `/sold`, `/short`, `/scrap`, `/count`; and what
channels claim: `channel/id/waiting` (sold, and given to no location yet) and `/escrow` (what it
may show), against `world/waiting` and `world/escrow`. Legs sum to zero by construction;
`stock_balances` is kept with each movement and equals the recompute.

Movements are the difference between what the facts ask for and what is posted, so posting
twice posts nothing, and a fact that changes (a late confirmation, a corrected receipt or
count) is answered by a movement that takes back. What is read is bounded by what is open and
by the last day's news, whatever the history.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from oms_pipelines.stock import balances, contradictions, drift
from oms_pipelines.stock.balances import SHELF, Shelves
from oms_pipelines.store import Session
from oms_pipelines.touched import touch

# A run that began a day ago may only now merge what it read then, under its own clock value.
OVERLAP = timedelta(days=1)
# The gate lets times through that lie up to a day ahead of the clock.
AHEAD = timedelta(days=2)
LATEST_NEWS = timedelta(days=180)  # no carrier speaks of a parcel later
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
CAUSE = ["cause", "cause_id", "sku"]
PAIR = ["from_account", "to_account"]
TIME = pl.Datetime("us", "UTC")


@dataclass(frozen=True)
class Posted:
    """Movements posted: from facts, and to follow counts."""

    movements: int
    corrections: int


def post(
    session: Session, now: datetime, confirmed_within: timedelta = drift.CONFIRMED_WITHIN
) -> Posted:
    """Post what facts and counts ask for beyond what the ledger has. Idempotent.

    `confirmed_within` is how long a location's confirmations take while too few were seen.
    """
    last = session.query("stock/last_known")["known_at"][0]
    since = (last - OVERLAP) if last else BEGINNING
    _touched(session, since)
    told = session.query("stock/owed_adjustments", since=since)
    owed = pl.concat([session.query("stock/owed_movements"), told])
    movements = _movements(session, owed, now)
    touched = pl.concat([session.query("stock/counted_since", since=since), _shelves(movements)])
    contradicted = session.query("stock/contradictions_open")
    shelves = Shelves(session, pl.concat([touched.select(contradicted.columns), contradicted]))
    _record(session, movements)
    shelves.move(movements)
    corrections = _corrections(session, touched, now)
    _record(session, corrections)
    shelves.move(corrections).store()
    drift.follow(session, movements, corrections, now, confirmed_within)
    contradictions.note(session, movements, corrections, now)
    return Posted(movements.height, corrections.height)


def differences(session: Session) -> pl.DataFrame:
    """Return (account, sku, kept, moved): balances that are not the sum of their movements.

    None, while the promise holds. Reads the whole ledger.
    """
    return session.query("stock/balances_differing")


def reserve(session: Session, orders: pl.DataFrame, lines: pl.DataFrame, now: datetime) -> int:
    """Post the allocation of new fulfillment orders (their rows and lines). Idempotent.

    What `post` would find of them, without looking for it. Returns the movements posted.
    """
    rows = lines.join(orders.select("fo_id", "location_id", "planned_at"), on="fo_id")
    return _move_parts(session, rows, "allocation", pl.col("planned_at"), now)


def release(session: Session, lines: pl.DataFrame, now: datetime) -> int:
    """Post that parts give back all that they were allocated, as `post` would. Idempotent.

    `lines` (fo_id, line_id, sku, location_id, quantity, planned_at) are of fulfillment orders that
    were canceled and of which nothing left. Returns the movements posted.
    """
    if lines.is_empty():
        return 0
    return _move_parts(session, lines, "release", pl.lit(now).cast(TIME), now)


def _move_parts(
    session: Session, lines: pl.DataFrame, cause: str, valid_at: pl.Expr, now: datetime
) -> int:  # fmt: skip
    """Move lines of parts between what is sellable and what is allocated at their location."""
    stages = ("sellable", "allocated") if cause == "allocation" else ("allocated", "sellable")
    start, end = (pl.format(f"{{}}/{stage}", "location_id") for stage in stages)
    owed = lines.select(
        pl.lit(cause).alias("cause"),
        pl.format("{}/{}/{}", "fo_id", "line_id", "sku").alias("cause_id"),
        "sku",
        start.alias("from_account"),
        end.alias("to_account"),
        "quantity",
        valid_at.alias("valid_at"),
        pl.col("planned_at").alias("begun"),
    )
    movements = _movements(session, owed, now)
    write(session, movements)
    return movements.height


def claim(cause: str, claims: pl.DataFrame, run: int, now: datetime) -> pl.DataFrame:
    """Return the movements of what channels claim now and did not before.

    `claims` has channel_id, sku, change (units, not 0). `cause` is `order` (account waiting) or
    `level` (account escrow); `run` is the computation that found it, of which each is one.
    """
    bucket = {"order": "waiting", "level": "escrow"}[cause]
    world, own = pl.lit(f"world/{bucket}"), pl.format(f"channel/{{}}/{bucket}", "channel_id")
    more = pl.col("change") > 0
    return claims.sort("channel_id", "sku").select(
        pl.format(f"{cause}/{{}}/{{}}/{run}", "channel_id", "sku").alias("movement_id"),
        "sku",
        pl.when(more).then(world).otherwise(own).alias("from_account"),
        pl.when(more).then(own).otherwise(world).alias("to_account"),
        pl.col("change").abs().alias("quantity"),
        pl.lit(cause).alias("cause"),
        pl.format(f"{{}}/{run}", "channel_id").alias("cause_id"),
        pl.lit(now).cast(TIME).alias("valid_at"),
        pl.lit(now).cast(TIME).alias("known_at"),
    )


def write(session: Session, movements: pl.DataFrame) -> None:
    """Write movements that the ledger has not: rows, balances, and the SKUs they touch."""
    _record(session, movements)
    balances.add(session, movements)


def _touched(session: Session, since: datetime) -> None:
    """Name what may move otherwise: fulfillment orders, parcels, till sales, returns."""
    orders = session.query("stock/touched_orders", since=since)
    session.frame("tmp_orders", orders)
    when = {"since": since, "living": since - LATEST_NEWS}
    begun = _earliest(orders["planned_at"], since)
    parcels = session.query("stock/touched_parcels", **when, begun=begun)
    others = parcels.filter("recent").join(orders, on="fo_id", how="anti").select("fo_id").unique()
    if others.height:
        session.pick("tmp_others", "fulfillment_orders", others)
        orders = pl.concat([orders, session.query("stock/other_orders")])
        session.frame("tmp_orders", orders)
        parcels = session.query("stock/touched_parcels", **when, begun=BEGINNING)
    session.frame("tmp_parcels", parcels)
    session.pick("tmp_lines", "fulfillment_lines", orders.select("fo_id"))
    session.pick("tmp_contents", "shipment_lines", parcels.select("shipment_id"))
    session.frame("tmp_till", session.query("stock/touched_sales", since=since))
    session.frame("tmp_returned", session.query("stock/touched_receipts", since=since))
    session.frame("tmp_announced", session.query("stock/touched_returns", since=since))
    _book_bills(session)


def _book_bills(session: Session) -> None:
    """Keep the bill that a kit sold at a till, announced or come back is first booked by.

    A catalog that changes the kit changes nothing of what has left or come back; nor is what
    was booked before it was a kit one now.
    """
    kits = session.query("stock/bills_unbooked")
    if kits.is_empty():
        return
    plain = _posted(session, kits).rename({"sku": "kit_sku"})
    new = kits.join(plain, on=["cause", "cause_id", "kit_sku"], how="anti")
    session.insert_new("booked_bills", new.drop("begun"))


def _movements(session: Session, owed: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Return the movements that bring the ledger to what is owed.

    `owed` has cause, cause_id, sku, from_account, to_account, quantity, valid_at, begun.
    What is posted between other accounts, or of other SKUs, of the same cause is taken back.
    """
    posted = _posted(session, owed)
    there = _one_way(posted).group_by(*CAUSE, *PAIR).agg(pl.col("quantity").sum().alias("posted"))
    due = (
        _one_way(owed.drop_nulls("sku"))
        .group_by(*CAUSE, *PAIR)
        .agg(pl.col("quantity").sum(), pl.col("valid_at").max())
        .join(there, on=[*CAUSE, *PAIR], how="full", coalesce=True)
        .with_columns(
            (pl.col("quantity").fill_null(0) - pl.col("posted").fill_null(0)).alias("quantity")
        )
        .filter(pl.col("quantity") != 0)
    )
    return _numbered(due, posted, now)


def _posted(session: Session, owed: pl.DataFrame) -> pl.DataFrame:
    """Return what the ledger holds of these causes, however it got there."""
    session.frame("tmp_causes", owed.select("cause", "cause_id").unique())
    begun = _earliest(owed["begun"], BEGINNING + AHEAD)
    return session.query("stock/posted_movements", since=begun - AHEAD)


def _numbered(due: pl.DataFrame, posted: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Return due quantities as movements, numbered on from those posted of the same cause."""
    before = posted.group_by(CAUSE).agg(pl.col("movements").sum())
    number = pl.col("movements").fill_null(0) + pl.int_range(pl.len()).over(CAUSE)
    back = pl.col("quantity") < 0
    return (
        due.join(before, on=CAUSE, how="left")
        .sort(*CAUSE, *PAIR)
        .select(
            pl.format("{}/{}/{}/{}", *CAUSE, number).alias("movement_id"),
            "sku",
            pl.when(back).then("to_account").otherwise("from_account").alias("from_account"),
            pl.when(back).then("from_account").otherwise("to_account").alias("to_account"),
            pl.col("quantity").abs(),
            "cause",
            "cause_id",
            pl.coalesce("valid_at", pl.lit(now)).cast(TIME).alias("valid_at"),
            pl.lit(now).cast(TIME).alias("known_at"),
        )
    )


def _one_way(rows: pl.DataFrame) -> pl.DataFrame:
    """Write each pair of accounts in one order, so that a movement and its taking back meet."""
    turned = pl.col("from_account") > pl.col("to_account")
    return rows.with_columns(
        pl.min_horizontal(*PAIR).alias("from_account"),
        pl.max_horizontal(*PAIR).alias("to_account"),
        pl.when(turned).then(-pl.col("quantity")).otherwise("quantity").alias("quantity"),
    )


def _shelves(movements: pl.DataFrame) -> pl.DataFrame:
    """Return the (location, sku) whose shelves gained or lost, since when at the earliest.

    What moves between the shelves of one location leaves what a count sees as it is.
    """
    across = pl.concat([_ends(movements, "from_account"), _ends(movements, "to_account")])
    return (
        across.filter(pl.col("bucket").is_in(SHELF))
        .group_by("movement_id", "location_id", "sku")
        .agg(pl.len().alias("ends"), pl.col("valid_at").min())
        .filter(pl.col("ends") == 1)
        .group_by("location_id", "sku")
        .agg(pl.col("valid_at").min().alias("since"))
    )


def _ends(movements: pl.DataFrame, end: str) -> pl.DataFrame:
    parts = pl.col(end).str.split_exact("/", 1).struct.rename_fields(["location_id", "bucket"])
    return movements.select("movement_id", "sku", "valid_at", parts.alias("end")).unnest("end")


def _corrections(session: Session, touched: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Return the movements that bring the ledger to each count that may differ from it."""
    shelves = touched.group_by("location_id", "sku").agg(pl.col("since").min())
    session.frame("tmp_touched", shelves)
    counted = session.query("stock/touched_counts", since=_earliest(shelves["since"], now))
    session.frame("tmp_counted", counted)
    oldest = _earliest(counted["counted_at"], now)
    wrong = session.query("stock/count_corrections", since=oldest)
    seen = pl.col("counted_at").dt.epoch("us")
    due = wrong.select(
        pl.lit("count").alias("cause"),
        pl.format("{}/{}/{}", "location_id", "sku", seen).alias("cause_id"),
        "sku",
        pl.lit("world/count").alias("from_account"),
        pl.format("{}/sellable", "location_id").alias("to_account"),
        "quantity",
        pl.col("counted_at").alias("valid_at"),
        pl.col("counted_at").alias("begun"),
    )
    return _numbered(due, _posted(session, due), now)


def _record(session: Session, movements: pl.DataFrame) -> None:
    """Write movements without their balances, and note the SKUs that levels rest on."""
    if movements.is_empty():
        return
    session.frame("tmp_movements", movements)
    session.run("stock/add_movements")
    ours = pl.any_horizontal(~pl.col(end).str.contains("^(world|channel)/") for end in PAIR)
    touch(session, movements.filter(ours)["sku"])


def _earliest(times: pl.Series, none: datetime) -> datetime:
    found = times.min()
    return found if isinstance(found, datetime) else none
