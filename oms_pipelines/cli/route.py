"""Commands that tell why an order ships from where it does, and what other rules would do."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oms_pipelines import config
from oms_pipelines.cli.opened import reading
from oms_pipelines.cli.orders import find_order
from oms_pipelines.cli.show import Json, document, rows, tell, waiting
from oms_pipelines.config import Oms
from oms_pipelines.errors import Malformed, Misconfigured

if TYPE_CHECKING:
    import polars as pl

app = typer.Typer(no_args_is_help=True)
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
def check(as_json: Json = False) -> None:
    """Check the routing rules: predicates, columns, functions."""
    from oms_pipelines.routing import check_rules

    oms = config.load()
    faults = check_rules(oms.routing)
    if faults and not as_json:
        raise Misconfigured(faults)
    if as_json:
        document({"rules": len(oms.routing.rules), "faults": faults})
        raise typer.Exit(2 if faults else 0)
    tell(f"{len(oms.routing.rules)} rules are in order.")


@app.command()
def backtest(
    limit: Annotated[int, typer.Option("--plans", min=1, help="The newest so many.")] = 20,
    as_json: Json = False,
) -> None:
    """Plan the past again by the rules of today, and by its own, from the stored inputs."""
    from oms_pipelines.routing import check_rules, saved_inputs

    oms = config.load()
    faults = check_rules(oms.routing)
    if faults:
        raise Misconfigured(faults)
    folder = Path(oms.output) / "plans"
    every = saved_inputs(folder)
    found = every[-limit:]
    rows(
        [_again(path, oms) for path in found],
        as_json,
        "Each plan as it was made, and by the rules of today",
        f"No plan was stored in {folder} yet; `oms sync` makes them.",
        more=len(every) - limit,
        option="--plans",
    )


def _again(folder: Path, oms: Oms) -> dict[str, Any]:
    """Plan stored inputs by their own rules, then by those of today; tell the difference."""
    from oms_pipelines.routing import load_inputs, plan, was_erased

    try:
        inputs = load_inputs(folder)
    except Malformed as e:
        return {"plan": folder.name, "as made": None, "error": str(e)}
    carriers = tuple(c.model_copy(update={"credentials": {}, "url": ""}) for c in oms.carriers)
    own, today = plan(inputs), plan(replace(inputs, rules=oms.routing, carriers=carriers))
    key = ["order_id", "line_id", "sku", "location_id", "quantity"]
    moved = today.allocations.join(own.allocations, on=key, how="anti")
    return {
        "plan": folder.name,
        "as made": None if was_erased(folder) else own.plan_id == folder.name,
        "lines": own.lines,
        "allocated": own.allocated_lines,
        "allocated today": today.allocated_lines,
        "elsewhere": moved["order_id"].n_unique(),
        "cost": own.cost,
        "cost today": today.cost,
        "error": None,
    }
