"""Cutting elements out of pages."""

import orjson
import pytest

from oms_pipelines.elements import elements, loose_elements


def test_elements_of_a_list_are_the_bytes_received():
    assert elements(b'[{"b": 1,"a":2}, 3 ,null]') == [b'{"b": 1,"a":2}', b"3", b"null"]


def test_elements_lie_at_a_path():
    body = orjson.dumps({"data": {"orders": {"nodes": [{"id": 1}, {"id": 2}], "x": []}}})
    assert elements(body, "data", "orders", "nodes") == [b'{"id":1}', b'{"id":2}']


@pytest.mark.parametrize(
    "body", [b"", b"[1,", b"<html>", b'{"data": 1}', b'{"data": null}', b"\xff", b"[" * 100_000]
)
def test_a_body_without_that_list_gives_none(body):
    assert elements(body, "data") is None


def test_elements_around_a_broken_one_are_cut_by_quotes_and_brackets_alone():
    body = b'{"x": [9], "data": [{"a": "], \\" ["}, {"b": NaN}, [1, [2]], 5 ] }\n'
    assert loose_elements(body, "data") == [b'{"a": "], \\" ["}', b'{"b": NaN}', b"[1, [2]]", b"5"]
    assert loose_elements(b' [{"a": Infinity},{}]') == [b'{"a": Infinity}', b"{}"]
    assert loose_elements(b'{"data": {"orders": []}}', "data", "orders") == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[1,",
        b'[{"a": 1}, {"b"',
        b'["a]',
        b"[1]]",
        b"[1] [2]",
        b"<html>[1]</html>",
        b'{"d": []}',
    ],
)
def test_a_cut_page_is_never_cut_by_brackets(body):
    assert loose_elements(body) is None
