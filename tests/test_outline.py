"""Reading a few fields of a JSON text: all of it is checked as orjson checks it."""

from typing import Any, TypedDict

import msgspec
import orjson
import pytest

from oms_pipelines.parsing import outline


class Shape(TypedDict, total=False):
    a: Any


class Cut(TypedDict, total=False):
    b: list[msgspec.Raw]


SHAPE = msgspec.json.Decoder(Shape)
CUT = msgspec.json.Decoder(Cut)
# the classes of faults in JSONTestSuite, each as a value that no shape names
NOT_JSON = r"""
01 -01 00 - -a -- 1. .5 1e 1e+ 0e 1.e5 0x1 +1 1a 1-2 0.1.2 NaN -NaN Infinity tru nul True
' "abc "\x" "\u12" "\ud800" "\udc00\ud800" "a"b" "\" [1,] [,] [1,,2] {"x":1,} {"x"} {x:1}
{'x':1} {1:2} {"x":1]} [1} [1]] [[ {"\ud800":1} /**/1 // 1;
"""
NOT_TEXT = [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc3", b"\xe2\x82"]
CONTROLS = [b'"\x00"', b'"\x01"', b'"\t"', b'"\n"', b"\x0b1", b"\x00"]
FAULTS = [
    *(word.encode() for word in NOT_JSON.split()),
    *(b'"%s"' % bad for bad in NOT_TEXT),
    *(b'{"%s":1}' % bad for bad in NOT_TEXT),
    *CONTROLS,
    b"[" * 100_000,
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: repr(f[:20]))
def test_a_fault_where_nothing_is_read_is_seen_as_orjson_sees_it(fault):
    body = b'{"a": 1, "b": [2, ' + fault + b"]}"

    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(body)
    assert outline(body, SHAPE) is None
    assert outline(body, CUT) is None


@pytest.mark.parametrize("body", [b"", b"\xef\xbb\xbf{}", b'{"a": 1} 2', b'{"a": 1', b'{"a": 1}}'])
def test_a_cut_marked_or_doubled_text_is_no_json(body):
    assert outline(body, SHAPE) is None


def test_only_what_is_named_is_built():
    body = '{"b": {"é": [1e5, -0.5, "\\ud83d\\ude00"]}, "a": {"c": null}}'.encode()

    assert outline(body, SHAPE) == {"a": {"c": None}}


def test_a_text_of_another_shape_is_left_to_be_read_whole():
    assert outline(b"[1, 2]", SHAPE) is None
