"""Other rules on the past: each plan made again, on the stock that these rules would have left.

The live arm replays the rules that were live when each plan was made. It meets history's own
inputs as long as it gives what history gave, and so makes history's own plans.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from oms_pipelines.errors import Malformed, Rejected
from oms_pipelines.routing.counterfactual import (
    AT,
    GAVE,
    Arm,
    Given,
    Moment,
    Turn,
    folded,
    is_over,
    planned,
    shelf_of,
    turn,
)
from oms_pipelines.routing.history import KEY, SHELF, History, seen_lines
from oms_pipelines.routing.inputs import load_inputs
from oms_pipelines.routing.measure import measured
from oms_pipelines.routing.model import SCHEMAS, STOCK, Inputs, Plan
from oms_pipelines.routing.rule_sets import LIVE, RuleSet, under
from oms_pipelines.routing.saved import was_erased
from oms_pipelines.routing.solve import plan

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
SAME, ERASED, DIFFERS, UNREADABLE = "same", "erased", "differs", "unreadable"


@dataclass(frozen=True)
class Outcome:
    """What a back-test found.

    `days`: settings, day, and the sums of that day (see `_told`); waiting, new_waiting and late
    are as the day ended. `load`: settings, day, location_id, parcels, units. `plans`: plan,
    again (whether the live arm made it: same, erased, differs, unreadable). `short`: by
    settings, the most units that were given and never there, at any time.
    """

    days: pl.DataFrame
    load: pl.DataFrame
    plans: pl.DataFrame
    short: dict[str, int]
    notes: list[str]


@dataclass
class _Run:
    """The state of a back-test between ticks."""

    history: History
    sets: Sequence[RuleSet | None]  # None is the live one
    seen: pl.DataFrame
    arms: list[Arm]
    past: Given
    back: pl.DataFrame
    shelf: pl.DataFrame
    others: pl.DataFrame  # given by plans that are no ticks, or whose inputs cannot be read
    gave: dict[str, pl.DataFrame]  # by plan
    upto: datetime = BEGINNING
    today: int = 0  # the day's first tick
    told: list[dict] = field(default_factory=list)
    load: list[pl.DataFrame] = field(default_factory=list)
    plans: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    counted: dict[str, pl.DataFrame] = field(default_factory=dict)  # orders (order_id), by arm


def backtest(
    history: History, sets: Sequence[RuleSet], said: Callable[[str], None] = lambda _: None
) -> Outcome:
    """Replay a history under the rules that were live, and under each of some sets.

    Raises Malformed where none of its inputs can be read, and Rejected where what was planned did
    not stand (`routing.replan`): what each tick may change hangs on when files left, which no
    other rules would have left alike.
    """
    run = _begun(history, sets)
    run.notes += [note for rules in sets for note in rules.notes]
    for number, folder in enumerate(history.ticks):
        said(f"plan {number + 1} of {len(history.ticks)}, {folder.name}")
        try:
            inputs = load_inputs(folder)
        except Malformed as e:
            run.plans.append((folder.name, UNREADABLE))
            run.others = pl.concat([run.others, _of_plan(run, folder.name)])
            run.notes.append(f"{e}; what that plan gave is taken as it was")
            continue
        _require_fixed(inputs, folder.name)
        _tick(run, number, folder, inputs)
    if not run.told:
        raise Malformed("no inputs of these plans can be read")
    return _outcome(run)


def _begun(history: History, sets: Sequence[RuleSet]) -> _Run:
    """Return a back-test before its first tick."""
    ticks = [x.name for x in history.ticks]
    begun = [
        f"{name}: the store knows no such plan, a run was ended before it was stored; left out"
        for name in history.strays
    ]
    return _Run(
        notes=begun,
        history=replace(
            history, back=history.back.sort("known_at"), moves=history.moves.sort("known_at")
        ),
        sets=[None, *sets],
        seen=seen_lines(history.ticks),
        arms=[Arm.begin() for _ in (None, *sets)],
        past=Given.none(),
        back=pl.DataFrame(schema=GAVE),
        shelf=pl.DataFrame(schema=STOCK),
        others=history.given.filter(~pl.col("plan_id").is_in(ticks)),
        gave={
            str(key[0]): rows
            for key, rows in history.given.partition_by("plan_id", as_dict=True).items()
        },
    )


def _require_fixed(inputs: Inputs, plan_id: str) -> None:
    """Refuse what cannot be replayed. Raises Rejected with the cure."""
    if inputs.held.height:
        raise Rejected(
            f"{plan_id}: this plan changed or kept what earlier ones had planned "
            "(routing.replan), which a back-test cannot replay; name days without such plans "
            "by --from and --to"
        )


def _of_plan(run: _Run, name: str) -> pl.DataFrame:
    """Return what history gave by a plan that was stored."""
    return run.gave.get(name, run.history.given.clear())


def _tick(run: _Run, number: int, folder: Path, inputs: Inputs) -> None:
    begins = run.upto.date() != inputs.as_of.date()
    run.today = number if begins else run.today
    _hear(run, inputs.as_of)
    now = Moment(inputs, run.past, run.back, run.shelf, run.seen, number)
    turns = [turn(arm, now) for arm in run.arms]
    made = [_plan(t, rules) for t, rules in zip(turns, run.sets, strict=True)]
    run.plans.append((folder.name, _again(run.history, folder, made[0])))
    gave = _gave(run, folder.name, inputs, turns[0], made[0])
    run.arms = [planned(t, m.allocations) for t, m in zip(turns, made, strict=True)]
    for rules, t, m, arm in zip(run.sets, turns, made, run.arms, strict=True):
        _tell(run, rules.name if rules else LIVE, t, m, arm, number)
    run.past = run.past.more(gave)
    _keep_shelf(run, now, gave)
    if begins:
        _fold(run, number, inputs.as_of)


def _hear(run: _Run, now: datetime) -> None:
    """Take in what was known by now: taken back, moved, and given by plans without inputs."""
    back = _between(run.history.back, "known_at", run.upto, now)
    back = back.select(*AT, pl.col("quantity").alias("units"))
    run.back = pl.concat([run.back, back]).group_by(AT).agg(pl.col("units").sum())
    moved = _between(run.history.moves, "known_at", run.upto, now)
    moved = moved.join(run.shelf, on="sku", how="semi")
    moved = moved.select(*SHELF, pl.col("quantity").alias("available"))
    adopted = run.others.filter(pl.col("planned_at") <= now)
    run.shelf = _moved([run.shelf, moved, _taken(adopted, run.shelf)])
    if adopted.height:
        run.others = run.others.filter(pl.col("planned_at") > now)
        run.past = run.past.more(adopted)
        run.arms = [replace(a, given=a.given.more(adopted)) for a in run.arms]
    run.upto = now


def _between(rows: pl.DataFrame, when: str, since: datetime, until: datetime) -> pl.DataFrame:
    """Return the rows after one time, up to another; they are sorted by it."""
    low, high = (rows[when].search_sorted(x, side="right") for x in (since, until))
    return rows.slice(low, high - low)


def _plan(turn: Turn, rules: RuleSet | None) -> Plan:
    """Plan an arm's inputs by its rules; None are those saved with them."""
    return plan(turn.inputs if rules is None else under(turn.inputs, rules))


def _again(history: History, folder: Path, made: Plan) -> str:
    """Tell whether the live arm made the plan that was made."""
    stored = history.hashes.get(folder.name, made.plan_hash)
    if made.plan_id == folder.name and made.plan_hash == stored:
        return SAME
    return ERASED if was_erased(folder) else DIFFERS


def _gave(run: _Run, name: str, inputs: Inputs, live: Turn, made: Plan) -> pl.DataFrame:
    """Return what history gave at a tick: as stored, else what its inputs give."""
    if name in run.history.hashes:
        return _of_plan(run, name)
    same = all(getattr(live.inputs, kind).equals(getattr(inputs, kind)) for kind in SCHEMAS)
    return (made if same else plan(inputs)).allocations


def _tell(run: _Run, name: str, turn: Turn, made: Plan, arm: Arm, number: int) -> None:
    """Note what a plan of an arm gave, cost and left."""
    parts = measured(turn.inputs, made.allocations)
    day = turn.inputs.as_of.date()
    first = turn.inputs.lines.filter(pl.col("parts_used").fill_null(0) == 0)
    # one whose first part was refused whole has no part again
    known = run.counted.get(name, first.select("order_id").clear())
    counted = parts.join(first, on="order_id", how="semi").select("order_id").unique()
    counted = counted.join(known, on="order_id", how="anti")
    run.counted[name] = pl.concat([known, counted])
    fresh = run.seen.filter(pl.col("first") == number)
    begun = run.seen.filter(pl.col("first").is_between(run.today, number))
    late = pl.col("promised_at").dt.date() < day
    run.told.append(
        {
            "settings": name,
            "day": day,
            "orders": counted.height,
            "parcels": len(parts),
            "cost": parts["cost"].sum(),
            "km": parts["km"].sum(),
            "with_km": parts["km"].count(),
            "promised": parts["promised"].sum(),
            "kept": parts["kept"].sum(),
            "new": turn.lines.join(fresh, on=KEY, how="semi")["quantity"].sum(),
            "new_waiting": arm.left.join(begun, on=KEY, how="semi")["quantity"].sum(),
            "waiting": arm.left["quantity"].sum(),
            "late": arm.left.filter(late)["quantity"].sum(),
            "short": turn.short,
        }
    )
    by = parts.group_by("location_id").agg(pl.len().alias("parcels"), pl.col("units").sum())
    run.load.append(by.select(pl.lit(name).alias("settings"), pl.lit(day).alias("day"), pl.all()))


def _keep_shelf(run: _Run, now: Moment, gave: pl.DataFrame) -> None:
    """Keep history's stock of what an arm still has open and history may not tell of again."""
    open_ = pl.concat([a.left.select("sku") for a in run.arms]).unique()
    left = shelf_of(now.inputs, run.shelf).join(open_, on="sku", how="semi")
    run.shelf = _moved([left, _taken(gave, open_)])


def _taken(gave: pl.DataFrame, skus: pl.DataFrame) -> pl.DataFrame:
    """Return what was given of some SKUs as it moves the shelves."""
    some = gave.join(skus, on="sku", how="semi")
    return some.select(*SHELF, -pl.col("quantity").alias("available"))


def _moved(shelves: Sequence[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(shelves).group_by(SHELF).agg(pl.col("available").sum())


def _fold(run: _Run, number: int, now: datetime) -> None:
    """Let go of orders of which nothing more can come."""
    later = run.seen.filter(pl.col("last") > number).select("order_id")
    news = run.history.back.filter(pl.col("known_at") > now).select("order_id")
    given = [x.gave.select("order_id") for x in (run.past, *(a.given for a in run.arms))]
    ended = pl.concat(given).unique().join(pl.concat([later, news]), on="order_id", how="anti")
    over = is_over(now, run.arms, run.past, ended)
    if over.is_empty():
        return
    run.arms = [folded(a, run.past, run.back, over) for a in run.arms]
    run.past = run.past.without(over)
    run.back = run.back.join(over, on="order_id", how="anti")


def _outcome(run: _Run) -> Outcome:
    """Add up the ticks of each day."""
    ended = {"waiting", "new_waiting", "late"}
    told = pl.DataFrame(run.told, infer_schema_length=None)
    sums = [c for c in told.columns if c not in {"settings", "day", "short", *ended}]
    days = told.group_by("settings", "day", maintain_order=True).agg(
        pl.col(sums).sum(), pl.col(sorted(ended)).last(), pl.col("short").max()
    )
    load = (
        pl.concat(run.load)
        .group_by("settings", "day", "location_id")
        .agg(pl.col("parcels", "units").sum())
        .sort("settings", "day", "location_id")
    )
    short = dict(days.group_by("settings").agg(pl.col("short").max()).iter_rows())
    plans = pl.DataFrame(run.plans, {"plan": pl.String, "again": pl.String}, orient="row")
    return Outcome(days.drop("short"), load, plans, short, run.notes)
