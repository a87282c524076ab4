"""Store receipts while others still come.

Opening the embedded store costs as much as storing fifteen receipts, and keeps others out. So
one thread stores the receipts of all destinations, in a session that stays open while they
come one upon the other, and for a short burst at most.
"""

import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from queue import Empty, SimpleQueue
from threading import Thread
from types import TracebackType

import polars as pl

from oms_pipelines.channels.base import Receipt
from oms_pipelines.store import Session, Store

BURST = 0.5  # seconds a session stays open at most
IDLE = 0.05  # and without a receipt
TURN = 0.02  # left to others after a burst


@dataclass(frozen=True)
class _Job:
    receipts: Sequence[Receipt]
    done: "Future[None]" = field(default_factory=Future)


class Receipts:
    """Where receipts go: `keep` returns when they are durable. Ends with its `with`."""

    def __init__(self, store: Store, now: datetime):
        self._store = store
        self._now = now
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread = Thread(target=self._serve, name="receipts")

    def __enter__(self) -> "Receipts":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._jobs.put(None)
        self._thread.join()

    def keep(self, receipts: Sequence[Receipt]) -> None:
        """Store receipts for good. Raises what the store raises."""
        job = _Job(receipts)
        self._jobs.put(job)
        job.done.result()

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            end = time.monotonic() + BURST
            try:
                with self._store.session() as session:
                    while job is not None:
                        settle(session, job.receipts, self._now)
                        session.commit()
                        job.done.set_result(None)
                        job = self._soon(end)
            except Exception as e:
                if job is not None:  # its lane is told; without one all is stored
                    job.done.set_exception(e)
            if time.monotonic() > end:
                time.sleep(TURN)

    def _soon(self, end: float) -> _Job | None:
        """Return what comes without delay; None where nothing does or the burst is over."""
        if time.monotonic() > end:
            return None
        try:
            job = self._jobs.get(timeout=IDLE)
        except Empty:
            return None
        if job is None:
            self._jobs.put(None)  # the end, for the outer loop too
        return job


def settle(session: Session, receipts: Sequence[Receipt], now: datetime) -> None:
    """Store receipts of pending intents; a single acceptance the cheap way."""
    if len(receipts) == 1 and receipts[0].outcome == "accepted":
        [one] = receipts
        session.run("outbox/settle_accepted", key=one.key, text=one.text, now=now)
        return
    answers = pl.DataFrame(
        [(r.key, r.outcome, r.text) for r in receipts],
        schema={"key": pl.String, "outcome": pl.String, "text": pl.String},
        orient="row",
    )
    session.frame("tmp_answers", answers)
    session.run("outbox/settle", now=now)
