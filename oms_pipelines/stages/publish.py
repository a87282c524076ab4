"""The publish stage: dispatch files, stock levels, tracking, messages, the ERP's export."""

import fcntl
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from oms_pipelines import erp
from oms_pipelines.dispatch import mark_overdue, plan_files, write_files
from oms_pipelines.dispatch.plan import Planned
from oms_pipelines.dispatch.write import Written
from oms_pipelines.errors import Rejected
from oms_pipelines.hub import Hub
from oms_pipelines.outbox import Delivered, deliver, promise
from oms_pipelines.quality.gates import shut_gates
from oms_pipelines.stock import reach
from oms_pipelines.stock.loop import by_channel
from oms_pipelines.stock.publishing import Published, publish_levels


@dataclass(frozen=True)
class Dispatched:
    """Files planned and delivered, and acknowledgements that are late."""

    planned: Planned
    written: Written
    overdue: int


def require_open(hub: Hub, *gates: str) -> None:
    """Stop publishing while a quality gate is shut. Raises Rejected with what failed."""
    with hub.store.session(read_only=True) as session:
        shut = shut_gates(session, gates)
    if shut:
        raise Rejected(
            "; ".join(f"quality gate {gate} is shut: {reason}" for gate, reason in shut.items())
            + ". Nothing is published until a check passes again (job quality)"
        )


def dispatch(hub: Hub) -> Dispatched:
    """Write the dispatch files of every location, those that a crash left behind included."""
    now = hub.now()
    with hub.store.session() as session:
        planned = plan_files(session, hub.oms, now)
    written = write_files(hub.store, hub.oms, now)
    with hub.store.session() as session:
        overdue = mark_overdue(session, hub.oms, now)
        promise(session, hub.oms, now)
    return Dispatched(planned, written, overdue)


@contextmanager
def _alone(hub: Hub) -> Generator[None]:
    """Let one run of this machine deliver at a time: what two read as due goes out once."""
    hub.output.mkdir(parents=True, exist_ok=True)
    with (hub.output / ".publish.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def send_levels(hub: Hub, *, full: bool = False) -> list[Published]:
    """Publish stock levels: what changed, or everything on a full pass."""
    with _alone(hub):
        done = publish_levels(
            hub.store, hub.oms, hub.adapters, hub.now(), full=full, elapsed=hub.elapsed
        )
        # where nothing was sent nor read, nothing is known
        told = {r.channel_id: r.error is None for r in done if r.error or r.sent or r.read}
        with hub.store.session() as session:
            reach.note_told(session, told, hub.now())
        return done


def standing(hub: Hub) -> list[dict]:
    """Return where the levels of each channel stand: see `stock.loop.by_channel`."""
    with hub.store.session(read_only=True) as session:
        return by_channel(session, hub.now(), hub.oms).to_dicts()


def tell(hub: Hub) -> list[Delivered]:
    """Deliver what the outbox holds: acceptances, tracking, messages."""
    with _alone(hub):
        return deliver(hub.store, hub.oms, hub.adapters, hub.mailer, hub.now())


def export(hub: Hub) -> int:
    """Export consolidated orders for the ERP; return how many."""
    return erp.export_orders(hub.store, hub.oms, hub.now()) if hub.oms.erp else 0
