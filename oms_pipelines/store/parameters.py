"""The `$name` parameters of a statement, found outside of strings, names and comments."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from oms_pipelines.errors import OmsError

_TOKEN = re.compile(
    r"""
    '(?:[^']|'')*'                                   # a string
  | "(?:[^"]|"")*"                                   # a quoted name
  | --[^\n]*                                         # a comment
  | /\*.*?\*/
  | \$\$.*?\$\$                                      # a dollar-quoted string
  | \$(?P<tag>[A-Za-z_][A-Za-z_0-9]*)\$.*?\$(?P=tag)\$
  | \$(?P<name>[A-Za-z_][A-Za-z_0-9]*)               # a parameter
    """,
    re.VERBOSE | re.DOTALL,
)


@cache
def pieces(text: str) -> tuple[tuple[str, str | None], ...]:
    """Split a statement into (text, name of the parameter that follows it or None)."""
    return tuple(_pieces(text))


def _pieces(text: str) -> Iterator[tuple[str, str | None]]:
    done = 0
    for token in _TOKEN.finditer(text):
        if token["name"]:
            yield text[done : token.start()], token["name"]
            done = token.end()
    yield text[done:], None


def names(text: str) -> frozenset[str]:
    """Return the names of the parameters of a statement."""
    return frozenset(name for _, name in pieces(text) if name)


def check(statement: str, text: str, params: Mapping[str, Any]) -> None:
    """Raise OmsError when a parameter is missing or one too many; values are not told."""
    wanted = names(text)
    faults = [
        f"{word}: {', '.join(sorted(which))}"
        for word, which in (
            ("missing parameters", wanted - params.keys()),
            ("unknown parameters", params.keys() - wanted),
        )
        if which
    ]
    if faults:
        raise OmsError(f"sql/{statement}.sql: {'; '.join(faults)}")
