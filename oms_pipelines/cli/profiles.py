"""Read a file by a profile for people."""

from pathlib import Path

import polars as pl

from oms_pipelines import config
from oms_pipelines.config import Oms
from oms_pipelines.errors import Misconfigured
from oms_pipelines.logistics.csvfile import cast, read
from oms_pipelines.logistics.kinds import DEFAULTS
from oms_pipelines.logistics.profiles import resolve


def inspect_file(path: Path, name: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return (rows, rejects) of a file read by a profile of oms.yaml or a built-in kind.

    Raises Misconfigured for an unknown profile, Malformed for a file refused whole.
    """
    try:
        oms = config.load()
    except Misconfigured:
        oms = Oms()
    if name in oms.profiles:
        profile = resolve(oms.profiles, name, oms.profiles[name].get("kind", name))
    elif name in DEFAULTS:
        profile = DEFAULTS[name]
    else:
        known = ", ".join(sorted({*oms.profiles, *DEFAULTS}))
        raise Misconfigured([f"--profile: there is no profile {name}; there are {known}"])
    done = cast(read(path.read_bytes(), profile, path.name), profile)
    return done.accepted, done.rejected
