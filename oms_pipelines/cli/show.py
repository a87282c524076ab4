"""How commands speak: tables for people, JSON for programs."""

import sys
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    import polars as pl

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Limit = Annotated[int, typer.Option(min=1, help="At most so many rows.")]

# a pipe or a log has no width of its own: there a row is a line, whatever its length
_WIDE = 10_000
_out = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE)
_err = Console(stderr=True, highlight=False)


def say(text: str, *, error: bool = False) -> None:
    """Print one line; square brackets are markup."""
    (_err if error else _out).print(text, soft_wrap=True)


def tell(text: str, *, error: bool = False, style: str | None = None) -> None:
    """Print text as it is, whatever stands in it."""
    out = _err if error else _out
    out.print(text, soft_wrap=True, markup=False, emoji=False, style=style)


def waiting(text: str) -> AbstractContextManager[object]:
    """Show on a terminal that something goes on."""
    return _err.status(text)


def cell(value: Any) -> str:
    """Return a value as a table shows it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, float):
        return f"{value:.2f}"
    return " ".join(str(value).splitlines())


def rows(
    found: "pl.DataFrame | Sequence[Mapping[str, Any]]",
    as_json: bool,
    title: str,
    empty: str,
    hide: Collection[str] = (),
    more: int = 0,
    option: str = "--limit",
) -> None:
    """Print rows as a table with a title, or as a JSON array of everything.

    The table leaves out the columns `hide`, and those that no row fills. `more` rows were cut
    off by an option; they are told beside the table, of JSON on standard error.
    """
    data: list[Any] = list(found) if isinstance(found, Sequence) else found.to_dicts()
    if as_json:
        document(data)
        tell_more(more, option, error=True)
        return
    if not data:
        tell(empty)
        return
    names = [n for n in data[0] if n not in hide and any(row.get(n) is not None for row in data)]
    tell(title, style="bold")
    table = Table(
        box=SIMPLE_HEAD, header_style="bold", pad_edge=False, show_edge=False, collapse_padding=True
    )
    for place, name in enumerate(names):
        values = [row[name] for row in data if row.get(name) is not None]
        number = all(isinstance(v, int | float | Decimal) and v is not True for v in values)
        justify = "right" if number and not isinstance(values[0], bool) else "left"
        label = name.removesuffix("_status").replace("_", " ")
        # where a terminal is narrow, words fold, and what is copied from it does not
        whole = place == 0 or isinstance(values[0], datetime)
        table.add_column(label, justify=justify, overflow="fold", no_wrap=whole)
    for row in data:
        table.add_row(*(escape(cell(row.get(n))) for n in names))
    _out.print(table)
    tell_more(more, option)
    _out.print()


def tell_more(more: int, option: str = "--limit", *, error: bool = False) -> None:
    """Say how many rows an option cut off, if it did."""
    if more > 0:
        tell(f"{more} more; {option} to see them", error=error)


def document(data: Any) -> None:
    """Print JSON."""
    text = orjson.dumps(data, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS, default=str)
    sys.stdout.write(text.decode() + "\n")
