"""Frames as the stores take and give them: canonical types, whole columns, one row a key.

Canonical types are Int64, String, Datetime (microseconds, UTC), Decimal(18, 4), Float64,
Boolean and Date, whatever the store's own are.
"""

from collections.abc import Mapping
from types import ModuleType
from typing import Any, NamedTuple

import polars as pl

from oms_pipelines.errors import Malformed

TIME = pl.Datetime("us", "UTC")
MONEY = pl.Decimal(18, 4)
_OF_COLUMN: dict[str, pl.DataType] = {
    "Text": pl.String(),
    "BigInteger": pl.Int64(),
    "Integer": pl.Int64(),
    "Numeric": MONEY,
    "DateTime": TIME,
    "Date": pl.Date(),
    "Boolean": pl.Boolean(),
    "Double": pl.Float64(),
}
_BATCH = "batch_id"


def schema() -> ModuleType:
    """Return the schema, imported when a table is first looked up.

    It brings SQLAlchemy, which takes as long to import as all else that a read needs.
    """
    from oms_pipelines import schema

    return schema


def cut(found: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Return the rows of a limited query without `of_all`, and how many more there are."""
    more = found["of_all"][0] - found.height if found.height else 0
    return found.drop("of_all"), more


class Stream:
    """Rows as Arrow, and as nothing else, so that neither side looks closer.

    DuckDB would ask a Polars frame for pyarrow. Polars keeps hold of the class it reads from:
    were that DuckDB's, the interpreter would complain of leaks at exit.
    """

    def __init__(self, rows: Any):
        self._rows = rows

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._rows.__arrow_c_stream__(requested_schema)


class Newest(NamedTuple):
    """The greatest version of each key, and how many others repeated it or lost to it."""

    documents: pl.DataFrame
    same: int
    stale: int


def dtypes(table: str) -> dict[str, pl.DataType]:
    """Return the canonical type of each column of a table, in order."""
    return {
        c.name: _OF_COLUMN[type(c.type).__name__] for c in schema().METADATA.tables[table].columns
    }


def empty(table: str) -> pl.DataFrame:
    """Return a frame with the columns of a table and no rows."""
    return pl.DataFrame(schema=dtypes(table))


def conform(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with the table's columns, in order, in canonical types.

    Raises Malformed for missing or unknown columns, a null where none may be, a time without
    a zone, a zero byte, or a value its type cannot hold; the column is named, no value is.
    """
    wanted = dtypes(table)
    faults = [
        f"{word}: {', '.join(sorted(which))}"
        for word, which in (
            ("missing columns", wanted.keys() - set(rows.columns)),
            ("unknown columns", set(rows.columns) - wanted.keys()),
        )
        if which
    ]
    if faults:
        raise Malformed(f"{table}: {'; '.join(faults)}")
    cast = _cast(table, rows.select(list(wanted)), wanted)
    required = [c.name for c in schema().METADATA.tables[table].columns if not c.nullable]
    nulls = cast.select(pl.col(required).null_count() > 0)
    for column in required:
        if nulls.item(0, column):
            raise Malformed(f"{table}.{column}: null, and it may not be")
    return cast


def canonical(name: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Return any frame in canonical types. Raises Malformed for a type that has none."""
    return _cast(name, rows, {column: _canonical(dtype) for column, dtype in rows.schema.items()})


def _canonical(dtype: pl.DataType) -> pl.DataType:
    if dtype.is_integer():
        return pl.Int64()
    if dtype.is_float():
        return pl.Float64()
    if dtype.is_decimal():
        return MONEY
    if isinstance(dtype, pl.Datetime):
        return TIME
    if dtype in (pl.Boolean, pl.Date):
        return dtype
    return pl.String()


def _cast(name: str, rows: pl.DataFrame, wanted: Mapping[str, pl.DataType]) -> pl.DataFrame:
    for column, dtype in rows.schema.items():
        if isinstance(dtype, pl.Datetime) and dtype.time_zone is None:
            raise Malformed(f"{name}.{column}: a time without a zone; make it UTC")
        if dtype.is_nested() or dtype in (pl.Binary, pl.Object, pl.Duration, pl.Time):
            raise Malformed(f"{name}.{column}: {dtype} has no canonical type")
    try:
        cast = rows.cast(dict(wanted))
    except pl.exceptions.PolarsError:
        cast = None
    if cast is None:
        raise Malformed(f"{name}.{_unfit(rows, wanted)}: a value does not fit its type")
    zero = cast.select(pl.col(pl.String).str.contains("\0", literal=True).any())
    for column in zero.columns:
        if zero.item(0, column):
            raise Malformed(f"{name}.{column}: a text with a zero byte, which no store keeps")
    return cast


def _unfit(rows: pl.DataFrame, wanted: Mapping[str, pl.DataType]) -> str:
    """Return the first column that cannot be cast. The error itself would tell its values."""
    for column, dtype in wanted.items():
        try:
            rows[column].cast(dtype)
        except pl.exceptions.PolarsError:
            return f"{column} (as {dtype})"
    return "?"


def one_a_key(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows without exact repeats. Raises Malformed when two of a key differ."""
    key = list(schema().key_of(table))
    if rows.select(key).is_unique().all():
        return rows
    distinct = rows.unique(maintain_order=True)
    if not distinct.select(key).is_unique().all():
        raise Malformed(f"{table}: two rows of one key ({', '.join(key)}) differ")
    return distinct


def newest(table: str, documents: pl.DataFrame) -> Newest:
    """Reduce documents to the greatest version of each key (ties: the greatest batch)."""
    key = list(schema().key_of(table))
    if documents.select(key).is_unique().all():
        return Newest(documents, 0, 0)
    best = documents.sort(*schema().VERSION, _BATCH).unique(key, keep="last", maintain_order=True)
    content = ["source_version", "record_hash"]
    alike = documents.join(best.select(*key, *content), on=[*key, *content], how="semi").height
    return Newest(best, alike - best.height, documents.height - alike)


def children_of(
    table: str, documents: pl.DataFrame, best: pl.DataFrame, child: str, rows: pl.DataFrame
) -> pl.DataFrame:
    """Return the child rows that belong to the newest documents, conformed.

    Child rows may carry the `record_hash` of their document. They must when the documents
    hold several versions of a key: nothing else tells whose lines they are.
    Raises Malformed when they do not.
    """
    key = list(schema().key_of(table))
    tagged = "record_hash" in rows.columns
    several = documents.height > best.height
    if several and not tagged and documents.select(*key, "record_hash").n_unique() > best.height:
        raise Malformed(
            f"{child}: {table} holds several versions of a key; give {child} a record_hash column"
        )
    fit = conform(child, rows.drop("record_hash", strict=False))
    if tagged:
        fit = fit.with_columns(rows["record_hash"].cast(pl.String))
        fit = fit.join(best.select(*key, "record_hash"), on=[*key, "record_hash"], how="semi")
        fit = fit.drop("record_hash")
    fit = one_a_key(child, fit)
    orphans = fit.join(best.select(key), on=key, how="anti").height
    if orphans:
        raise Malformed(f"{child}: {orphans} rows belong to none of the {table} given")
    return fit
