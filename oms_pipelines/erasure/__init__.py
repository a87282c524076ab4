"""Erase a person: the contacts of their orders and what was written of their returns, what was
landed of them, our copies of sent files, and where they live in saved inputs of plans. Orders,
lines and counts stay, so that totals and a replay agree.

Erasing again changes nothing. A file that was changed so cannot be sent again; what the channel
itself still holds comes back with its next version of the order: erase it there first.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from oms_pipelines.config import Oms
from oms_pipelines.dispatch.content import outbound_of, profile_of
from oms_pipelines.erasure.landed import Sought, redact_landed
from oms_pipelines.erasure.redact import Person, redact_table, rows_of
from oms_pipelines.errors import Rejected
from oms_pipelines.landing import Landing
from oms_pipelines.logistics.transport import Folder
from oms_pipelines.routing import erase_saved
from oms_pipelines.store import Session, Store

_KNOWN = ("name", "company", "email", "phone", "address1", "address2")
_REASONS = ("returns", "return_lines", "return_receipts", "refunds")


@dataclass(frozen=True)
class Erased:
    """Counts of what was blanked. `left` names batches and plans a person must look at."""

    orders: int
    contacts: int
    reasons: int
    records: int
    batches: int
    file_rows: int
    files: int
    plans: int
    left: tuple[str, ...]


def erase(store: Store, landing: Landing, oms: Oms, wanted: str) -> Erased:
    """Erase the person of an order (`channel/id`) or of an e-mail address.

    Raises Rejected when it names nothing that could be there.
    """
    with store.session(read_only=True) as session:
        orders = session.query("erasure/orders", wanted=wanted)
        session.frame("tmp_erased", orders.select("order_id"))
        files = session.query("erasure/files")
        sought = _sought(session, oms, orders, wanted)
    # what was received first: a crash on the way is mended by erasing again, and until the
    # contacts are blank the store still tells what to look for
    landed = redact_landed(landing, oms, sought)
    rows, changed = _sent(oms, files.iter_rows(), orders)
    plans, unread = erase_saved(Path(oms.output) / "plans", set(orders["order_id"]))
    with store.session() as session:
        session.frame("tmp_erased", orders.select("order_id"))
        contacts = session.run("erasure/blank_contacts")
        reasons = sum(session.run(f"erasure/blank_{table}") for table in _REASONS)
    return Erased(
        orders=orders.height,
        contacts=contacts,
        reasons=reasons,
        records=landed.records,
        batches=landed.batches,
        file_rows=rows,
        files=changed,
        plans=plans,
        left=(*landed.left, *unread),
    )


def _sought(session: Session, oms: Oms, orders: pl.DataFrame, wanted: str) -> Sought:
    """Return whom to look for in what was landed."""
    found = session.query("erasure/returns")
    receipts = session.query("erasure/receipts")
    numbers = {str(x) for c in ("order_id", "external_id", "number") for x in orders[c] if x}
    if "/" in wanted:
        numbers.add(wanted)
    return Sought(
        _people(oms, orders, wanted),
        frozenset(numbers),
        frozenset(found["rma"].drop_nulls()),
        frozenset(receipts["receipt_id"]),
    )


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


def _sent(oms: Oms, files: Iterable[tuple], orders: pl.DataFrame) -> tuple[int, int]:
    """Blank the rows of these orders in our copies of the files that locations were sent."""
    whose = rows_of(set(orders["order_id"]))
    rows = changed = 0
    for destination, name, flow in files:
        copies = Folder(Path(oms.output) / "files" / destination)
        body = copies.peek(name)
        if body is None:
            continue
        used = profile_of(oms, outbound_of(oms, destination, flow), flow)
        redacted, count = redact_table(body, used, whose)
        if count:
            copies.replace(name, redacted)
            rows, changed = rows + count, changed + 1
    return rows, changed
