"""Erasure: nobody can be found any more, and everything still adds up."""

from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pytest
from file_sales import SALE, xlsx
from stock_world import NOON, World, at, place

from oms_pipelines.channels.base import Page
from oms_pipelines.config import Oms, parse
from oms_pipelines.consolidate import BatchInfo, consolidate, normalize
from oms_pipelines.dispatch import plan_files, resend, write_files
from oms_pipelines.erasure import erase
from oms_pipelines.erasure.redact import Person, redact_json, redact_table, rows_of
from oms_pipelines.errors import Malformed, Rejected
from oms_pipelines.landing import Landing
from oms_pipelines.logistics.kinds import DEFAULTS
from oms_pipelines.logistics.workbook import read_sheet
from oms_pipelines.store import Store
from oms_pipelines.store.duckdb import DuckdbStore

KEYS = ("key", "secret", "token")
SAMPLES = Path(__file__).parent / "samples"


def settings(tmp_path: Path, *systems: str) -> Oms:
    drop = {"folder": str(tmp_path / "drop"), "profile": "orders"}
    channels = [
        {
            "id": s, "system": s, "url": "http://127.0.0.1:1", "currency": "EUR",
            "credentials": {} if s == "file" else dict.fromkeys(KEYS, "env:X"),
            "options": drop if s == "file" else {},
        }
        for s in systems
    ]  # fmt: skip
    lyon = place("lyon", dispatch={"to": str(tmp_path / "lyon")})
    data = {"channels": channels, "locations": [lyon], "output": str(tmp_path / "var")}
    return parse(data, env={"X": "x"})


def shaped(oms: Oms, system: str, body: bytes) -> dict[str, pl.DataFrame]:
    info = BatchInfo("b", system, NOON.replace(year=2036), oms.channel(system))
    found = normalize([body], system, "orders", info)
    assert found.rejected.is_empty()
    return dict(found.accepted)


@pytest.mark.parametrize("system", ["woocommerce", "shopify", "mirakl"])
def test_a_redacted_record_keeps_its_order_and_loses_its_person(tmp_path: Path, system: str):
    oms = settings(tmp_path, system)
    body = (SAMPLES / f"{system}_orders.json").read_bytes()
    before = shaped(oms, system, body)
    contacts = before["order_contacts"]
    named = contacts.filter(pl.col("name").is_not_null())
    gone = named["order_id"][0]
    order = before["orders"].filter(pl.col("order_id") == gone).row(0, named=True)
    ids = frozenset({order["external_id"], order["number"]})
    redacted, count = redact_json(body, Person(ids, None, frozenset()))
    assert count >= 1
    after = shaped(oms, system, redacted)
    for table in ("orders", "order_lines"):
        # an open order that nobody can ship to any more is held, and says so
        changed = ("record_hash", "order_status", "hold_reason")
        kept = [c for c in before[table].columns if c not in changed]
        assert after[table].select(kept).equals(before[table].select(kept))
    mine = after["order_contacts"].filter(pl.col("order_id") == gone).row(0, named=True)
    assert {k for k, v in mine.items() if v is not None} <= {"order_id", "country"}
    others = pl.col("order_id") != gone
    assert after["order_contacts"].filter(others).equals(contacts.filter(others))


def test_a_person_is_found_by_address_in_a_record_the_store_never_took():
    page = {"orders": [{"id": 1, "billing": {"email": "Zoe@Example.com", "country": "FR"}},
                       {"id": 2, "billing": {"email": "other@example.com"}}]}  # fmt: skip
    body, count = redact_json(
        orjson.dumps(page), Person(frozenset(), "zoe@example.com", frozenset())
    )
    assert (count, orjson.loads(body)["orders"]) == (1, [
        {"id": 1, "billing": {"email": None, "country": "FR"}},
        page["orders"][1],
    ])  # fmt: skip


def test_known_values_go_wherever_they_stand_in_the_record():
    record = [{"id": 7, "meta_data": [{"key": "vat", "value": "ZOË LEROY "}], "status": "open"}]
    person = Person(frozenset({"7"}), None, frozenset({"zoë leroy"}))
    body, _ = redact_json(orjson.dumps(record), person)
    assert orjson.loads(body) == [
        {"id": 7, "meta_data": [{"key": "vat", "value": None}], "status": "open"}
    ]


def test_rows_of_a_file_are_blanked_in_its_own_form():
    head = ";".join(DEFAULTS["dispatch"].titles)
    titles = DEFAULTS["dispatch"].titles
    row = {t: t for t in titles} | {"order_id": "shop/1", "name": "Zoë; Leroy"}
    line = ";".join(f'"{row[t]}"' if ";" in row[t] else row[t] for t in titles)
    other = line.replace("shop/1", "shop/2")
    body = f"{head}\r\n{line}\r\n{other}\r\n".encode()
    redacted, count = redact_table(body, DEFAULTS["dispatch"], rows_of({"shop/1"}))
    assert count == 1
    first, second = redacted.decode().split("\r\n")[1:3]
    assert second == other
    assert "Leroy" not in first
    assert "shop/1" in first
    assert first.count(";") == len(titles) - 1
    assert redact_table(redacted, DEFAULTS["dispatch"], rows_of({"shop/1"})) == (redacted, 0)


def land(landing: Landing, source: str, body: bytes, stream: str = "orders") -> None:
    records = len(orjson.loads(body)) if body[:1] == b"[" else 1
    landing.write(source, stream, [Page(stream, body, records)], (at(-1), NOON), True, None, NOON)


def woo(number: int, email: str) -> dict[str, Any]:
    sample = orjson.loads((SAMPLES / "woocommerce_orders.json").read_bytes())
    order = sample[0] if isinstance(sample, list) else sample
    person = {"first_name": "Zoë", "last_name": "Leroy", "address_1": "1 rue Haute"}
    return order | {
        "id": number, "number": str(number), "status": "processing",
        "date_paid_gmt": order["date_created_gmt"],
        "billing": order["billing"] | person | {"email": email},
        "shipping": order["shipping"] | person,
    }  # fmt: skip


def bytes_under(folder: Path) -> bytes:
    import gzip

    found = b""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            body = path.read_bytes()
            found += gzip.decompress(body) if path.suffix == ".gz" else body
    return found


def test_an_order_is_erased_from_store_landing_and_sent_files_and_replays_the_same(
    store: Store, tmp_path: Path
):
    oms = settings(tmp_path, "woocommerce")
    landing = Landing(str(tmp_path / "landing"))
    body = orjson.dumps([woo(901, "zoe@example.com"), woo(902, "max@example.com")])
    land(landing, "woocommerce", body)
    [taken] = consolidate(store, landing, oms, NOON)
    world = World(store)
    for number in ("901", "902"):
        world.give(number, "11", 1, order_id=f"woocommerce/{number}")
    with store.session() as s:
        plan_files(s, oms, NOON)
    assert len(write_files(store, oms, NOON).delivered) == 1
    assert b"zoe@example.com" in bytes_under(tmp_path / "var" / "files")

    done = erase(store, landing, oms, "ZOE@example.com")
    assert (done.orders, done.contacts, done.records, done.batches) == (1, 1, 1, 1)
    assert (done.file_rows, done.files, done.left) == (1, 1, ())
    for folder in (tmp_path / "landing", tmp_path / "var" / "files"):
        assert b"zoe@example.com" not in bytes_under(folder)
        assert b"max@example.com" in bytes_under(folder)
    with store.session() as s:
        contacts = {r["order_id"]: r for r in s.table("order_contacts").iter_rows(named=True)}
        [name] = s.table("files")["name"]
    mine = contacts["woocommerce/901"]
    assert {k for k, v in mine.items() if v is not None} <= {"order_id", "country"}
    assert contacts["woocommerce/902"]["email"] == "max@example.com"
    with pytest.raises(Malformed, match="cannot be sent again"):
        resend(store, oms, name, at(1))

    manifests = landing.batches("woocommerce", "orders")
    [again] = consolidate(store, landing, oms, at(2), batches=manifests)
    assert (again.received, again.quarantined) == (taken.received, taken.quarantined)
    with store.session() as s:
        assert s.table("orders").height == 2
        found = s.table("order_contacts")
    assert found.filter(pl.col("order_id") == "woocommerce/901")["email"][0] is None
    assert erase(store, landing, oms, "woocommerce/901").records == 0


def test_a_rewrite_that_was_cut_off_is_done_again(duckdb_store: DuckdbStore, tmp_path: Path):
    oms = settings(tmp_path, "woocommerce")
    folder = tmp_path / "landing"
    land(Landing(str(folder)), "woocommerce", orjson.dumps([woo(901, "zoe@example.com")]))
    [manifest] = folder.rglob("manifest.json")
    old = manifest.read_bytes()
    erase(duckdb_store, Landing(str(folder)), oms, "woocommerce/901")
    manifest.write_bytes(old)  # the body is new, its manifest is not
    landing = Landing(str(folder))
    [damaged] = landing.batches("woocommerce", "orders")
    with pytest.raises(Malformed):
        list(landing.pages(damaged))
    erase(duckdb_store, landing, oms, "woocommerce/901")
    [whole] = landing.batches("woocommerce", "orders")
    assert len(list(landing.pages(whole))) == 1


def test_a_sales_file_is_blanked_in_its_landed_form(duckdb_store: DuckdbStore, tmp_path: Path):
    oms = settings(tmp_path, "file")
    landing = Landing(str(tmp_path / "landing"))
    titles = DEFAULTS["orders"].titles
    row = dict.fromkeys(titles, "") | {"order_number": "A1", "email": "zoe@example.com"}
    text = f"{';'.join(titles)}\n{';'.join(row[t] for t in titles)}\n"
    land(landing, "file", text.encode())
    done = erase(duckdb_store, landing, oms, "zoe@example.com")
    assert (done.records, done.batches, done.left) == (1, 1, ())
    assert b"zoe@" not in bytes_under(tmp_path / "landing")


def test_a_spreadsheet_loses_the_person_and_keeps_every_other_cell(store: Store, tmp_path: Path):
    oms = settings(tmp_path, "file")
    landing = Landing(str(tmp_path / "landing"))
    zoe = SALE | {
        "order_number": "A1",
        "placed_at": "2026-03-01T10:00:00",
        "email": "zoe@example.com",
        "name": "Zoë Leroy",
    }
    max_ = SALE | {"order_number": "A2", "placed_at": datetime(2026, 3, 1, 9, 30), "quantity": 2,
                   "unit_price": 12.5, "email": "max@example.com"}  # fmt: skip
    body = xlsx([zoe, max_])
    land(landing, "file", body)
    [taken] = consolidate(store, landing, oms, NOON)
    assert taken.quarantined == 0
    before = tables(store, "orders", "order_lines")

    done = erase(store, landing, oms, "ZOE@example.com")
    assert (done.records, done.batches, done.left) == (1, 1, ())
    [manifest] = landing.batches("file", "orders")
    assert landing.is_whole(manifest), "the manifest is true to the bytes"
    [page] = landing.pages(manifest)
    old, new = read_sheet(body, "old"), read_sheet(page, "new")
    assert (new[0], new[2]) == (old[0], old[2])
    kept = dict(zip(old[0], new[1], strict=True))
    assert (kept["order_number"], kept["sku"], kept["country"]) == ("A1", "MUG", "FR")
    assert not any(kept[c] for c in ("name", "email", "address1", "postal_code", "city"))
    again = consolidate(store, landing, oms, at(2), batches=[manifest])
    assert [(r.received, r.quarantined) for r in again] == [(2, 0)]
    assert tables(store, "orders", "order_lines") == before
    assert erase(store, landing, oms, "ZOE@example.com").records == 0


def tables(store: Store, *names: str) -> list[list[dict]]:
    hidden = ("record_hash", "batch_id", "fetched_at", "order_status", "hold_reason")
    with store.session(read_only=True) as s:
        return [s.table(n).drop(hidden, strict=False).to_dicts() for n in names]


def test_a_spreadsheet_that_cannot_be_read_is_left_to_a_person(
    duckdb_store: DuckdbStore, tmp_path: Path
):
    oms = settings(tmp_path, "file")
    landing = Landing(str(tmp_path / "landing"))
    land(landing, "file", b"PK\x03\x04 no workbook")
    done = erase(duckdb_store, landing, oms, "zoe@example.com")
    assert (done.records, len(done.left)) == (0, 1)


def test_a_name_that_is_no_order_and_no_address_is_refused(
    duckdb_store: DuckdbStore, tmp_path: Path
):
    oms = settings(tmp_path, "woocommerce")
    with pytest.raises(Rejected, match="CHANNEL/ID"):
        erase(duckdb_store, Landing(str(tmp_path / "landing")), oms, "Zoë Leroy")
