"""The `oms` command. Exit 0: done; 1: something failed and is named; 2: wrong usage or settings."""

import atexit
import os
import sys
import traceback
from importlib.metadata import version
from typing import Annotated

import typer
from rich.markup import escape

from oms_pipelines.cli import run
from oms_pipelines.cli.erase import erase
from oms_pipelines.cli.rooms import add_rooms
from oms_pipelines.cli.show import say, tell
from oms_pipelines.errors import Misconfigured, OmsError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
run.register(app)
app.command()(erase)
add_rooms(
    app,
    orders="Look at consolidated orders.",
    stock="Look at stock, movements and levels.",
    route="Ask why an order ships from where it does.",
    files="Look at files sent to destinations; send one again.",
    returns="Announce, find and receive returns; statistics.",
    quarantine="Look at records kept back; release them.",
    inspect="See what a payload or file becomes; no store.",
)


def _version(wanted: bool) -> None:
    if wanted:
        tell(f"oms {version('oms-pipelines')}")
        raise typer.Exit


@app.callback()
def oms(
    _: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_version, help="Print the version."),
    ] = False,
) -> None:
    """Order management hub: orders and stock in; allocations, files, levels and news out."""


def main() -> None:
    """Run the command; turn errors into one line each and an exit code."""
    code = run_command()
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        pass  # who read us has read enough
    # DuckDB's bindings report leaks of their own on stderr when the interpreter is torn down
    os._exit(code)


def run_command() -> int:
    """Run the command of `sys.argv`; say what failed, and return the exit code."""
    try:
        app(standalone_mode=True)
    except SystemExit as e:
        return e.code if isinstance(e.code, int) else int(bool(e.code))
    except Misconfigured as e:
        for fault in e.faults:
            say(f"[red]configuration:[/] {escape(fault)}", error=True)
        return 2
    except OmsError as e:
        say(f"[red]{type(e).__name__}:[/] {escape(str(e))}", error=True)
        return 1
    except KeyboardInterrupt:
        say("Interrupted.", error=True)
        return 1
    except BrokenPipeError:
        return 0
    except OSError as e:
        told = ": ".join(str(x) for x in (e.filename, e.strerror or type(e).__name__) if x)
        say(f"[red]failed:[/] {escape(told)}", error=True)
        return 1
    except Exception as e:
        return _unexpected(e)
    return 0


def _unexpected(error: Exception) -> int:
    """Name a failure nobody foresaw; its text may hold personal data, so it is left out."""
    if os.environ.get("OMS_DEBUG"):
        traceback.print_exception(error)
        return 1
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{os.path.basename(frame.filename)}:{frame.lineno}"
    say(
        f"[red]unexpected:[/] {type(error).__name__} in {escape(place)}; "
        "OMS_DEBUG=1 shows where it comes from",
        error=True,
    )
    return 1
