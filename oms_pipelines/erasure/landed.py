"""Take a person out of the landing zone: page by page, whatever its stream's form."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import orjson

from oms_pipelines.config import Oms
from oms_pipelines.erasure.redact import (
    REASONS,
    Person,
    Rows,
    redact_json,
    redact_table,
    redact_workbook,
    rows_of,
)
from oms_pipelines.errors import Malformed
from oms_pipelines.landing import Landing, Manifest
from oms_pipelines.logistics.profiles import Profile, profile, resolve
from oms_pipelines.logistics.workbook import is_workbook
from oms_pipelines.returns.announcements import profile_of

_CHANNEL = ("orders", "refunds", "returns")
# a page by its name and bytes: the page without the person, and how many records were changed
Redact = Callable[[str, bytes], tuple[bytes, int]]


@dataclass(frozen=True)
class Sought:
    """Whom to look for: in records of each channel, and by what announcements and receipts may
    name (order numbers and ids, RMAs, `location/receipt number`).
    """

    people: dict[str, Person]
    numbers: frozenset[str]
    rmas: frozenset[str]
    receipts: frozenset[str]


@dataclass(frozen=True)
class Redacted:
    """Records and batches changed, and the folders of batches a person must look at."""

    records: int
    batches: int
    left: list[str]


def redact_landed(landing: Landing, oms: Oms, sought: Sought) -> Redacted:
    """Redact every landed page that tells of a person. Manifests stay true to their bytes."""
    records, batches, left = 0, 0, []
    for source, stream in landing.streams():
        redact = _redact_of(oms, sought, source, stream)
        if redact is None:
            continue
        for manifest in landing.batches(source, stream):
            try:
                stored = landing.pages_as_stored(manifest)
            except Malformed:
                left.append(manifest.folder)
                continue
            pages, count, unread = _pages(manifest, stored, redact)
            # an erasure that was cut off left the batch with the manifest of its old bytes
            if count or not landing.is_whole(manifest):
                landing.rewrite(manifest, pages)
                records, batches = records + count, batches + 1
            if unread:
                left.append(manifest.folder)
    return Redacted(records, batches, left)


def _redact_of(oms: Oms, sought: Sought, source: str, stream: str) -> Redact | None:
    """Return what redacts the pages of a stream, or None where nobody is told of."""
    person = sought.people.get(source)
    if person is not None and stream in _CHANNEL:
        if stream != "orders":
            person = replace(person, also=REASONS)
        return partial(_of_channel, person, _table(oms, source))
    named = {"rma": sought.rmas, "order_number": sought.numbers, "order_id": sought.numbers}
    if stream == "announcements":
        return partial(_of_announcements, oms, Rows(named))
    places = {x.id: x for x in oms.locations}
    if stream == "receipts" and source in places:
        own = {x.partition("/")[2] for x in sought.receipts if x.startswith(f"{source}/")}
        inbound = places[source].receipts
        form = profile(oms, inbound.profile if inbound else "receipt", "receipt")
        return partial(_of_table, form, Rows(named | {"receipt_id": own}))
    return None


def _table(oms: Oms, channel_id: str) -> Profile:
    options: dict[str, Any] = oms.channel(channel_id).options
    return resolve(oms.profiles, options.get("profile", "orders"), "orders")


def _pages(
    manifest: Manifest, stored: list[bytes], redact: Redact
) -> tuple[list[bytes], int, bool]:
    """Return the pages of a batch without the person, the records changed, and whether a page
    that may hold them cannot be read.
    """
    pages, total, unread = [], 0, False
    for entry, body in zip(manifest.pages, stored, strict=True):
        page, count = body, 0
        try:
            page, count = redact(entry.name or "", body)
        except (UnicodeDecodeError, Malformed):
            unread = True
        pages.append(page)
        total += count
    return pages, total, unread


def _of_channel(person: Person, table: Profile, name: str, body: bytes) -> tuple[bytes, int]:
    whose = rows_of(person.ids, person.email)
    if is_workbook(body):
        return redact_workbook(body, table, whose)
    if not person.mentioned_in(body):
        return body, 0
    if body.lstrip()[:1] in (b"{", b"["):
        try:
            return redact_json(body, person)
        except orjson.JSONDecodeError:
            pass
    return redact_table(body, table, whose)


def _of_announcements(oms: Oms, whose: Rows, name: str, body: bytes) -> tuple[bytes, int]:
    return redact_table(body, profile_of(oms, name), whose)


def _of_table(form: Profile, whose: Rows, name: str, body: bytes) -> tuple[bytes, int]:
    return redact_table(body, form, whose)
