"""The data dictionary is the schema, in words."""

from pathlib import Path

from oms_pipelines.schema import METADATA
from oms_pipelines.store.dictionary import data_dictionary

PAGE = Path(__file__).parents[1] / "docs" / "tables.md"


def test_the_committed_dictionary_is_the_generated_one():
    assert PAGE.read_text(encoding="utf-8") == data_dictionary()


def test_every_column_says_what_it_means():
    silent = [str(c) for t in METADATA.tables.values() for c in t.columns if not c.comment]
    assert silent == []
    assert all(f"`{c.name}`" in data_dictionary() for c in METADATA.tables["orders"].columns)


def test_only_the_table_of_contacts_is_said_to_hold_personal_data():
    sections = data_dictionary().split("\n## ")
    assert [s.split("\n")[0] for s in sections if "**Holds personal" in s] == ["order_contacts"]
