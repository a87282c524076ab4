"""Items made ahead of their use: in order, bounded, errors in their turn."""

import threading
from collections.abc import Generator

import pytest

from oms_pipelines.ahead import ahead


def test_items_come_in_order_and_all():
    assert list(ahead((n for n in range(50)), 3)) == list(range(50))


def test_the_next_item_is_made_while_one_is_used():
    begun = threading.Event()

    def items() -> Generator[str]:
        yield "first"
        begun.set()
        yield "second"

    used = ahead(items(), 1)
    assert next(used) == "first"
    assert begun.wait(10)
    assert list(used) == ["second"]


def test_no_more_items_wait_than_asked_for():
    made = []

    def items() -> Generator[int]:
        for n in range(10):
            made.append(n)
            yield n

    for n in ahead(items(), 2):
        assert len(made) <= n + 3


def test_an_error_comes_after_the_items_before_it():
    def items() -> Generator[int]:
        yield 1
        raise LookupError("the second")

    used = ahead(items(), 2)
    assert next(used) == 1
    with pytest.raises(LookupError, match="the second"):
        next(used)


def test_closing_it_closes_where_the_items_come_from():
    closed = []

    def items() -> Generator[int]:
        try:
            yield from range(10)
        finally:
            closed.append(True)

    used = ahead(items(), 2)
    next(used)
    used.close()
    assert closed == [True]
