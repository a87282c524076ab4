"""Locations that a rule ranks alike for an order, so that their names alone decide.

Looked at is what hangs on the order and the location alone; what days late cost, and how full a
location is, changes from plan to plan and is left aside.
"""

from collections.abc import Iterator

import numpy as np
import polars as pl

from oms_pipelines.routing.candidates import collects, standing_tests
from oms_pipelines.routing.local import crossings, local_cost
from oms_pipelines.routing.past import Past
from oms_pipelines.routing.positions import great_circle_km
from oms_pipelines.routing.told import Finding

_SAME = ("rule", "country", "latitude", "longitude")  # orders alike in these rank alike


def ties(history: Past) -> Iterator[Finding]:
    """Yield, by rule, the two locations that tie for most orders."""
    orders = history.orders.with_columns(rule=pl.Series(history.rule()))
    orders = orders.filter(~collects(), pl.col("rule") >= 0).with_columns(
        promised_at=pl.lit(None, orders.schema["promised_at"])
    )
    if orders.is_empty() or len(history.places) < 2:
        return
    kinds = orders.group_by(_SAME, maintain_order=True).agg(
        pl.col("order_id").min(), pl.len().alias("count")
    )
    alike = kinds.join(orders.drop(_SAME), on="order_id", maintain_order="left")
    row, first, second = _tied(alike, history)
    pairs = pl.DataFrame({"row": row, "first": first, "second": second}).with_columns(
        rule=alike["rule"].gather(row), count=alike["count"].gather(row),
        example=alike["order_id"].gather(row),
    )  # fmt: skip
    by = pairs.group_by("rule", "first", "second").agg(
        pl.col("count").sum(), pl.col("example").min()
    )
    worst = by.sort(["count", "first", "second"], descending=[True, False, False])
    names, rules = history.places["location_id"].to_list(), history.inputs.rules.rules
    for rule, some in sorted(worst.group_by("rule"), key=lambda x: x[0]):
        i, (first, second) = int(rule[0]), some.select("first", "second").row(0)
        more = f", and {len(some) - 1} other pairs" if len(some) > 1 else ""
        told = (
            f"rule {rules[i].id} ranks {names[first]} and {names[second]} alike{more}: as far, "
            "at the same cost; the first by name is taken"
        )
        cure = "give one a handling_cost, or its own position, or name one in from"
        top = some.row(0, named=True)
        yield Finding(
            "tie", f"routing.rules[{i}].rank", rules[i].id, top["count"], top["example"], told, cure
        )


def _tied(orders: pl.DataFrame, history: Past) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (row, location, location) of neighbors in rank that nothing tells apart."""
    inputs, places = history.inputs, history.places
    distance = great_circle_km(orders, places)
    rule = orders["rule"].to_numpy()
    crossed = crossings(orders, places, inputs.rules.borders, np.ones(len(orders), dtype=bool))
    cost = local_cost(places, distance, None, crossed, inputs)
    admits = history.admits.T
    failed = standing_tests(orders, places, rule, admits, distance, None, crossed, inputs)
    far = np.nan_to_num(distance, nan=np.inf)
    order = np.lexsort((far, cost, failed > 0), axis=1)
    far, cost, failed = (np.take_along_axis(x, order, axis=1) for x in (far, cost, failed))
    alike = (far[:, 1:] == far[:, :-1]) & (cost[:, 1:] == cost[:, :-1]) & (failed[:, 1:] == 0)
    row, at = np.nonzero(alike)
    return row, order[row, at], order[row, at + 1]
