"""Erase a person: the contacts of their orders, what was landed of them, and our copies of sent
files. Orders, lines and counts stay, so that totals and a replay agree.

Erasing again changes nothing. A file that was changed so cannot be sent again; what the channel
itself still holds comes back with its next version of the order: erase it there first.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from oms_pipelines.config import Oms
from oms_pipelines.dispatch.content import outbound_of, profile_of
from oms_pipelines.erasure.redact import Person, redact_json, redact_table
from oms_pipelines.errors import Malformed, Rejected
from oms_pipelines.landing import Landing
from oms_pipelines.logistics.profiles import Profile, resolve
from oms_pipelines.logistics.transport import Folder
from oms_pipelines.store import Store

_STREAMS = ("orders", "refunds", "returns")
_XLSX = b"PK\x03\x04"
_KNOWN = ("name", "company", "email", "phone", "address1", "address2")


@dataclass(frozen=True)
class Erased:
    """Counts of what was blanked. `left` names batches a person must look at."""

    orders: int
    contacts: int
    records: int
    batches: int
    file_rows: int
    files: int
    left: tuple[str, ...]


def erase(store: Store, landing: Landing, oms: Oms, wanted: str) -> Erased:
    """Erase the person of an order (`channel/id`) or of an e-mail address.

    Raises Rejected when it names nothing that could be there.
    """
    with store.session(read_only=True) as session:
        orders = session.query("erasure/orders", wanted=wanted)
        session.frame("tmp_erased", orders.select("order_id"))
        files = session.query("erasure/files")
    people = _people(oms, orders, wanted)
    # what was received first: a crash on the way is mended by erasing again, and until the
    # contacts are blank the store still tells what to look for
    records, batches, left = _landed(landing, oms, people)
    rows, changed = _sent(oms, files.iter_rows(), orders)
    with store.session() as session:
        session.frame("tmp_erased", orders.select("order_id"))
        contacts = session.run("erasure/blank_contacts")
    return Erased(orders.height, contacts, records, batches, rows, changed, tuple(left))


def _people(oms: Oms, orders: pl.DataFrame, wanted: str) -> dict[str, Person]:
    """Return whom to look for in the landed records of each channel."""
    email = wanted if "@" in wanted and "/" not in wanted else None
    channels = [c.id for c in oms.channels]
    found: dict[str, Person] = {}
    for channel_id in channels:
        own = orders.filter(pl.col("channel_id") == channel_id)
        ids = {str(x) for x in [*own["external_id"], *own["number"]] if x}
        if wanted.startswith(f"{channel_id}/"):
            ids.add(wanted.split("/", 1)[1])
        values = {str(v).strip().lower() for c in _KNOWN for v in own[c].drop_nulls()}
        if ids or email:
            found[channel_id] = Person(frozenset(ids), email, frozenset(values - {""}))
    if not found:
        raise Rejected(f"{wanted}: write an order as CHANNEL/ID, or an e-mail address")
    return found


def _landed(landing: Landing, oms: Oms, people: dict[str, Person]) -> tuple[int, int, list[str]]:
    records, batches, left = 0, 0, []
    for channel_id, stream in landing.streams():
        person = people.get(channel_id)
        if person is None or stream not in _STREAMS:
            continue
        table = _table(oms, channel_id)
        for manifest in landing.batches(channel_id, stream):
            try:
                stored = landing.pages_as_stored(manifest)
            except Malformed:
                left.append(manifest.folder)
                continue
            pages, count, unread = _redacted(stored, person, table)
            # an erasure that was cut off left the batch with the manifest of its old bytes
            if count or not landing.is_whole(manifest):
                landing.rewrite(manifest, pages)
                records, batches = records + count, batches + 1
            if unread:
                left.append(manifest.folder)
    return records, batches, left


def _table(oms: Oms, channel_id: str) -> Profile:
    options: dict[str, Any] = oms.channel(channel_id).options
    return resolve(oms.profiles, options.get("profile", "orders"), "orders")


def _redacted(stored: list[bytes], person: Person, table: Profile) -> tuple[list[bytes], int, bool]:
    """Return the pages of a batch without the person, the records changed, and whether a page
    that may hold them cannot be read.
    """
    pages, total, unread = [], 0, False
    for body in stored:
        page, count = body, 0
        if body.startswith(_XLSX):
            unread = True
        elif person.mentioned_in(body):
            try:
                page, count = _redact(body, person, table)
            except UnicodeDecodeError:
                unread = True
        pages.append(page)
        total += count
    return pages, total, unread


def _redact(body: bytes, person: Person, table: Profile) -> tuple[bytes, int]:
    if body.lstrip()[:1] in (b"{", b"["):
        try:
            return redact_json(body, person)
        except orjson.JSONDecodeError:
            pass
    return redact_table(body, table, person.ids, person.email)


def _sent(oms: Oms, files: Iterable[tuple], orders: pl.DataFrame) -> tuple[int, int]:
    """Blank the rows of these orders in our copies of dispatch files."""
    ids = set(orders["order_id"])
    rows = changed = 0
    for destination, name in files:
        copies = Folder(Path(oms.output) / "files" / destination)
        body = copies.peek(name)
        if body is None:
            continue
        used = profile_of(oms, outbound_of(oms, destination, "dispatch"), "dispatch")
        redacted, count = redact_table(body, used, ids)
        if count:
            copies.replace(name, redacted)
            rows, changed = rows + count, changed + 1
    return rows, changed
