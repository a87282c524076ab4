"""A fast server for benchmarks: Shopify-shaped orders, rendered beforehand, by cursor.

`orders` are spaced evenly from a first moment on, 2.2 lines each on average, and every one
differs. A page is what the query's `updated_at` bounds, `first` (250 at most) and `after`
ask for; the selection is not looked at, all fields the hub reads are sent. It runs in a
process of its own, so that it takes no time from what is measured.
"""

import asyncio
import base64
import json
import re
import subprocess
import sys
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import orjson
import uvicorn

from oms_pipelines.sandbox.people import Person, person
from oms_pipelines.sandbox.server import HOST, listen

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
APART = timedelta(seconds=30)
LARGEST = 250
COUNTRIES = ("FR", "GB", "DE", "ES", "BE")
COST = {
    "cost": {
        "requestedQueryCost": 500,
        "actualQueryCost": 500,
        "throttleStatus": {
            "maximumAvailable": 20_000.0,
            "currentlyAvailable": 19_500,
            "restoreRate": 1_000.0,
        },
    }
}
_END = {"hasNextPage": False, "endCursor": None}
_BOUND = re.compile(r"updated_at:(>=|<=|>|<)'?([^'\s]+)")


def moment(n: int) -> datetime:
    """Return when the n-th order was last changed."""
    return FIRST + n * APART


def _money(cents: int) -> dict[str, Any]:
    return {"shopMoney": {"amount": f"{cents / 100:.2f}", "currencyCode": "EUR"}}


_ALIKE = {
    "closedAt": None,
    "cancelledAt": None,
    "cancelReason": None,
    "test": False,
    "confirmed": True,
    "sourceName": "web",
    "currencyCode": "EUR",
    "presentmentCurrencyCode": "EUR",
    "taxesIncluded": True,
    "displayFinancialStatus": "PAID",
    "displayFulfillmentStatus": "UNFULFILLED",
    "phone": None,
    "customAttributes": [],
    "retailLocation": None,
    "shippingLine": {"title": "Standard", "code": "standard"},
    "totalDiscountsSet": _money(0),
    "totalRefundedSet": _money(0),
    "fulfillmentOrders": {"pageInfo": _END, "nodes": []},
    "fulfillments": [],
    "refunds": [],
}


def _address(who: Person) -> dict[str, Any]:
    return {
        "name": who.name,
        "company": who.company or None,
        "address1": who.street,
        "address2": who.street2 or None,
        "zip": who.postal_code,
        "city": who.city,
        "provinceCode": None,
        "countryCodeV2": who.country,
        "phone": who.phone,
        "latitude": None,
        "longitude": None,
    }


def _line(random: Random, n: int, k: int) -> tuple[dict[str, Any], int]:
    price, quantity = random.randint(300, 9900), random.choice((1, 1, 1, 2, 3))
    sku = f"SKU-{random.randrange(5000):04d}"
    line = {
        "id": f"gid://shopify/LineItem/{n * 10 + k}",
        "sku": sku,
        "name": f"Article {sku}",
        "quantity": quantity,
        "currentQuantity": quantity,
        "unfulfilledQuantity": quantity,
        "nonFulfillableQuantity": 0,
        "requiresShipping": True,
        "isGiftCard": False,
        "lineItemGroup": None,
        "originalUnitPriceSet": _money(price),
        "discountAllocations": [],
        "taxLines": [{"priceSet": _money(price * quantity // 6)}],
    }
    return line, price * quantity


def order(n: int, random: Random, people: Sequence[Person]) -> dict[str, Any]:
    """Return the n-th order as the Admin API shows it."""
    who = random.choice(people)
    built = [_line(random, n, k) for k in range(random.choice((1, 1, 2, 2, 3, 4)))]
    goods = sum(cents for _, cents in built)
    at = moment(n).isoformat().replace("+00:00", "Z")
    number = 1_000_000 + n
    return {
        "id": f"gid://shopify/Order/{number}",
        "legacyResourceId": str(number),
        "name": f"#{number}",
        "createdAt": at,
        "processedAt": at,
        "updatedAt": at,
        **_ALIKE,
        "customerLocale": who.language,
        "email": who.email,
        "shippingAddress": _address(who),
        "totalPriceSet": _money(goods + 490),
        "currentTotalPriceSet": _money(goods + 490),
        "totalTaxSet": _money((goods + 490) // 6),
        "totalShippingPriceSet": _money(490),
        "lineItems": {"pageInfo": _END, "nodes": [line for line, _ in built]},
    }


class Bulk:
    """Orders in memory, and the pages of them."""

    def __init__(self, count: int):
        random = Random(1)
        people = [person(random, random.choice(COUNTRIES)) for _ in range(500)]
        self.rendered = [orjson.dumps(order(n, random, people)) for n in range(count)]
        self.tail = b"," + orjson.dumps({"extensions": COST})[1:]

    def page(self, wish: dict[str, Any]) -> bytes:
        """Return the page a GraphQL request asks for, as JSON."""
        variables = wish.get("variables") or {}
        query = variables.get("query") or ""
        low, high = self._bounds(query)
        if "return_status" in query:
            low = high
        if variables.get("after"):
            low = max(low, int(base64.b64decode(variables["after"])) + 1)
        end = max(low, min(low + min(int(variables.get("first") or LARGEST), LARGEST), high))
        more = end < high
        cursor = base64.b64encode(str(end - 1).encode()).decode() if end > low else None
        info = orjson.dumps({"hasNextPage": more, "endCursor": cursor})
        nodes = b",".join(self.rendered[low:end])
        head = b'{"data":{"orders":{"pageInfo":' + info + b',"nodes":['
        return b"".join((head, nodes, b"]}}", self.tail))

    def _bounds(self, query: str) -> tuple[int, int]:
        low, high = 0, len(self.rendered)
        for op, text in _BOUND.findall(query):
            at = datetime.fromisoformat(text)
            first = bisect_left(range(len(self.rendered)), at, key=moment)
            after = first + (first < len(self.rendered) and moment(first) == at)
            if op[0] == ">":
                low = max(low, first if op == ">=" else after)
            else:
                high = min(high, after if op == "<=" else first)
        return low, max(low, high)

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            part = await receive()
            body, more = body + part.get("body", b""), part.get("more_body", False)
        page = self.page(orjson.loads(body or b"{}"))
        headers = [(b"content-type", b"application/json"),
                   (b"content-length", str(len(page)).encode())]  # fmt: skip
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": page})


@contextmanager
def serving(orders: int = 50_000) -> Generator[str]:
    """Serve that many orders in a process of its own; give its URL, the shop's `url`."""
    command = [sys.executable, "-m", "oms_pipelines.sandbox.bulk", str(orders)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        yield json.loads(child.stdout.readline())["url"]
    finally:
        child.terminate()
        child.wait(30)


def main(count: int) -> None:
    """Serve in front, on a free port told in the first line of output."""
    bulk = Bulk(count)
    socket = listen(0)
    server = uvicorn.Server(
        uvicorn.Config(bulk, log_level="warning", access_log=False, lifespan="off")
    )
    print(json.dumps({"url": f"http://{HOST}:{socket.getsockname()[1]}"}), flush=True)
    asyncio.run(server.serve(sockets=[socket]))


if __name__ == "__main__":
    main(int(sys.argv[1]))
