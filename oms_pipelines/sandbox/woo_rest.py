"""What all routes of a WooCommerce shop share: errors in WordPress' shape, and pages.

Pages count from 1, `per_page` is 100 at most; totals stand in headers.
"""

from collections.abc import Callable
from math import ceil
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from oms_pipelines.sandbox.web import Answer, Call, answer

if TYPE_CHECKING:
    from oms_pipelines.sandbox.world import World

SHOP = "shop_fr"
PREFIX = "/wp-json/wc/v3"
PAGE = 100


def error(status: int, code: str, message: str) -> Answer:
    """Return an error in WordPress' shape."""
    return answer({"code": code, "message": message, "data": {"status": status}}, status)


def no_route() -> Answer:
    text = "No route was found matching the URL and request method."
    return error(404, "rest_no_route", text)


def base_of(call: Call) -> str:
    return call.url[: call.url.index(PREFIX) + len(PREFIX)]


def paged(world: "World", call: Call, found: list[Any], show: Callable[[Any], Any]) -> Answer:
    """Return one page of what was found, with WordPress' totals and links."""
    page, size = call.number("page", 1), call.number("per_page", 10)
    if not 1 <= size <= PAGE or page < 1:
        name = "per_page" if page >= 1 else "page"
        return error(400, "rest_invalid_param", f"Invalid parameter(s): {name}")
    pages = ceil(len(found) / size)
    records = [show(x) for x in found[(page - 1) * size : page * size]]
    links = []
    for rel, number in (("prev", page - 1), ("next", page + 1)):
        if 1 <= number <= pages:
            query = urlencode({**call.query, "page": number})
            links.append(f'<{call.url}?{query}>; rel="{rel}"')
    headers = {"X-WP-Total": str(len(found)), "X-WP-TotalPages": str(pages)}
    if links:
        headers["Link"] = ", ".join(links)
    return answer(world.faults.page(SHOP, records), headers=headers)
