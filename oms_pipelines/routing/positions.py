"""Where a postal code lies, and how far it is.

The built-in table `positions.csv` is coarse: country and two characters of the code, to a
tenth of a degree. A finer one is configured as `routing.postal_codes`.
"""

from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl

from oms_pipelines.errors import Misconfigured
from oms_pipelines.routing.model import POSITIONS, conform
from oms_pipelines.routing.rows import by_rows

EARTH_KM = 6371.0088
# Countries whose codes people write after the country's own letter, as in F-69007.
_LETTERED = {"FR": "F", "DE": "D", "LU": "L", "BE": "B", "IT": "I", "AT": "A", "SE": "S"}
_LETTERED |= {"ES": "E", "NO": "N", "PT": "P"}


def load_positions(path: str | None = None) -> pl.DataFrame:
    """Return the table country, prefix, latitude, longitude of a CSV or Parquet file.

    Without a path, the built-in one. Raises Misconfigured when the file cannot be used.
    """
    if path is None:
        built_in = files("oms_pipelines.routing").joinpath("positions.csv").read_bytes()
        return _checked(pl.read_csv(built_in, schema=POSITIONS, comment_prefix="#"), "built in")
    try:
        if Path(path).suffix == ".parquet":
            return _checked(pl.read_parquet(path), path)
        return _checked(pl.read_csv(path, infer_schema=False, comment_prefix="#"), path)
    except (OSError, pl.exceptions.PolarsError) as e:
        raise Misconfigured(
            [f"routing.postal_codes: {path} cannot be read ({type(e).__name__}); give a CSV or "
             f"Parquet file of {', '.join(POSITIONS)}"]
        ) from None  # fmt: skip


def _checked(table: pl.DataFrame, path: str) -> pl.DataFrame:
    missing = [c for c in POSITIONS if c not in table.columns]
    if missing:
        raise Misconfigured([f"routing.postal_codes: {path} lacks {', '.join(missing)}"])
    table = table.with_columns(pl.col("prefix").cast(pl.String).fill_null(""))
    table = conform(table, "positions").with_columns(prefix=_normal("prefix"))
    return table.drop_nulls().unique(["country", "prefix"], keep="first", maintain_order=True)


def _normal(column: str) -> pl.Expr:
    code = pl.col(column).str.to_uppercase().str.replace_all("[^A-Z0-9]", "")
    letters = code.str.extract(r"^([A-Z]{1,2})\d", 1)
    own = pl.col("country").replace_strict(_LETTERED, default=None, return_dtype=pl.String)
    foreign = (letters == pl.col("country")) | (letters == own)
    return pl.when(foreign).then(code.str.strip_prefix(letters)).otherwise(code)


def area() -> pl.Expr:
    """Return where a place lies, coarsely and in words: country, two characters of its code.

    Null where neither is known.
    """
    code = _normal("postal_code").str.head(2)
    return pl.concat_str("country", code, separator=" ", ignore_nulls=True).replace("", None)


def locate(places: pl.DataFrame, positions: pl.DataFrame) -> pl.DataFrame:
    """Fill latitude and longitude of places from country and postal code.

    The longest known prefix wins; a place nothing is known of keeps nulls. Rows stay in
    order.
    """
    blank = pl.col("latitude").is_null() | pl.col("longitude").is_null()
    codes = places.filter(blank).select("country", "postal_code").unique().drop_nulls()
    codes = codes.with_columns(code=_normal("postal_code"))
    found = codes.with_columns(lat=pl.lit(None, pl.Float64), lon=pl.lit(None, pl.Float64))
    lengths = positions["prefix"].str.len_chars().unique().sort(descending=True).to_list()
    table = positions.rename({"latitude": "y", "longitude": "x"})
    for length in lengths:
        keyed = found.with_columns(prefix=pl.col("code").str.slice(0, length))
        keyed = keyed.join(table, on=["country", "prefix"], how="left")
        found = keyed.with_columns(lat=pl.coalesce("lat", "y"), lon=pl.coalesce("lon", "x")).drop(
            "y", "x", "prefix"
        )
    joined = places.join(
        found.drop("code"), on=["country", "postal_code"], how="left", maintain_order="left"
    )
    return joined.with_columns(
        latitude=pl.when(blank).then("lat").otherwise("latitude"),
        longitude=pl.when(blank).then("lon").otherwise("longitude"),
    ).drop("lat", "lon")


def great_circle_km(places: pl.DataFrame, others: pl.DataFrame) -> np.ndarray:
    """Return kilometers from each place to each other, to the meter; nan is unknown.

    Haversine, by way of the chord: only one inverse sine a pair.
    """
    ours, theirs = _on_sphere(places), _on_sphere(others)
    found = np.empty((len(places), len(others)))

    def measure(some: slice) -> None:
        chord = np.zeros((some.stop - some.start, len(others)))
        for axis in range(3):
            chord += (ours[some, axis, None] - theirs[None, :, axis]) ** 2
        half = np.minimum(np.sqrt(chord, out=chord) / 2, 1)
        np.round(2 * EARTH_KM * np.arcsin(half), 3, out=found[some])

    by_rows(measure, len(places))
    return found


def _on_sphere(places: pl.DataFrame) -> np.ndarray:
    y = np.radians(places["latitude"].cast(pl.Float64).fill_null(np.nan).to_numpy())
    x = np.radians(places["longitude"].cast(pl.Float64).fill_null(np.nan).to_numpy())
    return np.stack([np.cos(y) * np.cos(x), np.cos(y) * np.sin(x), np.sin(y)], axis=1)
