"""What customers, locations and thieves do to one SKU, read off one number.

A number is read digit by digit, each in the base of what there is to choose from. Numbers of
many SKUs are made of one that is drawn, by a hash: draws stay few, and a failure can be repeated.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import TypeVar

from stock_model import PLACES, Model, Part, Sale

T = TypeVar("T")

LARGEST = 2**24 - 1  # drawn evenly; a greater one would not be
WAIT, SOON, TWICE = (0, 1, 2), (0, 0, 0, 1), (False, True)


class Choices:
    """The share of a SKU in a drawn number, digit by digit. Of 0 it is 0, the first of all."""

    def __init__(self, drawn: int, sku: str):
        mixed = hashlib.blake2b(f"{drawn}/{sku}".encode(), digest_size=8).digest()
        self.left = int.from_bytes(mixed) if drawn else 0

    def of(self, options: Sequence[T]) -> T:
        self.left, which = divmod(self.left, len(options))
        return options[which]


def act(model: Model, choices: Choices) -> None:
    """Let what a number says happen."""
    choices.of([*ACTS, _thief] if model.thieves else ACTS)(model, choices)


def _nothing(model: Model, choices: Choices) -> None:
    pass


def _buys(model: Model, choices: Choices) -> None:
    listings = list(model.shows())
    channel, listing = choices.of([*listings, listings[0]])  # a and b as often
    sold = choices.of((1, 2, 3, 4))
    model.buy(channel, listing, sold, choices.of(SOON), choices.of(TWICE))


def _buys_all(model: Model, choices: Choices) -> None:
    wait = choices.of(SOON)
    for channel, listing in model.shows():
        model.buy(channel, listing, 999, wait, twice=False)


def _arrives(model: Model, choices: Choices) -> None:
    model.arrive(choices.of(PLACES), 1 + choices.of(range(9)))


def _counted(model: Model, choices: Choices) -> None:
    model.count(choices.of(PLACES), choices.of(WAIT), choices.of(TWICE))


def _cancels(model: Model, choices: Choices) -> None:
    sales = [s for s in model.sales if not s.canceled]
    if not sales:
        return _buys(model, choices)
    return model.cancel(choices.of(sales), choices.of(WAIT))


def _works(model: Model, choices: Choices) -> None:
    """Ship some units of a part; refuse the rest, or leave it for later."""
    parts = model.parts()
    if not parts:
        return _buys(model, choices)
    sale, part = choices.of(parts)
    ships = min(choices.of((4, 3, 2, 1, 0)), part.remaining, max(model.there[part.location], 0))
    return _confirms(model, sale, part, ships, choices)


def _confirms(model: Model, sale: Sale, part: Part, ships: int, choices: Choices) -> None:
    wait, twice = choices.of(WAIT), choices.of(TWICE)
    refuses = part.remaining - ships if choices.of((False, True)) else 0
    if model.thieves and refuses and choices.of((False, True)):
        model.lose(part.location, refuses)
    if ships or refuses:
        model.work(sale, part, ships, refuses, wait, twice)


def _comes_back(model: Model, choices: Choices) -> None:
    sales = [s for s in model.sales if s.left]
    if not sales:
        return _works(model, choices)
    sale, units, place = choices.of(sales), choices.of((1, 2, 3, 4)), choices.of(PLACES)
    condition = choices.of(("as_new", "as_new", "damaged"))
    return model.come_back(sale, units, place, condition, choices.of(WAIT), choices.of(TWICE))


def _thief(model: Model, choices: Choices) -> None:
    model.lose(choices.of(PLACES), choices.of((1, 2, 3, 4)))


Act = Callable[[Model, Choices], None]
ACTS: list[Act] = [
    _nothing, _buys, _buys, _buys, _buys_all, _counted, _counted, _arrives, _cancels, _cancels,
    _works, _works, _works, _works, _comes_back, _comes_back,
]  # fmt: skip
