"""Export consolidated orders for the ERP: files in a folder, or a table of its database.

Every new version of an order goes out once, under the key `erp/<order>/<version>`; an order
whose line was given another SKU is a new version too. A file is written once and kept as
sent; a database gets the newest version of each order's lines.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import sqlalchemy as sa
import sqlalchemy.exc

from oms_pipelines.config import Erp, Oms
from oms_pipelines.crash import point
from oms_pipelines.errors import Malformed, Misconfigured, Rejected, Unreachable
from oms_pipelines.logistics.kinds import ERP_ORDERS
from oms_pipelines.logistics.manifest import Content, Totals, columns_of_totals, render
from oms_pipelines.logistics.transport import MANIFEST, Folder, open_folder
from oms_pipelines.outbox.intents import pending
from oms_pipelines.store import Session, Store

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
OVERLAP = timedelta(days=1)  # a run stores facts under the clock value it began with
AHEAD = timedelta(days=2)  # a source's clock may run ahead of ours by a day
AT_ONCE = 5_000  # orders a database transaction


def export_orders(store: Store, oms: Oms, now: datetime) -> int:
    """Export what changed since the last export; return the number of orders.

    An export that a crash cut off is finished first, with the bytes it had. Raises
    Unreachable when the ERP does not answer, Rejected when it refuses, Misconfigured when
    its URL cannot be used; none tells its password.
    """
    assert oms.erp is not None
    with store.session() as session:
        newest = session.query("erp/newest_files").rows(named=True)
        if newest and newest[0]["state"] == "planned":
            name, previous = newest[0]["name"], newest[1:]
        else:
            name, previous = _plan(session, newest, now), newest[:1]
        if name is None:
            return 0
        file = session.query("erp/file", name=name).row(0, named=True)
        rows = session.query("erp/rows", step=str(file["sequence"]))
    point("erp.planned")
    before = (previous[0]["name"], previous[0]["sha256"]) if previous else None
    made = render(file, before, rows.sort("order_id", "line_id"), ERP_ORDERS)
    manifest = made.manifest
    if _is_database(oms.erp.url):
        _to_database(oms.erp, rows)
    else:
        manifest = _to_folder(oms, oms.erp.url, file["name"], made)
    point("erp.delivered")
    with store.session() as session:
        return _mark(session, file, orjson.loads(manifest), now)


def _plan(session: Session, newest: Sequence[Mapping], now: datetime) -> str | None:
    """Fix which order versions the next export holds; return its name, None without any."""
    since = newest[0]["planned_at"] - OVERLAP if newest else BEGINNING
    due = session.query("erp/candidates", since=since).with_columns(_key())
    oldest = due["updated_at"].min()
    if not isinstance(oldest, datetime):
        return None
    session.frame("tmp_due", due.select("key"))
    due = due.join(session.query("erp/exported", since=oldest - AHEAD), on="key", how="anti")
    if due.is_empty():
        return None
    sequence = newest[0]["sequence"] + 1 if newest else 1
    intents = due.select(
        "key",
        pl.lit("erp").alias("kind"),
        pl.lit("erp").alias("destination"),
        pl.col("order_id").alias("subject"),
        pl.lit(str(sequence)).alias("step"),
    )
    session.insert_new("outbox", pending(intents, now))
    name = f"erp_orders_{now:%Y%m%d}_{sequence:06d}.csv"
    file = {"destination": "erp", "flow": "erp_orders", "sequence": sequence, "name": name}
    counts = {"row_count": 0, "order_count": due.height, "total_quantity": 0}
    planned = {**file, "state": "planned", "planned_at": now, **counts}
    session.upsert(
        "files", pl.DataFrame([planned], schema=session.query("erp/file", name="").schema)
    )
    return name


def _key() -> pl.Expr:
    """Return the key of an order's version: its record, and when its lines were resolved anew."""
    record = pl.format("erp/{}/{}", "order_id", "record_hash")
    resolved = pl.format("{}/{}", record, pl.col("resolved_at").dt.epoch("us"))
    return pl.when(pl.col("resolved_at").is_null()).then(record).otherwise(resolved).alias("key")


def _to_folder(oms: Oms, url: str, name: str, made: Content) -> bytes:
    """Deliver the file, then its manifest; a copy that is whole is sent as it was made.

    Returns the manifest that was sent.
    """
    copies = Folder(Path(oms.output) / "files" / "erp")
    body, manifest = copies.peek(name), copies.peek(name + MANIFEST)
    told = orjson.loads(manifest) if manifest else {}
    if body is None or manifest is None or hashlib.sha256(body).hexdigest() != told.get("sha256"):
        body, manifest = made.body, made.manifest
        copies.replace(name, body)
        copies.replace(name + MANIFEST, manifest)
    point("erp.copy_written")
    folder = open_folder(url)
    folder.deliver(name, body)
    folder.deliver(name + MANIFEST, manifest)
    return manifest


def _is_database(url: str) -> bool:
    return "://" in url and not url.startswith("file://")


def resend(oms: Oms, name: str, sha256: str) -> None:
    """Deliver an export again, byte for byte as it was sent.

    Raises Rejected where the ERP takes no files, Malformed when the copy is not what was sent.
    """
    if oms.erp is None or _is_database(oms.erp.url):
        raise Rejected(f"{name}: the ERP takes a database table, not files; nothing to send again")
    copies = Folder(Path(oms.output) / "files" / "erp")
    body, manifest = copies.peek(name), copies.peek(name + MANIFEST)
    if body is None or manifest is None or hashlib.sha256(body).hexdigest() != sha256:
        raise Malformed(f"{name}: the sent copy is absent or was changed; it cannot be sent again")
    folder = open_folder(oms.erp.url)
    folder.deliver(name, body, again=True)
    folder.deliver(name + MANIFEST, manifest, again=True)


def _to_database(erp: Erp, rows: pl.DataFrame) -> None:
    """Replace the lines of these orders in the ERP's table; again, it ends the same."""
    try:
        engine = sa.create_engine(erp.url, hide_parameters=True)
    except (sqlalchemy.exc.ArgumentError, ImportError, ValueError) as e:
        raise Misconfigured([f"erp.url: cannot be used ({type(e).__name__})"]) from None
    target = _table(erp.table, rows)
    try:
        target.metadata.create_all(engine)
        for ids, some in _slices(rows):
            with engine.begin() as connection:
                connection.execute(sa.delete(target).where(target.c.order_id.in_(ids)))
                connection.execute(sa.insert(target), some.to_dicts())
    except (sqlalchemy.exc.OperationalError, sqlalchemy.exc.InterfaceError) as e:
        raise Unreachable(f"erp.url: the database does not answer ({type(e).__name__})") from None
    except sqlalchemy.exc.SQLAlchemyError as e:
        raise Rejected(
            f"erp.table: the database refuses the rows ({type(e).__name__}); compare its columns"
        ) from None
    finally:
        engine.dispose()


def _slices(rows: pl.DataFrame) -> Iterator[tuple[list[str], pl.DataFrame]]:
    ids = rows["order_id"].unique(maintain_order=True)
    for start in range(0, len(ids), AT_ONCE):
        some = ids.slice(start, AT_ONCE)
        yield some.to_list(), rows.filter(pl.col("order_id").is_in(some.implode()))


def _table(name: str, rows: pl.DataFrame) -> sa.Table:
    # SQLite has no decimals: exact as text is better there than nearly as a float
    money = sa.Numeric(18, 4).with_variant(_ExactText(), "sqlite")
    columns = []
    for column, kind in rows.schema.items():
        made: Any = sa.Text
        if kind.is_decimal():
            made = money
        elif isinstance(kind, pl.Datetime):
            made = sa.DateTime(timezone=True)
        elif kind.is_integer():
            made = sa.BigInteger
        columns.append(sa.Column(column, made, primary_key=column in ("order_id", "line_id")))
    return sa.Table(name, sa.MetaData(), *columns)


class _ExactText(sa.TypeDecorator):
    """Decimals as their digits."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str | None:
        return None if value is None else str(value)


def _mark(session: Session, file: Mapping[str, Any], told: Mapping[str, Any], now: datetime) -> int:
    """Store that an export was delivered, and what its manifest told; return the orders in it."""
    orders = session.run("erp/mark_intents", step=str(file["sequence"]), now=now)
    totals = Totals(told["rows"], told["orders"], told["quantity"], told.get("value", {}), {})
    done = {"state": "delivered", "sha256": told["sha256"], **columns_of_totals(totals)}
    stored = session.query("erp/file", name=file["name"])
    kept = stored.with_columns(**{k: pl.lit(v) for k, v in done.items()})
    session.upsert("files", kept.with_columns(pl.lit(now).alias("delivered_at")))
    return orders
