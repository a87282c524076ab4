"""The data dictionary of files, made from the profiles that read and write them."""

from oms_pipelines.logistics.kinds import DEFAULTS
from oms_pipelines.logistics.profiles import Field

_TYPES = {
    "key": "identifier, outer blanks ignored",
    "text": "text, kept exactly",
    "integer": "whole number",
    "units": "whole units",
    "decimal": "decimal number",
    "time": "date and time",
    "date": "date",
    "choice": "one of",
}

_PREAMBLE = """# Files, field by field

Made from the profile objects of `oms_pipelines/logistics/kinds.py`, which also read and write
the files. `python -m oms_pipelines.logistics.dictionary > docs/profiles.md` makes it again.

Unless `profiles` of `oms.yaml` says otherwise: delimiter `;`, UTF-8 (a BOM is taken), decimal
mark `,`, times ISO 8601 with an offset (without one, in `time_zone`), a header with exactly
these titles in any order, a line break after the last row, and after it nothing but empty
lines. Files written end lines with CRLF and quote only where they must.

The manifest beside a dispatch file, a return notice or an ERP file is one: rows, orders,
quantity, value by currency, sha256, the sequence and the file before it, the schema version.
Its quantity and value are those a reader gets by adding up the columns named below, exactly:
rows are added as they are written, and no sum is rounded.

A profile names what a partner does differently:

```yaml
profiles:
  lyon_stock:
    kind: stock
    delimiter: ","            # ; , | tab
    encoding: cp1252          # any; bom: true writes a BOM in UTF-8
    decimal: "."              # , or .
    date: "%d/%m/%Y %H:%M"    # or iso
    time_zone: Europe/Paris   # of times without an offset
    header: {sku: Article, quantity: Stock}   # the whole header, in this order
    defaults: {}              # value of a field that has no column, or is empty
    values: {}                # partner's words: {status: {OK: accepted}}
    min_rows: 1               # a file with fewer rows is refused
    unencodable: reject       # or transliterate, replace: what the encoding cannot write
```
"""


def dictionary() -> str:
    """Return the data dictionary of all built-in profiles as Markdown."""
    parts = [_PREAMBLE]
    for p in DEFAULTS.values():
        way = "written" if p.outbound else "read"
        parts.append(f"## {p.kind} ({way})\n\n{p.doc}\n")
        parts.append("| column | type | needed | meaning |\n|---|---|---|---|")
        parts += [_row(f) for f in p.fields]
        parts.append("")
        if p.value:
            worth = " x ".join(f"`{name}`" for name in p.value)
            parts.append(
                f"Manifest: quantity adds up `{p.quantity}`, value {worth} by `currency`.\n"
            )
    return "\n".join(parts).rstrip() + "\n"


def _row(f: Field) -> str:
    kind = f"{_TYPES[f.type]} {', '.join(f.choices)}" if f.choices else _TYPES[f.type]
    if f.minimum is not None:
        kind += f", at least {f.minimum}"
    needed = "yes" if f.required else "column may be absent" if f.optional else "may be empty"
    return f"| `{f.title or f.name}` | {kind} | {needed} | {f.doc} |"


if __name__ == "__main__":
    print(dictionary(), end="")
