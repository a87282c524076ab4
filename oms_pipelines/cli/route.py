"""Commands that tell why an order ships from where it does, and what other rules would do."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from oms_pipelines import config
from oms_pipelines.cli.opened import reading
from oms_pipelines.cli.orders import find_order
from oms_pipelines.cli.show import Json, Limit, document, rows, tell, tell_more
from oms_pipelines.cli.voice import spoken
from oms_pipelines.errors import Misconfigured
from oms_pipelines.store.frames import cut

app = typer.Typer(no_args_is_help=True)
_HIDDEN = ("plan_id", "planned_at", "rule")
_HIDDEN_GIVEN = ("fo_id", "planned_at", "plan_id", "file_name")


@app.command()
def explain(order: str, as_json: Json = False) -> None:
    """Show where an order ships from and why: every location looked at, and what waits."""
    with reading() as session:
        head = find_order(session, order)
        order_id = head["order_id"]
        candidates = session.query("route/explain", order_id=order_id)
        given = session.query("route/given", order_id=order_id)
        lines = session.query("route/lines", order_id=order_id, looked=not candidates.is_empty())
    if as_json:
        document(
            {
                "order_id": order_id,
                "order_status": head["order_status"],
                "hold_reason": head["hold_reason"],
                "lines": lines.to_dicts(),
                "given": given.to_dicts(),
                "candidates": candidates.to_dicts(),
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


@app.command()
def check(as_json: Json = False) -> None:
    """Check the routing rules: predicates, columns, functions."""
    from oms_pipelines.faults import shadow_faults
    from oms_pipelines.routing import check_rules

    oms = config.load()
    faults = [*check_rules(oms.routing), *shadow_faults(oms)]
    if faults and not as_json:
        raise Misconfigured(faults)
    if as_json:
        document({"rules": len(oms.routing.rules), "faults": faults})
        raise typer.Exit(2 if faults else 0)
    tell(f"{len(oms.routing.rules)} rules are in order.")


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
            nothing = f"Nothing of {plan} would ship otherwise, or no shadow ran beside it."
            rows(lines, as_json, f"What of {plan} would ship otherwise", nothing, more=more)
            return
        found, more = cut(session.query("route/shadows", limit=limit))
        totals = session.query("route/shadow_totals")
    if as_json:
        tell_more(more, error=True)
        document({"totals": totals.to_dicts(), "plans": found.to_dicts()})
        return
    nothing = "No shadow ran yet; name a file of rules in `routing.shadow`."
    rows(totals, False, "In total, by rules", nothing)
    rows(found, False, "By plan, newest first", nothing, more=more)
