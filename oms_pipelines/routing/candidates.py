"""The batch as arrays: what each order needs, where it may come from, at what cost."""

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import polars as pl

from oms_pipelines.routing.batch import grouped, items_of, orders_of, policies_of
from oms_pipelines.routing.calendar import Calendar, day_there, ship_by
from oms_pipelines.routing.costs import Tariff, cents, tariff
from oms_pipelines.routing.held import Held, held_of
from oms_pipelines.routing.local import Crossings, crossings, days_late, local_cost, promises
from oms_pipelines.routing.model import Inputs
from oms_pipelines.routing.positions import great_circle_km, locate
from oms_pipelines.routing.ranking import rank_of
from oms_pipelines.routing.rules import match

UNLIMITED = np.iinfo(np.int32).max
# The standing tests, in their order: those that no other order can change.
NO_RULE, NOT_CHOSEN, NO_COLLECT, NO_SHIP, BY_RULE = range(1, 6)
NO_DISTANCE, TOO_FAR, CLOSED, TOO_LATE = range(6, 10)
# What may be unknown of an order, so that its declared fallback counts: bits of `assumed`.
POSITION, WEIGHT, PROMISE = 1, 2, 4
UNKNOWN = {POSITION: "position", WEIGHT: "weight", PROMISE: "promise"}


@dataclass(frozen=True)
class Problem:
    """A batch to plan: n orders by turn, m items by order, L locations by key."""

    orders: pl.DataFrame  # one row an order
    lines: pl.DataFrame  # item, turn, line_id, sku, bill_id, quantity, weight_g
    location_ids: pl.Series
    leaves: list[datetime]  # L, when what is planned now leaves
    tariff: Tariff
    rule: np.ndarray  # n, -1 is none
    first: np.ndarray  # n + 1: items of order i are first[i]:first[i + 1]
    order: np.ndarray  # m
    sku: np.ndarray  # m
    need: np.ndarray  # m, units
    worth: np.ndarray  # m, ten-thousandths a unit
    unit: np.ndarray  # m, ascending: items of one group share it
    together: np.ndarray  # m, stands in a group
    step: np.ndarray  # m, units of which a group takes the same multiple from one place
    refused: np.ndarray  # pairs item, location, by item
    stock: np.ndarray  # SKUs x L
    capacity: np.ndarray  # L, UNLIMITED where none is declared
    failed: np.ndarray  # n x L, the first standing test failed; 0 is none
    distance: np.ndarray  # n x L, kilometers, nan is unknown
    local_cost: np.ndarray  # n x L, ten-thousandths: distance, handling, load, lateness, borders
    parcel_cost: np.ndarray  # n, ten-thousandths: the whole order in one parcel
    rank: np.ndarray  # n x L, 0 is the location the rule likes best
    parts: np.ndarray  # n, parts allowed now
    least_worth: np.ndarray  # n, ten-thousandths each part is worth at least
    near_first: np.ndarray  # n, the first part comes from the nearest
    assumed: np.ndarray  # n x L, bits: POSITION, WEIGHT, PROMISE
    held: Held | None = None  # what may change at a price
    stays: np.ndarray | None = None  # n, the queue serves first what the order holds; None: none

    def of(self, orders: np.ndarray) -> "Problem":
        """Return the problem of some orders (ascending) alone, with all stock and capacity."""
        sizes = np.diff(self.first)[orders]
        number = np.full(len(self.parts), -1)
        number[orders] = np.arange(len(orders))
        item = np.flatnonzero(number[self.order] >= 0)
        place = np.full(len(self.order), -1)
        place[item] = np.arange(len(item))
        refused = self.refused[place[self.refused[:, 0]] >= 0]
        lines = self.lines.with_columns(
            pl.Series("item", place[self.lines["item"].to_numpy()]),
            pl.Series("turn", number[self.lines["turn"].to_numpy()]),
        ).filter(pl.col("item") >= 0)
        some = self.orders[orders].with_columns(turn=pl.int_range(pl.len()))
        return replace(
            self, orders=some, lines=lines, rule=self.rule[orders],
            first=np.append(0, np.cumsum(sizes)), order=number[self.order[item]],
            sku=self.sku[item], need=self.need[item], worth=self.worth[item],
            unit=np.unique(self.unit[item], return_inverse=True)[1],
            together=self.together[item], step=self.step[item],
            refused=np.stack([place[refused[:, 0]], refused[:, 1]], axis=1),
            failed=self.failed[orders], distance=self.distance[orders],
            local_cost=self.local_cost[orders], parcel_cost=self.parcel_cost[orders],
            rank=self.rank[orders], parts=self.parts[orders],
            least_worth=self.least_worth[orders], near_first=self.near_first[orders],
            assumed=self.assumed[orders],
            held=None if self.held is None else self.held.of(orders, item),
            stays=None if self.stays is None else self.stays[orders],
        )  # fmt: skip


def build(inputs: Inputs) -> Problem:
    """Turn inputs (conformed) into a problem."""
    places = locate(inputs.locations, inputs.positions)
    lines = inputs.lines.filter(pl.col("quantity") > 0)
    orders = orders_of(lines, inputs)
    rule, admitted = match(orders, places, inputs.rules)
    keeps = np.array([r.keep_together for r in inputs.rules.rules] + [True])[rule]
    lines = lines.join(orders.select("order_id", "turn"), on="order_id", maintain_order="left")
    skus = lines.select("sku").unique().sort("sku").with_row_index("sku_no")
    items, lines = items_of(grouped(lines, keeps), skus)
    order, sku = (items[c].to_numpy().astype(np.int64) for c in ("turn", "sku_no"))
    first = np.searchsorted(order, np.arange(len(orders) + 1))
    distance = great_circle_km(orders, places)
    prices = tariff(orders.filter(~collects()), inputs.carriers, inputs.rules.costs)
    assumed = _assumed(orders, distance, rule, prices, inputs)
    orders, lines = _weighed(orders, lines, inputs)
    offer = _offers(orders, prices)
    parcel = cents(np.array([*(o.amount for o in prices.offers), 0]))[offer]
    leaves = _leaves(places, inputs)
    sent = offer >= 0
    crossed = crossings(orders, places, inputs.rules.borders, sent)
    late = _late(orders, places, offer, prices, leaves, crossed, inputs)
    local = local_cost(places, distance, late, crossed, inputs)
    stock = _stock(inputs.stock, skus, places)
    parts, least, near = policies_of(orders, rule, inputs)
    limit = places["capacity_left"].fill_null(UNLIMITED).clip(0, UNLIMITED)
    return _with_held(Problem(
        orders=orders, lines=lines, location_ids=places["location_id"], leaves=leaves,
        tariff=prices, rule=rule, first=first, order=order, sku=sku,
        need=items["quantity"].to_numpy(), worth=items["worth"].to_numpy(),
        unit=items["unit"].to_numpy(), stock=stock, capacity=limit.to_numpy(),
        together=items["group"].is_not_null().to_numpy(), step=items["step"].to_numpy(),
        refused=_refused(inputs.refused, items, orders, skus, places),
        failed=standing_tests(orders, places, rule, admitted, distance, late, crossed, inputs),
        distance=distance, local_cost=local, parcel_cost=parcel,
        rank=rank_of(rule, inputs, distance, local, stock, sku, order),
        parts=parts, least_worth=least, near_first=near, assumed=assumed,
    ), inputs)  # fmt: skip


def _with_held(problem: Problem, inputs: Inputs) -> Problem:
    """Return the problem with what orders hold, ranked by costs with the price of a change."""
    held = held_of(inputs, problem)
    if held is None:
        return problem
    paid = problem.local_cost + held.change(*problem.local_cost.shape)
    rank = rank_of(problem.rule, inputs, problem.distance, paid, problem.stock, problem.sku,
                 problem.order)  # fmt: skip
    return replace(problem, held=held, rank=rank)


def collects() -> pl.Expr:
    """Tell which orders the customer comes for."""
    return (pl.col("delivery_mode") == "collect").fill_null(False)


def _weighed(
    orders: pl.DataFrame, lines: pl.DataFrame, inputs: Inputs
) -> tuple[pl.DataFrame, pl.DataFrame]:  # fmt: skip
    """Let units of unknown weight weigh what is declared for them, if anything is."""
    grams = inputs.rules.costs.unknown_weight_g
    if grams is None or not orders["weight_g"].null_count():
        return orders, lines
    lines = lines.with_columns(pl.col("weight_g").fill_null(grams))
    known = lines.group_by("turn").agg(
        (pl.col("weight_g") * pl.col("quantity")).sum().cast(pl.Float64).alias("known")
    )
    orders = orders.join(known, on="turn", how="left", maintain_order="left")
    return orders.with_columns(pl.coalesce("weight_g", "known").alias("weight_g")).drop(
        "known"
    ), lines


def _assumed(
    orders: pl.DataFrame, distance: np.ndarray, rule: np.ndarray, prices: Tariff, inputs: Inputs
) -> np.ndarray:  # fmt: skip
    """Return n x L: what is unknown of each candidate, where it makes a difference."""
    rules, costs = inputs.rules.rules, inputs.rules.costs
    keeps = np.array([r.keep_promise for r in rules] + [False])[rule]
    weight = orders["weight_g"].is_null().to_numpy() & bool(prices.breaks.size)
    promise = orders["promised_at"].is_null().to_numpy() & (keeps | bool(costs.late_per_day))
    bits = (weight * WEIGHT + promise * PROMISE).astype(np.uint8)
    sent = ~orders.select(collects()).to_series().to_numpy()
    unknown = np.isnan(distance) * np.uint8(POSITION)
    unknown |= bits[:, None]
    return unknown if sent.all() else unknown * sent[:, None]


def _offers(orders: pl.DataFrame, prices: Tariff) -> np.ndarray:
    """Return the offer that carries each whole order; -1 where the customer comes for it."""
    offer = np.full(len(orders), -1, dtype=np.int64)
    sent = np.flatnonzero(~orders.select(collects()).to_series().to_numpy())
    if sent.size:
        some = orders[sent]
        grams = some["weight_g"].fill_null(np.nan).to_numpy()
        offer[sent] = prices.offer(some.select("service", "country"), grams)
    return offer


def _leaves(places: pl.DataFrame, inputs: Inputs) -> list[datetime]:
    """Return when what is planned now leaves each location."""
    texts = places.select("cut_off", "working_days", "holidays").rows()
    return [
        ship_by(inputs.as_of, cut_off, Calendar.read(week, off)) for cut_off, week, off in texts
    ]


def _late(
    orders: pl.DataFrame, places: pl.DataFrame, offer: np.ndarray, prices: Tariff,
    leaves: list[datetime], crossed: Crossings | None, inputs: Inputs,
) -> np.ndarray | None:  # fmt: skip
    """Return n x L, days late; None where nothing hangs on them."""
    asked = inputs.rules.costs.late_per_day or any(r.keep_promise for r in inputs.rules.rules)
    promised = promises(orders, inputs)
    if not asked or np.isnat(promised).all():
        return None
    days = [day_there(at, cut) for at, cut in zip(leaves, places["cut_off"], strict=True)]
    return days_late(promised, offer, prices.offers, days, inputs.carriers, crossed)


def _stock(stock: pl.DataFrame, skus: pl.DataFrame, places: pl.DataFrame) -> np.ndarray:
    """Return SKUs x locations of what is available; less than nothing is nothing."""
    table = np.zeros((len(skus), len(places)), dtype=np.int64)
    numbers = places.select("location_id").with_row_index("location")
    rows = stock.join(skus, on="sku").join(numbers, on="location_id")
    at = rows["sku_no"].to_numpy(), rows["location"].to_numpy()
    np.add.at(table, at, rows["available"].fill_null(0).clip(0).to_numpy())
    return table


def _refused(
    refused: pl.DataFrame, items: pl.DataFrame, orders: pl.DataFrame, skus: pl.DataFrame,
    places: pl.DataFrame,
) -> np.ndarray:  # fmt: skip
    """Return the pairs (item, location) that were refused before, sorted by item."""
    numbers = places.select("location_id").with_row_index("location")
    rows = refused.join(orders.select("order_id", "turn"), on="order_id").join(skus, on="sku")
    rows = rows.join(numbers, on="location_id").join(items, on=["turn", "sku_no"])
    pairs = rows.select("item", "location").unique().sort("item", "location")
    return pairs.to_numpy().astype(np.int64).reshape(-1, 2)


def standing_tests(
    orders: pl.DataFrame, places: pl.DataFrame, rule: np.ndarray, admitted: np.ndarray,
    distance: np.ndarray, late: np.ndarray | None, crossed: Crossings | None, inputs: Inputs,
) -> np.ndarray:  # fmt: skip
    """Return n x L: the first standing test failed, 0 where none is."""
    failed = np.zeros(distance.shape, dtype=np.int8)
    sent = ~orders.select(collects()).to_series().to_numpy()[:, None]
    ids = {name: i for i, name in enumerate(places["location_id"])}
    chosen = orders["pickup_location"].replace_strict(ids, default=-1, return_dtype=pl.Int64)
    limits = np.array([r.max_distance_km or np.inf for r in inputs.rules.rules] + [np.inf])[rule]
    limit = limits[:, None]
    from_rule = np.vstack([admitted, np.zeros((1, len(places)), dtype=bool)])[rule]
    tests = [
        (NO_RULE, (rule < 0)[:, None]),
        (NOT_CHOSEN, ~sent & (chosen.to_numpy()[:, None] != np.arange(len(places)))),
        (NO_COLLECT, ~sent & ~places["collects"].fill_null(False).to_numpy()),
        (NO_SHIP, sent & ~places["ships"].fill_null(False).to_numpy()),
        (BY_RULE, sent & ~from_rule),
    ]
    if np.isfinite(limits).any():
        tests += [
            (NO_DISTANCE, sent & np.isfinite(limit) & np.isnan(distance)),
            (TOO_FAR, sent & (distance > limit)),  # nan is no number greater
        ]
    if crossed is not None:
        tests.append((CLOSED, crossed.closed))
    for code, fails in reversed(tests):
        np.copyto(failed, np.int8(code), where=fails)
    keeps = np.array([r.keep_promise for r in inputs.rules.rules] + [False])[rule]
    if late is not None and keeps.any():
        # once nobody can be in time, the least late may ship
        fit = failed == 0
        possible = (fit & (late == 0)).any(axis=1) & keeps
        failed[fit & (late > 0) & sent & possible[:, None]] = TOO_LATE
    return failed
