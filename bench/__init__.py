"""Benchmarks: ratios against a peer or a limit, measured in one run."""

import importlib
import os
import sys
from typing import Any


def measure(name: str, out: Any) -> None:
    """Put what the benchmark of a name measured into a queue."""
    out.put(importlib.import_module(f"bench.{name}").measure())
    out.close()
    out.join_thread()
    sys.stdout.flush()
    os._exit(0)  # the libraries' own end-of-process reports are noise here
