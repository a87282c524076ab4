"""Requests to a WooCommerce shop: its options, and the three ways it knows who asks."""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal
from urllib.parse import quote

from pydantic import Field, ValidationError

from oms_pipelines.config import Channel as ChannelSettings
from oms_pipelines.config import Settings
from oms_pipelines.errors import Misconfigured
from oms_pipelines.http import Auth, Credentials, Fetcher, Response, basic_auth

Pairs = Sequence[tuple[str, str]]


class Options(Settings):
    """What differs from shop to shop."""

    auth: Literal["auto", "basic", "oauth", "query"] = "auto"  # auto: basic by https, else oauth
    api_path: str = "/wp-json/wc/v3"
    per_page: int = Field(default=100, ge=1, le=100)
    window: Literal["gmt", "local", "created"] = "gmt"  # what the shop can filter orders by
    created_days: int = Field(default=90, ge=1)  # window: created looks back so far
    trash: bool = True  # read trashed orders too, to cancel them
    reread_days: int = Field(default=0, ge=0)  # re-read open orders so young; 0 is never
    reread_every: int = Field(default=6, ge=1)  # hours between two such passes
    tracking_api: str = "wc/v3"  # namespace of the shipment tracking extension
    carriers: dict[str, str] = Field(default_factory=dict)  # id -> the extension's provider
    scan_variations: bool = False  # for shops whose products?sku= finds no variations


def read_options(settings: ChannelSettings) -> Options:
    """Return the options of a channel. Raises Misconfigured with every fault."""
    faults = [] if settings.url else [f"channel {settings.id}: url: write the shop's address"]
    faults += [
        f"channel {settings.id}: credentials.{name}: write it as env:NAME"
        for name in ("key", "secret")
        if name not in settings.credentials
    ]
    try:
        options = Options.model_validate(settings.options)
    except ValidationError as e:
        faults += [
            f"channel {settings.id}: options.{'.'.join(map(str, x['loc']))}: {x['msg']}"
            for x in e.errors(include_input=False, include_url=False)
        ]
        raise Misconfigured(faults) from None
    if faults:
        raise Misconfigured(faults)
    return options


def oauth(key: str, secret: str, clock: Callable[[], float] = time.time) -> Auth:
    """Return one-legged OAuth 1.0a (RFC 5849) by HMAC-SHA256, all of it in the query.

    A shop refuses a nonce it has seen and a timestamp 15 minutes off, so each attempt is
    signed anew.
    """

    def sign(method: str, url: str, params: Pairs) -> Credentials:
        given = {
            "oauth_consumer_key": key,
            "oauth_nonce": secrets.token_hex(16),
            "oauth_signature_method": "HMAC-SHA256",
            "oauth_timestamp": str(int(clock())),
        }
        text = signature_base(method, url, [*params, *given.items()])
        mac = hmac.new(f"{quote(secret, safe='')}&".encode(), text.encode(), hashlib.sha256)
        given["oauth_signature"] = base64.b64encode(mac.digest()).decode()
        return Credentials(params=given)

    return sign


def signature_base(method: str, url: str, params: Pairs) -> str:
    """Return the text that OAuth 1.0a signs (RFC 5849, section 3.4.1)."""
    pairs = sorted((_escape(k), _escape(v)) for k, v in params)
    joined = "&".join(f"{k}={v}" for k, v in pairs)
    return "&".join((method.upper(), _escape(url), _escape(joined)))


def _escape(text: str) -> str:
    return quote(text, safe="~")


def _auth(settings: ChannelSettings, way: str) -> Auth:
    key = settings.credentials["key"].get_secret_value()
    secret = settings.credentials["secret"].get_secret_value()
    if way == "auto":
        way = "basic" if settings.url.startswith("https://") else "oauth"
    if way == "basic":
        return basic_auth(key, secret)
    if way == "oauth":
        return oauth(key, secret)
    credentials = Credentials(params={"consumer_key": key, "consumer_secret": secret})
    return lambda method, url, params: credentials


class Api:
    """One shop's REST API: routes are relative to its namespace, or to /wp-json if rooted."""

    def __init__(self, settings: ChannelSettings):
        self.options = read_options(settings)
        self.channel_id = settings.id
        self._base = settings.url.rstrip("/") + "/" + self.options.api_path.strip("/")
        self._root = self._base.split("/wc/", 1)[0]
        self._fetcher = Fetcher(
            settings.id,
            auth=_auth(settings, self.options.auth),
            requests_per_second=settings.requests_per_second,
        )

    def _url(self, route: str) -> str:
        return self._root + route if route.startswith("/") else f"{self._base}/{route}"

    def get(self, route: str, **params: Any) -> Response:
        """Read a route. Raises Unreachable, Rejected, Malformed."""
        return self._fetcher.request("GET", self._url(route), params=params)

    def send(self, method: str, route: str, body: Any, *, idempotent: bool = True) -> Response:
        """Write to a route; `idempotent` allows to repeat it after an unclear end."""
        return self._fetcher.request(method, self._url(route), json=body, idempotent=idempotent)
