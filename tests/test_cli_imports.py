"""Who looks does not wait for what plans, writes and reports: a reading command imports none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_world import configured

from oms_pipelines.store.duckdb import DuckdbStore

SLOW = ("dagster", "great_expectations", "matplotlib", "oms_pipelines.sandbox", "numpy", "httpx",
        "ortools")  # fmt: skip
TABLES = "sqlalchemy"  # of a store that is up to date nothing is asked that needs it
ASK = """
import sys
from oms_pipelines.cli import run_command
sys.argv = ["oms", *sys.argv[1:]]
code = run_command()
print(*sorted(sys.modules), sep="\\n", file=sys.stderr)
sys.exit(code)
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the configuration of a hub whose store is there and empty."""
    root = tmp_path_factory.mktemp("read")
    DuckdbStore(root / "oms.duckdb").migrate()
    return configured(root)


def imported(settings: Path, *words: str) -> tuple[int, set[str]]:
    """Run a command in a process of its own; return its exit code and what it imported."""
    env = {**os.environ, "OMS_CONFIG": str(settings)}
    done = subprocess.run(
        [sys.executable, "-c", ASK, *words], env=env, capture_output=True, text=True, timeout=120
    )
    return done.returncode, set(done.stderr.splitlines())


@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        ("orders", "list"),
        ("stock", "drift"),
        ("files", "list"),
        ("returns", "stats"),
        ("quarantine", "list"),
    ],
    ids=" ".join,
)
def test_a_reading_command_imports_nothing_slow(settings: Path, words: tuple[str, ...]):
    code, modules = imported(settings, *words)
    assert code == 0
    assert "oms_pipelines.cli.run" in modules  # what was imported is told indeed
    assert modules.isdisjoint({*SLOW, TABLES})


def test_help_does_not_wait_for_polars(settings: Path):
    code, modules = imported(settings, "--help")
    assert (code, "polars" in modules) == (0, False)


def test_a_check_imports_neither_dagster_nor_what_judges_and_draws(settings: Path):
    code, modules = imported(settings, "check")
    assert code == 1  # the network is not served here
    assert modules.isdisjoint({"dagster", "great_expectations", "matplotlib"})
    assert "oms_pipelines.sandbox" not in modules


def test_a_planner_loads_its_solver_only_where_orders_compete():
    code = "import sys, oms_pipelines.routing; sys.exit('ortools' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0
