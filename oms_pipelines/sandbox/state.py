"""The whole state of a sandbox: saved as JSON, read back typed."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from pydantic import TypeAdapter

from oms_pipelines.sandbox.truth import Parcel, Place, Shop


@dataclass
class Truth:
    """The whole state of a sandbox."""

    seed: int
    start: datetime
    now: datetime
    scale: float
    sales: dict[str, Any] | None
    shops: dict[str, Shop] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    parcels: dict[str, Parcel] = field(default_factory=dict)
    agenda: list[tuple[datetime, int, str, dict[str, Any]]] = field(default_factory=list)
    scheduled: int = 0
    committed: dict[str, int] = field(default_factory=dict)
    oversells: list[dict[str, Any]] = field(default_factory=list)
    squeezes: list[dict[str, Any]] = field(default_factory=list)
    unseen: list[dict[str, Any]] = field(default_factory=list)
    mails: list[dict[str, Any]] = field(default_factory=list)
    returned: dict[str, int] = field(default_factory=dict)
    tally: dict[str, int] = field(default_factory=dict)

    def count(self, what: str, n: int = 1) -> None:
        self.tally[what] = self.tally.get(what, 0) + n


_TRUTH = TypeAdapter(Truth)


def save(truth: Truth, path: Path) -> None:
    """Write the state, so that a crash leaves the old one or the new one."""
    temporary = path.with_suffix(".tmp")
    # orjson knows dataclasses; only sets are foreign to it
    temporary.write_bytes(orjson.dumps(truth, default=list, option=orjson.OPT_NON_STR_KEYS))
    temporary.replace(path)


def load(path: Path) -> Truth:
    """Read a saved state."""
    return _TRUTH.validate_json(path.read_bytes())
