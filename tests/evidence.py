"""What both sides hold at one moment of a flow, for the checks of `promises.py`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from oms_pipelines.config import Oms
from oms_pipelines.landing import Landing
from oms_pipelines.sandbox.state import Truth
from oms_pipelines.store import Store


@dataclass(frozen=True)
class Evidence:
    """The hub's store and landing zone, the sandbox's own word (`state`) and its `truth`.

    `root` is the sandbox's folder; `told` is what the hub printed, by command.
    """

    oms: Oms
    store: Store
    landing: Landing
    state: dict[str, Any]
    truth: Truth
    root: Path
    told: tuple[str, ...] = field(default=())

    def table(self, name: str) -> pl.DataFrame:
        """Return a table of the hub's store."""
        with self.store.session(read_only=True) as session:
            return session.table(name)

    def query(self, name: str, **params: Any) -> pl.DataFrame:
        """Return the rows of a statement on the hub's store."""
        with self.store.session(read_only=True) as session:
            return session.query(name, **params)


def nothing(rows: pl.DataFrame | list[Any], what: str) -> None:
    """Assert that there are no such rows; show a few of those there are."""
    found = rows.to_dicts() if isinstance(rows, pl.DataFrame) else rows
    assert not found, f"{len(found)} {what}: {found[:4]}"
