"""What a location tells in files: confirmations, acknowledgements, receipts, as frames."""

from collections.abc import Collection, Mapping
from datetime import datetime

import polars as pl

from oms_pipelines.logistics.deltas import delta_tests, parse_deltas
from oms_pipelines.logistics.profiles import Profile
from oms_pipelines.logistics.snapshots import (
    count_ages,
    forget_lots,
    last_snapshot,
    parse_stock,
    stock_tests,
)
from oms_pipelines.logistics.supply import parse_supply, settle_counted, settle_told, supply_tests
from oms_pipelines.logistics.verdicts import Parsed, future, hashed, parse_rows, unknown_sku, when
from oms_pipelines.schema import columns_of
from oms_pipelines.store import Session

__all__ = [
    "Parsed",
    "count_ages",
    "disposition",
    "forget_lots",
    "last_snapshot",
    "parse_acknowledgements",
    "parse_confirmations",
    "parse_deltas",
    "parse_receipts",
    "parse_stock",
    "parse_supply",
    "resolve_receipts",
    "row_tests",
    "settle_counted",
    "settle_told",
]


def row_tests(kind: str, now: datetime) -> list[pl.Expr]:
    """Return the tests that rows of a kind of file must pass beyond their types."""
    if kind == "confirmation":
        return _confirmation_tests()
    if kind == "acknowledgement":
        return _acknowledgement_tests()
    if kind == "receipt":
        return _receipt_tests(now)
    if kind == "supply":
        return supply_tests()
    if kind == "stock_delta":
        return delta_tests(now)
    return stock_tests(now) if kind == "stock" else []


def _confirmation_tests() -> list[pl.Expr]:
    shipped = pl.col("shipped_quantity") > 0
    nothing = (pl.col("shipped_quantity") == 0) & (pl.col("refused_quantity").fill_null(0) == 0)
    return [
        when(shipped & pl.col("shipped_at").is_null(), "shipped_at is empty; say when it left"),
        when(nothing, "neither shipped nor refused; write one of the quantities"),
    ]


def _acknowledgement_tests() -> list[pl.Expr]:
    lone = pl.col("line_no").is_not_null() & (pl.col("status") != "rejected")
    return [when(lone, "line_no stands in a row that rejects nothing; leave it empty")]


def _receipt_tests(fetched_at: datetime) -> list[pl.Expr]:
    twice = pl.struct("receipt_id", "line_no").is_duplicated()
    return [
        when(twice, "line_no stands twice in the receipt; number its lines"),
        future("received_at", fetched_at),
    ]


def parse_confirmations(
    body: bytes, profile: Profile, location_id: str, name: str = "file", page: int = 0
) -> Parsed:
    """Read what a location shipped or refused, one row a line and parcel. Raises Malformed.

    A parcel without number is named by its tracking number, else by the time it left.
    """
    parsed = parse_rows(body, profile, location_id, name, page, _confirmation_tests())
    shipped = pl.col("shipped_quantity") > 0
    left = pl.col("shipped_at").dt.strftime("%Y%m%dT%H%M%SZ")
    accepted = parsed.accepted.with_columns(
        pl.col("refused_quantity").fill_null(0),
        parcel=pl.when(shipped).then(pl.coalesce("parcel", "tracking_number", left)),
    )
    return Parsed(accepted, parsed.rejected, parsed.received)


def parse_acknowledgements(
    body: bytes, profile: Profile, location_id: str, name: str = "file", page: int = 0
) -> Parsed:
    """Read what a location says of files it took. Raises Malformed."""
    return parse_rows(body, profile, location_id, name, page, _acknowledgement_tests())


def parse_receipts(
    body: bytes,
    profile: Profile,
    location_id: str,
    fetched_at: datetime,
    name: str = "file",
    page: int = 0,
    known: Collection[str] | None = None,
) -> Parsed:
    """Read what came back to a dock. `known` None takes any SKU. Raises Malformed."""
    tests = [*_receipt_tests(fetched_at), *unknown_sku(known)]
    parsed = parse_rows(body, profile, location_id, name, page, tests)
    accepted = parsed.accepted.with_columns(pl.col("condition").fill_null("unknown"))
    return Parsed(accepted, parsed.rejected, parsed.received)


def resolve_receipts(
    session: Session,
    rows: pl.DataFrame,
    dispositions: Mapping[str, str],
    fetched_at: datetime,
    batch_id: str,
) -> pl.DataFrame:
    """Find the return and the order of received goods. Gives the columns of return_receipts.

    A return is found by its RMA or its id, an order by its number where one order alone has
    it; a parcel nobody can match keeps both empty. The line is linked, and goods that the
    order did not hold are set aside, once the receipt is stored: see `returns.links`.
    """
    session.frame("tmp_receipts", rows.select("location_id", "receipt_id", "line_no", "rma",
                                              "order_number", "line_id", "sku"))  # fmt: skip
    matches = session.query("logistics/receipt_matches")
    keys = ["location_id", "receipt_id", "line_no"]
    found = rows.join(matches, on=keys, how="left", maintain_order="left")
    found = found.with_columns(
        pl.format("{}/{}", "location_id", "receipt_id").alias("receipt_id"),
        pl.lit(None, pl.Boolean).alias("not_ordered"),
        pl.col("rma").alias("told_rma"),
        pl.col("order_number").alias("told_order"),
        pl.col("line_id").alias("told_line_id"),
        pl.lit(None, pl.String).alias("line_id"),
        pl.col("remark").alias("reason_text"),
        pl.col("received_at").dt.timestamp("us").alias("source_version"),
        pl.lit(fetched_at).cast(pl.Datetime("us", "UTC")).alias("fetched_at"),
        pl.lit(batch_id).alias("batch_id"),
    )
    told = ("rma", "order_number", "line_id", "sku", "quantity", "condition", "remark")
    found = found.with_columns(hashed(rows, *told), disposition(dispositions))
    return found.select(columns_of("return_receipts"))


def disposition(dispositions: Mapping[str, str]) -> pl.Expr:
    """Return what is done with received goods, from `condition` and `not_ordered`.

    A condition that `dispositions` lacks is quarantined. So are goods their order did not
    hold, unless `not_ordered` says otherwise; its `restock` means: as their condition says.
    """
    by_condition = pl.col("condition").replace_strict(dict(dispositions), default="quarantine")
    strange = dispositions.get("not_ordered", "quarantine")
    aside = pl.col("not_ordered").fill_null(False) & pl.lit(strange != "restock")
    return pl.when(aside).then(pl.lit(strange)).otherwise(by_condition).alias("disposition")
