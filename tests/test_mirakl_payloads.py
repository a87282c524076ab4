"""Mirakl payloads to canonical rows: real ones against a table made by hand, and our own."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from oms_pipelines.channels import mirakl
from oms_pipelines.config import Channel
from oms_pipelines.consolidate import BatchInfo, Normalized, normalize

HERE = Path(__file__).parent
EXPECTED = yaml.safe_load((HERE / "expected" / "mirakl.yaml").read_text(encoding="utf-8"))
NOW = datetime(2026, 12, 1, tzinfo=UTC)
TOTALS = ("total", "original_total", "tax", "shipping", "discount", "refunded")
CHANNEL = Channel(id="market", system="mirakl")


def normalized(page: bytes, stream: str = "orders") -> Normalized:
    return normalize([page], "mirakl", stream, BatchInfo("b", "market", NOW, CHANNEL))


def by(found: Normalized, table: str, column: str) -> dict[str, dict[str, Any]]:
    return {row[column]: row for row in found.accepted[table].to_dicts()}


def money(value: Any) -> Decimal:
    return Decimal(str(value))


def sample(name: str) -> bytes:
    return (HERE / "samples" / name).read_bytes()


@pytest.fixture
def payload(shared: Path):
    return lambda name: (shared / "fixtures/channels/mirakl" / name).read_bytes()


@pytest.fixture(scope="module")
def own() -> Normalized:
    return normalized(sample("mirakl_orders.json"))


@pytest.fixture(scope="module")
def orders(own) -> dict[str, dict[str, Any]]:
    return {k.removesuffix("-A"): x for k, x in by(own, "orders", "external_id").items()}


@pytest.fixture(scope="module")
def units(own) -> dict[str, tuple[int, int, int]]:
    return {
        k: (x["ordered_quantity"], x["canceled_quantity"], x["shipped_quantity"])
        for k, x in by(own, "order_lines", "line_id").items()
    }


@pytest.mark.shared
@pytest.mark.parametrize("case", EXPECTED["orders"])
def test_a_real_order_becomes_the_rows_worked_out_by_hand(case, payload):
    name, number = case.split("/")
    want = EXPECTED["orders"][case]
    found = normalized(payload(name))
    (got,) = found.accepted["orders"].to_dicts()
    assert (got["order_id"], got["number"]) == (f"market/{number}", want["number"])
    axes = ("order", "payment", "fulfillment")
    assert [got[f"{axis}_status"] for axis in axes] == want["status"]
    assert [got[f"{axis}_status_raw"] for axis in axes] == want["raw"]
    assert got["hold_reason"] == want["hold"]
    assert [got[f"{t}_amount"] for t in TOTALS] == [money(x) for x in want["totals"]]
    assert (got["placed_at"], got["updated_at"]) == (want["placed"], want["updated"])
    assert got["promised_at"] == want["promised"]
    assert (got["delivery_mode"], got["pickup_location"]) == (want["mode"], want["point"])
    assert (got["service"], got["language"]) == (want["service"], want["language"])
    assert (got["currency"], got["prices_include_tax"]) == ("USD", False)
    (contact,) = found.accepted["order_contacts"].to_dicts()
    assert [contact["postal_code"], contact["country"]] == want["to"]
    assert {
        x["line_id"]: [
            x["channel_sku"],
            x["ordered_quantity"],
            x["canceled_quantity"],
            x["shipped_quantity"],
            x["unit_price"],
            x["line_amount"],
            x["tax_amount"],
        ]
        for x in found.accepted["order_lines"].to_dicts()
    } == {k: [*v[:4], *map(money, v[4:])] for k, v in want["lines"].items()}
    of_refund = by(found, "refund_lines", "refund_id")
    assert {
        k: [
            x["amount"],
            x["refunded_at"],
            x["reason_text"],
            *(of_refund[k][column] for column in ("line_id", "quantity", "amount")),
        ]
        for k, x in by(found, "refunds", "refund_id").items()
    } == {k: [money(v[0]), *v[1:5], money(v[5])] for k, v in want["refunds"].items()}


@pytest.mark.shared
@pytest.mark.parametrize("case", EXPECTED["returns"])
def test_a_real_return_becomes_the_rows_worked_out_by_hand(case, payload):
    name, number = case.split("/")
    want = EXPECTED["returns"][case]
    found = normalized(payload(name), "returns")
    got = by(found, "returns", "return_id")[f"market/{number}"]
    assert (got["order_id"], got["rma"]) == (want["order"], want["rma"])
    assert [got["status"], got["status_raw"]] == want["status"]
    assert [got["reason_raw"], got["reason_text"]] == want["reason"]
    assert [got["carrier_id"], got["tracking_number"]] == want["parcel"]
    assert got["announced_at"] == want["announced"]
    assert got["source_version"] == int(want["updated"].timestamp()) * 1_000_000
    assert {
        x["line_id"]: x["quantity"]
        for x in found.accepted["return_lines"].to_dicts()
        if x["return_id"] == got["return_id"]
    } == want["lines"]


@pytest.mark.shared
def test_every_real_payload_gives_rows_or_a_named_reason(shared):
    good = {case.split("/")[0] for case in EXPECTED["orders"]}
    tried = set()
    for path in sorted((shared / "fixtures/channels/mirakl").iterdir()):
        if path.suffix == ".md":
            continue
        found = normalized(path.read_bytes())
        assert found.received == found.accepted_records + found.rejected.height
        want = set() if path.name in good else {EXPECTED["rejected"][path.name]}
        assert set(found.rejected["reason"].to_list()) == want, path.name
        tried.add(path.name)
    assert tried == good | EXPECTED["rejected"].keys()


def test_each_state_of_an_order_stands_on_its_three_axes(orders):
    axes = ("order_status", "payment_status", "fulfillment_status", "hold_reason")
    assert {k: tuple(x[a] for a in axes) for k, x in orders.items()} == {
        "O1": ("held", "pending", "unfulfilled", "waits for acceptance"),
        "O2": ("held", "pending", "unfulfilled", "payment pending"),
        "O3": ("open", "paid", "partial", None),
        "O4": ("open", "partially_refunded", "fulfilled", None),
        "O5": ("canceled", "voided", "unfulfilled", None),
        "O6": ("open", "refunded", "unfulfilled", None),
        "O7": ("open", "authorized", "unfulfilled", None),
        "O8": ("held", "paid", "unknown", "unknown status of the channel"),
        "O9": ("held", "pending", "unfulfilled", "held by the channel"),
        "O10": ("closed", "paid", "fulfilled", None),
    }


def test_canceled_and_shipped_units_are_told_apart(units):
    assert {k: v for k, v in units.items() if k[:3] in ("O3-", "O4-", "O5-", "O6-", "O10")} == {
        "O3-A-1": (3, 1, 0),  # one unit canceled, two to ship
        "O3-A-2": (1, 1, 0),  # the whole line canceled
        "O3-A-3": (1, 0, 1),
        "O4-A-1": (2, 0, 2),  # shipped, then refunded for one
        "O5-A-1": (2, 2, 0),
        "O6-A-1": (2, 2, 0),  # refunded before it shipped
        "O10-A-1": (2, 0, 2),  # an incident is open on what has shipped
    }


def test_what_the_customer_pays_now_is_less_cancelations_and_refunds(orders, own):
    assert orders["O3"]["original_total_amount"] == Decimal("54.90")
    assert orders["O3"]["total_amount"] == Decimal("43.40")
    assert orders["O4"]["refunded_amount"] == Decimal("5.00")
    refund = by(own, "refunds", "refund_id")["r1"]
    assert refund["refunded_at"] == datetime(2026, 7, 2, 9, tzinfo=UTC)


def test_before_the_debit_there_is_a_receiver_and_no_address(own):
    contacts = by(own, "order_contacts", "order_id")
    assert contacts["market/O1-A"]["name"] == "Ada Exemple"
    assert contacts["market/O1-A"]["address1"] is None
    assert contacts["market/O3-A"]["country"] == "FR"


@pytest.mark.parametrize(
    ("given", "country"),
    [("GBR", "GB"), ("XKX", "XK"), ("REU", "RE"), ("fra", "FR"), ("FR", "FR"), ("Narnia", None)],
)
def test_countries_come_as_three_letters_and_go_as_two(given, country):
    page = orjson.loads(sample("mirakl_orders.json"))
    page["orders"] = page["orders"][2:3]
    page["orders"][0]["customer"]["shipping_address"]["country_iso_code"] = given
    (contact,) = normalized(orjson.dumps(page)).accepted["order_contacts"].to_dicts()
    assert contact["country"] == country


def test_choices_points_and_deadlines_are_read(orders):
    assert orders["O3"]["delivery_choice"] == "first_now"
    assert (orders["O7"]["delivery_mode"], orders["O7"]["pickup_location"]) == (
        "pickup_point",
        "P12",
    )
    assert orders["O7"]["promised_at"] == datetime(2026, 7, 4, 22, tzinfo=UTC)
    assert orders["O7"]["prices_include_tax"] is True


def test_returns_add_up_a_line_and_a_negative_unit_is_kept_back():
    found = normalized(sample("mirakl_returns.json"), "returns")
    statuses = {k[7:]: x["status"] for k, x in by(found, "returns", "return_id").items()}
    assert statuses == {"a": "announced", "b": "in_transit", "c": "closed", "d": "announced"}
    lines = by(found, "return_lines", "return_id")
    assert lines["market/b"]["quantity"] == 2
    (reason,) = found.rejected["reason"].to_list()
    assert reason.startswith("return_lines.quantity: negative")


@pytest.mark.parametrize(
    ("stream", "name"), [("orders", "mirakl_orders.json"), ("returns", "mirakl_returns.json")]
)
def test_a_record_cut_out_of_a_page_is_cut_as_itself(stream, name):
    for record in mirakl.records(stream, sample(name), CHANNEL, {}):
        (again,) = mirakl.records(stream, record, CHANNEL, {})
        again = orjson.dumps(again) if isinstance(again, dict) else again
        assert orjson.loads(again) == orjson.loads(record)
