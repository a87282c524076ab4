"""Products of a WooCommerce shop, and the levels they show.

Every fifth product is a variation, whose stock is set through its parent's route only.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from oms_pipelines.sandbox import shop as shops
from oms_pipelines.sandbox import woo_shapes
from oms_pipelines.sandbox.truth import Shop
from oms_pipelines.sandbox.web import Answer, Call, answer
from oms_pipelines.sandbox.woo_rest import error, paged

if TYPE_CHECKING:
    from oms_pipelines.sandbox.world import World

FIRST, PARENTS = 500, 900_000
BATCH = 100
WRONG_ROUTE = (
    "To manipulate product variations you should use the "
    "/products/&lt;product_id&gt;/variations/&lt;id&gt; endpoint."
)


def numbers(shop: Shop) -> dict[str, tuple[int, int]]:
    """Return (product id, variation id) by SKU; the variation id of a simple product is 0."""
    found = shop.keys.get("products")
    if found is None:
        found = {
            sku: (PARENTS + n // 5, FIRST + n) if n % 5 == 4 else (FIRST + n, 0)
            for n, sku in enumerate(shop.offers)
        }
        shop.keys["products"] = found
    return found


def _by_number(shop: Shop) -> dict[int, str]:
    return {variation or product: sku for sku, (product, variation) in numbers(shop).items()}


def _show(world: "World", shop: Shop, sku: str, level: int | None = None) -> dict[str, Any]:
    product, variation = numbers(shop)[sku]
    item, units = shop.offers[sku]
    good = world.catalog.goods[item]
    shown = shop.levels.get(sku, 0) if level is None else level
    price = good.price * units
    parent = product if variation else 0
    return woo_shapes.product(variation or product, parent, sku, good.title, price, shown)


def _products(world: "World", shop: Shop, call: Call) -> Answer:
    wanted = call.query.get("sku")
    if wanted:
        found = [sku for sku in dict.fromkeys(wanted.split(",")) if sku in shop.offers]
    else:
        found = [sku for sku, (_, variation) in numbers(shop).items() if not variation]
    return paged(world, call, found, lambda sku: _show(world, shop, sku))


def _product(world: "World", shop: Shop, call: Call, *numbers_given: str) -> Answer:
    sku = _by_number(shop).get(int(numbers_given[-1]))
    if sku is None:
        return error(404, "woocommerce_rest_product_invalid_id", "Invalid ID.")
    return answer(_show(world, shop, sku))


def _set(
    world: "World", shop: Shop, wish: dict[str, Any], parent: int | None
) -> tuple[dict[str, Any], int]:
    """Take one wish; return what the shop says of it, and the status."""
    number = wish.get("id")
    sku = _by_number(shop).get(number) if isinstance(number, int) else None
    variation = sku is not None and bool(numbers(shop)[sku][1])
    if sku is None or (parent is not None and numbers(shop)[sku][0] != parent):
        code, text, status = "woocommerce_rest_product_invalid_id", "Invalid ID.", 400
    elif variation and parent is None:
        code, text, status = "woocommerce_rest_invalid_product_id", WRONG_ROUTE, 404
    else:
        level = wish.get("stock_quantity")
        if level is None:
            return _show(world, shop, sku), 200
        chance = world.draw("drop", shop.id, sku, world.now)
        if not world.faults.take("drop_stock", shop.id, chance):
            shops.set_level(world, shop, sku, int(level), "hub")
        return _show(world, shop, sku, int(level)), 200
    fault = {"code": code, "message": text, "data": {"status": status}}
    return {"id": number, "error": fault}, status


def _change(world: "World", shop: Shop, call: Call, number: str) -> Answer:
    return _changed(world, shop, call, number, None)


def _change_variation(world: "World", shop: Shop, call: Call, parent: str, number: str) -> Answer:
    return _changed(world, shop, call, number, int(parent))


def _changed(world: "World", shop: Shop, call: Call, number: str, parent: int | None) -> Answer:
    wish = call.json()
    if not isinstance(wish, dict):
        return error(400, "rest_invalid_json", "Invalid JSON body passed.")
    shown, status = _set(world, shop, {**wish, "id": int(number)}, parent)
    if status != 200:
        return error(status, shown["error"]["code"], shown["error"]["message"])
    return answer(shown, changed=True)


def _batch(world: "World", shop: Shop, call: Call, parent: str | None = None) -> Answer:
    wishes = call.json()
    if not isinstance(wishes, dict):
        return error(400, "rest_invalid_json", "Invalid JSON body passed.")
    updates = wishes.get("update", [])
    if sum(len(v) for v in wishes.values() if isinstance(v, list)) > BATCH:
        text = f"Unable to accept more than {BATCH} items for this request."
        return error(413, "woocommerce_rest_request_entity_too_large", text)
    number = int(parent) if parent else None
    return answer(
        {"update": [_set(world, shop, wish, number)[0] for wish in updates]}, changed=True
    )


ROUTES: tuple[tuple[str, str, Callable[..., Answer]], ...] = (
    ("GET", "/products", _products),
    ("GET", r"/products/(\d+)", _product),
    ("PUT", r"/products/(\d+)", _change),
    ("POST", "/products/batch", _batch),
    ("GET", r"/products/(\d+)/variations/(\d+)", _product),
    ("PUT", r"/products/(\d+)/variations/(\d+)", _change_variation),
    ("POST", r"/products/(\d+)/variations/batch", _batch),
)
