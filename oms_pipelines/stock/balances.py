"""Balances in step with movements: what a posting looks at is read once, and written once.

A hub of many places has tens of millions of balances, and the embedded store passes over all
keys to find some of them. So a posting names the shelves it will look at, holds them beside
what it posts, and adds to the stored balances when it is done.
"""

from typing import Self

import polars as pl

from oms_pipelines.store import Session

SHELF = ("sellable", "allocated")
KEY = ["account", "sku"]


def legs(movements: pl.DataFrame) -> pl.DataFrame:
    """Return (account, sku, quantity): by how much movements change each balance, in units."""
    ends = [("to_account", pl.col("quantity")), ("from_account", -pl.col("quantity"))]
    both = [movements.select(pl.col(end).alias("account"), "sku", units) for end, units in ends]
    return _summed(*both)


def add(session: Session, movements: pl.DataFrame) -> None:
    """Add movements to the stored balances."""
    session.add("stock_balances", legs(movements))


def cluster(session: Session) -> None:
    """Lay the balances of a SKU side by side: they come place by place, and are read by SKU."""
    session.cluster("stock_balances", ["sku", "account"])


class Shelves:
    """Balances of shelves as they are with what was posted since they were read.

    Statements find them as `tmp_shelf_balances` (account, sku, quantity).
    """

    def __init__(self, session: Session, pairs: pl.DataFrame):
        """Read the shelves of `pairs` (location_id, sku)."""
        self._session = session
        names = [pl.format(f"{{}}/{bucket}", "location_id") for bucket in SHELF]
        accounts = [pairs.select(name.alias("account"), "sku") for name in names]
        self._accounts = pl.concat(accounts).unique()
        session.frame("tmp_accounts", self._accounts)
        self._stored = session.query("stock/balances_named")
        self._moved = self._stored.clear()

    def move(self, movements: pl.DataFrame) -> Self:
        """Take movements in that the stored balances do not have yet."""
        self._moved = _summed(self._moved, legs(movements))
        own = self._moved.join(self._accounts, on=KEY, how="semi")
        self._session.frame("tmp_shelf_balances", _summed(self._stored, own))
        return self

    def store(self) -> None:
        """Add what was taken in to the stored balances."""
        self._session.add("stock_balances", self._moved)
        self._moved = self._moved.clear()


def _summed(*rows: pl.DataFrame) -> pl.DataFrame:
    return pl.concat(rows).group_by(KEY).agg(pl.col("quantity").sum())
