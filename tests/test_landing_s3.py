"""The same landing zone on S3, against a local server that speaks its protocol."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import obstore
import pytest
from moto.server import ThreadedMotoServer
from obstore.store import MemoryStore, S3Store

from oms_pipelines.channels.base import Page
from oms_pipelines.errors import Malformed, Misconfigured, OmsError, Rejected
from oms_pipelines.landing import Cursor, Landing, Purpose
from oms_pipelines.landing.bucket import Bucket

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
WINDOW = (NOW - timedelta(minutes=15), NOW)
URL = "s3://landing/zone"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def landing(endpoint, monkeypatch) -> Landing:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    import boto3

    bucket = boto3.resource("s3", endpoint_url=endpoint, region_name="us-east-1").Bucket("landing")
    bucket.create()
    bucket.objects.all().delete()
    return Landing(URL)


def page(body: bytes = b"[1]", **fields: Any) -> Page:
    whole: dict[str, Any] = {"stream": "orders", "body": body, "records": 1, **fields}
    return Page(**whole)


def cursor(landing: Landing, purpose: Purpose = "sync") -> Cursor:
    found = landing.cursor("shop_fr", "orders", purpose)
    assert found is not None
    return found


def test_a_bucket_keeps_batches_and_cursors_as_a_folder_does(landing):
    big = b"0123456789" * 20_000
    with landing.writer("shop_fr", "orders", WINDOW, NOW, max_pages=2) as writer:
        for n, body in enumerate([b"[1]", big, b"[3]"]):
            writer.add(page(body, resume=str(n)))

    assert [b for m in writer.manifests for b in landing.pages(m)] == [b"[1]", big, b"[3]"]
    assert landing.batches("shop_fr", "orders") == writer.manifests
    assert landing.streams() == [("shop_fr", "orders")]
    assert cursor(landing).resume == "2"
    assert landing.cursor("shop_fr", "returns") is None

    landing.write("shop_fr", "orders", [], WINDOW, True, None, NOW)
    assert cursor(landing).complete


def test_a_body_without_manifest_is_no_batch_and_is_swept(landing):
    kept = landing.write("shop_fr", "orders", [page()], WINDOW, True, None, NOW)
    killed = landing.write("shop_fr", "orders", [page()], WINDOW, True, None, NOW)
    obstore.delete(S3Store.from_url(URL), f"{killed.folder}/manifest.json")

    assert landing.batches("shop_fr", "orders") == [kept]
    assert cursor(landing).batch_id == kept.batch_id
    assert landing.sweep(NOW + timedelta(days=2)) == 1
    assert [e["path"] for some in obstore.list(S3Store.from_url(URL)) for e in some] == [
        f"{kept.folder}/manifest.json",
        f"{kept.folder}/pages.gz",
    ]


def test_a_body_that_is_gone_is_malformed(landing):
    manifest = landing.write("shop_fr", "orders", [page()], WINDOW, True, None, NOW)
    obstore.delete(S3Store.from_url(URL), f"{manifest.folder}/pages.gz")

    with pytest.raises(Malformed, match=r"pages\.gz is gone"):
        list(landing.pages(manifest))


def test_batches_past_retention_are_deleted_from_a_bucket(landing):
    for n in range(3):
        landing.write("shop_fr", "orders", [page()], None, True, None, NOW + timedelta(days=n))

    assert landing.delete_before(date(2026, 3, 3)) == {("shop_fr", "orders"): 2}
    assert len(landing.batches("shop_fr", "orders")) == 1


def test_a_file_is_never_replaced_but_may_be_written_again():
    bucket = Bucket(MemoryStore(), "s3://landing")
    bucket.put("a/manifest.json", [b"one"])
    bucket.put("a/manifest.json", [b"o", b"ne"])

    with pytest.raises(Rejected, match="already holds something else"):
        bucket.put("a/manifest.json", [b"two"])

    assert bucket.get("a/manifest.json") == b"one"


def test_a_bucket_that_is_not_there_is_an_error_that_names_the_place(landing):
    with pytest.raises(OmsError, match="landing s3://elsewhere") as error:
        Landing("s3://elsewhere/zone").write("shop_fr", "orders", [page()], None, True, None, NOW)

    assert "testing" not in str(error.value)


def test_a_url_without_a_bucket_is_misconfigured(landing):
    with pytest.raises(Misconfigured, match=r"landing\.url: cannot be used"):
        Landing("s3://")
