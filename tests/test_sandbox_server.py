"""The sandbox as a whole: its configuration, its faults, its mail, its end and its return."""

import gzip
import smtplib
from email.message import EmailMessage

import httpx
import pytest
from sandbox_calls import COLIS, MIRAKL, SET, gql, quantity, woo

from oms_pipelines import config
from oms_pipelines.sandbox import SECRETS, running, sandbox_config
from oms_pipelines.sandbox.bulk import moment, serving


@pytest.fixture(scope="module")
def box(tmp_path_factory):
    """Two days of sales, shared by tests that only read or repair what they change."""
    with running(tmp_path_factory.mktemp("sandbox") / "box", seed=7) as box:
        box.advance(48)
        yield box


@pytest.fixture
def http(box):
    with httpx.Client(base_url=box.url, trust_env=False, timeout=30) as http:
        yield http
    box.clear_faults()


def test_its_configuration_is_valid_and_names_five_channels_and_three_places(tmp_path):
    data = sandbox_config("http://127.0.0.1:1", 25, tmp_path / "box")
    oms = config.parse(data, SECRETS)
    assert len(oms.channels) >= 5
    assert len(oms.locations) >= 3
    assert oms.notifications.smtp == "smtp://127.0.0.1:25"
    assert str(tmp_path) in oms.store.url


def test_the_carrier_wants_its_key_and_a_time_with_offset(http):
    assert http.get("/colis/trackings").status_code == 401
    query = {"updated_since": "2026-03-01T00:00:00"}
    assert http.get("/colis/trackings", params=query, headers=COLIS).status_code == 400
    query = {"updated_since": "2026-03-01T00:00:00Z"}
    empty = http.get("/colis/trackings", params=query, headers=COLIS).json()
    assert empty == {"trackings": [], "next_cursor": None}
    assert http.get("/colis/trackings/6Q", headers=COLIS).status_code == 404


def test_a_storm_of_429_passes_after_the_asked_number(http, box):
    box.fault("throttle", target="shop_fr", count=2, retry_after=3)
    answers = [woo(http, "orders") for _ in range(3)]
    assert [x.status_code for x in answers] == [429, 429, 200]
    assert answers[0].headers["Retry-After"] == "3"
    box.fault("throttle", target="shop_com")
    told = gql(http, "{ shop { name } }").json()
    assert told["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert told["extensions"]["cost"]["actualQueryCost"] is None
    assert gql(http, "{ shop { name } }").json()["data"]["shop"]["name"] == "Sandbox"


def test_a_500_after_the_effect_leaves_the_effect(http, box):
    box.fault("fail_after", target="shop_com")
    shown, wish = quantity(http, 21, seen=True, sku="TEE-MOS")
    assert shown != 21
    assert gql(http, SET, input=wish, key="k9").status_code == 500
    assert quantity(http, 0, seen=True, sku="TEE-MOS")[0] == 21
    assert gql(http, SET, input=wish, key="k9").status_code == 200


def test_a_dropped_stock_update_answers_200_and_changes_nothing(http, box):
    before = box.state()["channels"]["shop_com"]["levels"]["TEE-GRA"]
    box.fault("drop_stock", target="shop_com")
    _, wish = quantity(http, before + 5, seen=True, sku="TEE-GRA")
    told = gql(http, SET, input=wish, key="k10").json()["data"]["inventorySetQuantities"]
    assert told["userErrors"] == []
    assert box.state()["channels"]["shop_com"]["levels"]["TEE-GRA"] == before


def test_pages_come_twice_or_turned_round_and_lose_nothing(http, box):
    query = {"per_page": 10, "orderby": "id", "order": "asc"}
    one, two = ([x["id"] for x in woo(http, "orders", page=n, **query).json()] for n in (1, 2))
    woo(http, "orders", page=1, **query)
    box.fault("repeat_page", target="shop_fr")
    assert [x["id"] for x in woo(http, "orders", page=2, **query).json()] == one + two
    box.fault("reorder_page", target="shop_fr")
    assert [x["id"] for x in woo(http, "orders", page=2, **query).json()] == two[::-1]


def test_a_cut_gzip_body_is_half_of_one(http, box):
    box.fault("cut_gzip", target="market")
    url = "/market/api/orders"
    with http.stream("GET", url, headers={**MIRAKL, "Accept-Encoding": "gzip"}) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    with pytest.raises(EOFError):
        gzip.decompress(raw)


def test_an_unknown_fault_is_refused(http):
    answer = http.post("/control/faults", json={"fault": "earthquake"})
    assert answer.status_code == 422
    assert "throttle" in answer.json()["error"]


def test_late_orders_are_seen_minutes_after_their_time(tmp_path):
    late = {"fault": "late", "count": 10_000, "share": 1.0, "minutes": 90}
    with running(tmp_path / "box", seed=4, faults=[late]) as box:
        box.advance(3)
        early = box.state()["channels"]["shop_fr"]["order_ids"]
        box.clear_faults()
        box.advance(2)
        assert set(early) < set(box.state()["channels"]["shop_fr"]["order_ids"])


def test_mail_is_taken_and_told_apart_by_its_key_and_its_id(box):
    for key, number in (("a/shipped", 1), ("a/shipped", 1), ("a/shipped", 2), ("a/delivered", 3)):
        mail = EmailMessage()
        mail["To"], mail["From"] = "zoe@example.com", "shop@example.com"
        mail["Subject"] = "Votre colis est parti, Zoé"
        mail["X-OMS-Key"], mail["Message-ID"] = key, f"<{number}@example.com>"
        mail.set_content("Bonjour")
        with smtplib.SMTP("127.0.0.1", box.smtp_port) as smtp:
            smtp.send_message(mail)
    mails = box.state()["mails"]
    assert (mails["received"], mails["count"]) == (4, 3)
    assert mails["keys"] == ["a/delivered", "a/shipped"]
    assert mails["repeated"] == mails["twice"] == ["a/shipped"]
    assert mails["messages"][0]["subject"] == "Votre colis est parti, Zoé"


def test_a_process_of_its_own_stops_saves_and_starts_again(tmp_path):
    root = tmp_path / "box"
    with running(root, process=True, seed=11) as box:
        box.advance(24)
        before = box.state()
    with running(root, process=True, seed=12) as box:
        assert box.state() == before


def test_the_bulk_server_pages_by_cursor_within_a_window():
    with serving(700) as url, httpx.Client(trust_env=False) as http:
        found, after = [], None
        query = (
            f"updated_at:>='{moment(100).isoformat()}' AND updated_at:<'{moment(650).isoformat()}'"
        )
        while True:
            wish = {"query": "...", "variables": {"query": query, "first": 250, "after": after}}
            answer = http.post(f"{url}/admin/api/2026-07/graphql.json", json=wish).json()
            assert answer["extensions"]["cost"]["throttleStatus"]["maximumAvailable"] > 0
            page = answer["data"]["orders"]
            found += [x["id"] for x in page["nodes"]]
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                break
        assert len(found) == len(set(found)) == 550


def test_a_taken_port_is_an_error_of_the_caller(box, tmp_path):
    with (
        pytest.raises(OSError, match="in use"),
        running(tmp_path / "box", process=True, port=box.port),
    ):
        pass
