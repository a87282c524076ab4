"""The sandbox's shops over real HTTP: each system's paging, limits and errors."""

import httpx
import pytest
from sandbox_calls import MIRAKL, PROXIED, SET, gql, quantity, signed, woo

from oms_pipelines.sandbox import SECRETS, running


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


def test_woocommerce_pages_by_number_with_totals_and_links(http):
    found, page = [], 1
    while True:
        answer = woo(http, "orders", page=page, per_page=20, orderby="id", order="asc")
        found += [x["id"] for x in answer.json()]
        if 'rel="next"' not in answer.headers.get("Link", ""):
            break
        page += 1
    assert len(found) == len(set(found)) == int(answer.headers["X-WP-Total"])
    assert page == int(answer.headers["X-WP-TotalPages"])
    assert found == sorted(found)
    assert woo(http, "orders", per_page=101).json()["code"] == "rest_invalid_param"


def test_woocommerce_filters_by_modification_in_utc(http):
    every = woo(http, "orders", per_page=100, orderby="id").json()
    moment = every[50]["date_modified_gmt"]
    query = {"dates_are_gmt": "true", "per_page": 100}
    later = woo(http, "orders", modified_after=moment, **query).json()
    sooner = woo(http, "orders", modified_before=moment, **query).json()
    assert all(x["date_modified_gmt"] > moment for x in later)
    assert all(x["date_modified_gmt"] < moment for x in sooner)
    assert every[0]["date_modified_gmt"] != every[0]["date_modified"]


def test_woocommerce_takes_oauth_over_http_and_basic_behind_https_only(http):
    assert signed(http, "GET", "orders", per_page=1, sku="a b").status_code == 200
    wrong = signed(http, "GET", "orders", secret="cs_wrong")
    assert (wrong.status_code, wrong.json()["code"]) == (
        401,
        "woocommerce_rest_authentication_error",
    )
    auth = (SECRETS["WOO_KEY"], SECRETS["WOO_SECRET"])
    plain = http.get("/shop_fr/wp-json/wc/v3/orders", auth=auth)
    assert plain.json()["code"] == "woocommerce_rest_cannot_view"


def test_woocommerce_refunds_and_lines_carry_negative_quantities(http):
    orders = woo(http, "orders", per_page=100).json()
    refunded = next(x for x in orders if x["refunds"])
    refund = woo(http, f"orders/{refunded['id']}/refunds").json()[0]
    assert float(refund["amount"]) > 0
    assert refund["line_items"][0]["quantity"] < 0
    assert refund["line_items"][0]["meta_data"][0]["key"] == "_refunded_item_id"
    lines = sum(float(x["total"]) + float(x["total_tax"]) for x in refunded["line_items"])
    shipping = float(refunded["shipping_total"]) + float(refunded["shipping_tax"])
    assert round(lines + shipping, 2) == float(refunded["total"])


def test_woocommerce_sets_levels_in_batches_and_variations_by_their_parent(http, box):
    products = woo(http, "products", sku="MUG-SND,1E5,MUG-GRA,NOPE", per_page=100).json()
    kinds = {x["sku"]: x for x in products}
    assert set(kinds) == {"MUG-SND", "1E5", "MUG-GRA"}
    assert kinds["MUG-GRA"]["type"] == "variation"
    auth = (SECRETS["WOO_KEY"], SECRETS["WOO_SECRET"])
    url = "/shop_fr/wp-json/wc/v3/products"
    wishes = [{"id": x["id"], "manage_stock": True, "stock_quantity": 41} for x in products]
    answer = http.post(f"{url}/batch", json={"update": wishes}, auth=auth, headers=PROXIED)
    errors = [x["error"]["code"] for x in answer.json()["update"] if "error" in x]
    assert errors == ["woocommerce_rest_invalid_product_id"]
    child = kinds["MUG-GRA"]
    batch = f"{url}/{child['parent_id']}/variations/batch"
    wish = {"update": [{"id": child["id"], "stock_quantity": 40}]}
    assert http.post(batch, json=wish, auth=auth, headers=PROXIED).status_code == 200
    levels = box.state()["channels"]["shop_fr"]["levels"]
    assert (levels["MUG-SND"], levels["1E5"], levels["MUG-GRA"]) == (41, 41, 40)
    too_many = {"update": wishes * 40}
    assert http.post(f"{url}/batch", json=too_many, auth=auth, headers=PROXIED).status_code == 413


ORDERS = """query Orders($query: String, $first: Int!, $after: String) {
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {
    pageInfo { hasNextPage endCursor }
    edges { cursor node { ...Order } }
  }
}
fragment Order on Order {
  id updatedAt kind: __typename totalPriceSet { shopMoney { amount } }
  lineItems(first: 50) { nodes { id sku quantity currentQuantity } }
}"""


def test_shopify_pages_by_cursor_in_order_of_update(http, box):
    found, after = [], None
    while True:
        answer = gql(http, ORDERS, first=40, after=after).json()
        page = answer["data"]["orders"]
        found += [x["node"] for x in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    ids = [x["id"].rsplit("/", 1)[1] for x in found]
    assert sorted(ids) == sorted(box.state()["channels"]["shop_com"]["order_ids"])
    updates = [x["updatedAt"] for x in found]
    assert updates == sorted(updates)
    assert {x["kind"] for x in found} == {"Order"}
    low, high = updates[20], updates[60]
    query = f"updated_at:>='{low}' AND updated_at:<'{high}'"
    part = gql(http, ORDERS, first=250, query=query).json()["data"]["orders"]["edges"]
    assert len(part) == sum(low <= x < high for x in updates)


def test_shopify_counts_costs_and_refuses_what_is_too_dear_or_unknown(http):
    answer = gql(http, ORDERS, first=10).json()["extensions"]["cost"]
    assert answer["requestedQueryCost"] > 10
    assert answer["throttleStatus"]["currentlyAvailable"] < 20_000
    dear = """{ orders(first: 250) { nodes { lineItems(first: 250) { nodes {
        originalUnitPriceSet { shopMoney { amount } } totalDiscountSet { shopMoney { amount } }
        } } } } }"""
    fault = gql(http, dear).json()["errors"][0]["extensions"]
    assert fault["code"] == "MAX_COST_EXCEEDED"
    assert "data" not in gql(http, "{ orders(first: 1) { nodes { colour } } }").json()
    assert (
        "first or last" in gql(http, "{ orders { nodes { id } } }").json()["errors"][0]["message"]
    )
    wrong = http.post("/shop_com/admin/api/2026-07/graphql.json", json={"query": "{shop{name}}"})
    assert wrong.status_code == 401


def test_shopify_compares_before_it_sets_and_sets_once_per_key(http):
    _, wish = quantity(http, 17, seen=True)
    first = gql(http, SET, input=wish, key="k1").json()
    assert first["data"]["inventorySetQuantities"]["userErrors"] == []
    assert quantity(http, 0, seen=True)[0] == 17
    assert gql(http, SET, input=wish, key="k1").json()["data"] == first["data"]
    _, stale = quantity(http, 3, seen=99)
    errors = gql(http, SET, input=stale, key="k2").json()["data"]["inventorySetQuantities"]
    assert errors["userErrors"][0]["code"] == "CHANGE_FROM_QUANTITY_STALE"
    bare = SET.replace("@idempotent(key: $key)", "").replace(", $key: String!", "")
    assert gql(http, bare, input=wish).json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert quantity(http, 0, seen=True)[0] == 17


def test_shopify_ships_parts_of_an_order_and_no_more_than_is_left(http, box):
    query = """{ orders(first: 100, query: "financial_status:paid") { nodes { id cancelledAt
        fulfillmentOrders(first: 1) { nodes { id status
        lineItems(first: 5) { nodes { id remainingQuantity } } } } } } }"""
    orders = gql(http, query).json()["data"]["orders"]["nodes"]
    ready = next(x for x in orders if not x["cancelledAt"])
    job = ready["fulfillmentOrders"]["nodes"][0]
    line = job["lineItems"]["nodes"][0]
    ship = """mutation Ship($f: FulfillmentInput!) { fulfillmentCreate(fulfillment: $f) {
        fulfillment { status trackingInfo { number } } userErrors { message } } }"""

    def parcel(units):
        lines = [{"id": line["id"], "quantity": units}]
        part = {"fulfillmentOrderId": job["id"], "fulfillmentOrderLineItems": lines}
        wish = {"lineItemsByFulfillmentOrder": [part], "trackingInfo": {"number": "6Q1"}}
        return gql(http, ship, f=wish).json()["data"]["fulfillmentCreate"]

    assert "quantity" in parcel(line["remainingQuantity"] + 1)["userErrors"][0]["message"]
    done = parcel(line["remainingQuantity"])
    assert done["fulfillment"]["trackingInfo"] == [{"number": "6Q1"}]
    assert parcel(1)["userErrors"] != []
    told = box.state()["channels"]["shop_com"]["trackings"]
    assert [x["number"] for x in told] == ["6Q1"]


def test_mirakl_waits_for_acceptance_then_debit_and_only_then_shows_the_address(http, box):
    listing = http.get("/market/api/orders", params={"max": 100}, headers=MIRAKL).json()
    waiting = [x for x in listing["orders"] if x["order_state"] == "WAITING_ACCEPTANCE"]
    order = next(x for x in waiting if len(x["order_lines"]) > 1)
    assert "shipping_address" not in order["customer"]
    url = f"/market/api/orders/{order['order_id']}"
    lines = [{"id": x["order_line_id"], "accepted": True} for x in order["order_lines"]]
    part = http.put(f"{url}/accept", json={"order_lines": lines[:1]}, headers=MIRAKL)
    assert part.json()["errors"][0]["code"] == "ORDER_LINE_ACCEPTANCE_DECISION_MISSING"
    assert http.put(f"{url}/ship", headers=MIRAKL).json()["errors"][0]["code"] == (
        "ORDER_INVALID_STATE"
    )
    assert http.put(f"{url}/accept", json={"order_lines": lines}, headers=MIRAKL).status_code == 204
    again = http.put(f"{url}/accept", json={"order_lines": lines}, headers=MIRAKL)
    assert (again.status_code, again.json()["errors"][0]["code"]) == (400, "ORDER_INVALID_STATE")
    box.advance(1)
    query = {"order_ids": order["order_id"]}
    now = http.get("/market/api/orders", params=query, headers=MIRAKL).json()["orders"][0]
    assert now["order_state"] == "SHIPPING"
    assert len(now["customer"]["shipping_address"]["country_iso_code"]) == 3
    tracking = {"carrier_code": "COLIS", "tracking_number": "6Q2"}
    assert http.put(f"{url}/tracking", json=tracking, headers=MIRAKL).status_code == 204
    assert http.put(f"{url}/ship", headers=MIRAKL).status_code == 204
    shipped = http.get("/market/api/orders", params=query, headers=MIRAKL).json()["orders"][0]
    assert (shipped["order_state"], shipped["shipping_tracking"]) == ("SHIPPED", "6Q2")


def test_mirakl_pages_by_offset_and_wants_its_key(http):
    found, offset = [], 0
    while True:
        query = {"max": 25, "offset": offset}
        answer = http.get("/market/api/orders", params=query, headers=MIRAKL)
        found += [x["order_id"] for x in answer.json()["orders"]]
        if 'rel="next"' not in answer.headers.get("Link", ""):
            break
        offset += 25
    assert len(set(found)) == len(found) == answer.json()["total_count"]
    assert http.get("/market/api/orders").status_code == 401


def test_mirakl_imports_stock_and_reports_bad_lines_by_number(http, box):
    text = (
        '"offer-sku";"quantity";"warehouse-code";"update-delete"\r\n'
        "TEE-SND;33;;\r\nNOPE;1;;\r\nTEE-MOS;x;;\r\n"
    )
    files = {"file": ("stock.csv", text.encode(), "text/csv")}
    url = "/market/api/offers/stock/imports"
    number = http.post(url, files=files, headers=MIRAKL).json()["import_id"]
    states = [http.get(f"{url}/{number}/status", headers=MIRAKL).json() for _ in range(2)]
    assert [x["status"] for x in states] == ["WAITING", "COMPLETE"]
    assert (states[1]["lines_in_success"], states[1]["lines_in_error"]) == (1, 2)
    report = http.get(f"{url}/{number}/error_report", headers=MIRAKL).text.splitlines()
    assert [x.split(";")[0] for x in report[1:]] == ['"3"', '"4"']
    offer = http.get("/market/api/offers", params={"sku": "TEE-SND"}, headers=MIRAKL).json()
    assert offer["offers"][0]["quantity"] == 33
    assert box.state()["channels"]["market"]["levels"]["TEE-SND"] == 33
