"""The hub's side of a simulation: what it knows, decides and sends at each tick.

Levels and raises are decided as in earnest (`quick`: what `desired_levels` and `grants` say);
here that is only fed, and carried out.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from oms_pipelines.config import Oms
from oms_pipelines.stock.floor import Floor, Sales
from oms_pipelines.stock.quick import Levels, granted
from oms_pipelines.stock.sharer import Decide
from oms_pipelines.stock.trace import Names, Play


@dataclass(frozen=True)
class Flight:
    """Levels under way: SKU, channel, level, what the hub believes is shown, and their fate."""

    s: np.ndarray
    c: np.ndarray
    level: np.ndarray
    expected: np.ndarray
    dropped: np.ndarray
    unanswered: np.ndarray

    def of(self, some: np.ndarray) -> "Flight":
        return Flight(*(getattr(self, x)[some] for x in self.__dataclass_fields__))


class Replica:
    """What the hub knows of stock and levels: arrays of SKUs by locations or channels."""

    def __init__(self, names: Names, oms: Oms, play: Play, decide: Decide, ledger: np.ndarray):
        channels = [c for c in oms.channels if c.stock.mode != "none"]
        self.pooled = np.array([c.stock.mode == "pooled" for c in channels], bool)
        self.quotas = any(c.stock.quotas for c in channels)
        self.levels = Levels(names, channels, oms)
        self.names, self.channels, self.play, self.decide = names, channels, play, decide
        self.ledger = ledger.copy()
        self.every_sku = np.arange(len(names.skus))
        shape = (len(names.skus), len(names.channels))
        self.desired = np.zeros(shape, np.int64)
        self.base = np.zeros(shape, np.int64)  # newest level accepted or observed
        self.base_step = np.zeros(shape, np.int64)
        self.sold_since = np.zeros(shape, np.int64)  # known sales that the channel took off itself
        self.held = np.zeros(shape, np.int64)  # the most it may show
        self.unseen = np.zeros(shape, np.int64)  # shown less than expected: sold, not told yet
        self.unseen_step = np.zeros(shape, np.int64)
        self.retry = np.zeros(shape, bool)
        self.flying = np.zeros(shape, bool)
        links = [play.link(c) for c in names.channels]
        self.compares = np.array([x.compares for x in links])

    def learn_supply(self, s: np.ndarray, place: np.ndarray, quantity: np.ndarray) -> np.ndarray:
        """Post what came; return the SKUs it touches."""
        np.add.at(self.ledger, (s, place), quantity)
        return s

    def learn_sales(self, sales: Sales, step: np.ndarray, since: datetime) -> np.ndarray:
        """Post orders, each of its step, taken from where they ship; return their SKUs."""
        if self.decide.learns:
            us = step * (self.play.step // timedelta(microseconds=1))
            at_time = pl.Series(us).cast(pl.Duration("us")) + since
            self.decide.learn(self._frame(sales.s, sales.c, at=at_time, units=sales.quantity))
        np.subtract.at(self.ledger, sales.s, sales.taken)
        at = (sales.s, sales.c)
        newer = step >= self.base_step[at]
        np.add.at(self.sold_since, at, np.where(newer, sales.quantity, 0))
        np.subtract.at(self.unseen, at, np.where(newer, 0, sales.quantity))
        np.clip(self.unseen, 0, None, out=self.unseen)
        return sales.s

    def settle(self, now: datetime) -> None:
        """Decide all levels, and take them as shown: the state a period begins in."""
        self.redecide(self.every_sku, now, np.zeros(len(self.channels)))
        self.base[:] = self.held[:] = self.desired

    def redecide(self, s: np.ndarray, now: datetime, silent: np.ndarray) -> None:
        """Compute the desired levels of some SKUs anew, or of all where sharing changed.

        `silent` is for how many steps nothing was heard of each channel that is out of reach.
        """
        quiet = np.flatnonzero(silent)
        named = {self.names.channels[c]: int(silent[c]) * self.play.step for c in quiet}
        if self.decide.renew(now, named):
            s = self.every_sku
            self.levels.share_by(self.decide.sharing_at(now))
        elif self.quotas:
            self.levels.share_by(self.decide.sharing_at(now))
        if s.size:
            unreached = np.where(silent > 0, self._may_show()[s].clip(0), 0)
            self.desired[s] = self.levels.of(s, self.ledger[s], self.unseen[s], unreached)

    def forget_unseen(self, step: int, patience: int) -> np.ndarray:
        """Give up waiting for orders that explain a level; return the SKUs it touches."""
        old = (self.unseen > 0) & (step - self.unseen_step > patience)
        self.unseen[old] = 0
        return np.nonzero(old.any(axis=1))[0]

    def falling(self) -> Flight:
        """Return the levels to send that raise nothing beyond what may be shown.

        Publishing is stricter by one rule: here no level within that waits for others.
        """
        s, c = np.nonzero(self._due() & (self.desired <= self._may_show()))
        return self._sent(s, c, self.desired[s, c])

    def rising(self) -> Flight:
        """Return the levels to raise, as far as no other channel may still show the units."""
        due = self._due() & (self.desired > self._may_show())
        if not due.any():
            return self._sent(*np.nonzero(due), np.zeros(0, np.int64))
        if not self.play.raise_after_ack:
            s, c = np.nonzero(due)
            return self._sent(s, c, self.desired[s, c])
        allowed = granted(self.desired, self._may_show(), self.pooled)
        s, c = np.nonzero(due & (allowed > self._may_show()))
        return self._sent(s, c, allowed[s, c])

    def answered(self, flight: Flight, seen: np.ndarray, taken: np.ndarray, step: int) -> None:
        """Take receipts and what was read back; `seen` is -1 where nothing was."""
        at = (flight.s, flight.c)
        self.flying[at] = False
        differs = taken & (seen >= 0) & (seen != flight.level)
        accepted = taken & ~differs
        self.held[at] = held_after(self.held[at], flight.level, seen, accepted)
        self.retry[at] = ~accepted
        expected = self.base[at] - self.sold_since[at]
        fewer = np.where(~accepted & (seen >= 0), expected - seen, 0).clip(0)
        self.unseen[at] += fewer
        self.unseen_step[at] = np.where(fewer > 0, step, self.unseen_step[at])
        known = accepted | (seen >= 0)
        self.base[at] = np.where(accepted, flight.level, np.where(seen >= 0, seen, self.base[at]))
        self.base_step[at] = np.where(known, step, self.base_step[at])
        self.sold_since[at] = np.where(known, 0, self.sold_since[at])

    def _due(self) -> np.ndarray:
        return ~self.flying & (self.retry | (self.base - self.sold_since != self.desired))

    def _may_show(self) -> np.ndarray:
        return self.held - self.sold_since

    def _sent(self, s: np.ndarray, c: np.ndarray, level: np.ndarray) -> Flight:
        """Note levels as about to be sent: from now on they may be shown."""
        at = (s, c)
        self.held[at] = np.maximum(self.held[at], level)
        self.flying[at] = True
        expected = self.base[at] - self.sold_since[at]
        none = np.zeros(s.size, bool)
        return Flight(s, c, level, expected, none, none)

    def _frame(
        self, s: np.ndarray, c: np.ndarray, **columns: np.ndarray | pl.Series
    ) -> pl.DataFrame:
        channels = pl.Series(self.names.channels, dtype=pl.String)
        return pl.DataFrame(
            {"channel_id": channels.gather(c), "sku": self.names.skus.gather(s), **columns}
        )


def held_after(
    held: np.ndarray, level: np.ndarray, seen: np.ndarray, accepted: np.ndarray
) -> np.ndarray:
    """Return the most that listings may show after their receipts; `seen` is -1 where unknown.

    What `receipts.received` says of levels that were accepted or are to be sent again, row
    by row; as arrays, for it runs at each step of a simulation (a test holds them equal).
    """
    most = np.maximum(level, seen)
    return np.where(accepted & (seen <= level), level, np.maximum(held, most))


def deliver(flight: Flight, floor: Floor, compares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Let levels arrive; return what is read back (-1: nothing) and which were taken."""
    shown = floor.shown[flight.s, flight.c]
    taken = ~compares[flight.c] | (shown == flight.expected)
    applied = taken & ~flight.dropped
    floor.shown[flight.s, flight.c] = np.where(applied, flight.level, shown)
    seen = np.where(flight.unanswered, -1, floor.shown[flight.s, flight.c])
    return seen, taken & ~flight.unanswered
