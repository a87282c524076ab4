"""Returns: announced with a coded reason, told to the location, found and received at the dock."""

from datetime import timedelta

import pytest
from returns_world import (
    ANNOUNCED,
    NOW,
    RECEIVED,
    announcement,
    drop,
    opened,
    shipped,
    sold,
    table,
    take_in,
)

from oms_pipelines.dispatch import plan_files, write_files
from oms_pipelines.errors import Rejected
from oms_pipelines.quality import quarantine
from oms_pipelines.returns.announce import Announcement, announce
from oms_pipelines.returns.dock import Receipt, find, receive
from oms_pipelines.store import Store


@pytest.fixture
def hub(duckdb_store: Store, tmp_path):
    """Return a hub that shipped two units of line 1 of order 1, and one of line 2."""
    sold(duckdb_store, "1", 3, 1)
    shipped(duckdb_store, "1", 1, 2)
    shipped(duckdb_store, "1", 2, 1)
    return opened(duckdb_store, tmp_path)


def balances(store: Store) -> dict[str, int]:
    """Return where goods lie that came back."""
    away = ("world/in_transit", "world/customer")
    rows = table(store, "stock_balances").iter_rows()
    return {account: units for account, _, units in rows if units and account not in away}


def test_a_return_is_announced_whole_with_reason_text_and_initiator(hub):
    said = Announcement(
        "N1", "too_small", text="Trop petit; désolée", initiator="carrier",
        carrier_id="colis", tracking_number="BACK1",
    )  # fmt: skip
    made = announce(hub, said)
    assert (made.order_id, made.quantity, made.location_id) == ("shop/1", 3, "lyon")
    [row] = table(hub.store, "returns").to_dicts()
    assert (row["reason_code"], row["reason_text"], row["initiator"], row["status"]) == (
        "too_small", "Trop petit; désolée", "carrier", "announced",
    )  # fmt: skip
    lines = table(hub.store, "return_lines").select("line_id", "sku", "quantity").rows()
    assert lines == [("1", "A", 2), ("2", "A", 1)]


@pytest.mark.parametrize(
    ("wrong", "names"),
    [
        ({"order": "N9"}, "order: N9 names no orders"),
        ({"reason": "bored"}, "reason: bored is not in the menu: too_small, undelivered"),
        ({"initiator": "dog"}, "initiator: dog is none of customer, carrier, merchant"),
        ({"location_id": "mars"}, "location: mars is none of lyon, paris"),
        ({"lines": ("7",)}, "lines: 7 is none of 1, 2"),
        ({"lines": ("1=x",)}, "lines: 1=x: write LINE or LINE=QUANTITY"),
        ({"lines": ("1=0",)}, "lines: 1: 2 units may come back, not 0"),
        ({"lines": ("1=3",)}, "lines: 1: 2 units may come back, not 3"),
        ({"lines": ("1", "1")}, "lines: 1 stands twice"),
    ],
)
def test_an_announcement_that_cannot_be_is_refused_by_field(hub, wrong, names):
    said = {"order": "shop/1", "reason": "too_small"} | wrong
    with pytest.raises(Rejected, match=names):
        announce(hub, Announcement(**said))
    assert table(hub.store, "returns").is_empty()


def test_nothing_more_may_be_announced_than_was_delivered_over_any_number_of_returns(hub):
    announce(hub, Announcement("shop/1", "too_small", ("1=1",)))
    announce(hub, Announcement("shop/1", "too_small", ("1=1",)))
    with pytest.raises(Rejected, match="lines: 1: 0 units may come back, not 1"):
        announce(hub, Announcement("shop/1", "too_small", ("1=1",)))
    announce(hub, Announcement("shop/1", "too_small"))
    with pytest.raises(Rejected, match="nothing of it has left, or all of it is announced"):
        announce(hub, Announcement("shop/1", "too_small"))
    assert len(set(table(hub.store, "returns")["rma"])) == 3


def test_what_came_back_unannounced_may_not_be_announced_again(hub):
    receive(hub, Receipt("lyon", "R1", "N1", ("A=2=as_new",)))
    with pytest.raises(Rejected, match="lines: 1: 0 units may come back"):
        announce(hub, Announcement("shop/1", "too_small", ("1=1",)))


def test_the_location_is_told_beforehand_and_once(hub, tmp_path):
    made = announce(hub, Announcement("N1", "too_small", ("1=2",), text="Zu klein"))
    for _ in range(2):
        with hub.store.session() as session:
            plan_files(session, hub.oms, NOW)
        write_files(hub.store, hub.oms, NOW)
    [notice] = (tmp_path / "lyon" / "notices").glob("*.csv")
    header, row, end = notice.read_bytes().decode().split("\r\n")
    told = dict(zip(header.split(";"), row.split(";"), strict=True))
    assert (told["rma"], told["sku"], told["quantity"], told["reason_text"], end) == (
        made.rma, "A", "2", "Zu klein", "",
    )  # fmt: skip


def test_a_dropped_file_announces_returns_and_keeps_bad_rows_back_alone(hub, tmp_path):
    drop(
        tmp_path, "drop", "monday.csv", ANNOUNCED,
        announcement("P1", "N1", "1", 1, text="Trop petit", initiator="carrier"),
        announcement("P1", "N1", "2", 1),
        announcement("P2", "N1", "1", 2),
        announcement("P3", "N1", "1", 1, expected="paris"),
        announcement("P4", "N9"),
        announcement("P5", "N1", "8"),
        announcement("P6", "N1", reason="bored"),
        announcement("P7", "N1", expected="mars"),
    )  # fmt: skip
    [told] = take_in(hub, "announcements")
    assert (told.source, told.received, told.accepted, told.quarantined) == ("hub", 8, 3, 5)
    found = table(hub.store, "returns").select("return_id", "location_id", "initiator").rows()
    assert found == [("hub/P1", "lyon", "carrier"), ("hub/P3", "paris", "customer")]
    kept = quarantine.list_records(hub.store).sort("record_key")
    reasons = dict(kept.select("record_key", "reason").iter_rows())
    assert "1 units of the line may come back" in reasons["P2"]
    assert "order_number names no order" in reasons["P4"]
    assert "line_id is no line" in reasons["P5"]
    assert "reason_code is not in the menu" in reasons["P6"]
    assert "expected_at is no location" in reasons["P7"]
    assert (tmp_path / "drop" / "archive" / "monday.csv").exists()


def test_a_row_kept_back_is_mended_and_joins_the_lines_of_its_return(hub, tmp_path):
    drop(
        tmp_path, "drop", "a.csv", ANNOUNCED,
        announcement("P1", "N1", "1", 2), announcement("P1", "N1", "2", 5),
    )  # fmt: skip
    take_in(hub, "announcements")
    [kept] = quarantine.list_records(hub.store).to_dicts()
    mended = "\r\n".join([ANNOUNCED, announcement("P1", "N1", "2", 1), ""]).encode()
    quarantine.release(
        hub.store, hub.landing, hub.oms, kept["quarantine_id"], mended, NOW + timedelta(hours=1)
    )
    lines = table(hub.store, "return_lines").select("return_id", "line_id", "quantity").rows()
    assert lines == [("hub/P1", "1", 2), ("hub/P1", "2", 1)]


def test_a_dropped_file_may_have_a_profile_of_its_own_beside_what_the_hub_announces(
    duckdb_store, tmp_path
):
    sold(duckdb_store, "1", 2)
    shipped(duckdb_store, "1", 1, 2)
    header = {
        "rma": "Retour", "order_number": "Commande", "line_id": "Ligne", "quantity": "Unites",
        "reason_code": "Motif", "announced_at": "Date",
    }  # fmt: skip
    own = {
        "kind": "announcement", "delimiter": ",", "header": header,
        "defaults": {"initiator": "customer"}, "values": {"reason_code": {"TAILLE": "too_small"}},
    }  # fmt: skip
    drop_ = {"from": str(tmp_path / "drop"), "profile": "partner"}
    hub = opened(duckdb_store, tmp_path, profiles={"partner": own}, drop=drop_)
    announce(hub, Announcement("N1", "too_small", ("1=1",)))
    row = "P1,N1,1,1,TAILLE,2026-01-03T10:00:00Z"
    drop(tmp_path, "drop", "b.csv", ",".join(header.values()), row)
    [told] = take_in(hub, "announcements")
    assert (told.accepted, told.quarantined) == (1, 0)
    assert table(hub.store, "returns")["reason_code"].to_list() == ["too_small", "too_small"]


def test_a_parcel_at_the_dock_is_found_by_number_rma_and_tracking(hub):
    made = announce(hub, Announcement("shop/1", "too_small", ("1",), tracking_number="BACK1"))
    for word in ("N1", "shop/1", "1", made.rma, made.return_id, "BACK1", "T1"):
        with hub.store.session(read_only=True) as session:
            found = find(session, word)
        assert found.select("order_id", "rma").rows() == [("shop/1", made.rma)], word
    with hub.store.session(read_only=True) as session:
        assert find(session, "nobody").is_empty()


@pytest.mark.parametrize(
    ("condition", "account"),
    [
        ("as_new", "lyon/sellable"),
        ("damaged", "lyon/repair"),
        ("broken", "world/scrap"),
        ("unknown", "lyon/quarantine"),
    ],
)
def test_goods_go_where_their_condition_says_at_once(hub, condition, account):
    made = announce(hub, Announcement("N1", "too_small", ("2",)))
    assert receive(hub, Receipt("lyon", "R1", made.rma, (f"A=1={condition}",), "wet")).units == 1
    assert balances(hub.store) == {account: 1}
    [row] = table(hub.store, "return_receipts").to_dicts()
    assert (row["return_id"], row["order_id"], row["line_id"], row["reason_text"]) == (
        made.return_id, "shop/1", "2", "wet",
    )  # fmt: skip


def test_an_unknown_parcel_is_booked_and_a_wrong_one_is_refused(hub):
    with pytest.raises(Rejected, match="leave it out to book the goods as an unknown parcel"):
        receive(hub, Receipt("lyon", "R1", "nobody", ("A=1",)))
    with pytest.raises(Rejected, match="location: mars is none of"):
        receive(hub, Receipt("mars", "R1", None, ("A=1",)))
    with pytest.raises(Rejected, match="write SKU=QUANTITY=CONDITION"):
        receive(hub, Receipt("lyon", "R1", None, ("A=1=shiny",)))
    receive(hub, Receipt("lyon", "R1", None, ("A=1",)))
    [row] = table(hub.store, "return_receipts").to_dicts()
    assert (row["return_id"], row["order_id"], row["disposition"]) == (None, None, "quarantine")


def test_a_receipt_booked_again_with_its_parcel_named_moves_no_stock_twice(hub):
    receive(hub, Receipt("lyon", "R1", None, ("A=1=as_new",)))
    hub.__dict__["_now"] = NOW + timedelta(hours=1)
    receive(hub, Receipt("lyon", "R1", "N1", ("A=1=as_new",)))
    [row] = table(hub.store, "return_receipts").to_dicts()
    assert (row["order_id"], row["line_id"]) == ("shop/1", "1")
    assert balances(hub.store) == {"lyon/sellable": 1}


def test_more_than_was_delivered_comes_in_and_is_linked_to_no_line(hub, tmp_path):
    drop(
        tmp_path, "lyon/receipts", "r.csv", RECEIVED,
        "R1;1;;N1;1;A;2;as_new;;2026-01-03T11:00:00Z",
        "R2;1;;N1;1;A;1;as_new;;2026-01-03T12:00:00Z",
        "R3;1;;N1;;B;4;as_new;;2026-01-03T12:00:00Z",
    )  # fmt: skip
    [told] = take_in(hub, "receipts")
    assert (told.accepted, told.quarantined) == (3, 0)
    found = table(hub.store, "return_receipts").select("receipt_id", "order_id", "line_id").rows()
    assert found == [
        ("lyon/R1", "shop/1", "1"),
        ("lyon/R2", "shop/1", None),
        ("lyon/R3", "shop/1", None),
    ]
