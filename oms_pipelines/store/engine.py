"""DuckDB engines, kept from session to session: making one takes 25 ms, opening a file 1.

An engine is an instance in memory that may touch one file and what DuckDB lays beside it. It
holds the file, and its lock, only while a session has it open. After an error it is ended: what
fails in a checkpoint spoils all of an instance.
"""

import os
import threading
from contextlib import suppress
from pathlib import Path

import duckdb

from oms_pipelines.store.migrations import quoted

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    # as PostgreSQL has it, so that a statement means the same in both stores
    "integer_division": "true",
    "default_null_order": "nulls_last_on_asc_first_on_desc",
}
# A checkpoint writes the last row group of a table anew, with all that it holds already: where
# it holds 122,880 rows, DuckDB's own size, that is most of what a batch costs.
_ROW_GROUP = 16_384
_CATALOG = "store"
_MOST_IDLE = 4

_Key = tuple[int, str, str]
_idle: dict[_Key, "Engine"] = {}
_lock = threading.Lock()


class Engine:
    """An instance for one file. One session uses it at a time."""

    def __init__(self, key: _Key):
        self._key = key
        _, self._file, memory = key
        self._scratch = Path(f"{self._file}.tmp")
        settings = {"memory_limit": memory, "temp_directory": str(self._scratch)}
        self._root = duckdb.connect(config={**_CONFIG, **settings})
        self._confined = False
        self._con: duckdb.DuckDBPyConnection | None = None

    def open(self, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        """Open the file. Raises duckdb.Error; may then be tried again."""
        options = f"ROW_GROUP_SIZE {_ROW_GROUP}" + (", READ_ONLY" if read_only else "")
        con = self._root.cursor()
        try:
            con.execute(
                f"ATTACH {quoted(self._file)} AS {_CATALOG} ({options}); USE {_CATALOG};"
                # a bar for what takes two seconds would stand in whatever is printed
                "SET TimeZone = 'UTC'; SET enable_progress_bar = false"
            ).fetchall()
            if not self._confined:  # to the file now attached
                con.execute("SET enable_external_access = false").fetchall()
                self._confined = True
        except duckdb.Error:
            con.close()
            raise
        self._con = con
        return con

    def close(self) -> None:
        """Close the file, and keep the engine for the next session on it."""
        con, self._con = self._con, None
        try:
            if con is not None:
                con.execute(f"USE memory; DETACH {_CATALOG}").fetchall()
                con.close()
        except duckdb.Error:  # what is committed is in the log: a checkpoint may fail
            self._con = con
            self.end()
            return
        if self._scratch.exists():
            self.end()
        else:
            _keep(self._key, self)

    def end(self) -> None:
        """Close the file and end the engine."""
        for con in (self._con, self._root):
            if con is not None:
                with suppress(duckdb.Error):
                    con.close()
        self._con = None


def engine_of(file: str | Path, memory: str) -> Engine:
    """Return an engine for a file that nobody uses, a new one if need be."""
    key = (os.getpid(), os.path.abspath(file), memory)  # a fork has no threads of its parent's
    with _lock:
        found = _idle.pop(key, None)
    return found or Engine(key)


def _keep(key: _Key, engine: Engine) -> None:
    with _lock:
        spare = [] if key not in _idle else [_idle.pop(key)]
        _idle[key] = engine
        spare += [_idle.pop(next(iter(_idle))) for _ in range(len(_idle) - _MOST_IDLE)]
    for one in spare:
        one.end()
