"""Commands that tell why an order ships from where it does, and what other rules would do."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml

from oms_pipelines import config
from oms_pipelines.cli.opened import one_of, reading, time_of
from oms_pipelines.cli.orders import find_order
from oms_pipelines.cli.route_page import page
from oms_pipelines.cli.show import Json, Limit, document, rows, tell, tell_more, waiting
from oms_pipelines.cli.voice import spoken
from oms_pipelines.errors import Malformed, Misconfigured
from oms_pipelines.store import Session
from oms_pipelines.store.frames import cut

if TYPE_CHECKING:
    import polars as pl

app = typer.Typer(no_args_is_help=True)
app.command()(page)
_HIDDEN = ("plan_id", "planned_at", "rule")
_GONE = ("stock taken", "capacity taken")
_AT_ONCE = 100  # lines of a plan that is planned anew without being asked
_HIDDEN_GIVEN = ("fo_id", "planned_at", "plan_id", "file_name")


@app.command()
def explain(
    order: str,
    again: Annotated[
        bool | None,
        typer.Option(
            "--again/--no-again",
            help="Plan anew without who may have won, and with one unit more. "
            f"By default where a plan has at most {_AT_ONCE} lines.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show where an order ships from and why: every location looked at, and what waits."""
    with reading() as session:
        head = find_order(session, order)
        order_id = head["order_id"]
        candidates = session.query("route/explain", order_id=order_id)
        given = session.query("route/given", order_id=order_id)
        lines = session.query("route/lines", order_id=order_id, looked=not candidates.is_empty())
    lost = bool(lines["waiting"].sum()) or candidates["failed_test"].is_in(_GONE).any()
    anew, why = _anew(candidates, order_id, again) if lost else ([], "It lacked nothing.")
    if as_json:
        document(
            {
                "order_id": order_id,
                "order_status": head["order_status"],
                "hold_reason": head["hold_reason"],
                "lines": lines.to_dicts(),
                "given": given.to_dicts(),
                "candidates": candidates.to_dicts(),
                "planned_again": anew,
            }
        )
        return
    rows(lines, False, f"{order_id}: what ships", "The order has no lines.")
    rows(given, False, "Given to", "No location was given any of it.", hide=_HIDDEN_GIVEN)
    if candidates.is_empty():
        tell("No plan has looked at this order.")
        return
    newest = candidates.row(0, named=True)
    title = (
        f"Locations looked at by rule {newest['rule'] or 'none'}, plan {newest['plan_id']} of "
        f"{newest['planned_at']:%Y-%m-%d %H:%M} UTC"
    )
    rows(candidates, False, title, "", hide=_HIDDEN)
    if anew or why:
        rows(anew, False, "Planned again, with one change at a time", why)


def _anew(
    candidates: "pl.DataFrame", order_id: str, again: bool | None
) -> tuple[list[dict[str, Any]], str]:
    """Return what would have changed the order's lot, and why that is not told where it is not."""
    if candidates.is_empty() or again is False:
        return [], ""
    from oms_pipelines.routing import changes, load_inputs, plan

    plan_id = candidates.item(0, "plan_id")
    folder = Path(config.load().output) / "plans" / plan_id
    if not folder.is_dir():
        return [], "The inputs of the plan are no longer kept: it cannot be planned again."
    try:
        inputs = load_inputs(folder)
    except Malformed as e:
        return [], str(e)
    if again is None and len(inputs.lines) > _AT_ONCE:
        return [], f"A plan of {len(inputs.lines)} lines; --again plans it anew, change by change."
    with waiting("planning again"):
        made = plan(inputs)
        told = list(changes(inputs, made, order_id)) if made.plan_id == plan_id else []
    if made.plan_id != plan_id:
        return [], "Planned again the plan differs, so nothing is told: see `oms replay --check`."
    return told, "It lacked nothing that others have."


@app.command()
def check(
    strict: Annotated[bool, typer.Option("--strict", help="End with 1 on any finding.")] = False,
    limit: Annotated[int, typer.Option("--orders", min=1, help="The newest so many.")] = 100_000,
    as_json: Json = False,
) -> None:
    """Check the routing rules: their predicates, then what they do to the orders of the past.

    Found are rules that match no order, or only orders that an earlier rule takes; orders that no
    rule covers; predicates that are null, and null is not true; locations that nothing but their
    name tells apart; and what is unknown: positions, weights, prices, stock. Ends with 2 when a
    predicate is wrong.
    """
    from oms_pipelines.faults import shadow_faults
    from oms_pipelines.routing import check_rules, findings, read_past

    oms = config.load()
    faults = [*check_rules(oms.routing, oms), *shadow_faults(oms)]
    if faults and not as_json:
        raise Misconfigured(faults)
    if faults:
        document({"rules": len(oms.routing.rules), "faults": faults})
        raise typer.Exit(2)
    with reading(oms) as session:
        past = read_past(session, oms, time_of(oms), limit)
    found = [asdict(x) for x in findings(past)]
    looked = len(past.orders)
    if as_json:
        count = len(oms.routing.rules)
        document({"rules": count, "faults": [], "orders": looked, "findings": found})
    else:
        tell(f"{len(oms.routing.rules)} rules are in order; held against {looked} orders.")
        rows(found, False, "Found", "Nothing was found.", hide=("rule",))
    raise typer.Exit(1 if strict and found else 0)


@app.command("rules")
def rules_(
    version: Annotated[
        str | None, typer.Argument(help="Print the rules of this version, for oms.yaml.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the versions of the rules that plans were made by, or print one whole."""
    from oms_pipelines.routing.model import rules_version

    oms = config.load()
    with reading(oms) as session:
        kept = session.query("route/versions")
        if version is not None:
            _version(session, kept["rules_version"].to_list(), version, as_json)
            return
    live = rules_version(oms.routing)
    found = kept.drop("rules").with_columns((kept["rules_version"] == live).alias("live"))
    rows(found, as_json, "Versions of the rules, used last first", "No plan was made yet.")


def _version(session: Session, known: list[str], wanted: str, as_json: bool) -> None:
    from oms_pipelines.routing import read_version

    like = [name for name in known if name.startswith(wanted)]
    if len(like) > 1 and wanted not in like:
        tell(f"{wanted} begins {', '.join(like)}; give more of it", error=True)
        raise typer.Exit(1)
    one_of(wanted if not like else None, known, "VERSION")
    try:
        text = read_version(session, wanted if wanted in like else like[0])
    except KeyError:
        tell(f"{like[0]}: an older release made these plans, and kept no text.", error=True)
        raise typer.Exit(1) from None
    if as_json:
        document(text)
    else:
        tell(yaml.safe_dump({"routing": text}, sort_keys=False, allow_unicode=True).rstrip())


Rules = Annotated[
    list[Path] | None,
    typer.Option("--rules", help="YAML with a `routing` section. May come again."),
]
FirstDay = Annotated[
    datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day (UTC).")
]
LastDay = Annotated[
    datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day, included.")
]
_CAVEAT = (
    "Costs are the live ones, whatever a set of rules declares. What customers ordered, what was "
    "counted and what came is as it was; only what locations were given is decided anew."
)


@app.command()
def backtest(
    rules: Rules = None, from_: FirstDay = None, to: LastDay = None, as_json: Json = False
) -> None:
    """Replay stored plans under other rules, on the stock these would have left.

    Without --rules, under the rules of today. Each set stands beside the rules that were live
    when each plan was made, with 95 % intervals by day; a page shows both. See docs/backtest.md.
    """
    from oms_pipelines.routing.history import read_history
    from oms_pipelines.routing.rule_sets import of_today, read_rules
    from oms_pipelines.stages import backtest as stage

    oms = config.load()
    if from_ and to and to < from_:
        raise typer.BadParameter("is before --from", param_hint="--to")
    sets = [read_rules(path, oms) for path in rules] if rules else [of_today(oms)]
    twice = {x.name for x in sets if [y.name for y in sets].count(x.name) > 1}
    if twice:
        raise Misconfigured([f"--rules: two files are called {x}" for x in sorted(twice)])
    ticks = stage.days_saved(oms, from_.date() if from_ else None, to.date() if to else None)
    if not ticks:
        where = f"{Path(oms.output) / 'plans'}"
        rows([], as_json, "", f"No plan of these days is stored in {where}; `oms sync` makes them.")
        return
    with reading(oms) as session:
        history = read_history(session, ticks)
    with spoken() as said:
        tested = stage.try_rules(history, sets, said)
    page = Path(oms.output) / "pages" / stage.PAGE
    stage.write_backtest_page(tested, page, _CAVEAT)
    if as_json:
        document({"page": str(page), **stage.as_data(tested)})
        return
    span = f"{tested.since:%Y-%m-%d} to {tested.until:%Y-%m-%d}"
    rows(stage.rounded(tested.measures), False, f"{len(ticks)} plans of {span} again", "")
    rows(tested.load, False, "Load by location", "Nothing was given to a location.")
    for note in (*tested.notes, _CAVEAT, f"Page: {page}"):
        tell(note)


@app.command()
def shadow(
    plan: Annotated[str | None, typer.Argument(help="Show the lines of one plan.")] = None,
    limit: Limit = 20,
    as_json: Json = False,
) -> None:
    """Show what `routing.shadow` would have done beside the live plans, and never does.

    Costs and kilometers are measured alike for both. With a plan, its lines that would ship
    otherwise.
    """
    with reading() as session:
        if plan is not None:
            lines, more = cut(session.query("route/shadow_lines", plan_id=plan, limit=limit))
            beside = session.query("route/shadow_of", plan_id=plan).height
            if not beside:
                tell(f"no shadow ran beside a plan called {plan}; `oms route shadow` lists those "
                     "beside which one did", error=True)  # fmt: skip
                raise typer.Exit(1)
            nothing = f"Nothing of {plan} would ship otherwise."
            rows(lines, as_json, f"What of {plan} would ship otherwise", nothing, more=more)
            return
        found, more = cut(session.query("route/shadows", limit=limit))
        totals = session.query("route/shadow_totals")
    if as_json:
        tell_more(more, error=True)
        document({"totals": totals.to_dicts(), "plans": found.to_dicts()})
        return
    nothing = "No shadow ran yet; name a file of rules in `routing.shadow`."
    if found.height:
        rows(totals, False, "In total, by rules", nothing)
    rows(found, False, "By plan, newest first", nothing, more=more)
