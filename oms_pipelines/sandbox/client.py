"""How others run a sandbox: in a thread, in its own process, or in front, for the command."""

import json
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from oms_pipelines.sandbox.server import Sandbox

PATIENCE = 600.0


class Box:
    """A running sandbox, seen from outside."""

    def __init__(self, url: str, smtp_port: int, root: Path):
        self.url = url
        self.port = int(url.rsplit(":", 1)[1])
        self.smtp_port = smtp_port
        self.root = root
        self._http = httpx.Client(base_url=url, timeout=PATIENCE, trust_env=False)

    def _post(self, path: str, **wish: Any) -> dict[str, Any]:
        return self._http.post(f"/control/{path}", json=wish).raise_for_status().json()

    def advance(self, hours: float) -> datetime:
        """Let virtual hours pass; return what time it is then, UTC."""
        return datetime.fromisoformat(self._post("advance", hours=hours)["now"])

    def now(self) -> datetime:
        """Return the virtual time, UTC."""
        return datetime.fromisoformat(self._http.get("/control/clock").json()["now"])

    def state(self, history: bool = False) -> dict[str, Any]:
        """Return the truth: see `facts.state`."""
        query = {"history": "1"} if history else {}
        return self._http.get("/control/state", params=query).raise_for_status().json()

    def fault(self, fault: str, target: str = "*", count: int = 1, **options: Any) -> None:
        """Ask for a fault: see `faults.KINDS`."""
        self._post("faults", fault=fault, target=target, count=count, **options)

    def clear_faults(self) -> None:
        """Ask for no more faults."""
        self._post("faults", clear=True)

    def stop(self) -> None:
        """Ask the sandbox to save and stop."""
        self._post("stop")


@contextmanager
def running(root: Path, *, process: bool = False, **options: Any) -> Generator[Box]:
    """Run a sandbox in a thread, or in a process of its own, and stop it at the end.

    Options are those of `Sandbox`. Raises OSError when a port is taken.
    """
    if process:
        with _subprocess(root, options) as box:
            yield box
        return
    sandbox = Sandbox(root, **options)
    sandbox.start()
    try:
        yield Box(sandbox.url, sandbox.smtp_port, root)
    finally:
        sandbox.stop()


@contextmanager
def _subprocess(root: Path, options: dict[str, Any]) -> Generator[Box]:
    told = json.dumps({"port": 0, "smtp_port": 0, **options}, default=str)
    command = [sys.executable, "-m", "oms_pipelines.sandbox", str(root), told]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        line = child.stdout.readline()
        if not line:
            raise RuntimeError(f"the sandbox ended at once, with {child.wait()}")
        said = json.loads(line)
        if "errno" in said:
            raise OSError(said["errno"], said["error"])
        yield Box(said["url"], said["smtp_port"], root)
    finally:
        child.terminate()
        child.wait(30)


def serve(
    root: Path,
    *,
    port: int = 8800,
    smtp_port: int = 8825,
    ready: Callable[[Sandbox], None] | None = None,
    **options: Any,
) -> None:
    """Run a sandbox in front until it is interrupted or told to stop.

    `ready` is called with it once its ports are known. Options are those of `Sandbox`.
    Raises Misconfigured when a table of sales cannot be used, OSError when a port is taken.
    """
    sandbox = Sandbox(root, port=port, smtp_port=smtp_port, **options)
    if ready:
        ready(sandbox)
    sandbox.run()
