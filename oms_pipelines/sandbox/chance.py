"""Chance by name: every draw is a function of the seed and of what it is about.

The order in which things happen moves no draw, so a world is the same for the same seed
however often it was stopped, and however the hub's calls fell in between.
"""

from collections.abc import Sequence
from hashlib import blake2b
from random import Random
from typing import TypeVar

T = TypeVar("T")


def draw(seed: int, *about: object) -> float:
    """Return a number in [0, 1) for a thing."""
    digest = blake2b("/".join(map(str, (seed, *about))).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def pick(options: Sequence[T], seed: int, *about: object) -> T:
    """Return one of the options for a thing."""
    return options[int(draw(seed, *about) * len(options))]


def stream(seed: int, *about: object) -> Random:
    """Return a generator of many draws for a thing."""
    return Random("/".join(map(str, (seed, *about))))
