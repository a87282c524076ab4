"""Reference data that oms.yaml names: SKUs, the SKU map, kits, locations."""

from datetime import datetime
from pathlib import Path

import polars as pl

from oms_pipelines.config import Oms
from oms_pipelines.consolidate.kits import KITS, kit_faults, replace_kits
from oms_pipelines.consolidate.resolve import resolve
from oms_pipelines.errors import Malformed, Misconfigured
from oms_pipelines.logistics.csvfile import cast, read
from oms_pipelines.logistics.profiles import Field, Profile
from oms_pipelines.schema import columns_of
from oms_pipelines.store import Session, Store
from oms_pipelines.store.frames import dtypes
from oms_pipelines.touched import touch

SKUS = Profile(
    name="skus",
    kind="skus",
    doc="What the merchant sells and ships.",
    delimiter=",",
    decimal=".",
    fields=(
        Field("sku", "key", "the merchant's own identifier"),
        Field("title", "text", "what people call it", required=False),
        Field("weight_g", "units", "grams a unit", required=False),
        Field("value", "decimal", "for control totals and customs, a unit", required=False),
        Field("currency", "key", "ISO 4217, of the value", required=False),
        Field("class", "key", "group that settings name", required=False, optional=True),
    ),
)
SKU_MAP = Profile(
    name="sku_map",
    kind="sku_map",
    doc="Channel SKU to SKU, where they differ.",
    delimiter=",",
    min_rows=0,
    fields=(
        Field("channel_id", "key", "the channel"),
        Field("channel_sku", "key", "as the channel writes it"),
        Field("sku", "key", "the merchant's"),
        Field("units_per", "units", "SKU units in one sold unit", minimum=1),
    ),
)


def load_reference(store: Store, oms: Oms, now: datetime) -> int:
    """Bring SKUs, the SKU map, kits and locations up to oms.yaml; return rows changed.

    Lines resolve anew when the map or the SKUs changed, known `now`. Raises Misconfigured,
    naming the file and line of every fault.
    """
    skus = _table(oms.catalog.skus, "catalog.skus", SKUS)
    sku_map = _table(oms.catalog.sku_map, "catalog.sku_map", SKU_MAP)
    kits = _kits(oms, skus)
    with store.session() as session:
        changed = session.upsert("skus", _rows(skus, SKUS)) if skus is not None else 0
        if changed:
            touch(session, None)  # safety stock hangs on classes
        if sku_map is not None:
            changed += _replace_map(session, _rows(sku_map, SKU_MAP))
        if changed:
            resolve(session, now)
        if kits is not None and skus is not None:
            changed += replace_kits(session, kits, skus, now)
        return changed + session.upsert("locations", _locations(oms))


def catalog_classes(oms: Oms) -> set[str] | None:
    """Return the classes that the catalog has; None where there is no catalog to read.

    Raises Misconfigured, naming the file and line of every fault.
    """
    skus = _table(oms.catalog.skus, "catalog.skus", SKUS)
    return None if skus is None else set(skus["class"].drop_nulls())


def check_kits(oms: Oms) -> None:
    """Refuse kits of the catalog that cannot be. Raises Misconfigured as `load_reference` does."""
    _kits(oms, _table(oms.catalog.skus, "catalog.skus", SKUS))


def _kits(oms: Oms, skus: pl.DataFrame | None) -> pl.DataFrame | None:
    path, setting = oms.catalog.kits, "catalog.kits"
    kits = _table(path, setting, KITS)
    if kits is None:
        return None
    if skus is None:
        raise Misconfigured([f"{setting}: name catalog.skus too; components are SKUs of it"])
    faults = [f"{setting}: {path}, {fault}" for fault in kit_faults(kits, skus)]
    if faults:
        raise Misconfigured(faults)
    return _rows(kits, KITS)


def _replace_map(session: Session, sku_map: pl.DataFrame) -> int:
    session.frame("tmp_sku_map", sku_map)
    changed = session.run("consolidate/forget_maps") + session.upsert("sku_map", sku_map)
    if changed:
        touch(session, None)
    return changed


def _table(path: str | None, setting: str, profile: Profile) -> pl.DataFrame | None:
    if path is None:
        return None
    try:
        body = Path(path).read_bytes()
    except OSError as e:
        raise Misconfigured([f"{setting}: {path} cannot be read ({type(e).__name__})"]) from None
    try:
        found = cast(read(body, profile, path), profile)
    except Malformed as e:
        raise Misconfigured([f"{setting}: {e}"]) from None
    faults = [f"{setting}: {path}, {reason}" for reason in found.rejected["reason"]]
    key = [f.name for f in profile.fields if f.name in _KEYS[profile.name]]
    twice = found.accepted.filter(pl.struct(key).is_duplicated())["line"]
    faults += [f"{setting}: {path}, line {n}: {', '.join(key)} stand twice" for n in twice]
    if faults:
        raise Misconfigured(faults)
    return found.accepted


_KEYS = {
    "skus": {"sku"},
    "sku_map": {"channel_id", "channel_sku"},
    "kits": {"kit_sku", "sku"},
}


def _rows(table: pl.DataFrame, profile: Profile) -> pl.DataFrame:
    return table.select(columns_of(profile.name))


def _locations(oms: Oms) -> pl.DataFrame:
    rows = [
        {
            "location_id": x.id,
            "kind": x.kind,
            "country": x.address.country,
            "postal_code": x.address.postal_code,
            "latitude": x.address.latitude,
            "longitude": x.address.longitude,
            "capacity": x.capacity,
            "cut_off": x.cut_off,
            "ships": x.ships,
            "collects": x.collects,
            "handling_cost": x.handling_cost,
        }
        for x in oms.locations
    ]
    types = dtypes("locations")
    frame = pl.DataFrame(rows, schema={**types, "handling_cost": pl.Float64})
    return frame.cast(pl.Schema(types))
