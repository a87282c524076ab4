"""Consolidate: landed bytes get a shape, pass the gate, and are merged into the store."""

from collections.abc import Iterator

import dagster as dg

from assets.extract import REPORT
from assets.summary import table, totals
from oms_pipelines.consolidate import consolidate, load_reference
from oms_pipelines.hub import Hub

STREAMS = {
    "orders": "Orders, lines and contacts of every channel, newest version of each",
    "refunds": "Money given back",
    "returns": "Returns as announced",
    "stock": "What every location says it has",
    "confirmations": "What locations shipped, short-picked and refused",
    "acknowledgements": "What locations answered to dispatch files",
    "receipts": "Goods received back",
    "tracking": "What carriers say of parcels",
}
TABLES = {
    "stock": "stock_counts",
    "confirmations": "shipments",
    "receipts": "return_receipts",
    "acknowledgements": "file_acknowledgements",
    "tracking": "tracking_events",
}

SPECS = [
    dg.AssetSpec(
        TABLES.get(stream, stream),
        deps=[REPORT],
        group_name="consolidate",
        kinds={"sql"},
        description=doc,
    )
    for stream, doc in STREAMS.items()
]


@dg.multi_asset(name="consolidate", specs=SPECS, pool="store")
def consolidated(hub: dg.ResourceParam[Hub]) -> Iterator[dg.MaterializeResult]:
    """Shape, gate and merge every landed batch that the store has not taken yet."""
    load_reference(hub.store, hub.oms)
    done = consolidate(hub.store, hub.landing, hub.oms, hub.now(), on_progress=hub.said)
    hub.results["consolidate"] = done
    for stream in STREAMS:
        rows = [
            {
                "source": r.source,
                "received": r.received,
                "accepted": r.accepted,
                "quarantined": r.quarantined,
                "changed": r.changed,
                "error": r.error,
            }
            for r in done
            if r.stream == stream
        ]
        yield dg.MaterializeResult(
            asset_key=TABLES.get(stream, stream),
            metadata={
                "sources": table(rows),
                **totals(rows, "received", "accepted", "quarantined", "changed"),
            },
        )
