"""Shopify's answers cut into records, in every form they are met in.

GraphQL pages and single answers (`data.orders`, `data.order`, `data.node`, `data.return`), with
connections as `nodes` or as `edges`; files of bulk operations, a JSON object a line, whose
children name their `__parentId`; REST pages and single orders; recorded exchanges.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from oms_pipelines.config import Channel
from oms_pipelines.elements import NOT_JSON, elements, loose_elements, unmarked
from oms_pipelines.errors import Malformed

_EDGES, _EDGES_KEY = b'"edges"', re.compile(rb'"edges"\s*:')
_LISTS = (("data", "orders", "nodes"), ("orders",))
# bulk operations tell these as lists
_CONNECTIONS = {
    "lineItems",
    "fulfillmentOrders",
    "fulfillmentLineItems",
    "refundLineItems",
    "shippingLines",
    "returnLineItems",
}
# what a line of a bulk file is to its parent, by the resource its id names
_CHILDREN = {
    "LineItem": "lineItems",
    "FulfillmentOrder": "fulfillmentOrders",
    "Return": "returns",
    "ReturnLineItem": "returnLineItems",
    "UnverifiedReturnLineItem": "returnLineItems",
}


def records(stream: str, body: bytes, settings: Channel, profiles: dict[str, Any]) -> Iterable[Any]:
    """Cut a page into orders, or into returns, each with what it needs of its order.

    Raises Malformed when the page is no JSON, or of another resource.
    """
    body = unmarked(body)
    edges = has_edges(body)
    if stream == "orders" and not edges:
        for path in _LISTS:
            cut = elements(body, *path)
            if cut is not None:
                return cut
    try:
        page = orjson.loads(body)
        with_lists = stream == "orders" or edges
        nodes = _nodes(_connected(page) if with_lists else page)
    except orjson.JSONDecodeError:
        nodes = _several(body)
    except RecursionError:
        raise Malformed("nested too deeply to be an answer of the API; fetch it again") from None
    if stream == "orders":
        return nodes
    return [record for node in nodes for record in one_each(node)]


def has_edges(body: bytes) -> bool:
    """Tell whether a connection of a page is one of `edges`."""
    return _EDGES in body and _EDGES_KEY.search(body) is not None


def one_each(node: Any) -> Iterator[Any]:
    """Yield an order once for each of its returns, with that return alone."""
    returns = node.get("returns") if isinstance(node, dict) else None
    if isinstance(returns, list):
        yield from ({**node, "returns": [one]} for one in returns)
    elif isinstance(returns, dict) and isinstance(returns.get("nodes"), list):
        for one in returns["nodes"]:
            yield {**node, "returns": {**returns, "nodes": [one]}}
    else:
        yield node


def _nodes(page: Any) -> list[Any]:
    if isinstance(page, list):
        return page
    if not isinstance(page, dict):
        return [page]
    if "response_body" in page and isinstance(page["response_body"], dict):
        return _nodes(page["response_body"])
    if isinstance(page.get("data"), dict):
        found = _answered(page["data"])
        if found is not None:
            return found
    if isinstance(page.get("orders"), list):
        return page["orders"]
    if isinstance(page.get("order"), dict) and "id" not in page:
        return [page["order"]]
    if "errors" in page or "data" in page:
        raise Malformed("not orders: data.orders.nodes is missing, the API answered an error")
    if page and "id" not in page and all(isinstance(v, (dict, list)) for v in page.values()):
        raise Malformed("not an order: id and lineItems are missing, it is another resource")
    if str(page.get("id")).startswith("gid://") and "/Order/" not in str(page["id"]):
        raise Malformed("not an order: its id names another resource")
    return [page]


def _answered(data: dict[str, Any]) -> list[Any] | None:
    """Return the orders of a GraphQL answer, None where it holds none."""
    orders, one, back = data.get("orders"), data.get("order", data.get("node")), data.get("return")
    if isinstance(orders, dict):
        orders = orders.get("nodes")
    if isinstance(orders, list):
        return orders
    if isinstance(data.get("nodes"), list):
        return data["nodes"]
    if isinstance(back, dict) and isinstance(back.get("order"), dict):
        return [{**back["order"], "returns": [back]}]
    return _nodes(one) if isinstance(one, dict) else None


def _connected(value: Any) -> Any:
    """Return what was parsed with each connection as one of `nodes`, be it `edges` or a list."""
    if isinstance(value, list):
        return [_connected(x) for x in value]
    if not isinstance(value, dict):
        return value
    found = {key: _connected(x) for key, x in value.items()}
    for key in _CONNECTIONS & found.keys():
        if isinstance(found[key], list):
            found[key] = {"nodes": found[key]}
    edges = found.get("edges")
    if isinstance(edges, list) and "nodes" not in found:
        found["nodes"] = [x.get("node") if isinstance(x, dict) else x for x in edges]
        del found["edges"]
    return found


def _several(body: bytes) -> list[Any]:
    """Return the records of a text that is no JSON as a whole: a bulk file, or a list in which
    one element is broken. Raises Malformed.
    """
    for path in ((), *_LISTS):
        found = loose_elements(body, *path)
        if found is not None:
            return [_connected(_loaded(x)) for x in found]
    lines = [line for line in body.splitlines() if line.strip()]
    if len(lines) < 2 or not all(line.lstrip().startswith(b"{") for line in lines):
        raise Malformed(NOT_JSON)
    try:
        return _bulk([orjson.loads(line) for line in lines])
    except orjson.JSONDecodeError:
        raise Malformed("a line of the bulk file is not JSON: it is cut; fetch it again") from None


def _loaded(element: bytes) -> Any:
    try:
        return orjson.loads(element)
    except orjson.JSONDecodeError:
        return element


def _bulk(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the orders of a bulk file, with the lines that name them as their parent."""
    by_id = {row["id"]: row for row in rows if "id" in row}
    orders = []
    for row in rows:
        if "__parentId" not in row:
            orders.append(row)
            continue
        parent = by_id.get(row["__parentId"])
        if parent is None:
            raise Malformed("a line of the bulk file has no parent: it is cut; fetch it again")
        name = _CHILDREN.get(str(row.get("id")).removeprefix("gid://shopify/").split("/")[0])
        if name is not None:
            parent.setdefault(name, []).append(row)
    return _connected(orders)
