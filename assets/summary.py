"""Metadata of a run as people read it: counts, tables, bars, links; never personal data."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dagster as dg


def table(rows: Sequence[Mapping[str, Any]]) -> dg.MarkdownMetadataValue:
    """Return rows as a Markdown table; a line that says so when there are none."""
    if not rows:
        return dg.MetadataValue.md("nothing")
    names = list(rows[0])
    lines = [" | ".join(names), " | ".join("---" for _ in names)]
    lines += [" | ".join(_cell(row.get(n)) for n in names) for row in rows]
    return dg.MetadataValue.md("\n".join(f"| {line} |" for line in lines))


def _cell(value: Any) -> str:
    return "" if value is None else str(value).replace("|", "\\|").replace("\n", " ")


def totals(rows: Iterable[Mapping[str, Any]], *names: str) -> dict[str, int]:
    """Return the sums of some columns."""
    kept = list(rows)
    return {name: sum(int(row.get(name) or 0) for row in kept) for name in names}


_WIDTH = 24  # characters of the longest bar


def bars(counts: Sequence[tuple[str, int]]) -> dg.MarkdownMetadataValue:
    """Return counts as bars of text, longest first: they show at once, pictures behind a link."""
    top = max((n for _, n in counts), default=0)
    rows = [
        {"": name, " ": "█" * max(1, round(_WIDTH * n / top)) if n else "", "count": n}
        for name, n in sorted(counts, key=lambda c: (-c[1], c[0]))
    ]
    return table(rows)


def picture(svg: str, drawn: str) -> dg.MarkdownMetadataValue:
    """Return a picture that shows beside the text; `drawn` says of what."""
    data = base64.b64encode(svg.encode()).decode()
    return dg.MetadataValue.md(f"![{drawn}](data:image/svg+xml;base64,{data})")


def fault(
    check: str, asset: str, errors: Sequence[str], doubt: str | None = None
) -> dg.AssetCheckResult:
    """Return a check of an asset: failed with errors, or warning of a doubt; it stops nothing."""
    severe = dg.AssetCheckSeverity.ERROR if errors else dg.AssetCheckSeverity.WARN
    return dg.AssetCheckResult(
        passed=not errors and doubt is None,
        asset_key=asset,
        check_name=check,
        severity=severe,
        metadata={"error": "; ".join(errors)} if errors else {"note": doubt} if doubt else {},
    )
