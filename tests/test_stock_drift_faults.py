"""Injected faults are found by drift with the right cause, and clean shelves raise no alarm."""

from collections import Counter
from datetime import timedelta

import polars as pl
from drift_traffic import DAYS, FAULTS, PLACES, noon, shelves, tell
from stock_world import World

from oms_pipelines.stock import ledger
from oms_pipelines.store import Store

EACH, CLEAN = 75, 700


def test_injected_faults_are_found_with_their_cause_and_clean_shelves_raise_no_alarm(store: Store):
    world = World(store, *PLACES)
    there = shelves(7, EACH, CLEAN)
    told = sorted((t for shelf in there for t in shelf.told), key=lambda t: t[0])
    clean = {shelf.sku for shelf in there if shelf.fault is None}
    alarms: set[str] = set()
    last = noon(-9)
    for half in range(-1, 2 * DAYS + 2):
        now = noon(0) + timedelta(hours=12 * half - 3)  # 09:00 and 21:00
        tell(world, told, last, now)
        last = now
        with store.session() as s:
            ledger.post(s, now)
            drift = s.table("stock_drift")
        alarms |= set(drift.filter(pl.col("state") == "drift")["sku"])
    causes = found(drift)
    recall = {}
    for fault in FAULTS:
        seen = Counter(
            "right" if (shelf.sku, fault) in causes else str(sorted(told_of(causes, shelf.sku)))
            for shelf in there if shelf.fault == fault
        )  # fmt: skip
        recall[fault] = seen["right"] / EACH
        print(f"{fault}: recall {recall[fault]:.1%} {dict(seen)}")
    false = len(alarms & clean) / len(clean)
    print(f"false alarms {false:.2%} of {len(clean)} clean shelves")
    assert all(share >= 0.95 for share in recall.values()), recall
    assert false <= 0.01


def found(drift: pl.DataFrame) -> set[tuple[str, str]]:
    """Return (sku, cause) of what drift says."""
    return set(drift.filter(pl.col("cause") != "opening").select("sku", "cause").iter_rows())


def told_of(causes: set[tuple[str, str]], sku: str) -> set[str]:
    return {cause for s, cause in causes if s == sku}
