"""Take a person out of what was received or sent: JSON pages, and tables of text."""

import csv
import io
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from oms_pipelines.logistics.profiles import Profile
from oms_pipelines.logistics.workbook import read_sheet, write_sheet


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# columns of our own file kinds; the country stays, as it does in the store
COLUMNS = _words(
    """name company email phone address1 address2 postal_code city region latitude longitude
    reason_text remark"""
)
_ORDER_COLUMNS = ("order_number", "order_id")
# keys of channels' records, without case, _ and -
_IDS = _words("id number name orderid ordernumber ordername legacyresourceid commercialid parentid")
_PEOPLE = _words(
    """billing shipping billingaddress shippingaddress customer defaultaddress deliveryaddress
    contact recipient address customerbillingaddress customershippingaddress"""
)
_PERSONAL = _words(
    """email contactemail customeremail customernotificationemail phone phonesecondary mobile
    firstname lastname fullname displayname civility company street street1 street2 address1
    address2 latitude longitude customeripaddress customeruseragent browserip clientip note
    customernote message returnreasonnote"""
)
REASONS = _words("description reason")  # free text in records of returns and refunds alone
_KEPT = _words("id customerid country countrycode countrycodev2 countryisocode locale")


@dataclass(frozen=True)
class Person:
    """Whom to look for: the ids their orders go by, their address, and known values of theirs."""

    ids: frozenset[str]
    email: str | None
    values: frozenset[str]
    also: frozenset[str] = frozenset()  # keys that are personal besides

    def mentioned_in(self, body: bytes) -> bool:
        """Tell whether a page may hold them, without reading it."""
        low = body.lower()
        marks = [*self.ids, *([self.email] if self.email else [])]
        return any(mark.lower().encode() in low for mark in marks)


def redact_json(body: bytes, person: Person) -> tuple[bytes, int]:
    """Return a JSON page without the person, and how many records were changed.

    Raises orjson.JSONDecodeError when it is no JSON.
    """
    page = orjson.loads(body)
    if isinstance(page, dict) and _IDS & {_plain(k) for k in page} and _concerns(page, person):
        done, count = _record(page, person)
    else:
        done, count = _walk(page, person)
    return (orjson.dumps(done), count) if count else (body, 0)


def _walk(node: Any, person: Person) -> tuple[Any, int]:
    """Blank the outermost records that concern the person; all else stays as it is."""
    if isinstance(node, dict):
        pairs = {k: _walk(v, person) for k, v in node.items()}
        return {k: v for k, (v, _) in pairs.items()}, sum(n for _, n in pairs.values())
    if isinstance(node, list):
        items = [
            _record(x, person) if isinstance(x, dict) and _concerns(x, person) else _walk(x, person)
            for x in node
        ]
        return [x for x, _ in items], sum(n for _, n in items)
    return node, 0


def _record(record: dict[str, Any], person: Person) -> tuple[Any, int]:
    blank = _blank(record, person, inside=False)
    return blank, int(blank != record)


def _plain(key: str) -> str:
    return key.replace("_", "").replace("-", "").lower()


def _concerns(record: dict[str, Any], person: Person) -> bool:
    own = (str(v).rpartition("/")[2] for k, v in record.items() if _plain(k) in _IDS)
    return any(value in person.ids for value in own) or _holds(record, person.email)


def _holds(node: Any, email: str | None) -> bool:
    if email is None:
        return False
    if isinstance(node, str):
        return node.strip().lower() == email.lower()
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return any(_holds(x, email) for x in inner)


def _blank(node: Any, person: Person, *, inside: bool) -> Any:
    """Return a record with what is personal in it null; `inside`, all but ids and country is."""
    if isinstance(node, dict):
        return {k: _blanked(k, v, person, inside=inside) for k, v in node.items()}
    if isinstance(node, list):
        return [_blank(x, person, inside=inside) for x in node]
    if isinstance(node, str) and node.strip().lower() in person.values:
        return None
    return node


def _blanked(key: str, value: Any, person: Person, *, inside: bool) -> Any:
    plain = _plain(key)
    if plain == "refunds":
        person = replace(person, also=REASONS)
    if isinstance(value, dict | list):
        return _blank(value, person, inside=inside or plain in _PEOPLE)
    if plain in _KEPT:
        return value
    personal = inside or plain in _PERSONAL or plain in person.also
    return None if personal else _blank(value, person, inside=inside)


@dataclass(frozen=True)
class Rows:
    """Whose rows of a table to blank: those that hold one of the values in a column of ours,
    or the address anywhere.
    """

    values: Mapping[str, Collection[str]]
    email: str | None = None


def rows_of(ids: Collection[str], email: str | None = None) -> Rows:
    """Return the rows of orders by their numbers or ids."""
    return Rows(dict.fromkeys(_ORDER_COLUMNS, ids), email)


def redact_table(body: bytes, profile: Profile, whose: Rows) -> tuple[bytes, int]:
    """Return a file of a profile without what is personal in some rows, and the rows changed.

    Raises UnicodeDecodeError for another encoding.
    """
    text = body.decode(profile.encoding, "strict")
    mark, text = ("\ufeff", text[1:]) if text.startswith("\ufeff") else ("", text)
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=profile.delimiter))
    changed = _blank_rows(rows, profile, whose)
    if not changed:
        return body, 0
    out = io.StringIO()
    end = "\r\n" if "\r\n" in text else "\n"
    csv.writer(out, delimiter=profile.delimiter, lineterminator=end).writerows(rows)
    return (mark + out.getvalue()).encode(profile.encoding), changed


def redact_workbook(body: bytes, profile: Profile, whose: Rows) -> tuple[bytes, int]:
    """Return an XLSX file without what is personal in some rows, and the rows changed.

    A changed one is written anew as the text of its first sheet, which is all that is ever
    read of it: what other sheets and notes hold of a person goes too. Raises Malformed.
    """
    rows = [[cell or "" for cell in row] for row in read_sheet(body, "workbook")]
    changed = _blank_rows(rows, profile, whose)
    return (write_sheet(rows), changed) if changed else (body, 0)


def _blank_rows(rows: list[list[str]], profile: Profile, whose: Rows) -> int:
    """Blank the personal cells of the rows meant, under a header; return the rows changed."""
    if not rows:
        return 0
    titles = {f.title or f.name: f.name for f in profile.columns}
    names = [titles.get(title.strip(), "") for title in rows[0]]
    keys = [(i, set(whose.values[name])) for i, name in enumerate(names) if name in whose.values]
    cells = [i for i, name in enumerate(names) if name in COLUMNS]
    email = whose.email.lower() if whose.email else None
    changed = 0
    for row in rows[1:]:
        known = any(i < len(row) and row[i].strip() in values for i, values in keys)
        if known or (email and any(cell.strip().lower() == email for cell in row)):
            before = list(row)
            for i in cells:
                if i < len(row):
                    row[i] = ""
            changed += row != before
    return changed
