"""Pages for people: one HTML file each, with pictures inside, that opens offline."""

import html
import os
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#222;
background:#fff}
h1{margin-bottom:0}h2{margin-top:2.5rem;border-bottom:1px solid #ddd}
.when{color:#666}table{border-collapse:collapse;margin:1rem 0}
th,td{padding:.25rem .8rem;border-bottom:1px solid #eee;text-align:left}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.table{overflow-x:auto}svg{max-width:100%;height:auto}.none{color:#666;font-style:italic}
@media(max-width:40rem){body{margin:1rem auto}th,td{padding:.25rem .5rem}
td+td:not(.n):not(.fact){min-width:14rem}
svg.drawn text{font-size:27px}svg.drawn .small{display:none}}
"""


def paragraph(text: str) -> str:
    """Return a text as a paragraph."""
    return f"<p>{html.escape(text)}</p>"


def facts(pairs: Sequence[tuple[str, Any]]) -> str:
    """Return names and what they are as a table, a row each; what is None is left out."""
    rows = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th><td class="fact">{_text(value)}</td></tr>'
        for name, value in pairs
        if value is not None
    )
    return f'<div class="table"><table>{rows}</table></div>'


def section(title: str, *parts: str) -> str:
    """Return a section with a heading."""
    return f"<h2>{html.escape(title)}</h2>" + "".join(parts)


def sheet(frame: pl.DataFrame, empty: str) -> str:
    """Return a frame as an HTML table, large numbers in groups of three digits.

    `empty` says so when there are no rows.
    """
    if frame.is_empty():
        return f'<p class="none">{html.escape(empty)}</p>'
    kinds = ["n" if kind.is_numeric() else "" for kind in frame.dtypes]
    names = [n.replace("_", " ") for n in frame.columns]
    head = _cells("th", names, kinds, ' scope="col"')
    body = "".join(f"<tr>{_cells('td', row, kinds)}</tr>" for row in frame.iter_rows())
    return f'<div class="table"><table><tr>{head}</tr>{body}</table></div>'


def rest(more: int, where: str) -> str:
    """Return how many rows a table leaves out, and where they are; nothing where it has all."""
    return f"<p>{more} more: {html.escape(where)}.</p>" if more > 0 else ""


def _cells(tag: str, values: Sequence[Any], kinds: Sequence[str], more: str = "") -> str:
    return "".join(
        f'<{tag} class="{kind}"{more}>{_text(value)}</{tag}>'
        for value, kind in zip(values, kinds, strict=True)
    )


def _text(value: Any) -> str:
    """Return a value as a cell shows it."""
    if value is None:
        return ""
    number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return f"{value:,}" if number else html.escape(str(value))


def write_page(file: Path, title: str, as_of: datetime, sections: Sequence[str]) -> None:
    """Write a page; a reader sees the old one or the new one."""
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head><body><h1>{html.escape(title)}</h1>"
        f'<p class="when">as of {as_of:%Y-%m-%d %H:%M} UTC</p>{"".join(sections)}</body></html>'
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, file)
