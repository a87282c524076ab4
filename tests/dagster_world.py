"""A small hub without a network, and its Dagster jobs run in process."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from file_sales import SALE, csv

from assets.partitions import days, today
from oms_pipelines import clock, config
from oms_pipelines.config import Oms
from oms_pipelines.definitions import definitions
from oms_pipelines.hub import Hub

NOW = "2026-07-02T12:00:00Z"
TODAY = "2026-07-02"
DOWN = "down"  # a channel whose folder is a file


def small_hub(root: Path, empty_store: Path, **more: Any) -> Oms:
    """Return a private sale, a till that is down, and a warehouse, all under `root`."""
    root.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(empty_store, root / "oms.duckdb")
    (root / "blocked").write_text("not a folder", "utf-8")
    (root / "skus.csv").write_text(
        "sku,title,weight_g,value,currency\nMUG,Mug,300,5,EUR\n", "utf-8"
    )
    for name in ("sale", "stock", "in"):
        (root / name).mkdir(exist_ok=True)
    return config.parse(settings(root) | more, {})


def settings(root: Path) -> dict[str, Any]:
    """Return the configuration of the small hub."""
    sale = {"id": "sale", "system": "file", "country": "FR", "currency": "EUR"}
    down = {"id": DOWN, "system": "file", "country": "FR", "currency": "EUR"}
    return {
        "store": {"url": f"duckdb:///{root / 'oms.duckdb'}"},
        "landing": {"url": f"file://{root / 'landing'}"},
        "output": str(root),
        "catalog": {"skus": str(root / "skus.csv")},
        "channels": [
            sale
            | {
                "stock": {"mode": "escrow", "share": 0.5, "to": str(root / "levels")},
                "options": {"folder": str(root / "sale")},
            },
            down | {"options": {"folder": str(root / "blocked")}},
        ],
        "locations": [
            {
                "id": "lyon",
                "address": {"country": "FR"},
                "stock": {"profile": "stock", "from": str(root / "stock")},
                "dispatch": {"to": str(root / "in")},
            }
        ],
        "returns": {"reasons": [{"code": "too_small", "label": {"en": "Too small"}}]},
        "erp": {"url": str(root / "erp")},
        "backfill_from": "2026-06-01",
    }


def sell(root: Path, number: str = "VP1", **more: str) -> None:
    """Drop a file with one sale in the private sale's folder."""
    row = SALE | {"order_number": number, "line_id": "1"} | more
    (root / "sale" / f"{number}.csv").write_bytes(csv(row))


def count(root: Path, quantity: int) -> None:
    """Drop a stock file of the warehouse."""
    text = f"sku;quantity;counted_at\r\nMUG;{quantity};2026-07-01T06:00:00Z\r\n"
    (root / "stock" / f"stock_{quantity}.csv").write_text(text, "utf-8")


def run(
    oms: Oms,
    job: str = "tick",
    *,
    instance: dg.DagsterInstance | None = None,
    partition: str | None = "today",
    tags: Mapping[str, str] | None = None,
    assets: list[str] | None = None,
) -> dg.ExecuteInProcessResult:
    """Run a job in process; a failure is told in the result."""
    made = definitions(oms, Hub.open(oms)).resolve_job_def(job)
    if partition == "today":
        partition = today(days(oms), clock.now(oms))
    return made.execute_in_process(
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        instance=instance or dg.DagsterInstance.ephemeral(),
        partition_key=partition,
        tags=dict(tags or {}),
        asset_selection=assets and [dg.AssetKey.from_user_string(a) for a in assets],
        raise_on_error=False,
    )


def materialized(done: dg.ExecuteInProcessResult) -> set[str]:
    """Return the keys of the assets a run made."""
    events = done.get_asset_materialization_events()
    return {e.asset_key.to_user_string() for e in events if e.asset_key}


def failed_checks(done: dg.ExecuteInProcessResult) -> dict[str, Any]:
    """Return the checks that failed, by asset and name, with the error they tell."""
    return {
        f"{c.asset_key.to_user_string()}:{c.check_name}": c.metadata.get("error")
        and c.metadata["error"].value
        for c in done.get_asset_check_evaluations()
        if not c.passed
    }


def failures(done: dg.ExecuteInProcessResult) -> dict[str, str]:
    """Return the steps that failed, with what they tell people."""
    found = {}
    for event in done.all_events:
        if event.event_type_value == "STEP_FAILURE":
            data: Any = event.event_specific_data
            found[event.step_key or ""] = data.user_failure_data.description
    return found
