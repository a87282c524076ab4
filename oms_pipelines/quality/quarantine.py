"""Records kept back: look at them, and let mended ones through."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from oms_pipelines.channels.base import Page
from oms_pipelines.config import Oms
from oms_pipelines.consolidate.records import BatchInfo, cutter, record_at
from oms_pipelines.consolidate.run import StreamResult, consolidate
from oms_pipelines.consolidate.streams import STREAMS, sources
from oms_pipelines.elements import elements
from oms_pipelines.errors import Malformed, Rejected
from oms_pipelines.landing import Landing, Manifest
from oms_pipelines.store import Store

_CHANNEL_STREAMS = ("orders", "refunds", "returns")


@dataclass(frozen=True)
class KeptBack:
    """A record kept back. `body` is the record as received: it may hold personal data."""

    quarantine_id: str
    source: str
    stream: str
    reason: str
    state: str
    body: bytes

    @property
    def text(self) -> str:
        """The record for people; bytes that are no UTF-8 show as marks."""
        return self.body.decode("utf-8", "replace")


@dataclass(frozen=True)
class _Row:
    source: str
    stream: str
    batch_id: str
    page: int
    record: int
    record_key: str | None
    reason: str
    state: str


def list_records(
    store: Store, *, state: str | None = "waiting", source: str | None = None
) -> pl.DataFrame:
    """Return records kept back, newest first, with the columns of the quarantine table.

    States are waiting, released, superseded; None takes any.
    """
    with store.session(read_only=True) as session:
        return session.query("quality/quarantine", state=state, source=source)


def show(store: Store, landing: Landing, quarantine_id: str, oms: Oms | None = None) -> KeptBack:
    """Return the reason of one record, and the record as it was received.

    Where the cutting of pages is not known (no `oms`, or no such channel in it any more) the
    whole page is given. Raises Rejected when there is no such id, or its batch is gone.
    """
    row = _row(store, quarantine_id)
    body = b""
    if row.page >= 0 and row.stream in STREAMS:  # else a note, of which no record was kept back
        manifest = _manifest(landing, row)
        body = _record(landing.page(manifest, row.page), row, manifest, oms)
    return KeptBack(quarantine_id, row.source, row.stream, row.reason, row.state, body)


def release(
    store: Store,
    landing: Landing,
    oms: Oms,
    quarantine_id: str,
    mended: bytes | None,
    now: datetime,
) -> StreamResult:
    """Let a record through, mended or as it is; it comes in as a batch of its own.

    A crash on the way loses nothing: the next consolidation takes the batch. Raises Rejected
    with the new reason when it is kept back again, and it goes on waiting.
    """
    row = _row(store, quarantine_id)
    if row.state != "waiting":
        raise Rejected(f"{quarantine_id} is {row.state}; only a waiting record can be released")
    if (row.source, row.stream) not in sources(oms):
        raise Rejected(
            f"{quarantine_id}: {row.source}/{row.stream} is no stream of oms.yaml; there is "
            "nothing to let through"
        )
    body = show(store, landing, quarantine_id, oms).body if mended is None else mended
    if not body.strip():
        raise Rejected(f"{quarantine_id}: there is no record to release; hand over a mended one")
    page = Page(row.stream, body, 1, name=_file_name(landing, row))
    manifest = landing.write(
        row.source, row.stream, [page], None, True, None, now, mended_of=quarantine_id
    )
    [result] = consolidate(store, landing, oms, now, batches=[manifest])
    if result.error or result.quarantined or not result.received:
        reason = result.error or _reason_in(store, manifest.batch_id) or "it holds no record"
        raise Rejected(f"{quarantine_id} is kept back again: {reason}")
    return result


def _row(store: Store, quarantine_id: str) -> _Row:
    with store.session(read_only=True) as session:
        found = session.query("quality/quarantined", quarantine_id=quarantine_id)
    if found.is_empty():
        raise Rejected(f"{quarantine_id}: no such record; `oms quarantine list` has them all")
    return _Row(**found.row(0, named=True))


def _manifest(landing: Landing, row: _Row) -> Manifest:
    manifest = landing.find(row.source, row.stream, row.batch_id)
    if manifest is None:
        raise Rejected(f"batch {row.batch_id} is gone from the landing zone; fetch it again")
    return manifest


def _record(page: bytes, row: _Row, manifest: Manifest, oms: Oms | None) -> bytes:
    """Return one record of a page, or the page where it cannot be cut."""
    if row.record < 0:
        return page
    if row.stream not in _CHANNEL_STREAMS:
        return _line(page, row.record)
    channel = {c.id: c for c in oms.channels}.get(row.source) if oms else None
    if oms is None or channel is None:
        return page
    info = BatchInfo(manifest.batch_id, row.source, manifest.fetched_at, channel, oms.profiles)
    try:
        return record_at(cutter(channel.system), row.stream, page, info, row.record)
    except (Malformed, IndexError):
        return page


def _line(page: bytes, record: int) -> bytes:
    """Return a parcel of a carrier's page, or a row of a file under its header.

    Both can be mended and handed back so. Gives the whole file where a value of it may hold
    a line end.
    """
    parcels = elements(page, "trackings")
    if parcels is not None:
        return parcels[record]
    lines = page.splitlines(keepends=True)
    if page[:1] == b"{" or record + 1 >= len(lines) or b'"' in page:
        return page
    return lines[0] + lines[record + 1]


def _file_name(landing: Landing, row: _Row) -> str | None:
    manifest = landing.find(row.source, row.stream, row.batch_id)
    there = manifest is not None and 0 <= row.page < len(manifest.pages)
    return manifest.pages[row.page].name if manifest and there else None


def _reason_in(store: Store, batch_id: str) -> str | None:
    found = list_records(store, state=None).filter(pl.col("batch_id") == batch_id)
    return found["reason"][0] if found.height else None
