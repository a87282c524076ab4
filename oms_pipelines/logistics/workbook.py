"""XLSX workbooks as tables of text: only the first sheet is read, wherever they come from."""

import io
import zipfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from oms_pipelines.errors import Malformed

_MARK = b"PK\x03\x04"
_MOST_INFLATED = 512 * 1024 * 1024
_MADE = datetime(2000, 1, 1, tzinfo=UTC)  # the same table gives the same bytes


def is_workbook(body: bytes) -> bool:
    """Tell whether bytes claim to be a workbook."""
    return body.startswith(_MARK)


def read_sheet(body: bytes, name: str) -> list[tuple[str | None, ...]]:
    """Return the first sheet, its cells as text. Raises Malformed."""
    import fastexcel

    try:
        with zipfile.ZipFile(io.BytesIO(body)) as parts:
            if sum(part.file_size for part in parts.infolist()) > _MOST_INFLATED:
                raise Malformed(f"{name}: the workbook is too large; send smaller files")
        sheet = fastexcel.read_excel(body).load_sheet(0, header_row=None, dtypes="string")
        return sheet.to_polars().rows()
    except (zipfile.BadZipFile, fastexcel.FastExcelError):
        pass  # its text may repeat cells
    raise Malformed(f"{name}: not a whole XLSX workbook; ask for the file again")


def write_sheet(rows: Iterable[Sequence[str | None]]) -> bytes:
    """Return a workbook of one sheet of text, which `read_sheet` gives back as it is."""
    import xlsxwriter

    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        book.set_properties({"created": _MADE})
        sheet = book.add_worksheet()
        for n, row in enumerate(rows):
            for at, cell in enumerate(row):
                if cell:
                    sheet.write_string(n, at, cell)
    return out.getvalue()
