"""What a back-test replays: saved inputs in their order, and what became of each plan.

A plan that gave nothing to anybody, for the reasons of the one before, was not saved
(`store_plan`): it is no tick here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import polars as pl

from oms_pipelines.routing.model import TIME
from oms_pipelines.routing.saved import planned_at
from oms_pipelines.store.base import Session

KEY = ["order_id", "line_id", "sku"]
SHELF = ["location_id", "sku"]
GIVEN = pl.Schema(
    {
        "plan_id": pl.String,
        "planned_at": TIME,
        "order_id": pl.String,
        "line_id": pl.String,
        "sku": pl.String,
        "location_id": pl.String,
        "ship_by": TIME,
        "quantity": pl.Int64,
    }
)
BACK = pl.Schema(
    {
        "known_at": TIME,
        "order_id": pl.String,
        "line_id": pl.String,
        "sku": pl.String,
        "location_id": pl.String,
        "quantity": pl.Int64,
    }
)
SEEN = {"first": pl.Int64, "last": pl.Int64}
_MANY = 2_000_000  # rows of lines that are held at once
MOVES = pl.Schema(
    {"known_at": TIME, "location_id": pl.String, "sku": pl.String, "quantity": pl.Int64}
)


def _none(schema: pl.Schema) -> pl.DataFrame:
    return pl.DataFrame(schema=schema)


@dataclass(frozen=True)
class History:
    """Plans that were made, and facts that no plan decided.

    `ticks` are folders of saved inputs, oldest first. `given` is what plans gave to locations
    (GIVEN), `back` what of it was refused, not found or canceled, by when that was known
    (BACK), `moves` what else came to or left the shelves (MOVES). `hashes` are the plan hashes
    that were stored; a plan that is not among them is taken to be what its inputs give. `strays`
    are names of saved inputs whose plan was never stored.
    """

    ticks: Sequence[Path]
    given: pl.DataFrame = field(default_factory=lambda: _none(GIVEN))
    back: pl.DataFrame = field(default_factory=lambda: _none(BACK))
    moves: pl.DataFrame = field(default_factory=lambda: _none(MOVES))
    hashes: dict[str, str] = field(default_factory=dict)
    strays: Sequence[str] = ()


def read_history(session: Session, ticks: Sequence[Path]) -> History:
    """Return the history of saved plans as the store has it."""
    if not ticks:
        return History(ticks)
    # a folder's name tells the second; the plan itself may be later within it
    period = {"since": planned_at(ticks[0]), "until": _end_of(planned_at(ticks[-1]))}
    plans = session.query("routing/planned_between", **period)
    hashes = dict(plans.select("plan_id", "plan_hash").iter_rows())
    # a store that knows none of them is another one: then all are taken as they are
    strays = [x.name for x in ticks if hashes and x.name not in hashes]
    return History(
        [x for x in ticks if x.name not in strays],
        session.query("routing/given_between", **period).cast(GIVEN),
        session.query("routing/given_back", **period).cast(BACK),
        session.query("routing/shelf_moves", **period).cast(MOVES),
        hashes,
        strays,
    )


def _end_of(second: datetime) -> datetime:
    return second.replace(microsecond=999_999)


def seen_lines(ticks: Sequence[Path]) -> pl.DataFrame:
    """Return the lines of saved inputs: KEY, first, last (numbers of ticks).

    A folder that cannot be read has none.
    """
    found = [pl.DataFrame(schema=dict.fromkeys(KEY, pl.String) | SEEN)]
    for tick, folder in enumerate(ticks):
        found += _keys(folder, tick)
        if sum(map(len, found)) > _MANY:
            found = [_known(found)]
    return _known(found)


def _known(found: Sequence[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(found).group_by(KEY).agg(pl.col("first").min(), pl.col("last").max())


def _keys(folder: Path, tick: int) -> list[pl.DataFrame]:
    try:
        keys = pl.read_parquet(folder / "lines.parquet", columns=KEY)
    except (OSError, pl.exceptions.PolarsError):
        return []
    number = pl.lit(tick, pl.Int64)
    return [keys.select(*KEY, number.alias("first"), number.alias("last"))]
