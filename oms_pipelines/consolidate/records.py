"""Pages cut into records: the adapter of a system knows where one ends."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib import import_module
from itertools import chain
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
class Chunk:
    """Records of some pages: `records` has page, record, body; `rejected` is as REJECTED."""

    records: pl.DataFrame
    rejected: pl.DataFrame


def chunks(
    pages: Iterable[bytes], cut: Cut, stream: str, info: BatchInfo, size: int, first: int = 0
) -> Iterator[Chunk]:
    """Yield the records of pages in chunks of about `size` records, or 32 MB.

    A page that cannot be read gives one rejected record, numbered -1; the rest goes on.
    """
    frames: list[pl.DataFrame] = []
    rejected: list[tuple[int, int, str | None, str]] = []
    held = weight = 0
    for number, body in enumerate(pages, first):
        try:
            found = cut(stream, body, info.channel, info.profiles)
            texts = [r if type(r) is bytes else _text(r) for r in found]
        except (Malformed, orjson.JSONDecodeError, UnicodeDecodeError) as e:
            reason = str(e) if isinstance(e, Malformed) else NOT_JSON
            rejected.append((number, -1, None, reason))
            continue
        faults = list(_faults(body, texts))
        rejected += [(number, at, None, reason) for at, reason in faults]
        frames.append(_frame(number, texts, {at for at, _ in faults}))
        held += len(texts)
        weight += len(body)
        if held >= size or weight >= CHUNK_BYTES:
            yield Chunk(_concat(frames), _rejected(rejected))
            frames, rejected, held, weight = [], [], 0, 0
    if frames or rejected:
        yield Chunk(_concat(frames), _rejected(rejected))


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


def _faults(page: bytes, texts: Sequence[bytes]) -> Iterator[tuple[int, str]]:
    for at, text in enumerate(texts):
        if not text:
            yield at, "nothing, or nested too deeply to be read; send each record as one object"
        elif text[:1] != b"{":
            yield at, "not an object; send each record as one"
    if b"\\u0000" in page:
        for at, text in enumerate(texts):
            if text[:1] == b"{" and _ZERO.search(text):
                yield at, "a text holds the character U+0000, which no store keeps; remove it"


def _frame(page: int, texts: list[bytes], without: set[int]) -> pl.DataFrame:
    """Return page, record and body; a frame a page, so that two threads can share a chunk."""
    kept = list(range(len(texts)))
    if without:
        kept = [at for at in kept if at not in without]
        texts = [texts[at] for at in kept]
    return pl.DataFrame(
        {
            "page": pl.repeat(page, len(kept), dtype=pl.Int32, eager=True),
            "record": pl.Series(kept, dtype=pl.Int32),
            "body": pl.Series(texts, dtype=pl.Binary),
        }
    )


def _concat(frames: list[pl.DataFrame]) -> pl.DataFrame:
    empty = _frame(0, [], set())
    return pl.concat(chain([empty], frames), rechunk=False)


def _rejected(rows: list[tuple[int, int, str | None, str]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=REJECTED, orient="row")
