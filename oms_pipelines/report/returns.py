"""Return statistics: by reason, SKU, channel, location, carrier and initiator, daily.

By `location`, announced units count where the return was told to go, received ones where they
came. By `expected_at` both count where the return was told to go.
"""

import polars as pl

DIMENSIONS = ("reason", "sku", "channel", "location", "expected_at", "carrier", "initiator")
UNITS = (
    "announced",
    "received",
    "restocked",
    "repaired",
    "damaged",
    "scrapped",
    "waiting",
    "not_ordered",
)
RULES = {
    "location": "Announced units count at the location told, received units where they came.",
    "expected_at": "Announced and received units both count at the location told.",
}


def by_dimension(daily: pl.DataFrame, dimension: str) -> pl.DataFrame:
    """Return units by one dimension, most returned first; `units` counts each unit once."""
    return (
        told(daily)
        .group_by(pl.col(dimension).fill_null("unknown"))
        .agg(pl.col("units", *UNITS).sum())
        .sort("units", dimension, descending=[True, False])
    )


def told(daily: pl.DataFrame) -> pl.DataFrame:
    """Return `daily` with `units`: each returned unit once, when it was announced or came."""
    unannounced = pl.col("reason") == "unannounced"
    return daily.with_columns(
        pl.when(unannounced).then("received").otherwise("announced").alias("units")
    )


def rates(daily: pl.DataFrame, shipped: pl.DataFrame) -> pl.DataFrame:
    """Return (channel, shipped, returned, rate in percent) over the whole time."""
    sent = shipped.group_by("channel").agg(pl.col("shipped").sum())
    back = told(daily).group_by("channel").agg(pl.col("units").sum().alias("returned"))
    return (
        sent.join(back, on="channel", how="full", coalesce=True)
        .with_columns(pl.col("shipped", "returned").fill_null(0))
        .with_columns(
            pl.when(pl.col("shipped") > 0)
            .then((100 * pl.col("returned") / pl.col("shipped")).round(1))
            .alias("rate_percent")
        )
        .sort("channel")
    )
