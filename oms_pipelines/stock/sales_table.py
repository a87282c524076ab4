"""A table of order lines as a trace: what it sold is demand, its stock follows a declared rule.

A network file says who sells: `channels` and `locations` as in oms.yaml, and `replay`: which
channel a line is of, and how stock comes. No store is needed. Lines that no channel takes, and
those without SKU, time or a positive quantity, are left out.
"""

from datetime import datetime, timedelta
from hashlib import blake2b
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError
from pydantic import Field

from oms_pipelines import config
from oms_pipelines.config import Oms, Settings
from oms_pipelines.errors import Misconfigured
from oms_pipelines.setting_types import Duration, Zone
from oms_pipelines.stock.trace import Trace, daily

NEEDED = ("sku", "quantity", "placed_at")
OPTIONAL = ("invoice", "customer", "country", "price", "channel")
PARTS = 100  # customers are spread over so many parts


class Replay(Settings):
    """How lines become demand and stock. Predicates are SQL over the mapped columns, and `part`.

    `part` is 0 to 99, by the customer, or the invoice where there is none.
    """

    lines: str = "quantity > 0"  # those that are demand
    channels: dict[str, str]  # channel: predicate; the first that holds
    locations: dict[str, float] = Field(min_length=1)  # location: its part of what comes
    opening: Duration = timedelta(days=14)  # stock at first: what is wanted in so long
    every: Duration = timedelta(days=7)  # then stock comes so often: of what was wanted in
    cover: float = Field(default=1.0, ge=0, le=10)  # that time, so much
    time_zone: Zone = "UTC"


def read_network(path: Path) -> tuple[Oms, Replay]:
    """Return channels, locations and the rule of a network file. Raises Misconfigured."""
    data = config.read_mapping(path)
    replay = config.part(Replay, data.pop("replay", None), f"{path.name}: replay")
    oms = config.parse(data, env={})
    faults = [
        f"{path.name}: replay.{kind}.{name}: there is no such {kind[:-1]}"
        for kind, known in (("channels", oms.channels), ("locations", oms.locations))
        for name in getattr(replay, kind)
        if name not in {x.id for x in known}
    ]
    if faults:
        raise Misconfigured(faults)
    return oms, replay


def read_lines(path: Path, columns: str, replay: Replay) -> pl.DataFrame:
    """Return (at, channel_id, sku, quantity) of a CSV or Parquet table, by time.

    `columns` is `name=COLUMN,...`: sku, quantity, placed_at are needed. Raises Misconfigured.
    """
    mapping = _mapping(columns)
    if not path.exists():
        raise Misconfigured([f"{path}: no such file"])
    _check_predicates(replay, mapping)
    parquet = path.suffix == ".parquet"
    frame = pl.read_parquet(path) if parquet else pl.read_csv(path, infer_schema=False)
    unknown = sorted(set(mapping.values()) - set(frame.columns))
    if unknown:
        raise Misconfigured([f"{path.name} has no column {', '.join(unknown)}"])
    rows = frame.select(pl.col(column).alias(name) for name, column in mapping.items())
    rows = _typed(rows, replay.time_zone)
    try:
        rows = rows.filter(pl.sql_expr(replay.lines)).with_columns(_channel(replay))
    except PolarsError as e:
        raise Misconfigured([f"replay: a predicate cannot be used: {str(e)[:200]}"]) from None
    kept = ["at", "channel_id", "sku", "quantity"]
    return rows.select(kept).drop_nulls().sort(kept)


def as_trace(lines: pl.DataFrame, since: datetime, until: datetime, replay: Replay) -> Trace:
    """Return a period of lines as demand, and stock that follows it by the declared rule.

    At first there is what is wanted within `opening`; at the end of each `every` comes `cover`
    of what was wanted in it, whatever was sold; both in parts by location, rounded.
    """
    demand = lines.filter(pl.col("at").is_between(since, until, closed="left"))
    first = demand.filter(pl.col("at") < since + replay.opening)
    periods = ((pl.col("at") - since).dt.total_microseconds() // _us(replay.every)).cast(pl.Int64)
    later = (
        demand.group_by((periods + 1).alias("turn"), "sku")
        .agg(pl.col("quantity").sum() * replay.cover)
        .with_columns((since + pl.col("turn") * replay.every).alias("at"))
        .filter(pl.col("at") < until)
    )
    opening = first.group_by("sku").agg(pl.col("quantity").sum())
    supply = _placed(later.select("at", "sku", "quantity"), replay)
    return Trace(
        _placed(opening, replay).select("location_id", "sku", "quantity"),
        supply.select("at", pl.col("at").alias("known_at"), "location_id", "sku", "quantity"),
        demand.select("at", pl.col("at").alias("known_at"), "channel_id", "sku", "quantity"),
        since,
        until,
        daily(lines.filter(pl.col("at") < since)),
    )


def _placed(rows: pl.DataFrame, replay: Replay) -> pl.DataFrame:
    """Split units over locations: what earlier ones rounded away, later ones get."""
    total = sum(replay.locations.values())
    ends, so_far = [], 0.0
    for part in replay.locations.values():
        ends.append((so_far / total, (so_far + part) / total))
        so_far += part
    placed = [
        rows.with_columns(
            pl.lit(name).alias("location_id"),
            ((pl.col("quantity") * end).round() - (pl.col("quantity") * begin).round())
            .cast(pl.Int64)
            .alias("quantity"),
        )
        for name, (begin, end) in zip(replay.locations, ends, strict=True)
    ]
    return pl.concat(placed).filter(pl.col("quantity") > 0)


def _mapping(text: str) -> dict[str, str]:
    names = (*NEEDED, *OPTIONAL)
    pairs = [x.partition("=") for x in text.split(",")]
    found = {name.strip(): column.strip() for name, _, column in pairs}
    known = ", ".join(names)
    if not all(name in names and column for name, column in found.items()):
        raise Misconfigured([f"--map: write name=COLUMN with a name of {known}"])
    missing = [name for name in NEEDED if name not in found]
    if missing:
        raise Misconfigured([f"--map: no column is given for {', '.join(missing)}"])
    return found


def _check_predicates(replay: Replay, mapping: dict[str, str]) -> None:
    """Refuse predicates that read a column which `--map` does not give."""
    told = {"replay.lines": replay.lines}
    told |= {f"replay.channels.{name}": text for name, text in replay.channels.items()}
    faults = []
    for path, text in told.items():
        try:
            read = pl.sql_expr(text).meta.root_names()
        except PolarsError as e:
            raise Misconfigured([f"{path}: not a predicate: {str(e)[:200]}"]) from None
        for name in sorted(set(read) - {*mapping, "part", "who", "at"}):
            cure = f"add {name}=COLUMN" if name in OPTIONAL else f"there are {', '.join(mapping)}"
            faults.append(f"--map: the predicate {path} reads {name}, which has no column; {cure}")
    if faults:
        raise Misconfigured(faults)


def _typed(rows: pl.DataFrame, zone: str) -> pl.DataFrame:
    moment = pl.col("placed_at")
    if rows.schema["placed_at"] == pl.String:
        moment = moment.str.to_datetime(time_unit="us")
    moment = moment.cast(pl.Datetime("us")).dt.replace_time_zone(
        zone, ambiguous="earliest", non_existent="null"
    )
    texts = [x for x in ("sku", "invoice", "customer", "country", "channel") if x in rows.columns]
    who = [x for x in ("customer", "invoice") if x in rows.columns]
    rows = rows.with_columns(
        pl.col(texts).cast(pl.String),
        pl.col("quantity").cast(pl.Int64),
        moment.dt.convert_time_zone("UTC").alias("at"),
        *(pl.col("price").cast(pl.Float64) for _ in "x" if "price" in rows.columns),
    )
    named = rows.with_columns(pl.coalesce(*who, pl.lit("")).alias("who"))["who"]
    kinds = named.unique()
    parts = pl.Series([_part(x) for x in kinds], dtype=pl.Int64)
    return rows.with_columns(named.replace_strict(kinds, parts).alias("part"))


def _part(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest()) % PARTS


def _channel(replay: Replay) -> pl.Expr:
    """Return the first channel whose predicate holds."""
    found = pl.lit(None, pl.String)
    for channel, predicate in reversed(replay.channels.items()):
        found = pl.when(pl.sql_expr(predicate)).then(pl.lit(channel)).otherwise(found)
    return found.alias("channel_id")


def _us(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1)
