"""What a push does to levels: marked before it leaves, judged by its receipts. Pure functions."""

from collections.abc import Mapping
from datetime import datetime

import polars as pl

from oms_pipelines.channels.base import Receipt
from oms_pipelines.schema import columns_of

LEVEL = list(columns_of("levels"))
RETRY = "retry"  # how the error of a level begins that is to be sent again


def about_to_send(due: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Return levels as they stand before their push: what is sent may be shown from now on."""
    return due.with_columns(
        pl.col("level").alias("sent"),
        pl.col("version").alias("sent_version"),
        pl.lit(now).alias("sent_at"),
        pl.max_horizontal("held", "level").alias("held"),
        pl.lit(f"{RETRY}: no receipt yet").alias("error"),
    )


def key() -> pl.Expr:
    """Return the key that the receipt of a level bears."""
    return pl.format("{}#{}", "channel_sku", "version")


def outcome(due: pl.DataFrame, receipts: list[Receipt], seen: Mapping[str, int]) -> pl.DataFrame:
    """Join levels, receipts and what was read back into one verdict a level.

    Adds outcome (accepted, retry, rejected), text, and shown: what the channel shows. A receipt
    of another version is nobody's; answers to one level that contradict each other settle
    nothing.
    """
    answers = (
        pl.DataFrame(
            [(r.key, r.outcome, r.text) for r in receipts],
            schema={"key": pl.String, "outcome": pl.String, "text": pl.String},
            orient="row",
        )
        .with_columns((pl.col("outcome").n_unique().over("key") > 1).alias("unsure"))
        .unique("key", keep="last")
        .with_columns(
            pl.when("unsure").then(pl.lit(RETRY)).otherwise("outcome").alias("outcome"),
            pl.when("unsure")
            .then(pl.lit("answered twice, and not the same"))
            .otherwise("text")
            .alias("text"),
        )
        .drop("unsure")
    )
    shown = pl.DataFrame(
        {"channel_sku": list(seen), "shown": list(seen.values())},
        schema={"channel_sku": pl.String, "shown": pl.Int64},
    )
    return (
        due.with_columns(key().alias("key"))
        .join(answers, on="key", how="left")
        .join(shown, on="channel_sku", how="left")
        .with_columns(pl.col("outcome").fill_null(RETRY), pl.col("text").fill_null("no receipt"))
    )


def received(verdicts: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Return levels as they stand after their push. Only an acceptance lowers what is held.

    Where more is shown than accepted, all stays held: it may only come late, and what is shown
    less than before may have been sold, unheard. A refusal changed nothing there. A level
    without a receipt may be shown, or not.
    """
    taken = pl.col("outcome") == "accepted"
    refused = pl.col("outcome") == "rejected"
    read = pl.col("shown").is_not_null()
    true = taken & read & (pl.col("shown") == pl.col("level"))
    return verdicts.with_columns(
        pl.col("level").alias("sent"),
        pl.col("version").alias("sent_version"),
        pl.lit(now).alias("sent_at"),
        _may_show(taken, refused).alias("held"),
        pl.when(taken).then("level").otherwise("accepted").alias("accepted"),
        pl.when(taken).then("version").otherwise("accepted_version").alias("accepted_version"),
        pl.when(taken).then(pl.lit(now)).otherwise("accepted_at").alias("accepted_at"),
        pl.when(taken).then(_decided()).otherwise("decided_at").alias("decided_at"),
        pl.when(read).then("shown").otherwise("observed").alias("observed"),
        pl.when(true)
        .then("version")
        .when(~read)
        .then("observed_version")
        .alias("observed_version"),
        pl.when(read).then(pl.lit(now)).otherwise("observed_at").alias("observed_at"),
        pl.when(true).then("shown").otherwise("seen").alias("seen"),
        pl.when(true).then(pl.lit(now)).otherwise("seen_at").alias("seen_at"),
        pl.when(read).then(pl.lit(now)).otherwise("checked_at").alias("checked_at"),
        pl.when(taken)
        .then(None)
        .when(refused)
        .then("text")
        .otherwise(pl.format(f"{RETRY}: {{}}", "text"))
        .alias("error"),
    )


def _may_show(taken: pl.Expr, refused: pl.Expr) -> pl.Expr:
    """Return the most a listing may show after its push."""
    higher = pl.col("shown") > pl.col("level")
    return (
        pl.when(taken)
        .then(pl.when(higher).then(pl.max_horizontal("held", "shown")).otherwise("level"))
        .when(refused)
        .then("held")
        .otherwise(pl.max_horizontal("held", "level", "shown"))
    )


def _decided() -> pl.Expr:
    """When the accepted level was decided, of a lower one: for as long as it is not seen."""
    again = pl.col("accepted_version").eq_missing(pl.col("version"))
    unseen = pl.col("seen_at").is_null() | (pl.col("seen_at") < pl.col("accepted_at"))
    return (
        pl.when(again & unseen)
        .then("decided_at")
        .when(~again & (pl.col("level") < pl.col("held")))
        .then("desired_at")
    )


def newest(rows: pl.DataFrame, current: pl.DataFrame) -> pl.DataFrame:
    """Return rows of `levels` after a push or a reading over what the store holds of them now.

    What was computed meanwhile stays. Where another push was sent meanwhile, its receipt is to
    come: this one lowers nothing that is held for it.
    """
    computed = ["sku", "units_per", "desired", "desired_at", "version"]
    keys = ["channel_id", "channel_sku"]
    both = rows.join(current, on=keys, how="left", suffix="_now")
    passed = (pl.col("sent_at_now") > pl.col("sent_at")) | (
        pl.col("sent_version_now") > pl.col("sent_version")
    )
    held = pl.max_horizontal("held", "held_now")
    rest = [c for c in LEVEL if c not in (*keys, *computed, "held")]
    return both.with_columns(
        *(pl.coalesce(f"{c}_now", c).alias(c) for c in computed),
        pl.when(passed).then(held).otherwise("held").alias("held"),
        *(pl.when(passed).then(f"{c}_now").otherwise(c).alias(c) for c in rest),
    ).select(LEVEL)


def urgent(due: pl.DataFrame, rising: bool) -> pl.DataFrame:
    """Return levels in the order to send them; `held` is the most that may be shown.

    Falling: what falls before what is only told again, the nearest to zero first, then what
    loses the greater part, then by SKU. Rising: the nearest to zero first, then by SKU.
    """
    by_name = ["sku", "channel_sku"]
    if rising:
        return due.sort("held", *by_name)
    lost = (pl.col("held") - pl.col("level")).clip(0) / pl.max_horizontal("held", 1)
    order = [pl.col("level") >= pl.col("held"), pl.col("level"), -lost]
    return due.sort(*order, *by_name)
