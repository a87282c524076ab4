"""The open lines as orders in their turn, and as items.

Orders take turns by priority, then age, then key. An item is what one order needs of one
SKU. Items that must stay together share a unit; every other item is its own. Of a group the
same multiple of each item's step comes from one place: a step of all that is needed keeps the
group whole, the units of one kit let kits come from several places, each whole.
"""

import numpy as np
import polars as pl

from oms_pipelines.routing.costs import UNIT, cents
from oms_pipelines.routing.model import Inputs
from oms_pipelines.routing.positions import locate
from oms_pipelines.routing.rules import ORDER_COLUMNS


def orders_of(lines: pl.DataFrame, inputs: Inputs) -> pl.DataFrame:
    """Return one row an order, in turn, with the attributes rules may ask for."""
    apart = ("order_id", "weight_g", "parts_used")
    kept = [c for c in lines.columns if c in ORDER_COLUMNS and c not in apart]
    grams = pl.col("weight_g") * pl.col("quantity")
    orders = lines.group_by("order_id", maintain_order=True).agg(
        *(pl.col(c).first() for c in kept),
        pl.col("parts_used").max().fill_null(0),
        pl.col("line_id").n_unique().cast(pl.Int64).alias("lines"),
        pl.col("quantity").sum().alias("units"),
        (pl.col("unit_value").fill_null(0) * pl.col("quantity")).sum().round(4).alias("value"),
        pl.when(pl.col("weight_g").is_not_null().all())
        .then(grams.sum())
        .cast(pl.Float64)
        .alias("weight_g"),
    )
    orders = orders.with_columns(
        pl.col("priority").fill_null(0),
        pl.col("several_parcels").fill_null(True),
        pl.col("placed_at", "promised_at").dt.replace_time_zone(None),
        pl.lit(inputs.as_of).dt.convert_time_zone("UTC").dt.replace_time_zone(None).alias("as_of"),
    )
    turns = orders.sort(
        ["priority", "placed_at", "order_id"], descending=[True, False, False], nulls_last=True
    )
    located = locate(turns, inputs.positions)
    return located.with_row_index("turn").with_columns(pl.col("turn").cast(pl.Int64))


def grouped(lines: pl.DataFrame, keeps: np.ndarray) -> pl.DataFrame:
    """Give each line (with its order's turn) its group, null where it is free.

    `keeps` tells for each turn whether groups hold; the components of one line's kits are a
    group whatever it tells, and so is a line that its channel cannot hear of in parts. A free
    line of a SKU that also stands in a group joins the group, and groups that share a SKU are
    one: their units are the same. `whole` tells of a group whether it is more than kits by one
    bill.
    """
    kept = pl.lit(pl.Series(keeps[lines["turn"].to_numpy()]))
    named = pl.when(kept).then(pl.col("keep_together").rank("dense").cast(pl.Int64))
    lines = lines.with_columns(named=named)
    lines = lines.with_columns(own=pl.coalesce("named", _line(lines))).with_columns(group="own")
    while lines["own"].null_count() < len(lines):
        before = lines["group"]
        lines = lines.with_columns(group=pl.col("group").min().over("turn", "sku"))
        of_group = pl.col("group").min().over("turn", "own")
        lines = lines.with_columns(
            group=pl.when(pl.col("own").is_null()).then("group").otherwise(of_group)
        )
        if lines["group"].equals(before):
            break
    return lines.with_columns(whole=_whole(lines)).drop("own", "named")


_IN_ONE = (~pl.col("several_parcels_per_line")).fill_null(False)


def _free(lines: pl.DataFrame) -> bool:
    """Tell whether no line is a group by itself."""
    return lines["bill_id"].null_count() == len(lines) and not lines.select(_IN_ONE.any()).item()


def _line(lines: pl.DataFrame) -> pl.Expr:
    """Number the lines that are a group by themselves, on from the groups that have a name."""
    if _free(lines):
        return pl.lit(None, pl.Int64)
    last = lines["named"].max()
    number = pl.col("line_id").rank("dense").cast(pl.Int64)
    number += last if isinstance(last, int) else 0
    return pl.when(pl.col("bill_id").is_not_null() | _IN_ONE).then(number)


def _whole(lines: pl.DataFrame) -> pl.Expr:
    if _free(lines):
        return pl.lit(True)
    one = (pl.col("bill_id").n_unique() == 1).over("turn", "group")
    more = pl.col("named").is_not_null() | pl.col("bill_id").is_null() | ~one | _IN_ONE
    return more.any().over("turn", "group")


def items_of(lines: pl.DataFrame, skus: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return items (item, turn, group, sku_no, quantity, worth, step, unit), and lines by item.

    A unit of an item is worth the mean of its lines, in ten-thousandths. Takes lines sorted by
    key.
    """
    keys = ["turn", "group", "sku_no"]
    lines = lines.join(skus, on="sku", maintain_order="left")
    lines = lines.sort(keys, nulls_last=True, maintain_order=True)
    other = pl.any_horizontal(pl.col(c).ne_missing(pl.col(c).shift()) for c in keys)
    lines = lines.with_columns(item=other.cum_sum().cast(pl.UInt32) - 1)
    worth = (pl.col("unit_value").fill_null(0).clip(0) * pl.col("quantity")).sum()
    items = lines.group_by("item", maintain_order=True).agg(
        pl.col(keys).first(),
        (worth * UNIT / pl.col("quantity").sum()).round().cast(pl.Int64).alias("worth"),
        pl.col("quantity").sum(),
        pl.col("per_kit").first(),
        pl.col("whole").any(),
    )
    same = (pl.col("turn") == pl.col("turn").shift()) & (pl.col("group") == pl.col("group").shift())
    items = items.with_columns(
        unit=(~same.fill_null(False)).cum_sum().cast(pl.Int64) - 1, step=_step(items)
    )
    columns = ["item", "turn", "line_id", "sku", "bill_id", "quantity", "weight_g"]
    return items.drop("per_kit", "whole"), lines.select(columns)


def _step(items: pl.DataFrame) -> pl.Expr:
    """Return how many units of an item come together: one, those of a kit, or all.

    What is left of a kit that was begun is not in the proportion of the kit: it stays whole.
    """
    free = pl.when(pl.col("group").is_null()).then(pl.lit(1, pl.Int64))
    if items["per_kit"].null_count() == len(items):
        return free.otherwise("quantity")
    group = ["turn", "group"]
    kits = pl.col("quantity") // pl.col("per_kit")
    uneven = (pl.col("quantity") % pl.col("per_kit") != 0) | (kits != kits.max().over(group))
    whole = pl.col("whole") | uneven.fill_null(True).any().over(group)
    return free.when(whole).then("quantity").otherwise("per_kit")


def policies_of(
    orders: pl.DataFrame, rule: np.ndarray, inputs: Inputs
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return parts allowed now, least worth of a part, and whether the nearest goes first."""
    rules = inputs.rules.rules
    most = np.array([r.split.parts for r in rules] + [1])[rule]
    least = cents(np.array([r.split.min_value for r in rules] + [0.0]))[rule]
    choice = orders["delivery_choice"].fill_null("any")
    single = (choice == "together").to_numpy() | ~orders["several_parcels"].to_numpy()
    near = (choice == "first_now").to_numpy() & ~single
    most = np.where(single, 1, np.where(near, np.maximum(most, 2), most))
    # What the customer chose is not refused for being worth too little.
    least = np.where(near, 0, least)
    used = orders["parts_used"].to_numpy()
    # What a location could not ship must leave all the same: one part is always left.
    return np.maximum(most - used, 1), least, near & (used == 0)
