"""Strict CSV by profile: a file is read as promised, or refused with the place and the cure.

`read` gives every value as text, `cells.cast` gives types and a verdict for each row, and
`write` makes bytes. Nothing is guessed: encoding, delimiter and header are declared.
"""

import io
from collections.abc import Sequence

import numpy as np
import polars as pl

from oms_pipelines.errors import Malformed
from oms_pipelines.logistics.cells import Cast, cast
from oms_pipelines.logistics.csvwrite import Written, write
from oms_pipelines.logistics.profiles import Profile

__all__ = ["Cast", "Written", "cast", "from_table", "read", "write"]

_QUOTE, _LF, _CR = 34, 10, 13
_FOREIGN = {
    b"PK\x03\x04": "a zip or XLSX file",
    b"\x1f\x8b": "a gzip file",
    b"%PDF": "a PDF file",
    b"{": "JSON",
    b"<": "an HTML or XML page",
}
_ONE_BYTE = ("cp125", "iso8859", "cp437", "cp850", "cp858")  # they take any bytes
_DELIMITERS = (",", ";", "\t", "|")
_BOMS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8"}


def read(body: bytes, profile: Profile, name: str = "file") -> pl.DataFrame:
    """Read a file as text: one row a data row, with where it stands.

    Columns: `record` (from 0), `line` (of the file, the header is 1), then every field of the
    profile as String; null is empty. Raises Malformed, naming the file, the line, the column
    and the cure, never a value.
    """
    data = _utf8(body, profile, name)
    _check_delimiter(data, profile, name)
    starts = _row_starts(data, profile, name)
    table = pl.read_csv(
        io.BytesIO(data),
        separator=profile.delimiter,
        infer_schema=False,
        has_header=False,
        quote_char='"',
    )
    titles = [t or "" for t in table.row(0)]
    rows = table.slice(1)
    return _fielded(titles, rows, starts[1:], profile, name)


def from_table(
    titles: Sequence[str], rows: Sequence[Sequence[str | None]], profile: Profile, name: str
) -> pl.DataFrame:
    """Read a table already cut into text cells, such as an XLSX sheet, by the same rules.

    Returns the frame of `read`. Raises Malformed.
    """
    for i, row in enumerate(rows):
        if len(row) != len(titles):
            raise Malformed(
                f"{name} line {i + 2}: {len(row)} columns, but the header has {len(titles)}"
            )
    names = [f"column_{i + 1}" for i in range(len(titles))]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
    lines = np.arange(2, len(rows) + 2)
    return _fielded(list(titles), frame, lines, profile, name)


def _utf8(body: bytes, profile: Profile, name: str) -> bytes:
    """Return the file as UTF-8 without BOM, or refuse what is no text of the encoding."""
    if not body:
        raise Malformed(f"{name}: the file is empty; ask for it again")
    _refuse_foreign(body, profile, name)
    wide = profile.encoding.startswith(("utf-16", "utf-32"))
    try:
        text = body.decode(profile.encoding)
    except UnicodeDecodeError as e:
        line = body.count(b"\n", 0, e.start) + 1
        raise Malformed(
            f"{name} line {line}: byte {e.start + 1} is not {profile.encoding}; "
            "declare the encoding the file has, or have it written anew"
        ) from None
    if profile.encoding.startswith(_ONE_BYTE) and not body.isascii() and _is_utf8(body, profile):
        raise Malformed(
            f"{name}: the file is written in utf-8, but {profile.encoding} is declared; "
            "declare encoding: utf-8"
        )
    data = text.encode() if wide or profile.encoding != "utf-8" else body
    data = data.removeprefix(b"\xef\xbb\xbf")
    if b"\x00" in data:
        line = data.count(b"\n", 0, data.index(b"\x00")) + 1
        raise Malformed(f"{name} line {line}: a NUL byte; the file is damaged or not text")
    if not data.endswith(b"\n"):
        line = data.count(b"\n") + 1
        raise Malformed(
            f"{name} line {line}: no line break after the last row, so it may be cut; "
            "have it sent again, whole"
        )
    return _without_empty_end(data)


def _without_empty_end(data: bytes) -> bytes:
    """Return a file without the empty lines after its last row."""
    bare = len(data.rstrip(b"\r\n"))
    broken = 2 if data.startswith(b"\r\n", bare) else 1
    return data[: bare + broken] if bare else data


def _is_utf8(body: bytes, profile: Profile) -> bool:
    """Tell whether bytes are the UTF-8 of a text that the declared encoding could have written."""
    try:
        body.decode().encode(profile.encoding)
    except UnicodeError:
        return False
    return True


def _refuse_foreign(body: bytes, profile: Profile, name: str) -> None:
    head = body[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
    for start, what in _FOREIGN.items():
        if head.startswith(start):
            raise Malformed(f"{name}: this is {what}, not CSV; ask the sender for the file")
    for bom, encoding in _BOMS.items():
        if body.startswith(bom) and not profile.encoding.startswith(encoding):
            raise Malformed(
                f"{name}: the file begins as {encoding}, but {profile.encoding} is declared; "
                f"declare encoding: {encoding}"
            )


def _check_delimiter(data: bytes, profile: Profile, name: str) -> None:
    """Refuse a header that another delimiter than the declared one cuts into the titles."""
    header = data[: data.find(b"\n")].decode().strip()

    def known(delimiter: str) -> int:
        return len({t.strip('" ') for t in header.split(delimiter)} & set(profile.titles))

    found = max(_DELIMITERS, key=known)
    if known(found) <= max(known(profile.delimiter), 1):
        return
    spelled = {"\t": "\\t"}
    there, declared = (spelled.get(x, x) for x in (found, profile.delimiter))
    where = f"profiles.{profile.name}.delimiter of oms.yaml"
    raise Malformed(
        f'{name} line 1: the file is delimited by "{there}", but "{declared}" is declared '
        f'({where}, "{Profile.delimiter}" where it is not written); write "{there}" there, with '
        f"kind: {profile.kind}, or have the file written anew"
    )


def _row_starts(data: bytes, profile: Profile, name: str) -> np.ndarray:
    """Check quotes, line breaks and column counts; return the line each row starts at."""
    if data.startswith((b"\n", b"\r\n")):
        raise Malformed(f"{name} line 1: empty, but the header must stand there")
    buffer = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(buffer == _QUOTE)
    every_break = np.flatnonzero(buffer == _LF)
    delimiters = np.flatnonzero(buffer == ord(profile.delimiter))
    breaks = every_break
    if quotes.size:
        _check_quotes(buffer, quotes, every_break, profile, name)
        # What stands after an odd number of quotes stands inside a quoted value.
        breaks = every_break[np.searchsorted(quotes, every_break) % 2 == 0]
        delimiters = delimiters[np.searchsorted(quotes, delimiters) % 2 == 0]
    returns = np.flatnonzero(buffer == _CR)
    lone = returns[buffer[returns + 1] != _LF]
    lone = lone[np.searchsorted(quotes, lone) % 2 == 0]
    if lone.size:
        line = int(np.searchsorted(every_break, lone[0])) + 1
        raise Malformed(f"{name} line {line}: a CR without LF; end lines with CRLF or LF")
    lines = np.concatenate(([1], np.searchsorted(every_break, breaks[:-1]) + 2))
    counts = np.diff(np.searchsorted(delimiters, breaks), prepend=0) + 1
    wrong = np.flatnonzero(counts != counts[0])
    if wrong.size:
        raise Malformed(
            f"{name} line {lines[wrong[0]]}: {counts[wrong[0]]} columns, but the header has "
            f"{counts[0]}; quote values that hold the delimiter, drop footers and empty lines"
        )
    return lines


def _check_quotes(
    buffer: np.ndarray, quotes: np.ndarray, breaks: np.ndarray, profile: Profile, name: str
) -> None:
    """Refuse a quote inside a plain value, text after a closing quote, an open quote."""
    before = buffer[np.maximum(quotes - 1, 0)]
    after = buffer[np.minimum(quotes + 1, buffer.size - 1)]
    edge = (ord(profile.delimiter), _LF)
    opening = np.arange(quotes.size) % 2 == 0
    doubled = np.zeros(quotes.size, bool)
    doubled[1:] = np.diff(quotes) == 1
    opens = np.isin(before, edge) | (quotes == 0) | doubled
    closes = np.isin(after, (*edge, _CR, _QUOTE))
    wrong = np.flatnonzero(np.where(opening, ~opens, ~closes))
    if wrong.size or quotes.size % 2:
        at = quotes[wrong[0]] if wrong.size else quotes[-1]
        line = int(np.searchsorted(breaks, at)) + 1
        raise Malformed(
            f"{name} line {line}: a quote is out of place or never closed; "
            "quote the whole value and double the quotes in it"
        )


def _fielded(
    titles: list[str], rows: pl.DataFrame, lines: np.ndarray, profile: Profile, name: str
) -> pl.DataFrame:
    """Check the header and the row floor, and name the columns as fields."""
    _check_header(titles, profile, name)
    if rows.height < profile.min_rows:
        raise Malformed(
            f"{name}: {rows.height} rows under the header, at least {profile.min_rows} promised; "
            "ask for the file again"
        )
    where = dict(zip(titles, rows.columns, strict=True))
    picked = [
        pl.int_range(pl.len(), dtype=pl.Int64).alias("record"),
        pl.Series("line", lines, dtype=pl.Int64),
    ]
    for f in profile.fields:
        title = f.title or f.name
        value = pl.col(where[title]) if f.column and title in where else pl.lit(None)
        value = value.cast(pl.String)
        if f.type != "text":
            value = value.str.strip_chars()
        empty = pl.lit(profile.defaults.get(f.name), dtype=pl.String)
        picked.append(pl.when(value != "").then(value).otherwise(empty).alias(f.name))
    return rows.select(picked)


def _check_header(titles: list[str], profile: Profile, name: str) -> None:
    """Refuse a header that has not exactly the promised titles.

    Foreign titles are told by place only: in a file without header they are somebody's data.
    """
    known = set(profile.titles)
    doubled = sorted({t for t in titles if t in known and titles.count(t) > 1})
    if doubled:
        raise Malformed(f"{name} line 1: the header has {', '.join(doubled)} more than once")
    needed = [f.title or f.name for f in profile.columns if not f.optional]
    missing = [t for t in needed if t not in titles]
    foreign = [str(i + 1) for i, t in enumerate(titles) if t not in known]
    if not missing and not foreign:
        return
    told = []
    if missing:
        told.append(f"lacks {', '.join(missing)}")
    if foreign:
        told.append(f"has unknown titles in column {', '.join(foreign)}")
    raise Malformed(
        f"{name} line 1: the header {' and '.join(told)}; profile {profile.name} promises "
        f"{profile.delimiter.join(profile.titles)}"
    )
