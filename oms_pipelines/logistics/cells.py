"""Cells of a file as typed values, with a verdict for each row: sets, no row loop."""

from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from oms_pipelines.logistics.profiles import Field, Profile

_ISO = (
    r"^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2})(?:[.,](\d{1,6})\d*)?)?"
    r" ?(Z|z|[+-]\d{2}(?::?\d{2})?)?)?$"
)
_SHORTENED = r"^\d[.,]\d+E\+\d{2}$"  # 3,70001E+12: what a spreadsheet makes of an EAN
# control characters, and those nobody sees: two keys that look the same would be two keys
_CONTROL = r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060\ufeff]"
_OLDEST = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Cast:
    """Rows that fit, typed, and the rows kept back: record, line, record_key, reason."""

    accepted: pl.DataFrame
    rejected: pl.DataFrame


def cast(rows: pl.DataFrame, profile: Profile) -> Cast:
    """Give types to the text of `csvfile.read`, and keep back the rows that do not fit.

    key, text, choice: String; integer, units: Int64; decimal: Decimal(18,4); time: Datetime
    in UTC; date: Date. A rejected row is named by its first key field and tells the first
    field that fails and the cure, never a value.
    """
    typed = rows.with_columns(_words(f, profile) for f in profile.fields)
    typed = typed.with_columns(_typed(f, profile).alias(f"{f.name}\0") for f in profile.fields)
    reason = pl.coalesce(_verdict(f, profile) for f in profile.fields)
    typed = typed.with_columns(reason.alias("reason"))
    key = next((f.name for f in profile.fields if f.type == "key" and f.required), None)
    kept = pl.col("reason").is_null()
    return Cast(
        typed.filter(kept).select(
            "record", "line", *(pl.col(f"{f.name}\0").alias(f.name) for f in profile.fields)
        ),
        typed.filter(~kept).select(
            "record",
            "line",
            (pl.col(key) if key else pl.lit(None, pl.String)).alias("record_key"),
            pl.format("line {}: {}", "line", "reason").alias("reason"),
        ),
    )


def _words(f: Field, profile: Profile) -> pl.Expr:
    """Turn a partner's words into ours; what it does not list stays."""
    words = profile.values.get(f.name)
    value = pl.col(f.name)
    return value.replace(list(words), list(words.values())) if words else value


def _typed(f: Field, profile: Profile) -> pl.Expr:
    value = pl.col(f.name)
    mark = "," if profile.decimal == "," else r"\."
    if f.type in ("integer", "units"):
        whole = value.str.extract(rf"^([+-]?\d{{1,15}})(?:{mark}0{{1,2}})?$")
        return whole.str.strip_prefix("+").cast(pl.Int64, strict=False)
    if f.type == "decimal":
        plain = value.str.extract(rf"^([+-]?\d{{1,12}}(?:{mark}\d{{1,4}})?)$")
        plain = plain.str.replace(",", ".", literal=True).str.strip_prefix("+")
        return plain.cast(pl.Decimal(18, 4), strict=False)
    if f.type == "time":
        time = _iso(value, profile) if profile.date == "iso" else _patterned(value, profile)
        return pl.when(time >= _OLDEST).then(time)  # a year of two digits is no year
    if f.type == "date":
        day = value.str.to_date(_day_pattern(profile), strict=False)
        return pl.when(day >= _OLDEST.date()).then(day)
    return value


def _day_pattern(profile: Profile) -> str:
    """Return how the profile writes a day alone: its times without what follows the day."""
    if profile.date == "iso":
        return "%Y-%m-%d"
    return profile.date.partition("%H")[0].rstrip(" T")


def _iso(value: pl.Expr, profile: Profile) -> pl.Expr:
    """Parse ISO 8601; a time without offset is local to the profile's zone."""
    part = [value.str.extract(_ISO, i) for i in range(1, 6)]
    text = pl.format(
        "{} {}:{}.{}",
        part[0],
        part[1].fill_null("00:00"),
        part[2].fill_null("00"),
        part[3].fill_null("0").str.pad_end(6, "0"),
    )
    naive = text.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False)
    offset = part[4].str.to_uppercase().str.replace(":", "", literal=True)
    hours = offset.str.slice(1, 2).cast(pl.Int64, strict=False).fill_null(0)
    minutes = offset.str.slice(3, 2).cast(pl.Int64, strict=False).fill_null(0)
    sign = pl.when(offset.str.starts_with("-")).then(-1).otherwise(1)
    real = (hours <= 14) & (minutes < 60)
    shifted = pl.when(real).then(naive - pl.duration(minutes=sign * (hours * 60 + minutes)))
    utc = shifted.dt.replace_time_zone("UTC")
    return pl.when(offset.is_null()).then(_local(naive, profile)).otherwise(utc)


def _patterned(value: pl.Expr, profile: Profile) -> pl.Expr:
    if "%H" in profile.date:
        naive = value.str.to_datetime(profile.date, time_unit="us", strict=False)
    else:
        naive = value.str.to_date(profile.date, strict=False).cast(pl.Datetime("us"))
    return _local(naive, profile)


def _local(naive: pl.Expr, profile: Profile) -> pl.Expr:
    """Resolve a zone: an hour that comes twice is the first, one that never was is none."""
    local = naive.dt.replace_time_zone(profile.time_zone, ambiguous="earliest", non_existent="null")
    return local.dt.convert_time_zone("UTC")


def _verdict(f: Field, profile: Profile) -> pl.Expr:
    """Return why a row fails at this field, or null."""
    title = f.title or f.name
    raw, value = pl.col(f.name), pl.col(f"{f.name}\0")
    tests = []
    if f.required:
        tests.append((raw.is_null(), "is empty; give a value"))
    if f.type == "key":
        tests += [
            (raw.str.contains(_SHORTENED), "was shortened by a spreadsheet; export it as text"),
            (
                raw.str.contains(_CONTROL),
                "holds a character nobody sees; write plain text",
            ),
        ]
    cure = {
        "integer": "is not a whole number; write digits without thousands mark",
        "units": "is not a whole number of units; write digits without thousands mark or fraction",
        "decimal": f"is not a number with decimal mark {profile.decimal} and at most 4 decimals",
        "date": f"is not a day the profile promises ({_day_pattern(profile)})",
        "time": f"is not a time the profile promises ({_date_told(profile)})",
    }.get(f.type)
    if cure:
        tests.append((raw.is_not_null() & value.is_null(), cure))
    if f.minimum is not None:
        told = "is negative" if f.minimum == 0 else f"is less than {f.minimum}"
        tests.append((value < f.minimum, f"{told}; write at least {f.minimum}"))
    if f.choices:
        cure = f"is none of {', '.join(f.choices)}; map it in profiles.{profile.name}.values"
        tests.append((raw.is_not_null() & ~raw.is_in(f.choices), f"{cure}.{f.name}"))
    verdict = pl.lit(None, pl.String)
    for failed, told in reversed(tests):
        verdict = pl.when(failed).then(pl.lit(f"{title} {told}")).otherwise(verdict)
    return verdict


def _date_told(profile: Profile) -> str:
    if profile.date == "iso":
        return "ISO 8601, such as 2025-01-31T10:00:00Z"
    return profile.date
