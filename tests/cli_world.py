"""A store as a few syncs leave it, and the `oms` command over it, in this process."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from consolidate_world import land, page, woo_line, woo_order

from oms_pipelines import cli, config
from oms_pipelines.consolidate import consolidate
from oms_pipelines.consolidate.resolve import resolve
from oms_pipelines.hub import Hub
from oms_pipelines.stages import plan, publish

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRETS = {"WOO_KEY": "ck_secret_1", "WOO_SECRET": "cs_secret_2"}
STOCK = "sku;quantity;counted_at"


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The answer as JSON; fails where it is none."""
        return orjson.loads(self.out)


Oms = Callable[..., Said]


def settings(root: Path) -> dict[str, Any]:
    """Return the settings of a shop, two locations and an ERP under a folder."""

    def place(name: str, **more: Any) -> dict[str, Any]:
        return {
            "id": name,
            "address": {"country": "FR", "postal_code": "69007"},
            "stock": {"profile": "stock", "from": f"{root}/{name}/stock"},
            "dispatch": {"to": f"{root}/{name}/dispatch"},
            "receipts": {"profile": "receipt", "from": f"{root}/{name}/receipts"},
            "return_notices": {"to": f"{root}/{name}/notices"},
            **more,
        }

    return {
        "store": {"url": f"duckdb:///{root}/oms.duckdb"},
        "landing": {"url": f"file://{root}/landing"},
        "output": f"{root}/var",
        "channels": [
            {
                "id": "shop",
                "system": "woocommerce",
                "url": "http://127.0.0.1:9/shop",
                "credentials": {"key": "env:WOO_KEY", "secret": "env:WOO_SECRET"},
                "stock": {"mode": "escrow", "share": 1.0},
            }
        ],
        "locations": [place("lyon"), place("paris", kind="store", collects=True)],
        "returns": {
            "location": "lyon",
            "reasons": [{"code": "too_small", "label": {"en": "Too small"}}],
        },
        "erp": {"url": f"{root}/erp"},
    }


def configured(root: Path, **changes: Any) -> Path:
    """Write the settings and their secrets; return the file."""
    file = root / "oms.yaml"
    file.write_text(yaml.safe_dump(settings(root) | changes), "utf-8")
    lines = [f"{name}={value}" for name, value in SECRETS.items()]
    file.with_suffix(".env").write_text("\n".join(lines), "utf-8")
    return file


def traded(root: Path) -> Path:
    """Make a store that has taken in orders and stock, planned, and sent files."""
    file = configured(root)
    hub = Hub.open(config.load(file, {}))
    hub.__dict__["_now"] = NOW
    orders = [
        woo_order(1, line_items=[woo_line(1, sku="MUG", quantity=2)]),
        woo_order(2, status="on-hold", line_items=[woo_line(1, sku="MUG")]),
        woo_order(3, line_items=[woo_line(1, sku="NOPE")]),
        woo_order(4, line_items=[woo_line(1, sku="CUP", quantity=9)]),
        woo_order(5, status="cancelled"),
        woo_order(6, status="completed", line_items=[woo_line(1, sku="MUG")]),
        woo_order(7, total="[red]7", line_items=[woo_line(1, sku="MUG")]),
    ]
    land(hub.landing, page(*orders))
    rows = [f"{sku};{units};2026-03-01T05:00:00Z" for sku, units in (("MUG", 5), ("CUP", 3))]
    land(hub.landing, "\r\n".join([STOCK, *rows, ""]).encode(), source="lyon", stream="stock")
    consolidate(hub.store, hub.landing, hub.oms, NOW)
    with hub.store.session() as session:
        resolve(session, NOW)
    plan.post_ledger(hub)
    plan.allocate(hub)
    plan.levels(hub)
    publish.dispatch(hub)
    publish.export(hub)
    return file


def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Oms:
    """Return the `oms` command: words in, what it said out."""

    def run(*words: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["oms", *words])
        capsys.readouterr()
        code = cli.run_command()
        told = capsys.readouterr()
        return Said(code, told.out, told.err)

    return run
