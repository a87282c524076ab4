"""Consolidate: landed bytes to canonical rows, each record let through or kept back alone.

n = normalize(pages, "woocommerce", "orders", info)     # rows and rejects, no store touched
results = consolidate(store, landing, oms, now)         # every landed batch not yet merged
"""

from oms_pipelines.consolidate.normalize import Normalized, normalize, normalize_chunks
from oms_pipelines.consolidate.records import BatchInfo

__all__ = ["BatchInfo", "Normalized", "normalize", "normalize_chunks"]
