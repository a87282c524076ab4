"""Where a statement's parameters stand."""

import pytest

from oms_pipelines.errors import OmsError
from oms_pipelines.store.parameters import check, names, pieces


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("SELECT $a, $b_2 + $a", {"a", "b_2"}),
        ("SELECT '$a', 'it''s $b', \"$c\"", set()),
        ("SELECT 1 -- $a\n, $b", {"b"}),
        ("SELECT /* $a\n */ $b", {"b"}),
        ("SELECT $$ $a $$, $t$ $b $$ $t$, $c", {"c"}),
        ("SELECT '%', a % 2, $a", {"a"}),
        ("SELECT 1", set()),
    ],
)
def test_parameters_are_found_outside_of_texts_names_and_comments(text, found):
    assert names(text) == found


def test_the_pieces_and_names_put_together_are_the_statement():
    text = "SELECT $a || '$b' -- $c\n, $d"
    assert "".join(before + (f"${name}" if name else "") for before, name in pieces(text)) == text


def test_every_missing_and_unknown_parameter_is_named_and_no_value():
    with pytest.raises(OmsError) as e:
        check("x/y", "SELECT $a, $b", {"b": 1, "c": "secret", "d": 2})
    assert str(e.value) == "sql/x/y.sql: missing parameters: a; unknown parameters: c, d"
