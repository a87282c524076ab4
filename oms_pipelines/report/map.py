"""A map of flows: locations, where their parcels go, and a scale; drawn offline, without tiles.

Equirectangular, with longitudes shortened by the cosine of the middle latitude. The land shows
as the known positions of postal codes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import cos, log10, radians

import polars as pl

from oms_pipelines.report.drawing import GRAY, WIDTH, parcels, svg, text, tip

_PAD, _LEAST, _MOST = 46, 320, 620
_DEGREE_KM = 111.195  # of latitude
_FEW = 6  # labels that a phone shows too
_GRAIN = 5  # units between dots of the land, at least
_DOTS = 6000
NAMELESS = "an area without a postal code"


@dataclass(frozen=True)
class _View:
    """From degrees to units of the picture."""

    west: float
    north: float
    across: float  # units a degree of longitude
    down: float  # units a degree of latitude
    height: float

    def at(self, longitude: float, latitude: float) -> tuple[float, float]:
        return (longitude - self.west) * self.across, (self.north - latitude) * self.down


def flow_map(
    arcs: pl.DataFrame, places: pl.DataFrame, land: pl.DataFrame, color: Mapping[str, str],
    title: str, told: str,
) -> str:  # fmt: skip
    """Return a map of arcs (see `Flows`) over land (latitude, longitude).

    `places`: location_id, latitude, longitude (known), parcels; the largest first.
    """
    view = _view(arcs, places)
    most = max(arcs["parcels"].to_list(), default=1)
    drawn = [_land(view, land)]
    drawn += [_arc(view, x, color.get(x["location_id"], GRAY), most) for x in arcs.to_dicts()[::-1]]
    drawn += _ends(view, arcs)
    drawn += _places(view, places, color)
    drawn.append(_scale(view))
    return svg(view.height, title, told, drawn, "map")


def _view(arcs: pl.DataFrame, places: pl.DataFrame) -> _View:
    """Return the view that shows all of it, as large as the picture can."""
    x = pl.concat([arcs["longitude"], places["longitude"]])
    y = pl.concat([arcs["latitude"], places["latitude"]])
    west, east, south, north = (float(v) for v in (x.min(), x.max(), y.min(), y.max()))  # ty: ignore
    shrink = max(cos(radians((south + north) / 2)), 0.05)
    wide, tall = max((east - west) * shrink, 0.5), max(north - south, 0.5)
    down = min((WIDTH - 2 * _PAD) / wide, (_MOST - 2 * _PAD) / tall)
    height = min(max(tall * down + 2 * _PAD, _LEAST), _MOST)
    across = down * shrink
    return _View(
        (west + east) / 2 - WIDTH / 2 / across,
        (south + north) / 2 + height / 2 / down,
        across,
        down,
        height,
    )


def _land(view: _View, land: pl.DataFrame) -> str:
    """Draw the land as dots on a coarse grid, however many positions are known."""
    x = (pl.col("longitude") - view.west) * view.across
    y = (view.north - pl.col("latitude")) * view.down
    dots = land.select(x=(x / _GRAIN).round() * _GRAIN, y=(y / _GRAIN).round() * _GRAIN)
    inside = pl.col("x").is_between(0, WIDTH), pl.col("y").is_between(0, view.height)
    dots = dots.filter(*inside).cast(pl.Int64).unique().sort("x", "y").head(_DOTS)
    path = dots.select(pl.format("M{} {}h0", "x", "y").str.join("")).item() if dots.height else ""
    return (
        f'<rect width="{WIDTH}" height="{view.height:.0f}" fill="#f6f7f9" rx="6"/>'
        f'<path d="{path}" stroke="#d7dbe0" stroke-width="5" stroke-linecap="round"/>'
    )


def _arc(view: _View, arc: Mapping, hue: str, most: int) -> str:
    """Draw one arc, bent to the left of its way, so that there and back are two."""
    x, y = view.at(arc["from_longitude"], arc["from_latitude"])
    z, w = view.at(arc["longitude"], arc["latitude"])
    bend_x, bend_y = (x + z) / 2 + (w - y) * 0.12, (y + w) / 2 - (z - x) * 0.12
    size = max(9 * arc["parcels"] / most, 0.8)
    words = f"{arc['location_id']} to {arc['area'] or NAMELESS}: {parcels(arc['parcels'])}"
    return (
        f'<path d="M{x:.0f} {y:.0f}Q{bend_x:.0f} {bend_y:.0f} {z:.0f} {w:.0f}" fill="none" '
        f'stroke="{hue}" stroke-opacity=".55" stroke-width="{size:.1f}" stroke-linecap="round">'
        f"{tip(words)}</path>"
    )


def _ends(view: _View, arcs: pl.DataFrame) -> list[str]:
    """Draw where parcels go, each place once."""
    ends = arcs.group_by("longitude", "latitude").agg(pl.col("area").first(), pl.sum("parcels"))
    ends = ends.sort("parcels", "longitude", "latitude", descending=[True, False, False])
    most = max(ends["parcels"].to_list(), default=1)
    shapes = []
    for longitude, latitude, area, count in ends.iter_rows():
        x, y = view.at(longitude, latitude)
        shapes.append(
            f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{1.5 + 4 * (count / most) ** 0.5:.1f}" '
            f'fill="#333" fill-opacity=".6">{tip(f"{area or NAMELESS}: {parcels(count)}")}</circle>'
        )
    return shapes


def _places(view: _View, places: pl.DataFrame, color: Mapping[str, str]) -> list[str]:
    """Draw the locations, and the names of those that have room for one."""
    shapes, names, taken = [], [], []
    for i, (name, latitude, longitude, count) in enumerate(places.iter_rows()):
        x, y = view.at(longitude, latitude)
        fill = color.get(name, GRAY) if count else "#fff"
        shapes.append(
            f'<rect x="{x - 6:.0f}" y="{y - 6:.0f}" width="12" height="12" rx="2" fill="{fill}" '
            f'stroke="{"#fff" if count else GRAY}" stroke-width="2">'
            f"{tip(f'{name}: {parcels(count)}')}</rect>"
        )
        words, few = f"{name} {count:,}", i < _FEW
        box = _room(x, y, len(words) * (15 if few else 7.5), 28 if few else 15, view, taken)
        if box is not None:
            taken.append(box)
            right = box[0] > x
            edge = x + 11 if right else x - 11
            names.append(text(edge, (box[1] + box[3]) / 2 + 5, words,
                              "start" if right else "end", "" if few else "small"))  # fmt: skip
    return [*shapes, *names]


_Box = tuple[float, float, float, float]


def _room(
    x: float, y: float, wide: float, tall: float, view: _View, taken: list[_Box]
) -> _Box | None:
    """Return a box for a label beside a point that meets no other; None where there is none."""
    boxes: list[_Box] = [
        (left, y - tall / 2 + shift, left + wide, y + tall / 2 + shift)
        for shift in (0, -tall * 0.8, tall * 0.8)
        for left in (x + 8, x - 8 - wide)
    ]
    for a, b, c, d in boxes:
        inside = a >= 0 and c <= WIDTH and b >= 0 and d <= view.height
        if inside and not any(a < g and e < c and b < h and f < d for e, f, g, h in taken):
            return a, b, c, d
    return None


def _scale(view: _View) -> str:
    """Draw a bar of a round number of kilometers, about a sixth of the picture at most."""
    unit = _DEGREE_KM / view.down  # kilometers a unit
    aim = WIDTH / 6 * unit
    power = 10 ** int(log10(aim)) if aim >= 1 else 1
    km = max((x * power for x in (1, 2, 5) if x * power <= aim), default=1)
    x, y = WIDTH - 20, view.height - 16
    return (
        f'<path d="M{x - km / unit:.1f} {y - 5:.0f}v5H{x}v-5" fill="none" stroke="#444" '
        f'stroke-width="2"/>' + text(x, y - 9, f"{km} km", "end")
    )
