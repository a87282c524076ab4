"""The other side of a simulation: shelves and shops as they truly are, and what they sold.

A shop sells what it shows and takes it off itself; it knows nothing of shelves.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from oms_pipelines.stock.trace import Names

COUNTS = ("wanted", "sold", "lost_hidden", "lost_out", "oversold", "stranded")
CYCLES = ("cycles", "at_risk", "hits", "other_hits", "away", "away_hits")


@dataclass(frozen=True)
class Sales:
    """What was sold in one step: rows of SKU, channel, units, and units by location."""

    s: np.ndarray
    c: np.ndarray
    quantity: np.ndarray
    known: np.ndarray
    taken: np.ndarray


def joined(parts: list[Sales]) -> Sales:
    """Return the sales of several steps together."""
    names = Sales.__dataclass_fields__
    return Sales(*(np.concatenate([getattr(p, x) for p in parts]) for x in names))


class Floor:
    """Shelves (SKUs by locations) and shown levels (SKUs by channels).

    `may` tells which channel (row) sells from which location, `own` which has units of its own.
    """

    def __init__(
        self, names: Names, may: np.ndarray, own: np.ndarray, shelves: np.ndarray, tight: int
    ):
        self.names, self.may, self.own, self.tight = names, may, own, tight
        self.shelves = shelves.copy()
        shape = (len(names.skus), len(names.channels))
        self.shown = np.zeros(shape, np.int64)
        self.counts = {name: np.zeros(shape, np.int64) for name in COUNTS}
        self._missed = np.zeros(shape, np.int64)  # since the SKU's last supply
        self._showing = np.zeros(shape[1])
        self._looks = 0
        self._hit = np.zeros(shape[0], bool)
        self._risky = np.zeros(shape[0], bool)
        self._away = False
        self._cycles = {name: np.zeros(shape[0], np.int64) for name in CYCLES}
        # a unit goes out where the fewest channels may sell, then in the declared order
        self._way = np.argsort(may.sum(axis=0), kind="stable")

    def supply(self, s: np.ndarray, place: np.ndarray, quantity: np.ndarray) -> None:
        """Put units on shelves, or take lost ones off; a shelf holds no less than nothing."""
        self._close(np.unique(s))
        np.add.at(self.shelves, (s, place), quantity)
        np.clip(self.shelves, 0, None, out=self.shelves)

    def sell(
        self, s: np.ndarray, c: np.ndarray, quantity: np.ndarray, known: np.ndarray
    ) -> Sales | None:
        """Sell the events of a step in their order: each whole, or not at all."""
        parts = [self._round(x, s, c, quantity) for x in _rounds(s)]
        sold = [(at, taken) for at, taken in parts if at.size]
        if not sold:
            return None
        at = np.concatenate([x[0] for x in sold])
        return Sales(s[at], c[at], quantity[at], known[at], np.concatenate([x[1] for x in sold]))

    def _round(
        self, at: np.ndarray, s: np.ndarray, c: np.ndarray, quantity: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Sell events of different SKUs; return which were sold, and from where."""
        rows, shops, wanted = s[at], c[at], quantity[at]
        there = np.where(self.may[shops], self.shelves[rows], 0).sum(axis=1)
        ok = self.shown[rows, shops] >= wanted
        self.counts["wanted"][rows, shops] += wanted
        hidden = np.where(ok, 0, np.minimum(wanted, there))
        self.counts["lost_hidden"][rows, shops] += hidden
        self.counts["lost_out"][rows, shops] += np.where(ok, 0, wanted) - hidden
        self._missed[rows, shops] += hidden
        at, rows, shops, left = at[ok], rows[ok], shops[ok], wanted[ok]
        self.counts["sold"][rows, shops] += left
        self.shown[rows, shops] -= left
        taken = np.zeros((at.size, self.shelves.shape[1]), np.int64)
        for place in self._way:
            taken[:, place] = np.where(
                self.may[shops, place], np.minimum(self.shelves[rows, place], left), 0
            )
            left = left - taken[:, place]
        self.shelves[rows] -= taken
        self.counts["oversold"][rows, shops] += left
        self._hit[rows[left > 0]] = True
        return at, taken

    def _close(self, rows: np.ndarray) -> None:
        """Count units that escrow set aside and did not sell while another lost sales."""
        missed = self._missed[rows]
        elsewhere = missed.sum(axis=1, keepdims=True) - missed
        self.counts["stranded"][rows] += self.own * np.minimum(self.shown[rows], elsewhere)
        self._missed[rows] = 0

    def look(self) -> None:
        """Note what is shown now, for the average."""
        self._showing += self.shown.sum(axis=0)
        self._looks += 1

    def begin_cycle(self, away: bool) -> None:
        """End a lag cycle of every SKU and begin the next.

        A cycle is at risk when its SKU is shown somewhere and few units are left; `away` tells
        whether a channel is out of reach in it, or was in the one before.
        """
        hits = self._hit & self._risky
        self._cycles["hits"] += hits
        self._cycles["away_hits"] += hits & self._away
        self._cycles["other_hits"] += self._hit & ~self._risky
        self._hit[:] = False
        shown = self.shown.max(axis=1, initial=0) > 0
        self._risky = shown & (self.shelves.sum(axis=1) <= self.tight)
        self._away = away
        self._cycles["cycles"] += shown
        self._cycles["at_risk"] += self._risky
        self._cycles["away"] += self._risky & away

    def cycles(self) -> pl.DataFrame:
        """Return (sku, cycles, at_risk, hits, other_hits, away, away_hits)."""
        return pl.DataFrame({"sku": self.names.skus, **self._cycles})

    def result(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return counts by (channel_id, sku), and (channel_id, shown): units on average."""
        self._close(np.arange(len(self.names.skus)))
        s, c = (x.ravel() for x in np.indices(self.shown.shape))
        by_sku = pl.DataFrame(
            {
                "channel_id": pl.Series(self.names.channels, dtype=pl.String).gather(c),
                "sku": self.names.skus.gather(s),
                **{name: counted.ravel() for name, counted in self.counts.items()},
            }
        )
        average = self._showing / max(self._looks, 1)
        return by_sku, pl.DataFrame({"channel_id": self.names.channels, "shown": average})


def _rounds(s: np.ndarray) -> list[np.ndarray]:
    """Part events in rounds: the first of every SKU, the second, and so on."""
    order = np.argsort(s, kind="stable")
    sorted_s = s[order]
    begins = np.r_[True, sorted_s[1:] != sorted_s[:-1]]
    nth = np.arange(s.size) - np.maximum.accumulate(np.where(begins, np.arange(s.size), 0))
    return [order[nth == n] for n in range(int(nth.max(initial=-1)) + 1)]
