"""A small Mirakl operator for tests: one shop's orders, offers, shipments and imports."""

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import orjson
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from oms_pipelines.channels import mirakl
from oms_pipelines.config import parse

KEY = "key-invented"


def reply(body: Any, status: int = 200, **headers: str) -> Response:
    return Response(orjson.dumps(body), status, headers, content_type="application/json")


def refused(code: str, status: int = 400) -> Response:
    error = {"code": code, "message": "about jane@example.com"}
    return reply({"status": status, "message": "about jane@example.com", "errors": [error]}, status)


@dataclass
class Operator:
    """What the operator has, what it was asked, and how it misbehaves."""

    orders: list[dict[str, Any]] = field(default_factory=list)
    returns: list[dict[str, Any]] = field(default_factory=list)
    shipments: list[dict[str, Any]] = field(default_factory=list)
    offers: dict[str, int] = field(default_factory=dict)
    unknown_skus: set[str] = field(default_factory=set)
    import_states: list[str] = field(default_factory=lambda: ["COMPLETE"])
    report_names_skus: bool = True
    before_offset: dict[int, Callable[["Operator"], Any]] = field(default_factory=dict)
    instead: dict[str, list[Response]] = field(default_factory=dict)  # "PUT /orders/1/ship" -> ...
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    now: float = 0.0
    url: str = ""

    def serve(self, server: HTTPServer) -> "Operator":
        server.expect_request(re.compile("/api/.*")).respond_with_handler(self.answer)
        self.url = server.url_for("/")
        return self

    def connect(self, key: str = KEY, **options: Any) -> mirakl.Mirakl:
        """Return an adapter that asks this operator, and whose sleep costs no time."""
        data = {
            "id": "market",
            "system": "mirakl",
            "url": self.url,
            "credentials": {"key": "env:KEY"},
        }
        settings = parse({"channels": [data]}, {"KEY": key}).channels[0]
        return mirakl.Mirakl(
            settings, mirakl.Options(**options), sleep=self.sleep, clock=lambda: self.now
        )

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def writes(self) -> list[str]:
        return [f"{method} {path}" for method, path, _ in self.asked if method != "GET"]

    def answer(self, request: Request) -> Response:
        if request.headers.get("Authorization") != KEY:
            return refused("UNAUTHORIZED", 401)
        path = request.path.removeprefix("/api")
        params = {k: v[0] for k, v in parse_qs(request.query_string.decode()).items()}
        self.asked.append((request.method, path, params))
        waiting = self.instead.get(f"{request.method} {path}")
        if waiting:
            return waiting.pop(0)
        step = f"{request.method} {path.split('/')[1]}"
        return {
            "GET orders": self._list,
            "PUT orders": self._change,
            "GET returns": self._returns,
            "GET shipments": self._shipped,
            "POST shipments": self._ship,
            "GET offers": self._offers,
            "POST offers": self._import,
            "GET account": lambda *_: reply({"shop_id": 12, "shop_name": "Demo"}),
        }[step](request, path, params)

    def _list(self, request: Request, path: str, params: dict[str, str]) -> Response:
        if "order_ids" in params:
            found = [o for o in self.orders if o["order_id"] in params["order_ids"].split(",")]
            return reply({"orders": found, "total_count": len(found)})
        offset, most = int(params["offset"]), int(params["max"])
        self.before_offset.pop(offset, lambda _: None)(self)
        page = self.orders[offset : offset + most]
        return reply({"orders": page, "total_count": len(self.orders)})

    def _change(self, request: Request, path: str, params: dict[str, str]) -> Response:
        _, _, order_id, action = path.split("/")
        order = next((o for o in self.orders if o["order_id"] == order_id), None)
        if order is None:
            return refused("ORDER_NOT_FOUND", 404)
        self.bodies.append(orjson.loads(request.data) if request.data else None)
        wanted, then = {
            "accept": ("WAITING_ACCEPTANCE", "WAITING_DEBIT_PAYMENT"),
            "tracking": (None, None),
            "ship": ("SHIPPING", "SHIPPED"),
        }[action]
        if wanted and order["order_state"] != wanted:
            return refused("ORDER_INVALID_STATE")
        if action == "accept":
            sent = {line["id"] for line in self.bodies[-1]["order_lines"]}
            if sent != {line["order_line_id"] for line in order["order_lines"]}:
                return refused("ORDER_LINE_ACCEPTANCE_DECISION_MISSING")
        order["order_state"] = then or order["order_state"]
        return Response(status=204)

    def _returns(self, request: Request, path: str, params: dict[str, str]) -> Response:
        start, most = int(params.get("page_token", "0")), int(params["limit"])
        more = start + most < len(self.returns)
        page = self.returns[start : start + most]
        return reply({"data": page, "next_page_token": str(start + most) if more else None})

    def _shipped(self, request: Request, path: str, params: dict[str, str]) -> Response:
        found = [s for s in self.shipments if s["order_id"] == params["order_id"]]
        start = int(params.get("page_token", "0"))  # pages of one
        following = str(start + 1) if start + 1 < len(found) else None
        return reply({"data": found[start : start + 1], "next_page_token": following})

    def _ship(self, request: Request, path: str, params: dict[str, str]) -> Response:
        (shipment,) = orjson.loads(request.data)["shipments"]
        self.bodies.append(shipment)
        order = next(o for o in self.orders if o["order_id"] == shipment["order_id"])
        if order["order_state"] != "SHIPPING":
            errors = [{"code": "ORDER_INVALID_STATE", "message": "no"}]
            failed = {"order_id": order["order_id"], "errors": errors}
            return reply({"shipment_success": [], "shipment_errors": [failed]})
        self.shipments.append({**shipment, "id": "s1", "status": "SHIPPED"})
        return reply({"shipment_success": [{"id": "s1"}], "shipment_errors": []})

    def _offers(self, request: Request, path: str, params: dict[str, str]) -> Response:
        if path.endswith("/status"):
            state = self.import_states.pop(0)
            bad = len(self._wrong_lines()) if state == "COMPLETE" else 0
            return reply({"status": state, "lines_in_error": bad, "has_error_report": bad > 0})
        if path.endswith("/error_report"):
            return Response(self._report(), content_type="text/csv")
        skus = [params["sku"]] if "sku" in params else sorted(self.offers)
        found = [{"shop_sku": s, "quantity": self.offers[s]} for s in skus if s in self.offers]
        offset, most = int(params["offset"]), int(params["max"])
        return reply({"offers": found[offset : offset + most], "total_count": len(found)})

    def _import(self, request: Request, path: str, params: dict[str, str]) -> Response:
        text = request.files["file"].read().decode()
        self.bodies.append(list(csv.reader(io.StringIO(text), delimiter=";")))
        return reply({"import_id": f"i{len(self.bodies)}"}, 201)

    def _wrong_lines(self) -> list[tuple[int, list[str]]]:
        rows = enumerate(self.bodies[-1][1:], start=2)
        return [(number, row) for number, row in rows if row[0] in self.unknown_skus]

    def _report(self) -> str:
        titles = "error-line;error-message" + (
            ";offer-sku;quantity" if self.report_names_skus else ""
        )
        named = self.report_names_skus
        lines = [
            f"{number};unknown offer" + (f";{row[0]};{row[1]}" if named else "")
            for number, row in self._wrong_lines()
        ]
        return "\r\n".join([titles, *lines]) + "\r\n"
