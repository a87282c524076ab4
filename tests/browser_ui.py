"""The Dagster UI as `oms ui` serves it, a real browser on it, and its GraphQL."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
from playwright.sync_api import Page, sync_playwright

LOCATION = {
    "repositoryName": "__repository__",
    "repositoryLocationName": "oms_pipelines.definitions",
}
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DONE = {"SUCCESS", "FAILURE", "CANCELED"}
T = TypeVar("T")

_LAUNCH = """
mutation($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
    ... on RunConfigValidationInvalid { errors { message } }
  }
}"""
_RUNS = """
query($filter: RunsFilter) {
  runsOrError(filter: $filter) {
    ... on Runs { results { runId jobName status tags { key value } } }
  }
}"""
_BACKFILLS = "{ partitionBackfillsOrError { ... on PartitionBackfills { results { id status } } } }"


def chromium() -> str | None:
    """Return the system's Chromium; None when there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def waited(what: Callable[[], T | None], told: str, seconds: float = 180) -> T:
    """Return what something gives once it gives anything."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = what()
        if found:
            return found
        time.sleep(0.5)
    raise AssertionError(f"waited {seconds} s in vain: {told}")


@dataclass
class Ui:
    """A served UI, and the page of a browser on it."""

    url: str
    page: Page
    pictures: Path

    def show(self, path: str, text: str, picture: str) -> None:
        """Open a page, wait until it shows a text, and keep a picture of it."""
        self.page.goto(self.url + path)
        self.picture(text, picture)

    def picture(self, text: str, name: str) -> None:
        """Keep a picture of the page once it shows a text."""
        self.page.get_by_text(text).first.wait_for(timeout=60_000)
        self.page.wait_for_timeout(1500)  # the graph and the tables are drawn after their text
        self.page.screenshot(path=self.pictures / f"{name}.png")

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """Ask the UI's GraphQL."""
        asked = {"query": query, "variables": variables}
        answer = httpx.post(f"{self.url}/graphql", json=asked, timeout=60, trust_env=False).json()
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def launch(self, job: str, tags: dict[str, str] | None = None) -> str:
        """Launch a job as the page does; return the run's id."""
        params = {
            "selector": LOCATION | {"jobName": job},
            "mode": "default",
            "runConfigData": {},
            "executionMetadata": {
                "tags": [{"key": k, "value": v} for k, v in (tags or {}).items()]
            },
        }
        done = self.ask(_LAUNCH, params=params)["launchRun"]
        assert done["__typename"] == "LaunchRunSuccess", done
        return done["run"]["runId"]

    def runs(self, **wanted: Any) -> list[dict[str, Any]]:
        """Return the runs that fit a filter."""
        return self.ask(_RUNS, filter=wanted)["runsOrError"]["results"]

    def ended(self, run_id: str) -> str:
        """Return the status of a run once it has ended."""

        def status() -> str | None:
            found = self.runs(runIds=[run_id])[0]["status"]
            return found if found in DONE else None

        return waited(status, f"run {run_id}")

    def backfills(self) -> list[dict[str, Any]]:
        """Return the backfills, newest first."""
        return self.ask(_BACKFILLS)["partitionBackfillsOrError"]["results"]


@contextmanager
def served(config: Path, folder: Path) -> Iterator[str]:
    """Run `oms ui` on a free port; end it as Ctrl+C does, and see that it ends."""
    port = free_port()
    env = {**os.environ, "OMS_CONFIG": str(config), "DAGSTER_HOME": str(folder / "dagster")}
    code = "from oms_pipelines.cli import main; main()"
    with (folder / "ui.log").open("w") as log:
        child = subprocess.Popen(
            [sys.executable, "-c", code, "ui", "--port", str(port)],
            env=env,
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
            # a test runner in the background leaves Ctrl+C ignored to its children
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        assert child.poll() is None, (folder / "ui.log").read_text()
        try:
            return httpx.get(f"{url}/server_info", trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    try:
        waited(answers, "the UI to answer")
        yield url
        child.send_signal(signal.SIGINT)
        assert child.wait(60) == 0
    finally:
        if child.poll() is None:
            child.terminate()
            child.wait(60)


@contextmanager
def browsing(url: str, profile: Path, pictures: Path) -> Iterator[Ui]:
    """Open a browser of its own on a served UI."""
    with sync_playwright() as play:
        context = play.chromium.launch_persistent_context(
            profile,
            executable_path=chromium(),
            args=FLAGS,
            viewport={"width": 1500, "height": 1000},
        )
        try:
            page = context.pages[0] if context.pages else context.new_page()
            page.set_default_timeout(60_000)
            pictures.mkdir(parents=True, exist_ok=True)
            yield Ui(url, page, pictures)
        finally:
            context.close()
