"""The Dagster UI in the foreground: page, daemon and code server end with the command."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

from oms_pipelines import config
from oms_pipelines.cli.instance import dagster_home
from oms_pipelines.cli.ports import require_free
from oms_pipelines.cli.signals import sigterm_interrupts
from oms_pipelines.cli.tick import opened_instance
from oms_pipelines.errors import OmsError

PATIENCE = 20.0  # seconds that running things get to end by themselves


def serve_ui(port: int, said: Callable[[str], None]) -> None:
    """Serve the UI of `OMS_CONFIG` on loopback until it is interrupted or told to end.

    The demo's network is served beside its configuration. Raises OmsError when it cannot be.
    """
    from oms_pipelines.cli.demo import sandbox_beside

    cure = f"end what listens there (another `oms ui`?), or use `oms ui --port {port + 1}`"
    require_free("the Dagster UI", cure, port)
    oms = config.load()
    file = config.config_path().resolve()
    os.environ["OMS_CONFIG"] = str(file)
    with opened_instance(oms):
        home = dagster_home(oms)
    code = 0
    with sandbox_beside(file), _processes(port) as child:
        said(f"Dagster UI: http://127.0.0.1:{port}  (instance {home}; Ctrl+C ends it)")
        with suppress(KeyboardInterrupt):
            code = _wait(child)
    if code:
        raise OmsError(f"dagster dev ended with {code}")


@contextmanager
def _processes(port: int) -> Generator[subprocess.Popen]:
    """Run `dagster dev` in a group of its own; end the whole group, whatever happens."""
    command = [
        sys.executable, "-m", "dagster", "dev", "-m", "oms_pipelines.definitions",
        "-h", "127.0.0.1", "-p", str(port), "--log-level", "warning",
    ]  # fmt: skip
    quiet = {**os.environ, "PYTHONWARNINGS": "ignore"}  # it advises another command at each start
    with sigterm_interrupts():
        child = subprocess.Popen(command, env=quiet, start_new_session=True)
        try:
            yield child
        finally:
            _end(child)


def _wait(child: subprocess.Popen) -> int:
    """Wait for a process; Ctrl+C is noticed, which a blocking wait does not do beside Polars."""
    while (code := child.poll()) is None:
        time.sleep(0.2)
    return code


def _end(child: subprocess.Popen) -> None:
    """End a process, and what is left of its group."""
    if child.poll() is None:
        child.terminate()
        with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            child.wait(PATIENCE)
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    child.wait()
