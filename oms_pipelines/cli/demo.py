"""The demo: the whole hub against the sandbox network, from an empty store to the second sync."""

import os
import shutil
import sys
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from rich.markup import escape

from oms_pipelines import config
from oms_pipelines.cli.ports import require_free
from oms_pipelines.cli.show import rows, say
from oms_pipelines.cli.signals import sigterm_interrupts
from oms_pipelines.cli.summary import changes, show, summary
from oms_pipelines.cli.tick import run_job
from oms_pipelines.errors import OmsError

STEPS = 2  # syncs a virtual day
# what an earlier demo left under its root
_MADE = (
    *("oms.duckdb", "oms.duckdb.wal", "landing", "sandbox", "files", "plans", "marts", "pages"),
    *("data_docs", "demo", "erp"),
)
MARK = "sandbox.json"  # stands beside the demo's configuration: where its network is


@dataclass(frozen=True)
class Sales:
    """A table of order lines to live by: its columns, and the first and last day of it."""

    path: Path | None = None
    columns: str | None = None
    first: date | None = None
    last: date | None = None

    def options(self) -> dict[str, Any]:
        """Return the sandbox's options for it; none without a table. Raises Misconfigured."""
        if self.path is None:
            return {}
        from oms_pipelines.sandbox.table import read_map

        return {
            "sales": self.path,
            "mapping": read_map(self.columns) if self.columns else {},
            "since": self.first,
            "until": self.last,
        }

    def days(self) -> int:
        """Return how many days the table tells of. Raises Misconfigured when it is unusable."""
        from oms_pipelines.sandbox.table import Table

        since, until = (str(d) if d else None for d in (self.first, self.last))
        return Table(str(self.path), self.options()["mapping"], since, until).days


def serve_sandbox(
    root: Path, seed: int, port: int, smtp_port: int, speed: float, sales: Sales
) -> None:
    """Serve the sandbox until it is stopped. Raises OmsError when a port is taken."""
    from oms_pipelines.sandbox import serve

    try:
        serve(
            root,
            seed=seed,
            port=port,
            smtp_port=smtp_port,
            speed=speed,
            **sales.options(),
            ready=lambda box: say(f"Sandbox: {box.url}, mail on {box.smtp_port}; Ctrl+C ends it"),
        )
    except OSError as e:
        raise OmsError(
            f"the sandbox cannot listen on {port} and {smtp_port}: {e.strerror}; end what listens "
            "there, or choose others with --port and --smtp-port"
        ) from e


def prepare(root: Path, box: Any) -> Path:
    """Write the demo's configuration and its secrets under `root`; return the configuration."""
    from oms_pipelines.sandbox import SECRETS, sandbox_config

    folder = root / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "oms.yaml"
    settings = sandbox_config(box.url, box.smtp_port, box.root, var=root.resolve())
    file.write_text(yaml.safe_dump(settings, sort_keys=False, allow_unicode=True), "utf-8")
    lines = [f"{name}={value}" for name, value in SECRETS.items()]
    file.with_suffix(".env").write_text("\n".join(lines) + "\n", "utf-8")
    return file


def run_demo(root: Path, days: int, port: int, smtp_port: int, sales: Sales) -> bool:
    """Run `days` of virtual trade; return whether all went well and a second sync was quiet.

    With a table of sales the days are the table's. A SIGTERM ends it as Ctrl+C does.
    """
    from oms_pipelines.sandbox import running

    days = sales.days() if sales.path else days
    # else what another demo works on would be deleted under it
    there = "a demo, `oms sandbox`, `oms ui`"
    cure = f"end what listens there ({there}), or give --port and --smtp-port. Nothing was deleted."
    require_free("the demo", cure, port, smtp_port)
    for name in _MADE:
        path = root / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    say("Starting the sandbox network: shops, a private sale, a till, warehouses, a carrier ...")
    options = {"port": port, "smtp_port": smtp_port, "process": True, **sales.options()}
    try:
        # else the network would go on without the demo
        with sigterm_interrupts(), running(root / "sandbox", **options) as box:
            file = prepare(root, box)
            os.environ["OMS_CONFIG"] = str(file)
            oms = config.load()
            failed = _trade(oms, box, days)
            moved, failed_again = _settle(oms)
            _world(box.state(), root)
    except KeyboardInterrupt:
        raise OmsError(
            "the demo was told to end before it was over; its network is stopped, and what it "
            f"made lies in {root.resolve()}. Another `oms demo` begins anew."
        ) from None
    for line in dict.fromkeys([*failed, *failed_again]):
        say(f"[red]failed:[/] {escape(line)}", error=True)
    say(
        f"[red]A second sync changed or sent something: {', '.join(moved)}[/]"
        if moved
        else "A second sync changed nothing and sent nothing."
    )
    _next(root, file)
    return not (moved or failed or failed_again)


def _trade(oms: config.Oms, box: Any, days: int) -> list[str]:
    """Run the days, STEPS syncs each, and a last sync with all that nights do; return faults."""
    failed: list[str] = []
    for turn in range(days * STEPS):
        box.advance(24 / STEPS)
        tick = run_job(oms, "tick", progress=sys.stderr.isatty())
        failed += tick.failed
        say(_line(turn, summary(tick)))
    box.advance(24 / STEPS)
    last = run_job(oms, "nightly", progress=sys.stderr.isatty())
    say("\n[bold]The last sync, with quality checks, all levels, marts and pages[/]")
    show(summary(last))
    return failed + last.failed


def _settle(oms: config.Oms) -> tuple[list[str], list[str]]:
    """Sync once for what channels made of what they were told; return what a second sync
    moved all the same, and faults.
    """
    say("Taking in what the channels made of what they were just told ...")
    first = run_job(oms, "tick", progress=sys.stderr.isatty())
    again = run_job(oms, "tick", progress=sys.stderr.isatty())
    return changes(summary(again)), first.failed + again.failed


def _line(turn: int, told: dict) -> str:
    pulled = sum(r["pulled"] or 0 for r in told["sources"])
    files = sum(r["files"] for r in told["locations"])
    lines = sum(r["lines"] for r in told["locations"])
    levels = sum(r["accepted"] for r in told["channels"])
    return (
        f"day {turn // STEPS + 1}, sync {turn % STEPS + 1}: {pulled} records in, {lines} lines "
        f"allocated, {files} files, {levels} levels, {told['messages']} messages"
    )


def _world(state: dict, root: Path) -> None:
    """Tell what the network received: the other side's truth."""
    found = [
        {"what": key.replace("_", " "), "count": value} for key, value in _counts(state).items()
    ]
    rows(found, False, "What the network received", "Nothing.")


def _counts(state: dict) -> dict[str, Any]:
    """Return the countable truths of the sandbox's state."""
    return state.get("counts") or {k: v for k, v in state.items() if isinstance(v, int)}


def _next(root: Path, file: Path) -> None:
    where = root.resolve()
    say(f"Dispatch files with manifests: {where / 'files'}")
    say(f"Returns page: {where / 'pages' / 'returns.html'}")
    say(f"Data docs: {where / 'data_docs' / 'index.html'}")
    say("Look around: .venv/bin/oms orders list, .venv/bin/oms files list, make ui")


@contextmanager
def sandbox_beside(file: Path) -> Generator[None]:
    """Serve the demo's network while the block runs, if `file` is the demo's configuration."""
    root = file.resolve().parent.parent / "sandbox"
    if file.resolve().parent.name != "demo" or not root.is_dir():
        with nullcontext():
            yield
        return
    from oms_pipelines.sandbox import running

    settings = config.load(file)
    port = int(str(settings.clock).split(":")[2].split("/")[0])
    smtp_port = int(str(settings.notifications.smtp).rsplit(":", 1)[1])
    try:
        with running(root, port=port, smtp_port=smtp_port, process=True):
            yield
    except OSError as e:
        raise OmsError(f"the sandbox cannot listen on {port} and {smtp_port}: {e.strerror}") from e
