"""A landed batch about to be consolidated, and the steps that merge it.

Each step is called with a session and merges some of the batch's records. Reading happens
before a session is opened as far as it can.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from oms_pipelines.config import Oms
from oms_pipelines.consolidate.normalize import Normalized
from oms_pipelines.consolidate.records import REJECTED
from oms_pipelines.landing import Manifest
from oms_pipelines.logistics.verdicts import Parsed
from oms_pipelines.store import Session


@dataclass(frozen=True)
class Batch:
    """A landed batch about to be consolidated. `pages` can be read once.

    `gated` gives its parts where they were gated early; its pages are then left alone.
    """

    oms: Oms
    manifest: Manifest
    pages: Iterator[bytes]
    now: datetime
    gated: Iterable[Future[Normalized]] | None = None

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
    """A step whose rows are still on their way; `ready` waits for them and returns it."""

    ready: Callable[[], Step]


Handler = Callable[[Batch], Iterator[Step | Pending]]


def rejected(page: int, reason: str, record: int = -1, key: str | None = None) -> pl.DataFrame:
    """Return one record kept back, in the shape of REJECTED."""
    return pl.DataFrame([(page, record, key, reason)], schema=REJECTED, orient="row")


def applied(found: Parsed, also: pl.DataFrame, changed: int) -> Outcome:
    """Return what became of a file's rows, some kept back when they met the store."""
    both = pl.concat([found.rejected.cast(REJECTED), also.select(REJECTED.names()).cast(REJECTED)])
    return Outcome(found.received, both, changed)
