"""The world behind the sandbox: seeded, persistent, and honest about what it sold."""

import csv
import io
import json
from hashlib import sha256

import pytest

from oms_pipelines.sandbox import drops, facts, shop, warehouse
from oms_pipelines.sandbox.world import World

DISPATCH = (
    "line_no", "action", "fo_id", "order_id", "number", "ship_by", "service", "carrier_id", "sku",
    "line_id", "quantity", "unit_value", "currency", "name", "company", "address1", "address2",
    "postal_code", "city", "region", "country", "phone", "email",
)  # fmt: skip


def orders(world, channel="shop_fr"):
    return list(world.truth.shops[channel].orders.values())


def dispatch(world, place, sequence, lines, **manifest):
    """Write a dispatch file as the hub would, manifest last."""
    out = io.StringIO()
    writer = csv.DictWriter(out, DISPATCH, restval="", delimiter=";", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({"line_no": n, **row} for n, row in enumerate(lines, 1))
    body = out.getvalue().encode()
    folder = world.root / place / "in" / "dispatch"
    name = f"{place}_dispatch_20260302_{sequence:06d}.csv"
    (folder / name).write_bytes(body)
    told = {"rows": len(lines), "sequence": sequence, "sha256": sha256(body).hexdigest()}
    (folder / f"{name}.manifest.json").write_text(json.dumps(told | manifest))
    return name


def rows_for(order, action="ship", channel="shop_fr"):
    return [
        {
            "action": action,
            "fo_id": f"F{order.id}",
            "order_id": f"{channel}/{order.id}",
            "number": str(order.id),
            "carrier_id": "colis",
            "sku": line.item,
            "line_id": line.id,
            "quantity": line.quantity * line.units_per,
            "country": order.person.country,
            "city": order.person.city,
        }
        for line in order.lines
    ]


def read(world, place, flow):
    rows = []
    for path in sorted((world.root / place / "out" / flow).glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as f:
            rows += list(csv.DictReader(f, delimiter=";"))
    return rows


def shippable(world, count=8):
    """Return open orders of one shop with known SKUs that are sent home."""
    found = [
        x
        for x in orders(world)
        if x.state == "open" and not x.collect and all(line.item for line in x.lines)
    ]
    return found[:count]


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path / "box", seed=7)
    world.advance(12)
    return world


def test_the_same_seed_gives_the_same_world_and_another_seed_another(tmp_path):
    worlds = [World(tmp_path / str(n), seed=seed) for n, seed in enumerate((7, 7, 8))]
    for world in worlds:
        world.advance(24)
    one, two, other = (facts.state(x, history=True) for x in worlds)
    assert one == two
    assert one["channels"]["shop_fr"]["order_ids"] != other["channels"]["shop_fr"]["order_ids"]


def test_the_size_of_the_steps_of_time_does_not_move_what_happens(tmp_path):
    whole, steps = World(tmp_path / "a", seed=3), World(tmp_path / "b", seed=3)
    whole.advance(30)
    for hours in (0.5, 7, 0, 12.5, 10):
        steps.advance(hours)
    assert facts.state(whole, history=True) == facts.state(steps, history=True)


def test_a_stopped_world_goes_on_where_it_was(tmp_path):
    one, other = World(tmp_path / "a", seed=5), World(tmp_path / "b", seed=5)
    one.advance(20)
    one = World(tmp_path / "a", seed=99)
    one.advance(20)
    other.advance(40)
    assert facts.state(one, history=True) == facts.state(other, history=True)


def test_three_days_hold_five_hundred_orders_of_every_kind(tmp_path):
    world = World(tmp_path / "box")
    world.advance(72)
    shops = world.truth.shops
    sold = [x for s in shops.values() for x in s.orders.values() if x.kind == "sale"]
    assert len(sold) >= 500
    assert min(len(s.orders) for s in shops.values()) > 30
    assert {x.state for x in sold} >= {"open", "canceled", "done"}
    assert {x.payment for x in sold} >= {"paid", "pending", "voided", "partially_refunded"}
    assert any(x.collect for x in sold)
    assert any(line.item is None for x in sold for line in x.lines)
    assert any(line.units_per == 6 for x in sold for line in x.lines)
    assert {x.choice for x in sold} == {"any", "together", "first_now"}


def test_a_shop_never_sells_more_than_it_shows(tmp_path):
    world = World(tmp_path / "box", seed=2)
    world.advance(96)
    for its_shop in world.truth.shops.values():
        assert all(quantity >= 0 for _, _, quantity, _ in its_shop.history)


def test_levels_above_real_stock_are_counted_as_oversold(tmp_path):
    world = World(tmp_path / "box", seed=2)
    world.advance(1)
    assert world.truth.oversells == []
    for its_shop in world.truth.shops.values():
        its_shop.levels = dict.fromkeys(its_shop.levels, 10_000)
    for place in world.truth.places.values():
        place.stock = dict.fromkeys(place.stock, 0)
    world.advance(24)
    told = next(x for x in world.truth.oversells if "order_id" in x)
    assert told["short"] > 0
    assert told["order_id"].split("/")[0] in world.truth.shops


def test_a_dispatched_order_is_acknowledged_picked_confirmed_and_delivered(world):
    wanted = shippable(world)
    name = dispatch(world, "lyon", 1, [row for x in wanted for row in rows_for(x)])
    before = dict(world.truth.places["lyon"].stock)
    world.advance(8)
    answers = [(x["file_name"], x["status"]) for x in read(world, "lyon", "acknowledgements")]
    assert (name, "received") in answers
    assert (name, "accepted") in answers
    confirmed = read(world, "lyon", "confirmations")
    assert {x["fo_id"] for x in confirmed} == {f"F{x.id}" for x in wanted}
    shipped = sum(int(x["shipped_quantity"]) for x in confirmed)
    refused = sum(int(x["refused_quantity"]) for x in confirmed)
    assert shipped + refused == sum(x.quantity for o in wanted for x in o.lines)
    left = sum(before.values()) - sum(world.truth.places["lyon"].stock.values())
    assert left >= shipped
    world.advance(72)
    parcels = list(world.truth.parcels.values())
    assert {x.tag for x in parcels} <= {"Delivered", "OutForDelivery", "Exception"}
    assert sum(q for x in parcels for _, _, q in x.lines) == shipped
    assert world.truth.places["lyon"].faults == []


def test_a_dispatch_file_that_lies_is_refused_and_remembered(world):
    rows = rows_for(shippable(world)[0])
    dispatch(world, "lyon", 1, rows, sha256="0" * 64)
    dispatch(world, "lyon", 2, rows, rows=99)
    world.advance(1)
    place = world.truth.places["lyon"]
    assert [x.status for x in place.files] == ["rejected", "rejected"]
    assert not place.jobs
    assert "digest" in place.faults[0]["fault"]
    assert "99" in place.faults[1]["fault"]


def test_gaps_repetitions_and_lines_told_twice_are_seen(world):
    one, two = shippable(world)[:2]
    dispatch(world, "lyon", 1, rows_for(one))
    world.advance(0)
    dispatch(world, "lyon", 1, rows_for(one))
    world.advance(0)
    assert world.truth.places["lyon"].faults == []  # the same bytes again are no fault
    dispatch(world, "lyon", 3, rows_for(two) + rows_for(one))
    world.advance(0)
    told = " ".join(x["fault"] for x in world.truth.places["lyon"].faults)
    assert "jumps from 1 to 3" in told
    assert "was told before" in told
    dispatch(world, "lyon", 3, rows_for(two))
    world.advance(0)
    assert "changed after it was taken" in world.truth.places["lyon"].faults[-1]["fault"]


def test_a_canceled_job_ships_nothing_unless_it_has_left(world):
    early, late = shippable(world)[:2]
    dispatch(world, "lyon", 1, rows_for(early) + rows_for(late))
    world.advance(0)
    dispatch(world, "lyon", 2, rows_for(early, action="cancel"))
    world.advance(9)
    jobs = world.truth.places["lyon"].jobs
    assert jobs[f"F{early.id}"].state == "canceled"
    assert jobs[f"F{late.id}"].state == "shipped"
    dispatch(world, "lyon", 3, rows_for(late, action="cancel"))
    world.advance(1)
    refused = [x for x in read(world, "lyon", "acknowledgements") if x["status"] == "rejected"]
    assert {x["reason"] for x in refused} == {"it has left"}


def test_goods_that_come_back_stand_on_the_shelf_at_once_when_they_can_be_sold(world):
    sku, place = "MUG-SEA", world.truth.places["lyon"]
    before = place.stock[sku]
    row = {"rma": "", "order_number": "", "line_id": "", "sku": sku, "remark": ""}
    rows = [
        row | {"quantity": 2, "condition": "as_new"},
        row | {"quantity": 1, "condition": "broken"},
    ]
    warehouse.receive(world, "lyon", rows)
    world.advance(0)
    assert place.stock[sku] == before + 2
    assert [x["condition"] for x in read(world, "lyon", "receipts")] == ["as_new", "broken"]


def test_delivered_orders_come_back_by_every_way(tmp_path):
    world = World(tmp_path / "box", seed=7, scale=3)
    world.advance(30)
    for n in range(1, 4):
        for place, channel in (("lyon", "shop_fr"), ("lille", "shop_com"), ("paris", "market")):
            open_ones = [
                x
                for x in orders(world, channel)
                if x.state == "open" and not x.printed and all(y.item for y in x.lines)
            ]
            dispatch(world, place, n, [r for x in open_ones for r in rows_for(x, channel=channel)])
        world.advance(40)
    world.advance(120)
    tally = world.truth.tally
    ways = {"returns/announced", "returns/unannounced", "returns/carrier", "returns/till"}
    assert ways <= set(tally)
    assert {"announced/shop_fr", "announced/shop_com", "announced/market"} <= set(tally)
    receipts = read(world, "lyon", "receipts")
    assert any(x["rma"] for x in receipts)
    assert any(not x["rma"] and x["order_number"] for x in receipts)


def test_what_the_till_sold_unseen_is_the_store_s_doing_until_its_file_is_taken(tmp_path):
    world = World(tmp_path / "box", seed=2)
    sku = "MUG-SEA"
    for place in world.truth.places.values():
        place.stock[sku] = 0
    world.truth.places["paris"].stock[sku] = 2
    world.truth.committed[sku] = 1
    line = [sku, sku, 1, "Mug", 2, 1490]
    drops.till_sale(world, shop="till_paris", customer="c", lines=[line], currency="EUR")
    shop.note_short(world, sku)
    assert (len(world.truth.squeezes), world.truth.oversells) == (2, [])
    world.advance(24)
    file = next((world.root / "till_paris" / "out").glob("*.xlsx"))
    file.unlink()
    world.advance(0)
    shop.note_short(world, sku)
    assert world.truth.oversells[-1]["sku"] == sku


def test_a_stock_file_counts_from_the_private_sale_s_last_orders_file(tmp_path):
    world = World(tmp_path / "box", seed=2)
    world.advance(9)
    private = world.truth.shops["private_sale"]
    sold = {}
    for order in private.orders.values():
        for line in order.lines:
            sold[line.sku] = sold.get(line.sku, 0) + line.quantity - line.canceled
    rows = "".join(f"{sku};10\r\n" for sku in sold)
    (world.root / "private_sale" / "in" / "levels_1.csv").write_text(f"sku;quantity\r\n{rows}")
    world.advance(0)
    assert sold
    assert {sku: private.levels[sku] for sku in sold} == {
        sku: max(10 - n, 0) for sku, n in sold.items()
    }
