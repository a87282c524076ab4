"""Planned files reach their destination: whole, once under one name, in sequence.

A file is rendered and its sha256 stored, then copied to the output folder, then delivered,
its manifest last, then marked. A crash anywhere is mended by running again: nothing is
delivered before its copy lies there, and a copy with the stored sha256 is sent as it is.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from oms_pipelines.config import Oms
from oms_pipelines.crash import point
from oms_pipelines.dispatch.content import (
    members_of,
    outbound_of,
    profile_of,
    rows_of,
    rows_of_files,
)
from oms_pipelines.errors import Malformed, OmsError, Rejected
from oms_pipelines.logistics.manifest import Content, columns_of_totals, render
from oms_pipelines.logistics.transport import MANIFEST, Folder, open_folder
from oms_pipelines.store import Session, Store

Transport = Callable[[str], Folder]


@dataclass(frozen=True)
class Written:
    """Names of files delivered, and why a destination failed, by `destination/flow`."""

    delivered: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def write_files(
    store: Store,
    oms: Oms,
    now: datetime,
    outdir: Path | None = None,
    transport: Transport = open_folder,
) -> Written:
    """Write and deliver every planned file, those that a crash left behind first.

    A destination that fails keeps its files for the next run, in order, and stops no other.
    """
    point("dispatch.files_planned")
    done = Written()
    with store.session(read_only=True) as session:
        waiting = session.query("dispatch/unfinished")
        dispatched = waiting.filter(pl.col("flow") == "dispatch")["name"]
        rows = rows_of_files(session, dispatched) if len(dispatched) else {}
    for part in waiting.partition_by("destination", "flow", maintain_order=True):
        files = part.rows(named=True)
        previous = _previous(files[0])
        try:
            for file in files:
                sha256 = _send(
                    store, oms, file, rows.get(file["name"]), previous, now, outdir, transport
                )
                previous = (file["name"], sha256)
                done.delivered.append(file["name"])
        except OmsError as e:
            done.failed[f"{files[0]['destination']}/{files[0]['flow']}"] = str(e)
    return done


def resend(
    store: Store,
    oms: Oms,
    name: str,
    now: datetime | None = None,
    outdir: Path | None = None,
    transport: Transport = open_folder,
) -> None:
    """Deliver a file once more, byte for byte as it was sent.

    The time its answer is due counts from `now`; without it, from the first delivery.
    Raises Rejected when there is no such file or it was never sent, Malformed when the copy
    is not what was sent.
    """
    with store.session(read_only=True) as session:
        found = session.query("dispatch/file_by_name", name=name)
    if found.is_empty():
        raise Rejected(f"{name}: no such file; oms files list names them")
    file = found.row(0, named=True)
    if file["state"] == "planned":
        raise Rejected(f"{name}: not sent yet; the next sync sends it")
    copy = _copy(_copies(oms, outdir, file), file)
    if copy is None:
        raise Malformed(f"{name}: the sent copy is absent or was changed; it cannot be sent again")
    folder = transport(outbound_of(oms, file["destination"], file["flow"]).to)
    folder.deliver(name, copy.body, again=True)
    folder.deliver(name + MANIFEST, copy.manifest, again=True)
    with store.session() as session:
        session.run("dispatch/mark_resent", name=name, now=now)


@dataclass(frozen=True)
class _Copy:
    body: bytes
    manifest: bytes


def _send(
    store: Store,
    oms: Oms,
    file: Mapping[str, Any],
    rows: pl.DataFrame | None,
    previous: tuple[str, str] | None,
    now: datetime,
    outdir: Path | None,
    transport: Transport,
) -> str:
    settings = outbound_of(oms, file["destination"], file["flow"])
    copies = _copies(oms, outdir, file)
    copy, sha256 = _copy(copies, file), file["sha256"]
    if copy is None:
        with store.session() as session:
            content = _content(session, oms, file, rows, previous)
        copies.replace(file["name"], content.body)
        copies.replace(file["name"] + MANIFEST, content.manifest)
        copy, sha256 = _Copy(content.body, content.manifest), content.sha256
    point("dispatch.copy_written")
    folder = transport(settings.to)
    folder.sweep(f"{file['destination']}_{file['flow']}_")
    folder.deliver(file["name"], copy.body)
    point("dispatch.file_delivered")
    folder.deliver(file["name"] + MANIFEST, copy.manifest)
    point("dispatch.manifest_delivered")
    with store.session() as session:
        mark(session, oms, file, now)
    point("dispatch.marked")
    return sha256


def _content(
    session: Session,
    oms: Oms,
    file: Mapping[str, Any],
    rows: pl.DataFrame | None,
    previous: tuple[str, str] | None,
) -> Content:
    """Render a file and store what its bytes are, before anyone sees them."""
    flow = file["flow"]
    used = profile_of(oms, outbound_of(oms, file["destination"], flow), flow)
    if rows is None:
        rows = rows_of(session, members_of(session, file["name"], flow), flow)
    content = render(file, previous, rows, used)
    stored = session.query("dispatch/file_by_name", name=file["name"])
    told = {"sha256": content.sha256, **columns_of_totals(content.totals)}
    session.upsert("files", stored.with_columns(**{k: pl.lit(v) for k, v in told.items()}))
    return content


def mark(session: Session, oms: Oms, file: Mapping[str, Any], now: datetime) -> None:
    """Write down that a file stands at its destination."""
    name = file["name"]
    session.run("dispatch/mark_file", name=name, now=now)
    if file["flow"] == "return_notice":
        session.run("dispatch/mark_notices", name=name, now=now)
        return
    session.run("dispatch/mark_ships", name=name, now=now)
    silent = [x.id for x in oms.locations if x.acknowledgements is None]
    if file["destination"] in silent:
        session.run("dispatch/mark_cancels", name=name, now=now)


def _previous(file: Mapping[str, Any]) -> tuple[str, str] | None:
    return (file["previous_name"], file["previous_sha256"]) if file["previous_name"] else None


def _copies(oms: Oms, outdir: Path | None, file: Mapping[str, Any]) -> Folder:
    return Folder(Path(outdir or oms.output) / "files" / file["destination"])


def _copy(copies: Folder, file: Mapping[str, Any]) -> _Copy | None:
    """Return the sent copy when it is whole and what the store says of it, else None."""
    body, manifest = copies.peek(file["name"]), copies.peek(file["name"] + MANIFEST)
    if body is None or manifest is None or file["sha256"] is None:
        return None
    if hashlib.sha256(body).hexdigest() != file["sha256"]:
        return None
    try:
        told = orjson.loads(manifest)
    except orjson.JSONDecodeError:
        return None
    return _Copy(body, manifest) if told.get("sha256") == file["sha256"] else None
