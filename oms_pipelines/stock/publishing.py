"""Stock levels to channels: desired -> sent -> accepted -> observed.

What is about to be sent is stored before it is sent, and the receipt after: a level that
may have reached a channel counts as held until a lower one is acknowledged. Falling levels
go to every channel first; raises follow, out of the units that no channel may still show.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from oms_pipelines.channels.base import Channel, Level, Receipt
from oms_pipelines.config import Channel as Settings
from oms_pipelines.config import Oms
from oms_pipelines.crash import point
from oms_pipelines.errors import OmsError
from oms_pipelines.schema import columns_of
from oms_pipelines.stock.listings import grants
from oms_pipelines.store import Session, Store

Policy = Callable[[pl.DataFrame, Sequence[Settings]], pl.DataFrame]
LEVEL = list(columns_of("levels"))
SALES_SEEN = timedelta(days=2)  # older sales have long changed the level themselves
RETRY = "retry"  # how the error of a level begins that is to be sent again
AT_ONCE = 16


@dataclass(frozen=True)
class Published:
    """What happened to the levels of one channel."""

    channel_id: str
    sent: int = 0
    accepted: int = 0
    rejected: int = 0
    unsettled: int = 0
    error: str | None = None


def publish_levels(
    store: Store,
    oms: Oms,
    adapters: Mapping[str, Channel],
    now: datetime,
    *,
    full: bool = False,
    policy: Policy = grants,
) -> list[Published]:
    """Send every channel the levels it does not hold yet; falling ones first.

    `full` sends all levels, known or not. Channels are served side by side; one that fails is
    reported in its result, and hinders another only by what it may still be showing. `policy`
    says how far levels may be raised: another than `grants` gives promise 10 away.
    """
    told = [c.id for c in oms.channels if c.stock.mode != "none" and c.id in adapters]
    if not told:
        return []
    results = {c: Published(c) for c in told}
    with store.session() as session:
        sold = session.query("stock/sold_since", since=now - SALES_SEEN)

    def serve(channel_id: str, rising: bool) -> Published:
        if results[channel_id].error is not None:
            return results[channel_id]
        push = Push(channel_id, adapters[channel_id], rising, full, sold, policy)
        return _added(results[channel_id], _publish_channel(store, oms, push, now))

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="levels") as pool:
        for rising in (False, True):
            done = list(pool.map(serve, told, [rising] * len(told)))
            results = {r.channel_id: r for r in done}
    return list(results.values())


@dataclass(frozen=True)
class Push:
    """What is sent to one channel: its falling or its rising levels, due or all of them."""

    channel_id: str
    adapter: Channel
    rising: bool
    full: bool
    sold: pl.DataFrame
    policy: Policy


def _added(one: Published, two: Published) -> Published:
    return Published(
        one.channel_id,
        one.sent + two.sent,
        one.accepted + two.accepted,
        one.rejected + two.rejected,
        one.unsettled + two.unsettled,
        two.error,
    )


def _publish_channel(store: Store, oms: Oms, push: Push, now: datetime) -> Published:
    """Send one channel its falling, or its rising, levels, and read them back."""
    with store.session() as session:
        due = _due(session, oms, push)
        if due.is_empty():
            return Published(push.channel_id)
        session.upsert("levels", about_to_send(due, now).select(LEVEL))
    point("levels.marked_sent")
    receipts, error = _push(push.adapter, due)
    point("levels.pushed")
    seen: dict[str, int] = {}
    if error is None:
        seen, error = _read_back(push.adapter, due, receipts)
    verdicts = outcome(due, receipts, seen)
    with store.session() as session:
        session.upsert("levels", received(verdicts, now).select(LEVEL))
    count = verdicts["outcome"].value_counts()
    by = dict(zip(count["outcome"], count["count"], strict=True))
    counts = (by.get("accepted", 0), by.get("rejected", 0), by.get(RETRY, 0))
    return Published(push.channel_id, due.height, *counts, error)


def _due(session: Session, oms: Oms, push: Push) -> pl.DataFrame:
    """Return the levels to send now, with `level` (what to send) and `showing` (expected)."""
    session.frame("tmp_sold", push.sold)
    levels = session.query("stock/levels_due", channel_id=push.channel_id, full=push.full)
    goes_up = pl.col("desired") > pl.col("held")
    levels = levels.filter(goes_up if push.rising else ~goes_up)
    if not push.rising or levels.is_empty():
        return levels.with_columns(pl.col("desired").alias("level"))
    sharing = [c for c in oms.channels if c.stock.mode != "none"]
    session.frame("tmp_channels", pl.DataFrame({"channel_id": [c.id for c in sharing]}))
    session.frame("tmp_skus", levels.select("sku").unique())
    allowed = push.policy(session.query("stock/levels_held"), sharing)
    own = allowed.filter(pl.col("channel_id") == push.channel_id).drop("channel_id")
    raised = levels.join(own, on="channel_sku").filter(pl.col("level") > pl.col("held"))
    return raised.sort("sku", "channel_sku")


def about_to_send(due: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Return levels as they stand before their push: what is sent may be shown from now on."""
    return due.with_columns(
        pl.col("level").alias("sent"),
        pl.col("version").alias("sent_version"),
        pl.lit(now).alias("sent_at"),
        pl.max_horizontal("held", "level").alias("held"),
        pl.lit(f"{RETRY}: no receipt yet").alias("error"),
    )


def _push(adapter: Channel, due: pl.DataFrame) -> tuple[list[Receipt], str | None]:
    """Return the receipts of a push, those that came before an error too, and the error."""
    receipts: list[Receipt] = []
    try:
        for receipt in adapter.push_stock(_as_levels(due, adapter)):
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
    adapter: Channel, due: pl.DataFrame, receipts: list[Receipt]
) -> tuple[dict[str, int], str | None]:
    """Return what the channel shows of what it did not refuse, and the error if it cannot."""
    if not adapter.capabilities.reads_stock:
        return {}, None
    refused = [r.key for r in receipts if r.outcome == "rejected"]
    asked = due.filter(~_key().is_in(refused))["channel_sku"].to_list()
    try:
        return (adapter.read_stock(asked) if asked else {}), None
    except OmsError as e:
        return {}, str(e)


def _key() -> pl.Expr:
    return pl.format("{}#{}", "channel_sku", "version")


def outcome(due: pl.DataFrame, receipts: list[Receipt], seen: Mapping[str, int]) -> pl.DataFrame:
    """Join levels, receipts and what was read back into one verdict a level.

    Adds outcome (accepted, retry, rejected), text, and shown: what the channel shows.
    """
    answers = pl.DataFrame(
        [(r.key, r.outcome, r.text) for r in receipts],
        schema={"key": pl.String, "outcome": pl.String, "text": pl.String},
        orient="row",
    ).unique("key", keep="last")
    shown = pl.DataFrame(
        {"channel_sku": list(seen), "shown": list(seen.values())},
        schema={"channel_sku": pl.String, "shown": pl.Int64},
    )
    differs = ((pl.col("outcome") == "accepted") & (pl.col("shown") != pl.col("level"))).fill_null(
        False
    )
    why = pl.lit("the channel accepted, and shows another level")
    return (
        due.with_columns(_key().alias("key"))
        .join(answers, on="key", how="left")
        .join(shown, on="channel_sku", how="left")
        .with_columns(
            pl.when(differs)
            .then(pl.lit(RETRY))
            .otherwise("outcome")
            .fill_null(RETRY)
            .alias("outcome"),
            pl.when(differs).then(why).otherwise("text").fill_null("no receipt").alias("text"),
        )
    )


def received(verdicts: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Return levels as they stand after their push. Only an acceptance lowers what is held.

    A refusal changed nothing there. A level without a receipt may be shown, or not.
    """
    taken = pl.col("outcome") == "accepted"
    refused = pl.col("outcome") == "rejected"
    seen = pl.col("shown").is_not_null()
    return verdicts.with_columns(
        pl.col("level").alias("sent"),
        pl.col("version").alias("sent_version"),
        pl.lit(now).alias("sent_at"),
        pl.when(taken)
        .then("level")
        .when(refused)
        .then("held")
        .otherwise(pl.max_horizontal("held", "level", "shown"))
        .alias("held"),
        pl.when(taken).then("level").otherwise("accepted").alias("accepted"),
        pl.when(taken).then(pl.lit(now)).otherwise("accepted_at").alias("accepted_at"),
        pl.when(seen).then("shown").otherwise("observed").alias("observed"),
        pl.when(seen).then(pl.lit(now)).otherwise("observed_at").alias("observed_at"),
        pl.when(taken)
        .then(None)
        .when(refused)
        .then("text")
        .otherwise(pl.format(f"{RETRY}: {{}}", "text"))
        .alias("error"),
    )
