"""A month of five channels over three locations, drawn from a seed, with every kind of fault."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
from stock_world import channel, network, place

from oms_pipelines.config import Oms
from oms_pipelines.stock.trace import Link, Play, Trace, daily

SINCE = datetime(2026, 3, 2, tzinfo=UTC)
CHANNELS = ("shop_fr", "shop_com", "market", "outlet", "private_sale")
TRAFFIC = (0.3, 0.25, 0.2, 0.15, 0.1)
LOCATIONS = ("lyon", "lille", "paris")
SPLIT = (0.5, 0.3, 0.2)
TICK = timedelta(minutes=10)
MEAN_UNITS = 1.55  # of a sale
MINUTE = 60_000_000


def world(mode: str, **stock: object) -> Oms:
    """Return five channels that share in one mode; escrow by their traffic."""
    shares = TRAFFIC if mode == "escrow" else (None,) * len(CHANNELS)
    stock = ({"risk": 0.001} if mode == "pooled" else {}) | stock
    told = [
        channel(c, mode=mode, **({"share": x} if x else {}), **stock)
        for c, x in zip(CHANNELS, shares, strict=True)
    ]
    told = [{**c, "every": "10m"} for c in told]
    return network(told, [place(x) for x in LOCATIONS])


def trace(days: int, skus: int, seed: int, *, late: float = 0.1) -> Trace:
    """Draw demand, and supply that is short of it; a share of orders is `late` by minutes.

    A SKU is wanted 10 to 500 times a day, one to three units at once; several times a day
    most of what is wanted comes in, known up to three hours later.
    """
    random = np.random.default_rng(seed)
    rate = random.gamma(2.0, 75.0, skus).clip(10, 500)
    before = _demand(random, rate, 28, 0).with_columns(pl.col("at") - timedelta(days=28))
    demand = _demand(random, rate, days, late)
    names = [f"sku{i:04}" for i in range(skus)]
    every = random.integers(5, 19, skus)
    opening, supply = [], []
    for i, sku in enumerate(names):
        for hour in range(0, days * 24, int(every[i])):
            short = random.uniform(0.6, 1.1)
            units = int(random.poisson(rate[i] * MEAN_UNITS * every[i] / 24 * short))
            parts = random.multinomial(units, SPLIT)
            at = SINCE + timedelta(hours=hour, minutes=int(random.integers(0, 240)))
            known = at + timedelta(minutes=int(random.integers(0, 180)))
            rows = [(x, sku, int(n)) for x, n in zip(LOCATIONS, parts, strict=True)]
            if hour == 0:
                opening += rows
            else:
                supply += [(at, known, *row) for row in rows]
    return Trace(
        pl.DataFrame(opening, schema=["location_id", "sku", "quantity"], orient="row"),
        pl.DataFrame(
            supply, schema=["at", "known_at", "location_id", "sku", "quantity"], orient="row"
        ),
        _named(demand, names),
        SINCE,
        SINCE + timedelta(days=days),
        daily(_named(before, names)),
    )


def _named(rows: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    return rows.with_columns(pl.col("sku").replace_strict(list(range(len(names))), names))


def _demand(random: np.random.Generator, rate: np.ndarray, days: int, late: float) -> pl.DataFrame:
    wanted = random.poisson(rate * days)
    sku = np.repeat(np.arange(rate.size), wanted)
    n = sku.size
    at = random.integers(0, days * 86400, n) * 1_000_000
    lateness = np.where(random.random(n) < late, random.integers(1, 9, n), 0) * MINUTE
    return pl.DataFrame(
        {
            "at": at,
            "known_at": at + lateness,
            "channel_id": random.choice(CHANNELS, n, p=TRAFFIC),
            "sku": sku,
            "quantity": random.choice([1, 2, 3], n, p=[0.6, 0.25, 0.15]),
        }
    ).with_columns(
        (pl.lit(SINCE) + pl.duration(microseconds=pl.col(c))).alias(c) for c in ("at", "known_at")
    )


def faulty(days: int, seed: int, *, compares: bool = True, storms: bool = True) -> dict[str, Link]:
    """Return links with delays, lost updates answered as taken, lost answers, and 429 storms."""
    random = np.random.default_rng(seed)
    delays: Sequence[Sequence[float]] = (
        (0,), (0, 60, 120), (60, 180, 300, 300, 420), (0, 0, 60), (120,)
    )  # fmt: skip
    return {
        c: Link(
            delays=delays[i],
            compares=compares,
            lost=0.01,
            unanswered=0.01,
            outages=_storms(random, days) if storms else (),
        )
        for i, c in enumerate(CHANNELS)
    }


def _storms(random: np.random.Generator, days: int) -> list[tuple[datetime, datetime]]:
    begins = [
        SINCE + timedelta(days=day, minutes=int(random.integers(0, 1300)))
        for day in range(0, days, 4)
    ]
    return [(x, x + timedelta(minutes=int(random.integers(20, 90)))) for x in begins]


def play(days: int, seed: int, **more: object) -> Play:
    links = more.pop("links", None) or faulty(days, seed)
    return Play(**{"tick": TICK, "links": links, "seed": seed, **more})
