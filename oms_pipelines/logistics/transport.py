"""Folders that files come from and go to: whole files only, in both directions.

A file written appears under its name in one step, fsynced; a file read is one that is whole.
"""

import fnmatch
import hashlib
import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

import orjson

from oms_pipelines.errors import Malformed, Misconfigured, OmsError, Rejected, Unreachable

MANIFEST = ".manifest.json"
_UNFINISHED = (".tmp", ".part", ".filepart", MANIFEST)


def open_folder(url: str) -> "Folder":
    """Open a folder by plain path or `file://` URL. Raises Misconfigured for any other."""
    parts = urlsplit(url)
    if parts.scheme not in ("", "file"):
        raise Misconfigured([f"{parts.scheme}://: write a folder, as a path or file:// URL"])
    # file://var/out is the relative folder var/out, as in the landing zone's URL.
    path = unquote(parts.netloc + parts.path) if parts.scheme else url
    if not path:
        raise Misconfigured(["write a folder, as a path or file:// URL"])
    return Folder(Path(path))


class Folder:
    """One folder. Raises Unreachable when the system refuses, naming the folder."""

    def __init__(self, path: Path):
        self.path = path

    def incoming(self, pattern: str = "*.csv") -> list[str]:
        """Return the names of whole files that fit a pattern, sorted.

        A name that begins with a dot or ends in .tmp, .part or .filepart is still being
        written. No folder is no file.
        """
        try:
            with os.scandir(self.path) as entries:
                names = [e.name for e in entries if e.is_file()]
        except FileNotFoundError:
            return []
        except OSError as e:
            raise self._error(e) from None
        whole = (n for n in names if not n.startswith(".") and not n.endswith(_UNFINISHED))
        return sorted(n for n in whole if fnmatch.fnmatchcase(n, pattern))

    def read(self, name: str) -> bytes:
        """Return a file. Raises Malformed when a manifest beside it tells another sha256."""
        body = self.peek(name)
        if body is None:
            raise Unreachable(f"{self.path / name}: no such file any more")
        told = self.peek(name + MANIFEST)
        if told is not None and _promised(told) not in (None, hashlib.sha256(body).hexdigest()):
            raise Malformed(
                f"{name}: its bytes are not those its manifest tells; have it sent again"
            )
        return body

    def archive(self, name: str) -> None:
        """Move a file and its manifest to `archive/`; another file of that name stays."""
        for each in (name, name + MANIFEST):
            body = self.peek(each)
            if body is None:
                continue
            target = self.path / "archive" / each
            try:
                target.parent.mkdir(exist_ok=True)
                if target.exists() and target.read_bytes() != body:
                    digest = hashlib.sha256(body).hexdigest()[:12]
                    target = target.with_name(f"{digest}_{each}")
                os.replace(self.path / each, target)
            except OSError as e:
                raise self._error(e) from None

    def deliver(self, name: str, body: bytes, *, again: bool = False) -> None:
        """Put a file there: hidden name, fsync, rename. The same bytes are left as they lie.

        `again` writes them anew. Raises Rejected when a file of that name holds other bytes:
        somebody may be reading it.
        """
        try:
            there = self.peek(name)
            if there is not None and there != body:
                raise Rejected(
                    f"{self.path / name}: another file of this name lies there; "
                    "move it away, then run again"
                )
            if there is None or again:
                self._put(name, body)
        except OSError as e:
            raise self._error(e) from None

    def replace(self, name: str, body: bytes) -> None:
        """Put a file there, whatever lay under its name."""
        try:
            self._put(name, body)
        except OSError as e:
            raise self._error(e) from None

    def sweep(self, prefix: str) -> int:
        """Remove what an interrupted `deliver` of our own names left. Return how many."""
        try:
            left = [p for p in self.path.glob(f".{prefix}*.tmp") if p.is_file()]
            for path in left:
                path.unlink(missing_ok=True)
        except OSError as e:
            raise self._error(e) from None
        return len(left)

    def _put(self, name: str, body: bytes) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        temporary = self.path / f".{name}.tmp"
        with open(temporary, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, self.path / name)
        # The name itself must survive a power cut.
        handle = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def peek(self, name: str) -> bytes | None:
        """Return a file as it lies there, or None when there is none."""
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as e:
            raise self._error(e) from None

    def _error(self, e: OSError) -> OmsError:
        return Unreachable(f"{self.path}: {e.strerror or type(e).__name__}")


def _promised(manifest: bytes) -> str | None:
    """Return the sha256 a manifest tells; a manifest that cannot be read tells none that fits."""
    try:
        told = orjson.loads(manifest)
    except orjson.JSONDecodeError:
        return ""
    return told.get("sha256") if isinstance(told, dict) else ""
