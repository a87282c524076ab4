"""Search terms and pages as the GraphQL Admin API has them.

A query is terms joined by AND, such as `updated_at:>='2026-03-01T00:00:00Z'`; terms joined by
OR hold when one does; `-` turns a term round. Terms nobody knows are ignored, as there.
"""

import base64
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import orjson

from oms_pipelines.sandbox.graphql import Refused
from oms_pipelines.sandbox.truth import Order

LARGEST = 250
_TERM = re.compile(r"""(-?)(\w+):(>=|<=|>|<|=)?("[^"]*"|'[^']*'|[^\s()]+)""")
_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    "=": lambda a, b: a == b,
}
_MOMENTS = {"updated_at": "updated", "created_at": "placed", "processed_at": "placed"}


def terms(query: str | None) -> list[tuple[bool, str, str, str]]:
    """Return (negated, field, operator, value) of each term."""
    found = _TERM.findall(query or "")
    return [(bool(no), name, op or "=", value.strip("'\"")) for no, name, op, value in found]


def wanted(query: str | None) -> Callable[[Order], bool]:
    """Return the test a query makes of an order."""
    tests = []
    for negated, name, op, value in terms(query):
        test = _test(name, op, value)
        if test:
            tests.append((negated, test))
    anyone = " OR " in (query or "")

    def holds(order: Order) -> bool:
        results = (test(order) != negated for negated, test in tests)
        return (any(results) if anyone else all(results)) if tests else True

    return holds


def _test(name: str, op: str, value: str) -> Callable[[Order], bool] | None:
    compare = _TESTS[op]
    if name in _MOMENTS:
        moment = datetime.fromisoformat(value if "T" in value else f"{value}T00:00:00Z")
        return lambda order: compare(getattr(order, _MOMENTS[name]), moment)
    if name == "id":
        return lambda order: compare(order.id, int(value.rsplit("/", 1)[-1]))
    if name == "name":
        return lambda order: f"#{order.id}" == f"#{value.lstrip('#')}"
    if name == "status" and value == "cancelled":
        return lambda order: order.state == "canceled"
    if name == "financial_status":
        return lambda order: order.payment == value
    if name == "return_status" and value == "no_return":
        return lambda order: not order.returns
    return None


def _cursor(key: Any) -> str:
    return base64.b64encode(orjson.dumps(key)).decode()


def _size(args: dict[str, Any]) -> int:
    size = args.get("first") if args.get("first") is not None else args.get("last")
    if size is None:
        raise Refused([{"message": "you must provide one of first or last"}])
    if not 0 <= size <= LARGEST:
        text = f"first cannot exceed {LARGEST}"
        raise Refused([{"message": text, "extensions": {"code": "BAD_USER_INPUT"}}])
    return size


def connection(
    items: list[Any], args: dict[str, Any], key: Callable[[int, Any], Any] | None = None
) -> dict[str, Any]:
    """Return a page of items after a cursor, as nodes, edges and pageInfo.

    `key` gives what a cursor remembers of an item (its place in the order); without it the
    cursor counts. Items must come in the order of their keys.
    """
    keyed = [(list(key(n, x)) if key else [n], x) for n, x in enumerate(items)]
    if args.get("reverse"):
        keyed.reverse()
    start = 0
    if args.get("after"):
        seen = orjson.loads(base64.b64decode(args["after"]))
        passed = [k >= seen if args.get("reverse") else k <= seen for k, _ in keyed]
        start = sum(passed)
    page = keyed[start : start + _size(args)]
    more = start + len(page) < len(keyed)
    return {
        "nodes": [x for _, x in page],
        "edges": [{"cursor": _cursor(k), "node": x} for k, x in page],
        "pageInfo": {
            "hasNextPage": more,
            "hasPreviousPage": start > 0,
            "startCursor": _cursor(page[0][0]) if page else None,
            "endCursor": _cursor(page[-1][0]) if page else None,
        },
    }
