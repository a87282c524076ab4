"""SQL statements by name: `statement("stock/availability")` is `sql/stock/availability.sql`."""

from functools import cache
from pathlib import Path

import sql


@cache
def statement(name: str) -> str:
    """Return the text of one statement of `sql/`.

    Raises FileNotFoundError with the name when there is none.
    """
    for root in sql.__path__:
        path = Path(root, f"{name}.sql")
        if path.is_file():
            return path.read_text(encoding="utf-8").strip().rstrip(";")
    raise FileNotFoundError(f"sql/{name}.sql")


@cache
def statements_in(folder: str) -> tuple[str, ...]:
    """Return the names (without `.sql`) of the statements of one folder, sorted."""
    found = {path.stem for root in sql.__path__ for path in Path(root, folder).glob("*.sql")}
    return tuple(sorted(found))
