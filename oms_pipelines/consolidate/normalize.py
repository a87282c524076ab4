"""Records of landed pages to canonical rows, each record let through or kept back alone."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

import duckdb
import orjson
import polars as pl

from oms_pipelines.consolidate.records import (
    REJECTED,
    BatchInfo,
    Chunk,
    Cut,
    CutPage,
    chunks,
    cutter,
)
from oms_pipelines.consolidate.workspace import DOCUMENTS, Workspace
from oms_pipelines.parsing import no_collection
from oms_pipelines.schema import METADATA, VERSION, columns_of, key_of

CHUNK = 20_000
_DATA_ERRORS = (
    duckdb.ConversionException,
    duckdb.InvalidInputException,
    duckdb.OutOfRangeException,
    duckdb.InvalidTypeException,
)


@dataclass(frozen=True)
class Normalized:
    """Rows by table (the columns of `schema.py`), records kept back, records received.

    `rejected` has page, record, record_key and reason. accepted_records + rejected.height =
    received, always.
    """

    accepted: dict[str, pl.DataFrame]
    rejected: pl.DataFrame
    received: int

    @property
    def accepted_records(self) -> int:
        return self.received - self.rejected.height


def normalize(pages: Iterable[bytes], system: str, stream: str, info: BatchInfo) -> Normalized:
    """Return the canonical rows of pages, and the records kept back with their reasons.

    Raises Misconfigured when the system has no adapter or no SQL for the stream.
    """
    found = chunks(pages, cutter(system), stream, info, CHUNK)
    return _normalized([_gated(system, stream, info, chunk) for chunk in found])


def normalizing(
    pages: Iterable[bytes | CutPage],
    system: str,
    stream: str,
    info: BatchInfo,
    *,
    size: int = CHUNK,
    cut: Cut | None = None,
    first: int = 0,
) -> Iterator[Future[Normalized]]:
    """Yield what `normalize` returns, chunk by chunk, each still on its way.

    Pages are numbered on through the chunks, from `first`. Nothing is yielded for no pages.
    Who takes them bounds how many are held: take the result of one before asking for the
    third after it.
    """
    found = chunks(pages, cut or cutter(system), stream, info, size, first)
    while chunk := _cut(found):
        yield _gates.submit(_normalize, system, stream, info, chunk)


# a statement over one chunk keeps one core busy, so two chunks are under way at once
_gates = ThreadPoolExecutor(2, thread_name_prefix="gate")


class Gating(Protocol):
    """What shapes and gates records: a Workspace."""

    def gate(self, records: pl.DataFrame) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
        """Return accepted rows by table, and rejected records."""
        ...


@dataclass(frozen=True)
class _Gated:
    """A chunk after the gate; its rows still know their page and record."""

    tables: dict[str, pl.DataFrame]
    rejected: pl.DataFrame
    received: int


def _cut(found: Iterator[Chunk]) -> Chunk | None:
    with no_collection():
        return next(found, None)


def _normalize(system: str, stream: str, info: BatchInfo, chunk: Chunk) -> Normalized:
    return _normalized([_gated(system, stream, info, chunk)])


def _gated(system: str, stream: str, info: BatchInfo, chunk: Chunk) -> _Gated:
    received = chunk.records.height + chunk.rejected.height
    text = chunk.records.with_columns(_text(chunk.records["body"]))
    broken = text.filter(pl.col("body").is_null())
    with closing(Workspace(system, stream, info)) as workspace:
        tables, rejected = shape_and_gate(workspace, text.filter(pl.col("body").is_not_null()))
    kept_back = [chunk.rejected, _reject(broken, "not UTF-8; send the record in UTF-8"), rejected]
    return _Gated(tables, pl.concat(kept_back).sort("page", "record"), received)


def shape_and_gate(workspace: Gating, records: pl.DataFrame) -> tuple[dict, pl.DataFrame]:
    """Gate records; where a statement chokes on one, find it and keep it back alone.

    The error itself is dropped: it would tell what stands in the record.
    """
    try:
        return workspace.gate(records)
    except _DATA_ERRORS as e:
        kind = type(e).__name__
    valid = pl.Series([_is_json(body) for body in records["body"]], dtype=pl.Boolean)
    if not valid.all():
        tables, rejected = shape_and_gate(workspace, records.filter(valid))
        reason = "not valid JSON; send the record as RFC 8259 has it"
        return tables, pl.concat([rejected, _reject(records.filter(~valid), reason)])
    if records.height == 1:
        tables, _ = workspace.gate(records.clear())
        return tables, _reject(records, f"it cannot be given its shape ({kind}); mend it")
    half = records.height // 2
    parts = [shape_and_gate(workspace, records[:half]), shape_and_gate(workspace, records[half:])]
    tables = {name: pl.concat(part[0][name] for part in parts) for name in parts[0][0]}
    return tables, pl.concat(part[1] for part in parts)


def _text(bodies: pl.Series) -> pl.Series:
    """Return bodies as text; null for those that are no UTF-8."""
    try:
        return bodies.cast(pl.String)
    except pl.exceptions.ComputeError:  # slow, and only where a body is broken
        return pl.Series(bodies.name, [_decoded(body) for body in bodies], dtype=pl.String)


def _decoded(body: bytes) -> str | None:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _reject(records: pl.DataFrame, reason: str) -> pl.DataFrame:
    key = pl.lit(None, pl.String).alias("record_key")
    columns = ["page", "record", key, pl.lit(reason).alias("reason")]
    return records.select(columns).cast(REJECTED)


def _normalized(parts: Sequence[_Gated]) -> Normalized:
    tables = {}
    for name in parts[0].tables if parts else ():
        tables[name] = pl.concat([part.tables[name] for part in parts], rechunk=False)
    for document in DOCUMENTS:
        if document in tables:
            _keep_newest(tables, document)
    return Normalized(
        {name: frame.select(columns_of(name)) for name, frame in tables.items()},
        pl.concat([pl.DataFrame(schema=REJECTED), *(part.rejected for part in parts)]),
        sum(part.received for part in parts),
    )


def _keep_newest(tables: dict[str, pl.DataFrame], document: str) -> None:
    """Leave the greatest version of each key, with the children of its own record."""
    key = list(key_of(document))
    rows = tables[document]
    if rows.select(key).is_unique().all():
        return
    order = [*VERSION, "page", "record"]
    newest = rows.sort(order).unique(key, keep="last", maintain_order=True)
    tables[document] = newest
    where = ["page", "record", *key]
    for name, frame in tables.items():
        if METADATA.tables[name].info["parent"] == document:
            tables[name] = frame.join(newest.select(where), on=where, how="semi")
