"""Acknowledgements: what a location says of the files it took."""

import re
from datetime import datetime

import polars as pl

from oms_pipelines.config import Oms
from oms_pipelines.dispatch.content import members_of, rows_of
from oms_pipelines.dispatch.facts import (
    LINE,
    Applied,
    known,
    note_contradictions,
    nothing_applied,
    settle,
)
from oms_pipelines.dispatch.write import mark
from oms_pipelines.store import Session

# Answers only rise: whatever order they come in, the file ends in one state.
_RANK = {
    "planned": 0,
    "delivered": 1,
    "overdue": 2,
    "acknowledged": 3,
    "rejected": 4,
    "accepted": 5,
}
_MEANS = {"received": "acknowledged", "accepted": "accepted", "rejected": "rejected"}
_LINE_TOLD = re.compile(r"^line (\d+)\b")


def apply_acknowledgements(
    session: Session, rows: pl.DataFrame, batch_id: str, now: datetime, oms: Oms | None = None
) -> Applied:
    """Take acknowledgements (columns of `parse_acknowledgements`). Idempotent, in any order.

    A row of a file the location never got is kept back. `accepted` is final; a line refused
    alone leaves the file accepted, and its units refused. A whole file rejected waits for a
    person, who sends it again.
    """
    if rows.is_empty():
        return nothing_applied()
    session.frame("tmp_answered", rows.select("location_id", "file_name").unique())
    files = session.query("dispatch/answered_files")
    named = files.select(
        pl.col("name").alias("file_name"), pl.col("destination").alias("location_id"), "flow"
    )
    keys = ["location_id", "file_name"]
    strangers = rows.join(named, on=keys, how="anti", maintain_order="left")
    rejected = strangers.select(
        "page",
        "record",
        pl.col("file_name").alias("record_key"),
        pl.lit("file_name is no file sent there; name the file as it was received").alias("reason"),
    )
    taken = rows.join(named, on=keys, maintain_order="left")
    if taken.is_empty():
        return Applied(0, rejected, 0, 0)
    for file in files.filter(pl.col("state") == "planned").rows(named=True):
        _mark_delivered(session, oms, file, now)
    answered, wrong = _answer(files, taken, now)
    changed = session.upsert("files", answered)
    changed += _refuse_lines(session, answered, taken, now)
    count = note_contradictions(session, wrong, batch_id, now)
    return Applied(taken.height, rejected, count, changed)


def _mark_delivered(session: Session, oms: Oms | None, file: dict, now: datetime) -> None:
    """Take an answer as proof of a delivery that a crash kept from being written down."""
    mark(session, oms or Oms(), file, now)


def _answer(
    files: pl.DataFrame, taken: pl.DataFrame, now: datetime
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the files as answered, and the rows that contradict an earlier answer."""
    # A line refused alone says that the rest was taken.
    verdict = pl.when(pl.col("line_no").is_null()).then("status").otherwise(pl.lit("accepted"))
    told = taken.with_columns(verdict.replace_strict(_MEANS).alias("verdict"))
    answers = told.select("file_name", "verdict", "line_no", "reason").rows(named=True)
    updated = []
    for file in files.rows(named=True):
        own = [a for a in answers if a["file_name"] == file["name"]]
        state = max([file["state"], *(a["verdict"] for a in own)], key=lambda s: _RANK[s])
        lines = {_told(a) for a in own if a["line_no"] is not None or a["reason"]}
        lines |= set((file["error"] or "").split("\n"))
        error = "\n".join(sorted(filter(None, lines), key=_by_line)) or None
        # What was delivered before it was marked is delivered at the latest now.
        updated.append(
            {
                **file,
                "state": state,
                "error": error,
                "delivered_at": file["delivered_at"] or now,
                "acknowledged_at": file["acknowledged_at"] or now,
            }
        )
    answered = pl.DataFrame(updated, schema=files.schema)
    ends = {f["name"]: f["state"] for f in updated}
    wrong = told.filter(
        (pl.col("verdict") == "rejected")
        & (pl.col("file_name").replace_strict(ends, return_dtype=pl.String) == "accepted")
    )
    return answered, wrong.select(
        "page",
        "record",
        "location_id",
        pl.col("file_name").alias("record_key"),
        pl.col("file_name").alias("about"),
        pl.lit("the file was rejected and accepted").alias("reason"),
    )


def _told(answer: dict) -> str:
    where = "file" if answer["line_no"] is None else f"line {answer['line_no']}"
    return f"{where}: {' '.join((answer['reason'] or 'no reason given').split())[:120]}"


def _by_line(text: str) -> tuple[int, str]:
    found = _LINE_TOLD.match(text)
    return (int(found[1]) if found else 0, text)


def _refuse_lines(
    session: Session, answered: pl.DataFrame, taken: pl.DataFrame, now: datetime
) -> int:
    """Take refused lines out of what is to be shipped, and settle what was accepted."""
    session.frame("tmp_answers", answered.select("name", "state"))
    refused = [_refused(session, file) for file in answered.rows(named=True)]
    lines = pl.concat([pl.DataFrame(schema=_REFUSED), *refused])
    kept = lines.filter(pl.col("action") == "cancel").select("fo_id").unique()
    session.frame("tmp_kept", kept)
    changed = session.run("dispatch/accept_ships")
    changed += session.run("dispatch/accept_cancels", now=now)
    changed += session.run("dispatch/keep_refused_cancels")
    ships = lines.filter(pl.col("action") == "ship")
    if ships.is_empty():
        return changed
    there = known(session, ships["fo_id"])
    refusals = ships.select(*LINE, pl.col("quantity").alias("refused"), "reason")
    return changed + settle(session, there.lines, there.contents, refusals, now)


_REFUSED = {
    "action": pl.String,
    "fo_id": pl.String,
    "line_id": pl.String,
    "sku": pl.String,
    "quantity": pl.Int64,
    "reason": pl.String,
}


def _refused(session: Session, file: dict) -> pl.DataFrame:
    """Return the lines of a dispatch file that the location ever refused by number."""
    told = [t for t in (file["error"] or "").split("\n") if _LINE_TOLD.match(t)]
    if not told or file["flow"] != "dispatch":
        return pl.DataFrame(schema=_REFUSED)
    numbers = pl.DataFrame(
        {
            "line_no": [_by_line(t)[0] for t in told],
            "reason": [t.partition(": ")[2] for t in told],
        },
        schema={"line_no": pl.Int64, "reason": pl.String},
    ).unique("line_no", keep="first", maintain_order=True)
    rows = rows_of(session, members_of(session, file["name"], "dispatch"), "dispatch")
    numbered = rows.with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("line_no"))
    return numbered.join(numbers, on="line_no").select(list(_REFUSED))
