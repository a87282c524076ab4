"""Export consolidated orders for the ERP: files in a folder, or a table of its database.

Every new version of an order goes out once, under the key `erp/<order>/<version>`. A file
is written once and kept as sent; a database gets the newest version of each order's lines.
"""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import orjson
import polars as pl
import sqlalchemy as sa

from oms_pipelines.config import Erp, Oms
from oms_pipelines.crash import point
from oms_pipelines.errors import Unreachable
from oms_pipelines.logistics.transport import open_folder
from oms_pipelines.outbox.intents import OUTBOX
from oms_pipelines.schema import columns_of
from oms_pipelines.store import Session, Store

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
FILES = list(columns_of("files"))


def export_orders(store: Store, oms: Oms, now: datetime) -> int:
    """Export what changed since the last export; return the number of orders.

    An export that a crash cut off is finished first, with the bytes it had. Raises
    Unreachable when the ERP does not answer, without its password.
    """
    assert oms.erp is not None
    with store.session() as session:
        sequence = _open_export(session) or _plan(session, now)
        if sequence is None:
            return 0
        rows = session.query("erp/rows", step=str(sequence))
        stored = session.query("erp/file_of", sequence=sequence)
    point("erp.planned")
    name = stored["name"][0]
    if "://" in oms.erp.url and not oms.erp.url.startswith("file://"):
        digest = _to_database(oms.erp, rows)
    else:
        digest = _to_folder(oms, name, rows)
    point("erp.delivered")
    with store.session() as session:
        return _mark(session, sequence, stored, rows, digest, now)


def _open_export(session: Session) -> int | None:
    """Return the sequence of an export that was planned and not delivered."""
    last = session.query("erp/last_file")
    return last["sequence"][0] if last.height and last["state"][0] == "planned" else None


def _plan(session: Session, now: datetime) -> int | None:
    """Fix which order versions the next export holds; None when there are none."""
    last = session.query("erp/last_file")
    since = last["planned_at"][0] if last.height else BEGINNING
    due = session.query("erp/candidates", since=since)
    if due.is_empty():
        return None
    sequence = (last["sequence"][0] if last.height else 0) + 1
    blank = {name: pl.lit(None, pl.String) for name in ("payload_hash", "receipt", "error")}
    intents = due.select(
        pl.format("erp/{}/{}", "order_id", "record_hash").alias("key"),
        pl.lit("erp").alias("kind"),
        pl.lit("erp").alias("destination"),
        pl.col("order_id").alias("subject"),
        pl.lit(str(sequence)).alias("step"),
        pl.lit("pending").alias("state"),
        pl.lit(0, pl.Int64).alias("attempts"),
        pl.lit(now).alias("created_at"),
        pl.lit(now).alias("next_attempt_at"),
        pl.lit(None, pl.Datetime("us", "UTC")).alias("delivered_at"),
        **blank,
    )
    session.insert_new("outbox", intents.select(OUTBOX))
    file = pl.DataFrame(
        {
            "destination": ["erp"],
            "flow": ["erp_orders"],
            "sequence": [sequence],
            "name": [f"erp_orders_{now:%Y%m%d}_{sequence:06d}.csv"],
            "state": ["planned"],
            "planned_at": [now],
            "row_count": [0],
            "order_count": [due.height],
            "total_quantity": [0],
        }
    )
    missing = [pl.lit(None).alias(c) for c in FILES if c not in file.columns]
    session.upsert("files", file.with_columns(missing).select(FILES))
    return sequence


def _to_folder(oms: Oms, name: str, rows: pl.DataFrame) -> str:
    """Write the file and its manifest; a copy that exists is sent again byte for byte."""
    assert oms.erp is not None
    copy = Path(oms.output) / "files" / "erp" / name
    if not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        body = rows.write_csv(separator=";", line_terminator="\r\n").encode()
        open_folder(str(copy.parent)).deliver(name, body)
    body = copy.read_bytes()
    digest = hashlib.sha256(body).hexdigest()
    folder = open_folder(oms.erp.url)
    folder.deliver(name, body)
    manifest = {
        "file": name,
        "flow": "erp_orders",
        "rows": rows.height,
        "orders": rows["order_id"].n_unique(),
        "quantity": int(rows["ordered_quantity"].sum()),
        "sha256": digest,
        "schema": 1,
    }
    folder.deliver(f"{name}.manifest.json", orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
    return digest


def _to_database(erp: Erp, rows: pl.DataFrame) -> str:
    """Replace the lines of these orders in the ERP's table, in one transaction."""
    engine = sa.create_engine(erp.url, hide_parameters=True)
    metadata = sa.MetaData()
    kinds = {pl.Int64: sa.BigInteger, pl.String: sa.Text}
    columns = [
        sa.Column(
            name,
            sa.Numeric(18, 4)
            if isinstance(kind, pl.Decimal)
            else sa.DateTime(timezone=True)
            if isinstance(kind, pl.Datetime)
            else kinds[type(kind)],
            primary_key=name in ("order_id", "line_id"),
        )
        for name, kind in rows.schema.items()
    ]
    target = sa.Table(erp.table, metadata, *columns)
    try:
        with engine.begin() as connection:
            metadata.create_all(connection)
            ids = rows["order_id"].unique().to_list()
            connection.execute(sa.delete(target).where(target.c.order_id.in_(ids)))
            connection.execute(sa.insert(target), rows.to_dicts())
    except sa.exc.SQLAlchemyError as e:
        raise Unreachable(f"erp.url: the ERP's database refused ({type(e).__name__})") from None
    finally:
        engine.dispose()
    return hashlib.sha256(rows.write_csv().encode()).hexdigest()


def _mark(
    session: Session,
    sequence: int,
    stored: pl.DataFrame,
    rows: pl.DataFrame,
    digest: str,
    now: datetime,
) -> int:
    """Store that an export was delivered."""
    intents = session.query("erp/intents", step=str(sequence)).with_columns(
        pl.lit("accepted").alias("state"),
        pl.lit(now).alias("delivered_at"),
        (pl.col("attempts") + 1).alias("attempts"),
    )
    session.upsert("outbox", intents.select(OUTBOX))
    file = stored.with_columns(
        pl.lit("delivered").alias("state"),
        pl.lit(now).alias("delivered_at"),
        pl.lit(digest).alias("sha256"),
        pl.lit(rows.height, pl.Int64).alias("row_count"),
        pl.lit(rows["order_id"].n_unique(), pl.Int64).alias("order_count"),
        pl.lit(int(rows["ordered_quantity"].sum()), pl.Int64).alias("total_quantity"),
    )
    session.upsert("files", file.select(FILES))
    return intents.height
