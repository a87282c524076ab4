"""SQL statements by name: `statement("stock/availability")` is `sql/stock/availability.sql`."""

from functools import cache
from importlib.resources import files


@cache
def statement(name: str) -> str:
    """Return the text of one statement of `sql/`.

    Raises FileNotFoundError with the name when there is none.
    """
    path = files("sql").joinpath(f"{name}.sql")
    if not path.is_file():
        raise FileNotFoundError(f"sql/{name}.sql")
    return path.read_text(encoding="utf-8").strip().rstrip(";")


@cache
def statements_in(folder: str) -> tuple[str, ...]:
    """Return the names (without `.sql`) of the statements of one folder, sorted."""
    root = files("sql").joinpath(folder)
    if not root.is_dir():
        return ()
    return tuple(sorted(p.name[:-4] for p in root.iterdir() if p.name.endswith(".sql")))
