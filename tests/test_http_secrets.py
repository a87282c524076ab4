"""Refusals, credentials and certificates: what is told, and what never is."""

import logging
import socket
import ssl
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from test_http_fetch import Time, answer, fetcher, in_turn
from test_http_wire import RawServer
from werkzeug import Response

from oms_pipelines.errors import Malformed, Misconfigured, Rejected, Unreachable
from oms_pipelines.http import Credentials, basic_auth, header_auth


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def server() -> Iterator[RawServer]:
    raw = RawServer()
    yield raw
    raw.stop()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"code": "rest_forbidden", "message": "Jane Doe may not"}', "rest_forbidden"),
        (b'{"errors": [{"extensions": {"code": "ACCESS_DENIED"}}]}', "ACCESS_DENIED"),
        (b'{"error": "invalid_grant", "error_description": "jane@x.org"}', "invalid_grant"),
        (b'{"error": {"code": 1234, "message": "x"}}', "1234"),
        (b'{"errors": "[API] Invalid API key or access token"}', None),
        (b'{"code": "jane@example.org"}', None),
        (b'{"code": "Jane Doe"}', None),
        (b"<html>", None),
        (b"", None),
        (b"[]", None),
    ],
)
def test_a_refusal_tells_its_status_and_only_machine_words(httpserver, time, body, code):
    in_turn(httpserver, answer(401, body))

    with pytest.raises(Rejected) as error:
        fetcher(time).request("GET", httpserver.url_for("/orders"))

    assert (error.value.status, error.value.code) == (401, code)
    told = f" ({code})" if code else ""
    assert str(error.value) == f"shop_fr: GET /orders answered 401{told}; check its credentials"


def test_a_status_the_caller_takes_is_returned(httpserver, time):
    in_turn(httpserver, answer(404, b'{"code": "gone"}'))

    got = fetcher(time).request("GET", httpserver.url_for("/orders"), ok=(200, 404))

    assert (got.status, got.json()) == (404, {"code": "gone"})


def test_a_redirect_is_not_followed_so_that_credentials_stay_here(httpserver, time):
    in_turn(httpserver, Response(status=302, headers={"Location": "http://127.0.0.2/"}))

    with pytest.raises(Rejected, match="answered 302; write the address"):
        fetcher(time).request("GET", httpserver.url_for("/orders"))


def test_basic_credentials_and_credentials_in_the_query_are_sent_afresh(httpserver, time):
    tries = iter("ab")
    in_turn(httpserver, answer(500), answer(), answer())

    def sign(method: str, url: str, query) -> Credentials:
        return Credentials(params={"nonce": next(tries), "over": f"{method} {len(query)}"})

    url = httpserver.url_for("/orders?page=1")
    fetcher(time, auth=sign).request("GET", url)
    fetcher(time, auth=basic_auth("ck", "cs")).request("GET", url)

    first, second, third = (request for request, _ in httpserver.log)
    assert [first.args["nonce"], second.args["nonce"]] == ["a", "b"]
    assert second.args["over"] == "GET 1"
    assert (third.authorization.username, third.authorization.password) == ("ck", "cs")


@pytest.mark.parametrize("status", [200, 302, 401, 404, 429, 500])
def test_no_secret_stands_in_error_log_or_traceback(httpserver, time, status, caplog):
    caplog.set_level(logging.DEBUG)
    secret = "s3cr3t-value"
    page = Response(f"<p>{secret}</p>", status, {"Content-Type": "text/html", "X-Back": secret})
    httpserver.expect_request("/customers/jane@example.org").respond_with_response(page)

    def sign(method: str, url: str, query) -> Credentials:
        return Credentials({"X-Token": secret}, {"signature": secret})

    url = httpserver.url_for("/customers/jane@example.org") + f"?key={secret}"
    with pytest.raises((Malformed, Rejected, Unreachable)) as error:
        fetcher(time, auth=sign, retries=1).request("GET", url, headers={"X-Other": secret})

    trace = "".join(traceback.format_exception(error.value))
    ours = [r.getMessage() for r in caplog.records if r.name.partition(".")[0] != "werkzeug"]
    assert secret not in trace + repr(error.value) + "".join(ours)
    assert "jane" not in str(error.value)
    assert error.value.__context__ is None


@pytest.mark.parametrize("token", ["hüsh", "hush-hush\n"])
def test_a_header_that_cannot_be_sent_does_not_show_its_value(httpserver, time, token):
    client = fetcher(time, auth=header_auth("X-Token", token))

    with pytest.raises(Misconfigured, match="cannot be sent as written") as error:
        client.request("GET", httpserver.url_for("/orders"))

    assert token.strip() not in "".join(traceback.format_exception(error.value))


def test_credentials_in_the_address_are_refused_without_repeating_them(time):
    with pytest.raises(Misconfigured, match="do not belong in its url") as error:
        fetcher(time).request("GET", "http://user:hush@127.0.0.1:9/")

    assert "hush" not in str(error.value)


def test_a_certificate_nobody_vouches_for_is_named(server, tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path / "server.pem"))

    def handshake(connection: socket.socket) -> None:
        context.wrap_socket(connection, server_side=True).close()

    server.will(handshake)
    server.reads_requests = False

    with pytest.raises(Unreachable, match="certificate that is not trusted"):
        fetcher(Time(), retries=0).request("GET", server.url.replace("http:", "https:"))


def self_signed(path: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2090, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path
