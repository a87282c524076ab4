"""What a simulation of stock sharing replays: demand, stock, and how channels take levels.

Frames in, arrays out. Time is cut into steps; what happens within one step happens in the
order of its events, and a level arrives before the sales of its step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from oms_pipelines.config import Oms

MINUTE = timedelta(minutes=1)
DAILY = pl.Schema(
    {
        "day": pl.Datetime("us", "UTC"),
        "channel_id": pl.String,
        "sku": pl.String,
        "units": pl.Int64,
    }
)


@dataclass(frozen=True)
class Trace:
    """A period of a merchant, as it would have been whatever the levels.

    `opening` is (location_id, sku, quantity); `supply` (at, known_at, location_id, sku,
    quantity), negative where goods were lost; `demand` (at, known_at, channel_id, sku,
    quantity): what a customer wants at once, and when the hub hears of it if it is sold.
    `history` is what was sold a day before, (day, channel_id, sku, units): demand is measured
    by it until the replay has days of its own.
    """

    opening: pl.DataFrame
    supply: pl.DataFrame
    demand: pl.DataFrame
    since: datetime
    until: datetime
    history: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=DAILY))


@dataclass(frozen=True)
class Link:
    """How a channel takes levels.

    `delays` are seconds from decision to shown, drawn evenly: one number, or quantiles at
    even ranks. A channel that `compares` takes a level only where it shows what the hub
    expects; another overwrites what it sold in between. `lost` and `unanswered` are shares
    of levels: answered as taken and dropped; taken, and the answer lost. In an outage it
    takes nothing and serves no orders.
    """

    delays: Sequence[float] = (0.0,)
    compares: bool = True
    lost: float = 0.0
    unanswered: float = 0.0
    outages: Sequence[tuple[datetime, datetime]] = ()


@dataclass(frozen=True)
class Play:
    """How a trace is replayed. The same seed draws the same faults and delays."""

    tick: timedelta = timedelta(minutes=5)
    step: timedelta = MINUTE
    cycle: timedelta | None = None  # of the measured risk; None: a tick and the longest delay
    links: Mapping[str, Link] = field(default_factory=dict)
    raise_after_ack: bool = True  # promise 10; without it raises are sent as desired
    tight: int = 10  # a cycle is at risk where no more units than these are left
    seed: int = 0
    copies: int = 1  # of each SKU, in a row by name: they meet the same faults and delays

    @property
    def steps_a_tick(self) -> int:
        return max(1, round(self.tick / self.step))

    def link(self, channel_id: str) -> Link:
        return self.links.get(channel_id, Link())


@dataclass(frozen=True)
class Names:
    """SKUs, channels and locations by number; which channel may sell from which location."""

    skus: pl.Series
    channels: list[str]
    locations: list[str]

    @classmethod
    def of(cls, trace: Trace, oms: Oms) -> "Names":
        seen = [trace.opening["sku"], trace.supply["sku"], trace.demand["sku"]]
        skus = pl.concat(seen).unique().sort().alias("sku")
        told = [c.id for c in oms.channels if c.stock.mode != "none"]
        return cls(skus, told, [x.id for x in oms.locations])

    def sku_index(self) -> pl.DataFrame:
        return pl.DataFrame({"sku": self.skus}).with_row_index("s")

    def channel_index(self) -> pl.DataFrame:
        return _index(self.channels, "channel_id", "c")

    def location_index(self) -> pl.DataFrame:
        return _index(self.locations, "location_id", "place")


def even_quantiles(measured: Mapping[float, float]) -> tuple[float, ...]:
    """Return quantiles at even ranks out of some, such as {0.5: 40, 0.9: 70, 0.99: 200}.

    Straight between them, from nothing at rank 0; beyond the last rank, the last.
    """
    ranks, values = zip((0.0, 0.0), *sorted(measured.items()), strict=True)
    return tuple(np.interp(np.linspace(0, 1, 101), ranks, values).tolist())


def daily(demand: pl.DataFrame) -> pl.DataFrame:
    """Return (day, channel_id, sku, units) of demand (at, channel_id, sku, quantity)."""
    return (
        demand.group_by(pl.col("at").dt.truncate("1d").alias("day"), "channel_id", "sku")
        .agg(pl.col("quantity").sum().alias("units"))
        .cast(DAILY)
    )


def _index(names: list[str], name: str, number: str) -> pl.DataFrame:
    return pl.DataFrame({name: pl.Series(names, dtype=pl.String)}).with_row_index(number)


@dataclass(frozen=True)
class Events:
    """Demand or supply as arrays, sorted by step; `first[k]` is where step k begins."""

    step: np.ndarray
    known: np.ndarray  # step from which a tick may know of it
    s: np.ndarray
    who: np.ndarray  # channel or location
    quantity: np.ndarray
    first: np.ndarray

    def of(self, step: int) -> slice:
        return slice(int(self.first[step]), int(self.first[step + 1]))


def demand_events(trace: Trace, names: Names, play: Play) -> Events:
    """Return demand of the channels that are told levels, by step."""
    rows = trace.demand.join(names.channel_index(), on="channel_id").rename({"c": "who"})
    return _events(rows, trace, names, play)


def supply_events(trace: Trace, names: Names, play: Play) -> Events:
    """Return what came and went at the locations, by step."""
    rows = trace.supply.join(names.location_index(), on="location_id").rename({"place": "who"})
    return _events(rows, trace, names, play)


def steps_of(trace: Trace, play: Play) -> int:
    """Return how many steps the period has."""
    return max(1, -int((trace.since - trace.until) // play.step))


def _events(rows: pl.DataFrame, trace: Trace, names: Names, play: Play) -> Events:
    steps = steps_of(trace, play)
    step_us = play.step // timedelta(microseconds=1)

    def step(column: str) -> pl.Expr:
        return (pl.col(column) - trace.since).dt.total_microseconds() / step_us

    found = (
        rows.filter(pl.col("at").is_between(trace.since, trace.until, closed="left"))
        .join(names.sku_index(), on="sku")
        .with_columns(step("at").floor().cast(pl.Int64), step("known_at").ceil().cast(pl.Int64))
        .sort("at", "known_at", "s", "who", "quantity")
    )
    column = {c: found[c].to_numpy().astype(np.int64) for c in ("at", "known_at", "s", "who")}
    first = np.searchsorted(column["at"], np.arange(steps + 1))
    quantity = found["quantity"].to_numpy().astype(np.int64)
    return Events(column["at"], column["known_at"], column["s"], column["who"], quantity, first)


def opening_array(trace: Trace, names: Names) -> np.ndarray:
    """Return opening units as an array of SKUs by locations."""
    found = np.zeros((len(names.skus), len(names.locations)), np.int64)
    rows = trace.opening.join(names.sku_index(), on="sku").join(
        names.location_index(), on="location_id"
    )
    at = (rows["s"].to_numpy(), rows["place"].to_numpy())
    np.add.at(found, at, rows["quantity"].to_numpy().astype(np.int64))
    return found
