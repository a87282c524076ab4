"""What a run works with: configuration, store, landing zone, adapters, clock, and a voice."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from oms_pipelines import clock, config
from oms_pipelines.channels import open_channel
from oms_pipelines.channels.base import Channel
from oms_pipelines.config import Oms
from oms_pipelines.faults import require_sound
from oms_pipelines.landing import Landing
from oms_pipelines.logistics.carriers import Carrier, open_carrier
from oms_pipelines.outbox.letters import Mailer, mailer
from oms_pipelines.store import Store, open_store

if TYPE_CHECKING:  # a read needs none of it
    from oms_pipelines.consolidate import Early


def _silent(_: str) -> None:
    """Say nothing."""


@dataclass
class Hub:
    """One opened hub. `said` takes progress lines; `results` keeps what the stages did.

    `early` is what extraction hands to consolidation, where one run does both.
    """

    oms: Oms
    store: Store
    landing: Landing
    said: Callable[[str], None] = _silent
    results: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    early: "Early | None" = None

    @classmethod
    def open(cls, oms: Oms | None = None) -> "Hub":
        """Open the hub of a configuration, or of `OMS_CONFIG`.

        Raises Misconfigured with every fault, before anything is opened.
        """
        oms = oms or config.load()
        require_sound(oms)
        store = open_store(oms.store.url)
        store.migrate()
        return cls(oms, store, Landing(oms.landing.url))

    @property
    def output(self) -> Path:
        """Return the folder of marts, pages, sent files."""
        return Path(self.oms.output)

    def now(self) -> datetime:
        """Return the time of this run, asked once and kept, so that all its stages agree."""
        return self._now

    def elapsed(self) -> float:
        """Return the seconds since this run asked for its time."""
        self.now()
        return monotonic() - self._asked

    @cached_property
    def _now(self) -> datetime:
        self._asked = monotonic()
        return clock.now(self.oms)

    @cached_property
    def adapters(self) -> dict[str, Channel]:
        """Return the adapter of every channel."""
        return {c.id: open_channel(c, self.oms.profiles) for c in self.oms.channels}

    @cached_property
    def carriers(self) -> dict[str, Carrier]:
        """Return the adapter of every carrier that has a tracking source."""
        return {c.id: open_carrier(c) for c in self.oms.carriers if c.url}

    @cached_property
    def mailer(self) -> Mailer | None:
        """Return the mailer, or None when no messages are sent."""
        return mailer(self.oms)
