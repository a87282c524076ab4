"""How a WooCommerce shop lets callers in: Basic over HTTPS, OAuth 1.0a one-legged over HTTP.

Source: WooCommerce REST API documentation, Authentication. A shop behind a proxy counts as
HTTPS when X-Forwarded-Proto says so.
"""

import base64
import hashlib
import hmac
import re
import time
from datetime import datetime
from urllib.parse import quote, unquote

from oms_pipelines.sandbox.web import Answer, Call, answer

NEEDED = ("oauth_consumer_key", "oauth_timestamp", "oauth_nonce", "oauth_signature",
          "oauth_signature_method")  # fmt: skip
WINDOW = 15 * 60
CANNOT = "Sorry, you cannot list resources."


def refused(message: str, code: str = "woocommerce_rest_authentication_error") -> Answer:
    return answer({"code": code, "message": message, "data": {"status": 401}}, 401)


def check(
    call: Call, key: str, secret: str, nonces: dict[str, str], now: datetime
) -> Answer | None:
    """Return why a call may not pass; None when it may."""
    if call.headers.get("x-forwarded-proto") == "https" or call.url.startswith("https:"):
        return _check_basic(call, key, secret)
    found = {**call.query, **_from_header(call.headers.get("authorization", ""))}
    if "oauth_consumer_key" not in found:
        return refused(CANNOT, "woocommerce_rest_cannot_view")
    missing = [name for name in NEEDED if not found.get(name)]
    if missing:
        return refused(f"Missing OAuth parameter {', '.join(missing)}")
    if found["oauth_consumer_key"] != key:
        return refused("Consumer key is invalid.")
    if not _signed(call, found, secret):
        return refused("Invalid signature - provided signature does not match.")
    stamp = int(found["oauth_timestamp"]) if found["oauth_timestamp"].isdigit() else 0
    if min(abs(stamp - time.time()), abs(stamp - now.timestamp())) > WINDOW:
        return refused("Invalid timestamp.")
    if found["oauth_nonce"] in nonces:
        return refused("Invalid nonce - nonce has already been used.")
    nonces[found["oauth_nonce"]] = found["oauth_timestamp"]
    return None


def _check_basic(call: Call, key: str, secret: str) -> Answer | None:
    kind, _, token = call.headers.get("authorization", "").partition(" ")
    if kind.lower() == "basic":
        try:
            given = tuple(base64.b64decode(token).decode().split(":", 1))
        except ValueError:
            given = ()
    else:
        given = (call.query.get("consumer_key"), call.query.get("consumer_secret"))
    if not any(given):
        return refused(CANNOT, "woocommerce_rest_cannot_view")
    if given != (key, secret):
        return refused("Consumer secret is invalid.")
    return None


def _from_header(header: str) -> dict[str, str]:
    if not header.lower().startswith("oauth "):
        return {}
    return {k: unquote(v) for k, v in re.findall(r'(oauth_\w+)="([^"]*)"', header)}


def _signed(call: Call, found: dict[str, str], secret: str) -> bool:
    digest = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}.get(
        found["oauth_signature_method"]
    )
    if digest is None:
        return False
    pairs = sorted((_q(k), _q(v)) for k, v in found.items() if k != "oauth_signature")
    normalized = "&".join(f"{k}={v}" for k, v in pairs)
    base = "&".join((call.method, _q(call.url), _q(normalized)))
    made = hmac.new(f"{secret}&".encode(), base.encode(), digest).digest()
    given = found["oauth_signature"].replace(" ", "+")
    return hmac.compare_digest(base64.b64encode(made).decode(), given)


def _q(text: str) -> str:
    return quote(text, safe="-._~")
