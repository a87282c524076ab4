"""A solved batch as frames: allocations, decisions, and what could not be filled."""

import numpy as np
import polars as pl

from oms_pipelines.routing.candidates import Problem, collects
from oms_pipelines.routing.costs import Offer, cents
from oms_pipelines.routing.greedy import Taken
from oms_pipelines.routing.model import TIME, Inputs
from oms_pipelines.routing.rows import by_rows
from oms_pipelines.routing.verdicts import Verdicts


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


def given_up(problem: Problem, taken: Taken) -> np.ndarray:
    """Return what each order (n) pays for parts it held and gives up, in ten-thousandths."""
    held, orders = problem.held, np.arange(len(problem.parts))
    if held is None:
        return np.zeros(len(orders), dtype=np.int64)
    claims = problem.order[taken.item], taken.item, taken.location, taken.quantity
    return held.paid * held.lost(orders, *claims)


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


def bound(problem: Problem, verdicts: Verdicts, taken: Taken) -> int:
    """Return what serving the orders that were served costs at least, in ten-thousandths.

    Each alone with all the stock: an order that was filled goes whole from its cheapest location
    that has any of it, or, where it may be split, from the two cheapest, at the least price any
    parcel has there; of one that was not, a part of the least price.
    """
    n, most = len(problem.parts), np.iinfo(np.int64).max // 4
    near = np.full((n, 2), most)

    def nearest(some: slice) -> None:
        fit = verdicts.started[some] & (problem.failed[some] == 0)
        local = np.where(fit, problem.local_cost[some], most)
        two = np.sort(np.partition(local, min(1, local.shape[1] - 1), axis=1)[:, :2], axis=1)
        near[some, : two.shape[1]] = two

    if problem.failed.size:
        by_rows(nearest, n)
    least = np.zeros(n, dtype=np.int64)
    sent = np.flatnonzero(~problem.orders.select(collects()).to_series().to_numpy())
    if sent.size:
        some = problem.orders[sent].select("service", "country")
        offer = problem.tariff.offer(some, np.full(sent.size, np.nan))
        least[sent] = problem.tariff.cheapest(offer)
    got = np.zeros(len(problem.need), dtype=np.int64)
    np.add.at(got, taken.item, taken.quantity)
    filled = np.logical_and.reduceat(got >= problem.need, problem.first[:-1]) if n else got > 0
    whole = near[:, 0] + problem.parcel_cost
    split = np.where(problem.parts > 1, near.sum(axis=1) + 2 * least, most)
    each = np.where(filled, np.minimum(whole, split), near[:, 0] + least)
    return int(each[taken.parts > 0].sum())
