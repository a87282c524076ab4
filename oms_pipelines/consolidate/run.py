"""Every landed batch that the store has not taken yet, merged: one transaction a batch."""

import hashlib
from collections import deque
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain

import polars as pl

from oms_pipelines import crash
from oms_pipelines.ahead import ahead
from oms_pipelines.config import Oms
from oms_pipelines.consolidate.early import Early
from oms_pipelines.consolidate.records import REJECTED
from oms_pipelines.consolidate.steps import Batch, Outcome, Pending, Step, rejected
from oms_pipelines.consolidate.streams import STREAMS, sources
from oms_pipelines.errors import Malformed, OmsError
from oms_pipelines.landing import Landing, Manifest
from oms_pipelines.landing.manifest import day_of
from oms_pipelines.schema import columns_of
from oms_pipelines.store import Session, Store

# A batch may land up to this long after one that began later: backfills run for hours.
_OVERTAKEN = timedelta(days=1)


@dataclass(frozen=True)
class StreamResult:
    """What one stream of one source gave: accepted + quarantined = received, to the row.

    `newest` is the newest update time in its batches, `error` why it failed, if it did.
    """

    source: str
    stream: str
    received: int = 0
    accepted: int = 0
    quarantined: int = 0
    changed: int = 0
    batches: int = 0
    newest: datetime | None = None
    error: str | None = None


def consolidate(
    store: Store,
    landing: Landing,
    oms: Oms,
    now: datetime,
    only: Collection[tuple[str, str]] | None = None,
    batches: Sequence[Manifest] | None = None,
    on_progress: Callable[[str], None] | None = None,
    early: Early | None = None,
) -> list[StreamResult]:
    """Shape, gate and merge what has landed since; return a result for each stream it had.

    `only` names (source, stream) pairs, `batches` the very batches to take; `early` has some
    gated already. A stream that fails is told in its result, and no other waits for it. What
    it looks at is bounded by the last days, whatever the history. A batch taken twice changes
    nothing.
    """
    wanted = [s for s in sources(oms) if only is None or s in only]
    if batches is not None:
        found: Iterable[_Landed] = [_Landed(m.source, m.stream, [m]) for m in batches]
    else:
        found = _landed(store, landing, wanted)
    results = []
    for landed in found:
        result = _stream(store, landing, oms, now, landed, early)
        if on_progress is not None:
            told = result.error or f"{result.received} records, {result.quarantined} kept back"
            on_progress(f"consolidate {result.source}/{result.stream}: {told}")
        results.append(result)
    return results


@dataclass(frozen=True)
class _Landed:
    """Batches of a stream not yet taken; `error` when its manifests cannot be read."""

    source: str
    stream: str
    manifests: list[Manifest] = field(default_factory=list)
    error: str | None = None


def _landed(store: Store, landing: Landing, wanted: Sequence[tuple[str, str]]) -> Iterator[_Landed]:
    there = set(landing.streams())
    present = [s for s in wanted if s in there]
    if not present:
        return
    with store.session(read_only=True) as session:
        newest = session.query("consolidate/newest_batches")
        days = {(s, t): day_of(b) - _OVERTAKEN for s, t, b in newest.iter_rows()}
        since = [(s, t, f"{day:%Y%m%d}") for (s, t), day in days.items()]
        schema = {"source": pl.String, "stream": pl.String, "since": pl.String}
        session.frame("tmp_since", pl.DataFrame(since, schema=schema, orient="row"))
        known: dict[tuple[str, str], set[str]] = {}
        for source, stream, batch in session.query("consolidate/known_batches").iter_rows():
            known.setdefault((source, stream), set()).add(batch)
    for source, stream in present:
        key = (source, stream)
        try:
            manifests = landing.batches(source, stream, days.get(key), known.get(key, ()))
        except Malformed as e:
            yield _Landed(source, stream, error=str(e))
        else:
            if manifests:
                yield _Landed(source, stream, manifests)


def _stream(
    store: Store, landing: Landing, oms: Oms, now: datetime, landed: _Landed, early: Early | None
) -> StreamResult:
    """Take the batches of one stream in order. A damaged one is told and passed over."""
    counts: list[Outcome] = []
    errors = [landed.error] if landed.error else []
    taken = [m for m in landed.manifests if not m.pages]
    if taken:
        with store.session() as session:
            _tell_batches(session, [(m, Outcome(0, REJECTED.to_frame(), 0)) for m in taken], now)
    wanted = [m for m in landed.manifests if m.pages]
    with closing(ahead(_steps(landing, oms, now, wanted, early), 3)) as steps:
        for manifest in wanted:
            own = _own(steps)
            try:
                counts.append(_batch(store, oms, now, manifest, own))
                taken.append(manifest)
            except Malformed as e:
                errors.append(str(e))
                _pass_over(own)
                with store.session() as session:
                    told = rejected(-1, str(e), key=manifest.batch_id)
                    _quarantine(session, manifest, told, now)
            except OmsError as e:
                errors.append(str(e))
                break
    return StreamResult(
        source=landed.source,
        stream=landed.stream,
        received=sum(o.received for o in counts),
        accepted=sum(o.received - o.rejected.height for o in counts),
        quarantined=sum(o.rejected.height for o in counts),
        changed=sum(o.changed for o in counts),
        batches=len(taken),
        newest=max((m.high_water for m in taken if m.high_water), default=None),
        error="; ".join(errors) or None,
    )


def _steps(
    landing: Landing,
    oms: Oms,
    now: datetime,
    manifests: Sequence[Manifest],
    early: Early | None,
) -> Generator[Step | Pending | OmsError | None]:
    """Yield what there is to merge of each batch, then None, or the error it ended with."""
    for manifest in manifests:
        try:
            gated = early.taken(manifest) if early else None
            batch = Batch(oms, manifest, landing.pages(manifest), now, gated)
            yield from STREAMS[manifest.stream](batch)
        except OmsError as e:
            yield e
        else:
            yield None


def _own(steps: Iterator[Step | Pending | OmsError | None]) -> Iterator[Step]:
    """Yield the steps of one batch. Raises the error it ended with."""
    for step in steps:
        if step is None:
            return
        if isinstance(step, OmsError):
            raise step
        try:
            ready = step.ready() if isinstance(step, Pending) else step
        except OmsError:
            for rest in steps:  # another batch begins after its end
                if rest is None or isinstance(rest, OmsError):
                    break
            raise
        yield ready


def _pass_over(steps: Iterator[Step]) -> None:
    with suppress(OmsError):
        deque(steps, maxlen=0)


def _batch(
    store: Store, oms: Oms, now: datetime, manifest: Manifest, steps: Iterator[Step]
) -> Outcome:
    """Merge one batch, its rejects and the fact that it was taken, in one transaction."""
    whole = manifest.stream == "stock" and not _tells_movements(oms, manifest.source)
    first: list[Step] = [step for step in [next(steps, None)] if step]
    crash.point("consolidate.batch_normalized")
    with store.session() as session:
        outcomes = [step(session) for step in chain(first, steps)]
        outcome = Outcome(
            sum(o.received for o in outcomes),
            pl.concat([REJECTED.to_frame(), *(o.rejected.cast(REJECTED) for o in outcomes)]),
            sum(o.changed for o in outcomes),
        )
        _keep_back(session, manifest, outcome, now)
        _tell_batches(session, [(manifest, outcome)], now)
        _supersede(session, manifest, whole)
        crash.point("consolidate.batch_merging")
    crash.point("consolidate.batch_merged")
    return outcome


def _tells_movements(oms: Oms, source: str) -> bool:
    stock = oms.location(source).stock
    return stock is not None and stock.means == "delta"


def _keep_back(session: Session, manifest: Manifest, outcome: Outcome, now: datetime) -> None:
    """Write the rejects; let a mended record's original go if its batch was let through."""
    if manifest.mended_of is None:
        _quarantine(session, manifest, outcome.rejected, now)
    elif outcome.rejected.is_empty() and outcome.received:
        session.run(
            "consolidate/release", quarantine_id=manifest.mended_of, batch_id=manifest.batch_id
        )
    else:  # the original goes on waiting; one of the two is enough
        _quarantine(session, manifest, outcome.rejected, now, state="superseded")


def _quarantine(
    session: Session,
    manifest: Manifest,
    rows: pl.DataFrame,
    now: datetime,
    state: str = "waiting",
) -> None:
    if rows.is_empty():
        return
    places = rows.select("page", "record").iter_rows()
    ids = [quarantine_id(manifest.batch_id, page, record) for page, record in places]
    told = rows.with_columns(
        pl.Series("quarantine_id", ids),
        pl.lit(manifest.source).alias("source"),
        pl.lit(manifest.stream).alias("stream"),
        pl.lit(manifest.batch_id).alias("batch_id"),
        pl.lit(state).alias("state"),
        pl.lit(now).alias("quarantined_at"),
        pl.lit(None, pl.String).alias("released_by"),
    )
    session.insert_new("quarantine", told.select(columns_of("quarantine")))


def quarantine_id(batch_id: str, page: int, record: int) -> str:
    """Return the id of a record kept back: where it lies, as 16 hexadecimal digits."""
    place = f"{batch_id}/{page}/{record}".encode()
    return hashlib.md5(place, usedforsecurity=False).hexdigest()[:16]


def _tell_batches(
    session: Session, done: Sequence[tuple[Manifest, Outcome]], now: datetime
) -> None:
    rows = [
        {
            "batch_id": manifest.batch_id,
            "source": manifest.source,
            "stream": manifest.stream,
            "received": outcome.received,
            "accepted": outcome.received - outcome.rejected.height,
            "quarantined": outcome.rejected.height,
            "changed": outcome.changed,
            "merged_at": now,
        }
        for manifest, outcome in done
    ]
    session.upsert("batches", pl.DataFrame(rows))


def _supersede(session: Session, manifest: Manifest, whole: bool) -> None:
    """Take from the waiting what came again later, whichever of the two landed first.

    Stock is replaced by later stock where a file has the whole of it.
    """
    where = {"source": manifest.source, "stream": manifest.stream}
    if not session.query("consolidate/waiting", **where).item():
        return
    session.run("consolidate/supersede_repeated", **where)
    if manifest.stream in ("orders", "refunds", "returns", "supply") or whole:
        session.run(f"consolidate/supersede_{manifest.stream}", source=manifest.source)
