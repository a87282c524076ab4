"""Commands that tell why an order ships from where it does, and what other rules would do."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml

from oms_pipelines import config
from oms_pipelines.cli.opened import one_of, reading, time_of
from oms_pipelines.cli.orders import find_order
from oms_pipelines.cli.show import Json, document, rows, tell
from oms_pipelines.config import Oms
from oms_pipelines.errors import Malformed, Misconfigured
from oms_pipelines.store import Session

if TYPE_CHECKING:
    import polars as pl

app = typer.Typer(no_args_is_help=True)
_HIDDEN = ("plan_id", "planned_at", "rule")
_AT_ONCE = 300  # lines of a plan that is planned anew without being asked
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
    anew, why = _anew(candidates, order_id, again)
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
        return (
            [],
            f"A plan of {len(inputs.lines)} lines; --again plans it anew, one change at a time.",
        )
    made = plan(inputs)
    if made.plan_id != plan_id:
        return [], "Planned again the plan differs, so nothing is told: see `oms replay --check`."
    return list(changes(inputs, made, order_id)), "It lacked nothing that others have."


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
    from oms_pipelines.routing import check_rules, findings, read_history

    oms = config.load()
    faults = check_rules(oms.routing, oms)
    if faults and not as_json:
        raise Misconfigured(faults)
    if faults:
        document({"rules": len(oms.routing.rules), "faults": faults})
        raise typer.Exit(2)
    with reading(oms) as session:
        history = read_history(session, oms, time_of(oms), limit)
    found = [asdict(x) for x in findings(history)]
    looked = len(history.orders)
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
    one_of(wanted if len(like) != 1 else None, known, "VERSION")
    try:
        text = read_version(session, like[0])
    except KeyError:
        tell(f"{like[0]}: an older release made these plans, and kept no text.", error=True)
        raise typer.Exit(1) from None
    if as_json:
        document(text)
    else:
        tell(yaml.safe_dump({"routing": text}, sort_keys=False, allow_unicode=True).rstrip())


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
