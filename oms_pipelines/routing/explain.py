"""Tell why an order ships from where it does, in lines for people."""

import polars as pl

_ORDER = {"chosen": 0, "possible": 1, "excluded": 2}


def explain(decisions: pl.DataFrame, allocations: pl.DataFrame, order_id: str) -> str:
    """Return what was decided for an order: its parts, then each candidate with its reason.

    Takes the decisions and allocations of a plan. Raises KeyError when the plan did not look
    at the order.
    """
    looked = decisions.filter(pl.col("order_id") == order_id)
    if looked.is_empty():
        raise KeyError(order_id)
    given = allocations.filter(pl.col("order_id") == order_id)
    told = [f"{order_id}: rule {looked.item(0, 'rule') or 'none'}"]
    if given.is_empty():
        told.append("  nothing is shipped yet")
    for row in given.sort("part", "line_id").iter_rows(named=True):
        told.append(
            f"  part {row['part'] + 1} from {row['location_id']}: "
            f"{row['quantity']} x {row['sku']} (line {row['line_id']})"
        )
    verdict = pl.col("verdict").replace_strict(_ORDER, return_dtype=pl.Int8)
    ranked = looked.sort(verdict, "part", "rank", "location_id", nulls_last=True)
    return "\n".join(told + [f"  {_told(row)}" for row in ranked.iter_rows(named=True)])


def _told(row: dict) -> str:
    """Return one candidate in a line."""
    away = "distance unknown" if row["distance_km"] is None else f"{row['distance_km']:.1f} km"
    words = [f"{row['location_id']}: {row['verdict']}"]
    if row["failed_test"]:
        words.append(row["failed_test"])
    words.append(away)
    words.append(f"score {row['score']:.2f}")
    if row["rank"]:
        words.append(f"rank {row['rank']}")
    if row["assumed"]:
        words.append(f"assumed {row['assumed']}")
    if row["lost_to"]:
        words.append(f"lost to {row['lost_to']}")
    return ", ".join(words)
