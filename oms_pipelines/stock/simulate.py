"""Replay a period under other stock settings: what each channel would have shown and sold.

A discrete-time simulation. Demand is given; what is sold of it follows from the levels that
the hub's own functions decide, tick by tick, of what the hub knows by then, and from when
each channel shows them. A sale beyond what lies where its channel sells from is an oversell;
it is canceled. A loop goes over steps of time; SKUs, channels and orders are arrays.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import polars as pl

from oms_pipelines.config import Oms
from oms_pipelines.stock.availability import sells_from
from oms_pipelines.stock.floor import COUNTS, Floor, Sales, joined
from oms_pipelines.stock.replica import Flight, Replica, deliver
from oms_pipelines.stock.sharer import Decide, Sharer
from oms_pipelines.stock.trace import (
    Events,
    Link,
    Names,
    Play,
    Trace,
    demand_events,
    opening_array,
    steps_of,
    supply_events,
)

PATIENCE = timedelta(hours=2)  # an order that explains a level comes by then


@dataclass(frozen=True)
class Outcome:
    """What a replay came to.

    `by_sku` is (channel_id, sku, wanted, sold, lost_hidden, lost_out, oversold, stranded) in
    units; `shown` (channel_id, shown): units shown on average. `cycles` is (sku, cycles,
    at_risk, hits, other_hits, away, away_hits): lag cycles in which the SKU was shown somewhere,
    those of them that began with few units left, and those of these in which more was sold
    than there was; `other_hits` are the cycles not at risk in which that happened. Of `at_risk`
    and `hits`, `away` and `away_hits` are those in or just after which a channel was out of
    reach: they tell what outages add, and are left out of nothing.
    """

    by_sku: pl.DataFrame
    shown: pl.DataFrame
    cycles: pl.DataFrame

    @property
    def risk(self) -> float:
        """The measured probability of an oversell in a lag cycle of a SKU at risk."""
        at_risk = int(self.cycles["at_risk"].sum())
        return int(self.cycles["hits"].sum()) / at_risk if at_risk else 0.0

    def by_channel(self) -> pl.DataFrame:
        """Return the counts by channel, in the order of the configuration."""
        sums = self.by_sku.group_by("channel_id").agg(pl.col(*COUNTS).sum())
        lost = pl.col("lost_hidden") + pl.col("lost_out")
        return self.shown.join(sums, on="channel_id", how="left").select(
            "channel_id", *COUNTS[:2], lost.alias("lost"), *COUNTS[2:], "shown"
        )

    def total(self, name: str) -> int:
        """Return the sum of one count over channels and SKUs."""
        return int(self.by_sku[name].sum())


def simulate(trace: Trace, oms: Oms, play: Play, decide: Decide | None = None) -> Outcome:
    """Replay a trace under the stock settings of `oms`; `decide` takes the hub's place."""
    return _Run(trace, oms, play, decide).outcome()


class _Run:
    """One replay: floor and hub, and what is on its way between them."""

    def __init__(self, trace: Trace, oms: Oms, play: Play, decide: Decide | None):
        names = Names.of(trace, oms)
        channels = [c for c in oms.channels if c.stock.mode != "none"]
        may = np.array([[sells_from(c, x) for x in oms.locations] for c in channels], bool)
        opening = opening_array(trace, names)
        self.trace, self.play, self.steps = trace, play, steps_of(trace, play)
        self.demand = demand_events(trace, names, play)
        self.supply = supply_events(trace, names, play)
        own = np.array([c.stock.mode == "escrow" for c in channels], bool)
        self.floor = Floor(names, may, own, opening, play.tight)
        self.links = [play.link(c) for c in names.channels]
        lags = {c: max(x.delays) for c, x in zip(names.channels, self.links, strict=True)}
        decide = decide or Sharer(oms, trace.history, len(names.skus), lags)
        self.hub = Replica(names, oms, play, decide, opening)
        self.down = _outages(trace, play, self.links, self.steps)
        self.up = _next_up(self.down)
        self.random = np.random.default_rng(play.seed)
        self.heard = np.zeros(len(self.links), np.int64)  # step of the last tick that found it up
        self.under_way: dict[int, list[Flight]] = defaultdict(list)
        self.orders: dict[int, list[tuple[int, Sales]]] = defaultdict(list)
        self.news = _by_tick(self.supply, play.steps_a_tick, self.steps)
        self.patience = PATIENCE // play.step

    def outcome(self) -> Outcome:
        self.hub.settle(self.trace.since)
        self.floor.shown[:] = self.hub.desired
        cycle = self._cycle()
        for step in range(self.steps):
            self._arrive(step)
            if step % cycle == 0:
                self.floor.begin_cycle(away=not self._in_reach(step, cycle))
            if step % self.play.steps_a_tick == 0:
                self._tick(step)
            self._sell(step)
        self.floor.begin_cycle(away=False)
        by_sku, shown = self.floor.result()
        return Outcome(by_sku, shown, self.floor.cycles())

    def _cycle(self) -> int:
        """Return the steps of a lag cycle: as given, or a tick and the longest delay."""
        if self.play.cycle is not None:
            return max(1, round(self.play.cycle / self.play.step))
        longest = max((max(x.delays) for x in self.links), default=0.0)
        return self.play.steps_a_tick + self._in_steps(np.array(longest)).item()

    def _in_reach(self, step: int, cycle: int) -> bool:
        """Tell whether no channel is out of reach in a cycle, nor was in the one before."""
        n = self.play.steps_a_tick
        return not self.down[max(0, (step - cycle) // n) : -(-(step + cycle) // n)].any()

    def _in_steps(self, seconds: np.ndarray) -> np.ndarray:
        return np.ceil(seconds / self.play.step.total_seconds()).astype(np.int64)

    def _arrive(self, step: int) -> None:
        for flight in self.under_way.pop(step, []):
            self._land(flight, step)

    def _land(self, flight: Flight, step: int) -> None:
        seen, taken = deliver(flight, self.floor, self.hub.compares)
        self.hub.answered(flight, seen, taken, step)

    def _tick(self, step: int) -> None:
        """Learn, decide and send, as one sync does; falling levels first."""
        now = self.trace.since + step * self.play.step
        news = self.news[step // self.play.steps_a_tick]
        supply = self.supply
        heard = self.orders.pop(step, [])
        touched = [self.hub.learn_supply(supply.s[news], supply.who[news], supply.quantity[news])]
        if heard:
            at = np.concatenate([np.full(x.s.size, at) for at, x in heard])
            sales = joined([x for _, x in heard])
            touched.append(self.hub.learn_sales(sales, at, self.trace.since))
        touched.append(self.hub.forget_unseen(step, self.patience))
        silent = self._silent(step)
        if silent.any():
            touched.append(np.arange(self.hub.held.shape[0]))
        self.hub.redecide(np.unique(np.concatenate(touched)), now, silent)
        self.floor.look()
        for flight in (self.hub.falling, self.hub.rising):
            self._send(flight(), step)

    def _silent(self, step: int) -> np.ndarray:
        """Return for how many steps nothing was heard of each channel; 0 where it answers."""
        down = self.down[step // self.play.steps_a_tick]
        self.heard = np.where(down, self.heard, step)
        return np.where(down, np.maximum(step - self.heard, 1), 0)

    def _send(self, flight: Flight, step: int) -> None:
        """Put levels on their way, each to come when its channel shows it.

        What happens to a level does not hang on which others are sent: settings compare.
        """
        skus, channels = self.hub.held.shape
        draws = self.random.random((3, -(-skus // self.play.copies), channels))
        if not flight.s.size:
            return
        draw = draws[:, flight.s // self.play.copies, flight.c]
        flight = replace(
            flight,
            dropped=draw[0] < self._of(flight, "lost"),
            unanswered=draw[1] < self._of(flight, "unanswered"),
        )
        down = self.down[step // self.play.steps_a_tick, flight.c]
        if down.any():
            out = flight.of(down)
            nothing = np.full(out.s.size, -1)
            self.hub.answered(out, nothing, np.zeros(out.s.size, bool), step)
        later = self._delays(flight.c, draw[2])
        for steps in np.unique(later[~down]):
            part = flight.of(~down & (later == steps))
            if steps == 0:
                self._land(part, step)
            else:
                self.under_way[step + int(steps)].append(part)

    def _of(self, flight: Flight, name: str) -> np.ndarray:
        return np.array([getattr(x, name) for x in self.links])[flight.c]

    def _delays(self, c: np.ndarray, draw: np.ndarray) -> np.ndarray:
        """Return steps from decision to shown, drawn from each channel's quantiles."""
        seconds = np.zeros(c.size)
        for i, link in enumerate(self.links):
            ranks = np.linspace(0, 1, len(link.delays)) if len(link.delays) > 1 else np.zeros(1)
            own = c == i
            seconds[own] = np.interp(draw[own], ranks, np.asarray(link.delays, float))
        return self._in_steps(seconds)

    def _sell(self, step: int) -> None:
        came = self.supply.of(step)
        if came.stop > came.start:
            self.floor.supply(
                self.supply.s[came], self.supply.who[came], self.supply.quantity[came]
            )
        wanted = self.demand.of(step)
        if wanted.stop == wanted.start:
            return
        d = self.demand
        sales = self.floor.sell(d.s[wanted], d.who[wanted], d.quantity[wanted], d.known[wanted])
        if sales is None:
            return
        ticks = self._known_tick(sales, step)
        for tick in np.unique(ticks[ticks >= 0]):
            some = ticks == tick
            part = Sales(*(getattr(sales, x)[some] for x in sales.__dataclass_fields__))
            self.orders[int(tick)].append((step, part))

    def _known_tick(self, sales: Sales, step: int) -> np.ndarray:
        """Return the step of the tick that hears of each sale; -1 is after the period."""
        n = self.play.steps_a_tick
        first = -(-np.maximum(sales.known, step + 1) // n)
        inside = first < len(self.up)
        tick = self.up[np.minimum(first, len(self.up) - 1), sales.c]
        return np.where(inside & (tick >= 0), tick * n, -1)


def _outages(trace: Trace, play: Play, links: list[Link], steps: int) -> np.ndarray:
    """Return, of ticks by channels, which find the channel down."""
    ticks = -(-steps // play.steps_a_tick)
    when = np.arange(ticks) * play.steps_a_tick
    down = np.zeros((ticks, len(links)), bool)
    for c, link in enumerate(links):
        for begin, end in link.outages:
            within = (when >= (begin - trace.since) / play.step) & (
                when < (end - trace.since) / play.step
            )
            down[within, c] = True
    return down


def _next_up(down: np.ndarray) -> np.ndarray:
    """Return, of ticks by channels, the first tick from there on that finds it up, or -1."""
    found = np.full(down.shape, -1, np.int64)
    after = np.full(down.shape[1], -1, np.int64)
    for tick in range(down.shape[0] - 1, -1, -1):
        after = np.where(down[tick], after, tick)
        found[tick] = after
    return found


def _by_tick(supply: Events, steps_a_tick: int, steps: int) -> list[np.ndarray]:
    """Return which supply each tick hears of first."""
    ticks = -(-steps // steps_a_tick)
    known = -(-np.maximum(supply.known, supply.step + 1) // steps_a_tick)
    order = np.argsort(known, kind="stable")
    bounds = np.searchsorted(known[order], np.arange(ticks + 1))
    return [order[bounds[i] : bounds[i + 1]] for i in range(ticks)]
