"""A Shopify shop: the GraphQL Admin API, with calculated costs and a leaky bucket.

Source: shopify.dev, GraphQL Admin API reference and rate limits. From version 2026-04 on
inventorySetQuantities wants an idempotency key and `changeFromQuantity`; before that,
`compareQuantity` or `ignoreCompareQuantity`. Its quantities take effect all together or not
at all.
"""

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oms_pipelines.sandbox import shop as shops
from oms_pipelines.sandbox.graphql import Refused, Run, Server
from oms_pipelines.sandbox.network import SECRETS
from oms_pipelines.sandbox.shopify_more import FULFILLING, GIVEN_BACK, stocked
from oms_pipelines.sandbox.shopify_query import connection, terms, wanted
from oms_pipelines.sandbox.shopify_shapes import (
    LINE,
    LOCATION,
    MONEY,
    ORDER,
    PLAIN,
    connections,
    gid,
    plain,
    returns_of,
)
from oms_pipelines.sandbox.shopify_writes import Writes
from oms_pipelines.sandbox.truth import last_number
from oms_pipelines.sandbox.web import Answer, Call, answer, retry_after

if TYPE_CHECKING:
    from oms_pipelines.sandbox.world import World

SHOP = "shop_com"
BUCKET, RESTORE, DEAREST = 20_000.0, 1_000.0, 1_000
SDL = (Path(__file__).parent / "shopify.graphql").read_text(encoding="utf-8")
LIMITS = "https://shopify.dev/api/usage/rate-limits"
SORT = {"UPDATED_AT": "updated", "ID": "id"}


class Shopify:
    """One shop's API. The bucket is refilled by real time, as calls come in real time."""

    def __init__(self, world: "World"):
        self.world = world
        self.shop = world.truth.shops[SHOP]
        self.points, self.filled = BUCKET, time.monotonic()
        self.numbers = dict(enumerate(self.shop.offers, 7001))
        self.items = {sku: (n, sku) for n, sku in self.numbers.items()}
        writes = Writes(world, self.shop, self.items)
        types = re.findall(r"^type (\w+)", SDL, re.M)
        self.server = Server(
            SDL,
            {
                **connections(types), **PLAIN, **MONEY, **FULFILLING, **GIVEN_BACK,
                **stocked(world, SHOP), **writes.table(),
                "Order": ORDER, "LineItem": LINE, "QueryRoot": self._roots(),
                "Shop": plain(
                    id=lambda _: gid("Shop", 1), name=lambda _: "Sandbox",
                    email=lambda _: "shop@example.com", currencyCode=lambda _: self.shop.currency,
                    myshopifyDomain=lambda _: "sandbox.example.com",
                    ianaTimezone=lambda _: "Europe/London", taxesIncluded=lambda _: True,
                ),
            },
        )  # fmt: skip

    def serve(self, world: "World", call: Call) -> Answer:
        """Answer one call."""
        match = re.fullmatch(r"/admin/api/([\w-]+)/graphql\.json", call.path)
        if match is None or call.method != "POST":
            return answer({"errors": "Not Found"}, 404)
        if call.headers.get("x-shopify-access-token") != SECRETS["SHOPIFY_TOKEN"]:
            text = "[API] Invalid API key or access token (unrecognized login or wrong password)"
            return answer({"errors": text}, 401)
        wish = call.json()
        if not isinstance(wish, dict) or not isinstance(wish.get("query"), str):
            return answer({"errors": {"query": "Required parameter missing or invalid"}}, 400)
        try:
            run = self.server.prepare(
                wish["query"], wish.get("variables") or {}, wish.get("operationName")
            )
            return self._run(run, match[1])
        except Refused as e:
            return answer({"errors": e.errors})

    def _run(self, run: Run, version: str) -> Answer:
        cost = run.cost()
        if cost > DEAREST:
            text = f"Query cost is {cost}, which exceeds the single query max cost limit"
            fault = {"code": "MAX_COST_EXCEEDED", "cost": cost, "maxCost": DEAREST}
            raise Refused([{"message": f"{text} ({DEAREST}).", "extensions": fault}])
        self._refill()
        if cost > self.points:
            return answer(self.throttled(cost))
        self.shop.keys["version"] = version
        before = self.shop.keys.get("writes", 0)
        data = run.data()
        actual = max(1, min(cost, 10 if run.writes else cost))
        self.points -= actual
        body = {"data": data, "extensions": self._extensions(cost, actual)}
        return answer(body, changed=self.shop.keys.get("writes", 0) != before)

    def _refill(self) -> None:
        now = time.monotonic()
        self.points = min(BUCKET, self.points + (now - self.filled) * RESTORE)
        self.filled = now

    def _extensions(self, cost: int, actual: int | None) -> dict[str, Any]:
        status = {
            "maximumAvailable": BUCKET,
            "currentlyAvailable": int(self.points),
            "restoreRate": RESTORE,
        }
        told = {"requestedQueryCost": cost, "actualQueryCost": actual, "throttleStatus": status}
        return {"cost": told}

    def throttled(self, cost: int) -> dict[str, Any]:
        """Return what a caller without points is told."""
        fault = {"code": "THROTTLED", "documentation": LIMITS}
        errors = [{"message": "Throttled", "extensions": fault}]
        return {"errors": errors, "extensions": self._extensions(cost, None)}

    def refuse(self, status: int, fault: dict[str, Any]) -> Answer:
        """Answer as the platform does when it is busy: throttled answers are 200, or 429."""
        if status == 429:
            given = answer(self.throttled(10), fault.get("status", 200))
            given.headers |= retry_after(fault)
            return given
        return answer({"errors": "Internal Server Error"}, status)

    def _roots(self) -> dict[str, Any]:
        def number(args: dict[str, Any]) -> int:
            return last_number(args["id"])

        return {
            "shop": lambda _, args: {},
            "order": lambda _, args: self.shop.orders.get(number(args)),
            "orders": lambda _, args: self._orders(args),
            "node": lambda _, args: self._node(args["id"]),
            "nodes": lambda _, args: [self._node(x) for x in args["ids"]],
            "fulfillmentOrder": lambda _, args: self.shop.orders.get(number(args)),
            "return": lambda _, args: (self._node(args["id"]) or (None, None))[1],
            "fulfillment": lambda _, args: (self._node(args["id"]) or (None, None))[1],
            "location": lambda _, args: args if args.get("id", LOCATION) == LOCATION else None,
            "locations": lambda _, args: connection([{}], args),
            "inventoryItem": lambda _, args: self.items.get(self.numbers.get(number(args), "")),
            "inventoryItems": lambda _, args: self._items(args),
            "productVariants": lambda _, args: self._items(args),
        }

    def _orders(self, args: dict[str, Any]) -> dict[str, Any]:
        test = wanted(args.get("query"))
        field = SORT.get(args.get("sortKey") or "PROCESSED_AT", "placed")
        found = [x for x in shops.visible(self.shop, self.world.now) if test(x)]
        found.sort(key=lambda x: (getattr(x, field), x.id))
        page = connection(found, args, lambda _, x: (str(getattr(x, field)), x.id))
        page["nodes"] = self.world.faults.page(SHOP, page["nodes"])
        self.shop.served.update(x.id for x in page["nodes"])
        return page

    def _items(self, args: dict[str, Any]) -> dict[str, Any]:
        asked = {value for _, name, _, value in terms(args.get("query")) if name == "sku"}
        found = [self.items[x] for x in asked if x in self.items] if asked else self.items.values()
        return connection(sorted(found), args)

    def _node(self, identifier: str) -> tuple[str, Any] | None:
        kind, number = identifier.split("/")[-2], last_number(identifier)
        if kind in ("Order", "FulfillmentOrder"):
            order = self.shop.orders.get(number)
            return (kind, order) if order else None
        if kind == "InventoryItem" and number in self.numbers:
            return kind, self.items[self.numbers[number]]
        if kind == "Location" and identifier == LOCATION:
            return kind, {}
        for order in self.shop.orders.values():
            parts = {
                "Fulfillment": [(order, x) for x in order.trackings],
                "Refund": [(order, x) for x in order.refunds],
                "Return": returns_of(order),
            }
            for pair in parts.get(kind, []):
                if pair[1].id == number:
                    return kind, pair
        return None
