"""Consolidate: landed bytes to canonical rows, each record let through or kept back alone.

n = normalize(pages, "woocommerce", "orders", info)     # rows and rejects, no store touched
results = consolidate(store, landing, oms, now)         # every landed batch not yet merged
"""

from oms_pipelines.consolidate.early import Early
from oms_pipelines.consolidate.inspect import Inspection, inspect_payload
from oms_pipelines.consolidate.normalize import Normalized, normalize
from oms_pipelines.consolidate.records import BatchInfo
from oms_pipelines.consolidate.reference import check_kits, load_reference
from oms_pipelines.consolidate.run import StreamResult, consolidate
from oms_pipelines.consolidate.streams import STREAMS

__all__ = [
    "STREAMS",
    "BatchInfo",
    "Early",
    "Inspection",
    "Normalized",
    "StreamResult",
    "check_kits",
    "consolidate",
    "inspect_payload",
    "load_reference",
    "normalize",
]
