"""Pages shaped and gated while others are still extracted: waiting for a source costs no core.

    early = Early(oms, now)
    extract_all(hub, sources, window, early)
    consolidate(store, landing, oms, now, early=early)

Nothing is merged before its batch has landed and its turn has come, so the store is none the
wiser. What is not gated early, or is lost with the process, is read from the landing zone.
"""

import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from oms_pipelines.channels.base import Page
from oms_pipelines.config import Oms
from oms_pipelines.consolidate.channel_streams import CHILDREN, info_of
from oms_pipelines.consolidate.normalize import Normalized, normalizing
from oms_pipelines.consolidate.records import CHUNK_BYTES, CutPage, cut_page
from oms_pipelines.landing import Manifest

Parts = list[Future[Normalized]]
_GATED_AT_ONCE = 2
_cutting = ThreadPoolExecutor(1, thread_name_prefix="early")


@dataclass
class _Draft:
    """The pages of a batch that has not landed yet; `parts` of those no longer waiting."""

    sizes: list[int] = field(default_factory=list)
    waiting: list[bytes | CutPage] = field(default_factory=list)
    weight: int = 0
    parts: list[Future[Parts]] = field(default_factory=list)
    whole: bool = True


class Early:
    """Gates the pages of channels as they come, and holds up to `most` bytes of them.

    `now` is when they are fetched. One thread a stream may tell of pages and batches.
    """

    def __init__(self, oms: Oms, now: datetime, *, most: int = 128 * 1024 * 1024):
        self._oms = oms
        self._now = now
        self._room = most
        self._lock = threading.Lock()
        self._drafts: dict[tuple[str, str], _Draft] = {}
        self._held: dict[str, tuple[Manifest, list[Future[Parts]]]] = {}
        self._gating: deque[Future[Normalized]] = deque()

    def page(self, source: str, page: Page) -> None:
        """Take a page of the batch that is to land next."""
        if page.stream not in CHILDREN:
            return
        size = len(page.body)
        with self._lock:
            draft = self._drafts.setdefault((source, page.stream), _Draft())
            draft.whole &= size <= self._room
            if not draft.whole:
                return
            self._room -= size
        draft.sizes.append(size)
        draft.waiting.append(page.body if page.cut is None else cut_page(page.cut, size))
        draft.weight += size
        if draft.weight >= CHUNK_BYTES:
            self._begin(source, page.stream, draft)

    def landed(self, manifest: Manifest) -> None:
        """Learn that the pages told of since are a batch."""
        key = (manifest.source, manifest.stream)
        with self._lock:
            draft = self._drafts.pop(key, _Draft())
        if draft.whole and draft.sizes == [page.size for page in manifest.pages]:
            if draft.waiting:
                self._begin(*key, draft)
            with self._lock:
                self._held[manifest.batch_id] = manifest, draft.parts
        else:
            self._free(sum(draft.sizes))

    def taken(self, manifest: Manifest) -> Iterator[Future[Normalized]] | None:
        """Give away the parts of a batch, some still on their way; None when it has none.

        None too when the batch was rewritten since it landed, as by an erasure. Their rows
        name no batch yet.
        """
        with self._lock:
            landed, parts = self._held.pop(manifest.batch_id, (None, []))
        if landed is None:
            return None
        self._free(sum(page.size for page in landed.pages))
        if landed != manifest or not parts:
            return None
        return (part for some in parts for part in some.result())

    def _free(self, size: int) -> None:
        with self._lock:
            self._room += size

    def _begin(self, source: str, stream: str, draft: _Draft) -> None:
        pages, first = draft.waiting, len(draft.sizes) - len(draft.waiting)
        draft.waiting, draft.weight = [], 0
        draft.parts.append(_cutting.submit(self._cut, source, stream, pages, first))

    def _cut(self, source: str, stream: str, pages: list[bytes | CutPage], first: int) -> Parts:
        info = info_of(self._oms, source, "", self._now)
        parts = []
        for part in normalizing(pages, info.channel.system, stream, info, first=first):
            parts.append(part)
            self._gating.append(part)
            if len(self._gating) > _GATED_AT_ONCE:  # the rest stays uncut: records weigh more
                self._gating.popleft().exception()
        return parts
