"""What is done with the batches of each stream: how they are read, and how they are merged.

`STREAMS[stream](batch)` yields the steps.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from importlib import import_module

from oms_pipelines.config import Oms
from oms_pipelines.consolidate import location_streams as locations
from oms_pipelines.consolidate.channel_streams import CHILDREN, channel_steps
from oms_pipelines.consolidate.steps import Batch, Handler, Outcome, Step, applied, rejected
from oms_pipelines.errors import Malformed
from oms_pipelines.store import Session


def _announcements(batch: Batch) -> Iterator[Step]:
    from oms_pipelines.returns import announcements

    for page, body in enumerate(batch.pages):

        def step(session: Session, page: int = page, body: bytes = body) -> Outcome:
            try:
                found = announcements.parse_announcements(
                    body, batch.oms, name=batch.name(page), page=page
                )
            except Malformed as e:
                return Outcome(1, rejected(page, str(e)), 0)
            arrival = announcements.Arrival(
                batch.id,
                batch.manifest.fetched_at,
                judged=not batch.name(page).startswith(announcements.DROPPED),
                mended=batch.manifest.mended_of is not None,
            )
            merged, lost = announcements.apply_announcements(
                session, batch.oms, found.accepted, arrival
            )
            return applied(found, lost, merged.changed)

        yield step


def _tracking(batch: Batch) -> Iterator[Step]:
    from oms_pipelines.tracking import apply_events, apply_tracking

    system = {c.id: c.system for c in batch.oms.carriers}[batch.source]
    carrier = import_module(f"oms_pipelines.logistics.carriers.{system}")
    for page, body in enumerate(batch.pages):

        def step(session: Session, page: int = page, body: bytes = body) -> Outcome:
            try:
                found = carrier.parse_tracking(
                    body, batch.source, batch.manifest.fetched_at, batch.id, page
                )
            except Malformed as e:
                return Outcome(1, rejected(page, str(e)), 0)
            new = apply_events(session, found.accepted)
            if new:
                apply_tracking(session, batch.now)
            return Outcome(found.received, found.rejected, new)

        yield step


STREAMS: Mapping[str, Handler] = {
    "orders": channel_steps,
    "refunds": channel_steps,
    "returns": channel_steps,
    "stock": partial(locations.file_steps, merge=locations.merge_stock),
    "supply": partial(locations.file_steps, merge=locations.merge_supply),
    "confirmations": partial(locations.file_steps, merge=locations.merge_confirmations),
    "acknowledgements": partial(locations.file_steps, merge=locations.merge_acknowledgements),
    "receipts": partial(locations.file_steps, merge=locations.merge_receipts),
    "announcements": _announcements,
    "tracking": _tracking,
}


def sources(oms: Oms) -> list[tuple[str, str]]:
    """Return every (source, stream) a configuration can have batches of, in its order."""
    found = [(c.id, stream) for c in oms.channels for stream in CHILDREN]
    places = ("stock", "supply", "confirmations", "acknowledgements", "receipts")
    found += [(x.id, stream) for x in oms.locations for stream in places]
    found += [(c.id, "tracking") for c in oms.carriers]
    return [*found, ("hub", "announcements")]
