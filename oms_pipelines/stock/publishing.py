"""Stock levels to channels: desired -> sent -> accepted -> observed.

What is about to be sent is stored before it is sent, and the receipt after: a level that
may have reached a channel counts as held until a lower one is acknowledged. Falling levels
go to every channel first, the nearest to zero first; raises follow, out of the units that no
channel may still show. What is sent again besides is what `readback` found to differ.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import polars as pl

from oms_pipelines.channels.base import Channel, Level, Receipt
from oms_pipelines.config import Channel as Settings
from oms_pipelines.config import Oms
from oms_pipelines.crash import point
from oms_pipelines.errors import OmsError
from oms_pipelines.stock import alarms
from oms_pipelines.stock.delays import measure
from oms_pipelines.stock.due import Policy, falling, rising
from oms_pipelines.stock.listings import grants
from oms_pipelines.stock.readback import delays_of, read_back
from oms_pipelines.stock.receipts import (
    LEVEL,
    RETRY,
    about_to_send,
    key,
    newest,
    outcome,
    received,
)
from oms_pipelines.stock.unheard import outdated
from oms_pipelines.store import Session, Store

SALES_SEEN = timedelta(days=2)  # older sales have long changed the level themselves
PATIENCE = 60.0  # seconds that raises wait for a channel that is still taking its lower levels
AT_ONCE = 16


@dataclass(frozen=True)
class Published:
    """What happened to the levels of one channel.

    `unsettled` are without a receipt, `read` were read back besides what was sent, `suspects`
    of them had not been seen yet, `alarms` opened now.
    """

    channel_id: str
    sent: int = 0
    accepted: int = 0
    rejected: int = 0
    unsettled: int = 0
    read: int = 0
    suspects: int = 0
    alarms: int = 0
    error: str | None = None


@dataclass(frozen=True)
class Run:
    """One publish: what it works with, and its time. `elapsed` are the seconds since `now`.

    `waits` (sku) are told nothing more than they show: something was told of them since their
    levels were computed, and a sale that was not taken off them would be shown once more.
    """

    store: Store
    oms: Oms
    now: datetime
    full: bool
    elapsed: Callable[[], float]
    sold: pl.DataFrame
    waits: pl.DataFrame
    policy: Policy


def publish_levels(
    store: Store,
    oms: Oms,
    adapters: Mapping[str, Channel],
    now: datetime,
    *,
    full: bool = False,
    elapsed: Callable[[], float] = lambda: 0.0,
    patience: float = PATIENCE,
    policy: Policy = grants,
) -> list[Published]:
    """Read levels back, and send every channel those it does not hold; falling ones first.

    `full` sends all levels, known or not. Channels are served side by side; one that fails is
    reported in its result, and hinders another only by what it may still be showing. Raises
    wait `patience` seconds for the lower levels of other channels, and no longer. A channel of
    mode none is told that it has nothing, until it shows nothing. `policy`
    says how far levels may be raised: another than `grants` gives promise 10 away.
    """
    with store.session() as session:
        told = [c for c in _listening(session, oms) if c.id in adapters]
        if not told:
            return []
        sold = session.query("stock/sold_since", since=now - SALES_SEEN)
        waits = outdated(session)
    run = Run(store, oms, now, full, elapsed, sold, waits, policy)
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="levels") as pool:
        falling = {pool.submit(_lower, run, c, adapters[c.id]): c for c in told}
        ready, late = wait(falling, timeout=patience)

        def rise(lowered: Future[Lowered]) -> Future[Published]:
            c = falling[lowered]
            return pool.submit(_raise, run, c, adapters[c.id], lowered.result())

        rising = [rise(f) for f in falling if f in ready] + [rise(f) for f in as_completed(late)]
        done = {r.channel_id: r for r in (f.result() for f in rising)}
    return [done[c.id] for c in told]


def _listening(session: Session, oms: Oms) -> list[Settings]:
    """Return the channels that are told levels, and those of mode none that still show some."""
    holding = session.query("stock/channels_holding")["channel_id"].to_list()
    return [c for c in oms.channels if c.stock.mode != "none" or c.id in holding]


@dataclass(frozen=True)
class Push:
    """What is sent to one channel: its falling or its rising levels, due or all of them.

    `sold` is what every channel sold, as `stock/sold_since` has it; `tried` are the listings
    that were sent a falling level just before.
    """

    channel_id: str
    adapter: Channel
    rising: bool
    full: bool
    sold: pl.DataFrame
    tried: pl.Series


@dataclass(frozen=True)
class Lowered:
    """What the falling levels came to (`tried`: their listings), and whether raises may follow."""

    done: Published
    sold: pl.DataFrame
    tried: pl.Series
    broken: bool


def _lower(run: Run, channel: Settings, adapter: Channel) -> Lowered:
    """Read a channel back, then send it its falling levels."""
    own = run.sold.filter(pl.col("channel_id") == channel.id)
    found = read_back(run.store, channel, adapter, own.drop("channel_id"), run.now, run.elapsed)
    own = own.join(found.settled, on="channel_sku", how="left", suffix="_left")
    own = own.with_columns(pl.coalesce("units_left", "units").alias("units"))
    others = run.sold.filter(pl.col("channel_id") != channel.id)
    sold = pl.concat([own.select(others.columns), others])
    none = pl.Series(dtype=pl.String)
    push = Push(channel.id, adapter, False, run.full, sold, none)
    done, tried = _publish_channel(run, push)
    told = replace(
        done,
        read=found.asked,
        suspects=found.suspects,
        alarms=found.alarms,
        error=done.error or found.error,
    )
    # a channel that cannot be read may still be told
    return Lowered(told, sold, tried, done.error is not None)


def _raise(run: Run, channel: Settings, adapter: Channel, lowered: Lowered) -> Published:
    """Send a channel its rising levels, unless it broke off the falling ones."""
    told = lowered.done
    if lowered.broken:
        return told
    push = Push(channel.id, adapter, True, run.full, lowered.sold, lowered.tried)
    done, _ = _publish_channel(run, push)
    return replace(
        told,
        sent=told.sent + done.sent,
        accepted=told.accepted + done.accepted,
        rejected=told.rejected + done.rejected,
        unsettled=told.unsettled + done.unsettled,
        error=told.error or done.error,
    )


def _publish_channel(run: Run, push: Push) -> tuple[Published, pl.Series]:
    """Send one channel its falling, or its rising, levels, and read them back.

    Returns what came of it, and the listings (channel_sku) that were sent a level.
    """
    now = run.now
    with run.store.session() as session:
        due = _due(session, run, push)
        if due.is_empty():
            return Published(push.channel_id), due["channel_sku"]
        session.upsert("levels", about_to_send(due, now).select(LEVEL))
    point("levels.marked_sent")
    receipts, error = _push(push.adapter, due)
    point("levels.pushed")
    seen, unread = _read_back(push.adapter, due, receipts, whole=error is None)
    error = error or unread
    verdicts = outcome(due, receipts, seen)
    with run.store.session() as session:
        _settle(session, push.channel_id, verdicts, now, run.elapsed())
    count = verdicts["outcome"].value_counts()
    by = dict(zip(count["outcome"], count["count"], strict=True))
    counts = (by.get("accepted", 0), by.get("rejected", 0), by.get(RETRY, 0))
    return Published(push.channel_id, due.height, *counts, error=error), due["channel_sku"]


def _settle(
    session: Session, channel_id: str, verdicts: pl.DataFrame, now: datetime, elapsed: float
) -> None:
    """Store what a push came to: levels, alarms that it mends, delays that it measures."""
    after = received(verdicts, now)
    session.frame("tmp_names", verdicts.select("channel_sku"))
    current = session.query("stock/levels_named", channel_id=channel_id)
    session.upsert("levels", newest(after.select(LEVEL), current))
    seen = after.filter(pl.col("seen_at") == now, pl.col("error").is_null())
    alarms.close(session, channel_id, seen["channel_sku"], now)
    # what it showed already was not waited for
    moved = seen.filter(pl.col("level").ne_missing(pl.col("showing")))
    measure(session, channel_id, delays_of(moved.with_columns(read_at=now), elapsed), now)


def _due(session: Session, run: Run, push: Push) -> pl.DataFrame:
    """Return the levels to send now, with `level` (what to send) and `showing` (expected)."""
    session.frame("tmp_sold", push.sold)
    levels = session.query("stock/levels_due", channel_id=push.channel_id, full=push.full)
    sharing = [c for c in run.oms.channels if c.stock.mode != "none"]
    waits = run.waits["sku"]
    if not push.rising:
        return falling(session, levels, sharing, waits)
    return rising(session, levels, sharing, waits, push.tried, run.policy)


def _push(adapter: Channel, due: pl.DataFrame) -> tuple[list[Receipt], str | None]:
    """Return the receipts of a push, those that came before an error too, and the error."""
    receipts: list[Receipt] = []
    size = adapter.capabilities.stock_batch
    try:
        for start in range(0, due.height, size):
            for receipt in adapter.push_stock(_as_levels(due[start : start + size], adapter)):
                receipts.append(receipt)
    except OmsError as e:
        return receipts, str(e)
    return receipts, None


def _as_levels(due: pl.DataFrame, adapter: Channel) -> list[Level]:
    compare = adapter.capabilities.compare_and_set
    return [
        Level(sku, listed, quantity, version, showing if compare else None)
        for sku, listed, quantity, version, showing in due.select(
            "sku", "channel_sku", "level", "version", "showing"
        ).iter_rows()
    ]


def _read_back(
    adapter: Channel, due: pl.DataFrame, receipts: list[Receipt], *, whole: bool
) -> tuple[dict[str, int], str | None]:
    """Return what the channel shows of what it did not refuse, and the error if it cannot.

    Of a push that broke off (not `whole`), what it says to have accepted: that lowers what is
    held, and may have been dropped.
    """
    if not adapter.capabilities.reads_stock:
        return {}, None
    refused = [r.key for r in receipts if r.outcome == "rejected"]
    accepted = [r.key for r in receipts if r.outcome == "accepted"]
    wanted = ~key().is_in(refused) if whole else key().is_in(accepted)
    asked = due.filter(wanted)["channel_sku"].to_list()
    try:
        return (adapter.read_stock(asked) if asked else {}), None
    except OmsError as e:
        return {}, str(e)
