"""Promises the hub's store must keep in itself: 6, 7, 8 and 11. See `promises.py`."""

import tempfile
from pathlib import Path

import polars as pl
from evidence import Evidence, nothing
from polars.testing import assert_frame_equal

from oms_pipelines.consolidate import consolidate, load_reference
from oms_pipelines.consolidate.streams import sources
from oms_pipelines.schema import key_of
from oms_pipelines.store import Store
from oms_pipelines.store.duckdb import DuckdbStore

SOURCE_TABLES = (
    "skus", "sku_map", "orders", "order_contacts", "order_lines", "refunds", "refund_lines",
    "returns", "return_lines", "return_receipts", "stock_counts", "tracking_events",
)  # fmt: skip


def check_6(found: Evidence) -> None:
    """Accepted + quarantined = received, to the row, for every batch that landed."""
    batches, kept = found.table("batches"), found.table("quarantine")
    assert batches["received"].sum() > 0
    uneven = pl.col("accepted") + pl.col("quarantined") != pl.col("received")
    nothing(batches.filter(uneven), "batches whose parts are not the whole")
    rows = (
        kept.filter(pl.col("stream") != "contradictions")
        .group_by("batch_id")
        .agg(pl.len().cast(pl.Int64).alias("rows"))
    )
    both = batches.join(rows, on="batch_id", how="full", coalesce=True)
    differ = pl.col("rows").fill_null(0) != pl.col("quarantined").fill_null(0)
    nothing(both.filter(differ), "batches whose quarantined rows are not those counted")
    landed = {
        m.batch_id: m for s in sources(found.oms) for m in found.landing.batches(*s) if m.pages
    }
    stored = dict(batches.select("batch_id", "received").iter_rows())
    nothing(sorted(landed.keys() - stored.keys()), "batches landed and not taken")
    wrong = [
        (name, m.records, stored[name])
        for name, m in landed.items()
        if m.stream in ("orders", "refunds", "returns")
        and all(page.records is not None for page in m.pages)
        and m.records != stored[name]
    ]
    nothing(wrong, "batches with other records than landed")


def check_7(found: Evidence) -> None:
    """The ledger's legs sum to zero, the balances are its sums, and counts are explained."""
    balances = found.table("stock_balances")
    nothing(found.query("stock/balances_differing"), "balances differ")
    assert balances["quantity"].sum() == 0
    nothing(
        balances.group_by("sku").agg(pl.col("quantity").sum()).filter(pl.col("quantity") != 0),
        "SKUs whose accounts do not sum to zero",
    )
    nothing(_unexplained(found), "counts the ledger does not hold")


def _unexplained(found: Evidence) -> pl.DataFrame:
    """Return the newest counts that differ from the shelf as the ledger has it at that time."""
    counts = found.table("stock_counts").filter(pl.col("means") == "on_hand")
    newest = counts.sort("counted_at").group_by("location_id", "sku").last()
    moves = found.table("stock_movements")
    legs = pl.concat(
        [
            moves.select("sku", "valid_at", pl.col(f"{end}_account").alias("account"),
                         pl.col("quantity") * sign)
            for end, sign in (("to", 1), ("from", -1))
        ]
    ).with_columns(
        pl.col("account").str.split("/").list.first().alias("location_id"),
        pl.col("account").str.split("/").list.last().alias("bucket"),
    )  # fmt: skip
    shelves = legs.filter(pl.col("bucket").is_in(["sellable", "allocated"]))
    at_count = (
        shelves.rename({"quantity": "moved"})
        .join(newest.select("location_id", "sku", "counted_at"), on=["location_id", "sku"])
        .filter(pl.col("valid_at") <= pl.col("counted_at"))
        .group_by("location_id", "sku")
        .agg(pl.col("moved").sum())
    )
    both = newest.join(at_count, on=["location_id", "sku"], how="left")
    return both.filter(pl.col("moved").fill_null(0) != pl.col("quantity")).select(
        "location_id", "sku", "counted_at", "quantity", "moved"
    )


def check_8(found: Evidence) -> None:
    """A store consolidated anew from the landing zone has the same source tables.

    What the hub asked of locations is its own decision, which no source tells: it is given.
    """
    with tempfile.TemporaryDirectory() as folder:
        fresh = DuckdbStore(Path(folder) / "rebuilt.duckdb")
        fresh.migrate()
        load_reference(fresh, found.oms, found.truth.now)
        with fresh.session() as session:
            asked = found.table("fulfillment_orders").with_columns(
                pl.lit("dispatched").alias("state"), pl.lit(None).alias("closed_at")
            )
            none = pl.lit(0, pl.Int64)
            lines = found.table("fulfillment_lines").with_columns(
                none.alias("shipped_quantity"), none.alias("refused_quantity")
            )
            session.insert_new("fulfillment_orders", asked)
            session.insert_new("fulfillment_lines", lines)
        consolidate(fresh, found.landing, found.oms, found.truth.now)
        same_tables(found.store, fresh)


def same_tables(
    one: Store, other: Store, tables: tuple[str, ...] = SOURCE_TABLES, without: tuple = ()
) -> None:
    """Assert that two stores hold the same rows of tables, `without` some columns."""
    with one.session(read_only=True) as left, other.session(read_only=True) as right:
        for table in tables:
            key = list(key_of(table))
            rows = [s.table(table).drop(without, strict=False).sort(key) for s in (left, right)]
            try:
                assert_frame_equal(*rows)
            except AssertionError as e:
                raise AssertionError(f"{table}: {_difference(*rows, key)}") from e


def _difference(one: pl.DataFrame, other: pl.DataFrame, key: list[str]) -> str:
    alone = one.join(other, on=key, how="anti").height, other.join(one, on=key, how="anti").height
    if any(alone):
        return f"{alone[0]} rows only in the first store, {alone[1]} only in the second"
    differ = [c for c in one.columns if not one[c].eq_missing(other[c]).all()]
    rows = one.with_row_index().filter(~one[differ[0]].eq_missing(other[differ[0]]))["index"]
    shown = [(one[differ][int(i)].row(0), other[differ][int(i)].row(0)) for i in rows[:3]]
    return f"{differ} differ in {rows.len()} rows: {shown}"


def check_11(found: Evidence) -> None:
    """Returned never exceeds delivered: units received back of a line against units given."""
    receipts = found.table("return_receipts").filter(pl.col("line_id").is_not_null())
    back = receipts.group_by("order_id", "line_id", "sku").agg(pl.col("quantity").sum())
    shipments = found.table("shipments").select("shipment_id", "order_id")
    parcels = (
        found.table("shipment_lines")
        .join(shipments, on="shipment_id")
        .group_by("order_id", "line_id", "sku")
        .agg(pl.col("quantity").sum().alias("given"))
    )
    sold = found.table("order_lines").select(
        "order_id", "line_id", "sku", (pl.col("shipped_quantity") * pl.col("units_per")).alias("of")
    )
    key = ["order_id", "line_id", "sku"]
    both = back.join(parcels, on=key, how="left").join(sold, on=key, how="left").fill_null(0)
    too_many = pl.col("quantity") > pl.max_horizontal("given", "of")
    nothing(both.filter(too_many), "lines of which more came back than was given")
