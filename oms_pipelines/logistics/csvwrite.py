"""Frames as CSV bytes by profile: the same rows give the same bytes."""

import unicodedata
from dataclasses import dataclass

import polars as pl

from oms_pipelines.logistics.profiles import Field, Profile

_PLAIN = str.maketrans(
    {
        "ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D",
        "þ": "th", "Þ": "Th", "ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE",
        "\u0131": "i", "€": "EUR", "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"',
        "\u2013": "-", "\u2014": "-", "…": "...", "\u00a0": " ", "\u202f": " ",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Written:
    """A file: its bytes, its data rows, how many rows had characters replaced.

    `rejected` (row_nr, column) names rows left out since the encoding cannot write them.
    """

    body: bytes
    rows: int
    replaced: int
    rejected: pl.DataFrame


def write(frame: pl.DataFrame, profile: Profile) -> Written:
    """Write rows in the order they stand; the columns are the profile's.

    `frame` has the canonical fields, typed or as text; an absent one is written empty. Lines
    end with CRLF, only what must be is quoted, line breaks in a value become a space.
    Characters the encoding lacks follow the profile's `unencodable`.
    """
    text = frame.rechunk().select(_text(f, frame, profile) for f in profile.columns)
    flat = text.with_columns(pl.all().str.replace_all(r"[\r\n\x00]+", " "))
    changed = _differs(text, flat)
    rejected = pl.DataFrame(schema={"row_nr": pl.UInt32, "column": pl.String})
    if not profile.encoding.startswith("utf"):
        missing = _missing(flat, profile.encoding)
        if missing and profile.unencodable == "reject":
            rejected = _holding(flat, missing)
            kept = ~pl.int_range(pl.len(), dtype=pl.UInt32).is_in(rejected["row_nr"].implode())
            changed, flat = changed.filter(flat.select(kept).to_series()), flat.filter(kept)
        elif missing:
            plain = {c: _replacement(c, profile) for c in missing}
            clean = flat.with_columns(pl.all().str.replace_many(list(plain), list(plain.values())))
            changed, flat = changed | _differs(flat, clean), clean
    titled = flat.rename(dict(zip(flat.columns, profile.titles, strict=True)))
    body = titled.write_csv(separator=profile.delimiter, line_terminator="\r\n")
    mark = "\ufeff" if profile.bom and profile.encoding == "utf-8" else ""
    # Without a change UTF-8 needs no second pass over a large file.
    raw = (mark + body).encode(profile.encoding)
    return Written(raw, flat.height, int(changed.sum()), rejected)


def _text(f: Field, frame: pl.DataFrame, profile: Profile) -> pl.Expr:
    if f.name not in frame.columns:
        value = pl.lit(None, pl.String)
    elif frame.schema[f.name].is_decimal() or frame.schema[f.name].is_float():
        # 19.9900 as 19.99: at least two decimals, no more zeros than that.
        value = pl.col(f.name).cast(pl.Decimal(18, 4)).cast(pl.String)
        value = value.str.replace(r"(\.\d\d\d??)0+$", "$1")
        value = value.str.replace(".", profile.decimal, literal=True)
    elif isinstance(frame.schema[f.name], pl.Datetime):
        value = _time(pl.col(f.name), profile)
    else:
        value = pl.col(f.name).cast(pl.String)
    words = {ours: theirs for theirs, ours in profile.values.get(f.name, {}).items()}
    if words:
        value = value.replace(list(words), list(words.values()))
    default = profile.defaults.get(f.name)
    # Null and empty are one in a file: nothing between two delimiters.
    value = pl.when(value == "").then(None).otherwise(value)
    return (value if default is None else value.fill_null(default)).alias(f.name)


def _time(value: pl.Expr, profile: Profile) -> pl.Expr:
    if profile.date == "iso":
        return value.dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return value.dt.convert_time_zone(profile.time_zone).dt.strftime(profile.date)


def _differs(before: pl.DataFrame, after: pl.DataFrame) -> pl.Series:
    """Return for each row whether any cell changed."""
    both = pl.concat([before, after.rename(lambda c: f"{c}\0")], how="horizontal")
    tests = [pl.col(c).ne_missing(pl.col(f"{c}\0")) for c in before.columns]
    return both.select(pl.any_horizontal(tests).alias("differs")).to_series()


def _missing(text: pl.DataFrame, encoding: str) -> list[str]:
    """Return the characters of a frame that the encoding cannot write, sorted."""
    special = text.unpivot().select(pl.col("value").str.extract_all(r"[^\x00-\x7f]").explode())
    characters = special.drop_nulls().unique().to_series().sort().to_list()
    return [c for c in characters if not c.encode(encoding, "ignore")]


def _holding(text: pl.DataFrame, characters: list[str]) -> pl.DataFrame:
    """Return row_nr and first column of the rows that hold one of the characters."""
    found = [pl.when(pl.col(c).str.contains_any(characters)).then(pl.lit(c)) for c in text.columns]
    rows = text.select(pl.coalesce(found).alias("column")).with_row_index("row_nr")
    return rows.filter(pl.col("column").is_not_null())


def _replacement(character: str, profile: Profile) -> str:
    if profile.unencodable == "replace":
        return "?"
    plain = unicodedata.normalize("NFKD", character.translate(_PLAIN))
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return plain.encode(profile.encoding, "ignore").decode(profile.encoding) or "?"
