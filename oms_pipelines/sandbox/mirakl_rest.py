"""What all routes of a Mirakl marketplace share: errors, and pages by offset."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from oms_pipelines.sandbox.web import Answer, Call, answer

if TYPE_CHECKING:
    from oms_pipelines.sandbox.world import World

PAGE = 100


def error(status: int, code: str, message: str) -> Answer:
    """Return an error in Mirakl's shape."""
    entry = {"code": code, "field": None, "message": message}
    return answer({"status": status, "message": f"{code}: {message}", "errors": [entry]}, status)


def offset_page(
    world: "World", call: Call, name: str, found: list[Any], show: Callable[[Any], Any]
) -> Answer:
    """Return one page by `offset` and `max` (10, at most 100), with the total and links."""
    size, offset = call.number("max", 10), call.number("offset", 0)
    if not 1 <= size <= PAGE or offset < 0:
        return error(400, "VALIDATION_ERROR", "max must be between 1 and 100")
    page = [show(x) for x in found[offset : offset + size]]
    links = []
    for rel, start in (("previous", offset - size), ("next", offset + size)):
        if 0 <= start < len(found):
            query = urlencode({**call.query, "offset": start, "max": size})
            links.append(f'<{call.url}?{query}>; rel="{rel}"')
    headers = {"Link": ", ".join(links)} if links else {}
    records = world.faults.page(f"market/{name}", page)
    return answer({name: records, "total_count": len(found)}, headers=headers)
