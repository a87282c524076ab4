"""How sure a back-test is: measures with bootstrap intervals by day, held against the live ones.

Days are drawn anew with replacement, the same days for every set of rules (a paired
bootstrap: Efron and Tibshirani, An Introduction to the Bootstrap, 1993). Backlogs tie days
together, which drawing them one by one does not see: intervals of `units waiting` are narrow.
"""

from collections.abc import Mapping

import numpy as np
import polars as pl

from oms_pipelines.routing.rule_sets import LIVE

DRAWS = 2000
LEVEL = 0.95
# measure: sums over days, one over the other, times so much
MEASURES: Mapping[str, tuple[str, str, float]] = {
    "parcels per order": ("parcels", "orders", 1),
    "cost per order": ("cost", "orders", 1),
    "cost a day": ("cost", "days", 1),
    "km per parcel": ("km", "with_km", 1),
    "promise kept, %": ("kept", "promised", 100),
    "filled the same day, %": ("filled", "new", 100),
    "units waiting": ("waiting", "days", 1),
}
_COLUMNS = ("value", "low", "high", "more", "more_low", "more_high")


def summary(days: pl.DataFrame, seed: int = 0) -> pl.DataFrame:
    """Return a row a measure and set of rules: its value and interval, and how much more it is.

    `days` is that of an Outcome. Returns measure, settings, value, low, high; more, more_low,
    more_high (than live; null of live itself). Null where nothing was to measure, or where a
    single day tells of no spread.
    """
    names = days["settings"].unique(maintain_order=True).to_list()
    dates = days.select("day").unique().sort("day")
    sums = {name: _sums(days.filter(pl.col("settings") == name), dates) for name in names}
    count = len(dates)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(count, np.full(count, 1 / count), size=DRAWS).astype(np.float64)
    rows = []
    for measure, (over, under, times) in MEASURES.items():
        live = _ratio(sums[LIVE], over, under, times, drawn)
        for name in names:
            mine = _ratio(sums[name], over, under, times, drawn)
            more = (None, None, None) if name == LIVE else _spread(mine - live, count)
            rows.append((measure, name, *_spread(mine, count), *more))
    text = {"measure": pl.String, "settings": pl.String}
    return pl.DataFrame(rows, text | dict.fromkeys(_COLUMNS, pl.Float64), orient="row")


def _sums(days: pl.DataFrame, dates: pl.DataFrame) -> pl.DataFrame:
    """Return the sums of each day, in their order."""
    # what still waits past its promise at the end broke it
    last = pl.col("day") == dates["day"].max()
    return dates.join(days, on="day", how="left", maintain_order="left").with_columns(
        (pl.col("promised") + pl.when(last).then("late").otherwise(0)).alias("promised"),
        (pl.col("new") - pl.col("new_waiting")).alias("filled"),
        pl.lit(1).alias("days"),
    )


def _ratio(
    sums: pl.DataFrame, over: str, under: str, times: float, drawn: np.ndarray
) -> np.ndarray:
    """Return the measure of all days, then of each draw; nan where nothing is under."""
    every = np.vstack([np.ones(drawn.shape[1]), drawn])
    top, bottom = (
        every @ sums[c].fill_null(0).to_numpy().astype(np.float64) for c in (over, under)
    )
    return times * np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom != 0)


def _spread(found: np.ndarray, count: int) -> tuple[float | None, float | None, float | None]:
    """Return the value of all days and its interval."""
    value = None if np.isnan(found[0]) else float(found[0])
    rest = found[1:][~np.isnan(found[1:])]
    if value is None or count < 2 or not rest.size:
        return value, None, None
    low, high = np.quantile(rest, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return value, float(low), float(high)
