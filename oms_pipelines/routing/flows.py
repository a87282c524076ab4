"""Where the parcels of a plan go, coarsely: by cells of a grid that show nobody's door.

A cell is a quarter of a degree at least (some 25 km). It is drawn in the middle of the postal
areas known in it, else in its own, whoever lives there: one parcel alone does not tell where.
"""

from dataclasses import dataclass

import polars as pl

CELLS = (0.25, 0.5, 1.0, 2.0)  # degrees
ARCS = 300  # that a picture may have
_CLEAR = 150  # a coarser grid is taken where it has more
_EDGE = 0.05  # share of ends that the frame is not fitted to, on each side
_MARGIN = 1.0  # of the frame's size, that what lies there is still drawn
_LEAST = 2.0  # degrees of it


@dataclass(frozen=True)
class Flows:
    """Parcels by location and cell, and those that no arc shows.

    `arcs`: location_id, from_latitude, from_longitude, latitude, longitude (where the cell is
    drawn), area (the most frequent in the cell), parcels; the largest first. The arcs' parcels and
    the five numbers make all parcels of the plan.
    """

    arcs: pl.DataFrame
    cell: float
    collected: int  # by the customer
    nowhere: int  # the destination's position is unknown
    unplaced: int  # the location's position is unknown
    beyond: int  # from or to a place far from all others
    small: int  # of the arcs past the largest `ARCS`


def flows(parts: pl.DataFrame, places: pl.DataFrame, land: pl.DataFrame) -> Flows:
    """Return the flows of parts (see `Planned`) from places, all with latitude and longitude.

    `land`: the known positions of postal areas.
    """
    spots = places.select(
        "location_id", from_latitude="latitude", from_longitude="longitude"
    )  # fmt: skip
    sent = parts.filter(~pl.col("collected")).join(spots, on="location_id", how="left")
    there = sent.filter(_known("latitude", "longitude"))
    placed = there.filter(_known("from_latitude", "from_longitude"))
    near = placed.filter(_within(placed))
    cell, arcs = _arcs(near, land)
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
    """Tell which parcels stay where nearly all of them do: an island far away shrinks no map."""
    inside = [pl.lit(True)]
    for column in ("latitude", "longitude"):
        ends = pl.concat([placed[column], placed[f"from_{column}"]])
        low, high = (ends.quantile(x, "nearest") for x in (_EDGE, 1 - _EDGE))
        if low is None or high is None:
            continue
        more = max(_MARGIN * (high - low), _LEAST)
        inside.append(pl.col(column, f"from_{column}").is_between(low - more, high + more))
    return pl.all_horizontal(inside)


def _arcs(near: pl.DataFrame, land: pl.DataFrame) -> tuple[float, pl.DataFrame]:
    """Return the arcs in the finest grid that has few enough, the largest first."""
    keys = ["location_id", "from_latitude", "from_longitude"]
    cell, placed, arcs = 0.0, near, near
    for cell in CELLS:
        placed = near.with_columns(_cell(cell))
        arcs = placed.group_by(*keys, "y", "x").agg(pl.len().cast(pl.Int64).alias("parcels"))
        if len(arcs) <= _CLEAR:
            break
    names = placed.group_by("y", "x").agg(pl.col("area").drop_nulls().mode().min())
    middles = land.group_by(_cell(cell)).agg(pl.col("latitude", "longitude").mean())
    drawn = [
        pl.coalesce(c, (pl.col(at) + 0.5) * cell).alias(c)
        for c, at in (("latitude", "y"), ("longitude", "x"))
    ]
    arcs = arcs.join(names, on=["y", "x"]).join(middles, on=["y", "x"], how="left")
    arcs = arcs.sort("parcels", "location_id", "y", "x", descending=[True, False, False, False])
    return cell, arcs.select(*keys, *drawn, "area", "parcels")


def _cell(size: float) -> list[pl.Expr]:
    """Return the number of a position's cell, to the north and to the east."""
    return [
        (pl.col(c) / size).floor().cast(pl.Int64).alias(at)
        for c, at in (("latitude", "y"), ("longitude", "x"))
    ]
