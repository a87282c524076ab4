"""Stock and orders as they would be under other decisions.

All differs from history by one thing: what locations were given. Where a set of rules gave a
line less than history did, more of it is open, and more stock lies where history took it from;
where it gave more, the reverse. What is no decision (counts, receipts, returns, sales over the
counter, new orders) is in history's own lines and stock, and so is in these. A refusal, a short
pick or a cancellation takes back what history gave to that place, and what the rules gave to
the same place of the same line.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from oms_pipelines.routing.calendar import Calendar, ship_by
from oms_pipelines.routing.history import KEY, SHELF
from oms_pipelines.routing.model import LINES, REFUSED, TIME, Inputs, conform

AT = [*KEY, "location_id"]
GAVE = {**dict.fromkeys(AT, pl.String), "units": pl.Int64}
PART = {"order_id": pl.String, "location_id": pl.String, "ship_by": TIME}
UNITS = {"location_id": pl.String, "sku": pl.String, "units": pl.Int64}


@dataclass(frozen=True)
class Given:
    """What locations were given: `gave` (GAVE) units of lines, `parts` (PART) of orders."""

    gave: pl.DataFrame
    parts: pl.DataFrame

    @classmethod
    def none(cls) -> "Given":
        return cls(pl.DataFrame(schema=GAVE), pl.DataFrame(schema=PART))

    def more(self, allocations: pl.DataFrame) -> "Given":
        """Return it with allocations (order_id, line_id, sku, location_id, ship_by, quantity)."""
        new = allocations.select(*AT, pl.col("quantity").alias("units"))
        parts = allocations.select(pl.col(c).cast(kind) for c, kind in PART.items())
        return Given(_summed([self.gave, new], AT), pl.concat([self.parts, parts]).unique())

    def standing(self, back: pl.DataFrame) -> "Given":
        """Return what stands of it when `back` (GAVE) was taken back."""
        left = self.gave.join(back, on=AT, how="left", suffix="_back").select(
            *AT, (pl.col("units") - pl.col("units_back").fill_null(0)).clip(0)
        )
        left = left.filter(pl.col("units") > 0)
        return Given(left, self.parts.join(left, on=["order_id", "location_id"], how="semi"))

    def without(self, orders: pl.DataFrame) -> "Given":
        """Return it without some orders (order_id)."""
        return Given(
            self.gave.join(orders, on="order_id", how="anti"),
            self.parts.join(orders, on="order_id", how="anti"),
        )


def _summed(frames: Sequence[pl.DataFrame], by: Sequence[str]) -> pl.DataFrame:
    found = pl.concat(frames).group_by(by).agg(pl.col("units").sum())
    return found.filter(pl.col("units") != 0)


def _less(one: pl.DataFrame, other: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Return units of one less those of the other, where they differ."""
    columns = [*by, "units"]
    return _summed([one.select(columns), other.select(*by, -pl.col("units"))], by)


@dataclass(frozen=True)
class Moment:
    """What history tells a tick: its inputs, and what stood given before them.

    `given` is all history gave, `back` (GAVE) what of it was taken back, `shelf` (location_id,
    sku, available) its stock of SKUs that its own lines do not name; `seen` (KEY, first, last)
    tells the first and the last tick that has a line, `number` is this one's.
    """

    inputs: Inputs
    given: Given
    back: pl.DataFrame
    shelf: pl.DataFrame
    seen: pl.DataFrame
    number: int

    @property
    def standing(self) -> Given:
        return self.given.standing(self.back)


@dataclass(frozen=True)
class Arm:
    """A set of rules in its own past: what it gave, what it left open, where stock differs.

    `cells` (UNITS) are units that history took more than this did of shelves, for orders that
    are over. `left` are its open lines, with `told`: parts history had given when it told of
    them. `refused` are refusals known of these.
    """

    given: Given
    cells: pl.DataFrame
    left: pl.DataFrame
    refused: pl.DataFrame

    @classmethod
    def begin(cls) -> "Arm":
        left = pl.DataFrame(schema={**LINES, "told": pl.Int64})
        none = pl.DataFrame(schema=UNITS), left, pl.DataFrame(schema=REFUSED)
        return cls(Given.none(), *none)


@dataclass(frozen=True)
class Turn:
    """What a set of rules plans at a tick: inputs, its lines with `told`, units it lacks.

    `short` are units that it gave and that were never there.
    """

    arm: Arm
    inputs: Inputs
    lines: pl.DataFrame
    short: int


def turn(arm: Arm, now: Moment) -> Turn:
    """Return the inputs of a tick as an arm meets them. Where it did as history, they are equal."""
    past = now.standing
    arm = _released(arm, now, past)
    mine = arm.given.standing(now.back)
    apart = _less(past.gave, mine.gave, AT)
    lines, refused = _lines(arm, now.inputs, past, apart)
    stock, short = _stock(arm, now, apart, lines)
    open_ = _with_parts(lines, mine)
    inputs = replace(
        now.inputs,
        lines=conform(open_, "lines"),
        refused=conform(refused, "refused"),
        stock=conform(stock, "stock"),
        locations=conform(_rooms(now.inputs, past, mine), "locations"),
    )
    return Turn(replace(arm, refused=refused), inputs, lines, short)


def planned(turn: Turn, allocations: pl.DataFrame) -> Arm:
    """Return the arm with what it gave at this tick."""
    taken = allocations.group_by(KEY).agg(pl.col("quantity").sum().alias("taken"))
    left = turn.lines.join(taken, on=KEY, how="left").with_columns(
        pl.col("quantity") - pl.col("taken").fill_null(0)
    )
    left = left.filter(pl.col("quantity") > 0).drop("taken")
    return replace(turn.arm, given=turn.arm.given.more(allocations), left=left)


def folded(arm: Arm, past: Given, back: pl.DataFrame, over: pl.DataFrame) -> Arm:
    """Return the arm without orders (order_id) that are over; the stock they moved stays moved."""
    ours = arm.given.standing(back).gave.join(over, on="order_id", how="semi")
    theirs = past.standing(back).gave.join(over, on="order_id", how="semi")
    cells = _summed([arm.cells, _less(theirs, ours, SHELF)], SHELF)
    return replace(arm, given=arm.given.without(over), cells=cells)


def _released(arm: Arm, now: Moment, past: Given) -> Arm:
    """Take back what an arm gave beyond what was wanted in the end: it was canceled since."""
    open_ = now.inputs.lines.select(*KEY, pl.col("quantity").alias("units"))
    wanted = _summed([open_, past.gave.select(*KEY, "units")], KEY)
    gave = arm.given.standing(now.back).gave
    excess = _less(gave, wanted, KEY).filter(pl.col("units") > 0)
    if excess.is_empty():
        return arm
    # a line that a later tick has again was held, not canceled
    gone = excess.join(now.seen, on=KEY).filter(pl.col("last") <= now.number)
    excess = gone.select(*KEY, "units")
    over = gave.join(excess.rename({"units": "excess"}), on=KEY).sort(AT)
    before = pl.col("units").cum_sum().over(KEY) - pl.col("units")
    freed = over.with_columns((pl.col("excess") - before).clip(0, pl.col("units")).alias("units"))
    left = _less(arm.given.gave, freed, AT)
    return replace(arm, given=replace(arm.given, gave=left))


def _lines(
    arm: Arm, inputs: Inputs, past: Given, apart: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return an arm's open lines, with `told`, and the refusals it knows of."""
    told = past.parts.group_by("order_id").agg(pl.len().cast(pl.Int64).alias("told"))
    ours = inputs.lines.join(told, on="order_id", how="left")
    kept = arm.left.join(inputs.lines, on=KEY, how="anti").with_columns(
        pl.lit(0, pl.Int64).alias("quantity")
    )
    every = pl.concat([ours.with_columns(pl.col("told").fill_null(0)), kept.select(*LINES, "told")])
    owed = apart.group_by(KEY).agg(pl.col("units").sum())
    lines = every.join(owed, on=KEY, how="left").with_columns(
        pl.col("quantity") + pl.col("units").fill_null(0)
    )
    lines = lines.filter(pl.col("quantity") > 0).drop("units").sort(KEY)
    old = arm.refused.join(kept, on="order_id", how="semi")
    return lines, pl.concat([inputs.refused, old]).unique()


def _with_parts(lines: pl.DataFrame, mine: Given) -> pl.DataFrame:
    """Return lines with the parts that their orders have by now."""
    given = mine.parts.group_by("order_id").agg(pl.len().cast(pl.Int64).alias("given"))
    more = pl.col("given").fill_null(0) - pl.col("told")
    used = pl.col("parts_used")
    return lines.join(given, on="order_id", how="left").with_columns(
        pl.when(more == 0)
        .then(used)
        .otherwise((used.fill_null(0) + more).clip(0))
        .alias(used.meta.output_name())
    )


def _stock(
    arm: Arm, now: Moment, apart: pl.DataFrame, lines: pl.DataFrame
) -> tuple[pl.DataFrame, int]:
    """Return an arm's stock, and the units below nothing."""
    inputs = now.inputs
    base = shelf_of(inputs, now.shelf.join(lines, on="sku", how="semi"))
    wanted = pl.concat([lines.select("sku"), base.select("sku")]).unique()
    moved = _summed([arm.cells, apart.select(*SHELF, "units")], SHELF)
    moved = moved.join(wanted, on="sku", how="semi")
    if moved.is_empty():
        return base, 0
    found = base.join(moved, on=SHELF, how="full", coalesce=True).with_columns(
        pl.when(pl.col("units").is_null())
        .then("available")
        .otherwise(pl.col("available").fill_null(0) + pl.col("units"))
        .alias("available")
    )
    short = -int(found["available"].clip(None, 0).sum())
    return found.with_columns(pl.col("available").clip(0)), short


def shelf_of(inputs: Inputs, shelf: pl.DataFrame) -> pl.DataFrame:
    """Return history's stock at a tick: what it read, and of other SKUs what is known."""
    read = pl.concat([inputs.lines.select("sku"), inputs.stock.select("sku")]).unique()
    other = shelf.join(read, on="sku", how="anti")
    return pl.concat([inputs.stock, other.select(inputs.stock.columns)])


def _rooms(inputs: Inputs, past: Given, mine: Given) -> pl.DataFrame:
    """Return the locations with the orders that their shipping day still takes of an arm."""
    days = pl.DataFrame(
        {
            "location_id": inputs.locations["location_id"],
            "ship_by": [
                ship_by(inputs.as_of, cut_off, Calendar.read(week, off))
                for cut_off, week, off in inputs.locations.select(
                    "cut_off", "working_days", "holidays"
                ).rows()
            ],
        },
        schema={c: PART[c] for c in ("location_id", "ship_by")},
    )
    one = pl.lit(1, pl.Int64).alias("units")
    by = ["location_id", "ship_by"]
    more = _less(past.parts.select(*by, one), mine.parts.select(*by, one), by)
    freed = more.join(days, on=by).select("location_id", "units")
    left = pl.col("capacity_left")
    return inputs.locations.join(freed, on="location_id", how="left").with_columns(
        pl.when(pl.col("units").is_null())
        .then(left)
        .otherwise((left + pl.col("units")).clip(0))
        .alias("capacity_left")
    )


def is_over(moment: datetime, arms: Sequence[Arm], past: Given, last: pl.DataFrame) -> pl.DataFrame:
    """Return the orders (order_id) of which nothing more can come, at a tick's end.

    `last` (order_id) are those of which history tells nothing more. What an arm still has to
    give is not over, nor what leaves after `moment`.
    """
    over = last.select("order_id").unique()
    for parts in (past.parts, *(a.given.parts for a in arms)):
        over = over.join(parts.filter(pl.col("ship_by") >= moment), on="order_id", how="anti")
    for arm in arms:
        over = over.join(arm.left, on="order_id", how="anti")
    return over
