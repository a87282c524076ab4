"""Stock levels of a WooCommerce shop: written in batches, read back by SKU.

A SKU belongs to a product or to a variation of one; each has its own batch route. A
variation that leaves its stock to the parent is written on the parent. Levels are absolute,
so a batch may be sent twice.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import floor
from typing import Any

from oms_pipelines.channels._woo_api import Api
from oms_pipelines.channels.base import Level, Receipt
from oms_pipelines.errors import Malformed, Rejected, Unreachable

_BATCH = 100  # objects a call, the shop's default limit
_SKUS = 40  # SKUs a search, so that the address stays short


@dataclass(frozen=True)
class _Target:
    """Where the stock of a SKU stands; `parent` is set for a variation."""

    id: int
    parent: int | None = None

    @property
    def route(self) -> str:
        if self.parent is None:
            return "products/batch"
        return f"products/{self.parent}/variations/batch"


class Stock:
    """Levels of one shop; where each SKU lies is looked up once."""

    def __init__(self, api: Api):
        self._api = api
        self._targets: dict[str, _Target] = {}
        self._variations_scanned = False

    def push(self, levels: Sequence[Level]) -> Iterator[Receipt]:
        """Publish levels; one receipt a level. Raises Unreachable or Rejected on a search."""
        self._look_up([x.channel_sku for x in levels])
        by_target: dict[_Target, list[Level]] = defaultdict(list)
        for level in levels:
            target = self._targets.get(level.channel_sku)
            if target is None:
                yield Receipt(level.key, "rejected", "the shop has no product of this SKU")
            else:
                by_target[target].append(level)
        by_route: dict[str, dict[int, Level]] = defaultdict(dict)
        for target, wanted in by_target.items():
            if len({x.channel_sku for x in wanted}) > 1:
                text = "several SKUs share the stock of one parent product"
                yield from (Receipt(x.key, "rejected", text) for x in wanted)
                continue
            newest = max(wanted, key=lambda x: x.version)
            by_route[target.route][target.id] = newest
            older = (x for x in wanted if x is not newest)
            yield from (Receipt(x.key, "accepted", "a newer level was sent") for x in older)
        for route, wanted_by_id in by_route.items():
            ids = list(wanted_by_id)
            for start in range(0, len(ids), _BATCH):
                chunk = {i: wanted_by_id[i] for i in ids[start : start + _BATCH]}
                yield from self._send(route, chunk)

    def _send(self, route: str, chunk: dict[int, Level]) -> Iterator[Receipt]:
        update = [
            {"id": i, "manage_stock": True, "stock_quantity": x.quantity} for i, x in chunk.items()
        ]
        try:
            answer = self._api.send("POST", route, {"update": update}).json()
        except (Unreachable, Malformed) as e:
            yield from (Receipt(x.key, "retry", str(e)) for x in chunk.values())
            return
        except Rejected as e:
            if e.status in (401, 403):
                raise
            yield from (Receipt(x.key, "rejected", str(e)) for x in chunk.values())
            return
        listed = answer.get("update") if isinstance(answer, dict) else None
        answered = {e.get("id"): e for e in listed or [] if isinstance(e, dict)}
        for product_id, level in chunk.items():
            yield self._receipt(level, answered.get(product_id))

    def _receipt(self, level: Level, element: dict[str, Any] | None) -> Receipt:
        if element is None:
            return Receipt(level.key, "retry", "the shop's answer leaves this product out")
        if element.get("error"):
            error = element["error"]
            self._targets.pop(level.channel_sku, None)  # it may have moved: look again
            code = error.get("code") if isinstance(error, dict) else None
            return Receipt(level.key, "rejected", f"refused by the shop: {code or 'no reason'}")
        if _units(element.get("stock_quantity")) != level.quantity:
            return Receipt(level.key, "retry", "the shop answers another level than was sent")
        return Receipt(level.key, "accepted")

    def read(self, channel_skus: Sequence[str]) -> dict[str, int]:
        """Return the whole units of each SKU that keeps stock. Raises as `Api.get`."""
        shown: dict[str, int] = {}
        parents: dict[int, list[str]] = defaultdict(list)
        for sku, product in self._found(channel_skus):
            units = _units(product.get("stock_quantity"))
            if product.get("manage_stock") == "parent":
                parents[product["parent_id"]].append(sku)
            elif product.get("manage_stock") is not False and units is not None:
                shown[sku] = units
        for product in self._by_id(list(parents)):
            units = _units(product.get("stock_quantity"))
            if units is not None:
                shown.update(dict.fromkeys(parents[product["id"]], units))
        return shown

    def _look_up(self, skus: Sequence[str]) -> None:
        missing = [s for s in skus if s not in self._targets]
        for sku, product in self._found(missing):
            self._targets[sku] = _target(product)

    def _found(self, skus: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield (SKU, product or variation) for each SKU the shop has, compared binary."""
        wanted = dict.fromkeys(s for s in skus if "," not in s)  # a comma ends a SKU in a search
        found: set[str] = set()
        left = list(wanted)
        for start in range(0, len(left), _SKUS):
            asked = ",".join(left[start : start + _SKUS])
            for product in self._listed("products", sku=asked, status="any"):
                sku = product.get("sku")
                if sku in wanted and sku not in found:
                    found.add(sku)
                    yield sku, product
        if self._api.options.scan_variations:
            lacking = wanted.keys() - found
            if lacking:
                yield from ((s, p) for s, p in self._scanned() if s in lacking)

    def _scanned(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for parent in self._listed("products", type="variable", status="any"):
            for variation in self._listed(f"products/{parent['id']}/variations"):
                whole = {"parent_id": parent["id"], **variation, "type": "variation"}
                yield str(variation.get("sku")), whole

    def _by_id(self, ids: list[int]) -> Iterator[dict[str, Any]]:
        for start in range(0, len(ids), _BATCH):
            include = ",".join(map(str, ids[start : start + _BATCH]))
            yield from self._listed("products", include=include, status="any")

    def _listed(self, route: str, **params: str) -> Iterator[dict[str, Any]]:
        """Yield every object of a list, all pages of it."""
        page, pages = 1, 1
        while page <= pages:
            answer = self._api.get(
                route, page=page, per_page=100, orderby="id", order="asc", **params
            )
            listed = answer.json()
            if not isinstance(listed, list):
                raise Malformed(f"{self._api.channel_id}: answered no list of products")
            yield from (x for x in listed if isinstance(x, dict) and isinstance(x.get("id"), int))
            pages = int(answer.headers.get("x-wp-totalpages", "1"))
            page += 1


def _target(product: dict[str, Any]) -> _Target:
    if product.get("type") != "variation":
        return _Target(product["id"])
    if product.get("manage_stock") == "parent":
        return _Target(product["parent_id"])
    return _Target(product["id"], product["parent_id"])


def _units(quantity: Any) -> int | None:
    """Return whole units of a level that may be a number, a text, or null."""
    try:
        return floor(float(quantity))
    except (TypeError, ValueError):
        return None
