"""Where the parcels of a plan go, coarsely: by cells of a grid that show nobody's door.

A cell is a quarter of a degree at least (some 25 km) and drawn at its middle, so that one parcel
alone in it does not tell where its customer lives either.
"""

from dataclasses import dataclass

import polars as pl

CELLS = (0.25, 0.5, 1.0, 2.0)  # degrees
ARCS = 300  # that a picture may have
_EDGE = 0.01  # share of parcels that may lie beyond the frame on each side
_MARGIN = 0.3  # of the frame's size, that what lies there is still drawn


@dataclass(frozen=True)
class Flows:
    """Parcels by location and cell, and those that no arc shows.

    `arcs`: location_id, from_latitude, from_longitude, latitude, longitude (of the middle of the
    cell), area (the most frequent in the cell), parcels; the largest first. The arcs' parcels and
    the five numbers make all parcels of the plan.
    """

    arcs: pl.DataFrame
    cell: float
    collected: int  # by the customer
    nowhere: int  # the destination's position is unknown
    unplaced: int  # the location's position is unknown
    beyond: int  # far outside of where all others go
    small: int  # of the arcs past the largest `ARCS`


def flows(parts: pl.DataFrame, places: pl.DataFrame) -> Flows:
    """Return the flows of parts (see `Planned`) from places with latitude and longitude."""
    spots = places.select(
        "location_id", from_latitude="latitude", from_longitude="longitude"
    )  # fmt: skip
    sent = parts.filter(~pl.col("collected")).join(spots, on="location_id", how="left")
    there = sent.filter(_known("latitude", "longitude"))
    placed = there.filter(_known("from_latitude", "from_longitude"))
    near = placed.filter(_within(placed))
    cell, arcs = _arcs(near)
    return Flows(
        arcs.head(ARCS),
        cell,
        collected=len(parts) - len(sent),
        nowhere=len(sent) - len(there),
        unplaced=len(there) - len(placed),
        beyond=len(placed) - len(near),
        small=int(arcs["parcels"][ARCS:].sum()),
    )


def _known(*columns: str) -> pl.Expr:
    return pl.all_horizontal(pl.col(columns).is_not_null())


def _within(placed: pl.DataFrame) -> pl.Expr:
    """Tell which destinations lie in the frame that holds all but the outermost, or near it."""
    inside = []
    for column in ("latitude", "longitude"):
        ends = pl.concat([placed[column], placed[f"from_{column}"]])
        if ends.is_empty():
            return pl.lit(True)
        low, high = (ends.quantile(x, "nearest") or 0.0 for x in (_EDGE, 1 - _EDGE))
        more = max(_MARGIN * (high - low), 1.0)
        inside.append(pl.col(column).is_between(low - more, high + more))
    return pl.all_horizontal(inside)


def _arcs(near: pl.DataFrame) -> tuple[float, pl.DataFrame]:
    """Return the arcs in the finest grid that has few enough, the largest first."""
    keys = ["location_id", "from_latitude", "from_longitude", "latitude", "longitude"]
    cell, arcs = 0.0, pl.DataFrame()
    for cell in CELLS:
        middle = (pl.col("latitude", "longitude") / cell).floor() * cell + cell / 2
        placed = near.with_columns(middle)
        area = pl.col("area").drop_nulls().mode().min()
        names = placed.group_by("latitude", "longitude").agg(area.alias("area"))
        arcs = placed.group_by(keys).agg(pl.len().cast(pl.Int64).alias("parcels"))
        if len(arcs) <= ARCS:
            break
    arcs = arcs.join(names, on=["latitude", "longitude"], how="left")
    return cell, arcs.sort("parcels", *keys, descending=[True] + [False] * len(keys))
