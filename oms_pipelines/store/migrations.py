"""How a store comes to hold the tables of `schema.py`: ordered steps, each applied once.

Steps are recorded by name in table `migrations`. After them, what `schema.py` has more than
the store (tables, nullable columns, indexes) is added. Nothing is ever dropped or rewritten
here: a change that must do so is a step of its own, appended to `STEPS`.
"""

import hashlib
from collections.abc import Callable
from importlib.resources import files
from typing import Protocol

from oms_pipelines.errors import Misconfigured
from oms_pipelines.statements import statement

_SHAPE = "shape "
SUM = "store/postgres/sum_units"


class Database(Protocol):
    """What a migration needs of a store's open transaction."""

    keyed: bool  # PostgreSQL: primary keys, indexes, binary collation

    def execute(self, text: str) -> None:
        """Run statements that return nothing."""
        ...

    def rows(self, text: str) -> list[tuple]:
        """Run a statement and return its rows."""
        ...


def migrate(db: Database) -> None:
    """Apply the steps that are not recorded yet, then add what the schema has more.

    Raises Misconfigured when a newer release has migrated the store.
    """
    db.execute(
        "CREATE TABLE IF NOT EXISTS migrations"
        " (name TEXT NOT NULL, applied_at TIMESTAMPTZ DEFAULT current_timestamp)"
    )
    applied = {name for (name,) in db.rows("SELECT name FROM migrations")}
    unknown = {n for n in applied - {n for n, _ in STEPS} if not n.startswith(_SHAPE)}
    if unknown:
        raise Misconfigured(
            [f"store.url: a newer release migrated this store ({', '.join(sorted(unknown))})"]
        )
    for name, step in (*STEPS, (_SHAPE + fingerprint(db.keyed), complete)):
        if name not in applied:
            step(db)
            db.execute(f"INSERT INTO migrations (name) VALUES ({quoted(name)})")


def complete(db: Database) -> None:
    """Create the tables, nullable columns and indexes that are not there yet."""
    from oms_pipelines.store import ddl

    ddl.complete(db)


def fingerprint(keyed: bool) -> str:
    """Return a short hash of all that `complete` is made from, so a start asks one question.

    Of the text, not of the tables: those bring SQLAlchemy, for which a read need not wait.
    """
    package = files("oms_pipelines")
    made = [package.joinpath(name).read_text("utf-8") for name in ("schema.py", "store/ddl.py")]
    if keyed:
        made.append(statement(SUM))
    return hashlib.sha256("\n".join(made).encode()).hexdigest()[:16]


def quoted(text: str) -> str:
    """Return a text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def levels_by_listing(db: Database) -> None:
    """Keep levels by listing, in sold units: they were kept by SKU, in SKU units."""
    from oms_pipelines.schema import METADATA
    from oms_pipelines.store import ddl

    columns = (
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = current_schema() AND table_name = 'levels'"
    )
    there = {column for (column,) in db.rows(columns)}
    if not there or "channel_sku" in there:
        return
    levels = METADATA.tables["levels"]
    db.execute("CREATE TEMPORARY TABLE levels_by_sku AS SELECT * FROM levels; DROP TABLE levels")
    db.execute(ddl.create_table(levels, keyed=db.keyed))
    db.execute(ddl.comments(levels))
    db.execute(statement("store/levels_by_listing"))
    db.execute("DROP TABLE levels_by_sku")


def balances_with_a_delta(db: Database) -> None:
    """Let statements read balances with their delta; a release that does not must not read on."""
    complete(db)
    db.execute(statement("store/balance_parts"))


STEPS: tuple[tuple[str, Callable[[Database], None]], ...] = (
    ("create tables", complete),
    ("levels by listing", levels_by_listing),
    ("balances with a delta", balances_with_a_delta),
)
