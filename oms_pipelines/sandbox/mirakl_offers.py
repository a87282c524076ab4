"""Offers of a Mirakl seller: stock imports (STO01, STO02, STO03) and what is shown (OF21).

An import is a file; it waits, runs, and reports its bad lines by number.
"""

import csv
import io
from collections.abc import Callable
from email import message_from_bytes
from typing import TYPE_CHECKING, Any

from oms_pipelines.sandbox import shop as shops
from oms_pipelines.sandbox.mirakl_rest import error, offset_page
from oms_pipelines.sandbox.truth import Shop
from oms_pipelines.sandbox.web import Answer, Call, answer, z

if TYPE_CHECKING:
    from oms_pipelines.sandbox.world import World

COLUMNS = ["offer-sku", "quantity", "warehouse-code", "update-delete"]


def part(call: Call, name: str) -> bytes | None:
    """Return one part of a multipart body by its field name."""
    kind = call.headers.get("content-type", "")
    if not kind.startswith("multipart/form-data"):
        return None
    message = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + call.body)
    for piece in message.walk():
        if piece.get_param("name", header="content-disposition") == name:
            body = piece.get_payload(decode=True)
            return body if isinstance(body, bytes) else None
    return None


def _import(world: "World", shop: Shop, call: Call) -> Answer:
    """STO01: take a stock file; what is wrong with its lines is told later."""
    body = part(call, "file")
    if body is None:
        return error(400, "VALIDATION_ERROR", "file is required")
    rows = list(csv.reader(io.StringIO(body.decode("utf-8-sig")), delimiter=";"))
    number = shop.ref()
    status = "WAITING" if rows and rows[0] == COLUMNS else "FAILED"
    good, bad = [], []
    for line, row in enumerate(rows[1:] if status == "WAITING" else [], 2):
        fault = _fault(shop, row)
        if fault:
            bad.append([line, fault, *row])
        else:
            good.append((row[0], int(row[1])))
    if not world.faults.take("drop_stock", shop.id):
        for sku, quantity in good:
            shops.set_level(world, shop, sku, quantity, f"import {number}")
    shop.keys[f"import/{number}"] = {
        "created": z(world.now), "status": status, "good": len(good), "bad": bad, "polls": 0,
    }  # fmt: skip
    return answer({"import_id": str(number)}, 201, changed=True)


def _fault(shop: Shop, row: list[str]) -> str | None:
    if len(row) != len(COLUMNS):
        return "The line has a wrong number of columns"
    if row[0] not in shop.offers:
        return "The offer does not exist"
    if not row[1].isdigit():
        return "The quantity is not a positive integer"
    return None


def _status(world: "World", shop: Shop, call: Call, number: str) -> Answer:
    """STO02: an import is done when it is asked for the second time."""
    job = shop.keys.get(f"import/{number}")
    if job is None:
        return error(404, "IMPORT_NOT_FOUND", "Import not found")
    job["polls"] += 1
    if job["status"] == "WAITING" and job["polls"] > 1:
        job["status"] = "COMPLETE"
    done = job["status"] == "COMPLETE"
    return answer(
        {
            "import_id": number,
            "date_created": job["created"],
            "shop_id": 2001,
            "status": job["status"],
            "has_error_report": done and bool(job["bad"]),
            "lines_in_error": len(job["bad"]) if done else 0,
            "lines_in_success": job["good"] if done else 0,
        }
    )


def _report(world: "World", shop: Shop, call: Call, number: str) -> Answer:
    """STO03: the lines in error, with the reason of each."""
    job = shop.keys.get(f"import/{number}")
    if job is None or not job["bad"]:
        return error(404, "IMPORT_NOT_FOUND", "No error report")
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", quoting=csv.QUOTE_ALL)
    writer.writerow(["line-number", "error-message", *COLUMNS])
    writer.writerows(job["bad"])
    return Answer(200, out.getvalue().encode(), {"content-type": "text/csv; charset=utf-8"})


def _offers(world: "World", shop: Shop, call: Call) -> Answer:
    """OF21: what the seller offers."""
    wanted = call.query.get("sku")
    found = [x for x in shop.offers if not wanted or x == wanted]
    return offset_page(world, call, "offers", found, lambda sku: _offer(world, shop, sku))


def _offer(world: "World", shop: Shop, sku: str) -> dict[str, Any]:
    item, units = shop.offers[sku]
    good = world.catalog.goods[item]
    level = shop.levels.get(sku, 0)
    return {
        "offer_id": 2000 + list(shop.offers).index(sku) if len(shop.offers) < 500 else 2000,
        "shop_sku": sku,
        "product_sku": f"MKP{sum(sku.encode()):012d}",
        "product_title": good.title,
        "price": good.price * units / 100,
        "quantity": level,
        "active": level > 0,
        "state_code": "11",
        "currency_iso_code": good.currency,
    }


ROUTES: tuple[tuple[str, str, Callable[..., Answer]], ...] = (
    ("POST", "/api/offers/stock/imports", _import),
    ("GET", r"/api/offers/stock/imports/(\d+)/status", _status),
    ("GET", r"/api/offers/stock/imports/(\d+)/error_report", _report),
    ("GET", "/api/offers", _offers),
)
