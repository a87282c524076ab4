"""What a plan is made of: its inputs and itself, as frames with fixed columns."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

import orjson
import polars as pl

from oms_pipelines.config import Carrier, Routing
from oms_pipelines.errors import Malformed

TIME = pl.Datetime("us", "UTC")
NO_INPUT = {"aliases"}  # of a carrier: what returns call it moves no plan

LINES = {
    "order_id": pl.String,
    "line_id": pl.String,
    "sku": pl.String,
    "quantity": pl.Int64,  # open SKU units
    "channel_id": pl.String,
    "priority": pl.Int64,
    "placed_at": TIME,
    "promised_at": TIME,
    "delivery_mode": pl.String,  # home, pickup_point, collect
    "delivery_choice": pl.String,  # any, together, first_now
    "pickup_location": pl.String,
    "service": pl.String,
    "country": pl.String,
    "postal_code": pl.String,
    "latitude": pl.Float64,
    "longitude": pl.Float64,
    "unit_value": pl.Float64,  # of one SKU unit, in `currency`
    "currency": pl.String,
    "keep_together": pl.String,
    "bill_id": pl.String,  # of a component: its kit's bill; the components of a line stay together
    "per_kit": pl.Int64,  # units of it in one kit
    "weight_g": pl.Int64,  # of one SKU unit; null is unknown
    "several_parcels": pl.Boolean,  # the channel can express them
    "several_parcels_per_line": pl.Boolean,  # and of one line; null is yes
    "parts_used": pl.Int64,  # parts of this order that are under way or gone
}
REFUSED = {"order_id": pl.String, "sku": pl.String, "location_id": pl.String}
STOCK = {"location_id": pl.String, "sku": pl.String, "available": pl.Int64}
LOCATIONS = {
    "location_id": pl.String,
    "kind": pl.String,
    "country": pl.String,
    "postal_code": pl.String,
    "latitude": pl.Float64,
    "longitude": pl.Float64,
    "capacity": pl.Int64,  # orders a day; null is unlimited
    "capacity_left": pl.Int64,  # orders the shipping day still takes; null is unlimited
    "cut_off": pl.String,  # HH:MM Zone
    "working_days": pl.String,  # mon tue ...; null is Monday to Friday
    "holidays": pl.String,  # 2026-12-25 ...; days off besides
    "ships": pl.Boolean,
    "collects": pl.Boolean,
    "handling_cost": pl.Float64,
}
POSITIONS = {
    "country": pl.String,
    "prefix": pl.String,
    "latitude": pl.Float64,
    "longitude": pl.Float64,
}
HELD = {
    "fo_id": pl.String,
    "order_id": pl.String,
    "line_id": pl.String,
    "sku": pl.String,
    "location_id": pl.String,
    "quantity": pl.Int64,  # SKU units that the part has of the line
    "ship_by": TIME,
    "service": pl.String,
    "carrier_id": pl.String,
    "planned_at": TIME,
}
KEYS = {
    "lines": ["order_id", "line_id", "sku"],
    "refused": ["order_id", "sku", "location_id"],
    "stock": ["location_id", "sku"],
    "locations": ["location_id"],
    "positions": ["country", "prefix"],
    "held": ["fo_id", "line_id", "sku"],
}
SCHEMAS = {
    "lines": LINES,
    "refused": REFUSED,
    "stock": STOCK,
    "locations": LOCATIONS,
    "positions": POSITIONS,
    "held": HELD,
}
OPTIONAL = {"held"}  # kinds that neither count nor are kept where they are empty


def none_held() -> pl.DataFrame:
    """Return what is held where nothing is."""
    return pl.DataFrame(schema=HELD)


@dataclass(frozen=True)
class Inputs:
    """All a plan depends on.

    `held` are parts that were planned and stand in no dispatch file yet: `lines`, `stock` and
    `locations` are as if they were not given.
    """

    lines: pl.DataFrame
    refused: pl.DataFrame
    stock: pl.DataFrame
    locations: pl.DataFrame
    positions: pl.DataFrame
    rules: Routing
    carriers: tuple[Carrier, ...]
    as_of: datetime
    held: pl.DataFrame = field(default_factory=none_held)


@dataclass(frozen=True)
class Plan:
    """Which location ships what, every candidate's verdict, and what waits.

    `allocations`: order_id, part, location_id, line_id, sku, bill_id, quantity, carrier_id,
    service, ship_by. `decisions`: the columns of that table. `unfilled`: order_id, line_id, sku,
    quantity, reason, action, deadline. `cost` and `bound` are in the unit of the declared
    costs: no plan that leaves each order as much unfilled costs less than `bound`. `held` is that
    of the inputs: parts that are in `allocations` as they were are kept, the others are not.
    """

    plan_id: str
    plan_hash: str
    inputs_hash: str
    rules_version: str
    planned_at: datetime
    allocations: pl.DataFrame
    decisions: pl.DataFrame
    unfilled: pl.DataFrame
    lines: int
    allocated_lines: int
    unfilled_lines: int
    cost: float
    bound: float | None
    gap: float | None
    held: pl.DataFrame = field(default_factory=none_held)


def conform(frame: pl.DataFrame | None, kind: str) -> pl.DataFrame:
    """Return a frame with exactly the columns of its kind, sorted by key; absent is null.

    Raises Malformed when a key stands twice: which row is meant would hang on their order.
    """
    schema = SCHEMAS[kind]
    if frame is None:
        return pl.DataFrame(schema=schema)
    columns = [
        (pl.col(name) if name in frame.columns else pl.lit(None).alias(name)).cast(dtype)
        for name, dtype in schema.items()
    ]
    rows = frame.select(columns).sort(KEYS[kind])
    if not rows.select(KEYS[kind]).is_unique().all():
        raise Malformed(f"{kind}: {', '.join(KEYS[kind])} stand twice")
    return rows


def digest(frame: pl.DataFrame) -> str:
    """Return the sha256 of a frame in canonical form: sorted by the caller, floats rounded."""
    rounded = frame.with_columns(pl.col(pl.Float64).round(6) + 0.0)
    return hashlib.sha256(rounded.write_csv().encode()).hexdigest()


def rules_text(rules: Routing) -> bytes:
    """Return rules and costs as JSON, each setting in it as `oms.yaml` takes it, keys sorted.

    `replan` stands in it where it is set: versions are older than the setting.
    """
    unset = {"replan"} if rules.replan is None else set()
    text = rules.model_dump(mode="json", by_alias=True, exclude=unset)
    return orjson.dumps(text, option=orjson.OPT_SORT_KEYS)


def rules_version(rules: Routing) -> str:
    """Return a short hash of rules and costs."""
    return hashlib.sha256(rules_text(rules)).hexdigest()[:16]


def present(inputs: Inputs) -> list[str]:
    """Return the kinds of frames that count: all, but for those that may be absent and are."""
    return [k for k in SCHEMAS if k not in OPTIONAL or getattr(inputs, k).height]


def inputs_hash(inputs: Inputs) -> str:
    """Return the hash of all a plan depends on; row order does not move it."""
    parts = [digest(getattr(inputs, kind)) for kind in present(inputs)]
    parts += [rules_version(inputs.rules), inputs.as_of.isoformat()]
    carriers = [
        c.model_dump(mode="json", exclude=NO_INPUT)
        for c in sorted(inputs.carriers, key=lambda c: c.id)
    ]
    parts.append(orjson.dumps(carriers, option=orjson.OPT_SORT_KEYS).decode())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
