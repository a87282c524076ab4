"""The extract stage: pull every source side by side into the landing zone.

A source is a channel, a location, a carrier, or the drop of announced returns; each of its
streams lands apart. A tick reads on from the cursor, which is the newest manifest, with an
overlap; a window that a crash cut off is finished first. A backfill reads whole days again
and moves no cursor.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Protocol

from oms_pipelines.channels.base import Page, Window
from oms_pipelines.config import Drop, Inbound, Oms
from oms_pipelines.errors import OmsError
from oms_pipelines.hub import Hub
from oms_pipelines.landing import Manifest, Purpose
from oms_pipelines.logistics.transport import open_folder
from oms_pipelines.returns.announce import HUB, STREAM
from oms_pipelines.returns.announcements import DROPPED

FIRST_LOOK = timedelta(days=30)  # how far back a new source is read, unless oms.yaml says
AT_ONCE = 8
LOCATION_STREAMS = {
    "stock": "stock",
    "supply": "supply",
    "confirmations": "confirmations",
    "acknowledgements": "acknowledgements",
    "receipts": "receipts",
}


class Observer(Protocol):
    """Is told of pages as they come and of the batches they land in, by a thread a source."""

    def page(self, source: str, page: Page) -> None: ...
    def landed(self, manifest: Manifest) -> None: ...


@dataclass(frozen=True)
class Source:
    """One stream of one channel, location or carrier, or the drop of announced returns."""

    id: str
    stream: str
    kind: str


@dataclass(frozen=True)
class Extracted:
    """What one source's stream gave. `error` is set when it failed, wholly or midway."""

    source: Source
    records: int = 0
    pages: int = 0
    batches: tuple[str, ...] = ()
    newest: datetime | None = None
    lag_seconds: float | None = None
    seconds: float = 0.0
    error: str | None = None


def sources(oms: Oms) -> list[Source]:
    """Return every source and stream of a configuration, in its order."""
    found = [Source(c.id, s, "channel") for c in oms.channels for s in ("orders", "returns")]
    for location in oms.locations:
        found += [
            Source(location.id, stream, "location")
            for stream, name in LOCATION_STREAMS.items()
            if getattr(location, name) is not None
        ]
    found += [Source(c.id, "tracking", "carrier") for c in oms.carriers if c.url]
    return found + ([Source(HUB, STREAM, "drop")] if oms.returns.drop else [])


def extract_all(
    hub: Hub, wanted: Sequence[Source], window: Window | None, observer: Observer | None = None
) -> list[Extracted]:
    """Pull sources side by side; the streams of one source one after the other.

    `window` None reads on from each cursor. A source that fails is told in its result.
    An observer sees the pages of channels and carriers.
    """
    ordered = sorted(wanted, key=lambda s: s.id)
    by_source = [list(streams) for _, streams in groupby(ordered, key=lambda s: s.id)]
    hub.now()  # asked once, before the threads need it
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="extract") as pool:
        done = list(
            pool.map(lambda some: [extract(hub, s, window, observer) for s in some], by_source)
        )
    by_place = {result.source: result for results in done for result in results}
    return [by_place[s] for s in wanted]


def extract(
    hub: Hub, source: Source, window: Window | None = None, observer: Observer | None = None
) -> Extracted:
    """Pull one stream of one source; an error of the source is told in the result."""
    started = time.perf_counter()
    landed: list[Manifest] = []
    error = None
    try:
        if source.kind == "location":
            inbound = getattr(hub.oms.location(source.id), LOCATION_STREAMS[source.stream])
            _files(hub, source, inbound, landed)
        elif source.kind == "drop" and hub.oms.returns.drop is not None:
            _files(hub, source, hub.oms.returns.drop, landed, prefix=DROPPED)
        else:
            _windows(hub, source, window, landed, observer)
    except OmsError as e:
        error = str(e)
    result = _result(source, landed, error, hub.now(), time.perf_counter() - started)
    hub.said(f"extract {source.id}/{source.stream}: {error or f'{result.records} records'}")
    return result


def _result(
    source: Source, landed: list[Manifest], error: str | None, now: datetime, seconds: float
) -> Extracted:
    newest = max((m.high_water for m in landed if m.high_water), default=None)
    return Extracted(
        source,
        sum(m.records for m in landed),
        sum(len(m.pages) for m in landed),
        tuple(m.batch_id for m in landed if m.pages),
        newest,
        (now - newest).total_seconds() if newest else None,
        seconds,
        error,
    )


def _windows(
    hub: Hub,
    source: Source,
    window: Window | None,
    landed: list[Manifest],
    observer: Observer | None,
) -> None:
    """Read what is due: the window asked for, or an unfinished one and then on to now."""
    if window is not None:
        _read(hub, source, window, None, "backfill", landed, observer)
        return
    cursor = hub.landing.cursor(source.id, source.stream)
    if cursor and not cursor.complete and cursor.window_start and cursor.window_end:
        unfinished = Window(cursor.window_start, cursor.window_end)
        _read(hub, source, unfinished, cursor.resume, "sync", landed, observer)
        cursor = hub.landing.cursor(source.id, source.stream)
    end = hub.now()
    if cursor and cursor.window_end:
        start = cursor.window_end - _overlap(hub.oms, source)
    elif hub.oms.backfill_from:
        start = datetime.combine(hub.oms.backfill_from, datetime.min.time(), UTC)
    else:
        start = end - FIRST_LOOK
    _read(hub, source, Window(start, end), None, "sync", landed, observer)


def _overlap(oms: Oms, source: Source) -> timedelta:
    return oms.channel(source.id).overlap if source.kind == "channel" else timedelta(minutes=10)


def _read(
    hub: Hub,
    source: Source,
    window: Window,
    resume: str | None,
    purpose: Purpose,
    landed: list[Manifest],
    observer: Observer | None,
) -> None:
    """Land the pages of one window. What came before an error stays landed."""
    writer = hub.landing.writer(
        source.id,
        source.stream,
        (window.start, window.end),
        hub.now(),
        purpose=purpose,
        resume=resume,
    )
    names: list[str] = []
    try:
        with writer:
            for page in _pages(hub, source, window, resume):
                told = writer.add(page)
                if observer is not None:
                    _tell(observer, source, told, page)
                if page.name:
                    names.append(page.name)
            told = writer.finish()
            if observer is not None:
                _tell(observer, source, told)
    finally:
        landed += writer.manifests
    taken = getattr(hub.adapters.get(source.id), "landed", None)
    if taken is not None and names:
        taken(names)


def _tell(
    observer: Observer, source: Source, batches: Sequence[Manifest], page: Page | None = None
) -> None:
    """Tell of batches that landed, and of the page that came after them."""
    for manifest in batches:
        observer.landed(manifest)
    if page is not None:
        observer.page(source.id, page)


def _pages(hub: Hub, source: Source, window: Window, resume: str | None) -> Iterator[Page]:
    if source.kind == "carrier":
        return hub.carriers[source.id].tracking(window, resume)
    adapter = hub.adapters[source.id]
    if source.stream == "returns":
        return adapter.returns(window, resume)
    return adapter.orders(window, resume)


def _files(
    hub: Hub, source: Source, inbound: Inbound | Drop, landed: list[Manifest], prefix: str = ""
) -> None:
    """Land the files that lie in a folder, then move them to its archive."""
    folder = open_folder(inbound.source)
    names = folder.incoming(inbound.pattern)
    if not names:
        return
    faults = []
    writer = hub.landing.writer(source.id, source.stream, None, hub.now())
    with writer:
        taken = []
        for name in names:
            try:
                body = folder.read(name)
            except OmsError as e:
                faults.append(str(e))
                continue
            lines = max(body.count(b"\n") - 1, 0)
            writer.add(Page(source.stream, body, lines, name=prefix + name))
            taken.append(name)
        if taken:
            writer.finish()
    landed += writer.manifests
    for name in taken:
        folder.archive(name)
    if faults:
        raise OmsError("; ".join(faults))
