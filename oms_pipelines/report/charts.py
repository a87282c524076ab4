"""Charts for pages, as SVG. Apart from the pages, since drawing takes seconds to import."""

from typing import Any

import altair as alt
import polars as pl


def bars(frame: pl.DataFrame, x: str, y: str, title: str) -> alt.Chart:
    """Return a horizontal bar chart of one number by one word, longest first."""
    return (
        _bars(frame, title)
        .encode(
            x=alt.X(f"{x}:Q", title=x.replace("_", " ")), y=alt.Y(f"{y}:N", sort="-x", title="")
        )
        .properties(width=620)
    )


def stacked(frame: pl.DataFrame, x: str, y: str, color: str, title: str) -> alt.Chart:
    """Return bars over days, stacked by a word."""
    return (
        _bars(frame, title)
        .encode(
            x=alt.X(f"{x}:O", title=""),
            y=alt.Y(f"sum({y}):Q", title=y.replace("_", " ")),
            color=alt.Color(f"{color}:N", title=color.replace("_", " ")),
        )
        .properties(width=620, height=240)
    )


def curves(line: pl.DataFrame, held: pl.DataFrame) -> Any:
    """Return expected oversells against expected lost sales, a curve a channel, what holds on it.

    Both frames have channel_id, expected_lost and expected_oversells.
    """
    place = {
        "x": alt.X("expected_lost:Q", title="expected lost sales, units"),
        "y": alt.Y("expected_oversells:Q", title="expected oversells, units"),
        "color": alt.Color("channel_id:N", title="channel"),
    }
    drawn: Any = alt.Chart(alt.Data(values=_plain(line)), title="Frontier of the buffers")
    points: Any = alt.Chart(alt.Data(values=_plain(held)))
    return alt.layer(
        drawn.mark_line(point=True).encode(**place, order=alt.Order("risk:Q")),
        points.mark_point(size=180, filled=True).encode(**place),
    ).properties(width=620, height=320)


def lines(frame: pl.DataFrame, x: str, y: str, color: str, title: str) -> Any:
    """Return one number over days, a line a word; a day alone is a point."""
    drawn: Any = alt.Chart(alt.Data(values=_plain(frame)), title=title)
    return (
        drawn.mark_line(point=True)
        .encode(
            x=alt.X(f"{x}:T", title=""),
            y=alt.Y(f"{y}:Q", title=title, scale=alt.Scale(zero=False)),
            color=alt.Color(f"{color}:N", title=color.replace("_", " ")),
        )
        .properties(width=620, height=220)
    )


def grouped(frame: pl.DataFrame, x: str, y: str, color: str, title: str) -> Any:
    """Return bars of one number by two words, those of one `x` side by side."""
    return (
        _bars(frame, title)
        .encode(
            x=alt.X(f"{x}:N", title=""),
            xOffset=alt.XOffset(f"{color}:N"),
            y=alt.Y(f"{y}:Q", title=y.replace("_", " ")),
            color=alt.Color(f"{color}:N", title=color.replace("_", " ")),
        )
        .properties(width=620, height=240)
    )


def intervals(frame: pl.DataFrame, value: str, row: str, color: str, title: str) -> Any:
    """Return, a row each with a scale of its own, a number, its interval, and nothing as a line.

    The interval is in columns `<value>_low` and `<value>_high`.
    """
    place: dict[str, Any] = {
        "y": alt.Y(f"{color}:N", title=""),
        "color": alt.Color(f"{color}:N", title=color.replace("_", " ")),
    }
    drawn: Any = alt.Chart()
    low = alt.X(f"{value}_low:Q", title="", scale=alt.Scale(zero=True))
    layers = alt.layer(
        drawn.mark_rule(strokeWidth=3).encode(x=low, x2=f"{value}_high:Q", **place),
        drawn.mark_point(filled=True, size=80).encode(x=f"{value}:Q", **place),
        drawn.mark_rule(strokeDash=[4, 4], color="#888").encode(x=alt.datum(0)),
        data=alt.Data(values=_plain(frame)),
    ).properties(width=520)
    faceted: Any = layers.facet(row=alt.Row(f"{row}:N", title="", header=_UPRIGHT), title=title)
    return faceted.resolve_scale(x="independent")


_UPRIGHT = alt.Header(labelAngle=0, labelAlign="left")


def _bars(frame: pl.DataFrame, title: str) -> Any:
    return alt.Chart(alt.Data(values=_plain(frame)), title=title).mark_bar()


def _plain(frame: pl.DataFrame) -> list[dict]:
    return frame.with_columns(pl.col(pl.Date).cast(pl.String)).to_dicts()


def picture(chart: alt.Chart) -> str:
    """Return a chart as SVG text."""
    import vl_convert

    return vl_convert.vegalite_to_svg(chart.to_dict())
