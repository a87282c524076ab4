"""Rules as data: predicates in SQL over orders and locations, checked before they run.

A predicate is one expression over named columns: no subquery, no aggregate, nothing that
asks for the time or rolls dice, so that a plan depends on its inputs alone. It runs in an
in-memory DuckDB without access to anything else; where it fails on a row it does not hold.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import orjson
import polars as pl

from oms_pipelines.config import Oms, Routing

ORDER_COLUMNS = {
    "order_id": "VARCHAR",
    "channel_id": "VARCHAR",
    "priority": "BIGINT",
    "placed_at": "TIMESTAMP",  # UTC, as are the next two
    "promised_at": "TIMESTAMP",
    "as_of": "TIMESTAMP",
    "delivery_mode": "VARCHAR",
    "delivery_choice": "VARCHAR",
    "pickup_location": "VARCHAR",
    "service": "VARCHAR",
    "country": "VARCHAR",
    "postal_code": "VARCHAR",
    "latitude": "DOUBLE",
    "longitude": "DOUBLE",
    "currency": "VARCHAR",
    "several_parcels": "BOOLEAN",
    "lines": "BIGINT",
    "units": "BIGINT",
    "value": "DOUBLE",
    "weight_g": "DOUBLE",
}
LOCATION_COLUMNS = {
    "location_id": "VARCHAR",
    "kind": "VARCHAR",
    "country": "VARCHAR",
    "postal_code": "VARCHAR",
    "latitude": "DOUBLE",
    "longitude": "DOUBLE",
    "capacity": "BIGINT",
    "capacity_left": "BIGINT",
    "cut_off": "VARCHAR",
    "ships": "BOOLEAN",
    "collects": "BOOLEAN",
    "handling_cost": "DOUBLE",
}
_WORDS: dict[str, Collection[str]] = {  # columns that hold these words and no others
    "kind": ("warehouse", "store", "3pl"),
    "delivery_mode": ("home", "pickup_point", "collect"),
    "delivery_choice": ("any", "together", "first_now"),
}
_FORBIDDEN = {
    "SUBQUERY": "a subquery",
    "WINDOW": "a window",
    "PARAMETER": "a parameter",
    "STAR": "a star",
}
_IS_TRUE, _IS_NULL = "coalesce(try(?), false)", "try(?) IS NULL"
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


class _Stream:
    """Let DuckDB scan a Polars frame without a copy, and without pyarrow."""

    def __init__(self, rows: Any):
        self.rows = rows

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self.rows.__arrow_c_stream__(requested_schema)


def _sandbox() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(":memory:", config=_CONFIG)
    con.sql("SET TimeZone = 'UTC'")
    con.sql("SET enable_external_access = false")
    con.sql("SET lock_configuration = true")
    return con


def check_rules(routing: Routing, oms: Oms | None = None) -> list[str]:
    """Return every fault of the rules' predicates, each with its path; none is an empty list.

    With `oms`, a location or a channel that a predicate names must be one of its own.
    """
    words = dict(_WORDS)
    if oms is not None:
        words |= {
            "location_id": [x.id for x in oms.locations],
            "channel_id": [c.id for c in oms.channels],
        }
    with _sandbox() as con:
        pure = {
            str(name)
            for name, impure in con.sql(
                "SELECT function_name, bool_or(function_type NOT IN ('scalar', 'macro') OR "
                "coalesce(stability, 'CONSISTENT') <> 'CONSISTENT') FROM duckdb_functions() "
                "GROUP BY function_name"
            ).fetchall()
            if not impure
        }
        faults = []
        for i, rule in enumerate(routing.rules):
            for field, text, columns in (
                ("when", rule.when, ORDER_COLUMNS),
                ("from", rule.from_, LOCATION_COLUMNS),
            ):
                path = f"routing.rules[{i}].{field}"
                faults += [f"{path}: {f}" for f in _faults(con, text, columns, pure, words)]
        return faults


def columns_named(predicates: Collection[str]) -> list[list[str]]:
    """Return the columns that each predicate (a sound one) names, sorted."""
    with _sandbox() as con:
        return [sorted(set(_columns(_parsed(con, text)))) for text in predicates]


def _columns(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for child in node:
            yield from _columns(child)
    elif isinstance(node, dict):
        if node.get("class") == "COLUMN_REF":
            yield node["column_names"][-1].lower()
        yield from _columns(list(node.values()))


def _parsed(con: duckdb.DuckDBPyConnection, text: str) -> Any:
    answer = con.sql("SELECT json_serialize_sql($q)", params={"q": f"SELECT (\n{text}\n)"})
    return orjson.loads(answer.fetchall()[0][0])


def _faults(
    con: duckdb.DuckDBPyConnection, text: str, columns: dict[str, str], pure: set[str],
    words: Mapping[str, Collection[str]],
) -> list[str]:  # fmt: skip
    """Return what is wrong with one predicate."""
    tree = _parsed(con, text)
    if tree["error"]:
        return [f"not a SQL predicate: {tree['error_message']}"]
    node = tree["statements"][0]["node"]
    chosen = node.get("select_list", [])
    if len(tree["statements"]) > 1 or len(chosen) != 1 or node["from_table"]["type"] != "EMPTY":
        return ["write one SQL predicate, nothing after it"]
    faults = sorted(set(_named_faults(chosen[0], columns, pure)))
    if faults:
        return faults
    row = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in columns.items())
    try:
        kind = con.sql(f"SELECT {row}").select(duckdb.SQLExpression(f"(\n{text}\n)")).types[0]
    except duckdb.Error as e:
        return [str(e).splitlines()[0]]
    if str(kind) != "BOOLEAN":
        return [f"gives {kind}, not true or false"]
    return list(dict.fromkeys(_unknown_words(chosen[0], words)))


def _unknown_words(node: Any, words: Mapping[str, Collection[str]]) -> Iterator[str]:
    """Yield texts that a column is compared with and can never hold."""
    if isinstance(node, list):
        for child in node:
            yield from _unknown_words(child, words)
    if not isinstance(node, dict):
        return
    if node.get("class") == "COMPARISON" or node.get("type") == "COMPARE_IN":
        sides = node.get("children") or [node["left"], node["right"]]
        named = [x["column_names"][-1].lower() for x in sides if x["class"] == "COLUMN_REF"]
        texts = [x["literal"] for x in sides if x["class"] == "CONSTANT"]
        for column in (x for x in named if x in words):
            for text in (x["text"] for x in texts if x["kind"] == "STRING"):
                if text not in words[column]:
                    known = ", ".join(words[column]) or "none"
                    yield f"no {column} is '{text}'; there are {known}"
    yield from _unknown_words(list(node.values()), words)


def _named_faults(node: Any, columns: dict[str, str], pure: set[str]) -> Iterator[str]:
    """Yield what a parsed expression must not hold."""
    if isinstance(node, list):
        for child in node:
            yield from _named_faults(child, columns, pure)
    if not isinstance(node, dict):
        return
    kind = node.get("class")
    if kind in _FORBIDDEN:
        yield f"{_FORBIDDEN[kind]} may not stand in a predicate"
    name = ".".join(node.get("column_names", ()))
    if kind == "COLUMN_REF" and name.lower() not in columns:
        yield f"no column is called {name}; there are {', '.join(columns)}"
    function = node.get("function_name", "")
    if function == "row":
        yield "write one SQL predicate, not a list"
    elif kind == "FUNCTION" and function not in pure and not node.get("is_operator"):
        yield f"{function} cannot be used: a plan must depend on its inputs alone"
    for child in node.values():
        yield from _named_faults(child, columns, pure)


def match(
    orders: pl.DataFrame, locations: pl.DataFrame, routing: Routing
) -> tuple[np.ndarray, np.ndarray]:
    """Return the first rule that matches each order (-1 is none), and rules x locations.

    `orders` and `locations` hold the columns named above; rows stay in order.
    """
    whens = [r.when for r in routing.rules]
    froms = [r.from_ for r in routing.rules]
    with _sandbox() as con:
        holds = _holds(con, orders.select(list(ORDER_COLUMNS)), whens)
        ships = _holds(con, locations.select(list(LOCATION_COLUMNS)), froms)
    first = np.where(holds.any(axis=1), holds.argmax(axis=1), -1)
    return first.astype(np.int32), ships.T


@dataclass(frozen=True)
class Truths:
    """What each predicate is for each row: rules along the second axis."""

    when: np.ndarray  # orders x rules
    when_null: np.ndarray  # orders x rules: null, or it failed
    admits: np.ndarray  # locations x rules
    admits_null: np.ndarray  # locations x rules


def truths(orders: pl.DataFrame, locations: pl.DataFrame, routing: Routing) -> Truths:
    """Return what the predicates are for each order and each location, null apart from false."""
    whens = [r.when for r in routing.rules]
    froms = [r.from_ for r in routing.rules]
    orders, locations = orders.select(list(ORDER_COLUMNS)), locations.select(list(LOCATION_COLUMNS))
    with _sandbox() as con:
        return Truths(
            _holds(con, orders, whens), _holds(con, orders, whens, _IS_NULL),
            _holds(con, locations, froms), _holds(con, locations, froms, _IS_NULL),
        )  # fmt: skip


def _holds(
    con: duckdb.DuckDBPyConnection, frame: pl.DataFrame, predicates: list[str],
    asked: str = _IS_TRUE,
) -> np.ndarray:  # fmt: skip
    """Return rows x predicates: whether each is true (null and failure are not), or is null."""
    con.register("subjects", _Stream(frame.with_row_index("row_number")))
    columns = [
        duckdb.SQLExpression(asked.replace("?", f"(\n{text}\n)")).alias(f"p{i}")
        for i, text in enumerate(predicates)
    ]
    chosen = con.table("subjects").select(duckdb.ColumnExpression("row_number"), *columns)
    answer = {name: np.asarray(values) for name, values in chosen.fetchnumpy().items()}
    con.unregister("subjects")
    holds = np.empty((len(frame), len(predicates)), dtype=bool)
    for i in range(len(predicates)):
        holds[answer["row_number"], i] = answer[f"p{i}"]
    return holds
