"""What both stores' sessions share: checks on what comes in, and the order of a merge."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import polars as pl

from oms_pipelines import crash
from oms_pipelines.errors import Malformed, OmsError
from oms_pipelines.statements import statement
from oms_pipelines.store import frames, parameters
from oms_pipelines.store.base import Merged

_FRAME_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_OWN_NAMES = {"incoming", "incoming_children", "found", "verdicts", "migrations"}


class SqlSession(ABC):
    """One transaction, whichever store. See `base.Session` for the promises."""

    folder: str  # of this store's own statements under sql/store/
    beginning: str  # how this store begins a transaction
    clustering: tuple[str, ...]  # its statements that put the rows of a table in order

    def __init__(self, where: str, *, read_only: bool):
        self._where = where
        self._read_only = read_only

    # -- what a store provides

    @abstractmethod
    def _query(self, what: str, text: str, params: Mapping[str, Any]) -> pl.DataFrame: ...

    @abstractmethod
    def _run(self, what: str, text: str, params: Mapping[str, Any]) -> int: ...

    @abstractmethod
    def _stage(self, name: str, rows: pl.DataFrame) -> None: ...

    @abstractmethod
    def _incoming(self, rows: pl.DataFrame) -> AbstractContextManager[None]: ...

    @abstractmethod
    def _judge(self, how: str, names: Mapping[str, str]) -> None: ...

    @abstractmethod
    def _insert_children(self, rows: pl.DataFrame, names: Mapping[str, str]) -> None: ...

    # -- its store begins and finishes it

    def begin(self) -> None:
        """Begin a transaction."""
        self._run(self._where, self.beginning, {})

    def finish(self) -> None:
        """Commit."""
        if not self._read_only:
            crash.point("merge.before_commit")
        self._run(self._where, "COMMIT", {})
        if not self._read_only:
            crash.point("merge.after_commit")

    # -- what callers use

    def commit(self) -> None:
        """Make durable what was done so far, and go on in a new transaction."""
        self.finish()
        self.begin()

    def query(self, name: str, /, **params: Any) -> pl.DataFrame:
        """Run `sql/<name>.sql` and return its rows in canonical types."""
        text = statement(name)
        parameters.check(name, text, params)
        return self._query(f"sql/{name}.sql", text, params)

    def run(self, name: str, /, **params: Any) -> int:
        """Run `sql/<name>.sql` for its effect and return the rows it touched."""
        self._may_write(f"sql/{name}.sql")
        text = statement(name)
        parameters.check(name, text, params)
        return self._run(f"sql/{name}.sql", text, params)

    def table(self, table: str) -> pl.DataFrame:
        """Return a whole table, in key order."""
        columns, key = (
            _list(frames.schema().columns_of(table)),
            _list(frames.schema().key_of(table)),
        )
        rows = self._query(table, f'SELECT {columns} FROM "{table}" ORDER BY {key}', {})
        return rows.cast(dict(frames.dtypes(table)))

    def frame(self, name: str, rows: pl.DataFrame) -> None:
        """Make rows readable as temp table `name` until the session ends."""
        self._stage(_checked(name), frames.canonical(name, rows))

    def pick(self, name: str, table: str, keys: pl.DataFrame) -> None:
        """Make the rows of a table that have these keys readable as temp table `name`."""
        strange = set(keys.columns) - set(frames.schema().columns_of(table))
        if strange or not keys.columns:
            raise OmsError(f"pick {name!r}: {table} has no column {', '.join(sorted(strange))}")
        self.frame(f"{name}_keys", keys.unique())
        names = {
            "name": f'"{_checked(name)}"',
            "table": f'"{table}"',
            "keys": f'"{name}_keys"',
            "same": " AND ".join(f't."{c}" = k."{c}"' for c in keys.columns),
        }
        self._run(name, f'DROP TABLE IF EXISTS "{name}"', {})
        self._do(f"{self.folder}/pick", names)

    def upsert(self, table: str, rows: pl.DataFrame) -> int:
        """Insert rows or replace those of the same key. Return how many rows differ now."""
        return self._put(table, rows, "judge_rows", then="remove")

    def insert_new(self, table: str, rows: pl.DataFrame) -> int:
        """Insert rows whose key is not there yet. Return how many."""
        return self._put(table, rows, "judge_presence")

    def add(self, table: str, rows: pl.DataFrame) -> None:
        """Add to the numbers of stored rows, and insert rows whose key is not there yet.

        Raises OmsError for a table with a column that is neither of its key nor a whole number.
        """
        key, kinds = frames.schema().key_of(table), frames.dtypes(table)
        if strange := [c for c, kind in kinds.items() if c not in key and kind != pl.Int64]:
            raise OmsError(f"add to {table}: {', '.join(strange)} is no whole number")
        self._put(table, rows, "judge_presence", then="add")

    def cluster(self, table: str, by: Sequence[str]) -> None:
        """Rewrite a table in the order of some columns; its rows stay what they are."""
        self._may_write(table)
        names = {**names_of(table), "by": _list(tuple(by))}
        for step in self.clustering:
            self._do(f"{self.folder}/{step}", names)

    def merge_documents(
        self, table: str, documents: pl.DataFrame, children: Mapping[str, pl.DataFrame]
    ) -> Merged:
        """Merge versioned documents and replace the children of those that won.

        A child table that is not given stays as it is. Child rows may carry the
        `record_hash` of their document, and must when a key stands in several versions.
        Raises Malformed for frames that do not fit the schema.
        """
        self._may_write(table)
        fit = frames.conform(table, documents)
        best = frames.newest(table, fit)
        kids = {
            child: frames.children_of(table, fit, best.documents, _child(table, child), rows)
            for child, rows in children.items()
        }
        if best.documents.is_empty():
            return Merged()
        names = names_of(table)
        with self._incoming(best.documents):
            self._judge("judge_documents", names)
            told = self._query("verdicts", statement("store/count_verdicts"), {})
            counts = told.row(0, named=True)
            if counts["moved"]:
                self._do(f"{self.folder}/touch", names)
            self._replace(names, kids, newer=counts["newer"])
        new = best.documents.height - counts["newer"] - counts["same"] - counts["stale"]
        same, stale = counts["same"] + best.same, counts["stale"] + best.stale
        return Merged(new=new, newer=counts["newer"], same=same, stale=stale)

    # -- steps

    def _put(self, table: str, rows: pl.DataFrame, judge: str, then: str | None = None) -> int:
        self._may_write(table)
        fit = frames.one_a_key(table, frames.conform(table, rows))
        if fit.is_empty():
            return 0
        names = names_of(table)
        with self._incoming(fit):
            self._judge(judge, names)
            if then:
                self._do(f"{self.folder}/{then}", names)
            return self._do("insert_winners", names)

    def _replace(
        self, names: Mapping[str, str], kids: Mapping[str, pl.DataFrame], *, newer: int
    ) -> None:
        if newer:
            self._do(f"{self.folder}/remove", names)
        self._do("insert_winners", names)
        for child, rows in kids.items():
            own = {
                **names,
                "child": f'"{child}"',
                "child_columns": _list(frames.schema().columns_of(child)),
            }
            if newer:
                self._do("clear_children", own)
            if rows.height:
                self._insert_children(rows, own)

    def _do(self, name: str, names: Mapping[str, str]) -> int:
        """Run a statement of `sql/store/`, its names in braces filled from the schema."""
        text = statement(f"store/{name}").format_map(names)
        return self._run(f"sql/store/{name}.sql ({names['table']})", text, {})

    def _may_write(self, what: str) -> None:
        if self._read_only:
            raise OmsError(f"{what}: this session is read-only")


def _checked(name: str) -> str:
    if (
        not _FRAME_NAME.fullmatch(name)
        or name in frames.schema().METADATA.tables
        or name in _OWN_NAMES
    ):
        raise OmsError(f"frame {name!r}: choose a name such as tmp_lines")
    return name


def _child(table: str, child: str) -> str:
    if frames.schema().METADATA.tables[child].info["parent"] != table:
        raise Malformed(f"{child}: not a child table of {table}")
    return child


def names_of(table: str) -> dict[str, str]:
    """Return what the braces of `sql/store/` statements stand for, from the schema alone."""
    columns, key = frames.schema().columns_of(table), frames.schema().key_of(table)
    rest = [c for c in columns if c not in key]
    same = {
        f"{a}_is_{b}": " AND ".join(f'{a}."{k}" = {b}."{k}"' for k in key)
        for a, b in ("ti", "tv", "tf", "vi", "fi")
    }
    return {
        **same,
        "table": f'"{table}"',
        "columns": _list(columns),
        "i_key": ", ".join(f'i."{k}"' for k in key),
        "t_key": ", ".join(f't."{k}"' for k in key),
        "sums": ", ".join(f'"{c}" = t."{c}" + i."{c}"' for c in rest),
        "differs": " OR ".join(f't."{c}" IS DISTINCT FROM i."{c}"' for c in rest) or "false",
    }


def _list(columns: tuple[str, ...]) -> str:
    return ", ".join(f'"{c}"' for c in columns)
