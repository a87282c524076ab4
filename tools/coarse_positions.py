"""Derive the coarse table of postal codes from a fine one.

    python tools/coarse_positions.py postal_codes.parquet oms_pipelines/routing/positions.csv

The input has country_code, zipcode, latitude and longitude, as GeoNames gives them.
"""

import sys
from pathlib import Path

import polars as pl

HEADER = (
    "# Centroids of postal codes by country and first two characters, to 0.1 degree.\n"
    "# Derived from GeoNames postal codes (www.geonames.org), CC BY 4.0,"
    " by tools/coarse_positions.py.\n"
)
OVERSEAS = ("GP", "MQ", "GF", "RE", "PM", "YT", "WF", "PF", "NC")


def coarse(fine: pl.DataFrame) -> pl.DataFrame:
    """Return country, prefix, latitude, longitude: one row for two characters of a code."""
    letters = pl.col("code").str.extract(r"^([A-Z]{1,2})\d", 1)
    inner = (letters == pl.col("country")) | ((pl.col("country") == "LU") & (letters == "L"))
    codes = (
        fine.select(
            pl.col("country_code").alias("country"),
            pl.col("zipcode").str.to_uppercase().str.replace_all("[^A-Z0-9]", "").alias("code"),
            "latitude",
            "longitude",
        )
        .with_columns(
            code=pl.when(inner).then(pl.col("code").str.strip_prefix(letters)).otherwise("code")
        )
        .group_by("country", "code")
        .agg(pl.col("latitude", "longitude").mean())
    )
    # French parcels overseas are addressed to FR as often as to the territory.
    overseas = codes.filter(pl.col("country").is_in(OVERSEAS)).with_columns(
        country=pl.lit("FR"), prefix=pl.col("code").str.slice(0, 3)
    )
    short = codes.with_columns(prefix=pl.col("code").str.slice(0, 2))
    return (
        pl.concat([short, overseas])
        .group_by("country", "prefix")
        .agg(pl.col("latitude", "longitude").mean().round(1) + 0.0)
        .sort("country", "prefix")
    )


def main() -> None:
    """Read the fine table, write the coarse one."""
    source, target = map(Path, sys.argv[1:3])
    target.write_text(HEADER + coarse(pl.read_parquet(source)).write_csv(), encoding="utf-8")


if __name__ == "__main__":
    main()
