"""The data dictionary, generated from `schema.py`: `docs/tables.md`."""

from sqlalchemy import Table

from oms_pipelines.schema import METADATA
from oms_pipelines.store.ddl import type_name

_INTRO = """# Tables

Generated from `oms_pipelines/schema.py` by `python -m oms_pipelines.store.dictionary`; edit
the source, not this page. Both stores hold the same tables. Times are UTC, money stands beside
its currency, quantities are whole units, and keys compare binary.
"""


def data_dictionary() -> str:
    """Return the data dictionary as Markdown: one section a table, one row a column."""
    tables = list(METADATA.tables.values())
    index = "\n".join(f"- [{t.name}](#{t.name}): {t.comment}" for t in tables)
    return "\n".join([_INTRO, index, *(_section(t) for t in tables)]) + "\n"


def _section(table: Table) -> str:
    key, parent = table.info["key"], table.info["parent"]
    said = [f"\n## {table.name}\n", f"{table.comment}\n", f"Key: `{', '.join(key)}`."]
    if parent:
        said.append(f"Replaced as a whole with each newer version of its row of `{parent}`.")
    if "source_version" in table.columns:
        said.append("The greatest (`source_version`, `fetched_at`, `record_hash`) is kept.")
    if table.info["personal"]:
        said.append("**Holds personal data.**")
    said.append("\n| column | type | null | meaning |\n|---|---|---|---|")
    for column in table.columns:
        null = "yes" if column.nullable else "no"
        meaning = (column.comment or "").replace("|", "\\|")
        said.append(f"| `{column.name}` | {type_name(column)} | {null} | {meaning} |")
    return "\n".join(said)


if __name__ == "__main__":
    print(data_dictionary(), end="")
