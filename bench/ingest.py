"""Orders from HTTP to merged canonical tables, beside the `dlt` package on the same server.

Both read the same 50,000 orders, 250 a page by a chained cursor, over loopback. The hub
lands, gates and merges them; dlt is tuned (two normalize workers, large buffers, Parquet
load files, telemetry off) and only loads. Each runs in a process of its own.
"""

import multiprocessing
import os
import resource
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ORDERS = 50_000
ROUNDS = 3  # the best of each counts
QUERY = (
    "query Orders($after: String) { orders(first: 250, after: $after) "
    "{ pageInfo { hasNextPage endCursor } nodes { id } } }"
)


def measure() -> list[dict]:
    """Return orders a second against dlt, and the memory of the hub's process."""
    from oms_pipelines.sandbox.bulk import serving

    with serving(orders=ORDERS) as url, tempfile.TemporaryDirectory() as folder:
        rounds = [  # by turns: a machine's speed drifts
            (_apart(_hub, url, f"{folder}/hub{i}"), _apart(_dlt, url, f"{folder}/dlt{i}"))
            for i in range(ROUNDS)
        ]
    hub, dlt = (min(some, key=lambda x: x[0]) for some in zip(*rounds, strict=True))
    assert hub[2] == dlt[2] == ORDERS, (hub, dlt)
    ratio = dlt[0] / hub[0]
    return [
        {
            "name": "orders from HTTP to merged tables",
            "value": round(ratio, 1),
            "unit": "x dlt, tuned",
            "bar": ">= 10",
            "holds": ratio >= 10,
            "against": f"hub {ORDERS / hub[0]:,.0f} orders/s, dlt {ORDERS / dlt[0]:,.0f} orders/s",
        },
        {
            "name": "memory of that",
            "value": round(hub[1]),
            "unit": "MB",
            "bar": "<= 700",
            "holds": hub[1] <= 700,
            "against": f"peak resident set; dlt {dlt[1]:.0f} MB",
        },
    ]


def _apart(work: Any, url: str, folder: str) -> tuple[float, float, int]:
    """Run in a process of its own; return seconds, peak megabytes, orders."""
    context = multiprocessing.get_context("spawn")
    out = context.Queue()
    process = context.Process(target=_timed, args=(work, url, folder, out))
    process.start()
    found = out.get(timeout=1200)
    process.join()
    return found


def _timed(work: Any, url: str, folder: str, out: Any) -> None:
    Path(folder).mkdir(parents=True)
    os.sync()  # what the one before wrote
    os.chdir(folder)
    seconds, orders = work(url, Path(folder))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    out.put((seconds, max(peak, children), orders))


def _hub(url: str, folder: Path) -> tuple[float, int]:
    from oms_pipelines import config
    from oms_pipelines.channels.base import Window
    from oms_pipelines.consolidate import Early, consolidate
    from oms_pipelines.hub import Hub
    from oms_pipelines.stages.extract import Source, extract

    os.environ["OMS_NOW"] = "2026-04-01T00:00:00Z"
    settings = {
        "store": {"url": f"duckdb:///{folder}/oms.duckdb"},
        "landing": {"url": f"file://{folder}/landing"},
        "output": str(folder),
        "channels": [
            {
                "id": "shop",
                "system": "shopify",
                "url": url,
                "credentials": {"token": "env:TOKEN"},
                "options": {"page_size": 250},
            }
        ],
    }
    hub = Hub.open(config.parse(settings, {"TOKEN": "x"}))
    window = Window(datetime(2020, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    started = time.perf_counter()
    early = Early(hub.oms, hub.now())
    done = extract(hub, Source("shop", "orders", "channel"), window, early)
    assert done.error is None, done.error
    results = consolidate(hub.store, hub.landing, hub.oms, hub.now(), early=early)
    seconds = time.perf_counter() - started
    return seconds, sum(r.accepted for r in results if r.stream == "orders")


def _dlt(url: str, folder: Path) -> tuple[float, int]:
    os.environ |= {
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "RUNTIME__LOG_LEVEL": "CRITICAL",
        "NORMALIZE__WORKERS": "2",
        "LOAD__WORKERS": "2",
        "DATA_WRITER__BUFFER_MAX_ITEMS": "50000",
        "DATA_WRITER__FILE_MAX_ITEMS": "100000",
        "NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION": "true",
        "DLT_DATA_DIR": str(folder / "dlt"),
    }
    import dlt
    import duckdb
    import httpx

    endpoint = f"{url}/admin/api/2026-07/graphql.json"

    @dlt.resource(name="orders", primary_key="id", write_disposition="append")
    def orders():
        with httpx.Client(trust_env=False, timeout=60) as client:
            after = None
            while True:
                body = {
                    "query": QUERY,
                    "operationName": "Orders",
                    "variables": {"after": after, "first": 250, "nested": 20, "query": ""},
                }
                headers = {"X-Shopify-Access-Token": "x"}
                page = client.post(endpoint, json=body, headers=headers).json()["data"]["orders"]
                yield page["nodes"]
                if not page["pageInfo"]["hasNextPage"]:
                    return
                after = page["pageInfo"]["endCursor"]

    pipeline = dlt.pipeline(
        "bench",
        destination=dlt.destinations.duckdb(str(folder / "dlt.duckdb")),
        dataset_name="raw",
        pipelines_dir=str(folder / "pipelines"),
    )
    started = time.perf_counter()
    pipeline.run(orders(), loader_file_format="parquet")
    seconds = time.perf_counter() - started
    with duckdb.connect(str(folder / "dlt.duckdb"), read_only=True) as con:
        row = con.execute("SELECT count(*) FROM raw.orders").fetchone()
    return seconds, row[0] if row else 0
