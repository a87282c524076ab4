"""Read what a plan depends on from the store, and keep it for replay."""

import shutil
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import orjson
import polars as pl
from pydantic import ValidationError

from oms_pipelines.channels import open_channel
from oms_pipelines.config import Carrier, Oms, Routing, as_time
from oms_pipelines.errors import Malformed
from oms_pipelines.routing.calendar import Calendar, ship_by
from oms_pipelines.routing.holding import open_and_held, with_held
from oms_pipelines.routing.model import (
    LOCATIONS,
    NO_INPUT,
    OPTIONAL,
    SCHEMAS,
    Inputs,
    Plan,
    conform,
    present,
)
from oms_pipelines.routing.positions import load_positions
from oms_pipelines.routing.saved import was_erased
from oms_pipelines.routing.solve import plan
from oms_pipelines.stock.terms import read_terms, routable
from oms_pipelines.store.base import Session


def read_inputs(session: Session, oms: Oms, now: datetime) -> Inputs:
    """Return what is open now: lines, refusals, stock to route from, locations, rules.

    Stock is what is sellable and not expired, less the safety stock and the store reserve of
    the location, and the routing's own safety stock. With `routing.replan`, what was planned and
    stands in no dispatch file is `held`, and all else is as if it were not given. Positions of
    customers are kept to 0.01 degree, postal codes to five characters (more can name a house): a
    plan is stored, and need not know the door.
    """
    lines, held = open_and_held(session, oms, now)
    lines = coarse(lines.join(capabilities(oms), on="channel_id", how="left"))
    skus = lines.select("sku").unique().sort("sku")
    session.frame("tmp_routing_skus", skus)
    sellable = with_held(session.query("routing/sellable").rename({"available": "quantity"}), held)
    stock = routable(sellable, oms, read_terms(session, oms, now, skus))
    return Inputs(
        lines=conform(lines, "lines"),
        refused=conform(session.query("routing/refusals"), "refused"),
        stock=conform(stock.rename({"quantity": "available"}), "stock"),
        locations=conform(_locations(session, oms, now, held), "locations"),
        positions=conform(load_positions(oms.routing.postal_codes), "positions"),
        rules=oms.routing,
        carriers=frozen_carriers(oms),
        as_of=now,
        held=conform(held, "held"),
    )


def coarse(lines: pl.DataFrame) -> pl.DataFrame:
    """Return lines whose customers' positions tell no door."""
    return lines.with_columns(
        pl.col("latitude", "longitude").round(2), pl.col("postal_code").str.head(5)
    )


def frozen_carriers(oms: Oms) -> tuple[Carrier, ...]:
    """Return the carriers as they are kept with a plan: what they cost, and no secret."""
    return tuple(c.model_copy(update={"credentials": {}, "url": ""}) for c in oms.carriers)


def capabilities(oms: Oms) -> pl.DataFrame:
    """Return which channels can express several parcels, of an order and of one line."""
    words = ("several_parcels", "several_parcels_per_line")
    rows = [
        (c.id, *(getattr(open_channel(c, oms.profiles).capabilities, word) for word in words))
        for c in oms.channels
    ]
    schema = {"channel_id": pl.String, **dict.fromkeys(words, pl.Boolean)}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _locations(session: Session, oms: Oms, now: datetime, held: pl.DataFrame) -> pl.DataFrame:
    """Return the locations with the orders their next shipping day still takes."""
    booked = session.query("routing/booked", since=now - timedelta(days=1))
    count = {(place, at): n for place, at, n in booked.rows()}
    parts = held.unique("fo_id").group_by("location_id", "ship_by").len()
    for place, at, n in parts.rows():
        count[place, at] = count.get((place, at), 0) - n
    return location_rows(
        oms,
        {
            x.id: count.get((x.id, ship_by(now, x.cut_off, Calendar.of(x))), 0)
            for x in oms.locations
        },
    )


def location_rows(oms: Oms, booked: Mapping[str, int] | None = None) -> pl.DataFrame:
    """Return the locations, with the capacity that orders booked for that day leave."""
    booked = booked or {}
    rows = [
        {
            "location_id": x.id, "kind": x.kind, "country": x.address.country,
            "postal_code": x.address.postal_code, "latitude": x.address.latitude,
            "longitude": x.address.longitude, "cut_off": x.cut_off, "ships": x.ships,
            "collects": x.collects, "handling_cost": x.handling_cost, "capacity": x.capacity,
            **dict(zip(("working_days", "holidays"), Calendar.of(x).texts(), strict=True)),
            "capacity_left": None if x.capacity is None
            else max(x.capacity - booked.get(x.id, 0), 0),
        }
        for x in oms.locations
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=LOCATIONS)


def save_inputs(folder: str | Path, inputs: Inputs) -> Path:
    """Write inputs as Parquet and JSON, whole or not at all. Return the folder.

    A folder that is there already holds the same inputs, and stays.
    """
    folder = Path(folder)
    if folder.is_dir():
        return folder
    part = folder.with_name(f"{folder.name}.tmp")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for kind in present(inputs):
        getattr(inputs, kind).write_parquet(part / f"{kind}.parquet")
    settings = {
        "as_of": inputs.as_of.isoformat(),
        "rules": inputs.rules.model_dump(mode="json", by_alias=True),
        "carriers": [
            c.model_dump(mode="json", by_alias=True, exclude=NO_INPUT) for c in inputs.carriers
        ],
    }
    (part / "settings.json").write_bytes(orjson.dumps(settings))
    part.rename(folder)
    return folder


def load_inputs(folder: str | Path) -> Inputs:
    """Read inputs back. Raises Malformed when the folder is not whole."""
    folder = Path(folder)
    try:
        settings = orjson.loads((folder / "settings.json").read_bytes())
        frames = {
            kind: conform(pl.read_parquet(folder / f"{kind}.parquet"), kind)
            for kind in SCHEMAS
            if kind not in OPTIONAL or (folder / f"{kind}.parquet").exists()
        }
        return Inputs(
            **frames,
            rules=Routing.model_validate(settings["rules"]),
            carriers=tuple(Carrier.model_validate(c) for c in settings["carriers"]),
            as_of=as_time(settings["as_of"]),
        )
    except ValidationError as e:
        where = ".".join(str(x) for x in e.errors()[0]["loc"])
        raise Malformed(
            f"{folder.name}: inputs of a plan hold what this release does not take: {where}"
        ) from None
    except (OSError, KeyError, ValueError, pl.exceptions.PolarsError) as e:
        raise Malformed(
            f"{folder.name}: inputs of a plan are not whole ({type(e).__name__})"
        ) from e


def verify(folder: Path) -> dict[str, object]:
    """Plan stored inputs again; return plan, lines, `again` and error.

    `again` is `same` where the plan is the one that was made, `erased` where somebody was
    erased from its inputs since, so that nothing can be said; else `differs`, or `unreadable`.
    """
    try:
        made, gone = replay(folder), was_erased(folder)
    except Malformed as e:
        return {"plan": folder.name, "lines": None, "again": "unreadable", "error": str(e)}
    same = "same" if made.plan_id == folder.name else "differs"
    return {
        "plan": folder.name, "lines": made.lines, "again": "erased" if gone else same,
        "error": None,
    }  # fmt: skip


def replay(folder: str | Path) -> Plan:
    """Plan again from stored inputs."""
    return plan(load_inputs(folder))
