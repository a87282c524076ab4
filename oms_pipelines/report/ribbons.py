"""A picture of flows through columns of names: ribbons as wide as what flows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from oms_pipelines.report.drawing import GRAY, WIDTH, parcels, svg, text, tip

MOST = 14  # names of a column; the others are one
_BAR, _PITCH, _TOP, _TALL = 12, 32, 40, 300


@dataclass(frozen=True)
class _Node:
    x: float
    y: float  # its upper edge
    size: float
    value: int


def ribbons(
    flows: pl.DataFrame, columns: Sequence[str], color: Mapping[str, str], title: str, told: str
) -> str:
    """Return a picture of `parcels` through the names in some columns, left to right.

    Ribbons have the color of their name in the second column.
    """
    frame = flows
    for column in columns:
        frame = _fewer(frame, column)
    total = max(int(frame["parcels"].sum()), 1)
    nodes = [_column(frame, c, i, len(columns), total) for i, c in enumerate(columns)]
    drawn = [
        shape
        for i in range(len(columns) - 1)
        for shape in _between(frame, columns, i, nodes, color, _TALL / total)
    ]
    for i, column in enumerate(nodes):
        last = i == len(nodes) - 1
        x = WIDTH - _BAR if last else next(iter(column.values())).x
        drawn.append(text(x + (_BAR if last else 0), 20, columns[i], "end" if last else "start"))
        drawn += [_bar(name, node, color.get(name, GRAY), last) for name, node in column.items()]
    height = max(n.y + max(n.size, _PITCH) for column in nodes for n in column.values()) + 8
    return svg(height, title, told, drawn, "flow")


def _fewer(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """Call all but the largest names of a column by one name; null is unknown."""
    named = frame.with_columns(pl.col(column).fill_null("unknown"))
    by = named.group_by(column).agg(pl.col("parcels").sum())
    by = by.sort("parcels", column, descending=[True, False])
    if len(by) > MOST + 1:
        rest = f"{len(by) - MOST} others"
        kept = pl.col(column).is_in(by[column].head(MOST).to_list())
        named = named.with_columns(pl.when(kept).then(column).otherwise(pl.lit(rest)).alias(column))
    return named


def _column(frame: pl.DataFrame, column: str, at: int, of: int, total: int) -> dict[str, _Node]:
    """Place the names of a column, the largest on top."""
    by = frame.group_by(column).agg(pl.col("parcels").sum())
    by = by.sort("parcels", column, descending=[True, False])
    x, y, found = at * (WIDTH - _BAR) / (of - 1), float(_TOP), {}
    for name, value in by.iter_rows():
        size = value * _TALL / total
        found[name] = _Node(x, y, max(size, 1), value)
        y += max(size + 6, _PITCH)
    return found


def _between(
    frame: pl.DataFrame, columns: Sequence[str], at: int, nodes: Sequence[Mapping[str, _Node]],
    color: Mapping[str, str], scale: float,
) -> list[str]:  # fmt: skip
    """Draw the ribbons from one column to the next, those of a name side by side."""
    left, right = columns[at : at + 2]
    by = frame.group_by(left, right).agg(pl.col("parcels").sum()).rows()
    order = [{name: i for i, name in enumerate(column)} for column in nodes]
    by.sort(key=lambda x: (order[at][x[0]], order[at + 1][x[1]]))
    starts = {name: n.y for name, n in nodes[at].items()}
    ends = {name: n.y for name, n in nodes[at + 1].items()}
    shapes = []
    for one, two, value in by:
        size = value * scale
        a, b = nodes[at][one].x + _BAR, nodes[at + 1][two].x
        y, z, middle = starts[one] + size / 2, ends[two] + size / 2, (a + b) / 2
        starts[one] += size
        ends[two] += size
        hue = color.get(one if at else two, GRAY)
        shapes.append(
            f'<path d="M{a:.0f} {y:.1f}C{middle:.0f} {y:.1f} {middle:.0f} {z:.1f} {b:.0f} {z:.1f}" '
            f'fill="none" stroke="{hue}" stroke-opacity=".35" stroke-width="{max(size, 0.7):.1f}">'
            f"{tip(f'{one} to {two}: {parcels(value)}')}</path>"
        )
    return shapes


def _bar(name: str, node: _Node, hue: str, last: bool) -> str:
    x = node.x - 6 if last else node.x + _BAR + 6
    words = text(x, node.y + max(node.size / 2, 7) + 5, f"{name}  {node.value:,}",
                 "end" if last else "start")  # fmt: skip
    return (
        f'<rect x="{node.x:.0f}" y="{node.y:.1f}" width="{_BAR}" height="{node.size:.1f}" '
        f'fill="{hue}">{tip(f"{name}: {parcels(node.value)}")}</rect>{words}'
    )
