"""SKUs that something was told of, so that their levels are computed anew."""

import polars as pl

from oms_pipelines.store import Session

EVERYTHING = "*"  # in stock_touched: all SKUs


def touch(session: Session, skus: pl.Series | None) -> None:
    """Have the levels of these SKUs computed anew; of all, where none are named."""
    rows = pl.DataFrame({"sku": [EVERYTHING] if skus is None else skus.unique()})
    session.insert_new("stock_touched", rows.cast(pl.String))
