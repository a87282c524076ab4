"""A new channel is one file, its SQL, one sample and a test: nothing else changes."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import oms_pipelines

HERE = Path(__file__).parent
PLUG_IN = HERE / "new_channel"
ENGINE = Path(oms_pipelines.__file__).parent


def test_a_plug_in_of_one_file_and_its_sql_turns_its_sample_into_rows(tmp_path):
    """The plug-in is installed as a package would be: its module, its SQL, an entry point."""
    (tmp_path / "kiosk.py").write_text((PLUG_IN / "kiosk.py").read_text())
    (tmp_path / "sql").symlink_to(PLUG_IN / "sql")
    info = tmp_path / "kiosk-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: kiosk\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[oms_pipelines.channels]\nkiosk = kiosk\n")
    command = [sys.executable, "-m", "oms_pipelines.cli", "inspect", "payload"]
    done = subprocess.run(
        [*command, "--system", "kiosk", "--json", str(PLUG_IN / "sample.json")],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"},
        check=False,
    )
    assert done.returncode == 1, done.stderr  # one of its two records is no good
    found = json.loads(done.stdout)
    (order,) = found["tables"]["orders"]
    assert order["placed_at"].startswith("2026-03-02T09:15:00")
    assert order["total_amount"] == "7.5000"
    lines = found["tables"]["order_lines"]
    assert [(x["channel_sku"], x["ordered_quantity"]) for x in lines] == [("TEA", 2), ("MUG", 1)]
    (rejected,) = found["rejected"]
    assert "updated_at" in rejected["reason"]
    assert found["received"] == 2


def test_no_other_file_of_the_engine_names_a_channel_system():
    """What a channel needs beside its own file would be a second place to change."""
    systems = ("woocommerce", "shopify", "mirakl")
    for file in ENGINE.rglob("*.py"):
        place = file.relative_to(ENGINE)
        if place.parts[0] in ("channels", "sandbox"):
            continue
        constants = {
            node.value
            for node in ast.walk(ast.parse(file.read_text("utf-8")))
            if isinstance(node, ast.Constant)
        }
        named = [s for s in systems if s in constants]
        assert not named, f"{place} names {named}"
