"""Data Docs that open offline: pages of Great Expectations without what they fetch.

As shipped, a page loads style, scripts and a picture from elsewhere, and its index is empty
without them. What is kept is the content; the style is one of our own, in the page.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

import polars as pl

_FETCHED = re.compile(
    r"<script\b.*?</script\s*>|<noscript\b.*?</noscript\s*>|<style\b.*?</style\s*>"
    r"|<iframe\b.*?</iframe\s*>|<(?:link|img|source|meta)\b[^>]*>|<!--.*?-->",
    re.DOTALL | re.IGNORECASE,
)
_LEADS_OUT = re.compile(r"""\s(?:src|href|action|data-[a-z-]+)=(?:"(?!#)[^"]*"|'(?!#)[^']*')""")
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;
color:#222;background:#fff}
table{border-collapse:collapse;width:100%;margin:1rem 0}
th,td{border-bottom:1px solid #ddd;padding:.4rem .6rem;text-align:left;vertical-align:top}
.open{color:#0a6b2d}.shut{color:#a11212;font-weight:600}
.badge{background:#eef;border-radius:.3rem;padding:0 .3rem}
h1,h2,h3{font-weight:600}a{color:#0b5cad}
.fa-check-circle::before{content:"✓";color:#0a6b2d}
.fa-times::before{content:"✗";color:#a11212}
.fa-exclamation-triangle::before{content:"!";color:#a11212}
.d-none,.modal,.navbar,nav,button,input,label,[data-toggle],.collapse{display:none}
"""


def write_page(folder: Path, table: str, failed: Sequence[str], result: Any) -> Path:
    """Write the page of one table: what failed, then the validation result as it is shipped."""
    from great_expectations.render.renderer import ValidationResultsPageRenderer
    from great_expectations.render.view import DefaultJinjaPageView

    for one in result.results:
        # it tells a stack and a statement, which is for nobody who reads this page
        one.exception_info = {"raised_exception": False}
    content = DefaultJinjaPageView().render(ValidationResultsPageRenderer().render(result))
    verdict = "shut" if failed else "open"
    told = "".join(f"<li>{escape(one)}</li>" for one in failed)
    head = (
        f'<p><a href="index.html">All gates</a></p><h1>{escape(table)}: '
        f'<span class="{verdict}">{verdict}</span></h1><ul>{told}</ul>'
    )
    return _write(folder / f"{table}.html", table, head + _body(offline(content)))


def write_index(folder: Path, gates: pl.DataFrame, now: datetime) -> Path:
    """Write the first page: every gate, its verdict, and what failed. Columns as in `gates`."""
    rows = [
        f'<tr><td><a href="{escape(g["gate"])}.html">{escape(g["gate"])}</a></td>'
        f'<td class="{escape(g["verdict"])}">{escape(g["verdict"])}</td>'
        f"<td>{escape(g['reason'] or '')}</td><td>{g['judged_at']:%Y-%m-%d %H:%M} UTC</td></tr>"
        for g in gates.sort("gate").to_dicts()
    ]
    table = (
        "<table><thead><tr><th>Gate</th><th>Verdict</th><th>What failed</th><th>Judged</th></tr>"
        f"</thead><tbody>{''.join(rows)}</tbody></table>"
    )
    told = f"<h1>Quality gates</h1><p>Written {now:%Y-%m-%d %H:%M} UTC.</p>"
    return _write(folder / "index.html", "Quality gates", told + table)


def offline(page: str) -> str:
    """Return a page without anything that is fetched from elsewhere, or leads there."""
    return _LEADS_OUT.sub("", _FETCHED.sub("", page))


def _body(page: str) -> str:
    found = re.search(r"<body\b[^>]*>(.*)</body>", page, re.DOTALL | re.IGNORECASE)
    return found[1] if found else page


def _write(path: Path, title: str, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".tmp")
    part.write_text(
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}'
        f"</title><style>{_STYLE}</style></head><body>{body}</body></html>\n",
        encoding="utf-8",
    )
    part.replace(path)
    return path
