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
_Place = tuple[int, str]
_idle: dict[_Key, "Engine"] = {}
_reading: dict[_Place, "Engine"] = {}
_lock = threading.RLock()


class Engine:
    """An instance for one file, of one writer or of all readers in this process.

    Readers share it: POSIX forgets the lock on a file when any descriptor of it is closed, so a
    process must open it once. Should one of them break it, others fail until all have left.
    """

    def __init__(self, file: str, memory: str):
        self.key = (os.getpid(), file, memory)
        self.place = (os.getpid(), os.path.realpath(file))
        self.claims = 0
        self.spoiled = False
        self._file = file
        self._memory = memory
        self._scratch = f"{file}.tmp"
        self._left = False  # a scratch folder of somebody who was killed
        self._root: duckdb.DuckDBPyConnection | None = None
        self._attached = False
        self._lock = threading.Lock()

    def open(self, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        """Return a connection to the file. Raises duckdb.Error; may then be tried again."""
        with self._lock:
            root = self._root or self._made()
            if not self._attached:
                self._attach(root, ", READ_ONLY" if read_only else "")
        con = root.cursor()
        # a bar for what takes two seconds would stand in whatever is printed
        settings = "SET TimeZone = 'UTC'; SET enable_progress_bar = false"
        con.execute(f"USE {_CATALOG}; {settings}").fetchall()
        return con

    def _made(self) -> duckdb.DuckDBPyConnection:
        places = [self._file, *(f"{self._file}.wal{x}" for x in ("", ".checkpoint", ".recovery"))]
        allowed = ", ".join(map(quoted, places))
        settings = {"memory_limit": self._memory, "temp_directory": self._scratch}
        root = duckdb.connect(config={**_CONFIG, **settings})
        root.execute(f"SET allowed_paths = [{allowed}]").fetchall()
        root.execute("SET enable_external_access = false").fetchall()
        self._root = root
        return root

    def _attach(self, root: duckdb.DuckDBPyConnection, access: str) -> None:
        self._left = os.path.exists(self._scratch)
        options = f"ROW_GROUP_SIZE {_ROW_GROUP}{access}"
        root.execute(f"ATTACH {quoted(self._file)} AS {_CATALOG} ({options})").fetchall()
        self._attached = True

    def close(self) -> bool:
        """Close the file; tell whether it may be opened again."""
        if self.spoiled or self._root is None:
            return False
        try:
            if self._attached:
                self._root.execute(f"DETACH {_CATALOG}").fetchall()
        except duckdb.Error:  # what is committed is in the log: a checkpoint may fail
            return False
        self._attached = False
        return self._left or not os.path.exists(self._scratch)

    def end(self) -> None:
        """Close the file, and with it all there is."""
        if self._root is not None:
            with suppress(duckdb.Error):
                self._root.close()


def claim(file: str | Path, memory: str, *, shared: bool) -> Engine:
    """Return an engine for a file: that of its readers, one that lies idle, or a new one.

    Who asks for one of its own is alone with the file in this process (`gate.py`).
    """
    made = Engine(os.path.abspath(file), memory)
    with _lock:
        engine = _reading.get(made.place) if shared else None
        engine = engine or _idle.pop(made.key, None) or made
        engine.claims += 1
        if shared:
            _reading[engine.place] = engine
        return engine


def release(engine: Engine, *, spoiled: bool) -> None:
    """Give an engine back, its connection closed; the last one to do so closes the file.

    After an error it is `spoiled`, and ended.
    """
    with _lock:
        engine.claims -= 1
        engine.spoiled |= spoiled
        if engine.claims:
            return
        if _reading.pop(engine.place, None) is not None:
            _put_away(engine)  # before another reader opens the file
            return
    _put_away(engine)  # a writer's checkpoint takes its time


def _put_away(engine: Engine) -> None:
    usable = False
    try:
        usable = engine.close()
    finally:
        if not usable:
            engine.end()
    if usable:
        with _lock:
            spare = [_idle.pop(engine.key)] if engine.key in _idle else []
            _idle[engine.key] = engine
            spare += [_idle.pop(next(iter(_idle))) for _ in range(len(_idle) - _MOST_IDLE)]
        for one in spare:
            one.end()


def _before_fork() -> None:
    """End what lies idle: a child has none of the threads that its end would wait for."""
    _lock.acquire()
    while _idle:
        _idle.popitem()[1].end()


os.register_at_fork(
    before=_before_fork, after_in_parent=_lock.release, after_in_child=_lock.release
)
