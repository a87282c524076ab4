"""WooCommerce payloads to canonical rows: real ones against a table made by hand, and our own."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from woocommerce_shop import settings

from oms_pipelines.consolidate import BatchInfo, Normalized, normalize

HERE = Path(__file__).parent
EXPECTED = yaml.safe_load((HERE / "expected" / "woocommerce.yaml").read_text(encoding="utf-8"))
NOW = datetime(2026, 12, 1, tzinfo=UTC)


def normalized(pages: list[bytes], stream: str, **more: Any) -> Normalized:
    channel = settings("https://shop.test", currency="USD", language="en", **more)
    return normalize(pages, "woocommerce", stream, BatchInfo("b", "shop_fr", NOW, channel))


def rows(found: Normalized, table: str) -> dict[str, dict[str, Any]]:
    return {r["order_id"].split("/")[1]: r for r in found.accepted[table].to_dicts()}


def lines(found: Normalized, number: str) -> list[dict[str, Any]]:
    mine = (
        r for r in found.accepted["order_lines"].to_dicts() if r["order_id"].endswith(f"/{number}")
    )
    return sorted(mine, key=lambda r: int(r["line_id"]))


@pytest.fixture
def payload(shared: Path):
    return lambda name: (shared / "fixtures/channels/woocommerce" / name).read_bytes()


@pytest.fixture
def sample():
    return lambda name: (HERE / "samples" / name).read_bytes()


def money(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))


@pytest.mark.shared
@pytest.mark.parametrize("case", EXPECTED["orders"])
def test_a_real_order_becomes_the_rows_worked_out_by_hand(case, payload):
    name, number = case.split("/")
    want = EXPECTED["orders"][case]
    found = normalized([payload(name)], "orders")
    got = rows(found, "orders")[number]
    status = [got[f"{axis}_status"] for axis in ("order", "payment", "fulfillment")]
    assert status == want["status"]
    assert got["hold_reason"] == want["hold"]
    assert got["original_total_amount"] == money(want["original"])
    assert got["refunded_amount"] == money(want["refunded"])
    assert got["total_amount"] == money(want["total"])
    assert got["tax_amount"] == money(want["tax"])
    assert got["shipping_amount"] == money(want["shipping"])
    assert got["placed_at"] == want["placed"]
    assert got["updated_at"] == want["updated"]
    assert got["source_version"] == int(want["updated"].timestamp()) * 1_000_000
    assert (got["service"], got["currency"]) == (want["service"], "USD")
    assert got["prices_include_tax"] is False
    contact = rows(found, "order_contacts")[number]
    assert [contact["postal_code"], contact["country"]] == [x and str(x) for x in want["to"]]
    units = ("ordered_quantity", "canceled_quantity", "shipped_quantity")
    assert {
        int(x["line_id"]): [
            x["channel_sku"],
            *(x[u] for u in units),
            x["unit_price"],
            x["line_amount"],
        ]
        for x in lines(found, number)
    } == {k: [*v[:4], money(v[4]), money(v[5])] for k, v in want["lines"].items()}


@pytest.mark.shared
@pytest.mark.parametrize("case", EXPECTED["refunds"])
def test_a_real_refund_becomes_the_rows_worked_out_by_hand(case, payload):
    name, number = case.split("/")
    want = EXPECTED["refunds"][case]
    found = normalized([payload(name)], "refunds")
    (got,) = (r for r in found.accepted["refunds"].to_dicts() if r["refund_id"] == number)
    assert got["order_id"] == f"shop_fr/{want['order']}"
    assert (got["amount"], got["currency"]) == (money(want["amount"]), "USD")
    assert got["refunded_at"] == want["at"]
    assert {
        int(x["line_id"]): [x["quantity"], x["amount"]]
        for x in found.accepted["refund_lines"].to_dicts()
        if x["refund_id"] == number
    } == {k: [v[0], money(v[1])] for k, v in want["lines"].items()}


@pytest.mark.shared
def test_every_real_payload_gives_rows_or_a_named_reason(shared, payload):
    tried = set()
    for path in sorted((shared / "fixtures/channels/woocommerce").glob("*.json")):
        stream = "refunds" if "refunds_list" in path.name else "orders"
        found = normalized([path.read_bytes()], stream)
        assert found.received == found.accepted_records + found.rejected.height
        reasons = found.rejected["reason"].to_list()
        if path.name in EXPECTED["others"]:
            assert set(reasons) == {EXPECTED["others"][path.name]}
            assert found.accepted_records == 0
        else:
            keys = found.rejected["record_key"].to_list()
            assert keys == EXPECTED["rejected"].get(path.name, [])
            assert all("quantity" in r for r in reasons)
            assert found.accepted_records > 0 or keys
        tried.add(path.name)
    named = {c.split("/")[0] for part in ("orders", "refunds") for c in EXPECTED[part]}
    assert tried == named | set(EXPECTED["others"]) | set(EXPECTED["rejected"])


def test_each_status_word_gives_three_statuses_and_a_hold(sample):
    got = rows(normalized([sample("woocommerce_orders.json")], "orders"), "orders")
    told = {
        n: [
            *(got[n][f"{a}_status"] for a in ("order", "payment", "fulfillment")),
            got[n]["hold_reason"],
        ]
        for n in got
    }
    assert {n: told[str(n)] for n in range(1, 18)} == {
        1: ["held", "pending", "unfulfilled", "payment pending"],
        2: ["open", "paid", "unfulfilled", None],
        3: ["held", "pending", "unfulfilled", "held by the channel"],
        4: ["closed", "paid", "fulfilled", None],
        5: ["canceled", "voided", "unfulfilled", None],
        6: ["canceled", "paid", "unfulfilled", None],
        7: ["closed", "refunded", "fulfilled", None],
        8: ["canceled", "refunded", "unfulfilled", None],
        9: ["held", "failed", "unfulfilled", "payment failed"],
        10: ["canceled", "paid", "unfulfilled", None],
        11: ["held", "pending", "unfulfilled", "draft"],
        12: ["held", "pending", "unfulfilled", "draft"],
        13: ["held", "pending", "unfulfilled", "draft"],
        14: ["held", "paid", "unknown", "unknown status of the channel"],
        15: ["open", "pending", "unfulfilled", None],
        16: ["held", "refunded", "unfulfilled", "refunded in full"],
        17: ["open", "paid", "unfulfilled", None],
    }
    assert got["14"]["order_status_raw"] == "pre-ordered"


def test_a_collected_order_keeps_the_place_and_the_choice_of_the_customer(sample):
    found = normalized([sample("woocommerce_orders.json")], "orders")
    got = rows(found, "orders")["18"]
    assert (got["delivery_mode"], got["pickup_location"]) == ("collect", "paris")
    assert (got["delivery_choice"], got["language"], got["service"]) == (
        "first_now",
        "fr",
        "Retrait",
    )
    assert got["promised_at"] == datetime(2026, 3, 5, 17, tzinfo=UTC)
    contact = rows(found, "order_contacts")["18"]
    assert (contact["name"], contact["postal_code"]) == ("Paul Exemple", "75001")
    assert (contact["email"], contact["phone"]) == ("ines@example.com", "+33400000000")
    home = rows(found, "order_contacts")["2"]
    assert (home["name"], home["country"]) == ("Inès Exemple", "FR")
    assert rows(found, "orders")["2"]["delivery_mode"] == "home"


def test_local_times_of_old_shops_are_resolved_in_the_shops_zone(sample):
    got = rows(normalized([sample("woocommerce_orders.json")], "orders"), "orders")["19"]
    assert got["placed_at"] == datetime(2026, 7, 1, 8, tzinfo=UTC)  # summer
    assert got["updated_at"] == datetime(2026, 11, 1, 9, tzinfo=UTC)  # winter
    assert got["payment_status"] == "paid"


def test_bundle_lines_keep_together_and_skus_stay_as_written(sample):
    found = normalized([sample("woocommerce_orders.json")], "orders")
    got = lines(found, "20")
    assert [x["keep_together"] for x in got] == ["201", "201", "201", None]
    assert [x["channel_sku"] for x in got] == ["BOX", "MUG", None, "001E5"]
    assert [x["ordered_quantity"] for x in got] == [1, 2, 1, 3]
    assert got[3]["unit_price"] == Decimal("3.3333")
    assert lines(found, "2")[0]["title"] == "Mug & Bol"


def test_a_bad_order_is_kept_back_alone_with_a_reason_without_values(sample):
    found = normalized([sample("woocommerce_orders_bad.json")], "orders")
    got = rows(found, "orders")
    assert sorted(got) == ["102", "108"]
    assert got["102"]["currency"] == "USD"  # it tells none: the channel's
    reasons = dict(found.rejected.select("record", "reason").iter_rows())
    assert sorted(reasons) == [0, 2, 3, 4, 5, 6, 7]
    words = ["updated_at", "currency", "external_id", "negative", "fraction", "total", "object"]
    for at, word in zip(sorted(reasons), words, strict=True):
        assert word in reasons[at]
    assert "yesterday" not in reasons[0]


def test_refund_lines_before_completion_cancel_and_later_ones_do_not_say(sample):
    pages = [orjson.dumps(page) for page in json.loads(sample("woocommerce_refunds.json"))]
    found = normalized(pages, "refunds")
    got = {r["refund_id"]: r for r in found.accepted["refunds"].to_dicts()}
    assert sorted(got) == ["71", "72", "81"]
    assert got["81"]["currency"] == "GBP"
    assert (got["71"]["reason_text"], got["72"]["reason_text"]) == ("Cassé", None)
    lines = found.accepted["refund_lines"].to_dicts()
    told = {
        (x["refund_id"], x["line_id"]): (x["quantity"], x["amount"], x["restock"]) for x in lines
    }
    assert told == {
        ("71", "71"): (1, Decimal("10.00"), "cancel"),
        ("72", "71"): (2, Decimal("20.00"), "unknown"),
        ("72", "72"): (0, Decimal("1.00"), "unknown"),
        ("81", "81"): (2, Decimal("20.00"), "cancel"),
    }
    assert found.rejected.height == 2
