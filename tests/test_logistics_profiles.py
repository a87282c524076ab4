"""Profiles: differences laid over the built-in ones, every fault told with its path."""

from pathlib import Path

import pytest

from oms_pipelines import config
from oms_pipelines.errors import Misconfigured
from oms_pipelines.logistics.csvfile import cast, read
from oms_pipelines.logistics.dictionary import dictionary
from oms_pipelines.logistics.kinds import DEFAULTS
from oms_pipelines.logistics.profiles import faults, resolve

LYON = {
    "kind": "stock",
    "delimiter": "tab",
    "encoding": "latin1",
    "decimal": ".",
    "date": "%d/%m/%Y",
    "time_zone": "Europe/Paris",
    "header": {"quantity": "Stock", "sku": "Article"},
    "defaults": {"counted_at": "31/01/2025"},
}


def test_differences_are_laid_over_the_built_in_profile():
    used = resolve({"lyon_stock": LYON}, "lyon_stock", "stock")
    assert used.titles == ("Stock", "Article")
    assert (used.delimiter, used.encoding) == ("\t", "iso8859-1")
    done = cast(read("Stock\tArticle\n5\tÉ1\n".encode("latin1"), used), used)
    assert done.accepted.select("sku", "quantity").rows() == [("É1", 5)]
    assert done.accepted["counted_at"].dt.strftime("%Y-%m-%dT%H").to_list() == ["2025-01-30T23"]


def test_a_name_nobody_wrote_is_the_built_in_one_of_its_kind():
    assert resolve({}, "stock", "stock") is DEFAULTS["stock"]
    assert resolve({}, "dispatch", "return_notice") is DEFAULTS["return_notice"]


@pytest.mark.parametrize(
    ("differences", "told"),
    [
        ({"delimiter": "#"}, "profiles.p.delimiter: write one of"),
        ({"encoding": "klingon"}, "profiles.p.encoding: no such encoding"),
        ({"date": "%d/%m"}, "profiles.p.date: write iso"),
        ({"time_zone": "Mars"}, "profiles.p.time_zone: unknown time zone"),
        ({"separator": ";"}, "profiles.p.separator: "),
        ({"kind": "fish"}, "profiles.p.kind: write one of"),
        ({"kind": "dispatch"}, "profiles.p.kind: is dispatch, but"),
        ({"header": {"sku": "S"}}, "profiles.p.header.quantity: the field is needed"),
        (
            {"header": {"sku": "S", "quantity": "Q", "colour": "C"}},
            "profiles.p.header.colour: a stock file has no such field",
        ),
        ({"header": {"sku": "S", "quantity": "S"}}, "profiles.p.header: the title 'S'"),
        ({"defaults": {"shelf": "1"}}, "profiles.p.defaults.shelf: a stock file has no such field"),
        ({"values": {"shelf": {}}}, "profiles.p.values.shelf: a stock file has no such field"),
    ],
)
def test_a_fault_is_told_with_its_path(differences: dict, told: str):
    with pytest.raises(Misconfigured) as refused:
        resolve({"p": {"kind": "stock", **differences}}, "p", "stock")
    assert any(f.startswith(told) for f in refused.value.faults), refused.value.faults


def test_a_word_must_be_mapped_to_one_of_ours():
    wrong = {"kind": "acknowledgement", "values": {"status": {"OK": "fine"}}}
    with pytest.raises(Misconfigured, match=r"profiles.a.values.status.OK: write one of received"):
        resolve({"a": wrong}, "a", "acknowledgement")


def test_every_fault_of_a_configuration_is_told_at_once():
    oms = config.parse(
        {
            "profiles": {"a": {"kind": "stock", "decimal": "x"}, "b": {"kind": "nothing"}},
            "locations": [
                {
                    "id": "lyon",
                    "address": {"country": "FR"},
                    "stock": {"profile": "absent", "from": "in"},
                    "dispatch": {"to": "out"},
                }
            ],
        },
        {},
    )
    found = faults(oms)
    assert [f.partition(":")[0] for f in found] == [
        "profiles.a.decimal",
        "profiles.b.kind",
        "profiles.absent",
    ]


def test_the_data_dictionary_is_that_of_the_profiles():
    page = Path(__file__).parents[1] / "docs" / "profiles.md"
    assert page.read_text(encoding="utf-8") == dictionary()
