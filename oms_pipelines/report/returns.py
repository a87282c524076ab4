"""Return statistics: by reason, SKU, channel, location, carrier and initiator, daily."""

import polars as pl

DIMENSIONS = ("reason", "sku", "channel", "location", "carrier", "initiator")
UNITS = ("announced", "received", "restocked", "repaired", "scrapped", "waiting")


def by_dimension(daily: pl.DataFrame, dimension: str) -> pl.DataFrame:
    """Return units by one dimension, most announced or received first."""
    return (
        daily.group_by(pl.col(dimension).fill_null("unknown"))
        .agg(pl.col(*UNITS).sum())
        .sort(pl.col("announced") + pl.col("received"), dimension, descending=[True, False])
    )


def rates(daily: pl.DataFrame, shipped: pl.DataFrame) -> pl.DataFrame:
    """Return (channel, shipped, announced, rate in percent) over the whole time."""
    sent = shipped.group_by("channel").agg(pl.col("shipped").sum())
    back = daily.group_by("channel").agg(pl.col("announced").sum())
    return (
        sent.join(back, on="channel", how="full", coalesce=True)
        .with_columns(pl.col("shipped", "announced").fill_null(0))
        .with_columns(
            pl.when(pl.col("shipped") > 0)
            .then((100 * pl.col("announced") / pl.col("shipped")).round(1))
            .alias("rate_percent")
        )
        .sort("channel")
    )
