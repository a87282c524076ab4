"""Shopify payloads to canonical rows: real ones against a table made by hand, and our own."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from oms_pipelines.channels import shopify
from oms_pipelines.config import Channel
from oms_pipelines.consolidate import BatchInfo, Normalized, normalize

HERE = Path(__file__).parent
EXPECTED = yaml.safe_load((HERE / "expected" / "shopify.yaml").read_text(encoding="utf-8"))
NOW = datetime(2026, 12, 1, tzinfo=UTC)
TOTALS = ("total", "original_total", "tax", "shipping", "discount", "refunded")


def normalized(page: bytes, stream: str = "orders", **options: Any) -> Normalized:
    channel = Channel(id="shop_fr", system="shopify", options=options)
    return normalize([page], "shopify", stream, BatchInfo("b", "shop_fr", NOW, channel))


def by(found: Normalized, table: str, column: str) -> dict[str, dict[str, Any]]:
    return {row[column]: row for row in found.accepted[table].to_dicts()}


def money(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def sample(name: str) -> bytes:
    return (HERE / "samples" / name).read_bytes()


@pytest.fixture
def payload(shared: Path):
    return lambda name: (shared / "fixtures/channels/shopify" / name).read_bytes()


@pytest.fixture(scope="module")
def own() -> Normalized:
    return normalized(sample("shopify_orders.json"), locations={"11": "paris"})


@pytest.fixture(scope="module")
def orders(own) -> dict[str, dict[str, Any]]:
    return by(own, "orders", "external_id")


@pytest.fixture(scope="module")
def lines(own) -> dict[str, dict[str, Any]]:
    return by(own, "order_lines", "line_id")


@pytest.mark.shared
@pytest.mark.parametrize("case", EXPECTED["orders"])
def test_a_real_order_becomes_the_rows_worked_out_by_hand(case, payload):
    name, number = case.split("/")
    want = EXPECTED["orders"][case]
    found = normalized(payload(name))
    (got,) = found.accepted["orders"].to_dicts()
    assert (got["order_id"], got["number"]) == (f"shop_fr/{number}", want["number"])
    axes = ("order", "payment", "fulfillment")
    assert [got[f"{axis}_status"] for axis in axes] == want["status"]
    assert [got[f"{axis}_status_raw"] for axis in axes] == want["raw"]
    assert got["hold_reason"] == want["hold"]
    assert [got[f"{t}_amount"] for t in TOTALS] == [money(x) for x in want["totals"]]
    assert (got["placed_at"], got["updated_at"]) == (want["placed"], want["updated"])
    assert got["source_version"] == int(want["updated"].timestamp()) * 1_000_000
    assert (got["delivery_mode"], got["service"]) == (want["mode"], want["service"])
    assert (got["currency"], got["prices_include_tax"]) == ("USD", False)
    (contact,) = found.accepted["order_contacts"].to_dicts()
    assert [contact["postal_code"], contact["country"]] == want["to"]
    assert {
        int(x["line_id"]): [
            x["channel_sku"],
            x["ordered_quantity"],
            x["canceled_quantity"],
            x["shipped_quantity"],
            x["unit_price"],
            x["line_amount"],
            x["requires_shipping"],
        ]
        for x in found.accepted["order_lines"].to_dicts()
    } == {k: [*v[:4], money(v[4]), money(v[5]), v[6]] for k, v in want["lines"].items()}


@pytest.mark.shared
@pytest.mark.parametrize("case", EXPECTED["refunds"])
def test_a_real_refund_becomes_the_rows_worked_out_by_hand(case, payload):
    want = EXPECTED["refunds"][case]
    found = normalized(payload(case.split("/")[0]))
    (got,) = found.accepted["refunds"].to_dicts()
    assert (got["refund_id"], got["reason_text"]) == (want["refund"], want["reason"])
    assert (got["amount"], got["refunded_at"]) == (money(want["amount"]), want["at"])
    (order,) = found.accepted["orders"].to_dicts()
    assert got["source_version"] == order["source_version"]
    assert {
        int(x["line_id"]): [x["quantity"], x["amount"], x["restock"]]
        for x in found.accepted["refund_lines"].to_dicts()
    } == {k: [v[0], money(v[1]), v[2]] for k, v in want["lines"].items()}


@pytest.mark.shared
@pytest.mark.parametrize("case", EXPECTED["returns"])
def test_a_real_return_becomes_the_rows_worked_out_by_hand(case, payload):
    name, number = case.split("/")
    want = EXPECTED["returns"][case]
    body = payload(name)
    reasons = normalized(body, "returns").rejected["reason"].to_list()
    assert [r.split(";")[0] for r in reasons] == ["updated_at: not a time with its offset"]
    mended = orjson.loads(body) | {"updatedAt": want["mended"].isoformat()}
    found = normalized(orjson.dumps(mended), "returns")
    (got,) = found.accepted["returns"].to_dicts()
    assert got["return_id"] == f"shop_fr/{number}"
    assert (got["order_id"], got["rma"]) == (want["order"], want["rma"])
    assert [got["status"], got["status_raw"]] == want["status"]
    assert got["announced_at"] == want["announced"]
    assert got["source_version"] == int(want["mended"].timestamp()) * 1_000_000
    assert {
        int(x["line_id"]): [x["quantity"], x["reason_raw"], x["reason_text"]]
        for x in found.accepted["return_lines"].to_dicts()
    } == want["lines"]


@pytest.mark.shared
def test_every_real_payload_gives_rows_or_a_named_reason(shared):
    rejected = EXPECTED["rejected"]
    good = {case.split("/")[0] for case in EXPECTED["orders"]}
    for path in sorted((shared / "fixtures/channels/shopify").glob("*.json")):
        found = normalized(path.read_bytes())
        assert found.received == found.accepted_records + found.rejected.height == 1
        want = [] if path.name in good else [rejected.get(path.name, rejected["others"])]
        assert found.rejected["reason"].to_list() == want, path.name


def test_units_edited_out_shipped_returned_and_to_ship_are_told_apart(lines):
    units = {
        k: (x["ordered_quantity"], x["canceled_quantity"], x["shipped_quantity"])
        for k, x in ((k, lines[k]) for k in ("101", "102", "103"))
    }
    assert units == {
        "101": (5, 1, 3),  # three shipped in two parcels, one of them back, one edited out
        "102": (2, 0, 2),  # in a fulfillment under way: somebody ships them
        "103": (4, 4, 0),  # edited out whole
    }
    assert (lines["103"]["line_amount"], lines["103"]["unit_price"]) == (36, 9)


def test_a_refund_keeps_its_own_total_and_its_units_once_a_line(own, orders):
    refunds = by(own, "refunds", "refund_id")
    assert (refunds["71"]["amount"], refunds["71"]["reason_text"]) == (Decimal("17.25"), None)
    assert (refunds["72"]["amount"], refunds["72"]["reason_text"]) == (0, "goodwill")
    (line,) = own.accepted["refund_lines"].to_dicts()
    assert (line["quantity"], line["amount"], line["restock"]) == (2, 20, "unknown")
    assert orders["1"]["total_amount"] == Decimal("31.5")
    assert orders["1"]["refunded_amount"] == Decimal("17.25")
    assert orders["1"]["fulfillment_status"] == "partial"


def test_what_must_not_ship_is_held_with_its_reason(orders):
    held = {k: x["hold_reason"] for k, x in orders.items() if x["order_status"] == "held"}
    assert held == {
        "4": "payment pending",
        "5": "held by the channel",
        "6": "unknown status of the channel",
        "7": "unknown status of the channel",
        "8": "test order",
        "10": "refunded in full",
        "13": "payment failed",
    }
    assert (orders["6"]["fulfillment_status"], orders["6"]["fulfillment_status_raw"]) == (
        "unknown",
        "TELEPORTED",
    )
    assert (orders["7"]["payment_status"], orders["7"]["payment_status_raw"]) == (
        "unknown",
        "BARTERED",
    )


def test_payment_on_terms_ships_where_the_shop_says_so():
    found = by(normalized(sample("shopify_orders.json"), ship_unpaid=True), "orders", "external_id")
    assert (found["4"]["order_status"], found["4"]["payment_status"]) == ("held", "pending")
    assert found["4"]["hold_reason"] == "shipping address missing"


def test_a_store_sale_is_handed_over_where_it_was_sold(orders, lines):
    assert (orders["2"]["delivery_mode"], lines["201"]["location_id"]) == ("none", "paris")
    assert (lines["201"]["shipped_quantity"], lines["101"]["location_id"]) == (1, None)


def test_collection_pickup_points_choices_and_promises_are_read(orders):
    assert orders["3"]["delivery_mode"] == "collect"
    assert orders["3"]["pickup_location"] == "paris"
    assert orders["3"]["delivery_choice"] == "together"
    assert orders["3"]["promised_at"] == datetime(2026, 7, 5, 18, tzinfo=UTC)
    assert orders["12"]["delivery_mode"] == "pickup_point"
    assert orders["11"]["promised_at"] == datetime(2026, 7, 8, 10, tzinfo=UTC)
    assert orders["11"]["delivery_choice"] is None


def test_shop_money_counts_whatever_the_customer_saw(orders, lines):
    assert (orders["11"]["currency"], orders["11"]["total_amount"]) == ("EUR", 50)
    assert lines["1101"]["keep_together"] == lines["1102"]["keep_together"] == "7"


def test_a_gift_card_without_sku_is_kept_and_not_shipped(orders, lines):
    assert (lines["901"]["channel_sku"], lines["901"]["requires_shipping"]) == (None, False)
    assert (orders["9"]["order_status"], orders["9"]["fulfillment_status"]) == (
        "open",
        "not_required",
    )


def test_bulk_files_give_the_same_rows_as_pages():
    def flat(value: Any) -> Any:
        if isinstance(value, dict):
            nodes = value.get("nodes")
            return flat(nodes) if nodes is not None else {k: flat(v) for k, v in value.items()}
        return [flat(v) for v in value] if isinstance(value, list) else value

    nodes = orjson.loads(sample("shopify_orders.json"))["data"]["orders"]["nodes"]
    page = normalized(orjson.dumps(nodes))
    bulk = normalized(orjson.dumps([flat(n) for n in nodes]))
    assert bulk.rejected.height == page.rejected.height == 0
    for table, rows in page.accepted.items():
        assert (
            bulk.accepted[table]
            .drop("record_hash", strict=False)
            .equals(rows.drop("record_hash", strict=False))
        )


def test_a_broken_order_is_kept_back_alone_with_its_reason():
    found = normalized(sample("shopify_orders_bad.json"))
    assert by(found, "orders", "external_id").keys() == {"27"}
    reasons = dict(found.rejected.select("record", "reason").iter_rows())
    starts = {
        0: "order_lines.ordered_quantity: negative",
        1: "order_lines.ordered_quantity: a fraction",
        2: "currency: not a currency code",
        3: "updated_at: not a time",
        4: "external_id: missing",
        5: "not an order: lineItems (line_items) is missing",
    }
    assert reasons.keys() == starts.keys() | {6}
    assert all(reasons[k].startswith(start) for k, start in starts.items()), reasons


def test_each_return_is_a_record_with_its_reasons():
    found = normalized(sample("shopify_returns.json"), "returns")
    assert (found.received, found.rejected.height) == (5, 0)
    returns = by(found, "returns", "return_id")
    assert {k[8:]: (x["status"], x["status_raw"]) for k, x in returns.items()} == {
        "801": ("announced", "OPEN"),
        "802": ("announced", "REQUESTED"),
        "803": ("refused", "DECLINED"),
        "804": ("canceled", "CANCELED"),
        "805": ("announced", "SHELVED"),
    }
    assert returns["shop_fr/801"]["tracking_number"] == "RR1"
    assert returns["shop_fr/801"]["reason_raw"] is None
    assert returns["shop_fr/802"]["reason_raw"] == "DEFECTIVE"
    lines = {x["return_id"]: x for x in found.accepted["return_lines"].to_dicts()}
    first = lines["shop_fr/801"]
    assert (first["quantity"], first["reason_raw"], first["reason_text"]) == (
        3,
        "color",
        "trop petit",
    )


@pytest.mark.parametrize("stream", ["orders", "returns"])
def test_a_record_cut_out_of_a_page_is_cut_as_itself(stream):
    channel = Channel(id="shop_fr", system="shopify")
    for name in ("shopify_orders.json", "shopify_orders_bad.json", "shopify_returns.json"):
        for record in shopify.records(stream, sample(name), channel, {}):
            text = record if isinstance(record, bytes) else orjson.dumps(record)
            (again,) = shopify.records(stream, text, channel, {})
            again = orjson.loads(again) if isinstance(again, bytes) else again
            assert again == orjson.loads(text)
