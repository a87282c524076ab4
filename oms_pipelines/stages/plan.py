"""The plan stage: follow the stock, allocate open orders, compute levels, promise news."""

from dataclasses import dataclass

from oms_pipelines.crash import point
from oms_pipelines.hub import Hub
from oms_pipelines.outbox import promise
from oms_pipelines.routing import (
    Plan,
    fulfillment_frames,
    plan,
    read_inputs,
    save_inputs,
    store_plan,
)
from oms_pipelines.stock import ledger
from oms_pipelines.stock.ledger import Posted
from oms_pipelines.stock.levels import compute_levels
from oms_pipelines.stock.sales import measure_sales


@dataclass(frozen=True)
class Levels:
    """Levels whose desired number changed, by channel, and intents newly promised."""

    changed: dict[str, int]
    promised: int


def post_ledger(hub: Hub) -> Posted:
    """Bring the ledger to what is known. Idempotent."""
    with hub.store.session() as session:
        return ledger.post(session, hub.now())


def allocate(hub: Hub) -> Plan:
    """Plan the open lines; store plan, reasons, fulfillment orders and their stock movements."""
    now = hub.now()
    with hub.store.session() as session:
        inputs = read_inputs(session, hub.oms, now)
        made = plan(inputs)
        point("plan.computed")
        if store_plan(session, made, now):
            save_inputs(hub.output / "plans" / made.plan_id, inputs)
            ledger.reserve(session, *fulfillment_frames(made, now), now)
    return made


def levels(hub: Hub) -> Levels:
    """Compute the level of every SKU on every channel; promise what there is to tell."""
    now = hub.now()
    with hub.store.session() as session:
        measure_sales(session, now, hub.oms.stock.window)
        changed = compute_levels(session, hub.oms, now)
        promised = promise(session, hub.oms, now)
    by = changed["channel_id"].value_counts()
    return Levels(dict(zip(by["channel_id"], by["count"], strict=True)), promised)
