"""Read a file by a profile for people."""

from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from oms_pipelines import clock
from oms_pipelines.config import Oms
from oms_pipelines.errors import Malformed
from oms_pipelines.logistics.csvfile import cast, read
from oms_pipelines.logistics.kinds import DEFAULTS
from oms_pipelines.logistics.profiles import resolve


@dataclass(frozen=True)
class Inspected:
    """What a file becomes: rows and rejects, or why it is refused whole."""

    name: str
    accepted: pl.DataFrame = field(default_factory=pl.DataFrame)
    rejected: pl.DataFrame = field(default_factory=pl.DataFrame)
    refused: str | None = None


def known_profiles(oms: Oms) -> list[str]:
    """Return the profiles of a configuration and the built-in kinds."""
    return sorted({*oms.profiles, *DEFAULTS})


def inspect_file(oms: Oms, path: Path, name: str) -> Inspected:
    """Return what a file becomes by a profile. Raises Misconfigured for a wrong profile."""
    from oms_pipelines.logistics.parse import row_tests
    from oms_pipelines.logistics.snapshots import whole_skus
    from oms_pipelines.logistics.verdicts import judged

    if name in oms.profiles:
        profile = resolve(oms.profiles, name, str(oms.profiles[name].get("kind", name)))
    else:
        profile = DEFAULTS[name]
    try:
        rows = read(path.read_bytes(), profile, path.name)
        done = judged(cast(rows, profile), profile, row_tests(profile.kind, clock.now(oms)))
    except Malformed as e:
        return Inspected(path.name, refused=str(e))
    accepted, rejected = done.accepted, done.rejected
    if profile.kind == "stock":
        accepted, rejected = whole_skus(accepted, rejected)
    return Inspected(path.name, accepted, rejected)
