"""A small Shopify shop for tests: answers by operation, as they were laid out."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from oms_pipelines.channels import shopify
from oms_pipelines.channels._shopify_graphql import document
from oms_pipelines.config import parse
from oms_pipelines.http import Fetcher, header_auth

TOKEN = "shpat_invented"
JSON = "application/json; charset=utf-8"
COST: dict[str, Any] = {
    "requestedQueryCost": 100,
    "actualQueryCost": 40,
    "throttleStatus": {"maximumAvailable": 2000.0, "currentlyAvailable": 1900, "restoreRate": 50.0},
}


@dataclass
class Clock:
    """Time that passes only while someone sleeps."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class Shop:
    """Answers by operation, in order; a callable is given the variables."""

    answers: dict[str, deque[Any]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)
    url: str = ""

    def serve(self, server: HTTPServer) -> "Shop":
        path = "/admin/api/2026-07/graphql.json"
        server.expect_request(path, method="POST").respond_with_handler(self.answer)
        self.url = server.url_for("/")
        return self

    def connect(
        self, token: str = TOKEN, tell_customer: bool = True, **options: Any
    ) -> shopify.Shopify:
        """Return an adapter that asks this shop, and whose sleep costs no time."""
        data = {
            "id": "shop_fr",
            "system": "shopify",
            "url": self.url,
            "credentials": {"token": "env:TOKEN"},
            "tell_customer": tell_customer,
        }
        settings = parse({"channels": [data]}, {"TOKEN": token}).channels[0]
        fetcher = Fetcher(
            "shop_fr",
            auth=header_auth("X-Shopify-Access-Token", token),
            sleep=self.clock.sleep,
            clock=lambda: self.clock.now,
        )
        return shopify.Shopify(settings, shopify.Options(**options), fetcher)

    def on(self, operation: str, *answers: Any) -> "Shop":
        self.answers.setdefault(operation, deque()).extend(answers)
        return self

    def answer(self, request: Request) -> Response:
        if request.headers.get("X-Shopify-Access-Token") != TOKEN:
            return Response('{"errors": "[API] Invalid API key"}', 401, content_type=JSON)
        call = orjson.loads(request.data)
        operation, variables = call["operationName"], call["variables"]
        assert call["query"] == document(operation)
        self.asked.append((operation, variables))
        answer = self.answers[operation].popleft()
        if isinstance(answer, Response):
            return answer
        answer = answer(variables) if isinstance(answer, Callable) else answer
        body = {"data": answer, "extensions": {"cost": COST}} if "errors" not in answer else answer
        return Response(orjson.dumps(body), content_type=JSON)

    def variables(self, operation: str) -> list[dict[str, Any]]:
        return [v for name, v in self.asked if name == operation]


def page(name: str, nodes: list[Any], following: str | None = None) -> dict[str, Any]:
    return {name: connection(nodes, following)}


def connection(nodes: list[Any], following: str | None = None) -> dict[str, Any]:
    return {
        "pageInfo": {"hasNextPage": following is not None, "endCursor": following or "end"},
        "nodes": nodes,
    }


def error(code: str, told: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    extensions = {"code": code, **more}
    return {
        "errors": [{"message": "told to jane@example.com", "extensions": extensions}],
        "extensions": {"cost": told or COST},
    }
