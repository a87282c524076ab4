"""Promise 3 under kill -9: each dispatch line stands in exactly one file."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from dispatch_network import (
    NOW,
    announced,
    delivered,
    file_states,
    manifest_of,
    network,
    ready,
    states,
)

from oms_pipelines.dispatch import plan_files, write_files
from oms_pipelines.store.duckdb import DuckdbStore

POINTS = (
    "dispatch.files_planned",
    "dispatch.copy_written",
    "dispatch.file_delivered",
    "dispatch.manifest_delivered",
    "dispatch.marked",
)
SCRIPT = """
import sys
from pathlib import Path
from dispatch_network import NOW, network
from oms_pipelines.dispatch import plan_files, write_files
from oms_pipelines.store.duckdb import DuckdbStore
store, oms = DuckdbStore(Path(sys.argv[1]) / "store.duckdb"), network(Path(sys.argv[1]))
with store.session() as s:
    plan_files(s, oms, NOW)
write_files(store, oms, NOW)
"""


def killed(root: Path, at: str) -> int:
    """Dispatch in a process of its own that dies at a named point; return how it ended."""
    env = {**os.environ, "OMS_CRASH_AT": at, "PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(root)], env=env, check=False)
    return done.returncode


@pytest.mark.parametrize("at", [*POINTS, "dispatch.file_delivered:2", "dispatch.marked:2"])
def test_each_line_stands_in_one_file_wherever_the_process_dies(
    duckdb_store: DuckdbStore, tmp_path: Path, at: str
):
    oms = network(tmp_path)
    ready(duckdb_store, "1", "2")
    ready(duckdb_store, "3", location="paris")
    announced(duckdb_store, "r1")
    assert killed(tmp_path, at) == -signal.SIGKILL
    ready(duckdb_store, "4")  # life goes on before the next run
    later = NOW + timedelta(minutes=5)
    with duckdb_store.session() as s:
        plan_files(s, oms, later)
    assert not write_files(duckdb_store, oms, later).failed
    files = {
        n: rows for place in ("lyon", "paris") for n, rows in delivered(tmp_path, place).items()
    }
    assert set(files) | set(delivered(tmp_path, folder="notices")) == set(file_states(duckdb_store))
    lines = pl.concat(files.values()).select("action", "fo_id", "line_id", "sku")
    assert lines.height == 4
    assert not lines.is_duplicated().any()
    assert set(states(duckdb_store).values()) == {"dispatched"}
    assert set(file_states(duckdb_store).values()) == {"delivered"}
    notices = delivered(tmp_path, folder="notices")
    assert [rows["return_id"].to_list() for rows in notices.values()] == [["shop/r1"]]
    assert not list(tmp_path.rglob("*.tmp"))
    lyon = sorted(n for n in files if n.startswith("lyon"))
    first, second = (manifest_of(tmp_path, n) for n in lyon)
    assert second["previous"] == {"sequence": 1, "file": lyon[0], "sha256": first["sha256"]}


def test_a_half_written_file_is_never_under_its_name(duckdb_store: DuckdbStore, tmp_path: Path):
    ready(duckdb_store, "1")
    assert killed(tmp_path, "dispatch.copy_written") == -signal.SIGKILL
    assert not (tmp_path / "lyon" / "in").exists()
    (tmp_path / "lyon" / "in").mkdir(parents=True)
    left = tmp_path / "lyon" / "in" / ".lyon_dispatch_20260101_000001.csv.tmp"
    left.write_bytes(b"half")
    assert not write_files(duckdb_store, network(tmp_path), NOW).failed
    assert not left.exists()
    assert list(delivered(tmp_path)) == ["lyon_dispatch_20260101_000001.csv"]
