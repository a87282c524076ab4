"""Lands the pages of one extraction, a batch each so many bytes or pages."""

import contextlib
import hashlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import NamedTuple

from isal import isal_zlib

from oms_pipelines import crash
from oms_pipelines.errors import OmsError
from oms_pipelines.landing.manifest import (
    BODY,
    MANIFEST,
    Landable,
    Manifest,
    PageEntry,
    Purpose,
    batch_id,
)
from oms_pipelines.landing.places import Place

# Packing releases the interpreter, so it runs beside the fetch of the next page. ISA-L packs
# and unpacks gzip five times faster than zlib, to the same size.
_packers = ThreadPoolExecutor(2, thread_name_prefix="landing")
_LEVEL = 1
_WORTH_A_THREAD = 65_536
# its type information calls the class an instance
Unpackable: type[Exception] = isal_zlib.error  # ty: ignore[invalid-assignment]


class Packed(NamedTuple):
    data: bytes
    sha256: str


def pack(body: bytes) -> Packed:
    """Return a page as it is stored, and the sha256 of what it was."""
    deflate = isal_zlib.compressobj(_LEVEL, wbits=31)
    return Packed(deflate.compress(body) + deflate.flush(), hashlib.sha256(body).hexdigest())


@dataclass
class _Draft:
    """The batch of one stream, not yet written."""

    parts: list[bytes] = field(default_factory=list)
    entries: list[PageEntry] = field(default_factory=list)
    offset: int = 0
    high_water: datetime | None = None

    def take(self, page: Landable, packed: Packed) -> None:
        self.parts.append(packed.data)
        self.entries.append(
            PageEntry(
                offset=self.offset,
                length=len(packed.data),
                size=len(page.body),
                sha256=packed.sha256,
                records=page.records,
                name=page.name,
            )
        )
        self.offset += len(packed.data)
        if page.high_water and (self.high_water is None or page.high_water > self.high_water):
            self.high_water = page.high_water


@dataclass(frozen=True)
class Extraction:
    """What is being fetched: the fields all batches of one writer share."""

    source: str
    stream: str
    window: tuple[datetime, datetime] | None
    now: datetime
    purpose: Purpose = "sync"
    mended_of: str | None = None


class Writer:
    """Takes pages and commits them in batches; `manifests` holds those written.

    Pages of another stream than the extraction's own (refunds beside orders) are committed
    in batches of their own, before the one that carries the resume token: a kill between
    them repeats pages and loses none. Left by an error, the writer commits what it holds,
    with the token that continues; left without `finish()`, likewise. One thread uses it.
    """

    def __init__(
        self,
        place: Place,
        newest_id: Callable[[str], str | None],
        extraction: Extraction,
        *,
        resume: str | None = None,
        max_bytes: int = 64 * 1024 * 1024,
        max_pages: int | None = None,
    ):
        self.manifests: list[Manifest] = []
        self._place = place
        self._newest_id = newest_id
        self._extraction = extraction
        self._resume = resume
        self._max_bytes = max_bytes
        self._max_pages = max_pages
        self._drafts: dict[str, _Draft] = {}
        self._last_ids: dict[str, str | None] = {}
        self._held_bytes = self._held_pages = 0
        self._packing: tuple[str, Landable, Future[Packed]] | None = None

    def __enter__(self) -> "Writer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._commit(complete=False)
        elif issubclass(kind, Exception):
            with contextlib.suppress(OmsError):  # the first error is the one to tell
                self._commit(complete=False)

    def add(self, page: Landable) -> list[Manifest]:
        """Take a page; return the batches written because of it, mostly none.

        A full batch waits for the next page, or for the end: the last one then says itself
        that the window is done, and a kill leaves nothing to read twice.
        """
        crash.point("extract.page_fetched")
        full = self._held_bytes >= self._max_bytes or self._held_pages == self._max_pages
        written = self._commit(complete=False) if full else []
        self._settle()
        stream = getattr(page, "stream", None) or self._extraction.stream
        if len(page.body) < _WORTH_A_THREAD:
            self._drafts.setdefault(stream, _Draft()).take(page, pack(page.body))
        else:
            self._packing = (stream, page, _packers.submit(pack, page.body))
        self._resume = getattr(page, "resume", None) or self._resume
        self._held_bytes += len(page.body)
        self._held_pages += 1
        return written

    def finish(self, resume: str | None = None, complete: bool = True) -> list[Manifest]:
        """Write what is held, and that the window is done; return the batches written."""
        self._resume = resume
        return self._commit(complete=complete, even_empty=True)

    def _settle(self) -> None:
        if self._packing is not None:
            stream, page, packed = self._packing
            self._packing = None
            self._drafts.setdefault(stream, _Draft()).take(page, packed.result())

    def _commit(self, complete: bool, even_empty: bool = False) -> list[Manifest]:
        self._settle()
        if not self._drafts and not even_empty:
            return []
        main = self._extraction.stream
        others = sorted(self._drafts.keys() - {main})
        written = [self._write(s, self._drafts[s], complete, None) for s in others]
        own = self._drafts.get(main, _Draft())
        written.append(self._write(main, own, complete, self._resume))
        self._drafts.clear()  # not before: a token must not outlive the pages it stands for
        self._held_bytes = self._held_pages = 0
        self.manifests += written
        return written

    def _write(self, stream: str, draft: _Draft, complete: bool, resume: str | None) -> Manifest:
        manifest = self._manifest(stream, draft, complete, resume)
        if draft.parts:
            self._place.put(f"{manifest.folder}/{BODY}", draft.parts)
            crash.point("extract.body_written")
        self._place.put(f"{manifest.folder}/{MANIFEST}", [manifest.to_json()])
        crash.point("extract.manifest_written")
        return manifest

    def _manifest(self, stream: str, draft: _Draft, complete: bool, resume: str | None) -> Manifest:
        what = self._extraction
        if stream not in self._last_ids:
            self._last_ids[stream] = self._newest_id(stream)
        name = batch_id(what.now, what.purpose, self._last_ids[stream])
        self._last_ids[stream] = name
        digest = hashlib.sha256()
        for part in draft.parts:
            digest.update(part)
        start, end = what.window or (None, None)
        return Manifest(
            batch_id=name,
            source=what.source,
            stream=stream,
            purpose=what.purpose,
            fetched_at=what.now.astimezone(UTC),
            window_start=start,
            window_end=end,
            complete=complete,
            resume=resume,
            records=sum(entry.records or 0 for entry in draft.entries),
            high_water=draft.high_water,
            sha256=digest.hexdigest(),
            pages=tuple(draft.entries),
            mended_of=what.mended_of,
        )
