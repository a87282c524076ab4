"""A small WooCommerce shop for tests: routes, paging, filters, errors, and its own doubts."""

import base64
import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from oms_pipelines.config import Channel

SECRET = "cs_invented"
_ROUTE = re.compile(r"^/shop/wp-json(?P<space>/wc/v3|/wc-ext/v3)/(?P<route>.*)$")


@dataclass
class Shop:
    """What the shop has, what it was asked, and how it misbehaves."""

    orders: list[dict[str, Any]] = field(default_factory=list)
    refunds: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    products: list[dict[str, Any]] = field(default_factory=list)
    trackings: dict[int, list[dict[str, Any]]] | None = None  # None: no extension
    notes: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    ignores_modified_after: bool = False
    before_page: dict[int, Any] = field(default_factory=dict)  # page -> what happens first
    broken_pages: dict[int, bytes] = field(default_factory=dict)
    repeats: dict[int, int] = field(default_factory=dict)  # page -> the page served in its place
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    unsigned: int = 0

    def serve(self, server: HTTPServer) -> str:
        server.expect_request(re.compile(".*")).respond_with_handler(self.answer)
        return server.url_for("/shop").rstrip("/")

    def answer(self, request: Request) -> Response:
        params = dict(parse_qsl(request.query_string.decode(), keep_blank_values=True))
        if not _signed(request, params):
            self.unsigned += 1
            return _json({"code": "woocommerce_rest_cannot_view", "data": {"status": 401}}, 401)
        found = _ROUTE.match(request.path)
        route = found["route"] if found else ""
        self.asked.append((request.method, route, params))
        if route == "orders":
            return self._orders(params)
        if route.startswith("orders/"):
            return self._order(request, route.split("/"))
        if route.startswith("products"):
            return self._products(request, route, params)
        return _no_route()

    def _orders(self, params: dict[str, str]) -> Response:
        page = int(params["page"]) if "page" in params else 1
        if page in self.before_page:
            self.before_page.pop(page)(self)
        status = params.get("status", "any")
        found = [
            o
            for o in self.orders
            if (o["status"] != "trash" if status == "any" else o["status"] == status)
        ]
        if not self.ignores_modified_after:
            low, high = params.get("modified_after", ""), params.get("modified_before", "9")
            found = [o for o in found if low < o["date_modified_gmt"] < high]
        found = [o for o in found if o["date_created_gmt"] > params.get("after", "")]
        answer = _paged(sorted(found, key=lambda o: o["id"]), page, int(params["per_page"]))
        if page in self.broken_pages:
            answer.data = self.broken_pages[page]
        if page in self.repeats:
            answer.data = _paged(found, self.repeats.pop(page), int(params["per_page"])).data
        return answer

    def _order(self, request: Request, parts: list[str]) -> Response:
        order = next((o for o in self.orders if o["id"] == int(parts[1])), None)
        what = parts[2] if len(parts) > 2 else ""
        if order is None or (what == "shipment-trackings" and self.trackings is None):
            code = "woocommerce_rest_shop_order_invalid_id" if order is None else "rest_no_route"
            return _json({"code": code, "data": {"status": 404}}, 404)
        if what == "refunds":
            return _paged(self.refunds.get(order["id"], []), int(request.args["page"]), 100)
        if what:
            kept = self.notes if what == "notes" else self.trackings
            assert kept is not None
            listed = kept.setdefault(order["id"], [])
            if request.method == "POST":
                listed.append(json.loads(request.data))
                return _json(listed[-1], 201)
            return _json(listed)
        if request.method == "PUT":
            change = json.loads(request.data)
            order.setdefault("meta_data", []).extend(change.pop("meta_data", []))
            order.update(change)
        return _json(order)

    def _products(self, request: Request, route: str, params: dict[str, str]) -> Response:
        if route == "products":
            found = self.products
            if "sku" in params:
                wanted = [s.lower() for s in params["sku"].split(",")]  # MySQL's collation
                found = [p for p in found if p["sku"].lower() in wanted]
            if "include" in params:
                found = [p for p in found if str(p["id"]) in params["include"].split(",")]
            return _paged(found, int(params["page"]), 100)
        parts = route.split("/")
        parent = int(parts[1]) if parts[1] != "batch" else None
        answered = [self._updated(x, parent) for x in json.loads(request.data)["update"]]
        return _json({"update": answered})

    def _updated(self, change: dict[str, Any], parent: int | None) -> dict[str, Any]:
        product = next((p for p in self.products if p["id"] == change["id"]), None)
        if product is None or product.get("refuses") or product.get("parent_id") != parent:
            error = {"code": "woocommerce_rest_product_invalid_id", "message": "Invalid ID."}
            return {"id": change["id"], "error": error}
        product.update(change)
        return dict(product)


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    body = value if isinstance(value, bytes) else json.dumps(value)
    return Response(body, status, headers, content_type="application/json; charset=UTF-8")


def _no_route() -> Response:
    return _json({"code": "rest_no_route", "message": "No route", "data": {"status": 404}}, 404)


def _paged(rows: list[Any], page: int, size: int) -> Response:
    headers = {"X-WP-Total": str(len(rows)), "X-WP-TotalPages": str(-(-len(rows) // size))}
    return _json(rows[(page - 1) * size : page * size], headers=headers)


def _signed(request: Request, params: dict[str, str]) -> bool:
    """Check the signature as the shop's own PHP does, apart from the adapter's code."""
    given = params.pop("oauth_signature", None)
    pairs = sorted((quote(k, safe="~"), quote(v, safe="~")) for k, v in params.items())
    joined = "%26".join(quote(f"{k}={v}", safe="~") for k, v in pairs)
    text = f"{request.method}&{quote(request.base_url, safe='~')}&{joined}"
    mac = hmac.new(f"{SECRET}&".encode(), text.encode(), hashlib.sha256).digest()
    return given == base64.b64encode(mac).decode()


def settings(url: str, **more: Any) -> Channel:
    env = {"WOO_KEY": "ck_invented", "WOO_SECRET": SECRET}
    data = {
        "id": "shop_fr",
        "system": "woocommerce",
        "url": url,
        "credentials": {"key": "env:WOO_KEY", "secret": "env:WOO_SECRET"},
        "time_zone": "Europe/Paris",
        **more,
    }
    return Channel.model_validate(data, context={"env": env})


def order(number: int, modified: str = "2026-03-02T10:00:00", **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "status": "processing",
        "currency": "EUR",
        "date_created_gmt": "2026-03-02T09:00:00",
        "date_modified_gmt": modified,
        "line_items": [],
        "refunds": [],
        **more,
    }
