"""Online Retail over five locations: three months back-tested under two sets of rules.

python -m bench.retail_routing        (reads ../shared/data, writes var/bench_retail)

The table has neither stock nor addresses. Stock follows the declared rule of
`oms stock whatif`: at first what a week wants, then each week what that week wanted, in parts
by location. A customer lives at a postal code drawn by name. A unit weighs 100 g.
"""

import sys
import time
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path

import polars as pl

from bench.past import World, rehearse
from oms_pipelines.config import Carrier, Costs, Price, Routing, Rule, Split
from oms_pipelines.routing.rule_sets import RuleSet
from oms_pipelines.stages.backtest import Tested, rounded, try_rules, write_backtest_page
from oms_pipelines.stock.sales_table import Replay, as_trace

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
SINCE, UNTIL = datetime(2011, 3, 1, tzinfo=UTC), datetime(2011, 6, 1, tzinfo=UTC)
HOURS = (12, 17)  # UTC: a plan at noon and one after the shops close
PLACES = {  # postal code, part of the stock, handling, orders a day
    "london": ("NW10", 0.35, 0.6, 60),
    "manchester": ("M17", 0.25, 0.3, 60),
    "bristol": ("BS11", 0.15, 0.4, 40),
    "glasgow": ("G52", 0.15, 0.3, 40),
    "norwich": ("NR6", 0.10, 0.5, 30),
}
COUNTRIES = {
    "United Kingdom": "GB", "Germany": "DE", "France": "FR", "EIRE": "IE", "Spain": "ES",
    "Netherlands": "NL", "Belgium": "BE", "Switzerland": "CH", "Portugal": "PT", "Norway": "NO",
    "Italy": "IT", "Finland": "FI", "Sweden": "SE", "Austria": "AT", "Denmark": "DK",
    "Poland": "PL", "Channel Islands": "JE", "Cyprus": "CY", "Iceland": "IS", "Malta": "MT",
    "Lithuania": "LT", "Czech Republic": "CZ",
}  # fmt: skip
COSTS = Costs(per_km=0.004, unknown_distance_km=3000)
LIVE = Routing(rules=[Rule(id="cheapest", split=Split(parts=2))], costs=COSTS)
OTHER = Routing(
    rules=[Rule(id="most_stock", rank="stock", split=Split(parts=3))], costs=COSTS
)  # fmt: skip
CARRIERS = [
    Carrier(
        id="post",
        transit_days=2,
        prices=[Price(up_to_g=g, amount=x) for g, x in ((1000, 3.5), (5000, 6.0), (20000, 11.0))]
        + [Price(amount=24)],
    )
]


def world(shared: Path, since: datetime = SINCE, until: datetime = UNTIL) -> World:
    """Return the orders of some days, and stock that follows what they want."""
    lines = _lines(shared, since, until)
    replay = Replay(
        channels={}, locations={name: part for name, (_, part, *_) in PLACES.items()},
        opening=timedelta(days=7),
    )  # fmt: skip
    demand = lines.select(pl.col("placed_at").alias("at"), "channel_id", "sku", "quantity")
    trace = as_trace(demand, since, until, replay)
    places = pl.DataFrame(
        [
            {"location_id": name, "kind": "warehouse", "country": "GB", "postal_code": code,
             "ships": True, "handling_cost": handling, "capacity": capacity,
             "cut_off": "16:00 Europe/London"}
            for name, (code, _, handling, capacity) in PLACES.items()
        ]
    )  # fmt: skip
    supply = trace.supply.select("known_at", "location_id", "sku", "quantity")
    return World(lines, supply, trace.opening.rename({"quantity": "available"}), places, CARRIERS)


def _lines(shared: Path, since: datetime, until: datetime) -> pl.DataFrame:
    """Return order lines: an invoice is an order, its lines of one SKU are one line."""
    sold = pl.scan_parquet(shared / "online_retail_2010_2011" / "order_lines.parquet")
    at = pl.col("InvoiceDate").dt.replace_time_zone("Europe/London").dt.convert_time_zone("UTC")
    sold = (
        sold.with_columns(at.cast(pl.Datetime("us", "UTC")).alias("at"))
        .filter(
            pl.col("at") >= since, pl.col("at") < until, pl.col("Quantity") > 0,
            pl.col("UnitPrice") > 0, pl.col("StockCode").str.contains("^[0-9]{5}"),
        )
        .group_by("InvoiceNo", "StockCode")
        .agg(pl.col("Quantity").sum(), pl.col("UnitPrice").max(),
             pl.col("CustomerID", "Country").first(), pl.col("at").min())
        .with_columns(pl.col("at").min().over("InvoiceNo"))
        .collect()
    )  # fmt: skip
    who = pl.coalesce(pl.col("CustomerID").cast(pl.String), "InvoiceNo")
    country = pl.col("Country").replace_strict(COUNTRIES, default=None, return_dtype=pl.String)
    rows = sold.select(
        pl.format("shop/{}", "InvoiceNo").alias("order_id"),
        pl.col("StockCode").alias("line_id"),
        pl.col("StockCode").alias("sku"),
        pl.col("Quantity").alias("quantity"),
        pl.lit("shop").alias("channel_id"),
        pl.col("at").alias("placed_at"),
        (pl.col("at") + timedelta(days=7)).alias("promised_at"),
        pl.lit("home").alias("delivery_mode"),
        pl.lit("standard").alias("service"),
        pl.col("UnitPrice").alias("unit_value"),
        pl.lit("GBP").alias("currency"),
        pl.lit(100, pl.Int64).alias("weight_g"),
        country.alias("country"),
        who.alias("who"),
    )
    return _addressed(rows, shared).drop("who").sort("order_id", "line_id")


def _addressed(rows: pl.DataFrame, shared: Path) -> pl.DataFrame:
    """Give each customer a postal code of the country, drawn by name."""
    file = shared / "postal_europe_geonames" / "postal_codes_europe.parquet"
    codes = (
        pl.read_parquet(file, columns=["country_code", "zipcode"])
        .unique()
        .sort("country_code", "zipcode")
        .group_by("country_code", maintain_order=True)
        .agg("zipcode")
    )
    people = rows.select("who", "country").unique().sort("who", "country")
    people = people.join(codes, left_on="country", right_on="country_code", how="left")
    drawn = [
        None if zips is None else zips[_number(who) % len(zips)]
        for who, zips in people.select("who", "zipcode").iter_rows()
    ]
    people = people.select("who", "country", pl.Series("postal_code", drawn, dtype=pl.String))
    return rows.join(people, on=["who", "country"], how="left", nulls_equal=True)


def _number(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest())


def times(since: datetime = SINCE, until: datetime = UNTIL) -> list[datetime]:
    """Return when plans are made."""
    days = range((until - since).days)
    return [since + timedelta(days=d, hours=h) for d in days for h in HOURS]


def tried(folder: Path, shared: Path, since: datetime = SINCE, until: datetime = UNTIL) -> Tested:
    """Plan the days by the live rules, then back-test these and the others."""
    made = rehearse(folder, world(shared, since, until), LIVE, times(since, until))
    return try_rules(made, [RuleSet("most_stock", OTHER)])


def main() -> int:
    """Print the back-test; return 1 where the live rules did not make their plans again."""
    begun = time.perf_counter()
    out = Path("var/bench_retail")
    found = tried(out / "plans", SHARED)
    page = out / "backtest.html"
    write_backtest_page(
        found, page, "Stock and addresses are declared: see bench/retail_routing.py."
    )
    with pl.Config(tbl_rows=40, tbl_cols=10, tbl_hide_dataframe_shape=True, tbl_width_chars=120):
        print(rounded(found.measures))
        print(found.load)
    print("\n".join(found.notes))
    print(f"{time.perf_counter() - begun:.0f} s; {page}")
    return 0 if set(found.outcome.plans["again"]) == {"same"} else 1


if __name__ == "__main__":
    sys.exit(main())
