"""Kits for tests: bills, and ticks of a store that sells them."""

from datetime import datetime
from typing import Any

import polars as pl
from shop_fake import Shop
from stock_world import World

from oms_pipelines.config import Oms
from oms_pipelines.consolidate.kits import exploded, replace_kits
from oms_pipelines.routing import (
    fulfillment_frames,
    plan,
    read_inputs,
    replaced_lines,
    store_plan,
)
from oms_pipelines.routing.model import Plan
from oms_pipelines.stock import ledger
from oms_pipelines.stock.levels import compute_levels
from oms_pipelines.stock.publishing import publish_levels

Bills = dict[str, dict[str, int]]
KITS = {"kit_sku": pl.String, "sku": pl.String, "quantity": pl.Int64}
VALUED = {"sku": pl.String, "value": pl.Float64, "currency": pl.String}


def kits_of(bills: Bills) -> pl.DataFrame:
    rows = [(kit, sku, n) for kit, parts in bills.items() for sku, n in parts.items()]
    return pl.DataFrame(rows, KITS, orient="row")


def bills_of(bills: Bills) -> pl.DataFrame:
    return exploded(kits_of(bills))


def declare(world: World, now: datetime, values: dict[str, float] | None = None, **kits: Any):
    """Load kits as the catalog would name them, components with their values."""
    skus = pl.DataFrame([(s, v, "EUR") for s, v in (values or {}).items()], VALUED, orient="row")
    with world.store.session() as s:
        return replace_kits(s, kits_of(kits), skus, now)


def allocate(world: World, oms: Oms, now: datetime) -> Plan:
    """Plan what is open and reserve it, as the stage does."""
    quiet = oms.model_copy(update={"channels": []})
    with world.store.session() as s:
        ledger.post(s, now)
        made = plan(read_inputs(s, quiet, now))
        if store_plan(s, made, now):
            ledger.release(s, replaced_lines(made), now)
            ledger.reserve(s, *fulfillment_frames(made, now), now)
    return made


def tell(world: World, shops: dict[str, Shop], oms: Oms, now: datetime) -> None:
    """Compute the levels of what was touched, which are those of all, and publish them."""
    with world.store.session() as s:
        ledger.post(s, now)
        compute_levels(s, oms, now)
        assert compute_levels(s, oms, now, full=True).is_empty()
    publish_levels(world.store, oms, shops, now)
