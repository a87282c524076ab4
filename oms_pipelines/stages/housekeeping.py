"""Housekeeping: what killed writers left, what was kept long enough, the order of the store."""

from dataclasses import dataclass, field
from datetime import date

from oms_pipelines.hub import Hub
from oms_pipelines.landing.manifest import day_of
from oms_pipelines.routing import delete_saved
from oms_pipelines.stages.extract import sources
from oms_pipelines.stages.plan_page import delete_plan_pages
from oms_pipelines.stock import balances


@dataclass(frozen=True)
class Tidied:
    """Files swept, batches deleted by (source, stream), and the first day that is kept.

    `kept_for` tells what kept more days than `retention.landing` asks for, if anything did.
    """

    swept: int
    deleted: dict[tuple[str, str], int]
    first_day: date | None
    kept_for: str | None


def tidy_landing(hub: Hub) -> Tidied:
    """Sweep orphans, and delete batches older than `retention.landing`, if it is set.

    What is still needed stays, with all that is younger: a batch the store has not taken, one
    with records that wait in quarantine, and the newest of each source, which is its cursor.
    """
    now = hub.now()
    swept = hub.landing.sweep(now)
    wanted = hub.oms.retention.landing
    if wanted is None:
        return Tidied(swept, {}, None, None)
    first = (now - wanted).date()
    needed, why = _needed(hub, first)
    kept_for = why if needed < first else None
    first = min(first, needed)
    return Tidied(swept, hub.landing.delete_before(first), first, kept_for)


def tidy_plans(hub: Hub) -> int:
    """Delete the saved inputs of plans older than `retention.plans`; return how many plans.

    What a plan decided, and why, stays in the store; its page, and what its shadow would have
    done, go too.
    """
    before = hub.now() - hub.oms.retention.plans
    with hub.store.session() as session:
        session.run("housekeeping/forget_shadow_lines", before=before)
        session.run("housekeeping/forget_shadow_plans", before=before)
    deleted = delete_saved(hub.output / "plans", before)
    delete_plan_pages(hub.output, before)
    return deleted


def tidy_stock(hub: Hub) -> tuple[int, int]:
    """Delete alarms and drift closed longer ago than `retention.stock`; return how many."""
    before = hub.now() - hub.oms.retention.stock
    with hub.store.session() as session:
        return (
            session.run("housekeeping/forget_alarms", before=before),
            session.run("housekeeping/forget_drift", before=before),
        )


def tidy_store(hub: Hub) -> None:
    """Put what ticks read by SKU in that order again. The store holds what it held."""
    with hub.store.session() as session:
        balances.cluster(session)


def _needed(hub: Hub, before: date) -> tuple[date, str]:
    """Return the first day that something filed before a day still needs, and what needs it."""
    found = [(before, "")]
    old = _Old(f"{before:%Y%m%d}")
    with hub.store.session(read_only=True) as session:
        waiting = session.query("housekeeping/waiting_batches", before=old.before).rows()
        old.taken |= set(session.query("housekeeping/taken_batches", before=old.before)["batch_id"])
    for source, stream, batch in waiting:
        found.append((day_of(batch), f"quarantined records of {source}/{stream}"))
    for source, stream in hub.landing.streams():
        pending = hub.landing.batches(source, stream, known=old)
        found += [(m.day, f"batches of {source}/{stream} not taken yet") for m in pending[:1]]
    for s in sources(hub.oms):
        cursor = hub.landing.cursor(s.id, s.stream) if s.kind != "location" else None
        if cursor is not None:
            found.append((day_of(cursor.batch_id), f"the cursor of {s.id}/{s.stream}"))
    return min(found)


@dataclass
class _Old:
    """Batches that need no look: those the store has taken, and the young ones."""

    before: str
    taken: set[str] = field(default_factory=set)

    def __contains__(self, batch: object) -> bool:
        return str(batch) >= self.before or batch in self.taken
