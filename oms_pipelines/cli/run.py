"""Commands that do work: check, sync, replay, sandbox, demo, ui."""

import sys
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from oms_pipelines import config
from oms_pipelines.cli.show import Json, document, rows, say
from oms_pipelines.config import Oms


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    for command in (check, sync, replay, sandbox, demo, ui):
        app.command()(command)


def check(as_json: Json = False) -> None:
    """Validate the configuration, then try every connection."""
    from oms_pipelines.faults import load_sound
    from oms_pipelines.stages.connections import connections

    oms = load_sound()
    tried = connections(oms)
    rows(
        [t.__dict__ for t in tried], as_json, f"{config.config_path()} is valid", "Nothing to try."
    )
    if any(not t.works for t in tried):
        raise typer.Exit(1)


def sync(
    full: Annotated[
        bool, typer.Option(help="Also: quality checks, all levels, marts and pages.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Do everything once: orders and stock in, allocations, files, levels and news out."""
    from oms_pipelines.cli.summary import show, summary
    from oms_pipelines.cli.tick import run_job

    tick = run_job(config.load(), "nightly" if full else "tick", progress=sys.stderr.isatty())
    told = summary(tick)
    if as_json:
        document(told)
    else:
        show(told)
    if tick.failed:
        raise typer.Exit(1)


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("write a day such as 2026-03-02", param_hint=option) from None


def _days(from_: str, to: str) -> tuple[date, date]:
    first, last = _day(from_, "--from"), _day(to, "--to")
    if last < first:
        raise typer.BadParameter("is before --from", param_hint="--to")
    return first, last


def replay(
    from_: Annotated[str, typer.Option("--from", help="First day, such as 2026-03-02 (UTC).")],
    to: Annotated[str, typer.Option(help="Last day, included.")],
    source: Annotated[str | None, typer.Option(help="Only this channel or carrier.")] = None,
    dry_run: Annotated[
        bool, typer.Option(help="Publish nothing; show what would be sent.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only plan the plans of these days again, and compare.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Read whole days again. Nothing is dispatched twice, nobody is told twice."""
    from oms_pipelines.cli.opened import one_of
    from oms_pipelines.cli.summary import show, summary
    from oms_pipelines.cli.tick import run_job

    oms = config.load()
    one_of(source, [c.id for c in (*oms.channels, *oms.carriers)], "--source")
    window = _days(from_, to)
    if check:
        if source or dry_run:
            raise typer.BadParameter("looks at plans alone", param_hint="--check")
        _check_plans(oms, *window, as_json)
        return
    tick = run_job(
        oms, "tick", window=window, only=source, publish=not dry_run, progress=sys.stderr.isatty()
    )
    told = summary(tick)
    if dry_run:
        with tick.hub.store.session(read_only=True) as session:
            told["would_send"] = session.query("outbox/would_send").to_dicts()
    if as_json:
        document(told)
    else:
        show(told)
        if dry_run:
            rows(told["would_send"], False, "Would be sent", "Nothing would be sent.")
    if tick.failed:
        raise typer.Exit(1)


def _check_plans(oms: Oms, first: date, last: date, as_json: bool) -> None:
    """Plan stored plans again; end with 1 where one is not the plan that was made."""
    from oms_pipelines.routing import saved_between, verify

    folder = Path(oms.output) / "plans"
    found = [verify(x) for x in saved_between(folder, first, last)]
    nothing = f"No plan of these days is stored in {folder}."
    rows(found, as_json, "Each stored plan, planned again", nothing)
    if any(x["again"] not in ("same", "erased") for x in found):
        raise typer.Exit(1)


Table = Annotated[Path | None, typer.Option("--sales", help="Order lines (Parquet or CSV).")]
Columns = Annotated[
    str | None,
    typer.Option("--map", help="Columns: invoice=..,sku=..,quantity=..,placed_at=..,price=.."),
]
First = Annotated[str | None, typer.Option("--from", help="First day of the sales.")]
Last = Annotated[str | None, typer.Option("--to", help="Last day of the sales, included.")]


def _sales(path: Path | None, columns: str | None, first: str | None, last: str | None) -> Any:
    from oms_pipelines.cli.demo import Sales

    return Sales(
        path,
        columns,
        _day(first, "--from") if first else None,
        _day(last, "--to") if last else None,
    )


def sandbox(
    root: Annotated[Path, typer.Option(help="Where its state and folders lie.")] = Path(
        "var/sandbox"
    ),
    seed: int = 7,
    port: int = 8800,
    smtp_port: int = 8825,
    speed: Annotated[float, typer.Option(help="Virtual hours a second; 0 stands still.")] = 0.0,
    sales: Table = None,
    map_: Columns = None,
    from_: First = None,
    to: Last = None,
) -> None:
    """Serve a network of shops, warehouses and carriers to run the hub against."""
    from oms_pipelines.cli.demo import serve_sandbox

    serve_sandbox(root, seed, port, smtp_port, speed, _sales(sales, map_, from_, to))


def demo(
    root: Annotated[Path, typer.Option(help="Where everything is put.")] = Path("var"),
    days: Annotated[int, typer.Option(help="Virtual days of trade.", min=1)] = 4,
    port: int = 8800,
    smtp_port: int = 8825,
    sales: Table = None,
    map_: Columns = None,
    from_: First = None,
    to: Last = None,
) -> None:
    """Run the whole hub against the sandbox network, from an empty store, and end.

    With --sales the network lives by a table of order lines, over all its days.
    """
    from oms_pipelines.cli.demo import run_demo

    if not run_demo(root, days, port, smtp_port, _sales(sales, map_, from_, to)):
        raise typer.Exit(1)


def ui(port: int = 3000) -> None:
    """Open the Dagster UI on this configuration, with the sandbox if it is the demo's."""
    from oms_pipelines.cli.ui import serve_ui

    serve_ui(port, say)
