"""What payloads would become, with no store touched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from oms_pipelines import clock
from oms_pipelines.config import Channel, Oms
from oms_pipelines.consolidate.normalize import normalize
from oms_pipelines.consolidate.records import BatchInfo, cutter
from oms_pipelines.errors import Misconfigured
from oms_pipelines.schema import key_of
from oms_pipelines.statements import statements_in


@dataclass(frozen=True)
class Inspection:
    """Canonical rows by table, and the records that would be kept back.

    `rejected` has file, record (-1 is the whole file), record_key and reason.
    """

    tables: dict[str, pl.DataFrame]
    rejected: pl.DataFrame
    received: int


def inspect_payload(
    system: str,
    stream: str,
    files: Sequence[Path],
    settings: Channel | None = None,
    *,
    profiles: Mapping[str, Any] | None = None,
    reasons: Mapping[str, str] | None = None,
    now: datetime | None = None,
) -> Inspection:
    """Give payloads of a system their shape, as a sync would; a file is a page.

    Refunds that a system tells inside its orders are read out of these.
    Raises Misconfigured when there is no such system or stream.
    """
    channel = settings or Channel(id="inspected", system=system)
    info = BatchInfo(
        batch_id="inspected",
        source=channel.id,
        fetched_at=now or clock.now(Oms()),
        channel=channel,
        profiles=profiles or {},
        reasons=reasons or {},
    )
    inside = _holding(system, stream)
    found = normalize([path.read_bytes() for path in files], system, inside, info)
    tables = found.accepted
    if inside != stream:
        tables = {name: tables[name] for name in ("refunds", "refund_lines")}
    names = pl.DataFrame(
        {"page": range(len(files)), "file": [path.name for path in files]},
        schema={"page": pl.Int64, "file": pl.String},
    )
    rejected = found.rejected.join(names, on="page", how="left", maintain_order="left")
    return Inspection(
        {name: frame.sort(key_of(name)) for name, frame in tables.items()},
        rejected.select("file", "record", "record_key", "reason"),
        found.received,
    )


def _holding(system: str, stream: str) -> str:
    """Return the stream whose records hold the records of another. Raises Misconfigured."""
    cutter(system)
    told = {s: statements_in(f"normalize/{system}/{s}") for s in ("orders", "refunds", "returns")}
    if stream == "refunds" and not told["refunds"] and "refunds" in told["orders"]:
        return "orders"
    if stream in told and not told[stream]:
        has = ", ".join(s for s in told if told[s])
        raise Misconfigured([f"{system} has no stream {stream}; name one of {has}"])
    return stream
