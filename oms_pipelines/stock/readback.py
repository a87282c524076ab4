"""Levels read back from a channel: what it shows is what it accepted, or it will be.

Read are the suspects (accepted, and not seen yet, or seen otherwise; low ones told lately)
and a sample, the longest unread first. A reading is judged by what the channel accepted, or
was last seen to show, less what it sold since:

- true: it shows that, or sales and cancellations since explain the difference; or it has no
  such listing any more, and is to have nothing of it;
- early: it does not, and its own measured delay is not over yet;
- waiting: it shows less, as it would after a sale that the hub has not heard of: judged once
  sales up to the reading are known, by the next ticks;
- differs: it is past its delay and nothing explains it: sent again, and an alarm until a
  reading is true. An update that was answered with 200 and dropped is found like this.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil

import polars as pl

from oms_pipelines.channels.base import Channel
from oms_pipelines.config import Channel as Settings
from oms_pipelines.errors import OmsError
from oms_pipelines.schema import columns_of
from oms_pipelines.stock import alarms
from oms_pipelines.stock.delays import longest, measure
from oms_pipelines.stock.receipts import newest
from oms_pipelines.store import Session, Store

MOST = 1000  # suspects read at once
NEAR, LATELY = 2, timedelta(hours=1)  # levels of at most so many units, told since
DIFFERS = "retry: the channel accepted, and shows another level"
SOLD = ["channel_sku", "units", "units_read", "canceled", "taken"]


@dataclass(frozen=True)
class Read:
    """What a reading found. `settled`: (channel_sku, units sold since it was read)."""

    asked: int = 0
    suspects: int = 0
    alarms: int = 0
    settled: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(schema={"channel_sku": pl.String, "units": pl.Int64})
    )
    error: str | None = None


def read_back(
    store: Store,
    channel: Settings,
    adapter: Channel,
    sold: pl.DataFrame,
    now: datetime,
    elapsed: Callable[[], float],
) -> Read:
    """Read suspects and a sample of a channel, judge them, and store the verdicts.

    `sold` is what sold_since.sql gives of this channel. `elapsed` are the seconds since `now`.
    """
    if not adapter.capabilities.reads_stock:
        return Read()
    with store.session(read_only=True) as session:
        delay = longest(session, channel)
        before = _read_before(session, channel, sold, now, delay)
        suspects, names = _chosen(session, channel, adapter, now)
        done = before.filter(pl.col("verdict") != "early")
        asked = [n for n in names if n not in set(done["channel_sku"])]
        known = _named(session, channel.id, asked)
    error, shown = None, {}
    if asked:
        try:
            shown = adapter.read_stock(asked)
        except OmsError as e:
            asked, known, error = [], known.clear(), str(e)
    fresh = _reading(known, shown, sold, now, delay)
    found = pl.concat([done.filter(pl.col("verdict") != "waiting"), fresh])
    with store.session() as session:
        current = _named(session, channel.id, found["channel_sku"].to_list())
        found = unmoved(found, current)
        opened = _store(session, channel.id, found, current, now, elapsed())
    settled = found.filter(pl.col("verdict").is_in(["true", "differs"]))
    left = pl.when("fresh").then(0).otherwise(pl.col("units") - pl.col("units_read"))
    moved = settled.select("channel_sku", left.alias("units"))
    return Read(len(asked), suspects, opened, moved, error)


def _chosen(
    session: Session, channel: Settings, adapter: Channel, now: datetime
) -> tuple[int, list[str]]:
    """Return how many suspects there are to read, and all names to read, suspects first."""
    own = {"channel_id": channel.id}
    lately = now - LATELY
    suspects = session.query("stock/levels_suspect", **own, near=NEAR, lately=lately, most=MOST)
    listings = session.query("stock/levels_readable", **own)["listings"].item()
    share = ceil(listings * channel.stock.read_share)
    most = min(share, adapter.capabilities.stock_batch, MOST)
    sample = session.query("stock/levels_sample", **own, most=most)
    names = pl.concat([suspects, sample]).unique(maintain_order=True)
    return suspects.height, names["channel_sku"].to_list()


def _read_before(
    session: Session, channel: Settings, sold: pl.DataFrame, now: datetime, delay: timedelta
) -> pl.DataFrame:
    """Return earlier readings that nothing explained then, judged by the sales known now."""
    rows = session.query("stock/levels_unexplained", channel_id=channel.id)
    heard = pl.col("observed_at") <= now - channel.stock.late_sales
    readings = rows.join(sold.select(SOLD), on="channel_sku", how="left").with_columns(
        pl.col("observed").alias("shown"),
        pl.col("observed_at").alias("read_at"),
        pl.col("units_read").alias("gone"),
        heard.alias("heard"),
        pl.lit(False).alias("fresh"),
    )
    return judged(readings, delay)


def _named(session: Session, channel_id: str, names: list[str]) -> pl.DataFrame:
    """Return the levels of some listings of a channel, whole, as they stand now."""
    session.frame("tmp_names", pl.DataFrame({"channel_sku": names}, schema=_NAME))
    return session.query("stock/levels_named", channel_id=channel_id)


def _reading(
    rows: pl.DataFrame,
    shown: dict[str, int],
    sold: pl.DataFrame,
    now: datetime,
    delay: timedelta,
) -> pl.DataFrame:
    """Return what was read now, judged; a listing that was not shown is shown as null.

    `rows` are the levels asked for, as they stood before: the answer may be of any moment since.
    """
    answers = pl.DataFrame(
        {"channel_sku": list(shown), "shown": list(shown.values())},
        schema={"channel_sku": pl.String, "shown": pl.Int64},
    )
    readings = (
        rows.join(sold.select(SOLD), on="channel_sku", how="left")
        .join(answers, on="channel_sku", how="left")
        .with_columns(
            pl.lit(now).cast(rows.schema["observed_at"]).alias("read_at"),
            pl.col("units").alias("gone"),
            pl.lit(False).alias("heard"),
            pl.lit(True).alias("fresh"),
        )
    )
    return judged(readings, delay)


_NAME = {"channel_sku": pl.String}
_READING = [
    "units",
    "units_read",
    "canceled",
    "taken",
    "shown",
    "read_at",
    "gone",
    "heard",
    "fresh",
]


def judged(readings: pl.DataFrame, delay: timedelta) -> pl.DataFrame:
    """Add `verdict` (true, early, waiting, differs) and `kind` (higher, lower, absent).

    A level that is not shown after its delay takes longer than that: then it is past it.

    `readings` are rows of `levels` with shown (null: not there), read_at, gone and canceled
    (units sold and called off between what is known and the reading; null is none), and heard
    (whether all sales up to the reading are known).
    """
    known = pl.when(pl.col("seen_at") > pl.col("accepted_at")).then("seen").otherwise("accepted")
    shown = pl.col("shown").fill_null(0)
    least = (known - pl.col("gone").fill_null(0)).clip(0)
    most = known + pl.col("canceled").fill_null(0)
    higher = shown > most
    return (
        readings.with_columns(
            pl.when((shown >= least) & ~higher)
            .then(pl.lit("true"))
            .when(pl.col("read_at") - pl.col("accepted_at") < delay)
            .then(pl.lit("early"))
            .when(_gone())
            .then(pl.lit("true"))
            .when(higher | pl.col("heard"))
            .then(pl.lit("differs"))
            .otherwise(pl.lit("waiting"))
            .alias("verdict"),
            pl.when(higher)
            .then(pl.lit("higher"))
            .when(pl.col("shown").is_null())
            .then(pl.lit("absent"))
            .otherwise(pl.lit("lower"))
            .alias("kind"),
        )
        .select(*columns_of("levels"), *_READING, "verdict", "kind")
        .sort("channel_sku")
    )


def unmoved(found: pl.DataFrame, current: pl.DataFrame) -> pl.DataFrame:
    """Return the readings of levels that were neither sent nor accepted since: those still judge.

    `current` are the rows of `levels` as they stand now; the others are read again.
    """
    on = ["channel_id", "channel_sku", "sent_at", "sent_version", "accepted_at"]
    return found.join(current, on=on, how="semi", nulls_equal=True, maintain_order="left")


def _gone() -> pl.Expr:
    """Tell of listings that are not there and need not be: nobody could tell them a level."""
    return pl.col("shown").is_null() & (pl.col("desired") == 0)


def _store(
    session: Session,
    channel_id: str,
    found: pl.DataFrame,
    current: pl.DataFrame,
    now: datetime,
    elapsed: float,
) -> int:
    """Store judged readings, alarms, and measured delays; return how many alarms opened.

    What was computed while the channel was read, and stands in `current`, stays.
    """
    session.upsert("levels", newest(read(found), current))
    seen = found.filter(pl.col("verdict") == "true")
    alarms.close(session, channel_id, seen["channel_sku"], now)
    measure(session, channel_id, delays_of(seen.filter(_came_late()), elapsed), now)
    return alarms.open_or_repeat(session, found.filter(pl.col("verdict") == "differs"), now)


def _came_late() -> pl.Expr:
    """Tell of true readings which measure a delay: what an earlier one did not show yet.

    A first reading says only that it took no longer than until then, which may be a tick; and
    where units were sold or called off, an update that was dropped may look like one that came.
    """
    unseen = pl.col("seen_at").is_null() | (pl.col("seen_at") < pl.col("accepted_at"))
    still = (pl.col("gone").fill_null(0) == 0) & (pl.col("canceled").fill_null(0) == 0)
    return unseen & (pl.col("checked_at") >= pl.col("accepted_at")) & still & ~_gone()


def delays_of(seen: pl.DataFrame, elapsed: float) -> pl.DataFrame:
    """Return the delay of levels that were seen for the first time, at read_at."""
    lag = (pl.col("read_at") - pl.col("decided_at")).dt.total_seconds(fractional=True) + elapsed
    delay = (pl.col("read_at") - pl.col("accepted_at")).dt.total_seconds(fractional=True)
    return seen.select(delay.alias("delay_seconds"), lag.alias("lag_seconds"))


def read(found: pl.DataFrame) -> pl.DataFrame:
    """Return levels as they stand after judged readings.

    What is shown higher than accepted counts as held; a true reading of what was accepted
    last frees it again, and so does a listing that is gone. What sold since the level was sent
    is taken off what is held, so it is added to a reading that comes after it.
    """
    true, fresh = pl.col("verdict") == "true", pl.col("fresh")
    settled = pl.col("error").is_null()
    shown = pl.col("shown").fill_null(0)
    later = pl.col("units").fill_null(0) - pl.col("gone").fill_null(0)  # sold after the reading
    most = shown + (pl.col("taken").fill_null(0) - later).clip(0)
    return found.with_columns(
        pl.col("shown").alias("observed"),
        pl.col("read_at").alias("observed_at"),
        pl.coalesce("accepted_version", "sent_version").alias("accepted_version"),
        pl.when(true)
        .then(pl.coalesce("accepted_version", "sent_version"))
        .alias("observed_version"),
        pl.when(true).then(shown).otherwise("seen").alias("seen"),
        pl.when(true).then("read_at").otherwise("seen_at").alias("seen_at"),
        pl.when(fresh).then("read_at").otherwise("checked_at").alias("checked_at"),
        pl.when(true & _gone())
        .then(0)
        .when(true & settled)
        .then(pl.max_horizontal("accepted", most))
        .otherwise(pl.max_horizontal("held", most))
        .alias("held"),
        pl.when(settled & (pl.col("verdict") == "differs"))
        .then(pl.lit(DIFFERS))
        .otherwise("error")
        .alias("error"),
    )
