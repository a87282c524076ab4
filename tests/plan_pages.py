"""A small plan to draw: stored, with its inputs saved."""

from pathlib import Path
from typing import Any

import polars as pl
from test_routing_shadow import opened
from test_routing_store import fill, sold, wants
from test_routing_store import settings as network

from oms_pipelines.routing.planned import Planned, find_plan, read_planned
from oms_pipelines.stages import plan as stage
from oms_pipelines.store import Store

RULES = {"rules": [{"id": "any", "from": "ships", "split": {"parts": 2}}], "costs": {"per_km": 1}}
ODD = "<b>&x"


def planned_of(store: Store, root: Path, plan_id: str | None = None) -> Planned:
    with store.session(read_only=True) as s:
        head = find_plan(s, plan_id)
        assert head is not None
        return read_planned(s, head, root / "plans" / head["plan_id"])


def small(store: Store, root: Path) -> Any:
    """Plan three orders of scarce SKUs: some in two parts, one to where nobody knows."""
    orders = [wants("1"), wants("2"), wants("3", delivery_mode="home")]
    lines = [sold("1", 2), sold("2", 3), sold("3", 1, sku=ODD)]
    lines += [sold("2", 5, line_id="2", sku=ODD)]
    fill(store, orders, lines, {("near", "a"): 4, ("far", "a"): 1, ("far", ODD): 2})
    with store.session() as s:
        contacts = s.table("order_contacts")
        blank = {c: pl.lit(None, contacts.schema[c]) for c in ("country", "postal_code")}
        blank["latitude"] = pl.lit(None, contacts.schema["latitude"])
        s.upsert("order_contacts", contacts.filter(order_id="shop/3").with_columns(**blank))
    hub = opened(store, network(routing=RULES, near={"capacity": "4/day"}), root)
    return hub, stage.allocate(hub)
