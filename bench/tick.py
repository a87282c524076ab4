"""A sync that finds 100 new orders in a store of 1,000,000, beside the same in 10,000."""

import os
import shutil
import tempfile
import time
from pathlib import Path

from bench.history import make

SIZES = (10_000, 1_000_000)
NEW = 100
ROUNDS = 3
NOW = "2026-01-02T00:00:00Z"


def measure() -> list[dict]:
    """Return the ratio of the times, the best of alternating rounds on copies of both stores."""
    from oms_pipelines.sandbox.bulk import serving

    os.environ["OMS_NOW"] = NOW
    best = dict.fromkeys(SIZES, float("inf"))
    parts: dict[int, dict[str, float]] = {}
    with serving(orders=NEW) as url, tempfile.TemporaryDirectory() as folder:
        bases = {size: _base(Path(folder), size) for size in SIZES}
        for turn in range(ROUNDS):
            for size in SIZES:
                work = Path(folder) / f"{size}-{turn}"
                shutil.copytree(bases[size], work)
                spent = _sync(work, url)
                if sum(spent.values()) < best[size]:
                    best[size], parts[size] = sum(spent.values()), spent
                shutil.rmtree(work)
    small, large = (best[size] for size in SIZES)
    told = "; ".join(
        f"{size:,}: " + ", ".join(f"{k} {v:.2f}" for k, v in parts[size].items()) for size in SIZES
    )
    return [
        {
            "name": "sync of 100 new orders, store of 1,000,000",
            "value": round(large / small, 2),
            "unit": "x the same in 10,000",
            "bar": "<= 1.5",
            "holds": large / small <= 1.5,
            "against": f"{large:.2f} s against {small:.2f} s ({told})",
        }
    ]


def _base(folder: Path, size: int) -> Path:
    """Make a store with a past that has been synchronized once, so that nothing is due."""
    work = folder / f"base-{size}"
    work.mkdir()
    make(work / "oms.duckdb", size)
    _sync(work, None)
    return work


def _settings(work: Path, url: str | None) -> dict:
    (work / "outlet" / "out").mkdir(parents=True, exist_ok=True)
    channels: list[dict] = [
        {
            "id": "outlet",
            "system": "file",
            "currency": "EUR",
            "options": {"folder": str(work / "outlet" / "out"), "profile": "orders"},
            "stock": {"mode": "escrow", "share": 1.0, "to": str(work / "outlet" / "in")},
        }
    ]
    if url is not None:
        shop = {"id": "shop", "system": "shopify", "url": url, "currency": "EUR"}
        channels.append(
            {**shop, "credentials": {"token": "env:TOKEN"}, "options": {"page_size": 100}}
        )
    locations = [
        {
            "id": f"loc{n}",
            "address": {"country": "FR", "postal_code": code},
            "dispatch": {"to": str(work / f"loc{n}")},
        }
        for n, code in enumerate(("69007", "59000", "75003"))
    ]
    return {
        "store": {"url": f"duckdb:///{work}/oms.duckdb"},
        "landing": {"url": f"file://{work}/landing"},
        "output": str(work),
        "channels": channels,
        "locations": locations,
    }


def _sync(work: Path, url: str | None) -> dict[str, float]:
    """Run every stage once; return the seconds of each."""
    from oms_pipelines import config
    from oms_pipelines.consolidate import consolidate, load_reference
    from oms_pipelines.hub import Hub
    from oms_pipelines.stages import plan, publish
    from oms_pipelines.stages.extract import extract_all, sources

    oms = config.parse(_settings(work, url), {"TOKEN": "x"})
    spent: dict[str, float] = {}
    started = time.perf_counter()
    hub = Hub.open(oms)

    def lap(name: str) -> None:
        nonlocal started
        spent[name] = time.perf_counter() - started
        started = time.perf_counter()

    done = extract_all(hub, sources(oms), None)
    assert not any(r.error for r in done), done
    lap("extract")
    load_reference(hub.store, oms, hub.now())
    merged = consolidate(hub.store, hub.landing, oms, hub.now())
    lap("consolidate")
    plan.post_ledger(hub)
    made = plan.allocate(hub)
    plan.levels(hub)
    lap("plan")
    publish.dispatch(hub)
    publish.send_levels(hub)
    publish.tell(hub)
    lap("publish")
    if url is not None:
        assert sum(r.changed for r in merged if r.stream == "orders") == NEW, merged
        assert made.allocated_lines > 0, made
    return spent
