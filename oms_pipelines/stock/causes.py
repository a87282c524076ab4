"""What evidence points to when a count and the ledger differ, and the verdict it leads to.

In order, the first that fits: a later count that takes an earlier difference back; orders that
may have left untold (in flight while the location may still tell, lost past that); a file told
twice; goods whose papers came twice; a count that is older than it says; else loss, or found.
Evidence that explains one case explains no other. A frame of evidence has the key of a case,
`units`, `evidence` (ids) and `events_at`.
"""

from datetime import UTC, datetime, timedelta

import polars as pl

from oms_pipelines.store import Session

CASE = ["location_id", "sku", "counted_at"]
SHELF = ["location_id", "sku"]
MOST = 10  # ids that stand in a row
FAR = timedelta(days=15)  # no document so long before a count points to its difference
TIME = pl.Datetime("us", "UTC")
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
UNSURE = ("loss", "found", "in_flight", "opening")  # causes that another count replaces


def judge(
    session: Session,
    cases: pl.DataFrame,
    known: pl.DataFrame,
    now: datetime,
    patience: pl.DataFrame,
) -> pl.DataFrame:
    """Return cases with cause, evidence, events_at, explained, drift, state and due_at.

    `cases` as `drift` makes them, `known` all rows of stock_drift read with them, `patience`
    location_id and how long it may take to confirm. What stood there before is kept as
    `cause_before` and `evidence_before`.
    """
    named = cases.rename({"cause": "cause_before", "evidence": "evidence_before"}).drop(
        "events_at", "explained", "drift", "state", "due_at"
    )
    missing = named.select(*CASE, (-pl.col("corrected")).alias("missing"), "means", "batch_id",
                           "first", "fresh")  # fmt: skip
    asked = missing.filter(~pl.col("first") & (pl.col("missing") != 0))
    session.frame("tmp_cases", asked)
    used = _used(known, cases)
    flying, lost = _orders(session, asked, used, now, patience)
    found = {
        "flying": flying.select(*CASE, "units", "evidence", "events_at", "due_at"),
        "lost": lost,
        "repeat": _repeats(session, asked),
        "receipt": _papers(session, "receipts", asked, flying, used),
        "parcel": _papers(session, "parcels", asked, flying, used),
        "stale": _stale(session, asked),
        "mate": _mates(named),
        "undone": _undone(named),
    }
    for name, frame in found.items():
        told = frame.rename({c: f"{name}_{c}" for c in frame.columns if c not in CASE})
        named = named.join(told, on=CASE, how="left")
    return _verdicts(named)


def _verdicts(cases: pl.DataFrame) -> pl.DataFrame:
    missing = -pl.col("corrected")
    flying = pl.min_horizontal(pl.col("flying_units").fill_null(0), missing.clip(0))
    in_flight = (missing > 0) & (flying == missing)

    def there(name: str) -> pl.Expr:
        return pl.col(f"{name}_evidence").is_not_null()

    tests = [
        ("opening", pl.col("first"), None),
        (pl.col("mate_cause"), there("mate"), "mate"),
        (pl.col("undone_cause"), there("undone"), "undone"),
        ("in_flight", in_flight, "flying"),
        ("lost_confirmation", there("lost"), "lost"),
        ("doubled_count", there("repeat"), "repeat"),
        ("doubled_receipt", there("receipt"), "receipt"),
        ("doubled_confirmation", there("parcel"), "parcel"),
        ("late_count", there("stale"), "stale"),
        ("loss", missing > 0, None),
        ("found", missing < 0, None),
    ]
    cause = [pl.when(t).then(c if isinstance(c, pl.Expr) else pl.lit(c)) for c, t, _ in tests]
    ids = [pl.when(t).then(pl.col(f"{e}_evidence") if e else pl.lit("")) for _, t, e in tests]
    when = [pl.when(t).then(pl.col(f"{e}_events_at") if e else pl.col("counted_at"))
            for _, t, e in tests]  # fmt: skip
    settled = pl.col("first") | there("mate") | there("undone")
    cases = cases.with_columns(
        pl.coalesce(*cause, pl.lit("recount")).alias("cause"),
        pl.coalesce(*ids, pl.lit("")).replace("", None).alias("evidence"),
        pl.coalesce(*when, "counted_at").alias("events_at"),
        pl.when(settled).then("corrected").otherwise(-flying).alias("explained"),
        pl.when(settled)
        .then(pl.lit("closed"))
        .when(in_flight)
        .then(pl.lit("in_flight"))
        .otherwise(pl.lit("drift"))
        .alias("state"),
        pl.when(flying > 0).then("flying_due_at").alias("due_at"),
    )
    return cases.with_columns((pl.col("corrected") - pl.col("explained")).alias("drift"))


def _used(known: pl.DataFrame, cases: pl.DataFrame) -> pl.DataFrame:
    """Return (location_id, sku, counted_at of the case, id): what explains a case by now."""
    kept = known.filter(pl.col("evidence").is_not_null() & (pl.col("corrected") != 0))
    ids = kept.select(*CASE, pl.col("evidence").str.split(", ").alias("id")).explode("id")
    return ids.join(cases.select(SHELF).unique(), on=SHELF, how="semi")


def _unused(frame: pl.DataFrame, used: pl.DataFrame, name: str) -> pl.DataFrame:
    """Leave out evidence whose id (column `name`) explains another case of its shelf."""
    other = frame.join(used, left_on=[*SHELF, name], right_on=[*SHELF, "id"], suffix="_other")
    taken = other.filter(pl.col("counted_at") != pl.col("counted_at_other")).select(*CASE, name)
    return frame.join(taken, on=[*CASE, name], how="anti")


def _orders(
    session: Session,
    asked: pl.DataFrame,
    used: pl.DataFrame,
    now: datetime,
    patience: pl.DataFrame,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the orders in flight by case, and those past their time that match what is missing.

    They match one by one, or together from the oldest on; what is still in flight may have left
    too.
    """
    orders = _unused(session.query("stock/drift_flying"), used, "fo_id")
    orders = orders.join(patience, on="location_id").with_columns(
        (pl.col("dispatched_at") + pl.col("patience")).alias("due_at")
    )
    orders = orders.sort("dispatched_at", "fo_id")
    late = orders.filter(pl.col("due_at") <= now)
    flying = (
        orders.filter(pl.col("due_at") > now)
        .group_by(CASE, maintain_order=True)
        .agg(
            pl.col("units").sum(),
            pl.col("fo_id").head(MOST).str.join(", ").alias("evidence"),
            pl.col("dispatched_at").min().alias("events_at"),
            pl.col("due_at").min(),
        )
    )
    late = late.with_columns(
        pl.col("units").cum_sum().over(CASE).alias("together"),
        pl.col("fo_id").cum_count().over(CASE).alias("place"),
    )
    alone = _matching(late, asked, flying, "units").with_columns(pl.col("fo_id").alias("evidence"))
    all_of = _matching(late, asked, flying, "together")
    parts = late.join(all_of.select(*CASE, "place"), on=CASE, suffix="_last")
    parts = parts.filter(pl.col("place") <= pl.col("place_last"))
    together = parts.group_by(CASE, maintain_order=True).agg(
        pl.col("units").sum(),
        pl.col("fo_id").head(MOST).str.join(", ").alias("evidence"),
        pl.col("dispatched_at").min().alias("events_at"),
    )
    columns = [*CASE, "units", "evidence"]
    one = alone.select(*columns, pl.col("dispatched_at").alias("events_at"))
    lost = pl.concat([one, together.select(one.columns)]).unique(
        CASE, keep="first", maintain_order=True
    )
    return flying, lost


def _matching(
    found: pl.DataFrame, asked: pl.DataFrame, flying: pl.DataFrame, units: str
) -> pl.DataFrame:
    """Return the first of each case whose units make up the difference, in flight ones aside."""
    with_missing = found.join(asked.select(*CASE, "missing"), on=CASE)
    with_missing = with_missing.join(
        flying.select(*CASE, pl.col("units").alias("flying")), on=CASE, how="left"
    )
    size = pl.col("missing").abs()
    fits = (pl.col(units) == size) | (pl.col(units) == size - pl.col("flying").fill_null(0))
    return with_missing.filter(fits).unique(CASE, keep="first", maintain_order=True)


def _papers(
    session: Session, kind: str, asked: pl.DataFrame, flying: pl.DataFrame, used: pl.DataFrame
) -> pl.DataFrame:
    """Return documents told twice whose units make up the difference."""
    found = session.query(f"stock/drift_{kind}", since=_since(asked)).sort(
        "events_at", "evidence", descending=[True, False]
    )
    first = found.with_columns(pl.col("evidence").str.split(", ").list.first().alias("id"))
    unused = _unused(first, used, "id")
    fitting = _matching(unused, asked, flying, "units")
    return fitting.select(*CASE, "units", "evidence", "events_at")


def _stale(session: Session, asked: pl.DataFrame) -> pl.DataFrame:
    """Return counts that lack the last of what moved before them: they are older than they say."""
    moves = session.query("stock/drift_moves", since=_since(asked))
    moves = moves.sort("valid_at", descending=True).with_columns(
        pl.col("units").cum_sum().over(CASE)
    )
    found = moves.join(asked.select(*CASE, "missing"), on=CASE)
    found = found.filter(pl.col("units") == pl.col("missing"))
    found = found.unique(CASE, keep="first", maintain_order=True)
    since = pl.col("valid_at").dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return found.select(
        *CASE, "units", pl.format("lacks what moved since {}", since).alias("evidence"),
        pl.col("valid_at").alias("events_at"),
    )  # fmt: skip


def _repeats(session: Session, asked: pl.DataFrame) -> pl.DataFrame:
    """Return cases whose whole file of counts says what the one before it said."""
    files = session.query("stock/drift_repeats", since=_since(asked))
    found = asked.join(files, on=["location_id", "batch_id"])
    return found.select(
        *CASE, pl.col("missing").alias("units"), "evidence", pl.col("counted_at").alias("events_at")
    )


def _neighbours(cases: pl.DataFrame) -> pl.DataFrame:
    """Return cases whose difference the next case of their shelf takes back."""
    mine = cases.filter(~pl.col("first") & (pl.col("corrected") != 0))
    after = pl.col("counted_at", "corrected", "read_at").shift(-1).over(SHELF).name.suffix("_next")
    both = mine.select(*CASE, "corrected", "read_at", "cause_before").sort(CASE)
    return (
        both.with_columns(after)
        .filter(pl.col("corrected") == -pl.col("corrected_next"))
        # read after the count that takes it back: it came out of order
        .with_columns((pl.col("read_at") > pl.col("read_at_next")).alias("disorder"))
    )


def _mates(cases: pl.DataFrame) -> pl.DataFrame:
    """Return the cases that take back the difference of the count before."""
    return _pairs(cases).select(
        *SHELF,
        pl.col("counted_at_next").alias("counted_at"),
        _counted("counted_at").alias("evidence"),
        pl.col("counted_at").alias("events_at"),
        _taken_back(pl.lit("recount")),
    )


def _undone(cases: pl.DataFrame) -> pl.DataFrame:
    """Return the cases whose difference the count after them takes back."""
    unsure = pl.col("cause_before").is_in(UNSURE).fill_null(True)
    kept = pl.when(unsure).then(pl.lit("recount")).otherwise("cause_before")
    return _pairs(cases).select(
        *CASE,
        _counted("counted_at_next").alias("evidence"),
        pl.col("counted_at_next").alias("events_at"),
        _taken_back(kept),
    )


def _pairs(cases: pl.DataFrame) -> pl.DataFrame:
    """Return pairs of cases of which the later takes back the earlier; none stands in two."""
    pairs = _neighbours(cases)
    chained = pairs.select(*SHELF, pl.col("counted_at_next").alias("counted_at"))
    return pairs.join(chained, on=CASE, how="anti")


def _counted(column: str) -> pl.Expr:
    return pl.format("count of {}", pl.col(column).dt.strftime("%Y-%m-%dT%H:%M:%SZ"))


def _taken_back(cause: pl.Expr) -> pl.Expr:
    return pl.when("disorder").then(pl.lit("late_count")).otherwise(cause).alias("cause")


def _since(asked: pl.DataFrame) -> datetime:
    """Return from when on what may explain these cases is read."""
    found = asked["counted_at"].min()
    return (found if isinstance(found, datetime) else NEVER) - FAR
