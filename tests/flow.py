"""A hub and a sandbox network, run side by side as their users run them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from evidence import Evidence

from oms_pipelines import config
from oms_pipelines.cli.instance import INSTANCE_FILE
from oms_pipelines.cli.summary import changes, summary
from oms_pipelines.cli.tick import run_job
from oms_pipelines.config import Oms
from oms_pipelines.consolidate import consolidate, load_reference
from oms_pipelines.hub import Hub
from oms_pipelines.landing import Landing
from oms_pipelines.sandbox import SECRETS, Box, running, sandbox_config
from oms_pipelines.sandbox.state import load
from oms_pipelines.stages import plan, publish
from oms_pipelines.stages.extract import extract_all, sources
from oms_pipelines.store import open_store

__all__ = ["Flow", "changes", "copied", "flowing"]

# A quarter of a sync of a few orders is the history that Dagster writes of it.
_NO_HISTORY = """
event_log_storage:
  module: dagster._core.storage.event_log
  class: InMemoryEventLogStorage
"""


@dataclass
class Flow:
    """A sandbox that is served, and a hub whose folder is `root`."""

    root: Path
    box: Box
    oms: Oms
    file: Path
    told: list[str] = field(default_factory=list)

    def sync(self, job: str = "tick", **how: Any) -> dict[str, Any]:
        """Run the hub once, as `oms sync` does; return its summary as plain data."""
        done = summary(run_job(self.oms, job, progress=False, **how))
        self.told.append(repr(done))
        return done

    def trade(self, hours: float, syncs: int = 1) -> list[dict[str, Any]]:
        """Let hours pass in even parts, with a sync after each."""
        done = []
        for _ in range(syncs):
            self.box.advance(hours / syncs)
            done.append(self.sync())
        return done

    def stages(self) -> None:
        """Run every stage of a tick once, without Dagster around it."""
        hub = self.hub()
        results = extract_all(hub, sources(self.oms), None)
        assert [r.error for r in results if r.error] == []
        load_reference(hub.store, self.oms, hub.now())
        consolidate(hub.store, hub.landing, self.oms, hub.now())
        for stage in (plan.post_ledger, plan.allocate, plan.levels, publish.dispatch):
            stage(hub)
        for stage in (publish.send_levels, publish.tell, publish.export):
            stage(hub)

    def replay(self, first: date, last: date, **how: Any) -> dict[str, Any]:
        """Read whole days again, as `oms replay` does."""
        return self.sync(window=(first, last), **how)

    def command(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run the `oms` command in a process of its own."""
        return subprocess.run(
            [sys.executable, "-m", "oms_pipelines.cli", *words],
            env={**os.environ, **SECRETS, "OMS_CONFIG": str(self.file), **env},
            cwd=self.root,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def hub(self) -> Hub:
        """Open the hub anew."""
        return Hub.open(self.oms)

    def evidence(self) -> Evidence:
        """Return what both sides hold now; locations read their files first."""
        self.box.advance(0)
        return Evidence(
            self.oms,
            open_store(self.oms.store.url),
            Landing(self.oms.landing.url),
            self.box.state(),
            load(self.box.root / "state.json"),
            self.box.root,
            tuple(self.told),
        )


@contextmanager
def flowing(
    root: Path, *, store: str | None = None, changes: dict[str, Any] | None = None,
    history: bool = False, **options: Any,
) -> Iterator[Flow]:  # fmt: skip
    """Serve a sandbox under `root` and configure a hub for it there.

    `store` is the URL of another store than the embedded one, `changes` replaces top-level
    settings, `options` are those of the sandbox. A folder that was copied goes on. With
    `history` Dagster keeps what ran.
    """
    # a tick's instance is the flow's own, whatever ran in this process before
    before = os.environ.get("DAGSTER_HOME")
    os.environ["DAGSTER_HOME"] = str(root / "dagster")
    if not history:
        (root / "dagster").mkdir(parents=True, exist_ok=True)
        text = INSTANCE_FILE.read_text("utf-8") + _NO_HISTORY
        (root / "dagster" / "dagster.yaml").write_text(text, "utf-8")
    try:
        with running(root / "sandbox", **options) as box:
            settings = sandbox_config(box.url, box.smtp_port, box.root, var=root)
            settings |= changes or {}
            if store:
                settings["store"] = {"url": store}
            file = root / "oms.yaml"
            file.write_text(yaml.safe_dump(settings, sort_keys=False), "utf-8")
            yield Flow(root, box, config.parse(settings, SECRETS), file)
    finally:
        if before is None:
            os.environ.pop("DAGSTER_HOME", None)
        else:
            os.environ["DAGSTER_HOME"] = before


def copied(base: Path, to: Path) -> Path:
    """Copy a flow's folder, so that it can go on from there; return the copy."""
    shutil.copytree(base, to, dirs_exist_ok=True)
    return to
