"""A back-test of routing rules over the store's past, and its page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from oms_pipelines.config import Oms
from oms_pipelines.routing import saved_inputs
from oms_pipelines.routing.backtest import SAME, Outcome, backtest
from oms_pipelines.routing.history import History
from oms_pipelines.routing.intervals import summary
from oms_pipelines.routing.rule_sets import RuleSet
from oms_pipelines.routing.saved import planned_at

PAGE = "backtest.html"
CURVES = {  # a day: sums, one over the other
    "cost per order": ("cost", "orders"),
    "parcels per order": ("parcels", "orders"),
    "km per parcel": ("km", "with_km"),
    "units waiting": ("waiting", None),
}


@dataclass(frozen=True)
class Tested:
    """A back-test: its measures, load by location, whether the live arm made history's plans."""

    measures: pl.DataFrame
    load: pl.DataFrame
    outcome: Outcome
    since: datetime
    until: datetime

    @property
    def notes(self) -> list[str]:
        """Return what of it must be known to read it."""
        again = self.outcome.plans
        other = again.filter(pl.col("again") != SAME)
        told = [f"Under the live rules {again.height - other.height} of {again.height} plans are "
                "the plans that were made."]  # fmt: skip
        if other.height:
            kinds = other.group_by("again", maintain_order=True).len().rows()
            told.append(f"Of the others {', '.join(f'{n} {k}' for k, n in kinds)}: the live arm "
                        f"leaves history from {other['plan'][0]} on.")  # fmt: skip
        told += [
            f"{name} gave up to {units} units that were never there: they had been sent elsewhere "
            "when a count or a shop's sale took them."
            for name, units in self.outcome.short.items()
            if units
        ]
        return told + self.outcome.notes


def days_saved(oms: Oms, first: date | None, last: date | None) -> list[Path]:
    """Return the saved plans of some days (UTC), or of all that are kept."""
    found = saved_inputs(Path(oms.output) / "plans")
    return [
        x for x in found
        if (first is None or planned_at(x).date() >= first)
        and (last is None or planned_at(x).date() <= last)
    ]  # fmt: skip


def try_rules(
    history: History, sets: Sequence[RuleSet], said: Callable[[str], None] = lambda _: None
) -> Tested:
    """Back-test sets of rules beside the live ones."""
    outcome = backtest(history, sets, said)
    days = outcome.days["day"].n_unique()
    load = outcome.load.group_by("settings", "location_id").agg(
        (pl.col("parcels").sum() / days).round(2).alias("parcels_a_day"),
        (pl.col("units").sum() / days).round(2).alias("units_a_day"),
        pl.col("parcels").max().alias("most_on_a_day"),
    )
    return Tested(
        summary(outcome.days),
        load.sort("location_id", "settings"),
        outcome,
        planned_at(history.ticks[0]),
        planned_at(history.ticks[-1]),
    )


def write_backtest_page(tested: Tested, file: Path, caveat: str) -> None:
    """Write the page of a back-test: measures with intervals, days, load by location."""
    from oms_pipelines.report.charts import grouped, intervals, lines, picture
    from oms_pipelines.report.page import paragraph, section, sheet, write_page

    more = tested.measures.drop_nulls("more_low")
    days = _curves(tested.outcome.days)
    charts = [
        picture(lines(days.filter(pl.col("measure") == name), "day", "value", "settings", name))
        for name in CURVES
    ]
    beside = intervals(more, "more", "measure", "settings", "More than live, with 95 % intervals")
    load = grouped(tested.load, "location_id", "parcels_a_day", "settings", "Parcels a day")
    sections = [
        section("What was measured", paragraph(caveat), *map(paragraph, tested.notes)),
        section(
            "Beside the live rules",
            sheet(rounded(tested.measures), "Nothing was planned."),
            picture(beside) if more.height else "",
        ),
        section("By day", *charts),
        section(
            "Load by location",
            picture(load) if tested.load.height else "",
            sheet(tested.load, "Nothing was given to a location."),
        ),
    ]
    write_page(file, "Back-test of routing rules", tested.until, sections)


def rounded(measures: pl.DataFrame) -> pl.DataFrame:
    """Return measures as people read them."""
    return measures.with_columns(pl.col(pl.Float64).round(3))


def _curves(days: pl.DataFrame) -> pl.DataFrame:
    """Return measure, settings, day, value."""
    return pl.concat(
        days.select(
            pl.lit(name).alias("measure"),
            "settings",
            "day",
            (pl.col(over) / (1 if under is None else pl.col(under)))
            .cast(pl.Float64)
            .fill_nan(None)
            .alias("value"),
        )
        for name, (over, under) in CURVES.items()
    )


def as_data(tested: Tested) -> dict[str, Any]:
    """Return a back-test as plain data."""
    return {
        "measures": tested.measures.to_dicts(),
        "load": tested.load.to_dicts(),
        "plans": tested.outcome.plans.to_dicts(),
        "notes": tested.notes,
    }
