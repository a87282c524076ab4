"""What is done with the batches of each stream: how they are read, and how they are merged.

`STREAMS[stream](batch)` yields steps; each is called with a session and merges some of the
batch's records. Reading happens before a session is opened as far as it can.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from importlib import import_module

import polars as pl

from oms_pipelines.config import Inbound, Location, Oms
from oms_pipelines.consolidate.normalize import Normalized, normalizing
from oms_pipelines.consolidate.records import REJECTED, BatchInfo
from oms_pipelines.consolidate.resolve import resolve
from oms_pipelines.errors import Malformed
from oms_pipelines.landing import Manifest
from oms_pipelines.logistics import parse, profiles
from oms_pipelines.returns import across, links, receipts
from oms_pipelines.returns.carriers import carrier_ids
from oms_pipelines.store import Session
from oms_pipelines.store.frames import empty

_CHILDREN = {
    "orders": ("order_contacts", "order_lines"),
    "refunds": ("refund_lines",),
    "returns": ("return_lines",),
}


@dataclass(frozen=True)
class Batch:
    """A landed batch about to be consolidated. `pages` can be read once."""

    oms: Oms
    manifest: Manifest
    pages: Iterator[bytes]
    now: datetime

    @property
    def id(self) -> str:
        return self.manifest.batch_id

    @property
    def source(self) -> str:
        return self.manifest.source

    def name(self, page: int) -> str:
        """Return the name of the file a page came from."""
        return self.manifest.pages[page].name or f"page {page}"


@dataclass(frozen=True)
class Outcome:
    """What a step did: accepted + rejected = received; `changed` counts documents or rows."""

    received: int
    rejected: pl.DataFrame
    changed: int


Step = Callable[[Session], Outcome]


@dataclass(frozen=True)
class Pending:
    """A step whose rows are still on their way."""

    batch: Batch
    part: Future[Normalized]

    def ready(self) -> Step:
        """Wait for the rows; return the step."""
        return partial(_merge, self.batch, self.part.result())


Handler = Callable[[Batch], Iterator[Step | Pending]]


def reasons_of(oms: Oms, system: str) -> dict[str, str]:
    """Return the crosswalk of a system's return reasons to the menu's codes."""
    return {raw: r.code for r in oms.returns.reasons for raw in r.channels.get(system, ())}


def _channel(batch: Batch) -> Iterator[Pending]:
    channel = batch.oms.channel(batch.source)
    info = BatchInfo(
        batch_id=batch.id,
        source=batch.source,
        fetched_at=batch.manifest.fetched_at,
        channel=channel,
        profiles=batch.oms.profiles,
        reasons=reasons_of(batch.oms, channel.system),
    )
    for part in normalizing(batch.pages, channel.system, batch.manifest.stream, info):
        yield Pending(batch, part)


def _merge(batch: Batch, part: Normalized, session: Session) -> Outcome:
    source = batch.source
    tables = dict(part.accepted)
    if "order_lines" in tables:
        tables["order_lines"] = _resolved(session, source, tables["order_lines"])
    if "returns" in tables:
        tables["returns"] = carrier_ids(tables["returns"], batch.oms.carriers)
    changed = 0
    for document, children in _CHILDREN.items():
        if document in tables and tables[document].height:
            rows = {child: tables.get(child, empty(child)) for child in children}
            changed += session.merge_documents(document, tables[document], rows).changed
    if changed and ("orders" in tables or "returns" in tables):
        session.run("consolidate/resolve_returns")
    if changed:
        _link(session, batch, {n: t for n, t in tables.items() if n in ("orders", "returns")})
    return Outcome(part.received, part.rejected, changed)


def _link(session: Session, batch: Batch, tables: Mapping[str, pl.DataFrame]) -> None:
    """Link what came back to the orders and returns that came now."""
    ways = batch.oms.returns.dispositions

    def words(names: Collection[str]) -> list[pl.Series]:
        return [t[c] for t in tables.values() for c in names if c in t.columns]

    moved = across.link_across(session, *words(across.WORDS))
    links.move_counter_receipts(session, ways, moved)
    if "returns" in tables:
        links.book_counter_returns(session, batch.oms, batch.source, batch.id)
    both = [moved["order_id"], moved["order_id_before"]]
    links.link(session, ways, *words(links.WORDS), *both)


def _resolved(session: Session, channel_id: str, lines: pl.DataFrame) -> pl.DataFrame:
    """Return order lines with the merchant's SKU, where it is known."""
    wanted = lines.select("channel_sku").drop_nulls().unique()
    session.frame("tmp_channel_skus", wanted)
    known = session.query("consolidate/resolve_lines", channel_id=channel_id)
    bare = lines.drop("sku", "units_per")
    found = bare.join(known, on="channel_sku", how="left")
    return found.with_columns(pl.col("units_per").fill_null(1)).select(lines.columns)


def _file(
    batch: Batch, inbound: str, merge: Callable[[Session, Batch, int, bytes, Location], Outcome]
) -> Iterator[Step]:
    """Yield one step a file of a location; a file that cannot be read is kept back whole."""
    location = batch.oms.location(batch.source)
    for page, body in enumerate(batch.pages):

        def step(session: Session, page: int = page, body: bytes = body) -> Outcome:
            try:
                return merge(session, batch, page, body, location)
            except Malformed as e:
                return Outcome(1, rejected(page, str(e)), 0)

        yield step


def rejected(page: int, reason: str, record: int = -1, key: str | None = None) -> pl.DataFrame:
    """Return one record kept back, in the shape of REJECTED."""
    return pl.DataFrame([(page, record, key, reason)], schema=REJECTED, orient="row")


def _profile(batch: Batch, location: Location, what: str, kind: str) -> profiles.Profile:
    """Return the profile of a location's files; the built-in one where it declares none."""
    inbound: Inbound | None = getattr(location, what)
    return profiles.profile(batch.oms, inbound.profile if inbound else kind, kind)


def _stock(session: Session, b: Batch, page: int, body: bytes, place: Location) -> Outcome:
    fetched_at = b.manifest.fetched_at
    # a mended row comes alone: that is no shrunken snapshot
    last = None if b.manifest.mended_of else parse.last_snapshot(session, place.id, fetched_at)
    found = parse.parse_stock(
        body,
        _profile(b, place, "stock", "stock"),
        place,
        fetched_at,
        b.id,
        last=last,
        name=b.name(page),
        page=page,
    )
    counts = found.accepted
    changed = session.merge_documents("stock_counts", counts, {}).changed
    if session.insert_new("skus", _skus(counts)):
        resolve(session, b.now)
    return Outcome(found.received, found.rejected, changed)


def _skus(counts: pl.DataFrame) -> pl.DataFrame:
    """Return what is known of SKUs that were counted: that they exist."""
    return pl.concat([empty("skus"), counts.select("sku").unique()], how="diagonal")


def _confirmations(session: Session, b: Batch, page: int, body: bytes, place: Location) -> Outcome:
    from oms_pipelines.dispatch import apply_confirmations
    from oms_pipelines.tracking import apply_tracking

    profile = _profile(b, place, "confirmations", "confirmation")
    found = parse.parse_confirmations(body, profile, place.id, b.name(page), page)
    done = apply_confirmations(session, found.accepted, b.id, b.now)
    apply_tracking(session, b.now)  # its carrier may have spoken of the parcel before
    orders = links.orders_of(session, found.accepted["fo_id"])
    links.link(session, b.oms.returns.dispositions, orders)
    return _applied(found, done.rejected, done.changed)


def _acknowledgements(
    session: Session, b: Batch, page: int, body: bytes, place: Location
) -> Outcome:
    from oms_pipelines.dispatch import apply_acknowledgements

    profile = _profile(b, place, "acknowledgements", "acknowledgement")
    found = parse.parse_acknowledgements(body, profile, place.id, b.name(page), page)
    done = apply_acknowledgements(session, found.accepted, b.id, b.now, b.oms)
    return _applied(found, done.rejected, done.changed)


def _applied(found: parse.Parsed, also: pl.DataFrame, changed: int) -> Outcome:
    both = pl.concat([found.rejected.cast(REJECTED), also.select(REJECTED.names()).cast(REJECTED)])
    return Outcome(found.received, both, changed)


def _receipts(session: Session, b: Batch, page: int, body: bytes, place: Location) -> Outcome:
    profile = _profile(b, place, "receipts", "receipt")
    fetched_at = b.manifest.fetched_at
    found = parse.parse_receipts(body, profile, place.id, fetched_at, b.name(page), page)
    fitting, contradicting = receipts.judge(session, found.accepted)
    ways = b.oms.returns.dispositions
    rows = parse.resolve_receipts(session, fitting, ways, fetched_at, b.id)
    changed = session.merge_documents("return_receipts", rows, {}).changed
    links.link(session, ways, *(rows[c] for c in ("order_id", "told_rma", "told_order")))
    return _applied(found, contradicting, changed)


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
            return _applied(found, lost, merged.changed)

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
    "orders": _channel,
    "refunds": _channel,
    "returns": _channel,
    "stock": partial(_file, inbound="stock", merge=_stock),
    "confirmations": partial(_file, inbound="confirmations", merge=_confirmations),
    "acknowledgements": partial(_file, inbound="acknowledgements", merge=_acknowledgements),
    "receipts": partial(_file, inbound="receipts", merge=_receipts),
    "announcements": _announcements,
    "tracking": _tracking,
}


def sources(oms: Oms) -> list[tuple[str, str]]:
    """Return every (source, stream) a configuration can have batches of, in its order."""
    found = [(c.id, stream) for c in oms.channels for stream in _CHILDREN]
    places = ("stock", "confirmations", "acknowledgements", "receipts")
    found += [(x.id, stream) for x in oms.locations for stream in places]
    found += [(c.id, "tracking") for c in oms.carriers]
    return [*found, ("hub", "announcements")]
