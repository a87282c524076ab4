"""Sales files as records: a CSV or XLSX file, its rows as text, the rows of an order together.

Values go on as canonical text (decimal point, ISO 8601 in UTC), whatever the profile reads; a
row that does not fit keeps what the file says, and its order carries the fault.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from oms_pipelines.errors import Malformed
from oms_pipelines.logistics import csvfile
from oms_pipelines.logistics.profiles import Profile, resolve
from oms_pipelines.logistics.workbook import is_workbook, read_sheet

_ISO_DAY = r"^\d{4}-\d{2}-\d{2}"


def sales_profile(name: str, profiles: Mapping[str, Any], time_zone: str) -> Profile:
    """Return the profile of a channel's files; times are the channel's unless it says more."""
    profile = resolve(profiles, name, "orders")
    given = profiles.get(name)
    if isinstance(given, Mapping) and "time_zone" in given:
        return profile
    return replace(profile, time_zone=time_zone)


def read_rows(body: bytes, profile: Profile, *, till: bool, name: str = "file") -> pl.DataFrame:
    """Return the rows of a file: `line`, every field as text, `returned`, and `fault`.

    Raises Malformed when the file as a whole is not what the profile promises.
    """
    if is_workbook(body):
        raw, profile = _workbook(body, profile, name)
    else:
        raw = csvfile.read(body, profile, name)
    return _judged(raw, csvfile.cast(raw, profile), profile, till)


def mended_rows(rows: Sequence[Mapping[str, Any]], profile: Profile, *, till: bool) -> pl.DataFrame:
    """Return the rows of a record that was kept back, as `read_rows` does, judged anew.

    Values may stand as in the file, or as canonical text: a record shows both.
    """
    texts = [
        [
            i,
            row.get("line", i),
            *(None if row.get(f) is None else str(row[f]) for f in profile.names),
        ]
        for i, row in enumerate(rows)
    ]
    numbered = {"record": pl.Int64, "line": pl.Int64}
    schema = numbered | dict.fromkeys(profile.names, pl.String)
    told = pl.DataFrame(texts, schema=schema, orient="row")
    cast = csvfile.cast(*_either(told, profile))
    return _judged(told, cast, profile, till)


def _judged(raw: pl.DataFrame, cast: csvfile.Cast, profile: Profile, till: bool) -> pl.DataFrame:
    """Return rows as canonical text; those that do not fit as they were told, with the fault."""
    times = "%Y-%m-%dT%H:%M:%S%.6fZ"
    fitting = cast.accepted.with_columns(pl.col(pl.Datetime).dt.strftime(times)).select(
        "record", "line", *(pl.col(f).cast(pl.String) for f in profile.names)
    )
    reasons = cast.rejected.select("record", fault="reason")
    kept = raw.join(reasons, on="record").select("record", "line", *profile.names, "fault")
    rows = pl.concat([fitting, kept], how="diagonal").sort("record")
    if "fault" not in rows.columns:
        rows = rows.with_columns(fault=pl.lit(None, pl.String))
    back = pl.col("kind") == "return"
    if till:  # a till takes goods back by a negative line
        back = back | pl.col("quantity").str.starts_with("-")
    return rows.with_columns(returned=back.fill_null(False))


def grouped(rows: pl.DataFrame, stream: str) -> Iterator[dict[str, Any]]:
    """Yield the records of a stream: the rows of an order, or of a return, in file order."""
    mine = rows.filter(pl.col("returned") == (stream == "returns"))
    key = ["order_number", "placed_at"] if stream == "returns" else ["order_number"]
    # A row without number is an order of its own, that nothing hides behind another.
    alone = pl.when(pl.col("order_number").is_null()).then("line")
    hidden = ("record", "returned", "fault", "alone")
    fields = [c for c in mine.columns if c not in hidden]
    records = (
        mine.with_columns(alone.alias("alone"))
        .group_by(*key, "alone", maintain_order=True)
        .agg(pl.struct(fields).alias("rows"), pl.col("fault").drop_nulls().first())
        .select("rows", "fault")
    )
    for record in records.iter_rows(named=True):
        yield record if record["fault"] else {"rows": record["rows"]}


def _workbook(body: bytes, profile: Profile, name: str) -> tuple[pl.DataFrame, Profile]:
    """Read the first sheet as text, its first row the header; empty rows at the end go.

    A cell may be a number or a date where CSV has text: both notations are taken, and the
    profile returned says how the text now looks.
    """
    table = read_sheet(body, name)
    filled = [i for i, row in enumerate(table) if any(cell for cell in row)]
    if not filled:
        raise Malformed(f"{name}: the first sheet is empty; ask for the file again")
    titles = [cell or "" for cell in table[0]]
    while titles and not titles[-1] and not any(row[len(titles) - 1] for row in table):
        titles.pop()
    rows = [row[: len(titles)] for row in table[1 : filled[-1] + 1]]
    return _either(csvfile.from_table(titles, rows, profile, name), profile)


def _either(frame: pl.DataFrame, profile: Profile) -> tuple[pl.DataFrame, Profile]:
    """Return rows whose numbers and times may stand in the profile's or in canonical notation,
    and the profile that reads them as they stand now.
    """
    numbers = [f.name for f in profile.fields if f.type in ("decimal", "units", "integer")]
    times = [f.name for f in profile.fields if f.type == "time"]
    if profile.decimal == ",":
        frame = frame.with_columns(pl.col(numbers).str.replace(",", ".", literal=True))
    long = pl.col(numbers).str.contains(r"^-?\d+\.\d{5,}$")  # 10.799999999999999
    rounded = pl.col(numbers).cast(pl.Float64, strict=False).round(4).cast(pl.String)
    frame = frame.with_columns(pl.when(long).then(rounded).otherwise(pl.col(numbers)))
    iso = frame.select(pl.all_horizontal(pl.col(times).str.contains(_ISO_DAY)).all()).item()
    return frame, replace(profile, decimal=".", date="iso" if iso else profile.date)
