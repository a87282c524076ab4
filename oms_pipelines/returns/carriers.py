"""Who carries a return, by the ids of `oms.yaml`, however a source spells them.

Case, accents, blanks and punctuation make no other name, nor does an alias of `carriers`. A
name that is nobody's stays as it was said, and is listed as unknown.
"""

from collections.abc import Iterable, Mapping

import polars as pl

from oms_pipelines.config import Carrier
from oms_pipelines.setting_types import folded


def crosswalk(carriers: Iterable[Carrier]) -> dict[str, str]:
    """Return the ids of carriers by their folded ids and aliases."""
    return {folded(name): c.id for c in carriers for name in (c.id, *c.aliases)}


def carrier_ids(rows: pl.DataFrame, carriers: Iterable[Carrier]) -> pl.DataFrame:
    """Return rows with the carriers' ids in `carrier_id`, where they are known."""
    known = crosswalk(carriers)
    said: Mapping[str, str] = {
        name: known.get(folded(name), name) for name in rows["carrier_id"].drop_nulls().unique()
    }
    return rows.with_columns(pl.col("carrier_id").replace(said))


def listed(daily: pl.DataFrame, carriers: Iterable[Carrier]) -> pl.DataFrame:
    """Return statistics for people: a carrier that is none of these is `unknown: NAME`."""
    ids = [c.id for c in carriers]
    known = pl.col("carrier").is_null() | pl.col("carrier").is_in(ids)
    told = pl.when(known).then("carrier").otherwise(pl.format("unknown: {}", "carrier"))
    return daily.with_columns(told.alias("carrier"))
