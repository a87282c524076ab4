"""Where batches lie: a folder of this machine, or elsewhere. Files appear whole, once."""

import contextlib
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from oms_pipelines.errors import Misconfigured, OmsError, Unreachable


class Place(Protocol):
    """Files by path under one root. Raises Unreachable and Rejected, naming the place."""

    def put(self, path: str, parts: Sequence[bytes]) -> None:
        """Write a new file: whole and durable, or not at all. Never replaces another's."""
        ...

    def replace(self, path: str, parts: Sequence[bytes]) -> None:
        """Write a file over the one that is there. For erasure alone."""
        ...

    def get(self, path: str) -> bytes | None:
        """Return a file; None when there is none."""
        ...

    def folders(self, path: str) -> list[str]:
        """Return the names of the folders directly in a folder, sorted."""
        ...

    def files(self, path: str) -> Iterable[str]:
        """Yield the path of every file under a folder, at any depth."""
        ...

    def remove(self, paths: Sequence[str]) -> None:
        """Delete files in the order given; those already gone are passed over."""
        ...


def open_place(url: str) -> Place:
    """Return the place of a landing URL. Raises Misconfigured.

    `file://var/landing` and `var/landing` are relative to the working directory. `s3://`
    takes its credentials, region and endpoint from the environment (`AWS_...`).
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        return Folder(Path(url))
    if scheme == "file":
        return Folder(Path(rest))
    if scheme == "s3":
        from oms_pipelines.landing.bucket import open_bucket  # loads the S3 client: only here

        return open_bucket(url)
    raise Misconfigured([f"landing.url: {scheme}:// is not known; write file:// or s3://"])


class Folder:
    """A folder. `on_step` is called before each operation: tests die there."""

    def __init__(self, root: Path, on_step: Callable[[str], None] = lambda step: None):
        self._root = Path(root)
        self._step = on_step

    def put(self, path: str, parts: Sequence[bytes]) -> None:
        target = self._root / path
        temporary = target.with_name(f".{target.name}.tmp")
        try:
            self._step("make folder")
            target.parent.mkdir(parents=True, exist_ok=True)
            self._step("open")
            with open(temporary, "wb", buffering=0) as file:
                for part in parts:
                    self._step("write")
                    _write(file.fileno(), part)
                self._step("fsync")
                os.fsync(file.fileno())
            self._step("rename")
            os.rename(temporary, target)
            self._step("fsync folder")
            self._settle(target.parent)
            self._step("done")
        except OSError as e:
            raise self._error(e) from None

    def replace(self, path: str, parts: Sequence[bytes]) -> None:
        self.put(path, parts)  # a rename onto the old name

    def _settle(self, folder: Path) -> None:
        """Make the new names of a folder, and its own in the day's folder, survive a power cut."""
        for place in (folder, folder.parent):
            handle = os.open(place, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def get(self, path: str) -> bytes | None:
        try:
            return (self._root / path).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as e:
            raise self._error(e) from None

    def folders(self, path: str) -> list[str]:
        try:
            with os.scandir(self._root / path) as entries:
                return sorted(e.name for e in entries if e.is_dir())
        except FileNotFoundError:
            return []
        except OSError as e:
            raise self._error(e) from None

    def files(self, path: str) -> Iterable[str]:
        for folder, _, names in os.walk(self._root / path):
            base = Path(folder).relative_to(self._root)
            yield from (str(base / name) for name in names)

    def remove(self, paths: Sequence[str]) -> None:
        for path in paths:
            target = self._root / path
            try:
                self._step("remove")
                target.unlink(missing_ok=True)
            except OSError as e:
                raise self._error(e) from None
            with contextlib.suppress(OSError):  # others still lie there
                target.parent.rmdir()
                target.parent.parent.rmdir()

    def _error(self, e: OSError) -> OmsError:
        return Unreachable(f"landing {self._root}: {e.strerror or type(e).__name__}")


def _write(handle: int, part: bytes) -> None:
    rest = memoryview(part)
    while rest:
        rest = rest[os.write(handle, rest) :]
