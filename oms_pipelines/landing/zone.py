"""`Landing`: write batches, find them again, tell how far a source was read, and forget."""

import hashlib
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from isal import isal_zlib

from oms_pipelines.errors import Malformed
from oms_pipelines.landing.manifest import (
    BODY,
    MANIFEST,
    Cursor,
    Landable,
    Manifest,
    PageEntry,
    Purpose,
    checked_word,
    day_of,
    is_batch_id,
    is_day,
    purpose_of,
    stamp_of,
)
from oms_pipelines.landing.places import Place, open_place
from oms_pipelines.landing.writer import Extraction, Unpackable, Writer, pack

Window = tuple[datetime, datetime]


@dataclass(frozen=True)
class _As:
    """A page landed under another stream than its own."""

    body: bytes
    records: int | None
    high_water: datetime | None
    name: str | None


class Landing:
    """The landing zone at a URL (`file://...`, a path, or `s3://...`).

    Several processes may write side by side. Raises Unreachable when the place does not
    answer, Malformed when what lies there was damaged.
    """

    def __init__(self, place: str | Place):
        self._place = open_place(place) if isinstance(place, str) else place

    def writer(
        self,
        source: str,
        stream: str,
        window: Window | None,
        now: datetime,
        *,
        purpose: Purpose = "sync",
        resume: str | None = None,
        max_bytes: int = 64 * 1024 * 1024,
        max_pages: int | None = None,
    ) -> Writer:
        """Return a writer that commits a batch each `max_bytes` of pages or `max_pages`.

        `resume` is the token this extraction started from. Batches of purpose `backfill`
        do not move the cursor of `sync`.
        """
        what = Extraction(checked_word(source), checked_word(stream), window, now, purpose)
        return self._writer(what, resume=resume, max_bytes=max_bytes, max_pages=max_pages)

    def _writer(self, what: Extraction, **limits) -> Writer:
        def newest_id(stream: str) -> str | None:
            return next(self._ids_newest_first(what.source, stream), None)

        return Writer(self._place, newest_id, what, **limits)

    def write(
        self,
        source: str,
        stream: str,
        pages: Iterable[Landable],
        window: Window | None,
        complete: bool,
        resume: str | None,
        now: datetime,
        *,
        purpose: Purpose = "sync",
        mended_of: str | None = None,
    ) -> Manifest:
        """Land pages as one batch of `stream`, and return its manifest.

        `mended_of` names the quarantined record these pages replace.
        """
        what = Extraction(
            checked_word(source),
            checked_word(stream),
            window,
            now,
            "mended" if mended_of else purpose,
            mended_of,
        )
        writer = self._writer(what, max_bytes=1 << 62)
        for page in pages:
            writer.add(_As(page.body, page.records, page.high_water, page.name))
        return writer.finish(resume, complete)[-1]

    def cursor(self, source: str, stream: str, purpose: Purpose = "sync") -> Cursor | None:
        """Return how far a source was read; None when it never was.

        Looks at the newest day that holds a batch of this purpose, whatever the history.
        """
        for name in self._ids_newest_first(source, stream):
            if purpose_of(name) == purpose and (manifest := self._read(source, stream, name)):
                return Cursor.of(manifest)
        return None

    def streams(self) -> list[tuple[str, str]]:
        """Return every (source, stream) that has landed, sorted."""
        return [(s, t) for s in self._place.folders("") for t in self._place.folders(s)]

    def batches(
        self,
        source: str,
        stream: str,
        since: date | None = None,
        known: Container[str] = (),
    ) -> list[Manifest]:
        """Return the batches filed since a day, oldest first, but for those already `known`."""
        found: list[Manifest] = []
        for day in self._days(source, stream):
            if since is None or date.fromisoformat(day) >= since:
                names = [n for n in self._ids(source, stream, day) if n not in known]
                read = (self._read(source, stream, name) for name in names)
                found += [manifest for manifest in read if manifest]
        return found

    def find(self, source: str, stream: str, batch_id: str) -> Manifest | None:
        """Return one batch by its id; None when there is none."""
        return self._read(source, stream, batch_id) if is_batch_id(batch_id) else None

    def pages(self, manifest: Manifest) -> Iterator[bytes]:
        """Yield the pages of a batch as received. Raises Malformed when one was damaged."""
        if not manifest.pages:
            return
        body = self._body(manifest)
        for number, entry in enumerate(manifest.pages):
            yield _unpacked(body, entry, f"{manifest.folder}, page {number}")

    def page(self, manifest: Manifest, number: int) -> bytes:
        """Return one page of a batch, counted from 0. Raises Malformed, IndexError."""
        where = f"{manifest.folder}, page {number}"
        return _unpacked(self._body(manifest), manifest.pages[number], where)

    def pages_as_stored(self, manifest: Manifest) -> list[bytes]:
        """Return the pages of a batch whatever its manifest says of their bytes.

        So a rewrite that was cut off can be done again. Raises Malformed when the body is no
        body, or holds another number of pages.
        """
        rest, pages = self._body(manifest) if manifest.pages else b"", []
        try:
            while rest:
                member = isal_zlib.decompressobj(wbits=31)
                pages.append(member.decompress(rest) + member.flush())
                rest = member.unused_data
        except Unpackable:
            pages = []
        if len(pages) != len(manifest.pages):
            raise Malformed(f"{manifest.folder}: damaged since it landed; fetch its window again")
        return pages

    def is_whole(self, manifest: Manifest) -> bool:
        """Tell whether a batch's pages are the bytes its manifest tells."""
        try:
            return all(page is not None for page in self.pages(manifest))
        except Malformed:
            return False

    def rewrite(self, manifest: Manifest, pages: Sequence[bytes]) -> Manifest:
        """Put other bytes in the place of a batch's pages, page for page. For erasure alone.

        Cut off between body and manifest, the batch reads as damaged until it is done again.
        """
        entries, parts, offset = [], [], 0
        for entry, body in zip(manifest.pages, pages, strict=True):
            data, sha256 = pack(body)
            size, length = len(body), len(data)
            entries.append(replace(entry, offset=offset, length=length, size=size, sha256=sha256))
            parts.append(data)
            offset += length
        digest = hashlib.sha256(b"".join(parts)).hexdigest()
        mended = replace(manifest, pages=tuple(entries), sha256=digest)
        self._place.replace(f"{manifest.folder}/{BODY}", parts)
        self._place.replace(f"{manifest.folder}/{MANIFEST}", [mended.to_json()])
        return mended

    def sweep(self, now: datetime, older_than: timedelta = timedelta(days=1)) -> int:
        """Delete what killed writers left; return the number of files.

        A batch in the making has no manifest either: only those begun more than
        `older_than` ago are swept, so let that exceed the longest extraction.
        """
        orphans = [
            path
            for folder, files in self._by_batch().items()
            if not any(path.endswith(f"/{MANIFEST}") for path in files)
            and stamp_of(folder.rpartition("/")[2]) < now - older_than
            for path in files
        ]
        self._place.remove(orphans)
        return len(orphans)

    def delete_before(self, day: date) -> dict[tuple[str, str], int]:
        """Delete every batch filed before a day; return how many, by (source, stream).

        A source that was silent since then loses its cursor with its last batch.
        """
        deleted: Counter[tuple[str, str]] = Counter()
        for folder, files in self._by_batch().items():
            source, stream, _, name = folder.split("/")
            if day_of(name) < day:
                # the manifest first: a batch that is seen has its body
                self._place.remove(sorted(files, key=lambda p: not p.endswith(MANIFEST)))
                deleted[source, stream] += 1
        return dict(deleted)

    def _by_batch(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in self._place.files(""):
            folder, _, _ = path.rpartition("/")
            if folder.count("/") == 3 and is_batch_id(folder.rpartition("/")[2]):
                found.setdefault(folder, []).append(path)
        return found

    def _days(self, source: str, stream: str) -> list[str]:
        names = self._place.folders(f"{checked_word(source)}/{checked_word(stream)}")
        return [name for name in names if is_day(name)]

    def _ids(self, source: str, stream: str, day: str) -> list[str]:
        return [n for n in self._place.folders(f"{source}/{stream}/{day}") if is_batch_id(n)]

    def _ids_newest_first(self, source: str, stream: str) -> Iterator[str]:
        for day in reversed(self._days(source, stream)):
            yield from reversed(self._ids(source, stream, day))

    def _read(self, source: str, stream: str, name: str) -> Manifest | None:
        where = f"{source}/{stream}/{day_of(name)}/{name}/{MANIFEST}"
        text = self._place.get(where)
        return None if text is None else Manifest.from_json(text, where)

    def _body(self, manifest: Manifest) -> bytes:
        body = self._place.get(f"{manifest.folder}/{BODY}")
        if body is None:
            raise Malformed(f"{manifest.folder}: {BODY} is gone; fetch its window again")
        return body


def _unpacked(body: bytes, entry: PageEntry, where: str) -> bytes:
    packed = memoryview(body)[entry.offset : entry.offset + entry.length]
    try:
        page = isal_zlib.decompress(packed, wbits=31, bufsize=max(1, entry.size))
    except Unpackable:
        page = None
    if page is None or hashlib.sha256(page).hexdigest() != entry.sha256:
        raise Malformed(f"{where}: damaged since it landed; fetch its window again")
    return page
