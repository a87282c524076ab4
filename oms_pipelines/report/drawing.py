"""What pictures drawn by hand share: the frame of an SVG, colors, numbers, texts.

Sizes are in units of the picture. Everything stands in attributes, so that a picture is whole
outside of its page too; where a page is narrow its style makes the texts larger.
"""

import html
from collections.abc import Sequence

WIDTH = 860
GRAY = "#8a8f98"
_COLORS = (
    "#4c78a8", "#e4813a", "#54a24b", "#c44e52", "#8562a8", "#9d755d", "#d0639c", "#3a9c9c",
    "#a58a14", "#5a6b7d",
)  # fmt: skip


def colors(names: Sequence[str]) -> dict[str, str]:
    """Return a color for each name; past ten they come again."""
    return {name: _COLORS[i % len(_COLORS)] for i, name in enumerate(names)}


def svg(height: float, title: str, told: str, parts: Sequence[str], key: str) -> str:
    """Return a picture of `WIDTH` by `height`, with what it shows in words.

    `key` tells its ids from those of other pictures of a page.
    """
    return (
        f'<svg class="drawn" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'width="{WIDTH}" height="{height:.0f}" role="img" '
        f'aria-labelledby="{key}-title {key}-desc" font-family="system-ui,sans-serif" '
        f'font-size="13" fill="#222"><title id="{key}-title">{html.escape(title)}</title>'
        f'<desc id="{key}-desc">{html.escape(told)}</desc>{"".join(parts)}</svg>'
    )


def text(x: float, y: float, words: str, anchor: str = "start", kind: str = "") -> str:
    """Return a text that stays readable over lines; those of kind `small` hide on a phone."""
    named = f' class="{kind}"' if kind else ""
    return (
        f'<text{named} x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" stroke="#fff" '
        f'stroke-width="4" stroke-linejoin="round" paint-order="stroke">{html.escape(words)}</text>'
    )


def tip(words: str) -> str:
    """Return what a pointer over a shape is told."""
    return f"<title>{html.escape(words)}</title>"


def parcels(number: int) -> str:
    """Return a number of parcels in words."""
    return f"{number:,} parcel{'' if number == 1 else 's'}"
