"""Files for people: what stands in one, which answer is late."""

from datetime import datetime
from typing import Any

import polars as pl

from oms_pipelines.config import Oms
from oms_pipelines.dispatch.content import ORDER
from oms_pipelines.errors import Rejected
from oms_pipelines.store import Session


def show_file(session: Session, name: str) -> dict[str, Any]:
    """Return a file's row and its `lines`: what stands in it, and what became of it.

    Lines have no personal data. Raises Rejected when there is no such file.
    """
    found = session.query("dispatch/file_by_name", name=name)
    if found.is_empty():
        raise Rejected(f"{name}: no such file; oms files list names them")
    file = found.row(0, named=True)
    if file["flow"] == "dispatch":
        lines = session.query("dispatch/file_lines", name=name)
    elif file["flow"] == "return_notice":
        lines = session.query("dispatch/notice_lines", name=name)
    else:
        lines = session.query("show/exported_orders", step=str(file["sequence"]))
    order = ORDER.get(file["flow"], ("order_id",))
    lines = lines.sort([c for c in order if c in lines.columns])
    numbered = lines.select(pl.int_range(1, pl.len() + 1).alias("line_no"), pl.all())
    return {**file, "lines": numbered.rows(named=True)}


def mark_overdue(session: Session, oms: Oms, now: datetime) -> int:
    """Flag delivered files whose location promised an answer by now. Return how many."""
    promises = {
        x.id: now - x.dispatch.ack.within
        for x in oms.locations
        if x.dispatch is not None and x.dispatch.ack is not None
    }
    if not promises:
        return 0
    frame = pl.DataFrame(
        {"destination": list(promises), "delivered_before": list(promises.values())},
        schema={"destination": pl.String, "delivered_before": pl.Datetime("us", "UTC")},
    )
    session.frame("tmp_promises", frame)
    return session.run("dispatch/mark_overdue")
