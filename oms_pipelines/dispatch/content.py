"""What a file holds: its rows from the store, its control totals, its bytes, its manifest."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import polars as pl

from oms_pipelines.config import Location, Oms, Outbound
from oms_pipelines.errors import Misconfigured
from oms_pipelines.logistics.csvfile import write
from oms_pipelines.logistics.profiles import Profile, profile
from oms_pipelines.store import Session

FLOWS = ("dispatch", "return_notice")
ORDER = {
    "dispatch": ["action", "fo_id", "line_id", "sku"],
    "return_notice": ["return_id", "line_id"],
}
_SUM = pl.Decimal(38, 4)


@dataclass(frozen=True)
class Totals:
    """Control totals of a file: data rows, distinct orders, units, value by currency."""

    rows: int
    orders: int
    quantity: int
    value: dict[str, str]
    actions: dict[str, dict[str, int]]


@dataclass(frozen=True)
class Content:
    """A file ready to be sent."""

    body: bytes
    manifest: bytes
    sha256: str
    totals: Totals


def outbound(location: Location, flow: str) -> Outbound | None:
    """Return where and how a location takes a flow, or None when it takes none."""
    return location.dispatch if flow == "dispatch" else location.return_notices


def outbound_of(oms: Oms, destination: str, flow: str) -> Outbound:
    """Return the same for a file already planned. Raises Misconfigured when it is gone."""
    for location in oms.locations:
        settings = outbound(location, flow)
        if location.id == destination and settings is not None:
            return settings
    key = "dispatch" if flow == "dispatch" else "return_notices"
    raise Misconfigured(
        [f"locations.{destination}.{key}: a file waits for it; declare where it goes"]
    )


def profile_of(oms: Oms, settings: Outbound, flow: str) -> Profile:
    """Return the profile a flow is written by."""
    return profile(oms, settings.profile, flow)


def rows_of(session: Session, due: pl.DataFrame, flow: str) -> pl.DataFrame:
    """Return the rows of what is due, in the order of the file.

    `due` has fo_id and action, or return_id. Sorted here: stores order text differently.
    """
    session.frame("tmp_due", due)
    if flow == "dispatch":
        session.pick("tmp_due_parts", "fulfillment_orders", due.select("fo_id"))
        session.pick("tmp_due_lines", "fulfillment_lines", due.select("fo_id"))
        orders = session.query("dispatch/due_orders")
        session.pick("tmp_due_orders", "orders", orders)
        session.pick("tmp_due_order_lines", "order_lines", orders)
        session.pick("tmp_due_contacts", "order_contacts", orders)
    rows = session.query("dispatch/rows" if flow == "dispatch" else "dispatch/notice_rows")
    return rows.sort(ORDER[flow])


def members_of(session: Session, name: str, flow: str) -> pl.DataFrame:
    """Return what was put into a file when it was planned."""
    which = "dispatch/members" if flow == "dispatch" else "dispatch/notice_members"
    return session.query(which, name=name)


def rows_of_files(session: Session, names: pl.Series) -> dict[str, pl.DataFrame]:
    """Return the rows of dispatch files by name, found together."""
    session.frame("tmp_files", pl.DataFrame({"name": names}))
    members = session.query("dispatch/members_of_files")
    if members.is_empty():
        return {}
    keys = ["fo_id", "action"]
    rows = rows_of(session, members.select(keys).unique(), "dispatch")
    return {
        part["name"][0]: rows.join(part, on=keys, how="semi", maintain_order="left")
        for part in members.partition_by("name")
    }


def totals_of(rows: pl.DataFrame) -> Totals:
    """Count a file's rows."""
    value: dict[str, str] = {}
    if "unit_value" in rows.columns:
        worth = pl.col("unit_value").cast(_SUM) * pl.col("quantity").cast(_SUM)
        sums = rows.drop_nulls(["unit_value", "currency"]).group_by("currency")
        for currency, total in sums.agg(worth.sum()).sort("currency").iter_rows():
            value[currency] = f"{total:.2f}"
    actions = {}
    if "action" in rows.columns:
        counts = rows.group_by("action").agg(pl.len().alias("rows"), pl.col("quantity").sum())
        for action, count, quantity in counts.sort("action").iter_rows():
            actions[action] = {"rows": count, "quantity": quantity}
    orders = rows["order_id"].drop_nulls().n_unique()
    return Totals(rows.height, orders, int(rows["quantity"].sum() or 0), value, actions)


def columns_of_totals(totals: Totals) -> dict[str, Any]:
    """Return the totals as columns of the table `files`."""
    return {
        "row_count": totals.rows,
        "order_count": totals.orders,
        "total_quantity": totals.quantity,
        "value_by_currency": orjson.dumps(totals.value).decode(),
    }


def render(
    file: Mapping[str, Any],
    previous: tuple[str, str] | None,
    rows: pl.DataFrame,
    used: Profile,
) -> Content:
    """Make a file's bytes and its manifest. The same rows give the same bytes.

    `previous` is name and sha256 of the file before, None for the first.
    """
    numbered = rows.with_columns(pl.int_range(1, pl.len() + 1).alias("line_no"))
    written = write(numbered, used)
    if written.rejected.height:
        # Planning withholds such lines; the contact was changed since.
        kept = pl.int_range(pl.len(), dtype=pl.UInt32)
        left_out = written.rejected["row_nr"].implode()
        replaced = pl.col(pl.String).str.replace_all(r"[^\x00-\x7f]", "?")
        plain = pl.when(kept.is_in(left_out)).then(replaced).otherwise(pl.col(pl.String))
        written = write(numbered.with_columns(plain.name.keep()), used)
    totals = totals_of(rows)
    sha256 = hashlib.sha256(written.body).hexdigest()
    manifest = {
        "file": file["name"],
        "destination": file["destination"],
        "flow": file["flow"],
        "sequence": file["sequence"],
        "schema": used.schema,
        "profile": used.name,
        "rows": totals.rows,
        "orders": totals.orders,
        "quantity": totals.quantity,
        "value": totals.value,
        "sha256": sha256,
        "bytes": len(written.body),
        "previous": previous
        and {"sequence": file["sequence"] - 1, "file": previous[0], "sha256": previous[1]},
        "actions": totals.actions,
        "replaced": written.replaced,
        "planned_at": _stamp(file["planned_at"]),
    }
    told = orjson.dumps(manifest, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    return Content(written.body, told, sha256, totals)


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
