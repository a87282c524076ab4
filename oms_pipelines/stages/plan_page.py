"""The page of a plan: where its parcels go on a map, by location, and why the rest waits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from oms_pipelines.hub import Hub
from oms_pipelines.report.drawing import colors, parcels
from oms_pipelines.report.map import NAMELESS, flow_map
from oms_pipelines.report.page import facts, paragraph, rest, section, sheet, write_page
from oms_pipelines.report.ribbons import ribbons
from oms_pipelines.routing import Plan
from oms_pipelines.routing.flows import Flows, flows
from oms_pipelines.routing.planned import (
    Planned,
    by_location,
    find_plan,
    read_planned,
    reasons,
    splits,
    why_not,
)
from oms_pipelines.routing.saved import is_plan, planned_at

FOLDER = Path("pages") / "plans"  # under `output`
AT_ONCE = 5_000  # lines of a plan whose page is drawn when it is made
_NOTHING = "Nothing was given to a location."


@dataclass(frozen=True)
class Drawn:
    """A page that was written, and its smaller picture."""

    path: Path
    picture: str


def draw_made(hub: Hub, made: Plan) -> Drawn | None:
    """Write the page of a plan just stored; None where it gave nothing, or is large.

    A page that fails leaves the plan as it is.
    """
    if not made.allocated_lines or made.lines > AT_ONCE:
        return None
    try:
        with hub.store.session(read_only=True) as session:
            head = find_plan(session, made.plan_id)
            if head is None:
                return None
            planned = read_planned(session, head, hub.output / "plans" / made.plan_id)
        return write_plan_page(planned, hub.output)
    except Exception as e:  # whatever it is: what was planned must be dispatched
        hub.said(f"the page of plan {made.plan_id} was not drawn ({type(e).__name__})")
        return None


def delete_plan_pages(output: Path, before: datetime) -> int:
    """Delete the pages of plans made before a time; return how many."""
    old = [x for x in (output / FOLDER).glob("*.html") if is_plan(x) and planned_at(x) < before]
    for file in old:
        file.unlink()
    return len(old)


def write_plan_page(planned: Planned, output: Path) -> Drawn:
    """Write the page of a plan under `output`; the inputs of the plan need not be kept."""
    head, table = planned.head, by_location(planned)
    names = table["location"].drop_nulls().to_list()[:-1]
    hues = colors(names)
    flow = _ribbons(planned, hues)
    sections = [
        section("The plan", *map(paragraph, _notes(planned)), facts(_head(planned))),
        section("Where parcels go", *_map(planned, hues)),
        section("From channels by locations to countries", flow or _none(_NOTHING)),
        section("By location", sheet(_filled(table), _NOTHING)),
        section("Split orders", sheet(_filled(splits(planned.parts)), _NOTHING)),
        section("What waits", *_waits(planned)),
        section("Why not: orders by location and first failed test", paragraph(_TESTED),
                sheet(why_not(planned.verdicts), "No location was looked at.")),
        section("Who took what others wanted", paragraph(_LOST),
                sheet(planned.lost, "No order lost anything to a certain other."),
                rest(planned.more_lost, "see lost_to in the table decisions")),
    ]  # fmt: skip
    file = output / FOLDER / f"{head['plan_id']}.html"
    write_page(file, f"Plan {head['plan_id']}", head["planned_at"], sections)
    return Drawn(file, flow)


_TESTED = (
    "Each order is held against each location. Chosen: it ships some of the order. Possible: it "
    "might have. Otherwise the first test that it failed."
)
_LOST = (
    "Named where it is certain that the order would get more, or pay less, without the other; "
    "`oms route explain ORDER` plans again without those that may have won."
)


def _filled(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a table without the columns that nothing fills."""
    return frame.select(c for c in frame.columns if frame[c].null_count() < len(frame))


def _none(words: str) -> str:
    return sheet(pl.DataFrame(), words)


def _head(planned: Planned) -> list[tuple[str, object]]:
    """Return the plan's row, in words."""
    head, day = planned.head, f"{planned.head['planned_at']:%Y-%m-%d}"
    replays = planned.missing is None and not planned.erased
    gap = head["gap"]
    return [
        ("plan", head["plan_id"]),
        ("planned at", f"{head['planned_at']:%Y-%m-%d %H:%M:%S} UTC"),
        ("rules", f"{head['rules_version']} (oms route rules {head['rules_version']})"),
        ("orders looked at", planned.orders),
        ("orders given", planned.parts["order_id"].n_unique()),
        ("parcels", len(planned.parts)),
        ("lines", head["lines"]),
        ("allocated lines", head["allocated_lines"]),
        ("unfilled lines", head["unfilled_lines"]),
        ("cost", head["cost"] and round(head["cost"], 2)),
        ("bound", head["bound"] and f"{head['bound']:,.2f}: no plan that fills as much costs less"),
        ("gap", None if gap is None else f"{100 * gap:.2f} %"),
        ("replayable", f"yes: oms replay --from {day} --to {day} --check" if replays else "no"),
    ]


def _notes(planned: Planned) -> list[str]:
    """Return what of the page is not there, and why."""
    if planned.missing is not None:
        return [
            f"{planned.missing} (`retention.plans`): where parcels go, costs by location, "
            "capacity, why lines wait, and parts left as they were (`routing.replan`) cannot be "
            "told any more. All else is from the store."
        ]
    if planned.erased:
        return [
            "Somebody was erased from the inputs of this plan since. Their destination is "
            "unknown here, and what depends on it (costs by location, why lines wait) may differ "
            "from the plan that was made; the numbers of this section are its own. Parts that it "
            "left as they were (`routing.replan`) are missing."
        ]
    return []


def _map(planned: Planned, hues: dict[str, str]) -> list[str]:
    """Return the map, and in words what it does not show."""
    if planned.places is None or planned.land is None:
        return [_none("The positions went with the inputs; the flows below need none.")]
    found = flows(planned.parts, planned.places, planned.land)
    by = planned.parts.group_by("location_id").agg(pl.len().cast(pl.Int64).alias("parcels"))
    places = planned.places.join(by, on="location_id", how="left").select(
        "location_id", "latitude", "longitude", pl.col("parcels").fill_null(0)
    )
    blank = places.filter(pl.any_horizontal(pl.col("latitude", "longitude").is_null()))
    placed = places.drop_nulls().sort("parcels", "location_id", descending=[True, False])
    frame = _near(placed, found.arcs)
    far = placed.join(frame, on="location_id", how="anti").filter(pl.col("parcels") > 0)
    left = {"without a known position": blank, "outside of the map": far}
    words = paragraph(_beside(found, {k: x["location_id"].to_list() for k, x in left.items()}))
    if found.arcs.is_empty():
        return [_none("No parcel has a way to draw."), words]
    told = _told(found)
    title = f"Map of plan {planned.head['plan_id']}"
    return [flow_map(found.arcs, frame, planned.land, hues, title, told), paragraph(told), words]


def _near(placed: pl.DataFrame, arcs: pl.DataFrame) -> pl.DataFrame:
    """Return the locations that arcs leave from, and others in the frame of these."""
    if arcs.is_empty():
        return placed
    inside = [
        pl.col(c).is_between(
            min(arcs[c].min(), arcs[f"from_{c}"].min()),  # ty: ignore
            max(arcs[c].max(), arcs[f"from_{c}"].max()),  # ty: ignore
        )
        for c in ("latitude", "longitude")
    ]
    return placed.filter(pl.all_horizontal(inside))


def _told(found: Flows) -> str:
    """Return in words what the map shows."""
    count, top = int(found.arcs["parcels"].sum()), found.arcs.row(0, named=True)
    return (
        f"{parcels(count)} by {len(found.arcs)} lines from locations (squares) to areas of "
        f"{found.cell:g} degrees (dots); a line is as wide as its parcels, the widest is "
        f"{top['location_id']} to {top['area'] or NAMELESS} with {top['parcels']:,}. "
        "Gray dots are known postal areas."
    )


def _beside(found: Flows, places: Mapping[str, Sequence[str]]) -> str:
    """Return in words what the map leaves out."""
    left = [
        (found.collected, "collected by the customer"),
        (found.nowhere, "to a destination whose position is unknown"),
        (found.unplaced, "from a location whose position is unknown"),
        (found.beyond, "from or to a place far from all others"),
        (found.small, "by smaller flows than those drawn"),
    ]
    words = [f"{parcels(n)} {why}" for n, why in left if n]
    every = "All parcels are drawn." if found.arcs.height else ""
    told = f"Not drawn: {'; '.join(words)}." if words else every
    more = [f" Locations {why}: {', '.join(some)}." for why, some in places.items() if some]
    return (told + "".join(more)).strip()


def _ribbons(planned: Planned, hues: dict[str, str]) -> str:
    """Return the picture of channels, locations and countries; empty where nothing was given."""
    if planned.parts.is_empty():
        return ""
    frame = planned.parts.select(channel="channel_id", location="location_id", country="country")
    by = frame.group_by(pl.all()).agg(pl.len().cast(pl.Int64).alias("parcels"))
    title = f"Flows of plan {planned.head['plan_id']}"
    told = f"{parcels(len(planned.parts))} from channels by locations to countries"
    return ribbons(by, frame.columns, hues, title, told)


def _waits(planned: Planned) -> list[str]:
    """Return why lines wait, or that nobody can tell any more."""
    if planned.waits is None:
        lines = planned.head["unfilled_lines"]
        return [paragraph(f"Unfilled lines: {lines:,}; the reasons went with the inputs.")]
    return [sheet(reasons(planned.waits), "Nothing waits: every line was given to a location.")]
