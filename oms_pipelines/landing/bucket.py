"""Batches in an object store, such as S3."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from obstore.store import ObjectStore, S3Store

from oms_pipelines.errors import Misconfigured, OmsError, Rejected, Unreachable


class Bucket:
    """A bucket of an object store, where a file appears whole by nature."""

    def __init__(self, store: ObjectStore, url: str):
        self._store = store
        self._url = url

    def put(self, path: str, parts: Sequence[bytes]) -> None:
        content = b"".join(parts)
        try:
            obstore.put(self._store, path, content, mode="create")
            return
        except AlreadyExistsError:
            pass
        except BaseError as e:
            raise self._error(e) from None
        # A retried write whose first answer was lost finds its own file.
        if self.get(path) != content:
            raise Rejected(f"landing {self._url}: {path} already holds something else")

    def replace(self, path: str, parts: Sequence[bytes]) -> None:
        try:
            obstore.put(self._store, path, b"".join(parts))
        except BaseError as e:
            raise self._error(e) from None

    def get(self, path: str) -> bytes | None:
        try:
            return bytes(obstore.get(self._store, path).bytes())
        except FileNotFoundError:
            return None
        except BaseError as e:
            raise self._error(e) from None

    def folders(self, path: str) -> list[str]:
        try:
            found = obstore.list_with_delimiter(self._store, path or None)["common_prefixes"]
        except BaseError as e:
            raise self._error(e) from None
        return sorted(prefix.rstrip("/").rpartition("/")[2] for prefix in found)

    def files(self, path: str) -> Iterable[str]:
        try:
            for some in obstore.list(self._store, path or None, chunk_size=1000):
                yield from (entry["path"] for entry in some)
        except BaseError as e:
            raise self._error(e) from None

    def remove(self, paths: Sequence[str]) -> None:
        for path in paths:
            try:
                obstore.delete(self._store, path)
            except FileNotFoundError:
                continue
            except BaseError as e:
                raise self._error(e) from None

    def _error(self, e: BaseError) -> OmsError:
        if isinstance(e, (PermissionDeniedError, UnauthenticatedError)):
            return Rejected(f"landing {self._url}: access denied; check AWS_ACCESS_KEY_ID")
        return Unreachable(f"landing {self._url}: {type(e).__name__}")


def open_bucket(url: str) -> Bucket:
    """Return the bucket of an `s3://` URL. Raises Misconfigured."""
    try:
        store = S3Store.from_url(
            url, retry_config={"max_retries": 5, "retry_timeout": timedelta(seconds=60)}
        )
    except (BaseError, ValueError) as e:
        raise Misconfigured([f"landing.url: cannot be used ({type(e).__name__})"]) from None
    return Bucket(store, url)
