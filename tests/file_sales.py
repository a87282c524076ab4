"""Invented sales of a private sale and a till, as CSV and as workbooks."""

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import xlsxwriter

from oms_pipelines.config import Channel

NOW = datetime(2026, 12, 1, tzinfo=UTC)
COLUMNS = [
    *("order_number", "placed_at", "updated_at", "status", "line_id", "sku", "title", "quantity"),
    *("unit_price", "currency", "name", "email", "phone", "address1", "address2", "postal_code"),
    *("city", "country", "kind", "location_id"),
]
SALE = {
    "order_number": "VP1",
    "placed_at": "2026-07-01T10:00:00",
    "status": "paid",
    "sku": "MUG",
    "title": "Mug",
    "quantity": "2",
    "unit_price": "12,50",
    "name": "Inès Exemple",
    "email": "ines@example.com",
    "address1": "1 rue du Test",
    "postal_code": "01000",
    "city": "Bourg",
    "country": "FR",
}
TILL = {
    "order_number": "T9",
    "placed_at": "2026-07-01T16:30:00Z",
    "status": "paid",
    "line_id": "1",
    "sku": "MUG",
    "quantity": "1",
    "unit_price": "15,00",
    "kind": "sale",
}


def settings(folder: Path, **more: Any) -> Channel:
    options = {"folder": str(folder), **more.pop("options", {})}
    data = {
        "id": "vp",
        "system": "file",
        "time_zone": "Europe/Paris",
        "currency": "EUR",
        "country": "FR",
        "options": options,
        **more,
    }
    return Channel.model_validate(data)


def till(folder: Path, **options: Any) -> Channel:
    return settings(folder, id="till", options={"kind": "till", "location": "paris", **options})


def csv(*rows: dict[str, str], columns: list[str] = COLUMNS, delimiter: str = ";") -> bytes:
    lines = [delimiter.join(columns)]
    lines += [delimiter.join(row.get(c, "") for c in columns) for row in rows]
    return ("\r\n".join(lines) + "\r\n").encode()


def xlsx(rows: list[dict[str, Any]], columns: list[str] = COLUMNS) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        day = book.add_format({"num_format": "dd/mm/yyyy hh:mm"})
        sheet.write_row(0, 0, columns)
        for n, row in enumerate(rows, 1):
            for at, column in enumerate(columns):
                value = row.get(column)
                if isinstance(value, datetime):
                    sheet.write_datetime(n, at, value, day)
                elif value is not None:
                    sheet.write(n, at, value)
    return out.getvalue()
