"""Files of locations: a step each; one that cannot be read is kept back whole."""

from collections.abc import Callable, Iterator

import polars as pl

from oms_pipelines.config import Inbound, Location
from oms_pipelines.consolidate.resolve import resolve
from oms_pipelines.consolidate.steps import Batch, Outcome, Step, applied, rejected
from oms_pipelines.errors import Malformed
from oms_pipelines.logistics import parse, profiles
from oms_pipelines.logistics.kinds import BY_COMMAND, RECEIPT
from oms_pipelines.returns import links, receipts
from oms_pipelines.store import Session
from oms_pipelines.store.frames import empty
from oms_pipelines.touched import touch


def file_steps(
    batch: Batch, merge: Callable[[Session, Batch, int, bytes, Location], Outcome]
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


def _profile(batch: Batch, location: Location, what: str, kind: str) -> profiles.Profile:
    """Return the profile of a location's files; the built-in one where it declares none."""
    inbound: Inbound | None = getattr(location, what)
    return profiles.profile(batch.oms, inbound.profile if inbound else kind, kind)


def merge_stock(session: Session, b: Batch, page: int, body: bytes, place: Location) -> Outcome:
    if place.stock is not None and place.stock.means == "delta":
        return _merge_deltas(session, b, page, body, place)
    fetched_at = b.manifest.fetched_at
    # a mended row comes alone: that is no shrunken snapshot
    last = None if b.manifest.mended_of else parse.last_snapshot(session, place.id, fetched_at)
    found = parse.parse_stock(
        body,
        _profile(b, place, "stock", "stock"),
        place,
        fetched_at,
        b.id,
        known=_known(session, b),
        last=last,
        name=b.name(page),
        page=page,
        alone=b.manifest.mended_of is not None,
    )
    counts = found.accepted
    changed = session.merge_documents("stock_counts", counts, {"stock_lots": found.lots}).changed
    if changed and found.lots.height:
        touch(session, found.lots["sku"])  # what expires may be other than before
    parse.forget_lots(session, place.id)
    parse.settle_counted(session, counts)
    if session.insert_new("skus", _skus(counts)):
        resolve(session, b.now)
    return Outcome(found.received, found.rejected, changed)


def merge_supply(session: Session, b: Batch, page: int, body: bytes, place: Location) -> Outcome:
    profile = _profile(b, place, "supply", "supply")
    found = parse.parse_supply(
        body, profile, place.id, b.manifest.fetched_at, b.id, b.name(page), page
    )
    changed = session.merge_documents("supply", found.accepted, {}).changed
    parse.settle_told(session, found.accepted, b.now)
    return Outcome(found.received, found.rejected, changed)


def _merge_deltas(session: Session, b: Batch, page: int, body: bytes, place: Location) -> Outcome:
    found = parse.parse_deltas(
        body,
        _profile(b, place, "stock", "stock_delta"),
        place.id,
        b.manifest.fetched_at,
        b.id,
        known=_known(session, b),
        name=b.name(page),
        page=page,
    )
    changed = session.merge_documents("stock_adjustments", found.accepted, {}).changed
    if session.insert_new("skus", _skus(found.accepted)):
        resolve(session, b.now)
    return Outcome(found.received, found.rejected, changed)


def _known(session: Session, b: Batch) -> list[str] | None:
    """Return the merchant's SKUs; None where no catalog names them and counting does."""
    if b.oms.catalog.skus is None:
        return None
    return session.query("consolidate/known_skus")["sku"].to_list()


def _skus(counts: pl.DataFrame) -> pl.DataFrame:
    """Return what is known of SKUs that were counted: that they exist."""
    return pl.concat([empty("skus"), counts.select("sku").unique()], how="diagonal")


def merge_confirmations(
    session: Session, b: Batch, page: int, body: bytes, place: Location
) -> Outcome:
    from oms_pipelines.dispatch import apply_confirmations
    from oms_pipelines.tracking import apply_tracking

    profile = _profile(b, place, "confirmations", "confirmation")
    found = parse.parse_confirmations(body, profile, place.id, b.name(page), page)
    done = apply_confirmations(session, found.accepted, b.id, b.now)
    apply_tracking(session, b.now)  # its carrier may have spoken of the parcel before
    orders = links.orders_of(session, found.accepted["fo_id"])
    links.link(session, b.oms.returns.dispositions, orders)
    return applied(found, done.rejected, done.changed)


def merge_acknowledgements(
    session: Session, b: Batch, page: int, body: bytes, place: Location
) -> Outcome:
    from oms_pipelines.dispatch import apply_acknowledgements

    profile = _profile(b, place, "acknowledgements", "acknowledgement")
    found = parse.parse_acknowledgements(body, profile, place.id, b.name(page), page)
    done = apply_acknowledgements(session, found.accepted, b.id, b.now, b.oms)
    return applied(found, done.rejected, done.changed)


def merge_receipts(session: Session, b: Batch, page: int, body: bytes, place: Location) -> Outcome:
    own = b.name(page).startswith(BY_COMMAND)
    profile = RECEIPT if own else _profile(b, place, "receipts", "receipt")
    fetched_at = b.manifest.fetched_at
    found = parse.parse_receipts(body, profile, place.id, fetched_at, b.name(page), page)
    fitting, contradicting = receipts.judge(session, found.accepted)
    ways = b.oms.returns.dispositions
    rows = parse.resolve_receipts(session, fitting, ways, fetched_at, b.id)
    changed = session.merge_documents("return_receipts", rows, {}).changed
    links.link(session, ways, *(rows[c] for c in ("order_id", "told_rma", "told_order")))
    return applied(found, contradicting, changed)
