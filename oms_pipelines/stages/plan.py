"""The plan stage: follow the stock, allocate open orders, compute levels, promise news."""

from dataclasses import dataclass

from oms_pipelines.crash import point
from oms_pipelines.errors import OmsError
from oms_pipelines.hub import Hub
from oms_pipelines.outbox import promise
from oms_pipelines.routing import (
    Inputs,
    Plan,
    fulfillment_frames,
    keep_version,
    plan,
    read_inputs,
    replaced_lines,
    save_inputs,
    store_plan,
)
from oms_pipelines.routing.shadow import Shadow, beside, store_shadow
from oms_pipelines.stock import drift, ledger, reach
from oms_pipelines.stock.ledger import Posted
from oms_pipelines.stock.levels import compute_levels
from oms_pipelines.stock.sales import measure_sales
from oms_pipelines.stock.terms import days_named
from oms_pipelines.touched import touch


@dataclass(frozen=True)
class Levels:
    """Levels whose desired number changed, by channel, and intents newly promised."""

    changed: dict[str, int]
    promised: int


def post_ledger(hub: Hub) -> Posted:
    """Bring the ledger to what is known. Idempotent."""
    with hub.store.session() as session:
        return ledger.post(session, hub.now(), hub.oms.stock.confirmed_within)


def open_drift(hub: Hub) -> list[dict]:
    """Return what counts and the ledger do not agree on: state, cause, counts, units, oldest."""
    with hub.store.session(read_only=True) as session:
        return drift.open_by_cause(session).to_dicts()


def allocate(hub: Hub) -> Plan:
    """Plan the open lines; store plan, reasons, fulfillment orders and their stock movements.

    With `routing.replan` parts that stand in no dispatch file are planned again: what is given
    back and what is given moves in this one transaction, which no other writer shares.

    What other rules would do (`routing.shadow`) is looked at when all of that is stored.
    """
    now, new = hub.now(), False
    with hub.store.session() as session:
        inputs = read_inputs(session, hub.oms, now)
        made = plan(inputs)
        point("plan.computed")
        if store_plan(session, made, now):
            keep_version(session, inputs.rules, now)
            save_inputs(hub.output / "plans" / made.plan_id, inputs)
            ledger.release(session, replaced_lines(made), now)
            ledger.reserve(session, *fulfillment_frames(made, now), now)
            new = True
    hub.results |= {"shadow": _shadow(hub, inputs, made) if new else None, "plan_stored": new}
    return made


def _shadow(hub: Hub, inputs: Inputs, made: Plan) -> Shadow | None:
    """Plan beside a plan that was stored, by `routing.shadow`; keep it in tables of its own."""
    found = beside(inputs, made, hub.oms)
    if found is None:
        return None
    try:
        with hub.store.session() as session:
            store_shadow(session, found)
    except OmsError as e:  # the live plan is stored, and stands
        hub.said(f"the shadow plan was not kept: {e}")
    hub.said(f"shadow {found.told}")
    return found


def levels(hub: Hub, *, full: bool = False) -> Levels:
    """Compute the levels of the SKUs that moved, or of all; promise what there is to tell."""
    now = hub.now()
    pulled = hub.results.get("extract", [])
    heard = {r.source.id: r.error is None for r in pulled if r.source.stream == "orders"}
    with hub.store.session() as session:
        reach.note_heard(session, heard, now)
        moved = measure_sales(session, now, hub.oms.stock.window)
        if days_named(hub.oms):
            touch(session, moved["sku"])
        changed = compute_levels(session, hub.oms, now, full=full)
        promised = promise(session, hub.oms, now)
    by = changed["channel_id"].value_counts()
    return Levels(dict(zip(by["channel_id"], by["count"], strict=True)), promised)
