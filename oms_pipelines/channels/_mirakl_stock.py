"""Stock levels on Mirakl: a CSV file in (STO01), its fate polled (STO02, STO03), offers out.

An import is taken as a whole and judged line by line, minutes later: COMPLETE may still
have lines in error. A poll that ends before the import does leaves the levels to be sent
again: they are absolute, so twice is once.
Source: developer.mirakl.com, STO01 to STO03 and OF21.
"""

import csv
import io
from collections.abc import Iterator, Sequence

from oms_pipelines.channels._mirakl_api import OFFERS, Api
from oms_pipelines.channels.base import Level, Receipt
from oms_pipelines.errors import Malformed

STOCK_BATCH = 10_000
_HEADER = ("offer-sku", "quantity", "warehouse-code", "update-delete")
_FIRST_LINE = 2  # the header is line 1


def push(
    api: Api, levels: Sequence[Level], warehouse: str, poll_seconds: float, poll_limit: int
) -> Iterator[Receipt]:
    """Publish levels; one receipt a level."""
    for start in range(0, len(levels), STOCK_BATCH):
        batch = levels[start : start + STOCK_BATCH]
        last = {level.channel_sku: level for level in batch}
        some = list(last.values())
        twins = (x for x in batch if last[x.channel_sku] is not x)
        yield from (Receipt(x.key, "rejected", "a later level has the same SKU") for x in twins)
        file = {"file": ("stock.csv", _csv(some, warehouse), "text/csv")}
        answer = api.request("STO01", "POST", "/offers/stock/imports", files=file).json()
        import_id = answer.get("import_id") if isinstance(answer, dict) else None
        if import_id is None:
            raise Malformed(f"{api.source}: STO01 was answered without import_id")
        yield from _fates(api, some, f"/offers/stock/imports/{import_id}", poll_seconds, poll_limit)


def _fates(
    api: Api, levels: Sequence[Level], path: str, poll_seconds: float, poll_limit: int
) -> Iterator[Receipt]:
    for _ in range(poll_limit):
        answer = api.request("STO02", "GET", f"{path}/status").json()
        state = answer.get("status")
        if state == "FAILED":
            yield from (Receipt(x.key, "rejected", "the import failed") for x in levels)
            return
        if state == "COMPLETE":
            break
        api.pause("STO02", poll_seconds)
    else:
        yield from (Receipt(x.key, "retry", "the import is not done yet") for x in levels)
        return
    wrong: dict[str, str] = {}
    if answer.get("lines_in_error") or answer.get("has_error_report"):
        report = api.request("STO03", "GET", f"{path}/error_report", expect="any").body
        wrong = _errors(report, levels)
        if answer.get("lines_in_error") and not wrong:
            yield from (
                Receipt(x.key, "retry", "lines in error that no report names") for x in levels
            )
            return
    for level in levels:
        text = wrong.get(level.channel_sku)
        yield Receipt(level.key, "rejected" if text else "accepted", text or "")


def _csv(levels: Sequence[Level], warehouse: str) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(_HEADER)
    writer.writerows((x.channel_sku, x.quantity, warehouse, "") for x in levels)
    return text.getvalue().encode()


def _errors(report: bytes, levels: Sequence[Level]) -> dict[str, str]:
    """Return the reason of each SKU in error.

    The first column is the line number, the second the reason, then the line itself.
    """
    rows = list(csv.reader(io.StringIO(report.decode("utf-8-sig", "replace")), delimiter=";"))
    if not rows:
        return {}
    titles = [title.strip().lower() for title in rows[0]]
    sku_at = titles.index("offer-sku") if "offer-sku" in titles else None
    found: dict[str, str] = {}
    for row in rows if rows[0][0].isdigit() else rows[1:]:
        if len(row) < 2:
            continue
        if sku_at is not None and len(row) > sku_at:
            found[row[sku_at]] = row[1][:200]
        elif row[0].isdigit() and 0 <= int(row[0]) - _FIRST_LINE < len(levels):
            found[levels[int(row[0]) - _FIRST_LINE].channel_sku] = row[1][:200]
    return found


def read(api: Api, skus: Sequence[str], read_each: int, size: int) -> dict[str, int]:
    """Return the quantity of the offer of each SKU: one call each for few, all for many."""
    wanted = set(skus)
    asked = [{"sku": sku} for sku in sorted(wanted)] if len(wanted) <= read_each else [{}]
    found: dict[str, int] = {}
    for params in asked:
        for _, offers, _ in api.offsets("OF21", "/offers", OFFERS, size, params, ""):
            found |= {
                offer["shop_sku"]: int(offer["quantity"])
                for offer in offers
                if offer.get("shop_sku") in wanted and offer.get("quantity") is not None
            }
    return found
