"""A solved batch as frames: allocations, decisions, and what could not be filled."""

import numpy as np
import polars as pl

from oms_pipelines.routing.candidates import UNKNOWN, Problem, collects
from oms_pipelines.routing.costs import UNIT, Offer, cents
from oms_pipelines.routing.greedy import Taken
from oms_pipelines.routing.model import TIME, Inputs
from oms_pipelines.routing.rows import by_rows
from oms_pipelines.routing.verdicts import TESTS, Verdicts

_VERDICTS = pl.Series(["chosen", "possible", "excluded"])


def parcels(problem: Problem, taken: Taken) -> pl.DataFrame:
    """Return one row a part: turn, part, location, carrier_id, service, cost, days, ship_by.

    The carrier is chosen, and the price found, by what this part weighs.
    """
    parts = _weighed(problem, taken)
    sent = ~parts["collected"].to_numpy()
    offer = np.zeros(len(parts), dtype=np.int64)
    if sent.any():
        some = parts.filter(~pl.col("collected"))
        offer[sent] = problem.tariff.offer(some, some["grams"].fill_null(np.nan).to_numpy())
    offers = problem.tariff.offers or [Offer(None, None, 0, 0)]
    price = cents(np.array([o.amount for o in offers]))[offer] * sent
    local = problem.local_cost[parts["turn"].to_numpy(), parts["location"].to_numpy()]
    carrier = pl.Series([o.carrier_id for o in offers], dtype=pl.String).gather(offer)
    service = pl.Series([o.service for o in offers], dtype=pl.String).gather(offer)
    leaves = pl.Series(problem.leaves, dtype=TIME)
    return parts.select(
        "turn", "part", "location",
        pl.when("collected").then(None).otherwise(carrier).alias("carrier_id"),
        pl.when("collected").then("service").otherwise(service).alias("service"),
        pl.Series("cost", price + local),
        pl.Series("days", np.array([o.transit_days for o in offers])[offer] * sent),
        leaves.gather(parts["location"]).alias("ship_by"),
    )  # fmt: skip


def _weighed(problem: Problem, taken: Taken) -> pl.DataFrame:
    """Return one row a part with its grams (null is unknown), service, country, collected."""
    claims = pl.DataFrame(
        {"item": taken.item, "location": taken.location, "part": taken.part,
         "turn": problem.order[taken.item], "units": taken.quantity}
    )  # fmt: skip
    total = (pl.col("weight_g") * pl.col("quantity")).sum() / pl.col("quantity").sum()
    known = pl.col("weight_g").is_not_null().all()
    each = problem.lines.group_by(pl.col("item").cast(pl.Int64)).agg(
        pl.when(known).then(total).alias("weight_g")
    )
    grams = (pl.col("weight_g") * pl.col("units")).sum().round(3)
    attributes = problem.orders.select(
        "turn", "service", "country", collects().alias("collected")
    )  # fmt: skip
    return (
        claims.join(each, on="item")
        .sort("turn", "part", "item")
        .group_by("turn", "part", "location", maintain_order=True)
        .agg(pl.when(known).then(grams).cast(pl.Float64).alias("grams"))
        .join(attributes, on="turn", maintain_order="left")
    )


def by_line(problem: Problem, taken: Taken) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Share what items got among their lines, first line first, first part first.

    Returns turn, part, location, line_id, sku, bill_id, quantity; and what is left of each line:
    item, turn, line_id, sku, quantity.
    """
    claims = pl.DataFrame(
        {"item": taken.item, "location": taken.location, "part": taken.part,
         "units": taken.quantity}
    ).sort("item", "part")  # fmt: skip
    to = _running(claims["item"], claims["units"])
    claims = claims.with_columns(to=to, since=to - claims["units"])
    lines = problem.lines.with_columns(pl.col("item").cast(pl.Int64))
    end = _running(lines["item"], lines["quantity"])
    lines = lines.with_columns(end=end, begin=end - lines["quantity"])
    overlap = pl.min_horizontal("to", "end") - pl.max_horizontal("since", "begin")
    shared = claims.join(lines, on="item").with_columns(quantity=overlap)
    shared = shared.filter(pl.col("quantity") > 0)
    got = claims.group_by("item").agg(pl.col("units").sum().alias("got"))
    rest = pl.col("end") - pl.max_horizontal("begin", pl.col("got").fill_null(0))
    left = lines.join(got, on="item", how="left").with_columns(quantity=rest)
    left = left.filter(pl.col("quantity") > 0).sort("item", "line_id")
    return (
        shared.select("turn", "part", "location", "line_id", "sku", "bill_id", "quantity"),
        left.select("item", "turn", "line_id", "sku", "quantity"),
    )


def _running(owner: pl.Series, amount: pl.Series) -> pl.Series:
    """Return the running sum of amounts of each owner; rows of one stand together."""
    total = amount.to_numpy().cumsum()
    first = np.flatnonzero(np.diff(owner.to_numpy(), prepend=-1))
    before = (total - amount.to_numpy())[first]
    return pl.Series(total - np.repeat(before, np.diff(first, append=len(owner))))


def allocations(problem: Problem, shared: pl.DataFrame, parts: pl.DataFrame) -> pl.DataFrame:
    """Return the allocations, sorted by order, part and line."""
    full = shared.join(parts, on=["turn", "part", "location"])
    return full.select(
        problem.orders["order_id"].gather(full["turn"]),
        pl.col("part").cast(pl.Int32),
        problem.location_ids.gather(full["location"]),
        "line_id", "sku", "bill_id", "quantity", "carrier_id", "service", "ship_by",
    ).sort("order_id", "part", "line_id", "sku")  # fmt: skip


def decisions(
    problem: Problem, verdicts: Verdicts, lost_to: np.ndarray, inputs: Inputs
) -> pl.DataFrame:
    """Return one row a candidate: orders in turn, locations by key; no plan_id yet.

    `lost_to` (n x L): the order each was lost to, -1 is none.
    """
    n, count = verdicts.failed.shape
    kind, code = np.empty((2, n, count), dtype=np.uint32)
    score = np.empty((n, count))

    def tell(some: slice) -> None:
        failed, chosen = verdicts.failed[some], verdicts.part[some] >= 0
        kind[some] = np.where(chosen, 0, np.where(failed == 0, 1, 2))
        code[some] = np.where(chosen, 0, failed)
        score[some] = (problem.local_cost[some] + problem.parcel_cost[some, None]) / UNIT

    by_rows(tell, n)
    change = _change(problem)
    if change is not None:
        score += change
    tests = pl.Series([TESTS.get(code) for code in range(max(TESTS) + 1)])
    rules = pl.Series([*(r.id for r in inputs.rules.rules), None])
    rule = np.where(problem.rule < 0, len(rules) - 1, problem.rule)
    frame = pl.DataFrame(
        {
            "order_id": _each(problem.orders["order_id"], np.repeat(_numbers(n), count)),
            "part": np.maximum(verdicts.part.ravel(), 0).astype(np.int32),
            "location_id": _each(problem.location_ids, np.tile(_numbers(count), n)),
            "rule": _each(rules, np.repeat(rule.astype(np.uint32), count)),
            "verdict": _each(_VERDICTS, kind),
            "failed_test": _each(tests, code),
            "distance_km": problem.distance.ravel(),
            "score": score.ravel(),
            "change": _changed(problem, change),
            "rank": _ranks(problem, verdicts).ravel(),
            "assumed": _assumed(problem),
            "lost_to": _lost(problem, lost_to),
        }
    )
    return frame.with_columns(
        pl.col("distance_km").fill_nan(None),
        pl.when(pl.col("rank") > 0).then("rank").cast(pl.Int32).alias("rank"),
    )


def _each(names: pl.Series, at: np.ndarray) -> pl.Series:
    """Return the names that stand at `at`, flat; numbers of 32 bits are several times as fast."""
    return names.gather(pl.Series(at.ravel().astype(np.uint32, copy=False)))


def _numbers(count: int) -> np.ndarray:
    return np.arange(count, dtype=np.uint32)


def given_up(problem: Problem, taken: Taken) -> np.ndarray:
    """Return what each order (n) pays for parts it held and gives up, in ten-thousandths."""
    held, orders = problem.held, np.arange(len(problem.parts))
    if held is None:
        return np.zeros(len(orders), dtype=np.int64)
    claims = problem.order[taken.item], taken.item, taken.location, taken.quantity
    return held.paid * held.lost(orders, *claims)


def _change(problem: Problem) -> np.ndarray | None:
    """Return n x L, money: what of a score is the price of parts that are given up, if any."""
    if problem.held is None:
        return None
    held = problem.held
    return held.change(*problem.failed.shape) // held.price * held.paid / UNIT


def _changed(problem: Problem, change: np.ndarray | None) -> pl.Series:
    """Return what of each score is that price; null where an order held nothing."""
    if change is None or problem.held is None:
        return pl.repeat(None, problem.failed.size, dtype=pl.Float64, eager=True)
    holds = problem.held.parts(len(change)) > 0
    return pl.Series(np.where(holds[:, None], change, np.nan).ravel()).fill_nan(None)


def _assumed(problem: Problem) -> pl.Series:
    """Return what was unknown of each candidate and planned by its declared fallback."""
    if not problem.assumed.any():
        return pl.repeat(None, problem.assumed.size, dtype=pl.String, eager=True)
    said = (
        ", ".join(word for bit, word in UNKNOWN.items() if bits & bit)
        for bits in range(sum(UNKNOWN) + 1)
    )
    return _each(pl.Series([text or None for text in said]), problem.assumed)


def _lost(problem: Problem, lost_to: np.ndarray) -> pl.Series:
    """Return the keys of the orders that each candidate was lost to."""
    if (lost_to < 0).all():
        return pl.repeat(None, lost_to.size, dtype=pl.String, eager=True)
    names = pl.concat([problem.orders["order_id"], pl.Series([None], dtype=pl.String)])
    return _each(names, np.where(lost_to < 0, len(names) - 1, lost_to))


def _ranks(problem: Problem, verdicts: Verdicts) -> np.ndarray:
    """Return n x L: 1 for the best of those not excluded, 0 for the excluded."""
    ranks = np.empty(problem.rank.shape, dtype=np.int16)
    places = np.arange(ranks.shape[1], dtype=np.int16)

    def number(some: slice) -> None:
        fit = (verdicts.failed[some] == 0) | (verdicts.part[some] >= 0)
        rank = problem.rank[some]
        best = np.empty(rank.shape, dtype=np.int16)
        np.put_along_axis(best, rank, np.broadcast_to(places, best.shape), axis=1)
        ordered = np.take_along_axis(fit, best, axis=1)
        counted = np.cumsum(ordered, axis=1, dtype=np.int16) * ordered
        ranks[some] = np.take_along_axis(counted, rank, axis=1)

    by_rows(number, len(ranks))
    return ranks


def unfilled(
    problem: Problem, verdicts: Verdicts, left: pl.DataFrame, inputs: Inputs
) -> pl.DataFrame:
    """Return what waits: order_id, line_id, sku, quantity, reason, action, deadline."""
    item, turn = left["item"].to_numpy(), left["turn"].to_numpy()
    admitted = (problem.failed == 0).any(axis=1)
    single, least = problem.parts == 1, problem.least_worth > 0
    reason = np.select(
        [
            problem.rule[turn] < 0,
            ~admitted[turn],
            ~verdicts.held[item],
            ~verdicts.offered[item],
            ~verdicts.whole[item],
            ~verdicts.left[item],
            ~verdicts.room[item],
            single[turn],
            least[turn],
        ],
        ["no rule matches", "no location may ship it", "no stock", "refused before",
         "kept together", "stock taken", "capacity", "split not allowed",
         "a part would be worth too little"],
        "no part left",
    )  # fmt: skip
    action, deadline = _actions(problem, turn, inputs)
    return left.select(
        problem.orders["order_id"].gather(turn),
        "line_id", "sku", "quantity",
        pl.Series("reason", reason, dtype=pl.String),
        action,
        deadline,
    ).sort("order_id", "line_id", "sku")  # fmt: skip


def _actions(problem: Problem, turn: np.ndarray, inputs: Inputs) -> tuple[pl.Series, pl.Series]:
    """Return what to do with what is left of some orders, and until when they wait.

    Until its deadline an order waits; past it a person must look at one that may only wait.
    """
    rules = inputs.rules.rules
    by_rule = problem.rule[turn] % (len(rules) + 1)  # -1, no rule, is the last
    waits = [*(r.unfilled.deadline for r in rules), None]
    delay = pl.Series(waits, dtype=pl.Duration("us")).gather(by_rule)
    placed = problem.orders["placed_at"].dt.replace_time_zone("UTC").gather(turn)
    frame = pl.DataFrame(
        {
            "action": pl.Series([*(r.unfilled.action for r in rules), "wait"]).gather(by_rule),
            "deadline": (placed + delay).cast(TIME),
        }
    )
    early = pl.col("deadline") > inputs.as_of
    stuck = pl.col("deadline").is_not_null() & (pl.col("action") == "wait")
    told = pl.when(early).then(pl.lit("wait")).when(stuck).then(pl.lit("hold"))
    frame = frame.with_columns(told.otherwise("action").alias("action"))
    return frame["action"], frame["deadline"]


def bound(problem: Problem, verdicts: Verdicts, served: np.ndarray) -> int:
    """Return what serving these orders costs at least, in ten-thousandths.

    Each alone with all the stock, in one part from its cheapest location that has any of it,
    at the least price any parcel has there.
    """
    if not served.any():
        return 0
    local = np.empty(len(problem.parts), dtype=np.int64)

    def nearest(some: slice) -> None:
        fit = verdicts.started[some] & (problem.failed[some] == 0)
        most = np.iinfo(np.int64).max
        local[some] = np.where(fit, problem.local_cost[some], most).min(axis=1, initial=most)

    by_rows(nearest, len(local))
    least = np.zeros(len(problem.parts), dtype=np.int64)
    sent = np.flatnonzero(~problem.orders.select(collects()).to_series().to_numpy())
    if sent.size:
        some = problem.orders[sent].select("service", "country")
        offer = problem.tariff.offer(some, np.full(sent.size, np.nan))
        least[sent] = problem.tariff.cheapest(offer)
    return int((local + least)[served].sum())
