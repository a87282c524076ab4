"""Batches of channels: shaped and gated beside the merge, then merged with what hangs on them."""

from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime
from functools import partial

import polars as pl

from oms_pipelines.config import Oms
from oms_pipelines.consolidate.normalize import Normalized, normalizing
from oms_pipelines.consolidate.records import BatchInfo
from oms_pipelines.consolidate.steps import Batch, Outcome, Pending, Step
from oms_pipelines.returns import across, links
from oms_pipelines.returns.carriers import carrier_ids
from oms_pipelines.store import Session
from oms_pipelines.store.frames import empty

CHILDREN = {
    "orders": ("order_contacts", "order_lines"),
    "refunds": ("refund_lines",),
    "returns": ("return_lines",),
}


def reasons_of(oms: Oms, system: str) -> dict[str, str]:
    """Return the crosswalk of a system's return reasons to the menu's codes."""
    return {raw: r.code for r in oms.returns.reasons for raw in r.channels.get(system, ())}


def info_of(oms: Oms, source: str, batch_id: str, fetched_at: datetime) -> BatchInfo:
    """Return what normalization knows of a batch of a channel."""
    channel = oms.channel(source)
    return BatchInfo(
        batch_id=batch_id,
        source=source,
        fetched_at=fetched_at,
        channel=channel,
        profiles=oms.profiles,
        reasons=reasons_of(oms, channel.system),
    )


def channel_steps(batch: Batch) -> Iterator[Pending]:
    if batch.gated is not None:
        parts = batch.gated
    else:
        info = info_of(batch.oms, batch.source, batch.id, batch.manifest.fetched_at)
        parts = normalizing(batch.pages, info.channel.system, batch.manifest.stream, info)
    for part in parts:
        yield Pending(partial(_ready, batch, part))


def _ready(batch: Batch, part: Future[Normalized]) -> Step:
    found = part.result()
    if batch.gated is not None:  # its pages were gated before the batch had its name
        named = pl.lit(batch.id).alias("batch_id")
        tables = {
            name: rows.with_columns(named) if "batch_id" in rows.columns else rows
            for name, rows in found.accepted.items()
        }
        found = replace(found, accepted=tables)
    return partial(_merge, batch, found)


def _merge(batch: Batch, part: Normalized, session: Session) -> Outcome:
    source = batch.source
    tables = dict(part.accepted)
    if "order_lines" in tables:
        tables["order_lines"] = _resolved(session, source, tables["order_lines"])
    if "returns" in tables:
        tables["returns"] = carrier_ids(tables["returns"], batch.oms.carriers)
    changed = 0
    for document, children in CHILDREN.items():
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
    if "returns" not in tables and not session.query("returns/any_back").item():
        return
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
