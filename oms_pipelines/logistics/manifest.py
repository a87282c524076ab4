"""A file to be sent, whoever takes it: its bytes, its control totals, its manifest.

A total is what a reader gets who adds up the file's own columns, to the last decimal: rows
are added as they are written, and no sum is rounded.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import reduce
from operator import mul
from typing import Any

import orjson
import polars as pl

from oms_pipelines.logistics.csvfile import write
from oms_pipelines.logistics.profiles import Profile

_SUM = pl.Decimal(38, 4)
_CENTS = Decimal("0.01")


@dataclass(frozen=True)
class Totals:
    """Control totals of a file: data rows, distinct orders, units, value by currency."""

    rows: int
    orders: int
    quantity: int
    value: dict[str, str]
    actions: dict[str, dict[str, int]]


@dataclass(frozen=True)
class Content:
    """A file ready to be sent."""

    body: bytes
    manifest: bytes
    sha256: str
    totals: Totals


def totals_of(rows: pl.DataFrame, used: Profile) -> Totals:
    """Count the rows of a file as its profile writes them."""
    written = rows.with_columns(_written(name, rows, used) for name in (*used.value, "currency"))
    value: dict[str, str] = {}
    if used.value:
        worth = reduce(mul, (pl.col(name).cast(_SUM) for name in used.value))
        sums = written.drop_nulls([*used.value, "currency"]).group_by("currency")
        for currency, total in sums.agg(worth.sum()).sort("currency").iter_rows():
            value[currency] = _exact(total)
    units = pl.col(used.quantity).sum()
    actions = {}
    if "action" in rows.columns:
        counts = rows.group_by("action").agg(pl.len().alias("rows"), units.alias("quantity"))
        for action, count, quantity in counts.sort("action").iter_rows():
            actions[action] = {"rows": count, "quantity": quantity}
    orders = rows["order_id"].drop_nulls().n_unique()
    quantity = int(rows.select(units).item() or 0)
    return Totals(rows.height, orders, quantity, value, actions)


def _written(name: str, rows: pl.DataFrame, used: Profile) -> pl.Expr:
    """Return a column as the file has it: where it is empty, the profile's default."""
    value = pl.col(name) if name in rows.columns else pl.lit(None, pl.String)
    default = used.defaults.get(name) if name in (f.name for f in used.columns) else None
    if default is None:
        return value.alias(name)
    if rows.schema.get(name, pl.String) == pl.String:
        return value.replace("", None).fill_null(default).alias(name)
    number = pl.lit(default.replace(used.decimal, ".")).cast(_SUM, strict=False)
    return value.fill_null(number).alias(name)


def _exact(total: Decimal) -> str:
    """Write a sum with two decimals, or with as many more as it has."""
    short = total.quantize(_CENTS)
    return f"{short if short == total else total.normalize():f}"


def columns_of_totals(totals: Totals) -> dict[str, Any]:
    """Return the totals as columns of the table `files`."""
    return {
        "row_count": totals.rows,
        "order_count": totals.orders,
        "total_quantity": totals.quantity,
        "value_by_currency": orjson.dumps(totals.value).decode(),
    }


def render(
    file: Mapping[str, Any],
    previous: tuple[str, str] | None,
    rows: pl.DataFrame,
    used: Profile,
) -> Content:
    """Make a file's bytes and its manifest. The same rows give the same bytes.

    `file` has name, destination, flow, sequence, planned_at; `previous` is name and sha256 of
    the file before, None for the first.
    """
    numbered = rows.with_columns(pl.int_range(1, pl.len() + 1).alias("line_no"))
    written = write(numbered, used)
    if written.rejected.height:
        # Planning withholds such lines; the contact was changed since.
        kept = pl.int_range(pl.len(), dtype=pl.UInt32)
        left_out = written.rejected["row_nr"].implode()
        replaced = pl.col(pl.String).str.replace_all(r"[^\x00-\x7f]", "?")
        plain = pl.when(kept.is_in(left_out)).then(replaced).otherwise(pl.col(pl.String))
        written = write(numbered.with_columns(plain.name.keep()), used)
    totals = totals_of(rows, used)
    sha256 = hashlib.sha256(written.body).hexdigest()
    manifest = {
        "file": file["name"],
        "destination": file["destination"],
        "flow": file["flow"],
        "sequence": file["sequence"],
        "schema": used.schema,
        "profile": used.name,
        "rows": totals.rows,
        "orders": totals.orders,
        "quantity": totals.quantity,
        "value": totals.value,
        "sha256": sha256,
        "bytes": len(written.body),
        "previous": previous
        and {"sequence": file["sequence"] - 1, "file": previous[0], "sha256": previous[1]},
        "actions": totals.actions,
        "replaced": written.replaced,
        "planned_at": _stamp(file["planned_at"]),
    }
    told = orjson.dumps(manifest, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    return Content(written.body, told, sha256, totals)


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
