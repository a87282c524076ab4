"""What orders hold: parts that were planned and stand in no dispatch file yet.

A plan may change them, and pays `routing.replan.price` for each part that gives up anything: that
has less of any SKU than it had. To give a part more, or to give the order another part besides,
is no change. What an order has at one location is one part here.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from oms_pipelines.routing.costs import cents
from oms_pipelines.routing.model import Inputs

if TYPE_CHECKING:
    from oms_pipelines.routing.candidates import Problem


@dataclass(frozen=True)
class Held:
    """k parts that orders hold, by order and location, and their h claims, by part."""

    price: int  # ten-thousandths a part; at least one, so that nothing changes for nothing
    paid: int  # the same, as it is declared
    order: np.ndarray  # k, ascending
    location: np.ndarray  # k
    part: np.ndarray  # h, ascending: positions in k
    thing: np.ndarray  # h: items, or units of `Demands`
    amount: np.ndarray  # h: SKU units, or multiples

    def of(self, orders: np.ndarray, things: np.ndarray) -> "Held":
        """Return what some orders and their things (ascending) hold, numbered among these."""
        mine = np.isin(self.order, orders)
        claim = mine[self.part]
        return replace(
            self, order=np.searchsorted(orders, self.order[mine]), location=self.location[mine],
            part=(np.cumsum(mine) - 1)[self.part[claim]],
            thing=np.searchsorted(things, self.thing[claim]), amount=self.amount[claim],
        )  # fmt: skip

    def parts(self, n: int) -> np.ndarray:
        """Return how many parts each order (n) holds."""
        return np.bincount(self.order, minlength=n)

    def there(self, n: int, count: int) -> np.ndarray:
        """Tell what each order holds a part of: n x locations."""
        found = np.zeros((n, count), dtype=bool)
        found[self.order, self.location] = True
        return found

    def change(self, n: int, count: int) -> np.ndarray:
        """Return n x locations: what an order pays that ships from there alone."""
        return self.price * (self.parts(n)[:, None] - self.there(n, count))

    def lost(
        self, orders: np.ndarray, column: np.ndarray, thing: np.ndarray, location: np.ndarray,
        amount: np.ndarray,
    ) -> np.ndarray:  # fmt: skip
        """Return how many parts each column (c, the order of each in `orders`) gives something up
        of.

        Claims: amounts of things from locations, by column; each stands once.
        """
        owners = self.order[self.part]
        low, high = (np.searchsorted(owners, orders, side) for side in ("left", "right"))
        sizes = high - low
        row = np.repeat(np.arange(len(orders)), sizes)
        which = np.repeat(low - (np.cumsum(sizes) - sizes), sizes) + np.arange(sizes.sum())
        part = self.part[which]
        most = 1 + max(int(x.max(initial=0)) for x in (thing, self.thing))
        wide = 1 + max(int(x.max(initial=0)) for x in (location, self.location))
        asked = (row * most + self.thing[which]) * wide + self.location[part]
        has = (column * most + thing) * wide + location
        by = np.argsort(has, kind="stable")
        at = np.minimum(np.searchsorted(has[by], asked), max(len(by) - 1, 0))
        got = np.zeros(len(asked), dtype=np.int64)
        if by.size:
            got = np.where(has[by][at] == asked, amount[by][at], 0)
        short = got < self.amount[which]
        gone = np.unique(row[short] * max(len(self.order), 1) + part[short])
        return np.bincount(gone // max(len(self.order), 1), minlength=len(orders))

    def as_units(self, unit: np.ndarray, first: np.ndarray, step: np.ndarray) -> "Held":
        """Return it in multiples of units: the unit of each item, its first item, and steps."""
        lead = first[unit[self.thing]] == self.thing
        item = self.thing[lead]
        return replace(
            self, part=self.part[lead], thing=unit[item], amount=self.amount[lead] // step[item]
        )  # fmt: skip


def held_of(inputs: Inputs, problem: "Problem") -> Held | None:
    """Return what orders hold and could keep; None where that is nothing.

    What cannot be kept as it is (a rule closed the location, the stock is gone, fewer units are
    wanted) is not held: its change is not the plan's choice, and free.
    """
    if inputs.held.is_empty() or inputs.rules.replan is None:
        return None
    places = pl.DataFrame({"location_id": problem.location_ids})
    whole = pl.col("item", "turn").cast(pl.Int64)
    rows = (
        inputs.held.join(problem.orders.select("order_id", "turn"), on="order_id")
        .join(problem.lines.select(whole, "line_id", "sku"), on=["turn", "line_id", "sku"],
              how="left")
        .join(places.with_columns(location=pl.int_range(pl.len())), on="location_id", how="left")
        .group_by("turn", "location", "item").agg(pl.col("quantity").sum())
        .sort("turn", "location", "item")
    )  # fmt: skip
    rows = _fit(rows, problem)
    if rows.is_empty():
        return None
    order, location, item, units = (
        rows[c].to_numpy().astype(np.int64) for c in ("turn", "location", "item", "quantity")
    )
    key = order * len(places) + location
    _, first, part = np.unique(key, return_index=True, return_inverse=True)
    price = int(cents(inputs.rules.replan.price))
    return Held(max(price, 1), price, order[first], location[first], part, item, units)


def _fit(rows: pl.DataFrame, problem: "Problem") -> pl.DataFrame:
    """Return the rows of parts that could be kept as they are."""
    part, unit = ["turn", "location"], ["turn", "location", "unit"]
    nowhere = pl.any_horizontal(pl.col("item", "location").is_null()).any().over(part)
    rows = rows.filter(~nowhere)
    turn, location, item, units = (
        rows[c].to_numpy() for c in ("turn", "location", "item", "quantity")
    )
    size = np.bincount(problem.unit)
    count = max(len(problem.location_ids), 1)
    refused = np.isin(item * count + location, problem.refused @ np.array([count, 1]))
    fits = (problem.failed[turn, location] == 0) & (problem.capacity[location] > 0) & ~refused
    fits &= problem.stock[problem.sku[item], location] >= units
    rows = rows.with_columns(
        fits=pl.Series(fits), unit=pl.Series(problem.unit[item]), step=problem.step[item],
        need=problem.need[item], size=size[problem.unit[item]],
    )  # fmt: skip
    times = pl.col("quantity") // pl.col("step")
    even = (pl.col("quantity") % pl.col("step") == 0) & (
        times.min().over(unit) == times.max().over(unit)
    )
    whole = pl.len().over(unit) == pl.col("size")
    enough = pl.col("quantity").sum().over("item") <= pl.col("need")
    return rows.filter((pl.col("fits") & even & whole & enough).all().over(part))
