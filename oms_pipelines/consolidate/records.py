"""Pages cut into records: the adapter of a system knows where one ends."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib import import_module
from typing import Any

import orjson
import polars as pl

from oms_pipelines.channels import plug_ins
from oms_pipelines.config import Channel
from oms_pipelines.elements import NOT_JSON
from oms_pipelines.errors import Malformed, Misconfigured

REJECTED = pl.Schema(
    {"page": pl.Int64, "record": pl.Int64, "record_key": pl.String, "reason": pl.String}
)
_ZERO = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
CHUNK_BYTES = 32 * 1024 * 1024
_AS_REJECTED: dict[str, Any] = {"schema": REJECTED, "orient": "row"}
_NO_BODIES = pl.Series("body", [], dtype=pl.Binary)
_Rejected = tuple[int, int, str | None, str]

Cut = Callable[[str, bytes, Channel, Mapping[str, Any]], Iterable[dict | bytes]]


@dataclass(frozen=True)
class BatchInfo:
    """What normalization knows of the batch a page came in.

    `source` is the channel's id; `reasons` maps the system's return reasons to the menu's.
    """

    batch_id: str
    source: str
    fetched_at: datetime
    channel: Channel
    profiles: Mapping[str, Any] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CutPage:
    """A page of `size` bytes, cut already as the adapter's `records` would: a Series of bytes."""

    records: pl.Series
    size: int


@dataclass(frozen=True)
class Chunk:
    """Records of some pages: `records` has page, record, body; `rejected` is as REJECTED."""

    records: pl.DataFrame
    rejected: pl.DataFrame


def cut_page(records: Sequence[bytes], size: int) -> CutPage:
    """Return a page of `size` bytes with its records as they were cut."""
    return CutPage(pl.Series("body", records, dtype=pl.Binary), size)


def chunks(
    pages: Iterable[bytes | CutPage],
    cut: Cut,
    stream: str,
    info: BatchInfo,
    size: int,
    first: int = 0,
) -> Iterator[Chunk]:
    """Yield the records of pages in chunks of about `size` records, or 32 MB.

    A page that cannot be read gives one rejected record, numbered -1; the rest goes on.
    """
    draft = _Draft()
    for number, page in enumerate(pages, first):
        try:
            if not isinstance(page, CutPage):
                found = cut(stream, page, info.channel, info.profiles)
                texts = [r if type(r) is bytes else _text(r) for r in found]
                page = cut_page(texts, len(page))
        except (Malformed, orjson.JSONDecodeError, UnicodeDecodeError) as e:
            reason = str(e) if isinstance(e, Malformed) else NOT_JSON
            draft.rejected.append((number, -1, None, reason))
            continue
        draft.take(number, page)
        if draft.held >= size or draft.weight >= CHUNK_BYTES:
            yield draft.chunk()
            draft = _Draft()
    if draft.bodies or draft.rejected:
        yield draft.chunk()


@dataclass
class _Draft:
    """A chunk in the making: the records of some pages, by page."""

    numbers: list[int] = field(default_factory=list)
    bodies: list[pl.Series] = field(default_factory=list)
    rejected: list[_Rejected] = field(default_factory=list)
    held: int = 0
    weight: int = 0

    def take(self, number: int, page: CutPage) -> None:
        self.numbers.append(number)
        self.bodies.append(page.records)
        self.held += len(page.records)
        self.weight += page.size

    def chunk(self) -> Chunk:
        """Return the records that are objects, and the others with their reason."""
        places = pl.DataFrame(
            {"page": self.numbers, "records": [len(some) for some in self.bodies]},
            schema={"page": pl.Int32, "records": pl.Int32},
        )
        records = places.select(
            pl.col("page").repeat_by("records").explode(empty_as_null=False),
            record=pl.int_ranges("records", dtype=pl.Int32).explode(empty_as_null=False),
        ).with_columns(pl.concat([_NO_BODIES, *self.bodies]).alias("body"))
        faults = list(_faults(records))
        if faults:
            places = pl.DataFrame(faults, **_AS_REJECTED).select("page", "record").cast(pl.Int32)
            records = records.join(places, on=["page", "record"], how="anti", maintain_order="left")
        return Chunk(records, pl.DataFrame([*self.rejected, *faults], **_AS_REJECTED))


def record_at(cut: Cut, stream: str, body: bytes, info: BatchInfo, number: int) -> bytes:
    """Return one record of a page as text; the page itself for -1. Raises IndexError."""
    if number < 0:
        return body
    for at, record in enumerate(cut(stream, body, info.channel, info.profiles)):
        if at == number:
            return record if type(record) is bytes else _text(record)
    raise IndexError(f"the page has no record {number}")


@cache
def cutter(system: str) -> Cut:
    """Return the `records` function of a system's adapter. Raises Misconfigured."""
    plugged = plug_ins().get(system)
    name = plugged.module if plugged else f"oms_pipelines.channels.{system}"
    try:
        return import_module(name).records
    except (ModuleNotFoundError, AttributeError) as e:
        raise Misconfigured([f"system {system}: {name} has no function `records`"]) from e


def _text(record: Any) -> bytes:
    """Return a record as JSON; nothing where it is nested too deeply for that."""
    try:
        return orjson.dumps(record, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        return b""


def _faults(records: pl.DataFrame) -> Iterator[_Rejected]:
    """Yield the records that are no object, or hold what no store keeps."""
    body = pl.col("body")
    odd = records.filter(~body.bin.starts_with(b"{") | body.bin.contains(rb"\u0000"))
    for page, at, text in odd.iter_rows():
        if not text:
            why = "nothing, or nested too deeply to be read; send each record as one object"
        elif text[:1] != b"{":
            why = "not an object; send each record as one"
        elif _ZERO.search(text):
            why = "a text holds the character U+0000, which no store keeps; remove it"
        else:
            continue
        yield page, at, None, why
