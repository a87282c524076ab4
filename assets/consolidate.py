"""Consolidate: landed bytes get a shape, pass the gate, and are merged into the store."""

from collections.abc import Iterator

import dagster as dg

from assets.extract import CONSOLIDATE, REPORT
from assets.summary import fault, table, totals
from oms_pipelines.consolidate import StreamResult, consolidate, load_reference
from oms_pipelines.hub import Hub
from resources import STORE, plainly

TAKEN = "taken"
STREAMS = {  # stream: its table, what it holds
    "orders": ("orders", "Orders, lines and contacts of every channel, newest version of each."),
    "refunds": ("refunds", "Money given back."),
    "returns": ("returns", "Returns as announced, by channels, form, file and command."),
    "stock": ("stock_counts", "What every location says it has."),
    "supply": ("supply", "What every location is to receive."),
    "confirmations": ("shipments", "What locations shipped, short-picked and refused."),
    "acknowledgements": ("file_acknowledgements", "What locations answered to dispatch files."),
    "receipts": ("return_receipts", "Goods received back."),
    "tracking": ("tracking_events", "What carriers say of parcels."),
}

ALSO = {"announcements": "returns"}  # streams that come into the table of another

SPECS = [
    dg.AssetSpec(name, deps=[REPORT], group_name=CONSOLIDATE, kinds={"sql"}, description=doc)
    for name, doc in STREAMS.values()
]
TAKEN_CHECKS = [
    dg.AssetCheckSpec(
        TAKEN, asset=name, description="Every batch was read, and no record was kept back."
    )
    for name, _ in STREAMS.values()
]


@dg.multi_asset(name=CONSOLIDATE, specs=SPECS, check_specs=TAKEN_CHECKS, pool=STORE)
def consolidated(hub: dg.ResourceParam[Hub]) -> Iterator[dg.MaterializeResult]:
    """Shape, gate and merge every landed batch that the store has not taken yet."""
    with plainly():
        load_reference(hub.store, hub.oms, hub.now())
        done = consolidate(
            hub.store, hub.landing, hub.oms, hub.now(), on_progress=hub.said, early=hub.early
        )
    hub.results["consolidate"] = done
    for stream, (name, _) in STREAMS.items():
        yield _result(name, [r for r in done if ALSO.get(r.stream, r.stream) == stream])


def _result(name: str, done: list[StreamResult]) -> dg.MaterializeResult:
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
    ]
    sums = totals(rows, "received", "accepted", "quarantined", "changed")
    kept = sums["quarantined"]
    why = f"{kept} records kept back: oms quarantine list" if kept else None
    errors = [f"{r.source}: {r.error}" for r in done if r.error]
    newest = max((r.newest for r in done if r.newest), default=None)
    last = {"newest record": dg.MetadataValue.timestamp(newest)} if newest else {}
    return dg.MaterializeResult(
        asset_key=name,
        metadata={"sources": table(rows), **sums, **last},
        check_results=[fault(TAKEN, name, errors, why)],
    )
