"""What a dispatch file holds: its rows from the store, and the profile that writes them."""

import polars as pl

from oms_pipelines.config import Location, Oms, Outbound
from oms_pipelines.errors import Misconfigured
from oms_pipelines.logistics.profiles import Profile, profile
from oms_pipelines.store import Session

FLOWS = ("dispatch", "return_notice")
ORDER = {
    "dispatch": ["action", "fo_id", "line_id", "sku"],
    "return_notice": ["return_id", "line_id", "sku"],
}


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
