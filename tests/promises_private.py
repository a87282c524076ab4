"""Promise 13: personal data and secrets stand where they belong, and nowhere else."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from html import escape
from pathlib import Path

import polars as pl
from evidence import Evidence, nothing

from oms_pipelines.sandbox import SECRETS
from oms_pipelines.schema import METADATA

TEXT = {".html", ".json", ".log", ".txt", ".csv", ".yaml", ".svg", ".err", ".out"}
# the landing zone, sent files and the store are looked at apart, the sandbox is not the hub
NOT_HERE = {"landing", "files", "sandbox", "erp", "catalog"}


def check_13(found: Evidence) -> None:
    """Personal data and secrets stand in no log, event, page, mart, table or error text."""
    personal, secrets = _personal(found), _variants(set(SECRETS.values()))
    output = Path(found.oms.output)
    told = list(_texts(output)) + list(_stored(found)) + [("printed", x) for x in found.told]
    assert len(told) > 3
    nothing(_holding(told, personal | secrets), "places with personal data or secrets")
    sent = [(str(p), p.read_bytes().decode("utf-8", "replace")) for p in _files(found)]
    nothing(_holding(sent, secrets), "sent files with secrets")


def _personal(found: Evidence) -> set[str]:
    """Return what the sandbox knows of its customers, as texts may have it."""
    people = [order.person for shop in found.truth.shops.values() for order in shop.orders.values()]
    values = {x for p in people for x in (p.name, p.email, p.phone, p.street)}
    assert len(values) > 50
    return _variants(values)


def _variants(values: set[str]) -> set[str]:
    escaped = {json.dumps(x)[1:-1] for x in values} | {escape(x) for x in values}
    return values | escaped


def _holding(texts: list[tuple[str, str]], patterns: set[str]) -> list[str]:
    frame = pl.DataFrame(texts, schema={"place": pl.String, "text": pl.String}, orient="row")
    return frame.filter(pl.col("text").str.contains_any(sorted(patterns)))["place"].to_list()


def _texts(output: Path) -> Iterator[tuple[str, str]]:
    """Yield every text the hub left in its folder, databases and Parquet files opened."""
    for path in sorted(output.rglob("*")):
        if not path.is_file() or path.relative_to(output).parts[0] in NOT_HERE:
            continue
        if path.suffix == ".db":
            yield from _database(path)
        elif path.suffix == ".parquet":
            frame = pl.read_parquet(path).select(pl.col(pl.String))
            yield str(path), "\n".join(x or "" for column in frame for x in column.unique())
        elif path.suffix in TEXT or not path.suffix:
            yield str(path), path.read_bytes().decode("utf-8", "replace")


def _database(path: Path) -> Iterator[tuple[str, str]]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as con:
        names = [r[0] for r in con.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in names:
            rows = con.execute(f'SELECT * FROM "{name}"').fetchall()
            cells = (x for row in rows for x in row if isinstance(x, str | bytes))
            text = "\n".join(
                x if isinstance(x, str) else x.decode("utf-8", "replace") for x in cells
            )
            yield f"{path}/{name}", text


def _stored(found: Evidence) -> Iterator[tuple[str, str]]:
    """Yield the texts of every table but the one that personal data belongs in."""
    for name, table in METADATA.tables.items():
        if not table.info["personal"]:
            texts = found.table(name).select(pl.col(pl.String))
            for column in texts:
                yield f"{name}.{column.name}", "\n".join(column.drop_nulls().unique())


def _files(found: Evidence) -> Iterator[Path]:
    places = [Path(found.oms.output) / "files", *found.root.glob("*/in")]
    yield from (p for place in places for p in place.rglob("*") if p.is_file())
