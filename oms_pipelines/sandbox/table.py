"""Demand from a table of order lines: who bought what, when, and what came back.

Rows are grouped by invoice. Invoices that start with C, and rows of negative quantity, are
returns; they name no sale, so they are matched to one of the same customer and SKU when
their time comes. Postage and fees count as shipping. Rows without customer belong to a
guest. Write-offs (negative, without price) and adjustments are left out, and counted. The
lines of an invoice keep their repetitions: (invoice, SKU) is no key.
"""

from collections import defaultdict
from datetime import date, datetime
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

import polars as pl

from oms_pipelines.errors import Misconfigured
from oms_pipelines.sandbox.goods import Catalog, Good, is_product
from oms_pipelines.sandbox.people import country_code

NEEDED = ("invoice", "sku", "quantity", "placed_at", "price")
OPTIONAL = ("customer", "title", "country")
CHANNELS = (("shop_fr", 30), ("shop_com", 60), ("market", 80), ("private_sale", 90))
Demand = tuple[datetime, str, dict[str, Any]]


class Table:
    """A table of order lines, ready to be asked for a day's demand.

    `mapping` says which column is the invoice, sku, quantity, placed_at, price, and
    optionally country, customer, title. Times without offset are of `zone`. `since` and
    `until` are the first and the last day. Raises Misconfigured.
    """

    def __init__(
        self,
        path: str,
        mapping: dict[str, str],
        since: str | None = None,
        until: str | None = None,
        zone: str = "UTC",
        currency: str = "GBP",
    ):
        self._currency = currency
        rows = _typed(_read(Path(path), mapping), zone)
        if since:
            rows = rows.filter(pl.col("placed_at").dt.date() >= date.fromisoformat(since))
        if until:
            rows = rows.filter(pl.col("placed_at").dt.date() <= date.fromisoformat(until))
        if rows.is_empty():
            raise Misconfigured([f"{Path(path).name}: no sale between the first and the last day"])
        self._rows = rows.sort("placed_at", "invoice", maintain_order=True)

    @property
    def first(self) -> datetime:
        """When the first day begins."""
        return self._rows["placed_at"][0].replace(hour=0, minute=0, second=0)

    @property
    def days(self) -> int:
        """Days from the first to the last sale, both included."""
        return (self._rows["placed_at"][-1].date() - self.first.date()).days + 1

    @cached_property
    def wanted(self) -> dict[str, int]:
        """Units sold of each product."""
        sold = self._products().filter(pl.col("quantity") > 0)
        return dict(sold.group_by("sku").agg(pl.col("quantity").sum()).iter_rows())

    def catalog(self) -> Catalog:
        """Return the products of the table; every channel calls them the same."""
        known = self._products().group_by("sku", maintain_order=True)
        rows = known.agg(pl.col("title").drop_nulls().first(), pl.col("price").median())
        goods = {
            sku: Good(
                sku,
                (title or sku).strip() or sku,
                100 + _hash(sku) % 900,
                max(round((price or 0) * 100), 1),
                self._currency,
            )
            for sku, title, price in rows.iter_rows()
        }
        return Catalog(goods, {})

    def demands(self, day: datetime) -> list[Demand]:
        """Return what people wanted on a day as (time, event, demand)."""
        return self._by_day.get(day.date(), [])

    def _products(self) -> pl.DataFrame:
        codes = self._rows["sku"].unique()
        products = codes.filter(pl.Series([is_product(code) for code in codes], dtype=pl.Boolean))
        return self._rows.filter(pl.col("sku").is_in(products.implode()))

    @cached_property
    def _by_day(self) -> dict[date, list[Demand]]:
        days: dict[date, list[Demand]] = defaultdict(list)
        for (invoice,), rows in self._rows.group_by("invoice", maintain_order=True):
            lines = rows.to_dicts()
            for back in (False, True):
                part = [x for x in lines if (x["quantity"] < 0) == back]
                demand = self._demand(str(invoice), part, back) if part else None
                if demand:
                    days[demand[0].date()].append(demand)
        return days

    def _demand(self, invoice: str, rows: list[dict[str, Any]], back: bool) -> Demand | None:
        at = min(row["placed_at"] for row in rows)
        shop = channel_of(invoice)
        lines = [
            (x["sku"], x["sku"], 1, (x["title"] or x["sku"]).strip(), abs(x["quantity"]),
             max(round(x["price"] * 100), 0))
            for x in rows
            if is_product(x["sku"]) and (x["price"] > 0 or not back)
        ]  # fmt: skip
        if not lines:
            return None
        fees = sum(x["price"] * x["quantity"] for x in rows if not is_product(x["sku"]))
        demand = {
            "shop": shop,
            "customer": rows[0]["customer"] or f"guest-{invoice}",
            "country": country_code(rows[0]["country"] or ""),
            "lines": lines,
            "currency": self._currency,
        }
        if back:
            return at, "come_back", {**demand, "invoice": invoice}
        kind = "till_sale" if shop == "till_paris" else "sale"
        return at, kind, {**demand, "shipping": max(round(fees * 100), 0)}


def read_map(text: str) -> dict[str, str]:
    """Read a mapping written as `invoice=COLUMN,sku=COLUMN,...`. Raises Misconfigured."""
    found = {}
    for pair in text.split(","):
        name, _, column = pair.partition("=")
        if name.strip() not in (*NEEDED, *OPTIONAL) or not column.strip():
            known = ", ".join((*NEEDED, *OPTIONAL))
            raise Misconfigured([f"map: write name=COLUMN with a name of {known}"])
        found[name.strip()] = column.strip()
    return found


def channel_of(invoice: str) -> str:
    """Return the channel an invoice is sold through."""
    slot = _hash(invoice) % 100
    return next((channel for channel, end in CHANNELS if slot < end), "till_paris")


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())


def _read(path: Path, mapping: dict[str, str]) -> pl.DataFrame:
    missing = [name for name in NEEDED if name not in mapping]
    if missing:
        raise Misconfigured([f"map: no column is given for {', '.join(missing)}"])
    if not path.exists():
        raise Misconfigured([f"{path}: no such file"])
    parquet = path.suffix == ".parquet"
    frame = pl.read_parquet(path) if parquet else pl.read_csv(path, infer_schema=False)
    unknown = sorted(set(mapping.values()) - set(frame.columns))
    if unknown:
        has = ", ".join(frame.columns)
        raise Misconfigured([f"{path.name} has no column {', '.join(unknown)}; it has {has}"])
    absent = [name for name in OPTIONAL if name not in mapping]
    return frame.select(
        *(pl.col(column).alias(name) for name, column in mapping.items()),
        *(pl.lit(None, pl.String).alias(name) for name in absent),
    )


def _typed(frame: pl.DataFrame, zone: str) -> pl.DataFrame:
    moment = pl.col("placed_at")
    if frame.schema["placed_at"] == pl.String:
        moment = moment.str.to_datetime(time_unit="us")
    moment = moment.cast(pl.Datetime("us"))
    moment = moment.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    needed = pl.col("invoice", "sku", "quantity", "placed_at", "price")
    return frame.with_columns(
        pl.col("invoice", "sku", "customer", "title", "country").cast(pl.String),
        pl.col("quantity").cast(pl.Int64),
        pl.col("price").cast(pl.Float64),
        moment.dt.convert_time_zone("UTC").alias("placed_at"),
    ).filter(pl.all_horizontal(needed.is_not_null()))
