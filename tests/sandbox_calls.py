"""Calls to a running sandbox, as plain HTTP: authentication and little else."""

import base64
import hashlib
import hmac
import time
import uuid
from urllib.parse import quote

from oms_pipelines.sandbox import SECRETS

SHOPIFY = {"X-Shopify-Access-Token": SECRETS["SHOPIFY_TOKEN"]}
MIRAKL = {"Authorization": SECRETS["MIRAKL_KEY"]}
COLIS = {"as-api-key": SECRETS["COLIS_KEY"]}
PROXIED = {"X-Forwarded-Proto": "https"}


def woo(http, path, **query):
    auth = (SECRETS["WOO_KEY"], SECRETS["WOO_SECRET"])
    return http.get(f"/shop_fr/wp-json/wc/v3/{path}", params=query, auth=auth, headers=PROXIED)


def signed(http, method, path, secret=SECRETS["WOO_SECRET"], **query):
    """Return the answer to a call signed by OAuth 1.0a, HMAC-SHA256."""
    url = f"{str(http.base_url).rstrip('/')}/shop_fr/wp-json/wc/v3/{path}"
    found = {
        **{k: str(v) for k, v in query.items()},
        "oauth_consumer_key": SECRETS["WOO_KEY"],
        "oauth_nonce": uuid.uuid4().hex,
        "oauth_signature_method": "HMAC-SHA256",
        "oauth_timestamp": str(int(time.time())),
    }
    pairs = "&".join(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in sorted(found.items()))
    base = "&".join((method, quote(url, safe=""), quote(pairs, safe="")))
    digest = hmac.new(f"{secret}&".encode(), base.encode(), hashlib.sha256).digest()
    params = {**found, "oauth_signature": base64.b64encode(digest).decode()}
    return http.request(method, url, params=params)


def gql(http, document, version="2026-07", **variables):
    body = {"query": document, "variables": variables}
    return http.post(f"/shop_com/admin/api/{version}/graphql.json", json=body, headers=SHOPIFY)


SET = """mutation Set($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) { userErrors { code field } }
}"""


def quantity(http, value, seen, sku="TEE-SEA"):
    query = """query Items($q: String) { inventoryItems(first: 5, query: $q) { nodes {
        id sku inventoryLevel(locationId: "gid://shopify/Location/1") {
          quantities(names: ["available"]) { quantity } } } } }"""
    item = gql(http, query, q=f'sku:"{sku}"').json()["data"]["inventoryItems"]["nodes"][0]
    shown = item["inventoryLevel"]["quantities"][0]["quantity"]
    row = {
        "inventoryItemId": item["id"],
        "locationId": "gid://shopify/Location/1",
        "quantity": value,
        "changeFromQuantity": shown if seen is True else seen,
    }
    return shown, {"name": "available", "reason": "correction", "quantities": [row]}
