"""Cut the elements out of a JSON list without building them: ten times faster than parsing.

The bytes of each element are those received. What stands inside an element is checked when
it is given its shape, so one broken element costs no other.
"""

import re
from functools import cache
from typing import Any

import msgspec

from oms_pipelines.errors import Malformed

NOT_JSON = "not JSON: the page is cut or is no answer of the API; fetch it again"
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},:"]', re.DOTALL)
_DEEPER = {b"[": 1, b"{": 1, b"]": -1, b"}": -1}


def unmarked(body: bytes) -> bytes:
    """Return a JSON page without its byte order mark. Raises Malformed, with the cure."""
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Malformed("the page is UTF-16; send it in UTF-8")
    body = body.removeprefix(b"\xef\xbb\xbf")
    if not body or body.isspace():
        raise Malformed("the page is empty; fetch it again")
    return body


def elements(body: bytes, *path: str) -> list[bytes] | None:
    """Return the JSON text of each element of the list that lies at a path of object keys.

    None when the body is no JSON, or has no list there: the caller then looks closer.
    """
    try:
        found = _decoder(path).decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    for _ in path:
        found = found.inner
    return [bytes(raw) for raw in found]


def loose_elements(body: bytes, *path: str) -> list[bytes] | None:
    """Return what `elements` does of a page where an element is no JSON (NaN, half a surrogate).

    Quotes and brackets are all that is looked at. None when they do not close, so that the page
    is cut, or when there is no such list.
    """
    start = _list_start(body, path) if _closes(body) else None
    if start is None:
        return None
    found = []
    depth = 0
    for token in _TOKEN.finditer(body, start):
        if depth == 0 and token[0] in (b",", b"]"):
            found.append(body[start : token.start()].strip())
            start = token.end()
            if token[0] == b"]":
                break
        depth += _DEEPER.get(token[0], 0)
    return found if found != [b""] else []


def _closes(body: bytes) -> bool:
    depth = end = 0
    for token in _TOKEN.finditer(body):
        lone = token[0] == b'"'
        if lone or (depth == 0 and (end or body[: token.start()].strip())):
            return False
        depth += _DEEPER.get(token[0], 0)
        end = token.end()
    return depth == 0 and not body[end:].strip()


def _list_start(body: bytes, path: tuple[str, ...]) -> int | None:
    depth = found = 0
    before = b""
    for token in _TOKEN.finditer(body):
        mark = token[0]
        if mark == b"[" and depth == found == len(path) and before in (b"", b":"):
            return token.end()
        if mark == b":" and depth == found + 1 <= len(path):
            found += before == b'"%s"' % path[found].encode()
        depth += _DEEPER.get(mark, 0)
        before = mark
    return None


@cache
def _decoder(path: tuple[str, ...]) -> msgspec.json.Decoder:
    shape: Any = list[msgspec.Raw]
    for key in reversed(path):
        shape = msgspec.defstruct("Level", [("inner", shape)], rename={"inner": key})
    return msgspec.json.Decoder(shape)
