"""Kits of the catalog: what is wrong with them, and their bills of leaf components."""

import hashlib
from collections.abc import Iterator
from datetime import datetime

import polars as pl

from oms_pipelines.logistics.profiles import Field, Profile
from oms_pipelines.store import Session
from oms_pipelines.touched import touch

KITS = Profile(
    name="kits",
    kind="kits",
    doc="What kits are made of.",
    delimiter=",",
    min_rows=0,
    fields=(
        Field("kit_sku", "key", "what is sold"),
        Field("sku", "key", "a component, which may be a kit itself"),
        Field("quantity", "units", "units of it in one kit", minimum=1),
    ),
)
MOST = 1_000_000  # units of one component in one kit
_KEY = ["kit_sku", "sku"]


def kit_faults(kits: pl.DataFrame, skus: pl.DataFrame) -> Iterator[str]:
    """Yield what is wrong with kits, each with its line: `line N: ...`.

    `kits` are (kit_sku, sku, quantity, line), `skus` (sku) of the catalog. A kit that contains
    itself is told with the path.
    """
    known = pl.concat([skus.select("sku"), kits.select(pl.col("kit_sku").alias("sku"))])
    strangers = kits.join(known.unique(), on="sku", how="anti", maintain_order="left")
    for line, sku in strangers.select("line", "sku").iter_rows():
        yield f"line {line}: sku: {sku} stands in no row of catalog.skus, and is no kit"
    circular = _circular(kits)
    yield from _cycles(circular)
    if circular.is_empty():
        for line, sku, leaf in _too_many(kits):
            yield f"line {line}: kit {sku} holds more than {MOST} units of {leaf}"


def exploded(kits: pl.DataFrame) -> pl.DataFrame:
    """Return (kit_sku, sku, quantity): what one kit holds of each component that is no kit.

    `kits` are (kit_sku, sku, quantity), none containing itself. One pass a depth of nesting.
    """
    inner = kits.select(
        pl.col("kit_sku").alias("sku"),
        pl.col("sku").alias("leaf"),
        pl.col("quantity").alias("each"),
    )
    rows = kits.select(*_KEY, "quantity")
    while not rows.join(inner, on="sku", how="semi").is_empty():
        rows = (
            rows.join(inner, on="sku", how="left")
            .select(
                "kit_sku",
                pl.coalesce("leaf", "sku").alias("sku"),
                pl.col("quantity") * pl.col("each").fill_null(1),
            )
            .group_by(_KEY)
            # beyond what a kit may hold it does not matter by how much: nothing overflows
            .agg(pl.col("quantity").sum().clip(upper_bound=MOST + 1))
        )
    return rows.sort(_KEY)


def bills_of(kits: pl.DataFrame, skus: pl.DataFrame) -> pl.DataFrame:
    """Return the bills of kits: bill_id, kit_sku, sku, quantity, price_share.

    `skus` have sku, value, currency. A kit's price is spread over its units by their values,
    evenly where one has none, or where they are not of one currency.
    """
    worth = skus.select("sku", pl.col("value").cast(pl.Float64), "currency")
    rows = exploded(kits).join(worth, on="sku", how="left")
    valued = (
        (pl.col("value") > 0).fill_null(False).all() & (pl.col("currency").n_unique() == 1)
    ).over("kit_sku")
    weight = pl.when(valued).then("value").otherwise(1.0)
    rows = rows.with_columns(weight.alias("weight"))
    total = (pl.col("weight") * pl.col("quantity")).sum().over("kit_sku")
    rows = rows.with_columns((pl.col("weight") / total).round(10).alias("price_share"))
    named = (
        rows.sort(_KEY)
        .group_by("kit_sku", maintain_order=True)
        .agg(pl.format("{} {} {}", "sku", "quantity", "price_share").str.join("\n").alias("text"))
        .with_columns(pl.col("text").map_elements(_digits, pl.String))
        .select("kit_sku", pl.format("{}@{}", "kit_sku", "text").alias("bill_id"))
    )
    columns = ["bill_id", *_KEY, "quantity", "price_share"]
    return rows.join(named, on="kit_sku").select(columns).sort("bill_id", "sku")


def replace_kits(session: Session, kits: pl.DataFrame, skus: pl.DataFrame, now: datetime) -> int:
    """Bring kits and bills to what the catalog says; return rows changed.

    A bill that is no kit's any more stays, out of use: orders were planned by it.
    """
    session.frame("tmp_kits", kits)
    changed = session.run("consolidate/forget_kits") + session.upsert("kits", kits)
    bills = bills_of(kits, skus)
    session.frame("tmp_bills", bills)
    changed += session.run("consolidate/retire_bills", now=now)
    there = session.table("bills").filter("in_use")
    new = bills.join(there, on=["bill_id", "sku"], how="anti").with_columns(
        pl.lit(True).alias("in_use"),
        pl.lit(now).cast(pl.Datetime("us", "UTC")).alias("changed_at"),
    )
    changed += session.upsert("bills", new)
    if changed:
        touch(session, None)
    return changed


def _digits(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:8]


def _circular(kits: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that lead into a circle: what is left when leaves are taken off."""
    rows = kits
    while True:
        inner = rows.select(pl.col("kit_sku").alias("sku")).unique()
        left = rows.join(inner, on="sku", how="semi", maintain_order="left")
        if left.height == rows.height:
            return rows
        rows = left


def _cycles(circular: pl.DataFrame) -> Iterator[str]:
    """Yield each circle once, from its smallest SKU, with the line that closes it."""
    first = circular.sort(_KEY).unique("kit_sku", keep="first", maintain_order=True)
    inside = dict(first.select(_KEY).iter_rows())
    lines = {(k, s): n for k, s, n in circular.select(*_KEY, "line").iter_rows()}
    done: set[str] = set()
    for sku in inside:
        path: list[str] = []
        while sku not in done:
            done.add(sku)
            path.append(sku)
            sku = inside[sku]
        if sku in path:
            circle = path[path.index(sku) :]
            turn = circle.index(min(circle))
            circle = [*circle[turn:], *circle[: turn + 1]]
            line = lines[circle[-2], circle[-1]]
            yield f"line {line}: a kit contains itself: {' > '.join(circle)}"


def _too_many(kits: pl.DataFrame) -> Iterator[tuple[int, str, str]]:
    lines = kits.group_by("kit_sku").agg(pl.col("line").min())
    many = exploded(kits.with_columns(pl.col("quantity").clip(upper_bound=MOST + 1)))
    found = many.filter(pl.col("quantity") > MOST).join(lines, on="kit_sku")
    yield from found.sort("line", "sku").select("line", "kit_sku", "sku").iter_rows()
