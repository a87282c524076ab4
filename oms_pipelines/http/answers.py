"""What came back: headers, responses, and the proof that a body is what it claims."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import orjson

from oms_pipelines.errors import Malformed
from oms_pipelines.parsing import loads, outline

_MACHINE_WORD = re.compile(r"^[A-Za-z][A-Za-z0-9_.:-]{0,63}$")
_CODE_FIELDS = ("code", "error_code", "errorCode", "error")
_NESTED_FIELDS = ("errors", "error", "extensions", "data", "fault")
_LONGEST_ERROR_BODY = 65_536


class Headers(Mapping[str, str]):
    """Response headers, looked up without regard to case; repeated ones joined by comma."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()):
        self._values: dict[str, str] = {}
        for name, value in pairs:
            key = name.lower()
            self._values[key] = f"{self._values[key]}, {value}" if key in self._values else value

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:  # values may be cookies
        return f"Headers({', '.join(sorted(self._values))})"


@dataclass
class Response:
    """An answer whose body is whole, decompressed, and of the expected type."""

    status: int
    headers: Headers
    body: bytes = field(repr=False)
    _parsed: Any = field(default=None, repr=False)
    _outline: Any = field(default=None, repr=False)

    def json(self) -> Any:
        """Return the body parsed; None when it is empty. Raises Malformed."""
        if self._parsed is None and self.body:
            try:
                self._parsed = loads(self.body)
            except orjson.JSONDecodeError:
                pass
            else:
                return self._parsed
            raise Malformed("the body is not JSON")
        return self._parsed

    def outline(self, shape: msgspec.json.Decoder) -> Any:
        """Return what `json` does, of the fields alone that a shape names.

        Where the body does not fit the shape all of it is returned. One shape a response.
        Raises Malformed.
        """
        if self._parsed is None and self._outline is None:
            self._outline = outline(self.body, shape)
        return self.json() if self._outline is None else self._outline


class Unreadable(Malformed):
    """A whole body that is not the JSON it claims to be; `response` allows to keep it."""

    def __init__(self, message: str, response: Response):
        super().__init__(message)
        self.response = response


def check_body(response: Response, expect: str) -> str | None:
    """Return what is wrong with the body of an accepted answer, None when nothing is.

    `expect` is `any`, `json`, or a media type such as `text/csv`.
    """
    if expect == "any" or response.status in (204, 205, 304):
        return None
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not _is_expected(kind, expect):
        told = kind if re.fullmatch(r"[\w.+-]{1,40}/[\w.+-]{1,60}", kind) else "no content type"
        return f"answered {told} where {expect} was expected; check its url"
    return None


def is_json(response: Response) -> bool:
    """Tell whether orjson reads the body; the parsed value is kept for `json()`."""
    if response.status in (204, 205, 304):
        return True
    try:
        response._parsed = orjson.loads(response.body)
    except orjson.JSONDecodeError:
        return False
    return True


def _is_expected(kind: str, expect: str) -> bool:
    if expect == "json":
        return kind in ("application/json", "text/json") or (
            kind.startswith("application/") and kind.endswith("+json")
        )
    return kind == expect.lower()


def machine_code(response: Response) -> str | None:
    """Return the machine word of an error body, such as `rest_forbidden`.

    Only listed fields are looked at and only words without spaces are taken: free text may
    repeat what was sent, and with it personal data.
    """
    if not response.body or len(response.body) > _LONGEST_ERROR_BODY:
        return None
    try:
        return _find_code(orjson.loads(response.body), depth=4)
    except orjson.JSONDecodeError:
        return None


def _find_code(value: Any, depth: int) -> str | None:
    if depth == 0:
        return None
    if isinstance(value, list):
        return _find_code(value[0], depth - 1) if value else None
    if not isinstance(value, dict):
        return None
    for name in _CODE_FIELDS:
        word = value.get(name)
        if isinstance(word, int) and not isinstance(word, bool) and 0 <= word < 100_000:
            return str(word)
        if isinstance(word, str) and _MACHINE_WORD.match(word):
            return word
    found = (_find_code(value.get(name), depth - 1) for name in _NESTED_FIELDS)
    return next((code for code in found if code), None)
