"""Cutting elements out of pages."""

import orjson
import pytest

from oms_pipelines.elements import elements


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
