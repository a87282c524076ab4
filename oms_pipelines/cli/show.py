"""How commands speak: tables for people, JSON for programs."""

import sys
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import orjson
import polars as pl
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

# a pipe or a log has no width of its own: do not fold tables to the 80 columns of a terminal
_out = Console(highlight=False, width=None if sys.stdout.isatty() else 140)
_err = Console(stderr=True, highlight=False)


def say(text: str, *, error: bool = False) -> None:
    """Print one line; square brackets are markup."""
    (_err if error else _out).print(text, soft_wrap=True)


def cell(value: Any) -> str:
    """Return a value as a table shows it."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return str(value)


def rows(found: pl.DataFrame | Sequence[dict], as_json: bool, title: str, empty: str) -> None:
    """Print rows as a table with a title, or as a JSON array."""
    data = found.to_dicts() if isinstance(found, pl.DataFrame) else list(found)
    if as_json:
        document(data)
        return
    if not data:
        say(empty)
        return
    table = Table(title=title, title_justify="left", header_style="bold")
    for name, value in data[0].items():
        number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
        table.add_column(
            name.replace("_", " "), justify="right" if number else "left", overflow="fold"
        )
    for row in data:
        table.add_row(*(escape(cell(v)) for v in row.values()))
    _out.print(table)


def document(data: Any) -> None:
    """Print JSON."""
    text = orjson.dumps(data, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS, default=str)
    print(text.decode())
