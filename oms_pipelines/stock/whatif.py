"""What other stock settings would have done: a past period replayed beside the live ones.

Demand is what customers bought. What they wanted and could not buy then is not seen, so lost
sales are understated where the shops were empty; between settings they compare all the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from oms_pipelines import config
from oms_pipelines.config import ChannelStock, Oms
from oms_pipelines.errors import Misconfigured
from oms_pipelines.stock.simulate import Outcome, simulate
from oms_pipelines.stock.trace import Link, Play, Trace, daily
from oms_pipelines.store import Session

LIVE = "live"
KEPT = ("locations", "to", "profile")  # of the live settings, where a file does not name them
COMPARED = ("lost", "oversold", "stranded")


@dataclass(frozen=True)
class Policy:
    """Stock settings under a name: the live ones, or those of a file."""

    name: str
    oms: Oms


def read_shares(path: Path, oms: Oms) -> Policy:
    """Return the settings with the `stock` of some channels replaced by a file's.

    The file maps channel ids to settings as under `channels[].stock` of oms.yaml. A channel
    that it does not name stays as it is. Raises Misconfigured with file and path.
    """
    data = config.read_mapping(path)
    known = {c.id: c for c in oms.channels}
    faults = [f"{path.name}: {c}: there is no such channel" for c in data if c not in known]
    stocks: dict[str, ChannelStock] = {}
    for channel_id in known.keys() & data.keys():
        try:
            told = config.part(ChannelStock, data[channel_id], channel_id)
        except Misconfigured as e:
            faults += [f"{path.name}: {x}" for x in e.faults]
            continue
        live = known[channel_id].stock
        kept = {x: getattr(live, x) for x in KEPT if x not in told.model_fields_set}
        stocks[channel_id] = told.model_copy(update=kept)
    changed = [c.model_copy(update={"stock": stocks.get(c.id, c.stock)}) for c in oms.channels]
    replaced = oms.model_copy(update={"channels": changed})
    if not faults:
        faults = [f"{path.name}: {x}" for x in config.between(replaced)]
    if faults:
        raise Misconfigured(faults)
    return Policy(path.stem, replaced)


@dataclass(frozen=True)
class Period:
    """A period to replay; `note` tells what of it has no stock, or no demand."""

    since: datetime
    until: datetime
    note: str = ""


def known_period(
    session: Session, oms: Oms, since: datetime, until: datetime, now: datetime
) -> Period:
    """Return a period without the days that the hub's clock has not reached.

    What was wanted where nothing was counted yet stays in it, and counts as lost.
    """
    begun = dict(session.query("stock/whatif_begun").iter_rows())
    last = _midnight(now) + timedelta(days=1)
    end = max(min(until, last), since + timedelta(days=1))
    told = []
    for place in (x for x in oms.locations if x.sells):
        at = begun.get(place.id)
        if at is None:
            told.append(f"{place.id} has no stock: it was never counted")
        elif at > since:
            told.append(f"{place.id} has no stock before its first count, {at:%Y-%m-%d %H:%M} UTC")
    if now < end:
        told.append(f"no demand after {now:%Y-%m-%d %H:%M} UTC, where the hub's clock stands")
    if end < until:
        told.append(f"{_days(end, until)} left out: the hub's clock has not come there")
    return Period(since, end, f"Of these days: {'; '.join(told)}." if told else "")


def _midnight(moment: datetime) -> datetime:
    day = moment.astimezone(UTC)
    return day.replace(hour=0, minute=0, second=0, microsecond=0)


def _days(first: datetime, until: datetime) -> str:
    """Return days by name; `until` is not included."""
    last = until - timedelta(days=1)
    return f"{first:%Y-%m-%d}" + ("" if last <= first else f" to {last:%Y-%m-%d}")


def stored_trace(session: Session, oms: Oms, since: datetime, until: datetime) -> Trace:
    """Return a past period of the store: stock at its begin, what came since, what was bought.

    What orders of the period took is left out of the stock: the replay sells anew.
    """
    told = [c.id for c in oms.channels if c.stock.mode != "none"]
    session.frame("tmp_channels", pl.DataFrame({"channel_id": told}, {"channel_id": pl.String}))
    period = {"since": since, "until": until}
    return Trace(
        session.query("stock/whatif_opening", since=since),
        session.query("stock/whatif_supply", **period),
        session.query("stock/whatif_demand", **period),
        since,
        until,
        daily(session.query("stock/whatif_demand", since=since - oms.stock.window, until=since)),
    )


def hub_play(oms: Oms, delays: Mapping[str, Sequence[float]], seed: int = 0) -> Play:
    """Return how the hub would replay: a tick as often as its busiest channel is read.

    `delays` are measured seconds from decision to sight at even quantiles, by channel; one
    that is not measured takes its `every`. Channels are taken to compare before they set.
    """
    told = [c for c in oms.channels if c.stock.mode != "none"]
    links = {c.id: Link(delays.get(c.id) or (c.every.total_seconds(),)) for c in told}
    tick = min((c.every for c in told), default=timedelta(minutes=5))
    step = max(min(tick / 5, timedelta(minutes=5)), timedelta(seconds=30))
    return Play(tick=tick, step=step, links=links, seed=seed)


def compare(trace: Trace, policies: Sequence[Policy], play: Play) -> pl.DataFrame:
    """Replay a trace under each policy, the first of which the others are held against.

    Returns (settings, channel_id, wanted, sold, lost, lost_hidden, lost_out, oversold,
    stranded, shown) in units, a row a channel and one of all (`total`), and by how much lost,
    oversold and stranded are more (`more_...`) than under the first.
    """
    rows = [_rows(p.name, simulate(trace, p.oms, play)) for p in policies]
    first = rows[0].select("channel_id", *(pl.col(c).alias(f"first_{c}") for c in COMPARED))
    return (
        pl.concat(rows)
        .join(first, on="channel_id", how="left", maintain_order="left")
        .with_columns(
            (pl.col(c) - pl.col(f"first_{c}").fill_null(0)).alias(f"more_{c}") for c in COMPARED
        )
        .drop(f"first_{c}" for c in COMPARED)
    )


def _rows(name: str, outcome: Outcome) -> pl.DataFrame:
    channels = outcome.by_channel()
    numbers = [c for c in channels.columns if c != "channel_id"]
    total = channels.select(
        pl.lit("total").alias("channel_id"), *(pl.col(c).sum() for c in numbers)
    )
    return pl.concat([channels, total]).select(pl.lit(name).alias("settings"), pl.all())


def summary(found: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the totals of a comparison, a row a policy."""
    return found.filter(pl.col("channel_id") == "total").drop("channel_id").to_dicts()
